"""Fitting calibrations: as scikit-learn fits them; bent margins are mended, honest ones left."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_limits

from churn.calibrating import METHODS, calibrate, fit
from churn.calibration import NoCalibration
from churn.settings import CalibrationSettings
from tests.checkout import ROOT

FOLDS = 5
every_method = pytest.mark.parametrize("method", METHODS)
fitted_methods = pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
quick = settings(deadline=None, max_examples=60)

pytestmark = pytest.mark.usefixtures("one_thread")


def _customers(rows=1000, seed=0):
    """Honest margins and outcomes: a customer leaves with the probability that the margin says."""
    rng = np.random.default_rng(seed)
    margins = rng.normal(-1, 1.2, rows)
    return margins, (rng.random(rows) < 1 / (1 + np.exp(-margins))).astype(float)


def _held_out(rows):
    return [np.arange(fold, rows, FOLDS) for fold in range(FOLDS)]


def _calibrated(margins, labels, method="best"):
    return calibrate(margins, labels, _held_out(len(labels)), CalibrationSettings(method=method))


def _scores(margins, labels, method):
    """Of each row by the method fitted on the other folds."""
    scores = np.empty(len(labels))
    for rows in _held_out(len(labels)):
        fitted = fit(method, np.delete(margins, rows), np.delete(labels, rows))
        scores[rows] = fitted.probabilities(margins[rows])
    return scores


@st.composite
def margins_and_outcomes(draw):
    """A few rows of both outcomes, in any relation to their margins; (n,) and (n,)."""
    rows = draw(st.integers(10, 60))
    margin = st.floats(-30, 30) | st.integers(-3, 3).map(float)
    labels = draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    labels[0], labels[1] = True, False
    margins = draw(st.lists(margin, min_size=rows, max_size=rows))
    return np.array(margins), np.array(labels, dtype=float)


SEPARATED = np.linspace(-3, 3, 100), (np.arange(100) >= 50).astype(float)
FAR_APART = np.repeat([-30.0, 30.0], 50), (np.arange(100) >= 50).astype(float)
EQUAL = np.full(100, 3.3), (np.arange(100) < 20).astype(float)
TURNED_ROUND = np.linspace(3, -3, 100), (np.arange(100) >= 50).astype(float)


# beside scikit-learn


def _platt(margins, labels):
    """Slope and intercept by scikit-learn's solver, each row once for each outcome it may have."""
    churners = labels.sum()
    others = len(labels) - churners
    targets = np.where(labels == 1, (churners + 1) / (churners + 2), 1 / (others + 2))
    rows, outcomes = np.tile(margins, 2)[:, None], np.repeat([1.0, 0.0], len(labels))
    solver = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
    found = solver.fit(rows, outcomes, sample_weight=np.append(targets, 1 - targets))
    return float(found.coef_[0, 0]), float(found.intercept_[0])


@pytest.mark.parametrize("bend", [0.2, 1.0, 3.0])
@pytest.mark.parametrize("shift", [-4.0, 0.0, 2.0])
def test_the_sigmoid_is_platts_as_scikit_learn_fits_it(bend, shift):
    margins, labels = _customers()
    bent = bend * margins + shift

    found = fit("sigmoid", bent, labels)

    assert (found.slope, found.intercept) == pytest.approx(_platt(bent, labels), abs=1e-6)


@quick
@given(margins_and_outcomes())
@example(SEPARATED)
@example(FAR_APART)
@example(EQUAL)
def test_the_line_is_the_isotonic_regression_of_scikit_learn_kept_off_certainty(rows):
    margins, labels = rows
    least = 1 / (len(labels) + 2)
    theirs = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip")
    around = np.append(margins, np.linspace(-40, 40, 81))

    found = fit("isotonic", margins, labels).probabilities(around)

    np.testing.assert_allclose(found, theirs.fit(margins, labels).predict(around), atol=1e-12)
    assert found.min() >= least - 1e-12
    assert found.max() <= 1 - least + 1e-12


# any rows


@fitted_methods
@quick
@given(rows=margins_and_outcomes())
@example(rows=SEPARATED)
@example(rows=FAR_APART)
@example(rows=EQUAL)
@example(rows=TURNED_ROUND)
def test_any_rows_give_a_calibration_that_is_never_certain_and_never_turns_customers_round(
    method, rows
):
    fitted = fit(method, *rows)

    probabilities = fitted.probabilities(np.sort(np.append(rows[0], np.linspace(-40, 40, 41))))

    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert np.diff(probabilities).min() >= -1e-12


@fitted_methods
@quick
@given(rows=margins_and_outcomes())
@example(rows=FAR_APART)
@example(rows=EQUAL)
@example(rows=TURNED_ROUND)
def test_the_mean_probability_is_the_share_that_left(method, rows):
    margins, labels = rows
    probabilities = fit(method, margins, labels).probabilities(margins)

    # Targets off 0 and 1 move it, the more so the fewer rows there are.
    assert probabilities.mean() == pytest.approx(labels.mean(), abs=2 / len(labels))


