import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.cleaning import clean
from churn.contract import Contract
from churn.errors import (
    ChurnError,
    OneClassOnly,
    TooFewChurners,
    TooManyRejected,
    UnknownTargetValue,
    WrongColumnType,
)
from churn.settings import FileSource
from churn.validation import validate
from tests.taken import take

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "id": "customer",
        "target": {"column": "left", "positive": "Yes", "negative": "No"},
        "columns": {
            "age": {"type": "integer", "min": 18, "max": 100, "unit": "years", "required": True},
            "charge": {"type": "number", "above": 0, "below": 1000, "unit": "USD"},
            "plan": {"type": "category", "values": ["DSL", "Fiber", "None"]},
            "city": {"type": "category", "required": True},
            "paperless": {"type": "boolean"},
        },
    }
)
GOOD = {
    "customer": "C",
    "left": "No",
    "age": "40",
    "charge": "60.5",
    "plan": "DSL",
    "city": "Bonn",
    "paperless": "Yes",
}


def rows(*changes, churners=60, stayers=60):
    """Good rows, the first ones with the given changes."""
    outcomes = ["Yes"] * churners + ["No"] * stayers
    made = [{**GOOD, "customer": f"C{n}", "left": one} for n, one in enumerate(outcomes)]
    for row, change in zip(made, changes, strict=False):
        row.update(change)
    return made


def table_of(made):
    return pa.table({name: pa.array([row[name] for row in made], pa.string()) for name in GOOD})


def divided(*changes, limit=1.0, labelled=True, **counts):
    return validate(
        table_of(rows(*changes, **counts)), CONTRACT, "history", limit, labelled=labelled
    )


def current_of(made):
    """Rows without an outcome, divided."""
    table = table_of(made).drop_columns(["left"])
    return validate(table, CONTRACT, "current", 1.0, labelled=False)


def reasons(validated):
    return validated.quarantine.column("reasons").to_pylist()


def test_good_rows_pass_as_they_came():
    change = {"age": " 40 ", "plan": "FIBER", "charge": "", "city": "NY"}
    validated = divided(change)
    assert validated.valid.equals(table_of(rows(change)))
    assert validated.quarantine.num_rows == 0
    assert validated.report == {"rows": 120, "valid": 120, "quarantined": 0, "rules": []}


BROKEN_RULES = [
    ("customer", "", "id", "customer: '' is missing: every customer needs an id"),
    ("customer", "  ", "id", "customer: '  ' is missing: every customer needs an id"),
    ("left", "", "target", "left: '' is missing: history needs Yes or No"),
    ("left", "NA", "target", "left: 'NA' is missing: history needs Yes or No"),
    (
        "age",
        "forty",
        "type",
        "age: 'forty' is not of type integer from 18 to 100 years",
    ),
    ("age", "", "not_nullable", "age: '' is required and missing"),
    ("age", "N/A", "not_nullable", "age: 'N/A' is required and missing"),
    ("age", "17", "min", "age: '17' is out of range: integer from 18 to 100 years"),
    ("age", "101", "max", "age: '101' is out of range: integer from 18 to 100 years"),
    ("age", "40.5", "whole", "age: '40.5' is not a whole number"),
    ("charge", "0", "above", "charge: '0' is out of range: number above 0 below 1000 USD"),
    ("charge", "1,000", "below", "charge: '1,000' is out of range: number above 0 below 1000 USD"),
    ("charge", "1e999", "type", "charge: '1e999' is not of type number above 0 below 1000 USD"),
    ("plan", "Cable", "values", "plan: 'Cable' is not one of DSL, Fiber, None"),
    ("city", " ", "not_nullable", "city: ' ' is required and missing"),
    ("paperless", "maybe", "type", "paperless: 'maybe' is not of type boolean: Yes or No"),
]


