import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from churn.contract import CategoryColumn, Contract, IntegerColumn, NumberColumn, folded
from churn.errors import InvalidParameters
from churn.features import feature_set
from churn.params import checked

TABLES = sorted((Path(__file__).parents[2] / "conf/table").glob("*.yaml"))
FILE = "conf/table/mine.yaml"
CONTRACT = {
    "name": "mine",
    "id": "customer",
    "target": {"column": "left", "positive": "Yes", "negative": "No"},
    "constants": {"typical": 65},
    "columns": {
        "age": {"type": "integer", "min": 18, "max": 100, "unit": "years", "required": True},
        "charge": {"type": "number", "above": 0},
        "plan": {"type": "category", "values": ["Basic", "None"]},
        "paperless": {"type": "boolean"},
    },
}
TARGET = CONTRACT["target"]
LATER = {"type": "number", "after_event": True}


def contract(**changes):
    return checked(Contract, {**CONTRACT, **changes}, FILE)


def one_column(**column):
    return {"columns": {"age": column}}


# A path may end in the kind of column, see the test of that below.
MISTAKES = {
    "a misspelled key at the top": (
        {"colums": {}},
        r"top level: unknown key 'colums' \(did you mean 'columns'\?\); allowed are name, id, "
        "target, features, constants, rename, columns",
    ),
    "a misspelled key in a column": (
        one_column(type="integer", mn=1),
        r"columns\.age(\.integer)?: unknown key 'mn' \(did you mean 'min'\?\); allowed are unit, "
        "description, required, after_event, min, max, above, below, bands, type",
    ),
    "a range on a category": (
        one_column(type="category", min=1),
        r"columns\.age(\.category)?: unknown key 'min'; allowed are .*values",
    ),
    "a misspelled key in the target": (
        {"target": {"column": "left", "positve": "Yes", "negative": "No"}},
        r"target: unknown key 'positve' \(did you mean 'positive'\?\); allowed are column, "
        "positive, negative",
    ),
    "an unknown type": (
        one_column(type="intger"),
        r"columns\.age: type 'intger' is unknown; allowed are 'integer', 'number', 'boolean', "
        "'category'",
    ),
    "no type": (one_column(unit="years"), r"columns\.age: type is missing"),
    "no settings of a column": ({"columns": {"age": None}}, r"columns\.age: None is not allowed"),
    "no columns": ({"columns": {}}, r"columns: \{\} is not allowed: .* at least 1 item"),
    "no target": ({"target": None}, r"target: None is not allowed"),
    "a bound that is no number": (
        one_column(type="number", max="many"),
        r"columns\.age\.max: 'many' is not allowed: input should be a valid number",
    ),
    "a bound that is infinite": (
        one_column(type="number", max=float("inf")),
        r"columns\.age\.max: inf is not allowed: input should be a finite number",
    ),
    "an empty list of values": (
        one_column(type="category", values=[]),
        r"columns\.age\.values: the list is empty; leave values out for an open set",
    ),
    "values that are no list": (
        one_column(type="category", values="Basic"),
        r"columns\.age\.values: 'Basic' is not allowed",
    ),
    "values that differ in capitals only": (
        one_column(type="category", values=["Basic", "BASIC"]),
        r"columns\.age\.values: .*differ in capitals only",
    ),
    "a value with space around it": (
        one_column(type="category", values=["Basic "]),
        r"columns\.age\.values: .*has space around it",
    ),
    "a value that the project uses itself": (
        one_column(type="category", values=["Basic", "(missing)"]),
        r"columns\.age\.values: '\(missing\)' is the project's own word",
    ),
    "a required column that is known only after the event": (
        one_column(type="integer", required=True, after_event=True),
        r"columns\.age: required and after_event: what is known only after the event is not there",
    ),
    "an after_event that is neither true nor false": (
        one_column(type="integer", after_event="later"),
        r"columns\.age\.after_event: 'later' is not allowed",
    ),
    "bands that fall": (
        one_column(type="integer", bands=[12, 6]),
        r"columns\.age\.bands: \[12\.0, 6\.0\] must rise from bound to bound",
    ),
    "a band without width": (
        one_column(type="number", bands=[6, 6]),
        r"columns\.age\.bands: \[6\.0, 6\.0\] must rise from bound to bound",
    ),
    "an empty list of bands": (
        one_column(type="number", bands=[]),
        r"columns\.age\.bands: .* at least 1 item",
    ),
    "a bound of a band that is no number": (
        one_column(type="number", bands=[True]),
        r"columns\.age\.bands\.0: True is not allowed: it is no number",
    ),
    "bands of a category": (
        one_column(type="category", bands=[1]),
        r"columns\.age(\.category)?: unknown key 'bands'; allowed are .*values",
    ),
    "a column named like the model's score": (
        {"columns": {"churn_probability": {"type": "number"}}},
        "churn_probability is a name of the project's own; rename the column",
    ),
    "a value Yes without quotation marks": (
        one_column(type="category", values=["Basic", True]),
        r"columns\.age\.values: True is not text; put it in quotation marks",
    ),
    "a target of Yes and No without quotation marks": (
        {"target": {"column": "left", "positive": True, "negative": False}},
        r"target\.positive: True is not text; put it in quotation marks; "
        r"target\.negative: False is not text; put it in quotation marks",
    ),
    "a target of 1 and 0 without quotation marks": (
        {"target": {"column": "left", "positive": 1, "negative": 0}},
        r"target\.positive: 1 is not text; put it in quotation marks",
    ),
    "a target with one value": (
        {"target": {"column": "left", "positive": "yes", "negative": " YES "}},
        r"target: positive 'yes' and negative ' YES ' are the same value",
    ),
    "the id as a feature": (
        {"id": "age"},
        r"columns\.age is the id; it cannot be a feature as well",
    ),
    "the target as a feature": (
        {"target": {**TARGET, "column": "age"}},
        r"columns\.age is the target; it cannot be a feature as well",
    ),
    "one column as id and target": ({"id": "left"}, "left is both id and target"),
    "a rename to nowhere": (
        {"rename": {"Alter": "agee"}},
        r"rename\.Alter: agee is no column, id or target",
    ),
    "two renames to one column": (
        {"rename": {"Alter": "age", "Years": "age"}},
        "rename: Alter and Years both lead to age",
    ),
    "a constant named like a column": (
        {"constants": {"age": 40}},
        "age is both a constant and a column",
    ),
    "a constant that is no number": (
        {"constants": {"typical": "much"}},
        r"constants\.typical: 'much' is not allowed: input should be a valid number",
    ),
    "a name that is no identifier": ({"name": "my table"}, "name: 'my table' is not allowed"),
    "a column name that is no identifier": (
        {"columns": {"age in years": {"type": "integer"}}},
        r"columns\.age in years.*'age in years' is not allowed",
    ),
    "features outside the package": (
        {"features": "os.path"},
        "features: 'os.path' is not allowed",
    ),
}