@quick
@given(margins_and_outcomes(), st.floats(-0.2, 0.2), st.floats(-0.2, 0.2))
@example(SEPARATED, 0.1, 0.0)
@example(TURNED_ROUND, 0.1, 0.0)
@example(EQUAL, 0.0, -0.1)
def test_no_other_sigmoid_that_rises_fits_better(rows, slope, intercept):
    margins, labels = rows
    churners = labels.sum()
    targets = np.where(
        labels == 1, (churners + 1) / (churners + 2), 1 / (len(labels) - churners + 2)
    )
    found = fit("sigmoid", margins, labels)

    def loss(slope, intercept):
        z = slope * margins + intercept
        return (np.logaddexp(0, z) - targets * z).mean()

    other = loss(max(found.slope + slope, 0), found.intercept + intercept)
    assert loss(found.slope, found.intercept) <= other + 1e-9


@pytest.mark.parametrize("margin", [-7.1, 0.0, 3.3])
@fitted_methods
def test_equal_margins_give_the_share_that_left(method, margin):
    labels = (np.arange(1000) < 200).astype(float)

    fitted = fit(method, np.full(1000, margin), labels)

    assert fitted.probabilities(np.array([margin]))[0] == pytest.approx(0.2, abs=0.001)


# which one is taken


@pytest.mark.parametrize("seed", range(3))
def test_margins_twice_too_large_are_undone(seed):
    margins, labels = _customers(4000, seed)

    found = _calibrated(2 * margins, labels)

    assert found.calibration.method != "none"
    honest = NoCalibration().probabilities(margins)
    mended = found.calibration.probabilities(2 * margins)
    assert np.abs(NoCalibration().probabilities(2 * margins) - honest).mean() > 0.1
    assert np.abs(mended - honest).mean() < 0.03


def test_a_bend_that_no_sigmoid_can_undo_is_left_to_the_line():
    margins, labels = _customers(4000)

    assert _calibrated(np.maximum(margins, -1) ** 3, labels).calibration.method == "isotonic"


@pytest.mark.parametrize("bend", [0.4, 1.0, 2.0])
def test_the_best_is_the_simplest_within_a_standard_error_of_the_least_log_loss(bend):
    margins, labels = _customers(600)

    found = _calibrated(bend * margins, labels)

    scores = {method: _scores(bend * margins, labels, method) for method in METHODS}
    rows = {n: -np.log(np.where(labels == 1, one, 1 - one)) for n, one in scores.items()}
    expected = {method: log_loss(labels, one) for method, one in scores.items()}
    assert dict(found.log_losses) == pytest.approx(expected, rel=1e-12)
    least = rows[min(METHODS, key=expected.__getitem__)]
    worse = {method: one - least for method, one in rows.items()}
    within = [m for m, one in worse.items() if one.mean() <= one.std() / np.sqrt(600)]
    assert found.calibration.method == within[0]
    assert found.scores == pytest.approx(scores[within[0]], rel=1e-12)


def test_honest_margins_are_nearly_always_left_as_they_are():
    taken = [_calibrated(*_customers(500, seed)).calibration.method for seed in range(40)]

    assert taken.count("none") > 30
    assert taken.count("isotonic") == 0


def test_of_equals_the_simplest_is_taken():
    # The share that left is what the margin says, and so is that of every fold.
    labels = np.repeat([1.0, 0.0], 50)

    found = _calibrated(np.zeros(100), labels)

    assert found.calibration == NoCalibration()
    assert [*found.log_losses.values()] == pytest.approx([np.log(2)] * 3, rel=1e-6)


@every_method
def test_a_method_that_is_named_is_taken_and_fitted_on_all_rows(method):
    margins, labels = _customers(300)

    found = _calibrated(2 * margins, labels, method)

    assert found.calibration == fit(method, 2 * margins, labels)
    assert found.calibration.method == method
    assert found.log_losses == _calibrated(2 * margins, labels).log_losses


# the same bits


def told():
    """All that calibrating says of some customers, every digit of it."""
    margins, labels = _customers(3000)
    found = [_calibrated(2 * margins, labels, method) for method in METHODS]
    found += [_calibrated(-margins, labels, "sigmoid")]
    return repr([(one.calibration, dict(one.log_losses)) for one in found])


def test_the_bits_depend_neither_on_the_simd_level_nor_on_the_threads():
    elsewhere = {"NPY_DISABLE_CPU_FEATURES": "X86_V4,X86_V3", "PYTHONPATH": "src:."}
    command = "from tests.churn.test_calibrating import told; print(told())"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", command],
        cwd=ROOT,
        env={**os.environ, **elsewhere},
        capture_output=True,
        text=True,
        check=True,
    )

    with threadpool_limits(2):
        assert run.stdout == told() + "\n"
