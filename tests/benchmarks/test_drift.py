"""The benchmark of drift, small: rates, estimates and the table that is printed."""

import numpy as np
import pytest

import benchmarks.estimates
from benchmarks.drift import Case, Measuring, drawn
from benchmarks.drift_table import table
from benchmarks.estimates import METRICS, estimates
from tests.evaluated import PARAMETERS, small_bundle
from tests.small import history

SETTINGS = PARAMETERS.drift


def _case(column, shift=0.0):
    columns, _, _ = history(PARAMETERS)
    shifted = {**columns, "age": columns["age"] + shift}
    return Case(shifted, np.random.default_rng(0).random(600), column)


def _rates(case):
    rng = np.random.default_rng(1)
    draws = np.array([rng.choice(600, 150, replace=False) for _ in range(10)])
    return Measuring(small_bundle(), SETTINGS).rates(case, draws)


def test_a_planted_shift_is_found_in_its_column_only():
    assert _rates(_case("age", shift=30)) == {"ours": 1.0, "psi_alone": 1.0}
    assert _rates(_case("tenure_months", shift=30))["ours"] == 0.0


def test_psi_alone_cries_wolf_where_ours_is_still():
    rates = _rates(_case("tenure_months"))

    assert rates["ours"] == 0.0
    assert rates["psi_alone"] > 0.0


def test_the_draws_of_all_sizes_are_the_same_for_all_cases():
    first, second = ({size: rows[:3].tolist() for size, rows in drawn(name, 6000)} for name in "ab")

    assert first == second
    assert {size: len(rows[0]) for size, rows in first.items()} == {
        200: 200,
        1000: 1000,
        5000: 5000,
    }


def test_the_estimate_is_near_the_truth_for_other_customers_and_not_for_other_behaviour(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(benchmarks.estimates, "DRAWS", 10)
    rng = np.random.default_rng(0)
    truth = rng.beta(1, 2.5, 4000)
    monthly = rng.random(4000) < 0.3 + 0.5 * truth
    words = np.where(monthly, "Month-to-month", "One year").astype(object)

    found = estimates({"contract": words}, truth, truth, 0.35)

    errors = {shift: one["roc_auc"]["mean_absolute_error"] for shift, one in found.items()}
    behaviour = errors.pop("other behaviour")
    assert max(errors.values()) < 0.02
    assert behaviour > 0.03
    assert {*found["month to month × 1"]} == {*METRICS}


def test_the_table_shows_every_rate_and_every_estimate():
    estimate = {"real": 0.5, "estimated": 0.25, "mean_absolute_error": 0.125, "in_interval": 0.9}
    rates = {"ours": 0.01, "psi_alone": 0.2, "evidently": 0.875}
    shown = table(
        {
            "evidently": "1.2.3",
            "draws": {
                "without_shift": {"ours": 1000, "evidently": 40},
                "planted": {"ours": 100, "evidently": 12},
                "estimates": {"draws": 50, "rows": 2000},
            },
            "called_moved": {"no shift": {"200": rates}},
            "estimates": {"other behaviour": {"f1": estimate}},
        }
    )

    assert "Evidently 1.2.3: 12" in shown
    assert "of 1,000 (40)" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("no shift")] == [
        ["no", "shift", "1.0%", "20.0%", "87.5%"]
    ]
    assert "0.5000   0.2500   0.1250    90.0%" in shown
