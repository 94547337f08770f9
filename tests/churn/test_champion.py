"""Champion against challenger: the verdict, how many customers it takes, and who is promoted."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from churn import metrics
from churn.champion import MOST_TIMES, Candidate, Change, Gain, compare, gain_of
from churn.contract import Contract
from churn.errors import TooFewInCommon
from churn.settings import EvaluateSettings
from tests.small import small_parameters

quick = settings(deadline=None, max_examples=200)
THRESHOLD = 0.4
CONTRACT = Contract(
    name="some",
    id="id",
    target={"column": "churn", "positive": "Yes", "negative": "No"},
    columns={
        "plan": {"type": "category", "values": ["A", "B", "C"]},
        "age": {"type": "integer", "bands": [40]},
        "calls": {"type": "integer"},
    },
)


def _settings(**changed) -> EvaluateSettings:
    given = small_parameters(1).evaluate
    fixed = {"resamples": 200, "metric": "log_loss", "min_gain": 0.02, "guard": None}
    return given.model_copy(update=fixed | changed)


def _customers(rows=2000, seed=0):
    """Columns, labels, and the true probabilities: a model that knows them is the best there is."""
    rng = np.random.default_rng(seed)
    columns = {
        "plan": np.array(["A", "B", "C"], dtype=object)[rng.integers(3, size=rows)],
        "age": rng.integers(18, 80, rows).astype(float),
        "calls": rng.integers(5, size=rows).astype(float),
    }
    truth = rng.beta(1.2, 2.4, rows)
    return columns, (rng.random(rows) < truth).astype(float), truth


def _blurred(truth, seed=1, much=0.5):
    """Probabilities drawn towards their mean and shaken: a model that knows less."""
    shaken = truth + np.random.default_rng(seed).normal(0, 0.1, len(truth))
    return np.clip((1 - much) * shaken + much * truth.mean(), 0.01, 0.99)


def _compared(champion, challenger, customers=None, **changed):
    columns, labels, _ = customers or _customers()
    old, new = (Candidate(scores, THRESHOLD) for scores in (champion, challenger))
    return compare(columns, labels, old, new, CONTRACT, _settings(**changed))


# the verdict


def test_a_model_that_knows_more_is_better_and_may_be_promoted():
    truth = _customers()[2]

    found = _compared(_blurred(truth), truth)

    assert found.verdict == "better"
    assert found.promote
    gain, chance, slices = found.reasons
    assert gain.startswith("log_loss goes from")
    assert "evaluate.min_gain asks for a gain of 2.0%" in gain
    assert chance == "the gain is more than chance"
    assert slices == "it loses on none of 5 guarded slices"


def test_a_model_that_knows_less_is_worse_and_may_not():
    truth = _customers()[2]

    found = _compared(truth, _blurred(truth))

    assert found.verdict == "worse"
    assert not found.promote
    assert "a loss of" in found.reasons[0]
    assert found.reasons[1] == "the loss is more than chance"
    assert any(reason.startswith("it loses where plan is A") for reason in found.reasons)


@pytest.mark.parametrize("metric", ["roc_auc", "pr_auc", "f1", "log_loss", "brier"])
def test_better_is_better_whether_the_metric_is_a_loss_or_not(metric):
    truth = _customers()[2]
    blurred = _blurred(truth)

    assert _compared(blurred, truth, metric=metric).verdict == "better"
    assert _compared(truth, blurred, metric=metric).verdict == "worse"


def test_the_same_model_is_no_worse_but_gains_nothing():
    truth = _customers()[2]

    found = _compared(truth, truth)

    assert found.verdict == "no worse"
    assert not found.promote
    assert {one.difference for one in found.changes.values()} == {0}
    assert ", no change; evaluate.min_gain asks" in found.reasons[0]
    assert (
        found.reasons[1] == "the difference may be chance, though a loss that matters is ruled out"
    )


def test_a_gain_beyond_chance_that_is_too_small_is_no_promotion():
    truth = _customers()[2]

    found = _compared(_blurred(truth), truth, min_gain=0.9)

    assert found.verdict == "better"
    assert not found.promote
    assert len(found.reasons) == 1
    assert "asks for a gain of 90.0%" in found.reasons[0]


def test_a_big_gain_that_may_be_chance_is_no_promotion():
    customers = _customers(rows=60, seed=3)
    champion, challenger = _blurred(customers[2], much=0.3), _blurred(customers[2], seed=5)

    found = _compared(champion, challenger, customers, min_gain=0.001)

    assert found.verdict == "cannot tell yet"
    change = found.changes["log_loss"]
    assert change.difference < -0.001 * change.champion
    assert not found.promote
    assert found.reasons == (
        f"60 customers cannot tell the two apart; about {found.more_customers} more would",
    )


def test_a_loss_on_one_slice_is_no_promotion_however_big_the_gain():
    columns, labels, truth = customers = _customers()
    challenger = truth.copy()
    inside = columns["plan"] == "B"
    challenger[inside] = 1 - truth[inside] * 0.9

    found = _compared(np.full(len(truth), 0.35), challenger, customers, metric="roc_auc")
    lost = [one for one in found.slices if one.loss]

    assert [(one.column, one.level) for one in lost] == [("plan", "B")]
    assert lost[0].n == inside.sum()
    assert (
        lost[0].challenger == metrics.measured(labels[inside], challenger[inside], 0.4)["roc_auc"]
    )
    assert found.verdict == "better"
    assert not found.promote
    assert found.reasons == (
        f"it loses where plan is B ({lost[0].n} customers): roc_auc {lost[0].champion:.4f} before, "
        f"{lost[0].challenger:.4f} now",
    )


def test_a_slice_that_is_not_guarded_may_lose():
    columns, _, truth = customers = _customers()
    challenger = truth.copy()
    inside = columns["plan"] == "B"
    challenger[inside] = 1 - truth[inside] * 0.9
    champion = np.full(len(truth), 0.35)

    found = _compared(champion, challenger, customers, metric="roc_auc", guard=("age",))

    assert {one.column for one in found.slices} == {"age"}
    assert found.promote
    assert found.reasons[-1] == "it loses on none of 2 guarded slices"


def test_a_slice_with_too_few_customers_of_an_outcome_is_not_guarded():
    columns, labels, truth = customers = _customers()
    columns["plan"][columns["plan"] == "C"] = "A"
    columns["plan"][np.flatnonzero(labels == 1)[:4]] = "C"

    found = _compared(_blurred(truth), truth, customers)

    assert [one.level for one in found.slices if one.column == "plan"] == ["A", "B"]


def test_two_models_alike_are_hardly_ever_told_apart():
    verdicts = []
    for seed in range(20):
        customers = _customers(rows=300, seed=seed)
        one, other = (_blurred(customers[2], seed=100 + 2 * seed + i) for i in (0, 1))
        found = _compared(one, other, customers, resamples=100)
        verdicts.append(found.verdict)
        assert not found.promote or found.verdict == "better"

    assert sum(verdict in ("better", "worse") for verdict in verdicts) <= 3


# differences


def test_every_metric_is_compared_as_it_is_measured():
    columns, labels, truth = _customers(400)
    blurred = _blurred(truth)
    old, new = Candidate(blurred, 0.3), Candidate(truth, 0.5)

    found = compare(columns, labels, old, new, CONTRACT, _settings())

    before, now = metrics.measured(labels, blurred, 0.3), metrics.measured(labels, truth, 0.5)
    assert (found.n, found.churners) == (before.pop("n"), before.pop("churners"))
    assert {name: one.champion for name, one in found.changes.items()} == before
    assert {name: one.challenger for name, one in found.changes.items()} == {
        name: now[name] for name in before
    }
    for one in found.changes.values():
        assert one.difference == one.challenger - one.champion
        assert one.low <= one.high


# the gain, and how many customers it takes


amounts = st.integers(-1000, 1000).map(lambda number: number / 1000)


@st.composite
def gains(draw):
    low, value, high = sorted(draw(st.tuples(amounts, amounts, amounts)))
    return Gain(value, low, high, abs(draw(amounts)))


@quick
@given(gains())
def test_the_verdict_says_what_the_interval_rules_out(gain):
    assert {
        "better": gain.low > 0,
        "worse": gain.high < 0,
        "no worse": -gain.margin < gain.low <= 0 <= gain.high,
        "cannot tell yet": gain.low <= -gain.margin and gain.low <= 0 <= gain.high,
    }[gain.verdict]


@quick
@given(gains(), st.integers(100, 100_000))
def test_with_so_many_more_customers_the_interval_tells_and_with_fewer_it_does_not(gain, n):
    assume(gain.verdict == "cannot tell yet")
    more = gain.more_customers(n)

    def with_rows(rows):
        shrink = math.sqrt(n / rows)
        low = gain.value - (gain.value - gain.low) * shrink
        high = gain.value + (gain.high - gain.value) * shrink
        return Gain(gain.value, low, high, gain.margin).verdict

    if more is None:
        assert with_rows(n * MOST_TIMES * 0.99) == "cannot tell yet"
    else:
        assert 1 <= more <= n * MOST_TIMES
        assert with_rows((n + more) * 1.01) != "cannot tell yet"
        fewer = (n + more) * 0.98
        assert fewer < n or with_rows(fewer) == "cannot tell yet"


def test_an_interval_twice_too_wide_takes_four_times_the_customers():
    assert Gain(0.01, -0.03, 0.05, 0.01).more_customers(1000) == 3000


def test_where_there_is_no_difference_and_none_matters_no_number_would_tell():
    truth = _customers()[2]

    found = _compared(truth, truth, min_gain=0)

    assert (found.verdict, found.more_customers) == ("cannot tell yet", None)
    assert found.reasons[-1] == (
        "2000 customers cannot tell the two apart, nor would 100 times as many"
    )


def test_a_loss_that_shrinks_is_a_gain_with_its_interval_turned_round():
    change = Change(champion=0.5, challenger=0.4, difference=-0.1, low=-0.3, high=0.2)

    assert gain_of(change, _settings(metric="brier")) == Gain(0.1, -0.2, 0.3, 0.01)
    assert gain_of(change, _settings(metric="f1")) == Gain(-0.1, -0.3, 0.2, 0.01)


def test_a_champion_that_finds_nobody_is_beaten_by_any_gain():
    truth = _customers()[2]

    found = _compared(np.full(len(truth), 0.1), truth, metric="f1")

    assert found.changes["f1"].champion == 0
    assert found.promote
    assert "f1 goes from 0.0000 to" in found.reasons[0]
    assert "a gain;" in found.reasons[0]


# mistakes


@pytest.mark.parametrize(("churners", "others"), [(4, 100), (100, 4), (0, 0)])
def test_too_few_customers_in_common_are_told(churners, others):
    columns, labels, truth = _customers()
    rows = [*np.flatnonzero(labels == 1)[:churners], *np.flatnonzero(labels == 0)[:others]]
    rows = np.array(rows, dtype=int)
    some = {name: values[rows] for name, values in columns.items()}
    told = f"held out from both models are {churners + others} customers, {churners} of them"

    with pytest.raises(TooFewInCommon, match=told):
        _compared(truth[rows], truth[rows], (some, labels[rows], truth[rows]))
