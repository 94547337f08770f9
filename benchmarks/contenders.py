"""The servers of `make bench-serve`: how each is started, asked, and understood."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.customers import MODEL, Customer
from benchmarks.processes import Server, free_port, started

RIVALS = "benchmarks.serve_rivals"
BENTOML = Path(".venv.bench-bento/bin/bentoml")
# Any key does; the server is on 127.0.0.1 and lives for a minute.
KEY = "a-key-for-the-benchmark-alone-0123456789"
# Two API processes, as many as ours and as there are cores in the smallest machine to serve on.
WORKERS = "2"
# Every process scores with one thread: two in each fight for the cores, and the rivals lose most of
# their throughput. Ours sees to it itself.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
QUIET = {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "true"}


@dataclass(frozen=True)
class Call:
    """One way to ask.

    Attributes:
        path: of the endpoint.
        body: customers → what is sent as JSON.
        probabilities: what JSON came back → a probability for each customer.
    """

    path: str
    body: Callable[[Sequence[Customer]], Any]
    probabilities: Callable[[Any], list[float]]


@dataclass(frozen=True)
class Contender:
    """A server.

    Attributes:
        name: in the table.
        command: port → what starts it.
        one: asks for one customer.
        batches: by form, asks for many; none where the server takes one at a time.
        headers: sent with every request.
        environment: that it is started with.
        tolerance: by how much its probabilities may differ from the scorer's.
    """

    name: str
    command: Callable[[int], list[str]]
    one: Call
    batches: Mapping[str, Call] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1e-6

    def start(self, log: Path) -> AbstractContextManager[Server]:
        """The server for the time of a block, what it says in a file."""
        port = free_port()
        return started(self.command(port), port, QUIET | dict(self.environment), log)

    def request(self, call: Call, customers: Sequence[Customer]) -> bytes:
        """A whole HTTP request."""
        body = json.dumps(call.body(customers)).encode()
        headers = {
            "Host": "127.0.0.1",
            "Content-Type": "application/json",
            "Content-Length": len(body),
            **self.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {call.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def contenders(folder: Path) -> list[Contender]:
    """All of them; `folder` is a temporary one for what they need on disk."""
    logging = {"LOG_FOLDER": str(folder / "predictions")}
    own = replace(ours(), environment={**ours().environment, **logging})
    return [own, stock_litserve(), bare_fastapi(), mlflow(folder), bentoml(folder)]


def ours(model: Path = MODEL) -> Contender:
    """`python -m serve` with everything on."""

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", "serve", "--model", str(model), "--port", str(port)]

    def answers(said: Any) -> list[float]:
        return [one["churn_probability"] for one in said["predictions"]]

    return Contender(
        "ours",
        command,
        Call("/predict", _first, _one_probability),
        {
            "rows": Call("/predict/batch", list, answers),
            "columns": Call("/predict/batch", _columns, answers),
        },
        headers={"X-API-Key": KEY},
        environment={"CHURN_API_KEYS": KEY},
        tolerance=0,
    )


def stock_litserve() -> Contender:
    """LitServe's own hooks and default settings."""

    def command(port: int) -> list[str]:
        return [sys.executable, "-m", f"{RIVALS}.stock_litserve", str(port)]

    one = Call("/predict", _first, _one_probability)
    return Contender("LitServe hooks", command, one, environment=ONE_THREAD)


def bare_fastapi() -> Contender:
    """A route that does nothing but score, on two uvicorn workers."""

    def command(port: int) -> list[str]:
        app = [f"{RIVALS}.bare_fastapi:app", "--port", str(port), "--workers", WORKERS]
        return [sys.executable, "-m", "uvicorn", *app, "--no-access-log"]

    one = Call("/predict", _first, _one_probability)
    return Contender("bare FastAPI", command, one, environment=ONE_THREAD)


def mlflow(folder: Path) -> Contender:
    """`mlflow models serve` over the scikit-learn Pipeline, which is logged first."""
    model = folder / "mlflow"
    subprocess.run([sys.executable, "-m", f"{RIVALS}.mlflow_model", str(model)], check=True)

    def command(port: int) -> list[str]:
        place = ["-m", str(model), "--host", "127.0.0.1", "--port", str(port)]
        settings = ["--env-manager", "local", "--workers", WORKERS]
        return [sys.executable, "-m", "mlflow", "models", "serve", *place, *settings]

    def body(customers: Sequence[Customer]) -> Any:
        return {"dataframe_records": list(customers)}

    def answers(said: Any) -> list[float]:
        return [churn for _, churn in said["predictions"]]

    # MLflow starts uvicorn by a shell, which finds the library by neither folder nor module.
    environment = ONE_THREAD | {"PYTHONPATH": str(Path.cwd())}
    call = Call("/invocations", body, answers)
    return Contender("mlflow models serve", command, call, {"rows": call}, environment=environment)


def bentoml(folder: Path) -> Contender:
    """BentoML over the scikit-learn Pipeline, in an environment of its own."""

    def command(port: int) -> list[str]:
        service = f"{RIVALS}.bento:Churn"
        return [str(BENTOML), "serve", service, "--host", "127.0.0.1", "--port", str(port)]

    def body(customers: Sequence[Customer]) -> Any:
        return {"customers": list(customers)}

    call = Call("/predict", body, list)
    environment = ONE_THREAD | {"BENTOML_HOME": str(folder / "bentoml")}
    return Contender("BentoML", command, call, {"rows": call}, environment=environment)


def _first(customers: Sequence[Customer]) -> Any:
    return customers[0]


def _columns(customers: Sequence[Customer]) -> Any:
    names = dict.fromkeys(name for one in customers for name in one)
    return {"columns": {name: [one.get(name) for one in customers] for name in names}}


def _one_probability(said: Any) -> list[float]:
    return [said["churn_probability"]]
