"""Slices: who belongs to which, how each is measured, and where it truly differs."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn import metrics, slices
from churn.contract import Contract
from churn.settings import EvaluateSettings
from churn.slices import GAP, MARKED, sliced
from tests.small import small_parameters

quick = settings(deadline=None, max_examples=50)
THRESHOLD = 0.4


def _contract(**columns):
    target = {"column": "churn", "positive": "Yes", "negative": "No"}
    return Contract(name="some", id="id", target=target, columns=columns)


def _settings(resamples=200, seed=0) -> EvaluateSettings:
    return small_parameters(1).evaluate.model_copy(update={"resamples": resamples, "seed": seed})


PLANS = _contract(plan={"type": "category", "values": ["A", "B", "C", "D"]})


def _customers(rows=800, seed=0):
    """Customers whose scores are their true probabilities, in plans that mean nothing."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(1.2, 2.4, rows)
    plans = np.array(["A", "B", "C", "D"], dtype=object)[rng.integers(4, size=rows)]
    return {"plan": plans}, (rng.random(rows) < scores).astype(float), scores


def _by_level(columns, labels, scores, contract=PLANS, **given):
    found = sliced(columns, labels, scores, THRESHOLD, contract, _settings(**given))
    return {one.level: one for one in found.slices}


def _rows_by_level(columns, contract):
    return {one.level: one.rows.tolist() for one in slices.parts(columns, contract)}


# who belongs where


def test_a_band_holds_its_lower_bound_and_not_its_upper_one():
    contract = _contract(age={"type": "integer", "bands": [5, 10]})
    ages = np.array([4.9, 5, 9.9, 10, -3, 200])

    assert _rows_by_level({"age": ages}, contract) == {
        "below 5": [0, 4],
        "5 to below 10": [1, 2],
        "10 and above": [3, 5],
    }


def test_a_band_is_named_with_its_unit():
    contract = _contract(tenure={"type": "number", "unit": "months", "bands": [0.5, 12, 1_000_000]})

    assert [*_rows_by_level({"tenure": np.array([1.0])}, contract)] == [
        "below 0.5 months",
        "0.5 to below 12 months",
        "12 to below 1000000 months",
        "1000000 months and above",
    ]


def test_missing_values_are_a_slice_of_their_own_where_there_are_any():
    contract = _contract(
        age={"type": "integer", "bands": [30]}, plan={"type": "category", "values": ["A"]}
    )
    some = {"age": np.array([np.nan, 20]), "plan": np.array(["A", None], dtype=object)}

    found = [(one.column, one.level, one.rows.tolist()) for one in slices.parts(some, contract)]

    assert ("age", "(missing)", [0]) in found
    assert ("plan", "(missing)", [1]) in found
    assert "(missing)" not in _rows_by_level(
        {"age": np.array([20.0]), "plan": np.array(["A"], dtype=object)}, contract
    )


def test_yes_and_no_are_slices():
    contract = _contract(member={"type": "boolean"})

    found = _rows_by_level({"member": np.array([1.0, 0.0, np.nan, 1.0])}, contract)

    assert found == {"yes": [0, 3], "no": [1], "(missing)": [2]}


def test_every_level_of_a_closed_category_is_listed_in_the_order_of_the_contract():
    columns = {"plan": np.array(["C", "A", "C"], dtype=object)}

    assert _rows_by_level(columns, PLANS) == {"A": [1], "B": [], "C": [0, 2], "D": []}


def test_of_an_open_category_the_twenty_most_frequent_levels_are_listed():
    contract = _contract(state={"type": "category"})
    states = np.array([f"s{i:02d}" for i in range(30) for _ in range(1 + i % 25)], dtype=object)

    found = _rows_by_level({"state": states}, contract)

    assert len(found) == 20
    assert next(iter(found)) == "s24"
    assert min(len(rows) for rows in found.values()) == 6


@pytest.mark.parametrize(
    "column",
    [
        {"type": "category", "values": ["A"], "after_event": True},
        {"type": "integer", "bands": [1], "after_event": True},
        {"type": "integer"},
    ],
    ids=["known after the event", "a number so known", "no bands"],
)
def test_other_columns_are_not_sliced(column):
    contract = _contract(some=column, plan={"type": "category", "values": ["A"]})

    assert contract.sliced_columns == ("plan",)
    assert {one.column for one in slices.parts(_customers(10)[0], contract)} == {"plan"}


numbers = st.one_of(st.integers(-5, 25).map(float), st.just(np.nan), st.floats(-5, 25))