@pytest.mark.parametrize(("changes", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_in_a_contract_is_told_with_file_key_and_what_is_allowed(changes, message):
    whole = f"^{FILE}: (top level: )?{message}.*Correct conf/ and run make compose.*$"
    with pytest.raises(InvalidParameters, match=whole):
        contract(**changes)


@pytest.mark.parametrize("key", ["name", "target", "columns"])
def test_a_missing_key_is_named(key):
    without = {name: value for name, value in CONTRACT.items() if name != key}
    with pytest.raises(InvalidParameters, match=f"^{FILE}: {key}: missing"):
        checked(Contract, without, FILE)


def test_every_mistake_is_told_at_once():
    with pytest.raises(InvalidParameters, match=r"'my table' is not allowed.*'intger' is unknown"):
        contract(name="my table", columns={"age": {"type": "intger"}})


def test_a_mistake_in_a_column_is_located_by_keys_that_stand_in_the_file():
    with pytest.raises(InvalidParameters, match=r"columns\.age: unknown key 'mn'"):
        contract(**one_column(type="integer", mn=1))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (one_column(type="category", values=["One", "Basic", "BASIC"]), "BASIC"),
        (one_column(type="category", values=["One", "Basic "]), "'Basic '"),
        ({"rename": {"Alter": "age", "Years": "age"}}, "age"),
        ({"target": {"column": "left", "positive": "gone", "negative": "GONE"}}, "GONE"),
    ],
)
def test_a_mistake_among_several_values_names_the_one_that_is_meant(changes, named):
    with pytest.raises(InvalidParameters, match=re.escape(named)):
        contract(**changes)


