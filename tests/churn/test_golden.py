"""Golden rows: within the contract, varied, and off by a bit where the code is."""

from functools import wraps

import numpy as np
import pytest
import xgboost

from churn.bundle import Bundle
from churn.contract import UNSEEN, CategoryColumn, Contract, IntegerColumn
from churn.errors import OtherProbability, WrongFeature
from churn.features import telco
from churn.golden import ROWS, Golden, golden, golden_rows
from churn.reference import reference
from churn.scoring import Scorer, with_golden
from tests.small import TELCO

pytestmark = pytest.mark.usefixtures("one_thread")

MINE = Contract.model_validate(
    {
        "name": "mine",
        "target": {"column": "left", "positive": "yes", "negative": "no"},
        "columns": {
            "age": {"type": "integer", "min": 18, "max": 100, "required": True},
            "bill": {"type": "number", "above": 0},
            "share": {"type": "number", "min": 0, "below": 1},
            "member": {"type": "boolean"},
            "plan": {"type": "category"},
            "line": {"type": "category", "values": ["DSL", "Fiber"], "required": True},
            "refund": {"type": "number", "after_event": True},
        },
    }
)


@pytest.fixture(scope="module")
def known():
    """Training rows of the table, of one of whose columns nothing is known; each (n,)."""
    rng = np.random.default_rng(0)
    return {
        "age": np.floor(20 + rng.random(300) * 50),
        "bill": rng.random(300) * 90 + 10,
        "share": np.full(300, np.nan),
        "member": np.floor(rng.random(300) * 2),
        "plan": rng.choice(np.array(["Basic", "Gold", None], dtype=object), 300),
        "line": np.full(300, "DSL", dtype=object),
    }


@pytest.fixture(scope="module")
def distributions(known):
    return reference(known, np.linspace(0, 1, 300))


@pytest.fixture(scope="module")
def rows(distributions):
    return golden_rows(MINE, distributions)


# what they are


def test_every_known_column_is_there_in_the_form_in_which_it_is_scored(rows):
    assert [*rows] == [*MINE.known_columns]
    for name, values in rows.items():
        is_category = isinstance(MINE.columns[name], CategoryColumn)
        assert (values.shape, values.dtype) == ((ROWS,), object if is_category else np.float64)


def test_they_are_customers_whom_the_contract_allows(rows):
    age, bill, share = rows["age"], rows["bill"], rows["share"]

    assert ((age >= 18) & (age <= 100) & (age == np.floor(age))).all()
    assert (np.isnan(bill) | (bill > 0)).all()
    assert (np.isnan(share) | ((share >= 0) & (share < 1))).all()
    assert {*rows["member"][~np.isnan(rows["member"])]} == {0, 1}
    assert {*rows["line"]} == {"DSL", "Fiber"}


def test_they_hold_edges_what_lies_beyond_them_what_is_missing_and_what_is_new(
    rows, known, distributions
):
    for name in ("age", "bill"):
        edges, inside = distributions.bins[name].edges, rows[name]
        assert {*edges} <= {*inside}
        assert np.nanmin(inside) < known[name].min()
        assert np.nanmax(inside) > known[name].max()
    assert {18.0, 100.0} <= {*rows["age"]}
    assert {*rows["plan"]} == {"Basic", "Gold", None, UNSEEN}
    assert np.isnan(rows["member"]).any()


def test_the_first_has_nothing_but_what_is_required(rows):
    missing = [name for name, of in rows.items() if of[0] is None or of[0] != of[0]]

    assert missing == [name for name in MINE.known_columns if not MINE.columns[name].required]


def test_they_are_the_same_every_time(rows, distributions):
    again = golden_rows(MINE, distributions)

    for name, values in rows.items():
        np.testing.assert_array_equal(again[name], values)


def test_of_the_embedded_table_whole_numbers_stay_whole(scorer):
    found = golden_rows(TELCO, scorer.bundle.reference)

    for name, column in TELCO.columns.items():
        if isinstance(column, IntegerColumn):
            present = found[name][~np.isnan(found[name])]
            assert (present == np.floor(present)).all()


# what is left out


def _score_but(limit):
    """Gives the age as the score, and fails for customers above the limit."""

    def score(columns):
        if (columns["age"] > limit).any():
            raise WrongFeature("share_of_age", "returned 1 infinite values", len(columns["age"]))
        return columns["age"] / 100

    return score


def test_rows_whose_features_cannot_be_computed_are_left_out(rows, distributions):
    found = golden(MINE, distributions, _score_but(60))

    assert len(found.probabilities) == (rows["age"] <= 60).sum() < ROWS
    assert max(found.probabilities) <= 0.6
    assert [len(values) for values in found.columns.values()] == [len(found.probabilities)] * 6


def test_where_no_row_can_be_computed_the_feature_is_to_blame(distributions):
    with pytest.raises(WrongFeature, match="feature share_of_age: returned 1 infinite"):
        golden(MINE, distributions, _score_but(0))


# the check


def test_a_model_scores_its_golden_rows_as_at_training(scorer):
    scorer.check()

    assert len(scorer.bundle.golden.probabilities) == ROWS
    assert len({*scorer.bundle.golden.probabilities}) > ROWS / 2


def test_they_come_back_from_json_as_they_were(scorer):
    before = scorer.bundle.golden

    assert Golden.model_validate_json(before.model_dump_json()) == before


def _words(row, found, expected):
    return (
        rf"^golden row {row} of the bundle has the probability {found!r}, at training it had "
        rf"{expected!r}: XGBoost, numpy or the feature functions are not .* make repro\.$"
    )


@pytest.mark.parametrize("row", [0, 41, ROWS - 1])
def test_a_single_bit_is_told_with_the_row_and_both_numbers(scorer, row):
    bundle = scorer.bundle
    right = bundle.golden.probabilities
    wrong = float(np.nextafter(right[row], 1))
    changed = {"probabilities": (*right[:row], wrong, *right[row + 1 :])}
    other = Bundle(
        bundle.manifest, bundle.reference, bundle.booster, bundle.golden.model_copy(update=changed)
    )

    with pytest.raises(OtherProbability, match=_words(row, right[row], wrong)):
        Scorer(other).check()


def test_other_features_are_told(scorer, monkeypatch):
    strength = scorer.bundle.booster.get_score(importance_type="total_gain")
    names = {f"f{i}": name for i, name in enumerate(scorer.bundle.manifest.feature_names)}
    strongest = max((one for one in strength if hasattr(telco, names[one])), key=strength.get)
    name = names[strongest]
    before = getattr(telco, name)
    monkeypatch.setattr(telco, name, wraps(before)(lambda **needed: -before(**needed)))

    with pytest.raises(OtherProbability, match="golden row"):
        Scorer(scorer.bundle).check()


@pytest.mark.parametrize("from_rows", [1, 2, ROWS + 1])
def test_a_difference_for_some_numbers_of_rows_alone_is_told(scorer, from_rows):
    def score(columns):
        found = scorer.probabilities(columns)
        return np.nextafter(found, 1) if len(found) >= from_rows else found

    with pytest.raises(OtherProbability, match="golden row 0 of the bundle"):
        scorer.bundle.golden.check(scorer.bundle.manifest.contract, score)


def test_a_bundle_gets_golden_rows_as_it_scores_them(scorer):
    bundle = scorer.bundle
    fewer = xgboost.Booster(model_file=bundle.booster[:5].save_raw("ubj"))

    other = with_golden(Bundle(bundle.manifest, bundle.reference, fewer))

    Scorer(other).check()
    assert other.golden.columns == bundle.golden.columns
    assert other.golden.probabilities != bundle.golden.probabilities
