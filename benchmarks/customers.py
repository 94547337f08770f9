"""The customers of `make bench-serve`, as JSON has them, and what the scorer says of each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from churn.bundle import Bundle
from churn.files import read_parquet
from churn.scoring import Scorer
from churn.tables import to_columns

MODEL, TABLE = Path("models/churn"), Path("data/features/test.parquet")
Customer = dict[str, Any]


@dataclass(frozen=True)
class Customers:
    """Customers and their probabilities, both of one length."""

    rows: list[Customer]
    probabilities: list[float]

    def some(self, first: int, count: int) -> Customers:
        """`count` of them from `first` on, from the start again where they end."""
        picked = [i % len(self.rows) for i in range(first, first + count)]
        return Customers([self.rows[i] for i in picked], [self.probabilities[i] for i in picked])


def held_out() -> Customers:
    """The test customers of the pipeline, a missing value left out."""
    if not TABLE.is_file():
        sys.exit(f"error: {TABLE}: no such file. Run make repro.")
    scorer = Scorer(Bundle.load(MODEL))
    contract = scorer.bundle.manifest.contract
    table = read_parquet(TABLE)
    names = [*([contract.id] if contract.id else []), *contract.known_columns]
    return Customers(
        [
            {name: value for name, value in row.items() if value is not None}
            for row in table.select(names).to_pylist()
        ],
        scorer.probabilities(to_columns(table, contract.known_columns)).tolist(),
    )
