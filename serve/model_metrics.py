"""What is known of the models that serve, as metrics that change with them only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from serve.generations import Generation
from serve.models import Model

Samples = Iterable[tuple[list[str], float]]


class ModelMetrics(Collector):
    """The models of a generation: which they are, how old, and what is to be expected of them."""

    def __init__(self, generation: Generation) -> None:
        lineup = generation.lineup
        self._evaluation = generation.evaluation
        self._champion = lineup.champion
        self._models = {
            role: one
            for role, one in (("champion", lineup.champion), ("challenger", lineup.challenger))
            if one is not None
        }

    def collect(self) -> Iterable[Metric]:
        """A family a question."""
        yield _gauge(
            "churn_model_info",
            "Models that serve",
            ["role", "model_version", "data_sha256"],
            (([role, one.version, _data(one)], 1) for role, one in self._models.items()),
        )
        yield _gauge(
            "churn_model_created_seconds",
            "When the model came to be, in seconds since 1970",
            ["model_version"],
            (([one.version], one.created) for one in self._models.values()),
        )
        yield _gauge(
            "churn_feature_reference_ratio",
            "Share of the training customers in each bin of a column or of the score",
            ["model_version", "feature", "bin"],
            (sample for one in self._models.values() for sample in _ratios(one)),
        )
        yield _gauge(
            "churn_baseline_metric",
            "What was measured on the held-out customers",
            ["model_version", "metric"],
            self._baseline(),
        )
        yield _gauge(
            "churn_reference_churn_ratio",
            "Share of the held-out customers whom the model calls churners",
            ["model_version"],
            self._churners(),
        )

    def _baseline(self) -> Samples:
        metrics = self._evaluation["metrics"] if self._evaluation else {}
        for name, one in metrics.items():
            yield [self._champion.version, name], one["value"]

    def _churners(self) -> Samples:
        found = self._evaluation
        values = {k: one["value"] for k, one in found["metrics"].items()} if found else {}
        if found and values.get("precision") and "recall" in values:
            called = values["recall"] * found["churners"] / values["precision"]
            yield [self._champion.version], called / found["customers"]


def _gauge(name: str, about: str, labels: list[str], samples: Samples) -> Metric:
    family = GaugeMetricFamily(name, about, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _data(model: Model) -> str:
    return model.bundle.manifest.provenance.data_sha256


def _ratios(model: Model) -> Iterator[tuple[list[str], float]]:
    for feature, bins in model.bundle.reference.bins.items():
        for label, ratio in zip(bins.labels, bins.ratios, strict=True):
            yield [model.version, feature, label], ratio
