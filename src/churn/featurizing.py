"""From clean tables to the tables of model inputs, history divided into train and test."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from churn.contract import Contract
from churn.features import feature_set
from churn.settings import SplitSettings
from churn.splitting import is_test, refuse_empty_side
from churn.tables import labels, to_arrow, to_columns


def featurize(
    history: pa.Table, current: pa.Table, contract: Contract, split: SplitSettings
) -> dict[str, pa.Table]:
    """Compute the features and hold out the test customers.

    Args:
        history, current: clean tables; where current is empty, the test rows stand in for it.
        contract: of the table.
        split: the `split` group.
    Returns:
        `train`, `test` and `current`: id, target, columns, features; sorted by id.
    Raises:
        EmptySplit: a side has too few customers of one outcome.
        ChurnError: one of the classes for features in `churn.errors`.
    """
    held_out = pa.array(is_test(history.column(contract.id_column).to_pylist(), split))
    complete = with_features(history, contract)
    sides = {"train": complete.filter(pc.invert(held_out)), "test": complete.filter(held_out)}
    for side, table in sides.items():
        refuse_empty_side(side, table.num_rows, int(labels(table, contract).sum()))
    recent = with_features(current, contract) if current.num_rows else sides["test"]
    return {**sides, "current": recent}


def with_features(table: pa.Table, contract: Contract) -> pa.Table:
    """A clean table with the columns of its features added."""
    features = feature_set(contract)
    computed = features.compute(to_columns(table, contract.columns))
    for name in features.derived:
        table = table.append_column(name, to_arrow(computed[name]))
    return table