@pytest.mark.parametrize(("column", "value", "rule", "reason"), BROKEN_RULES)
def test_a_bad_row_is_set_aside_with_column_value_and_what_is_allowed(column, value, rule, reason):
    validated = divided({}, {column: value})
    assert reasons(validated) == [reason]
    (found,) = validated.report["rules"]
    assert (found["column"], found["rule"], found["rows"]) == (column, rule, 1)
    assert found["examples"] == [value]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("age", "18"),
        ("age", "100"),
        ("age", "40.0"),
        ("charge", "0.01"),
        ("charge", "999.99"),
        ("charge", "N/A"),
        ("plan", " fiber "),
        ("plan", "none"),
        ("plan", ""),
        ("city", "Springfield"),
        ("paperless", "0"),
        ("paperless", ""),
    ],
)
def test_a_value_on_the_edge_of_what_is_allowed_passes(column, value):
    assert divided({column: value}).quarantine.num_rows == 0


def test_a_row_with_several_faults_has_all_its_reasons():
    validated = divided({"age": "17", "plan": "Cable", "customer": "", "paperless": "maybe"})
    (reason,) = reasons(validated)
    assert reason.split("; ") == [
        "customer: '' is missing: every customer needs an id",
        "paperless: 'maybe' is not of type boolean: Yes or No",
        "age: '17' is out of range: integer from 18 to 100 years",
        "plan: 'Cable' is not one of DSL, Fiber, None",
    ]


def test_an_unreadable_required_value_has_one_reason_only():
    assert len(reasons(divided({"age": "forty"}))[0].split("; ")) == 1


def test_quarantine_keeps_the_raw_text_and_the_place_in_the_snapshot():
    bad = {"age": " 17 ", "charge": "2,159.76", "plan": "FIBER"}
    validated = divided({}, {}, bad)
    (row,) = validated.quarantine.to_pylist()
    assert row["row_in_snapshot"] == 3
    assert {name: row[name] for name in GOOD} == {**GOOD, "customer": "C2", "left": "Yes", **bad}


def test_the_report_counts_rows_by_rule_and_shows_at_most_three_examples():
    changes = [{"age": str(age)} for age in range(101, 106)] + [{"plan": "Cable"}]
    report = divided(*changes).report
    assert (report["rows"], report["valid"], report["quarantined"]) == (120, 114, 6)
    assert [(rule["column"], rule["rule"], rule["rows"]) for rule in report["rules"]] == [
        ("age", "max", 5),
        ("plan", "values", 1),
    ]
    assert report["rules"][0]["examples"] == ["101", "102", "103"]
    assert json.loads(json.dumps(report)) == report


def test_too_many_bad_rows_stop_with_the_rules_that_they_break():
    message = (
        r"history: 7 of 120 rows \(5\.8%\) break the contract; validate\.max_rejected allows "
        r"5\.0%\. By rule: age min: 4 \(such as '17'\); plan values: 3 \(such as 'Cable'\)\. "
        r"Correct the data or the contract, or raise"
    )
    with pytest.raises(TooManyRejected, match=message):
        divided(*[{"age": "17"}] * 4, *[{"plan": "Cable"}] * 3, limit=0.05)


def test_as_many_bad_rows_as_allowed_pass():
    assert divided(*[{"age": "17"}] * 6, limit=0.05).quarantine.num_rows == 6


def test_a_column_that_is_mostly_of_another_type_stops_with_examples():
    changes = [{"charge": f"{n} EUR"} for n in range(61)]
    message = (
        r"history: column charge: 51% of its values are not of type number above 0 below 1000 "
        r"USD, such as '0 EUR', '1 EUR', '2 EUR'\. Correct the column or its type in the contract"
    )
    with pytest.raises(WrongColumnType, match=message):
        divided(*changes)


def test_missing_values_do_not_count_when_the_type_of_a_column_is_judged():
    changes = [{"charge": "x"}, {"charge": "y"}, *[{"charge": ""}] * 118]
    with pytest.raises(WrongColumnType, match="column charge: 100% of its values"):
        divided(*changes)


