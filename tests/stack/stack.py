"""docker-compose.yml's services in a project of the tests' own, and what tests do with them."""

from __future__ import annotations

import base64
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from ruamel.yaml import YAML

from commands.image import engine
from commands.stack.services import compose
from tests.checkout import ROOT, Checkout
from tests.ports import free_port
from tests.serve.load import Load, load
from tests.serve.running import Address
from tests.waiting import until

STAND_INS = Path(__file__).parent / "stand_ins"
# Which of them stands in for which service, and for what.
PUBLISHED = {
    "load-balancer": 8000,
    "mlflow": 5000,
    "prometheus": 9090,
    "alertmanager": 9093,
    "grafana": 3000,
}
RATE, CLIENTS = 100, 16
SERVICES: dict[str, Any] = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]


def stand_ins() -> dict[str, str]:
    """Services whose image cannot be had here, and the name of what is built to stand in."""
    found = {}
    for service, content in SERVICES.items():
        image = content["image"]
        if "@" in image and not _is_here(image):
            folder = STAND_INS / image.partition(":")[0].rpartition("/")[2]
            found[service] = f"churn-stand-in-{folder.name}"
            engine.docker("build", "--quiet", f"--tag={found[service]}", str(folder))
    return found


def _is_here(image: str) -> bool:
    try:
        engine.docker("image", "inspect", image)
    except engine.EngineFailed:
        try:
            engine.docker("pull", "--quiet", image)
        except engine.EngineFailed:
            return False
    return True


class Stack:
    """The stack of a checkout, which has the project's name.

    Args:
        checkout: whose files, secrets and images it runs.
        project: its name.
        images: of services, instead of the ones in docker-compose.yml.
    """

    def __init__(self, checkout: Checkout, project: str, images: Mapping[str, str]) -> None:
        self.checkout, self.project = checkout, project
        self.ports = {service: free_port() for service in PUBLISHED}
        published = {
            service: [f"127.0.0.1:{self.ports[service]}:{port}"]
            for service, port in PUBLISHED.items()
        }
        # As text: the tag by which a list replaces another is docker compose's own.
        lines = ["services:"]
        for service in {**images, **published}:
            lines.append(f"  {service}:")
            lines += [f"    image: {images[service]}"] if service in images else []
            lines += [f"    ports: !override {published[service]}"] if service in published else []
        (checkout.folder / "tests.yml").write_text("\n".join(lines) + "\n")
        files = [str(checkout.folder / name) for name in ("docker-compose.yml", "tests.yml")]
        # What tells docker compose, whoever calls it, that it is this stack.
        self.environment = {
            "COMPOSE_PROJECT_NAME": project,
            "COMPOSE_FILE": os.pathsep.join(files),
        }

    def serve(self, image: str) -> None:
        """From now on, this image is wanted: a tag of ours, or another's name."""
        name = image if ":" in image else f"{self.project}:{image}"
        (self.checkout.folder / ".env").write_text(f"CHURN_IMAGE={name}\n")

    def api(self) -> Address:
        """The API, with the key of the smoke test."""
        return Address(self.ports["load-balancer"], X_API_Key=self.key())

    def key(self) -> str:
        """A key of the API."""
        return self.secret("api_keys").splitlines()[0].partition(":")[2]

    def secret(self, name: str) -> str:
        """A secret that make secrets has written."""
        return (self.checkout.folder / "secrets" / name).read_text().strip()

    def container(self, service: str) -> str:
        """Id of a service's container."""
        return compose("ps", "--all", "--quiet", service)

    def inspect(self, service: str) -> dict[str, Any]:
        """All that the engine knows of a service's container."""
        found: dict[str, Any] = orjson.loads(engine.docker("inspect", self.container(service)))[0]
        return found

    def crash(self, service: str) -> None:
        """Kill a first process, as the kernel would; docker kill would forbid the restart."""
        os.kill(int(self.inspect(service)["State"]["Pid"]), signal.SIGKILL)

    def is_well(self, service: str) -> bool:
        """Whether it runs and its health check says so."""
        state = self.inspect(service)["State"]
        return bool(state["Running"] and state["Health"]["Status"] == "healthy")

    def wait_until_restarted(self, service: str, before: dict[str, Any]) -> None:
        """Wait until a service is well, and another process than before."""
        begun = before["State"]["StartedAt"]
        until(
            lambda: self.inspect(service)["State"]["StartedAt"] != begun and self.is_well(service),
            f"{service} is well again",
        )

    @contextmanager
    def loaded(self, customer: Any) -> Iterator[Load]:
        """A hundred requests a second until the block ends."""
        body, key = orjson.dumps(customer), {"X-API-Key": self.key()}
        port = self.ports["load-balancer"]
        question = ("/predict", body)
        with load(port, lambda _: question, clients=CLIENTS, per_second=RATE, headers=key) as found:
            yield found

    def query(self, sql: str, given: str = "") -> list[str]:
        """Lines that PostgreSQL answers about the prediction log."""
        told = ("--no-psqlrc", "--tuples-only", "--no-align", "--username=postgres", "churn")
        return compose(
            "exec", "-T", "postgres", "psql", *told, given=f"{given}\n{sql}"
        ).splitlines()

    def predictions(self) -> set[str]:
        """Ids in the prediction log."""
        return {*self.query("SELECT prediction_id FROM predictions;")}

    def series(self, expression: str) -> list[Any]:
        """What Prometheus answers now."""
        answer = Address(self.ports["prometheus"]).get(f"/api/v1/query?query={expression}")
        return answer.json["data"]["result"]  # type: ignore[no-any-return]

    def earliest(self) -> float:
        """The moment of the first answer of a server that Prometheus still has."""
        found = self.series("min(min_over_time(timestamp(up)[1h:15s]))")
        return float(found[0]["value"][1])

    def mlflow(self, path: str, content: Any) -> dict[str, Any]:
        """What MLflow answers to a POST."""
        reply = Address(self.ports["mlflow"]).post(f"/api/2.0/mlflow/{path}", content)
        assert reply.status == 200, reply.body
        found: dict[str, Any] = reply.json
        return found

    def grafana(self) -> Address:
        """Grafana, as its administrator."""
        who = f"admin:{self.secret('grafana_password')}"
        basic = base64.b64encode(who.encode()).decode()
        return Address(self.ports["grafana"], Authorization=f"Basic {basic}")
