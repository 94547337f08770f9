"""`make smoke`: predictions and feedback through the whole stack, and found again at its ends.

Sent to the load balancer; looked for in PostgreSQL, in Prometheus, and in a query of Grafana's.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from churn.errors import ChurnError, NoSecrets, SmokeFailed
from commands.stack.secrets import FOLDER
from commands.stack.services import address, run_in, until

CUSTOMERS, SECONDS, ANSWER_SECONDS = 20, 90.0, 15
COUNTERS = ("churn_predictions_total", "churn_outcomes_total")
# What it knows the datasource by: deploy/grafana/provisioning.
DATASOURCE = "churn-prometheus"
STORED = """
SELECT (SELECT count(*) FROM predictions WHERE prediction_id = ANY (:'ids'::uuid[])),
       (SELECT count(*) FROM outcomes WHERE prediction_id = ANY (:'ids'::uuid[]));
"""
PSQL = ("psql", "--no-psqlrc", "--tuples-only", "--no-align", "--username=postgres")


def secret(name: str) -> str:
    """A secret of the stack.

    Raises:
        NoSecrets: there is none.
    """
    try:
        return (FOLDER / name).read_text("utf-8").strip()
    except OSError:
        raise NoSecrets(Path(FOLDER / name)) from None


def api_key() -> str:
    """The key that is ours: the first of the file.

    Raises:
        NoSecrets: there is none.
    """
    return secret("api_keys").splitlines()[0].rpartition(":")[2].strip()


def answered(method: str, url: str, **how: Any) -> Any:
    """The JSON that a service answers.

    Raises:
        SmokeFailed: it does not answer, or not with 200.
    """
    try:
        answer = requests.request(method, url, timeout=ANSWER_SECONDS, **how)
    except requests.RequestException as error:
        raise SmokeFailed(url, f"it does not answer ({type(error).__name__})") from None
    if not answer.ok:
        raise SmokeFailed(url, f"status {answer.status_code}: {answer.text[:300]}")
    return answer.json()


class Api:
    """The API, as a client has it."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._headers = url, {"X-API-Key": key}

    def post(self, path: str, content: Any) -> Any:
        """POST JSON. Raises SmokeFailed."""
        return answered("POST", f"{self._url}{path}", json=content, headers=self._headers)

    def example(self) -> dict[str, Any]:
        """A customer as the served model wants one, from the API's own description."""
        document = answered("GET", f"{self._url}/openapi.json")
        example: dict[str, Any] = document["components"]["schemas"]["Customer"]["examples"][0]
        return example


def send(api: Api) -> list[str]:
    """Ask about customers, one by one and in a batch, and tell what became of them; the ids."""
    customer = api.example()
    single = [api.post("/predict", customer) for _ in range(CUSTOMERS)]
    batch = api.post("/predict/batch", [customer] * CUSTOMERS)["predictions"]
    return [one["prediction_id"] for one in (*single, *batch)]


def tell(api: Api, ids: list[str]) -> None:
    """Tell what became of each of the customers."""
    now = datetime.now(UTC).isoformat()
    outcomes = [{"prediction_id": one, "churned": False, "observed_at": now} for one in ids]

    def are_recorded() -> bool:
        told = api.post("/feedback", outcomes)
        return bool(told["recorded"] + told["repeated"] == len(ids))

    arrive(are_recorded, "POST /feedback", "outcomes")


def arrive(condition: Callable[[], bool], where: str, what: str) -> None:
    """Wait until something is where it should be.

    Raises:
        SmokeFailed: it is not.
    """
    until(condition, lambda: SmokeFailed(where, f"{what}: not within {SECONDS:g} s"), SECONDS)


def stored(ids: list[str]) -> tuple[int, int]:
    """How many of these predictions, and how many outcomes of them, PostgreSQL has."""
    told = f"--set=ids={{{','.join(ids)}}}"
    found = run_in("postgres", *PSQL, "--dbname=churn", told, given=STORED).split("|")
    return int(found[0]), int(found[1])


def in_prometheus(url: str, counter: str) -> float:
    """Sum of a counter over the servers, as Prometheus has it now."""
    found = answered("GET", f"{url}/api/v1/query", params={"query": f"sum({counter})"})
    return sum(float(one["value"][1]) for one in found["data"]["result"])


def last_scrape(url: str) -> float:
    """When Prometheus last had an answer of the server that it has waited for longest."""
    # Of what is no plain selector, timestamp() would be now.
    query = {"query": 'min(timestamp(up{job="churn"}) and up{job="churn"} == 1)'}
    found = answered("GET", f"{url}/api/v1/query", params=query)
    return min((float(one["value"][1]) for one in found["data"]["result"]), default=0.0)


def in_grafana(url: str, counter: str) -> float:
    """The same as Grafana's datasource has it, asked by its administrator.

    Raises:
        NoSecrets: there is no password of the administrator.
    """
    query = {"refId": "A", "datasource": {"uid": DATASOURCE}, "instant": True}
    body = {"queries": [{**query, "expr": f"sum({counter})"}], "from": "now-5m", "to": "now"}
    who = ("admin", secret("grafana_password"))
    frames = answered("POST", f"{url}/api/ds/query", json=body, auth=who)["results"]["A"]["frames"]
    return sum(float(frame["data"]["values"][1][-1]) for frame in frames)


def smoke() -> None:
    """Send, and look at every end.

    Raises:
        ChurnError: the stack does not run, or something is not where it should be.
    """
    api = Api(address("load-balancer", 8000), api_key())
    prometheus, grafana = address("prometheus", 9090), address("grafana", 3000)
    begun = time.time()
    # Of a server that has just been started anew, Prometheus has the counters of the one before.
    arrive(lambda: last_scrape(prometheus) >= begun, "Prometheus", "a look at every server")
    before = {name: in_prometheus(prometheus, name) for name in COUNTERS}
    ids = send(api)
    print(f"API: {len(ids)} predictions")
    tell(api, ids)
    print(f"API: {len(ids)} outcomes")
    arrive(lambda: stored(ids) == (len(ids), len(ids)), "PostgreSQL", "predictions and outcomes")
    print(f"PostgreSQL: {len(ids)} predictions, {len(ids)} outcomes")
    wanted = {name: count + len(ids) for name, count in before.items()}
    counted("Prometheus", lambda name: in_prometheus(prometheus, name), wanted)
    counted("Grafana", lambda name: in_grafana(grafana, name), wanted)


def counted(place: str, look: Callable[[str], float], wanted: Mapping[str, float]) -> None:
    """Wait until counters are where they should be.

    Args:
        place: that has them.
        look: a counter's value there.
        wanted: at least, by name of the counter.
    Raises:
        SmokeFailed: they are not.
    """
    arrive(
        lambda: all(look(name) >= count for name, count in wanted.items()),
        place,
        " and ".join(f"{name} at {count:g}" for name, count in wanted.items()),
    )
    print(f"{place}: {' and '.join(wanted)} have counted them")


def main() -> None:
    """Try the stack, or say what does not work."""
    try:
        smoke()
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
