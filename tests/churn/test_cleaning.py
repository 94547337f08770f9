import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.cleaning import accounted, clean
from churn.contract import Contract
from churn.errors import RowsNotAccountedFor
from churn.files import sha256, write_parquet

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "id": "customer",
        "target": {"column": "left", "positive": "Yes", "negative": "No"},
        "columns": {
            "age": {"type": "integer", "required": True},
            "charge": {"type": "number"},
            "plan": {"type": "category", "values": ["DSL", "Fiber", "None"]},
            "city": {"type": "category"},
            "paperless": {"type": "boolean"},
        },
    }
)
NAMES = CONTRACT.source_columns


def table_of(rows):
    return pa.table(
        {name: pa.array([row[at] for row in rows], pa.string()) for at, name in enumerate(NAMES)}
    )


DIRTY = [
    (" C2 ", "yes", " 40 ", "2,159.76", "FIBER", " Bonn ", "y"),
    ("C10", "No", "50", "", "none", "", "0"),
    ("C1", "NO", "60.0", ".5", "", "bonn", ""),
]

VALUES = st.tuples(
    st.sampled_from(["Yes", "no"]),
    st.integers(0, 99).map(str),
    st.sampled_from(["1.5", "2,159.76", "", "1e3", "0.1"]),
    st.sampled_from(["DSL", "fiber", " NONE ", ""]),
    st.sampled_from(["Bonn", "Köln", "", "NY"]),
    st.sampled_from(["Yes", "0", ""]),
)


def test_values_come_out_typed_and_spelt_as_in_the_contract():
    assert clean(table_of(DIRTY), CONTRACT).to_pylist() == [
        {
            "customer": "C1",
            "left": False,
            "age": 60,
            "charge": 0.5,
            "plan": None,
            "city": "bonn",
            "paperless": None,
        },
        {
            "customer": "C10",
            "left": False,
            "age": 50,
            "charge": None,
            "plan": "None",
            "city": None,
            "paperless": False,
        },
        {
            "customer": "C2",
            "left": True,
            "age": 40,
            "charge": 2159.76,
            "plan": "Fiber",
            "city": "Bonn",
            "paperless": True,
        },
    ]


def test_columns_have_the_types_of_the_contract_in_its_order():
    word = pa.dictionary(pa.int32(), pa.string())
    types = [pa.string(), pa.bool_(), pa.int64(), pa.float64(), word, word, pa.bool_()]
    schema = clean(table_of(DIRTY), CONTRACT).schema
    assert [*zip(schema.names, schema.types, strict=True)] == [*zip(NAMES, types, strict=True)]


def test_recent_customers_without_outcome_stay_without():
    raw = table_of(DIRTY).drop_columns(["left"])
    assert clean(raw, CONTRACT).column_names == [name for name in NAMES if name != "left"]


def test_an_outcome_that_is_not_known_yet_is_null():
    raw = table_of([("C1", "", *DIRTY[0][2:])])
    assert clean(raw, CONTRACT).column("left").to_pylist() == [None]


def test_of_rows_with_one_id_the_last_stays():
    first, other, last = (
        ("C1", "No", "1", "", "", "", ""),
        ("C0", "No", "2", "", "", "", ""),
        (" C1 ", "Yes", "3", "", "", "", ""),
    )
    cleaned = clean(table_of([first, other, last]), CONTRACT)
    assert cleaned.column("customer").to_pylist() == ["C0", "C1"]
    assert cleaned.column("age").to_pylist() == [2, 3]


def test_a_table_without_rows_stays_without():
    cleaned = clean(table_of([]).drop_columns(["left"]), CONTRACT)
    assert cleaned.num_rows == 0
    assert cleaned.schema.field("age").type == pa.int64()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.data())
def test_every_customer_stays_once_and_rows_are_sorted_by_id(data):
    ids = data.draw(st.lists(st.sampled_from(["a", "B", "10", "9", "ä", " a"]), max_size=12))
    rows = [(customer, *data.draw(VALUES)) for customer in ids]
    cleaned = clean(table_of(rows), CONTRACT).column("customer").to_pylist()
    assert cleaned == sorted({customer.strip() for customer in ids})


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.data())
def test_the_order_of_rows_without_doubles_changes_no_value(data):
    count = data.draw(st.integers(0, 12))
    rows = [(f"C{number}", *data.draw(VALUES)) for number in range(count)]
    shuffled = data.draw(st.permutations(rows))
    one, other = clean(table_of(rows), CONTRACT), clean(table_of(shuffled), CONTRACT)
    assert one.to_pylist() == other.to_pylist()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(st.lists(VALUES, max_size=12))
def test_cleaning_a_clean_table_changes_no_value(rows):
    contract = CONTRACT.model_copy(
        update={"target": CONTRACT.target.model_copy(update={"positive": "true"})}
    )
    contract = contract.model_copy(
        update={"target": contract.target.model_copy(update={"negative": "false"})}
    )
    words = {"Yes": "true", "no": "false"}
    raw = table_of([(f"C{n}", words[row[0]], *row[1:]) for n, row in enumerate(rows)])
    once = clean(raw, contract)
    assert clean(once, contract).to_pylist() == once.to_pylist()


@pytest.mark.parametrize("order", [[2, 1, 0], [1, 2, 0]])
def test_the_order_of_an_export_changes_no_byte_of_the_file(tmp_path, order):
    raw = table_of(DIRTY)
    write_parquet(tmp_path / "one.parquet", clean(raw, CONTRACT))
    write_parquet(tmp_path / "other.parquet", clean(raw.take(pa.array(order)), CONTRACT))
    assert sha256(tmp_path / "one.parquet") == sha256(tmp_path / "other.parquet")


def test_whole_numbers_are_kept_to_the_last_digit_a_float_can_hold():
    raw = table_of([("C1", "No", str(2**53), "", "", "", "")])
    assert clean(raw, CONTRACT).column("age").to_pylist() == [2**53]


def test_numbers_are_kept_to_the_last_bit():
    numbers = np.random.default_rng(0).random(50).tolist()
    raw = table_of([(f"{n:02}", "No", "1", repr(one), "", "", "") for n, one in enumerate(numbers)])
    assert clean(raw, CONTRACT).column("charge").to_pylist() == numbers


def test_every_row_is_accounted_for():
    found = accounted("history", rows_in=100, quarantined=5, valid=95, out=92)
    assert found == {"rows_in": 100, "quarantined": 5, "duplicates": 3, "rows_out": 92}


@pytest.mark.parametrize(
    ("rows_in", "quarantined", "valid", "out"),
    [(100, 5, 94, 92), (100, 5, 96, 92), (100, 5, 95, 96), (100, -1, 101, 92)],
    ids=["a row lost", "a row too many", "more out than in", "a negative count"],
)
def test_rows_that_do_not_add_up_are_refused(rows_in, quarantined, valid, out):
    message = f"history: {rows_in} rows came in, but .* add up to .*run dvc repro --force"
    with pytest.raises(RowsNotAccountedFor, match=message):
        accounted("history", rows_in, quarantined, valid, out)
