from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from churn.export import export
from churn.params import read_parameters
from churn.parsing import parse, parse_id, parse_target
from churn.synthetic import draw

SHIPPED = read_parameters(Path(__file__).parents[2] / "params.yaml")
CONTRACT = SHIPPED.table
SOURCE = SHIPPED.source.model_copy(update={"history_rows": 20_000, "current_rows": 2_000})
DRAWN = draw(SOURCE, "history")


def exported(part="history", source=SOURCE):
    return export(draw(source, part), CONTRACT, source, part)


@pytest.fixture(scope="module")
def history():
    return exported()


def texts(table, column):
    return table.column(column).to_pylist()


def share(values, wanted):
    return sum(bool(wanted(value)) for value in values) / len(values)


def test_every_column_is_text_under_the_name_of_the_contract(history):
    assert history.column_names == [CONTRACT.id, CONTRACT.target.column, *CONTRACT.columns]
    assert set(history.schema.types) == {pa.string()}


def test_the_current_customers_have_no_outcome():
    assert exported("current").column_names == [CONTRACT.id, *CONTRACT.columns]


def test_the_true_probability_is_in_no_column(history):
    secret = {repr(value) for value in DRAWN.probability.tolist()}
    for name in history.column_names:
        assert not secret & {text.strip() for text in texts(history, name)}
    for name, column in CONTRACT.columns.items():
        read = parse(history.column(name), column).values
        assert read.dtype == object or not np.isin(read, DRAWN.probability).any()


def test_the_same_seed_exports_the_same_rows_and_another_seed_others():
    small = SOURCE.model_copy(update={"history_rows": 300})
    other = small.model_copy(update={"seed": small.seed + 1})
    assert exported(source=small).equals(exported(source=small))
    assert not exported(source=small).equals(exported(source=other))


def test_the_dirt_of_another_seed_falls_on_other_customers():
    def doubled(source):
        counts = Counter(texts(exported(source=source), CONTRACT.id))
        return {name for name, count in counts.items() if count > 1 and name.strip()}

    small = SOURCE.model_copy(update={"history_rows": 3000})
    assert doubled(small) != doubled(small.model_copy(update={"seed": small.seed + 1}))


def test_some_rows_are_doubled_whole_and_none_is_lost(history):
    counts = Counter(texts(history, CONTRACT.id))
    counts = {name: count for name, count in counts.items() if name.strip()}
    doubled = [name for name, count in counts.items() if count > 1]
    assert 0.002 < len(doubled) / 20_000 < 0.01
    assert max(counts.values()) == 2
    assert history.num_rows >= 20_000
    rows = [row for row in history.to_pylist() if row[CONTRACT.id] == doubled[0]]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    ("column", "least", "most"),
    [
        (CONTRACT.id, 0.0002, 0.003),
        (CONTRACT.target.column, 0.001, 0.004),
        ("age", 0.0002, 0.003),
        ("late_payments", 0.005, 0.02),
        ("payment_method", 0.005, 0.02),
        ("paperless_billing", 0.005, 0.02),
        ("data_usage_gb", 0.02, 0.05),
    ],
)
def test_some_cells_are_blank_some_of_them_with_a_space(history, column, least, most):
    values = texts(history, column)
    assert least < share(values, lambda text: not text.strip()) < most
    assert "" in values
    assert " " in values


@pytest.mark.parametrize(
    ("column", "word"), [("contract", "ONE YEAR"), ("payment_method", "BANK TRANSFER")]
)
def test_some_words_are_shouted_and_some_have_space_around_them(history, column, word):
    values = texts(history, column)
    assert word in values
    assert any(text.strip() and text != text.strip() for text in values)


def test_some_numbers_have_space_around_them_and_some_commas_in_their_thousands(history):
    values = texts(history, "total_charges")
    assert 0.001 < share(values, lambda text: "," in text) < 0.01
    assert 0.002 < share(values, lambda text: text.strip() and text != text.strip()) < 0.02


def test_some_counters_are_stuck_at_999_and_some_charges_have_the_wrong_sign(history):
    calls, charges = texts(history, "support_calls"), texts(history, "monthly_charges")
    assert 0.002 < share(calls, lambda text: text.strip() == "999") < 0.008
    assert 0.002 < share(charges, lambda text: text.strip().startswith("-")) < 0.008


def test_rows_stand_in_no_order(history):
    ids = [text for text in texts(history, CONTRACT.id) if text.strip()]
    assert ids != sorted(ids)
    assert abs(np.corrcoef(np.arange(len(ids)), np.argsort(np.argsort(ids)))[0, 1]) < 0.05


def test_beneath_the_dirt_are_the_customers_that_were_drawn(history):
    # given the rows that still have an id
    ids = parse_id(history.column(CONTRACT.id))
    rows = [row for row, customer in enumerate(ids) if customer is not None]
    number = {customer: index for index, customer in enumerate(DRAWN.ids)}
    drawn = np.array([number[ids[row]] for row in rows])
    # when each column is parsed
    for name, column in CONTRACT.columns.items():
        parsed = parse(history.column(name), column)
        truth = DRAWN.columns[name][drawn]
        found, given = parsed.values[rows], ~parsed.missing[rows]
        # then what is given is the truth, but for the absurd values
        wrong = (found != truth) & given
        if name == "support_calls":
            wrong &= found != 999
        if name == "monthly_charges":
            wrong &= found != -truth
        assert not parsed.unreadable.any()
        assert not wrong.any(), name
    outcome = parse_target(history.column(CONTRACT.target.column), CONTRACT.target)
    known = ~outcome.missing[rows]
    assert (outcome.values[rows][known] == DRAWN.churned[drawn][known]).all()