def test_half_of_a_column_unreadable_is_quarantined_not_refused():
    validated = divided(*[{"charge": "x"}] * 60, churners=110, stayers=10)
    assert validated.quarantine.num_rows == 60


def test_an_outcome_that_is_neither_value_stops_with_both_allowed():
    message = (
        r"history: target left: 3 row\(s\) with an unknown value: 'Maybe', 'Oui'\. "
        r"Allowed are 'Yes', 'No' "
        r"\(or blank, which goes to quarantine\)\. Correct the data, or target\.positive"
    )
    with pytest.raises(UnknownTargetValue, match=message):
        divided({"left": "Oui"}, {"left": "Maybe"}, {"left": "Oui"})


@pytest.mark.parametrize(("churners", "stayers", "only"), [(120, 0, "Yes"), (0, 120, "No")])
def test_one_outcome_only_is_refused(churners, stayers, only):
    message = f"history: target left: every customer has the value '{only}'.*add the other class"
    with pytest.raises(OneClassOnly, match=message):
        divided(churners=churners, stayers=stayers)


def test_49_churners_are_too_few():
    with pytest.raises(TooFewChurners, match="history: target left: 49 churners, at least 50"):
        divided(churners=49)


def test_50_churners_are_enough():
    assert divided(churners=50).valid.num_rows == 110


def test_churners_in_quarantine_do_not_count():
    with pytest.raises(TooFewChurners, match="49 churners, at least 50 are needed"):
        divided({"age": "17"}, churners=50)


def test_a_churner_listed_twice_counts_once():
    twice = rows(churners=30) + rows(churners=30)
    with pytest.raises(TooFewChurners, match="30 churners, at least 50 are needed"):
        validate(table_of(twice), CONTRACT, "history", 0.05, labelled=True)


@pytest.mark.parametrize("value", ["-1e20", "1e20", str(2**53 + 2)])
def test_a_whole_number_beyond_the_exact_ones_is_set_aside_on_either_side(value):
    count = {"count": {"type": "integer"}}
    open_ended = CONTRACT.model_dump(by_alias=True) | {"columns": count}
    table = table_of(rows()).append_column("count", pa.array([value] + ["1"] * 119))
    wide = Contract.model_validate(open_ended)
    found = validate(table, wide, "history", 0.05, labelled=True)
    assert found.quarantine.num_rows == 1
    assert clean(found.valid, wide).num_rows == 119


def test_a_history_without_rows_has_too_few_churners():
    with pytest.raises(TooFewChurners, match="0 churners, at least 50 are needed"):
        validate(table_of([]), CONTRACT, "history", 0.05, labelled=True)


def test_recent_customers_need_no_outcome():
    assert current_of(rows()).quarantine.num_rows == 0
    blank = divided({"left": ""}, labelled=False)
    assert blank.quarantine.num_rows == 0


def test_recent_customers_may_all_have_one_outcome():
    assert divided(churners=0, stayers=5, labelled=False).valid.num_rows == 5


def test_no_recent_customers_pass():
    validated = current_of([])
    assert validated.report == {"rows": 0, "valid": 0, "quarantined": 0, "rules": []}
    assert validated.quarantine.column_names[-2:] == ["row_in_snapshot", "reasons"]


def test_the_table_that_was_given_stays_as_it_is():
    table = table_of(rows({"age": "17"}))
    before = table.to_pylist()
    validate(table, CONTRACT, "history", 1.0, labelled=True)
    assert table.to_pylist() == before


