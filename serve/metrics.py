"""What the server counts, for Prometheus, over all of its processes.

prometheus_client keeps each process's numbers in a file of `PROMETHEUS_MULTIPROC_DIR`, which must
be set before it is imported; the file is read by whichever process answers `/metrics`, and outlives
its own, so that no count is lost when a process dies.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from churn.risk import LEVELS
from serve.generations import Generation
from serve.log_metrics import JournalMetrics
from serve.model_metrics import ModelMetrics
from serve.models import Lineup

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# From half a millisecond to the deadline, close enough to tell 4 ms from 5.
MILLISECONDS = (0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 750, 1000)
SECONDS = (*(one / 1000 for one in MILLISECONDS), 2.5, 5.0, 10.0)
ROWS = (1, 10, 100, 1000, 10_000, 100_000)
DIFFERENCES = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
OTHER_FIELD = OTHER_PATH = "(other)"
FAILURES = (500, 503, 504)
SCORING = ("/predict", "/predict/batch")
PAGE = 4096


class Metrics:
    """The metrics of one process.

    Args:
        paths: that requests are counted by; any other is counted as `(other)`.
        fields: that refused values are counted by; any other name is counted as `(other)`, since
            senders may invent any number of them.
    """

    def __init__(self, paths: Iterable[str], fields: Iterable[str]) -> None:
        own = CollectorRegistry()
        self._requests = Counter(
            "churn_requests", "Requests answered", ["endpoint", "status"], registry=own
        )
        self._seconds = Histogram(
            "churn_request_seconds",
            "Seconds from the head of a request to its answer",
            ["endpoint"],
            buckets=SECONDS,
            registry=own,
        )
        self._predictions = Counter(
            "churn_predictions", "Customers scored", ["model_version", "risk_level"], registry=own
        )
        self._refused = Counter(
            "churn_invalid_values", "Values refused, by field", ["field"], registry=own
        )
        rows = Histogram(
            "churn_request_rows",
            "Customers in an answered request",
            ["endpoint"],
            buckets=ROWS,
            registry=own,
        )
        self._rows_by_path = {one: rows.labels(one) for one in paths if one in SCORING}
        self.journal = JournalMetrics(own)
        self.shadow = ShadowMetrics(own)
        known = (*paths, OTHER_PATH)
        self._by_path = {one: self._seconds.labels(one) for one in known}
        # Failures too, as 0: of a counter that begins above it, Prometheus misses the beginning.
        self._by_status = {
            (one, status): self._requests.labels(one, status)
            for one in known
            for status in ((200, *FAILURES) if one in SCORING else (200,))
        }
        self._by_field = {one: self._refused.labels(one) for one in (*fields, OTHER_FIELD)}
        self._by_level: dict[tuple[str, str], Counter] = {}
        _allocate(Path(os.environ[FOLDER]))

    def answered(self, path: str, status: int, seconds: float) -> None:
        """Count a request."""
        path = path if path in self._by_path else OTHER_PATH
        counter = self._by_status.get((path, status))
        if counter is None:
            counter = self._by_status[path, status] = self._requests.labels(path, status)
        counter.inc()
        self._by_path[path].observe(seconds)

    def scored(self, path: str, levels: Mapping[tuple[str, str], int]) -> None:
        """Count the customers of a request by version of the model and risk level."""
        for (version, level), count in levels.items():
            self._level(version, level).inc(count)
        self._rows_by_path[path].observe(sum(levels.values()))

    def announce(self, lineup: Lineup) -> None:
        """Show the counters of models that have not answered yet, as 0."""
        for model in (lineup.champion, lineup.challenger):
            if model is not None:
                for level in LEVELS:
                    self._level(model.version, level)

    def refused(self, fields: Mapping[str, int]) -> None:
        """Count values that were refused, by field."""
        for field, count in fields.items():
            self._by_field.get(field, self._by_field[OTHER_FIELD]).inc(count)

    def _level(self, model_version: str, level: str) -> Counter:
        key = (model_version, level)
        if key not in self._by_level:
            self._by_level[key] = self._predictions.labels(model_version, level)
        return self._by_level[key]


class ShadowMetrics:
    """How the challenger's answers differ from the champion's, where it runs as a shadow."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._customers = Counter(
            "churn_shadow_customers", "Customers scored by the challenger too", registry=registry
        )
        self._disagreements = Counter(
            "churn_shadow_disagreements",
            "Customers whom one of the two calls a churner and the other does not",
            registry=registry,
        )
        self._difference = Histogram(
            "churn_shadow_difference",
            "Absolute difference between the two probabilities",
            buckets=DIFFERENCES,
            registry=registry,
        )
        self._dropped = Counter(
            "churn_shadow_dropped", "Requests left out, as the shadow was behind", registry=registry
        )

    def compared(self, differences: Sequence[float], disagreements: int) -> None:
        """Count customers that both have scored."""
        self._customers.inc(len(differences))
        self._disagreements.inc(disagreements)
        for one in differences:
            self._difference.observe(one)

    def dropped(self, requests: int) -> None:
        """Count requests that the challenger did not get."""
        self._dropped.inc(requests)


def exposed(generation: Generation) -> bytes:
    """The metrics of all processes in Prometheus's text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, os.environ[FOLDER])  # type: ignore[no-untyped-call]
    registry.register(ModelMetrics(generation))
    return generate_latest(registry)


def _allocate(folder: Path) -> None:
    """Give this process's files the blocks that they will use.

    They are sparse and mapped into memory: on a disk that has become full, the first write into a
    page without a block would kill the process.

    Raises:
        OSError: there is no room.
    """
    for path in folder.glob(f"*_{os.getpid()}.db"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, 64 * PAGE)
