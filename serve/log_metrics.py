"""What is counted of the prediction log, and of what the predictions say.

Two kinds of process count: each that answers requests counts what it has kept or lost, and the
recorder counts what it reads, as that has time for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from churn.contract import SCORE
from churn.reference import Reference

# Where predictions for the log are lost: memory, the spool's limit, the disk, the database's
# refusal.
LOSSES = ("queue_full", "spool_full", "disk", "rejected")
FEEDBACK = ("recorded", "repeated", "unknown", "conflict")
DECILES = tuple(i / 10 for i in range(1, 11))
OUTCOMES = {True: "churn", False: "stay"}


def _lost(registry: CollectorRegistry) -> dict[str, Counter]:
    counter = Counter(
        "churn_log_rows_lost",
        "Predictions that were answered and are not in the log",
        ["reason"],
        registry=registry,
    )
    return {reason: counter.labels(reason) for reason in LOSSES}


class JournalMetrics:
    """What one process has kept for the prediction log, and what it has lost."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._queued = Gauge(
            "churn_log_queue_rows",
            "Predictions in memory that are not in the spool yet",
            multiprocess_mode="livesum",
            registry=registry,
        )
        self._lost = _lost(registry)

    def queued(self, rows: int) -> None:
        """Tell how many wait."""
        self._queued.set(rows)

    def lost(self, rows: int, reason: str) -> None:
        """Count what is not in the log, by one of `LOSSES`."""
        self._lost[reason].inc(rows)


class RecorderMetrics:
    """What the recorder has read, written and been told."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, about: str) -> Gauge:
            return Gauge(name, about, multiprocess_mode="mostrecent", registry=registry)

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(name, about, labels, registry=registry)

        self.spool_rows = gauge("churn_log_spool_rows", "Predictions that wait for the database")
        self.spool_bytes = gauge("churn_log_spool_bytes", "Bytes of the spool that are taken up")
        self.database_up = gauge("churn_log_database_up", "1 if the last write has succeeded")
        self.written = counter("churn_log_rows", "Predictions written to the database")
        self.rejected = _lost(registry)["rejected"]
        feedback = counter("churn_feedback_rows", "Outcomes that were sent, by result", "result")
        self.feedback = {one: feedback.labels(one) for one in FEEDBACK}
        self._outcomes = counter(
            "churn_outcomes",
            "Outcomes beside what was predicted",
            "model_version",
            "predicted",
            "actual",
        )
        self._churners = counter(
            "churn_predicted_churners", "Customers called churners", "model_version"
        )
        self._bins = counter(
            "churn_feature_bin",
            "Customers scored, by bin of each column and of the score",
            "model_version",
            "feature",
            "bin",
        )
        self._probability = Histogram(
            "churn_probability", "Probabilities answered", buckets=DECILES, registry=registry
        )

    def announce(self, model_version: str, reference: Reference) -> None:
        """Show the counters of a model as 0."""
        self._churners.labels(model_version)
        for feature, bins in reference.bins.items():
            for label in bins.labels:
                self._bins.labels(model_version, feature, label)
        for predicted in OUTCOMES.values():
            for actual in OUTCOMES.values():
                self._outcomes.labels(model_version, predicted, actual)

    def scored(
        self,
        model_version: str,
        reference: Reference,
        columns: Mapping[str, NDArray[Any]],
        will_churn: Iterable[bool],
    ) -> None:
        """Count customers that one model has scored.

        Args:
            model_version: of the model.
            reference: of its bundle.
            columns: the contract's columns and the score (`churn_probability`), each (n,).
            will_churn: the decisions (n,).
        """
        self._churners.labels(model_version).inc(sum(will_churn))
        for feature, bins in reference.bins.items():
            counts = bins.count(columns[feature]).tolist()
            for label, count in zip(bins.labels, counts, strict=True):
                if count:
                    self._bins.labels(model_version, feature, label).inc(count)
        for one in columns[SCORE].tolist():
            self._probability.observe(one)

    def outcome(self, model_version: str, *, predicted: bool, actual: bool) -> None:
        """Count an outcome."""
        words = OUTCOMES[predicted], OUTCOMES[actual]
        self._outcomes.labels(model_version, *words).inc()
