"""Models to serve, and servers that run."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from churn.columns import Columns, take
from churn.contract import Contract
from churn.synthetic import draw
from tests.serve.running import Running, Settled
from tests.small import TELCO, small_parameters, trained

if TYPE_CHECKING:
    from churn.scoring import Scorer

GYM = Contract.model_validate(
    {
        "name": "gym",
        "id": "member",
        "target": {"column": "left", "positive": "yes", "negative": "no"},
        "columns": {
            "visits": {"type": "integer", "min": 0, "max": 31, "unit": "days", "required": True},
            "fee": {"type": "number", "above": 0, "unit": "EUR"},
            "sauna": {"type": "boolean"},
            "trainer": {"type": "category"},
        },
    }
)


@dataclass(frozen=True)
class Model:
    """A bundle in a folder, and its scorer."""

    folder: Path
    scorer: Scorer

    @property
    def version(self) -> str:
        """What answers call it."""
        return self.scorer.bundle.sha256[:12]


def _saved(folder: Path, scorer: Scorer) -> Model:
    scorer.bundle.save(folder)
    return Model(folder, scorer)


def _telco(folder: Path, seed: int, trees: int) -> Model:
    drawn = draw(small_parameters(3000).source, "history")
    labels = drawn.churned.astype(np.float64)
    model = {"n_estimators": trees, "learning_rate": 0.15, "seed": seed}
    return _saved(folder, trained(TELCO, drawn.columns, labels, **model))


@pytest.fixture(scope="session")
def telco(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of the embedded table."""
    return _telco(tmp_path_factory.mktemp("models") / "telco", 0, 40)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Another model of the same table."""
    return _telco(tmp_path_factory.mktemp("models") / "other", 1, 25)


@pytest.fixture(scope="session")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model of another table."""
    rng = np.random.default_rng(0)
    columns = {
        "visits": np.floor(rng.random(400) * 31),
        "fee": 20 + rng.random(400) * 80,
        "sauna": np.floor(rng.random(400) * 2),
        "trainer": np.where(rng.random(400) < 0.5, "Ann", "Bob").astype(object),
    }
    labels = (rng.random(400) * 31 > columns["visits"]).astype(np.float64)
    scorer = trained(GYM, columns, labels, n_estimators=20, learning_rate=0.3)
    return _saved(tmp_path_factory.mktemp("models") / "gym", scorer)


@dataclass(frozen=True)
class Customers:
    """Customers as columns, and the same as requests have them."""

    columns: Columns
    requests: list[dict[str, Any]]

    def some(self, count: int) -> Customers:
        """The first of them, again and again if more are wanted than there are."""
        rows = np.arange(count) % len(self.requests)
        requests = [{**self.requests[i], "customer_id": f"C{k}"} for k, i in enumerate(rows)]
        return Customers(take(self.columns, rows), requests)

    def as_columns(self) -> dict[str, list[Any]]:
        """The requests turned into lists, null where a value is missing."""
        names = ("customer_id", *TELCO.known_columns)
        return {name: [one.get(name) for one in self.requests] for name in names}


@pytest.fixture(scope="session")
def customers() -> Customers:
    """600 customers that no model has seen; every third lacks what may be missing."""
    drawn = draw(small_parameters(1, current_rows=600).source, "current").columns
    columns = {name: values.copy() for name, values in drawn.items()}
    for name, values in columns.items():
        if not TELCO.columns[name].required:
            values[::3] = None if values.dtype == object else np.nan
    requests = [
        {"customer_id": f"C{i}", **_request({name: values[i] for name, values in columns.items()})}
        for i in range(600)
    ]
    return Customers(columns, requests)


def _request(row: dict[str, Any]) -> dict[str, Any]:
    as_json = {"integer": int, "number": float, "boolean": bool, "category": str}
    return {
        name: as_json[TELCO.columns[name].type](value)
        for name, value in row.items()
        if value is not None and not (isinstance(value, float) and np.isnan(value))
    }


Serving = Callable[..., Running]


def _factory(folder: Path) -> Iterator[Serving]:
    servers: list[Running] = []
    number = itertools.count()

    def serving(model: Model, *arguments: str, stderr: Path | None = None, **more: Any) -> Running:
        own = Settled(folder / f"server-{next(number)}", model.folder, *arguments, **more)
        servers.append(Running(own, stderr))
        return servers[-1]

    yield serving
    for one in servers:
        one.end()


@pytest.fixture(scope="session")
def server(telco: Model, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server as it is shipped, for tests that leave it as it is."""
    for serving in _factory(tmp_path_factory.mktemp("serve")):
        yield serving(telco)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    """Starts servers for one test: model, command line, and settings of the group `serve`."""
    yield from _factory(tmp_path)


@pytest.fixture(scope="module")
def serving_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """Starts servers for the tests of one module."""
    yield from _factory(tmp_path_factory.mktemp("serve"))


@pytest.fixture
def settled(tmp_path: Path) -> Callable[..., Settled]:
    """How a server would be started that is not to start."""
    number = itertools.count()

    def of(model: Path, *arguments: str, **more: Any) -> Settled:
        return Settled(tmp_path / f"settled-{next(number)}", model, *arguments, **more)

    return of


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