def some(*values):
    """Mostly a good value, sometimes another."""
    return st.sampled_from([values[0]] * 6 + [*values])


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "customer": some("C1", "C2", " ", ""),
            "left": some("No", "Yes", "", "na"),
            "age": some("40", " 18 ", "101", "17.5", "x", "", "1e3"),
            "charge": some("60.5", "1,0", "0", "-5", "1e999", "NaN", "999.99"),
            "plan": some("DSL", "fiber", "None", "Cable", ""),
            "city": some("Bonn", "", "null", "BONN"),
            "paperless": some("Yes", "0", "2", "", "True"),
        }
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=50, derandomize=True)
@given(ROWS)
def test_every_row_is_either_valid_or_in_quarantine_with_a_reason(made):
    # given
    table = table_of(made)
    # when
    try:
        validated = validate(table, CONTRACT, "current", 1.0, labelled=False)
    except WrongColumnType:
        return
    # then
    aside = validated.quarantine
    places = aside.column("row_in_snapshot").to_numpy() - 1
    kept = np.setdiff1d(np.arange(len(made)), places)
    assert validated.valid.to_pylist() == [made[place] for place in kept]
    assert aside.drop_columns(["row_in_snapshot", "reasons"]).to_pylist() == [
        made[place] for place in places
    ]
    assert all(reasons(validated))
    assert validated.report["rows"] == len(made)
    assert validated.report["valid"] == len(kept)
    assert validated.report["quarantined"] == len(places)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(ROWS)
def test_valid_rows_are_valid_again_and_can_be_cleaned(made):
    try:
        valid = current_of(made).valid
    except WrongColumnType:
        return
    again = validate(valid, CONTRACT, "current", 0.0, labelled=False)
    assert again.valid.equals(valid)
    cleaned = clean(valid, CONTRACT)
    assert validate(cleaned, CONTRACT, "current", 0.0, labelled=False).valid.equals(cleaned)


@pytest.mark.parametrize("value", ["1e20", "1e300", "99999999999999999999"])
def test_a_whole_number_that_no_integer_can_hold_is_set_aside(value):
    # given an integer column without a maximum, as in conf/table/ibm_telco.yaml
    contract = CONTRACT.model_validate(
        {
            **CONTRACT.model_dump(exclude_none=True),
            "columns": {"age": {"type": "integer", "min": 0}},
        }
    )
    table = table_of(rows({"age": value})).select(["customer", "left", "age"])
    validated = validate(table, contract, "history", 1.0, labelled=True)
    assert validated.quarantine.column("age").to_pylist() == [value]


@pytest.mark.parametrize(
    "ages",
    [
        pa.array([[1]], pa.list_(pa.int64())),
        pa.array([{"years": 1}], pa.struct({"years": pa.int64()})),
        pa.array([b"\xff"], pa.binary()),
    ],
    ids=["list", "struct", "bytes"],
)
def test_a_parquet_column_that_is_no_plain_value_is_refused_by_name(tmp_path, ages):
    path = tmp_path / "customers.parquet"
    one = table_of([GOOD])
    pq.write_table(one.set_column(one.column_names.index("age"), "age", ages), path)
    source = FileSource(kind="parquet", history=str(path), current=str(path))
    with pytest.raises(ChurnError, match=re.compile(r"\bage\b")):
        snapshot = take(source, CONTRACT, "current")
        validate(snapshot.table, CONTRACT, "current", 1.0, labelled=False)


def test_a_parquet_integer_beyond_every_range_is_set_aside_like_its_text():
    table = table_of([GOOD, GOOD])
    ages = pa.array([40, 2**60], pa.int64())
    table = table.set_column(table.column_names.index("age"), "age", ages)
    validated = validate(table, CONTRACT, "current", 1.0, labelled=False)
    assert reasons(validated) == [f"age: '{2**60}' is out of range: integer from 18 to 100 years"]


def test_customers_whose_numeric_id_is_nan_are_set_aside_not_merged():
    table = table_of([GOOD, GOOD, GOOD])
    ids = pa.array([7.0, float("nan"), float("nan")])
    table = table.set_column(0, "customer", ids)
    validated = validate(table, CONTRACT, "current", 1.0, labelled=False)
    assert validated.quarantine.num_rows == 2
