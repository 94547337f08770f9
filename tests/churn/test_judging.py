"""Rows may be judged a batch at a time: what is known of them all is the same."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from churn.contract import Contract
from churn.judging import Summary, judge, quarantine

CONTRACT = Contract.model_validate(
    {
        "name": "mine",
        "id": "customer",
        "target": {"column": "left", "positive": "Yes", "negative": "No"},
        "columns": {
            "age": {"type": "integer", "min": 18, "max": 100, "required": True},
            "charge": {"type": "number", "above": 0},
            "plan": {"type": "category", "values": ["DSL", "Fiber", "None"]},
        },
    }
)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["C1", "C2", ""]),
        st.sampled_from(["Yes", "no", "", "Maybe", "Perhaps"]),
        st.sampled_from(["40", "17", "17.5", "x", ""]),
        st.sampled_from(["60.5", "1e3", "+7", "1,000", "0", "nan", "?"]),
        st.sampled_from(["DSL", "fiber", "Cable", ""]),
    ),
    max_size=20,
)


def table_of(rows):
    columns = zip(*rows, strict=True) if rows else [()] * 5
    names = CONTRACT.source_columns
    return pa.table(
        {name: pa.array(one, pa.string()) for name, one in zip(names, columns, strict=True)}
    )


@settings(deadline=None, max_examples=60, derandomize=True)
@given(ROWS, st.randoms(use_true_random=False))
def test_batches_in_any_order_have_the_summary_and_reasons_of_the_whole(rows, random):
    # given
    table, numbers = table_of(rows), np.arange(len(rows))
    dealt = np.array(random.sample(range(len(rows)), len(rows)), dtype=np.int64)
    batches = np.split(dealt, sorted(random.choices(range(len(rows) + 1), k=3)))
    # when
    whole = judge(table, CONTRACT, numbers, labelled=True)
    judged, aside = [], []
    for batch in batches:
        part = table.take(pa.array(batch))
        judged.append(judge(part, CONTRACT, batch, labelled=True))
        aside.append(quarantine(part, judged[-1], CONTRACT, batch))
    # then
    assert sum((one.summary for one in judged), Summary()) == whole.summary
    put_together = pa.concat_tables(aside).sort_by("row_in_snapshot")
    assert put_together.equals(quarantine(table, whole, CONTRACT, numbers).combine_chunks())


def test_a_summary_is_the_same_after_a_way_as_text():
    table = table_of([("", "Maybe", "x", "?", "Cable"), ("C1", "", "17.5", "0", "")])
    summary = judge(table, CONTRACT, np.arange(2), labelled=True).summary
    assert Summary.model_validate_json(summary.model_dump_json()) == summary


def test_of_a_target_that_is_something_else_a_summary_keeps_some_values_only():
    rows = [("C1", f"name {number}", "40", "1", "DSL") for number in range(3000)]
    summary = judge(table_of(rows), CONTRACT, np.arange(3000), labelled=True).summary
    assert summary.unknown == 3000
    assert len(summary.unknown_values) == 1000