@quick
@given(st.lists(numbers, min_size=1), st.lists(st.integers(0, 20), min_size=1, unique=True))
def test_every_customer_is_in_exactly_one_band(values, bounds):
    contract = _contract(age={"type": "number", "bands": sorted(bounds)})

    found = slices.parts({"age": np.array(values)}, contract)

    assert sorted(row for one in found for row in one.rows) == [*range(len(values))]


# how each is measured


def test_a_slice_is_measured_like_a_table_of_its_own():
    columns, labels, scores = _customers()

    found = _by_level(columns, labels, scores)

    for level, one in found.items():
        inside = columns["plan"] == level
        alone = metrics.measured(labels[inside], scores[inside], THRESHOLD)
        gap = scores[inside].mean() - labels[inside].mean()
        assert (one.column, one.n, one.churners) == ("plan", alone.pop("n"), alone.pop("churners"))
        assert one.quality.metrics == alone | {GAP: pytest.approx(gap)}


def test_the_whole_is_measured_beside_the_slices():
    columns, labels, scores = _customers()

    whole = sliced(columns, labels, scores, THRESHOLD, PLANS, _settings()).whole

    alone = metrics.measured(labels, scores, THRESHOLD)
    assert {name: whole.metrics[name] for name in alone if name in whole.metrics} == {
        name: value for name, value in alone.items() if name not in ("n", "churners")
    }
    assert {*whole.intervals} == {*whole.metrics}


def test_every_metric_of_a_slice_has_an_interval_around_it():
    found = _by_level(*_customers())

    for one in found.values():
        assert {*one.quality.intervals} == {*one.quality.metrics}
        for name in {*one.quality.metrics} - {"calibration_error"}:
            low, high = one.quality.intervals[name]
            assert low <= one.quality.metrics[name] <= high


def test_a_difference_is_slice_minus_whole_and_its_excess_what_scores_do_not_explain():
    columns, labels, scores = _customers()

    found = sliced(columns, labels, scores, THRESHOLD, PLANS, _settings())

    of_whole = metrics.expected(scores, THRESHOLD) | {GAP: 0}
    for one in found.slices:
        inside = columns["plan"] == one.level
        expected = metrics.expected(scores[inside], THRESHOLD) | {GAP: 0}
        assert {*one.differences} == {*MARKED}
        for name, difference in one.differences.items():
            assert difference.value == one.quality.metrics[name] - found.whole.metrics[name]
            explained = expected[name] - of_whole[name]
            assert difference.excess == pytest.approx(difference.value - explained)
            assert difference.low < difference.value < difference.high


@pytest.mark.parametrize(("churners", "others"), [(4, 50), (50, 4), (0, 0), (3, 0)])
def test_a_slice_with_too_few_of_either_outcome_is_listed_but_not_measured(churners, others):
    columns, labels, scores = _customers()
    columns["plan"][columns["plan"] == "D"] = "A"
    kinds = [np.flatnonzero(labels == kind)[:count] for kind, count in ((1, churners), (0, others))]
    columns["plan"][np.concatenate(kinds)] = "D"

    found = _by_level(columns, labels, scores)

    assert (found["D"].n, found["D"].churners) == (churners + others, churners)
    assert found["D"].quality is None
    assert found["D"].differences == {}
    assert found["A"].quality is not None


def test_five_of_either_outcome_are_enough():
    columns, labels, scores = _customers()
    columns["plan"][columns["plan"] == "D"] = "A"
    for kind in (0, 1):
        columns["plan"][np.flatnonzero(labels == kind)[:5]] = "D"

    assert _by_level(columns, labels, scores)["D"].quality is not None


# where it truly differs


def _marks(found):
    return {
        (one.level, name) for one in found for name, d in one.differences.items() if d.significant
    }


def _unexplained(found):
    return {
        (one.level, name) for one in found for name, d in one.differences.items() if d.unexplained
    }


def test_a_slice_whose_scores_are_noise_is_the_one_that_is_marked_as_worse():
    columns, labels, scores = _customers(2000)
    noise = columns["plan"] == "B"
    scores[noise] = np.random.default_rng(1).permutation(scores[noise])

    found = sliced(columns, labels, scores, THRESHOLD, PLANS, _settings()).slices

    differences = {one.level: one.differences["roc_auc"] for one in found}
    worse = {name for name, one in differences.items() if one.unexplained and one.excess < 0}
    assert worse == {"B"}
    assert differences["B"].significant
    assert differences["B"].high < 0


def test_a_slice_whose_churn_is_overstated_is_marked_by_its_gap():
    columns, labels, scores = _customers(2000)
    scores[columns["plan"] == "C"] **= 0.5

    found = sliced(columns, labels, scores, THRESHOLD, PLANS, _settings()).slices

    assert ("C", GAP) in _unexplained(found)
    assert found[2].differences[GAP].low > 0


