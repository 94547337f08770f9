"""Metrics against scikit-learn's on scores full of ties, and the thresholds chosen by them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from churn import metrics

quick = settings(deadline=None, max_examples=100)
NAMES = {
    *("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc"),
    *("log_loss", "brier", "calibration_error", "top_decile_lift"),
}
PEERS = {
    "accuracy": lambda labels, scores, called, w: sk.accuracy_score(labels, called, **w),
    "precision": lambda labels, scores, called, w: sk.precision_score(
        labels, called, zero_division=0, **w
    ),
    "recall": lambda labels, scores, called, w: sk.recall_score(labels, called, **w),
    "f1": lambda labels, scores, called, w: sk.f1_score(labels, called, zero_division=0, **w),
    "roc_auc": lambda labels, scores, called, w: sk.roc_auc_score(labels, scores, **w),
    "pr_auc": lambda labels, scores, called, w: sk.average_precision_score(labels, scores, **w),
    "log_loss": lambda labels, scores, called, w: sk.log_loss(labels, scores, **w),
    "brier": lambda labels, scores, called, w: sk.brier_score_loss(labels, scores, **w),
}

# Few distinct scores, so that most rows are tied with others.
tied_scores = st.integers(0, 12).map(lambda number: number / 12)
seeds = st.integers(0, 2**32 - 1)
any_scores = st.one_of(tied_scores, st.floats(0, 1))


@st.composite
def labelled(draw, least=2, most=60, scores=any_scores):
    """Labels with both outcomes, scores with ties, each (n,)."""
    rows = draw(st.integers(least, most))
    outcomes = draw(st.lists(st.integers(0, 1), min_size=rows - 2, max_size=rows - 2))
    found = draw(st.lists(scores, min_size=rows, max_size=rows))
    return np.array([0, 1, *outcomes], dtype=float), np.array(found)


def _random_rows(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(rows), 2)
    return (rng.random(rows) < scores).astype(float), scores


@pytest.mark.parametrize("name", PEERS)
@settings(deadline=None, max_examples=40)
@given(rows=labelled(), threshold=any_scores)
def test_a_metric_is_the_one_of_scikit_learn(name, rows, threshold):
    labels, scores = rows
    called = (scores >= threshold).astype(float)
    clipped = np.clip(scores, metrics.CLIP, 1 - metrics.CLIP)

    found = metrics.measured(labels, scores, threshold)[name]

    seen = clipped if name == "log_loss" else scores
    assert found == pytest.approx(PEERS[name](labels, seen, called, {}), rel=1e-9, abs=1e-12)


@quick
@given(
    st.lists(
        st.floats(0.001, 0.999) | tied_scores.filter(lambda s: 0 < s < 1), min_size=2, max_size=8
    ),
    any_scores,
)
def test_what_scores_lead_to_expect_is_the_average_over_all_pairs_and_churners(scores, threshold):
    given = np.array(scores)
    pairs = [(i, j) for i in range(len(given)) for j in range(len(given)) if i != j]
    weights = np.array([given[i] * (1 - given[j]) for i, j in pairs])
    wins = np.array([(given[i] > given[j]) + 0.5 * (given[i] == given[j]) for i, j in pairs])

    found = metrics.expected(given, threshold)

    assert found["roc_auc"] == pytest.approx((weights * wins).sum() / weights.sum())
    assert found["recall"] == pytest.approx(given[given >= threshold].sum() / given.sum())


def _calibration_error(labels, scores):
    total = 0.0
    for number in range(10):
        inside = [i for i, s in enumerate(scores) if min(math.floor(s * 10), 9) == number]
        if inside:
            gap = np.mean([scores[i] for i in inside]) - np.mean([labels[i] for i in inside])
            total += len(inside) / len(labels) * abs(gap)
    return total


@quick
@given(labelled())
def test_the_calibration_error_is_the_mean_gap_over_ten_bins(rows):
    labels, scores = rows

    found = metrics.measured(labels, scores, 0.5)["calibration_error"]

    assert found == pytest.approx(_calibration_error(labels, scores), abs=1e-12)


@quick
@given(labelled(), seeds)
def test_the_lift_compares_the_top_tenth_with_everyone(rows, seed):
    labels = rows[0]
    scores = np.random.default_rng(seed).permutation(len(labels)) / len(labels)  # no ties
    top = max(1, round(len(labels) / 10))
    best = sorted(range(len(labels)), key=lambda i: -scores[i])[:top]

    found = metrics.measured(labels, scores, 0.5)["top_decile_lift"]

    assert found == pytest.approx(np.mean(labels[best]) / np.mean(labels))


@quick
@given(labelled(most=14))  # of so few, the top tenth is one
def test_of_rows_tied_at_the_edge_of_the_tenth_the_average_counts(rows):
    labels, scores = rows

    found = metrics.measured(labels, scores, 0.5)["top_decile_lift"]

    assert found == pytest.approx(labels[scores == scores.max()].mean() / labels.mean())


def test_the_lift_does_not_depend_on_which_of_the_tied_rows_comes_first():
    labels, scores = np.array([1.0] * 10 + [0.0] * 90), np.full(100, 0.3)

    first, last = (
        metrics.measured(order, scores, 0.5)["top_decile_lift"] for order in (labels, labels[::-1])
    )

    assert first == last == 1  # a score that tells nobody apart lifts nobody


@quick
@given(labelled(), seeds)
def test_no_other_metric_depends_on_the_order_of_the_rows(rows, seed):
    labels, scores = rows
    order = np.random.default_rng(seed).permutation(len(labels))

    shuffled = metrics.measured(labels[order], scores[order], 0.5)

    expected = metrics.measured(labels, scores, 0.5)
    del shuffled["top_decile_lift"], expected["top_decile_lift"]
    assert shuffled == pytest.approx(expected, rel=1e-9, abs=1e-12)


@quick
@given(labelled(scores=st.sampled_from([0.0, 0.25, 0.5, 1.0])), st.sampled_from([0, 0.25, 0.5, 1]))
def test_rows_of_equal_score_are_called_together(rows, threshold):
    labels, scores = rows

    cells = metrics.Ranking(labels, scores).confusion(threshold)

    assert cells["true_positives"] == sum(labels[scores >= threshold])
    assert cells["false_positives"] == sum(1 - labels[scores >= threshold])
    assert cells["false_negatives"] == sum(labels[scores < threshold])
    assert cells["true_negatives"] == sum(1 - labels[scores < threshold])


@quick
@given(labelled(least=5, most=30), st.data())
def test_whole_weights_are_rows_that_stand_there_several_times(rows, data):
    labels, scores = rows
    counts = data.draw(st.lists(st.integers(0, 4), min_size=len(labels), max_size=len(labels)))
    counts[:2] = [max(1, counts[0]), max(1, counts[1])]  # both outcomes stay

    weighted = metrics.Ranking(labels, scores).measure(0.5, np.array([counts], dtype=float))

    repeated = metrics.measured(np.repeat(labels, counts), np.repeat(scores, counts), 0.5)
    found = {name: float(value[0]) for name, value in weighted.items()}
    assert found == pytest.approx({name: repeated[name] for name in found}, rel=1e-9, abs=1e-12)


def test_many_weightings_at_once_are_each_weighting_alone():
    labels, scores = _random_rows(80)
    weights = np.random.default_rng(1).integers(0, 3, (5, 80)).astype(float)
    ranking = metrics.Ranking(labels, scores)

    together = ranking.measure(0.4, weights)

    for i in range(5):
        alone = ranking.measure(0.4, weights[i : i + 1])
        assert {n: v[i] for n, v in together.items()} == {n: v[0] for n, v in alone.items()}


def test_a_weighting_without_a_churner_or_without_anybody_has_no_value():
    labels, scores = np.array([1.0, 0.0, 0.0]), np.array([0.3, 0.6, 0.6])
    weights = np.array([[0, 1, 1], [0, 0, 0], [1, 1, 1]], dtype=float)

    found = metrics.Ranking(labels, scores).measure(0.5, weights)

    assert [math.isfinite(value) for value in found["roc_auc"]] == [False, False, True]
    assert [math.isfinite(value) for value in found["recall"]] == [False, False, True]
    assert [math.isfinite(value) for value in found["top_decile_lift"]] == [False, False, True]
    assert [math.isfinite(value) for value in found["log_loss"]] == [True, False, True]


def test_every_metric_stands_beside_its_number_of_rows():
    found = metrics.measured(np.array([0, 1, 1.0, 0]), np.array([0.1, 0.9, 0.4, 0.3]), 0.5)

    assert (found["n"], found["churners"]) == (4, 2)
    assert {*found} == NAMES | {"n", "churners"}
    assert {*metrics.LOSSES} <= NAMES


def test_a_perfect_ranking_has_the_best_value_of_every_metric():
    labels = np.array([1.0] * 10 + [0.0] * 90)

    found = metrics.measured(labels, labels, 0.5)

    ones = ("accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc")
    assert all(found[name] == 1 for name in ones)
    assert found["top_decile_lift"] == 10
    assert all(found[name] == pytest.approx(0, abs=1e-12) for name in metrics.LOSSES)


def test_where_nobody_is_called_the_precision_is_zero_and_not_missing():
    found = metrics.measured(np.array([0.0, 1.0]), np.array([0.1, 0.2]), 0.9)

    assert (found["precision"], found["recall"], found["f1"]) == (0, 0, 0)


def test_a_certain_prediction_that_is_wrong_has_a_large_but_finite_loss():
    found = metrics.measured(np.array([0.0, 1.0]), np.array([1.0, 0.0]), 0.5)

    assert found["log_loss"] == pytest.approx(-math.log(1e-15), rel=1e-2)


@quick
@given(labelled(most=25))
def test_no_threshold_has_a_better_f1_than_the_chosen_one(rows):
    labels, scores = rows

    chosen = metrics.best_f1_threshold(labels, scores)

    hits = {s: labels[scores >= s].sum() for s in scores.tolist()}
    f1 = {s: 2 * hits[s] / ((scores >= s).sum() + labels.sum()) for s in hits}
    assert f1[chosen] == max(f1.values())


def test_of_thresholds_with_equal_f1_the_highest_is_taken():
    labels, scores = np.array([1.0, 0, 0, 1.0]), np.array([0.9, 0.8, 0.7, 0.6])
    by_hand = {0.9: 2 / 3, 0.8: 2 / 4, 0.7: 2 / 5, 0.6: 4 / 6}
    assert by_hand[0.9] == by_hand[0.6]

    assert metrics.best_f1_threshold(labels, scores) == 0.9


money = st.integers(1, 20).map(float)


@quick
@given(labelled(most=25), money, money)
def test_no_threshold_pays_more_than_the_chosen_one(rows, gain, cost):
    labels, scores = rows

    chosen = metrics.best_profit_threshold(labels, scores, gain, cost)

    profit = {s: (gain * labels - cost)[scores >= s].sum() for s in scores.tolist()}
    best = max(profit.values())
    if best > 0:
        assert profit[chosen] == best
        assert chosen == max(s for s, value in profit.items() if value == best)
    else:
        assert chosen == 1


def test_where_no_call_pays_nobody_is_called():
    labels, scores = np.array([1.0, 0, 0]), np.array([0.9, 0.8, 0.1])

    assert metrics.best_profit_threshold(labels, scores, gain=1, cost=2) == 1
    assert metrics.best_profit_threshold(labels, scores, gain=2, cost=2) == 1  # nothing is gained
    assert metrics.best_profit_threshold(labels, scores, gain=3, cost=2) == 0.9


@quick
@given(labelled(most=25), st.fractions(0, 1, max_denominator=12).filter(bool))
def test_the_lowest_threshold_of_enough_precision_is_taken(rows, share):
    labels, scores = rows

    chosen = metrics.lowest_threshold_at_precision(labels, scores, float(share))

    called = {s: scores >= s for s in scores.tolist()}
    precise = [s for s, one in called.items() if int(labels[one].sum()) >= share * int(one.sum())]
    assert chosen == (min(precise) if precise else None)


def test_a_precision_that_is_exactly_reached_is_enough():
    labels, scores = np.array([1.0, 0, 1, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 0.5])

    assert metrics.lowest_threshold_at_precision(labels, scores, 0.6) == 0.5
    assert metrics.lowest_threshold_at_precision(labels, scores, 0.75) == 0.6
    assert metrics.lowest_threshold_at_precision(labels, scores, 1) == 0.9


def test_a_precision_that_no_threshold_has_is_told():
    labels, scores = np.array([0.0, 1.0]), np.array([0.9, 0.5])

    assert metrics.lowest_threshold_at_precision(labels, scores, 0.6) is None


@quick
@given(labelled())
def test_the_curve_has_one_point_for_each_distinct_score(rows):
    labels, scores = rows

    found, called, threshold = metrics.Ranking(labels, scores).curve()

    assert threshold.tolist() == sorted(set(scores.tolist()), reverse=True)
    assert called.tolist() == [float((scores >= s).sum()) for s in threshold]
    assert found.tolist() == [labels[scores >= s].sum() for s in threshold]


@quick
@given(labelled())
def test_the_reliability_curve_accounts_for_every_row(rows):
    labels, scores = rows

    mean, share, n = metrics.reliability(labels, scores)

    assert n.sum() == len(labels)
    assert (mean * n).sum() == pytest.approx(scores.sum())
    assert (share * n).sum() == pytest.approx(labels.sum())


@pytest.mark.parametrize(("score", "expected"), [(0.0, 0), (0.05, 0), (0.1, 1), (0.95, 9), (1, 9)])
def test_a_score_falls_into_the_bin_of_its_tenth(score, expected):
    assert metrics.bin_numbers(np.array([score])).tolist() == [expected]