@pytest.mark.parametrize(
    "bounds",
    [
        {"min": 9, "max": 1},
        {"above": 9, "below": 1},
        {"above": 5, "max": 5},
        {"min": 5, "below": 5},
        {"above": 5, "below": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_a_range_that_holds_no_value_is_refused(kind, bounds):
    with pytest.raises(InvalidParameters, match=rf"columns\.age.*: no value can be {kind} "):
        contract(**one_column(type=kind, **bounds))


def test_a_range_of_one_value_is_allowed():
    assert contract(**one_column(type="integer", min=5, max=5)).columns["age"].min == 5


@pytest.mark.parametrize("taken", ["row_number", "row_in_snapshot", "reasons"])
def test_a_name_that_the_pipeline_gives_to_a_column_of_its_own_is_refused(taken):
    with pytest.raises(InvalidParameters, match=taken):
        contract(id=None, columns={taken: {"type": "integer"}})


def test_a_contract_cannot_be_changed_after_it_was_read():
    with pytest.raises(ValidationError, match="frozen"):
        contract().name = "other"


def test_a_labelled_source_has_the_id_the_target_and_the_features_in_this_order():
    assert contract().source_columns == ("customer", "left", "age", "charge", "plan", "paperless")


def test_without_an_id_the_row_number_stands_in_and_no_source_must_have_it():
    without = contract(id=None)
    assert without.id_column == "row_number"
    assert without.source_columns == ("left", "age", "charge", "plan", "paperless")


def test_a_column_known_only_after_the_event_is_in_the_source_but_not_among_the_known():
    later = contract(columns={**CONTRACT["columns"], "refund": LATER, "letter": LATER})
    assert later.source_columns[-2:] == ("refund", "letter")
    assert later.known_columns == ("age", "charge", "plan", "paperless")


def test_columns_are_known_before_the_event_unless_the_contract_says_otherwise():
    assert contract().known_columns == tuple(CONTRACT["columns"])


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_a_number_may_have_bands_in_which_customers_are_told_apart(kind):
    assert contract(**one_column(type=kind, bands=[6, 12.5])).columns["age"].bands == (6, 12.5)
    assert contract(**one_column(type=kind)).columns["age"].bands is None


def numbers(*units):
    """Columns of these units, named a, b, c, …"""
    return {
        name: {"type": "number", "unit": one} for name, one in zip("abcdef", units, strict=False)
    }


def test_three_numbers_of_one_unit_have_a_sum():
    two_units = numbers("USD", "minutes", "USD", "minutes", "USD")
    assert contract(columns=two_units).totals == {"sum_of_USD": ("a", "c", "e")}


def test_two_numbers_of_one_unit_and_numbers_without_one_have_no_sum():
    assert contract(columns=numbers("USD", "USD", None, None, None)).totals == {}


def test_whole_numbers_are_summed_with_others_but_words_are_not():
    columns = {**numbers("GB", "GB"), "whole": {"type": "integer", "unit": "GB"}}
    assert contract(columns=columns).totals == {"sum_of_GB": ("a", "b", "whole")}
    columns["whole"] = {"type": "category", "unit": "GB"}
    assert contract(columns=columns).totals == {}


def test_a_sum_of_a_unit_of_several_words_has_a_name_without_space():
    per_month = ("USD per month", "USD per  month ", "USD_per_month")
    assert contract(columns=numbers(*per_month)).totals == {"sum_of_USD_per_month": tuple("abc")}


def test_a_column_known_only_after_the_event_is_part_of_no_sum():
    columns = numbers("USD", "USD", "USD")
    columns["c"]["after_event"] = True
    assert contract(columns=columns).totals == {}


@pytest.mark.parametrize(
    "role",
    [
        {"id": "sum_of_USD"},
        {"target": {**TARGET, "column": "sum_of_USD"}},
        {"constants": {"sum_of_USD": 1}},
        {"columns": {**numbers("USD", "USD", "USD"), "sum_of_USD": {"type": "number"}}},
    ],
    ids=["id", "target", "constant", "column"],
)
def test_a_name_that_a_sum_has_is_taken(role):
    with pytest.raises(InvalidParameters, match=r"sum_of_USD is the name of a sum of columns; ren"):
        contract(**{"columns": numbers("USD", "USD", "USD"), **role})


def test_columns_keep_the_order_of_the_file():
    turned = dict(reversed(CONTRACT["columns"].items()))
    assert [*contract(columns=turned).columns] == [*turned]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (IntegerColumn(type="integer", min=1, max=9, unit="years"), "integer from 1 to 9 years"),
        (NumberColumn(type="number", above=0, below=9, unit="USD"), "number above 0 below 9 USD"),
        (NumberColumn(type="number"), "number"),
        (CategoryColumn(type="category", values=("DSL", "None")), "one of DSL, None"),
        (CategoryColumn(type="category"), "category (any text)"),
    ],
)
def test_what_a_column_allows_is_said_in_words_with_its_unit(column, words):
    assert column.allowed == words


def test_two_spellings_that_differ_in_capitals_and_outer_space_are_one():
    assert folded("  Month-to-MONTH ") == folded("month-to-month")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_contract_that_ships_is_valid_and_named_like_its_file(path):
    shipped = checked(Contract, YAML(typ="safe", pure=True).load(path), str(path))
    assert shipped.name == path.stem
    assert set(shipped.known_columns) <= set(feature_set(shipped).names)


def test_three_contracts_ship():
    assert {path.stem for path in TABLES} >= {"telco", "ibm_telco", "mlc_churn"}