def test_a_slice_whose_churners_are_missed_is_marked_by_its_recall():
    columns, labels, scores = _customers(2000)
    inside = np.flatnonzero(columns["plan"] == "A")
    # The same scores, and as many churners, but these below the threshold.
    labels[inside] = np.isin(
        inside, inside[scores[inside] < THRESHOLD][: int(labels[inside].sum())]
    )

    found = sliced(columns, labels, scores, THRESHOLD, PLANS, _settings()).slices

    assert ("A", "recall") in _unexplained(found)


def test_a_slice_of_customers_who_are_at_little_risk_is_no_worse_for_that():
    columns, labels, scores = _customers(4000)
    calm = columns["plan"] == "B"
    scores[calm] *= 0.5
    labels[calm] = np.random.default_rng(1).random(int(calm.sum())) < scores[calm]

    found = {
        one.level: one
        for one in sliced(columns, labels, scores, THRESHOLD, PLANS, _settings()).slices
    }

    recall = found["B"].differences["recall"]
    assert recall.significant
    assert recall.high < -0.2
    assert not _unexplained(found.values())


def test_that_few_of_a_slice_happened_to_leave_does_not_make_their_number_sure():
    columns, labels, scores = _customers(3000)
    columns["plan"][columns["plan"] == "D"] = "A"
    columns["plan"][:300], labels[:300], scores[:300] = "D", 0, 0.05
    labels[:6] = 1  # of 15 expected, with a standard deviation of 3.8; in resamples it is 2.4

    found = _by_level(columns, labels, scores)["D"]

    assert found.quality.intervals[GAP][0] > 0
    assert not found.differences[GAP].significant


@pytest.mark.parametrize("sharpness", [3.6, 0.4], ids=["a usual model", "a very sure one"])
def test_where_nothing_differs_hardly_anything_is_marked(sharpness):
    sizes = {"A": 0.02, "B": 0.05, "C": 0.33, "D": 0.6}  # a slice of few customers is no excuse
    marked = np.zeros(2, dtype=int)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scores = rng.beta(0.3 * sharpness, 0.7 * sharpness, 1000)
        labels = (rng.random(1000) < scores).astype(float)
        plans = rng.choice(np.array([*sizes], dtype=object), 1000, p=[*sizes.values()])
        found = sliced(
            {"plan": plans}, labels, scores, THRESHOLD, PLANS, _settings(100, seed)
        ).slices
        marked += np.array([bool(_marks(found)), bool(_unexplained(found))])

    assert (marked <= 4).all()  # 15 % at most for three metrics at 5 % each, on average


def test_a_slice_that_is_the_whole_does_not_differ_from_it():
    columns, labels, scores = _customers(200)
    columns["plan"][:] = "A"

    found = _by_level(columns, labels, scores)["A"]

    assert {one.value for one in found.differences.values()} == {0}
    assert not any(one.significant or one.unexplained for one in found.differences.values())


def test_all_churners_of_a_small_slice_may_be_found_by_chance():
    columns, labels, scores = _customers()
    columns["plan"][columns["plan"] == "D"] = "A"
    found = np.flatnonzero((labels == 1) & (scores >= THRESHOLD))[:5]
    columns["plan"][[*found, *np.flatnonzero(labels == 0)[:10]]] = "D"

    recall = _by_level(columns, labels, scores)["D"]

    assert recall.quality.metrics["recall"] == 1
    assert recall.quality.intervals["recall"] == (1, 1)  # its own resamples know no doubt
    assert not recall.differences["recall"].significant


def test_the_same_seed_gives_the_same_slices():
    customers = _customers(300)

    first, again, other = (
        sliced(*customers, THRESHOLD, PLANS, _settings(seed=seed)).summary() for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_the_summary_holds_plain_data_only():
    columns, labels, scores = _customers(300)
    columns["plan"][columns["plan"] == "D"] = "A"
    found = sliced(columns, labels, scores, THRESHOLD, PLANS, _settings())

    summary = json.loads(json.dumps(found.summary(), allow_nan=False))

    assert [one["level"] for one in summary["slices"]] == ["A", "B", "C", "D"]
    assert summary["whole"]["metrics"] == found.whole.metrics
    assert summary["slices"][3] | {"n": 0} == {
        "column": "plan",
        "level": "D",
        "n": 0,
        "churners": 0,
        "quality": None,
        "differences": {},
    }
    assert {*summary["slices"][0]["differences"]} == {*MARKED}
