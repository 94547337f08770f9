"""The customer tables of the benchmarks: the embedded one, and those that are found beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray

from churn.cleaning import clean
from churn.columns import Array, Columns, take
from churn.features import feature_set
from churn.featurizing import with_features
from churn.settings import Parameters
from churn.sources import take_snapshot
from churn.synthetic import true_probabilities
from churn.tables import labels, to_columns
from churn.validation import validate
from commands.compose import parameters

# Where a table of conf/table/<name>.yaml is looked for, as <name>.csv.
FOLDER = Path("../shared/data")


@dataclass(frozen=True)
class Table:
    """All labelled customers of one table, valid and clean.

    Attributes:
        parameters: composed for this table.
        columns: the contract's, each (n,).
        features: the model inputs, each (n,).
        labels: (n,), 1 for churners.
        truth: true probabilities (n,) of the embedded table.
    """

    parameters: Parameters
    columns: Columns
    features: Columns
    labels: Array
    truth: Array | None

    @property
    def name(self) -> str:
        """Of the contract."""
        return self.parameters.table.name

    def rows(self, picked: NDArray[Any]) -> Table:
        """Some of the customers."""
        truth = None if self.truth is None else self.truth[picked]
        columns, features = take(self.columns, picked), take(self.features, picked)
        return Table(self.parameters, columns, features, self.labels[picked], truth)


def frame(columns: Columns) -> pd.DataFrame:
    """Columns as a data frame, text left as Python's own."""
    return pd.DataFrame({n: pd.Series(v, dtype=v.dtype) for n, v in columns.items()})


def read(*overrides: str) -> Table:
    """The table that these Hydra overrides of conf/ describe."""
    given = parameters([*overrides])
    contract = given.table
    raw = take_snapshot(given.source, contract, "history", Path()).table
    limit = given.validate_.max_rejected
    valid = validate(raw, contract, "history", limit, labelled=True).valid
    table = with_features(clean(valid, contract), contract)
    return Table(
        given,
        to_columns(table, contract.columns),
        to_columns(table, feature_set(contract).names),
        labels(table, contract),
        true_probabilities(given.source, table.column(contract.id_column).to_pylist()),
    )


def embedded(*overrides: str) -> Table:
    """The customers of the generator."""
    return read("table=telco", "source=synthetic", *overrides)


def found(*overrides: str) -> Iterator[Table]:
    """Every table with a file in `FOLDER`."""
    for contract in sorted(Path("conf/table").glob("*.yaml")):
        path = FOLDER / f"{contract.stem}.csv"
        if path.is_file():
            yield read(f"table={contract.stem}", "source=csv", f"source.history={path}", *overrides)
