"""Leak alarms: every kind is raised by a leak planted among honest customers, and by no other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.columns import take
from churn.features import feature_set
from churn.leaks import Side, alarms
from churn.settings import LeakSettings
from churn.synthetic import draw
from tests.small import small_parameters

ROWS, TRAIN = 2000, 1600
SHIPPED_LIKE = LeakSettings(auc=0.95, identical=0.01)
# No AUC and no share is above it: what is left are the alarms of one outcome.
NEVER = LeakSettings(auc=1, identical=1)


def _customers(rows=ROWS, seed=1):
    """Features and labels of the embedded table, nothing leaking."""
    parameters = small_parameters(rows)
    drawn = draw(parameters.source.model_copy(update={"seed": seed}), "history")
    return feature_set(parameters.table).compute(drawn.columns), drawn.churned.astype(float)


@pytest.fixture(scope="module")
def honest():
    return _customers()


def _alarms(features, labels, bounds=SHIPPED_LIKE, train=TRAIN):
    rows = np.arange(len(labels))
    sides = [Side(take(features, part), labels[part]) for part in (rows[:train], rows[train:])]
    return alarms(*sides, bounds)


def _found(features, labels, bounds=SHIPPED_LIKE, train=TRAIN):
    return [(one.kind, one.feature) for one in _alarms(features, labels, bounds, train)]


def _words(values):
    return np.array(values, dtype=object)


def _mostly(labels, rng, right=0.98):
    """The labels, with some of them turned."""
    return np.where(rng.random(len(labels)) < right, labels, 1 - labels)


# honest customers


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rows", [150, 2000])
def test_honest_customers_raise_no_alarm(rows, seed):
    assert _found(*_customers(rows, seed), train=rows * 4 // 5) == []


def _nearly_honest(labels, rng):
    """Features that look suspicious at first sight, none of which knows the outcome."""
    rows = len(labels)
    lucky = rng.random(rows)
    lucky[TRAIN:] += labels[TRAIN:]
    few_values = np.where(np.arange(rows) % 200 == 7, rng.random(rows), np.nan)
    return {
        "an id": _words([f"CUST{number}" for number in rng.permutation(rows)]),
        "a phone number": rng.permutation(rows) + 4e9,
        "a household": _words([f"house {number}" for number in rng.integers(rows // 2, size=rows)]),
        "a rare flag": (rng.random(rows) < 0.002).astype(float),
        "a rare word": _words(np.where(rng.random(rows) < 0.002, "yes", "no")),
        "rarely missing": np.where(rng.random(rows) < 0.002, np.nan, rng.random(rows)),
        "rarely filled": few_values,
        "a constant": np.ones(rows),
        "never filled": np.full(rows, np.nan),
        "a word never filled": _words([None] * rows),
        "luck on the test side alone, rising": lucky,
        "luck on the test side alone, falling": -lucky,
    }


@pytest.mark.parametrize("name", _nearly_honest(np.zeros(ROWS), np.random.default_rng(0)))
def test_what_only_looks_suspicious_raises_no_alarm(honest, name):
    features, labels = honest
    suspicious = _nearly_honest(labels, np.random.default_rng(5))[name]

    assert _found({**features, "suspect": suspicious}, labels) == []


def test_rare_flags_that_few_churners_happen_not_to_have_raise_no_alarm():
    rng = np.random.default_rng(3)
    labels = (np.arange(ROWS) % 80 == 0).astype(float)
    flags = {f"flag{i}": ((rng.random(ROWS) < 0.02) & (labels == 0)) * 1.0 for i in range(10)}

    # given that no flag is ever set for one of the 25 churners
    assert all((flag[labels == 1] == 0).all() and flag.sum() > 20 for flag in flags.values())
    assert _found({"charge": rng.random(ROWS), **flags}, labels) == []


@settings(deadline=None, max_examples=25, derandomize=True)
@given(seed=st.integers(0, 10_000), rows=st.integers(150, 400))
def test_noise_raises_no_alarm(seed, rows):
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.25).astype(float)
    noise = {
        "number": rng.normal(size=rows),
        "count": rng.poisson(1, rows) * 1.0,
        "gaps": np.where(rng.random(rows) < 0.4, np.nan, rng.random(rows)),
        "word": _words(rng.choice(["a", "b", "c", None], rows)),
    }

    assert _found(noise, labels, train=rows * 4 // 5) == []


def test_a_value_like_any_other_that_few_churners_share_raises_no_alarm():
    # given a month that all 6 churners share: some month is shared six times in a million
    labels, month = (np.arange(300) % 50 == 3).astype(float), np.arange(300) % 10 * 1.0
    assert (month[labels == 1] == 3).all()

    assert _found({"month": month}, labels, bounds=NEVER, train=150) == []


def test_luck_among_very_few_customers_hardly_ever_raises_an_alarm():
    raised = 0
    for seed in range(150):
        rng = np.random.default_rng(seed)
        labels = (np.arange(60) % 5 < 2).astype(float)
        # given features that tell something, but far from everything
        some = {f"{i}": (1.6 * labels + rng.normal(size=60)) ** 2 for i in range(5)}
        raised += bool(_found(some, labels, train=48))

    assert raised <= 1


# one feature alone


def _agents(rows, rng):
    return rng.integers(30, size=rows).astype(str)


SINGLE = {
    "a number that rises": lambda y, rng: y + rng.normal(0, 0.3, len(y)),
    "a number that falls": lambda y, rng: rng.normal(0, 0.3, len(y)) - y,
    "a flag": _mostly,
    "a word": lambda y, rng: _words(np.where(_mostly(y, rng) == 1, "closed", "open")),
    "a word of many": lambda y, rng: _words(
        np.char.add(np.where(_mostly(y, rng) == 1, "closed ", "open "), _agents(len(y), rng))
    ),
    "the middle of a range": lambda y, rng: np.where(
        _mostly(y, rng) == 1, rng.uniform(45, 55, len(y)), rng.choice([20, 80], len(y))
    ),
    "a narrow range": lambda y, rng: np.where(
        _mostly(y, rng) == 1, rng.uniform(45, 45.1, len(y)), rng.uniform(0, 100, len(y))
    ),
    "the middle of a range and missing ones": lambda y, rng: np.where(
        _mostly(y, rng) == 1, rng.choice([50, np.nan], len(y)), rng.choice([20, 80], len(y))
    ),
    "a word of their own for each churner": lambda y, rng: _words(
        np.where(_mostly(y, rng) == 1, [f"complaint {i}" for i in range(len(y))], "none")
    ),
    "a number mostly missing for churners": lambda y, rng: np.where(
        _mostly(y, rng) == 1, np.nan, rng.random(len(y))
    ),
    "a word mostly missing for those who stay": lambda y, rng: _words(
        np.where(_mostly(y, rng) == 1, "letter", None)
    ),
    "low numbers and missing ones": lambda y, rng: np.where(
        (y == 1) & (rng.random(len(y)) < 0.5), np.nan, rng.normal(0, 0.3, len(y)) - y
    ),
}


@pytest.mark.parametrize("leak", SINGLE.values(), ids=SINGLE.keys())
def test_a_feature_that_gives_the_outcome_away_alone_is_an_alarm(honest, leak):
    features, labels = honest
    planted = leak(labels, np.random.default_rng(2))

    assert _found({**features, "leak": planted}, labels) == [("single_feature", "leak")]


@pytest.mark.parametrize("outcome", [None, 0, 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_leak_is_found_among_few_customers_by_the_order_of_its_numbers(sign, outcome):
    rng = np.random.default_rng(4)
    labels = (np.arange(200) % 10 == 0).astype(float)
    leak = sign * (labels + rng.random(200) * 0.9)
    # given that half of those of one outcome lack the number
    leak[(labels == outcome) & (rng.random(200) < 0.5)] = np.nan

    found = _found({"leak": leak}, labels, LeakSettings(auc=0.99, identical=1), train=160)

    assert found == [("single_feature", "leak")]


def test_the_alarm_says_how_well_the_feature_ranks_and_the_bound():
    # given one in ten of either outcome who looks like the other: AUC 0.81 + 0.18 / 2
    rows = np.arange(2000)
    labels = rows % 2.0
    leak = np.where(rows // 2 % 10 == 0, 1 - labels, labels)

    (alarm,) = _alarms({"leak": leak}, labels, LeakSettings(auc=0.85, identical=1))

    assert alarm.message == "leak alone ranks churners with ROC-AUC 0.900, above 0.85"


def test_a_bound_that_is_only_just_reached_is_no_alarm(honest):
    features, labels = honest
    with_leak = {**features, "leak": _mostly(labels, np.random.default_rng(0), right=1)}

    assert ("single_feature", "leak") in _found(with_leak, labels)
    assert ("single_feature", "leak") not in _found(with_leak, labels, bounds=NEVER)


# one value for one outcome


def test_a_number_missing_for_all_who_stay_is_an_alarm(honest):
    features, labels = honest
    half = np.arange(ROWS) % 2 == 0
    closed_on = np.where((labels == 1) & half, 20_260_401, np.nan)
    churners, filled = int(labels.sum()), int((labels * half).sum())

    (alarm,) = _alarms({**features, "closed_on": closed_on}, labels)

    assert (alarm.kind, alarm.feature) == ("missing_for_one_class", "closed_on")
    assert alarm.message == (
        f"closed_on is missing for all {ROWS - churners:,} who stayed "
        f"and for {churners - filled} of {churners} churners"
    )


def test_a_word_missing_for_all_churners_is_an_alarm(honest):
    features, labels = honest
    renewed = _words(np.where((labels == 1) | (np.arange(ROWS) % 3 == 0), None, "renewed"))

    found = _found({**features, "offer": renewed}, labels)

    assert found == [("missing_for_one_class", "offer")]


def test_a_number_constant_for_all_churners_is_an_alarm_whatever_is_missing(honest):
    features, labels = honest
    rows = np.arange(ROWS)
    months_left = np.where((labels == 1) | (rows % 2 == 0), -0.0, rows % 7)
    months_left[rows % 10 == 3] = np.nan
    known = ~np.isnan(months_left)
    churners, others = int((known & (labels == 1)).sum()), int((known & (labels == 0)).sum())
    zeros = int((months_left[labels == 0] == 0).sum())

    (alarm,) = _alarms({**features, "months_left": months_left}, labels)

    assert (alarm.kind, alarm.feature) == ("constant_for_one_class", "months_left")
    assert alarm.message == (
        f"months_left, where known, is 0 for all {churners} churners "
        f"and for {zeros} of {others:,} who stayed"
    )


def test_a_word_constant_for_all_who_stay_is_an_alarm(honest):
    features, labels = honest
    status = _words(np.where((labels == 1) & (np.arange(ROWS) % 2 == 0), "closing", "active"))

    (alarm,) = _alarms({**features, "status": status}, labels)

    assert (alarm.kind, alarm.feature) == ("constant_for_one_class", "status")
    assert alarm.message.startswith("status, where known, is 'active' for all 1,")


def test_the_outcome_itself_is_told_once_for_each_kind(honest):
    features, labels = honest

    churners = int(labels.sum())

    first, second = _alarms({"leak": labels, **features}, labels)

    assert first.message == "leak alone ranks churners with ROC-AUC 1.000, above 0.95"
    assert second.message == (
        f"leak, where known, is 1 for all {churners} churners "
        f"and for 0 of {ROWS - churners:,} who stayed"
    )


def _halves(ones, churners, rows):
    """A flag that the last `ones` of those who stay have; every second customer is held out."""
    order = np.r_[0:rows:2, 1:rows:2]
    labels, flag = (np.arange(rows) < churners) * 1.0, (np.arange(rows) >= rows - ones) * 1.0
    return flag[order], labels[order]


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.data())
def test_one_value_for_one_outcome_is_an_alarm_from_one_in_a_million(data):
    rows = data.draw(st.integers(20, 200))
    churners = data.draw(st.integers(5, rows // 2))
    ones = data.draw(st.integers(1, rows - churners - 5))
    flag, labels = _halves(ones, churners, rows)
    # the chance that churners, were they anyone, all had the zeros, or a value no more frequent
    sizes = [size for size in (ones, rows - ones) if size <= rows - ones]
    zeros = sum(math.comb(size, churners) for size in sizes) / math.comb(rows, churners)

    gap = np.where(flag == 1, 1, np.nan)
    found = _found({"flag": flag, "gap": gap}, labels, bounds=NEVER, train=(rows + 1) // 2)

    constant, missing = ("constant_for_one_class", "flag"), ("missing_for_one_class", "gap")
    assert found == ([constant, missing] if zeros < 1e-6 else [])


def test_a_few_wrong_entries_do_not_hide_a_leak(honest):
    features, labels = honest
    code = np.where(labels == 1, np.arange(ROWS) % 7, 3.0)
    stayed = np.flatnonzero(labels == 0)
    for wrong, kinds in ((len(stayed) // 200, ["constant_for_one_class"]), (len(stayed) // 50, [])):
        code[stayed[:wrong]] = 5

        found = _alarms({**features, "code": code}, labels, bounds=NEVER)

        assert [one.kind for one in found] == kinds
        if found:
            told = (
                f"code, where known, is 3 for {len(stayed) - wrong:,} of {len(stayed):,} who stayed"
            )
            assert told in found[0].message


# rows


def test_customers_who_are_on_both_sides_under_other_ids_are_an_alarm(honest):
    features, labels = honest
    # given that every twentieth of the test customers stands among the training ones as well
    source = np.arange(ROWS)
    source[TRAIN::20] = np.arange(0, TRAIN, TRAIN // 20)
    assert np.isnan(features["data_usage_gb"][source[TRAIN::20]]).any()

    found = _alarms(take(features, source), labels[source])

    assert [(one.kind, one.feature) for one in found] == [("identical_rows", None)]
    assert found[0].message == (
        "20 of 400 test customers (5 %) equal a training customer in every feature, above 1 %"
    )


@pytest.mark.parametrize(("twins", "expected"), [(4, []), (5, [("identical_rows", None)])])
def test_as_many_identical_customers_as_the_bound_are_no_alarm(honest, twins, expected):
    features, labels = honest
    source = np.arange(ROWS)
    source[TRAIN : TRAIN + twins] = np.arange(twins)

    assert _found(take(features, source), labels[source]) == expected


@pytest.mark.parametrize(
    ("name", "other"),
    [("age", 1000 + np.arange(400)), ("contract", _words([f"plan {i}" for i in range(400)]))],
)
def test_customers_who_differ_in_one_feature_are_not_identical(honest, name, other):
    features, labels = honest
    twins = take(features, np.r_[0:TRAIN, 0:400])
    same = np.r_[labels[:TRAIN], labels[:400]]

    assert _found(twins, same) == [("identical_rows", None)]
    assert _found({**twins, name: np.r_[twins[name][:TRAIN], other]}, same) == []


# all together


def test_alarms_stand_in_the_order_of_the_features_that_of_the_rows_last(honest):
    features, labels = honest
    leaks = {"z": labels + 0.001 * np.arange(ROWS) / ROWS, **features, "a": labels}
    source = np.r_[0:TRAIN, 0:400]

    found = _found(take(leaks, source), labels[source])

    assert found == [
        ("single_feature", "z"),
        ("single_feature", "a"),
        ("constant_for_one_class", "a"),
        ("identical_rows", None),
    ]


@settings(deadline=None, max_examples=10, derandomize=True)
@given(seed=st.integers(0, 1000))
def test_the_order_of_the_customers_on_a_side_does_not_matter(honest, seed):
    features, labels = honest
    rng = np.random.default_rng(seed)
    leak = SINGLE["a narrow range"](labels, np.random.default_rng(0))
    shuffled = np.r_[rng.permutation(TRAIN), TRAIN + rng.permutation(ROWS - TRAIN)]
    everything = {"leak": leak, "contract": features["contract"], "age": features["age"]}

    sensitive = LeakSettings(auc=0.55, identical=0)
    expected = _alarms(everything, labels, sensitive)

    assert len(expected) >= 2
    assert _alarms(take(everything, shuffled), labels[shuffled], sensitive) == expected
