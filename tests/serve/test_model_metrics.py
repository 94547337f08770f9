"""Metrics of the models: constant while they serve, and only of what is known."""

import pytest

from serve.generations import Generation
from serve.keys import Keyring
from serve.model_metrics import ModelMetrics
from tests.serve.models import CREATED, lineup

MEASURED = {"accuracy": 0.8, "precision": 0.5, "recall": 0.6}


def generation(evaluation=None, **names):
    return Generation(1, lineup(**names), Keyring(()), evaluation)


def evaluation(**metrics):
    values = {name: {"value": one, "low": 0.0, "high": 1.0} for name, one in metrics.items()}
    return {"customers": 200, "churners": 50, "metrics": values}


def samples(of, name):
    return [
        (one.labels, one.value)
        for family in ModelMetrics(of).collect()
        for one in family.samples
        if one.name == name
    ]


def test_each_bin_of_each_model_has_its_reference_share():
    of = generation(other="challenger")

    found = samples(of, "churn_feature_reference_ratio")

    for model in (of.lineup.champion, of.lineup.challenger):
        bins = model.bundle.reference.bins
        expected = {
            (name, label): ratio
            for name, one in bins.items()
            for label, ratio in zip(one.labels, one.ratios, strict=True)
        }
        own = [(at, value) for at, value in found if at["model_version"] == model.version]
        assert {(at["feature"], at["bin"]): value for at, value in own} == expected


def test_models_have_an_age_and_a_role():
    of = generation(other="challenger")

    assert [value for _, value in samples(of, "churn_model_created_seconds")] == [CREATED] * 2
    roles = [at["role"] for at, _ in samples(of, "churn_model_info")]
    assert roles == ["champion", "challenger"]


def test_what_was_measured_is_the_baseline():
    of = generation(evaluation(**MEASURED))

    found = {at["metric"]: value for at, value in samples(of, "churn_baseline_metric")}

    assert found == MEASURED
    # 0.6 of 50 churners are found, which is half of those called churners: 60 of 200.
    [(_, ratio)] = samples(of, "churn_reference_churn_ratio")
    assert ratio == pytest.approx(0.3)


@pytest.mark.parametrize(
    "known", [None, evaluation(roc_auc=0.8), evaluation(precision=0.0, recall=0.0)]
)
def test_what_is_not_known_is_not_told(known):
    assert samples(generation(known), "churn_reference_churn_ratio") == []
