"""A row gets what the server answers, bit for bit, or is set aside where the server refuses it."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.batch.pieces import Piece, Position
from churn.batch.scored import Answers, BatchScorer
from churn.errors import NothingScorable
from churn.risk import Risk
from churn.scoring import Scorer
from serve import answers as served
from serve.batches import BatchOptions, answered_bytes
from tests.churn.batch.conftest import customers, table_of
from tests.serve.models import SETTINGS, UNSCORABLE, lineup, model, some
from tests.small import TELCO

quick = settings(deadline=None, max_examples=60)
CATEGORIES = [n for n, c in TELCO.columns.items() if c.type == "category"]
COLUMNS = {
    **dict.fromkeys(["age"], st.sampled_from([17, 18, 42, 99, 100, 101])),
    **dict.fromkeys(["tenure_months"], st.integers(-1, 601)),
    **dict.fromkeys(["support_calls", "late_payments"], st.integers(-1, 101)),
    **dict.fromkeys(
        ["monthly_charges", "total_charges", "data_usage_gb", "call_minutes"],
        st.one_of(
            st.sampled_from([0.0, -0.0, 5e-324, 0.1 + 0.2, 89.99, 10_000.0, 1e6, 1e300, -1.0]),
            st.floats(0, 1000),
            st.floats(0, 1000, width=32),
        ),
    ),
    **dict.fromkeys(CATEGORIES, st.sampled_from(["DSL", "One year", "Credit card", "Pigeon"])),
}
BOOLEANS = [n for n, c in TELCO.columns.items() if c.type == "boolean"]
WIDTHS = [pa.int8(), pa.int16(), pa.int32(), pa.int64()]
WORDS = [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.large_string())]


def value(name):
    if name in BOOLEANS:
        return st.one_of(st.none(), st.booleans())
    if name in CATEGORIES:
        known = TELCO.columns[name].values
        return st.one_of(st.none(), st.sampled_from([*known, *known, "Pigeon"]))
    # Mostly one that is allowed, so that whole rows are.
    typical = {"age": 42, "monthly_charges": 89.99}.get(name, 2)
    return st.one_of(st.just(typical), st.none(), COLUMNS[name])


row = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from(["C1", "C 2", "Ü-3", "\u0001", "x" * 200, "x" * 201, "12"]),
        **{name: value(name) for name in TELCO.columns},
    }
)


@st.composite
def arrow(draw, rows):
    """The rows as a table: columns in any order, of any type that holds their values."""
    arrays = {}
    for name in draw(st.permutations([*rows[0]])):
        values = [one[name] for one in rows]
        if name in CATEGORIES:
            arrays[name] = pa.array(values, pa.string()).cast(draw(st.sampled_from(WORDS)))
        elif name in BOOLEANS or name == "customer_id":
            arrays[name] = pa.array(values, pa.bool_() if name in BOOLEANS else pa.string())
        elif TELCO.columns[name].type == "integer":
            fits = WIDTHS if all(v is None or -128 <= v <= 127 for v in values) else WIDTHS[1:]
            fits = fits if any(v and v < 0 for v in values) else [*fits, pa.uint16(), pa.uint64()]
            arrays[name] = pa.array(values, draw(st.sampled_from(fits)))
        else:
            with np.errstate(over="ignore"):
                single = np.array([v or 0.0 for v in values]).astype(np.float32)
            exact = single.tolist() == [v or 0 for v in values]
            kinds = [pa.float64(), *([pa.float32()] if exact else [])]
            arrays[name] = pa.array(values, draw(st.sampled_from(kinds)))
    return pa.table(arrays)


def scored(table, name="telco", explain=0, rows=0):
    """Answers of a batch, and what was set aside."""
    scorer = Scorer(model(name).bundle)
    begin = Position(rows)
    piece = Piece(begin, Position(rows + table.num_rows, 0, table.num_rows), table, 1.0)
    found = BatchScorer(scorer, explain, "here")(piece)
    risk = Risk(SETTINGS.risk, SETTINGS.recommendation)
    answers = Answers(scorer, risk, name).of(found.scores).to_pylist()
    return answers, found.aside.to_pylist()


def asked(rows, name="telco", explain=0):
    """What the server answers, and which rows it refuses."""
    line = lineup(name)
    answers = served.Answers.of(line.champion.customers, SETTINGS)
    raw, options = orjson.dumps(rows), BatchOptions(explain, skip=True)
    body = json.loads(answered_bytes(raw, line, answers, options, 10_000, "id").body)
    return body["predictions"], {one["index"] for one in body["problems"]}


def alike(answers, predictions):
    """Whether all that both say is the same."""
    own = [{k: v for k, v in one.items() if k in answers[0]} for one in predictions]
    return [repr(one) for one in answers] == [repr({k: o[k] for k in answers[0]}) for o in own]


@quick
@given(data=st.data(), rows=st.lists(row, min_size=1, max_size=8))
def test_a_row_gets_the_servers_answer_or_is_set_aside_as_there(data, rows):
    good = {"customer_id": "GOOD", **dict.fromkeys(TELCO.columns)}
    good |= {"age": 42, "tenure_months": 2, "monthly_charges": 89.99, "support_calls": 5}
    rows = [good, *rows]

    answers, aside = scored(data.draw(arrow(rows)))
    predictions, refused = asked(rows)

    assert {one["row_in_snapshot"] - 1 for one in aside} == refused
    assert len(answers) + len(aside) == len(rows)
    assert alike(answers, predictions)


@quick
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 200))
def test_text_is_read_as_the_values_that_it_stands_for(seed, rows):
    table = table_of(some(rows, seed))
    texts = [pc.fill_null(one.cast(pa.string()), "") for one in table.columns]

    assert scored(pa.table(texts, table.column_names)) == scored(table)


def test_reasons_are_the_servers():
    table = customers(5)
    rows = [{k: v for k, v in one.items() if v is not None} for one in table.to_pylist()]

    answers, _ = scored(table, explain=3)

    assert alike(answers, asked(rows, explain=3)[0])
    assert [len(one["reasons"]) for one in answers] == [3] * 5


def test_a_decimal_is_read_by_its_digits():
    table = customers(400)
    cents = [Decimal(i) / 100 for i in range(4000, 4400)]
    place = table.column_names.index("monthly_charges")

    found = scored(table.set_column(place, "monthly_charges", pa.array(cents)))[0]

    floats = pa.array([float(one) for one in cents])
    assert found == scored(table.set_column(place, "monthly_charges", floats))[0]


def test_who_cannot_be_scored_is_set_aside_and_the_others_are():
    table = customers(300)
    charges = table["monthly_charges"].to_pylist()
    for i in (3, 299):
        charges[i] = UNSCORABLE
    place = table.column_names.index("monthly_charges")

    answers, aside = scored(table.set_column(place, "monthly_charges", [charges]), "limitless")

    assert [one["row_in_snapshot"] for one in aside] == [4, 300]
    assert len(answers) == 298
    assert aside[0]["reasons"].startswith("it cannot be scored: ")


def test_a_number_beyond_a_bound_by_less_than_a_float_can_tell_is_refused():
    column = pa.array([2**53, 2**53 + 1, -(2**53) - 1])
    table = pa.table({"visits": column, "spent": [1.0] * 3, "member": [1, 0, 1], "plan": ["a"] * 3})

    for visits in (column, column.cast(pa.string())):
        answers, aside = scored(table.set_column(0, "visits", visits), "shop", rows=10)
        assert [one["row_number"] for one in answers] == [11]
        assert [one["row_in_snapshot"] for one in aside] == [12, 13]
        assert "9007199254740993 is too high" in aside[0]["reasons"]


def test_reasons_name_every_column_as_it_was_written():
    rows = customers(2).to_pylist()
    rows[1] |= {"customer_id": " NA ", "age": "17", "monthly_charges": "a lot", "tv_service": "?"}
    table = pa.table({n: ["" if r[n] is None else str(r[n]) for r in rows] for n in rows[0]})

    _, (aside,) = scored(table)

    assert aside["reasons"].split("; ") == [
        "customer_id: missing (allowed: text of 1 to 200 characters)",
        "age: 17 is too low (allowed: integer from 18 to 100 years)",
        'monthly_charges: "a lot" is no number (allowed: number above 0 to 10000 USD)',
        'tv_service: "?" is neither true nor false (allowed: true or false)',
    ]
    assert (aside["customer_id"], aside["age"]) == (" NA ", "17")


def test_where_nothing_can_be_scored_that_is_said():
    table = customers(3).drop_columns("age").append_column("age", [["x", "y", "z"]])
    with pytest.raises(NothingScorable, match=r"none of the first 3 rows .* age: \"x\" is no num"):
        scored(table)
    assert scored(table, rows=1)[0] == []


def test_a_customer_does_not_depend_on_the_rows_beside():
    table = customers(10_000)

    whole, _ = scored(table)

    for first, rows in ((0, 1), (5, 70), (4000, 5000)):
        assert scored(table.slice(first, rows))[0] == whole[first : first + rows]
    assert not any(math.isnan(one["churn_probability"]) for one in whole)
