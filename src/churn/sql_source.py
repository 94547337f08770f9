"""A table or query of a database as a source of customers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from churn.contract import Contract
from churn.database import placeless, shown
from churn.reading.databases import url_of
from churn.reading.rows import asked
from churn.reading.wanted import for_training
from churn.settings import SqlSource
from churn.snapshots import Snapshot
from churn.synthetic import Part
from churn.under_contract import under_contract

VARIABLE = "source.url"


def take_rows(source: SqlSource, read: str, contract: Contract, part: Part) -> Snapshot:
    """Take one part of the customers.

    Args:
        source: the `source` group.
        read: a table, or a query, which has space in it.
        contract: whose names the columns get.
        part: `history`, labelled, or `current`.
    Raises:
        UnusableDatabaseUrl, NoSuchTable, NoCustomers, MissingColumn, DoubledColumn, UnusableColumn,
        WrongColumnType, DatabaseRefused.
    """
    url, words = url_of(source.url, VARIABLE), read.split()
    kind = "table" if len(words) == 1 else "query"
    wanted = for_training(contract, labelled=part == "history")
    origin: dict[str, Any] = {"source": source.kind, "address": placeless(url), kind: read.strip()}

    def tables() -> Iterator[pa.Table]:
        name, query = (words[0], None) if kind == "table" else (None, read)
        with asked(url, VARIABLE, wanted, name=name, query=query) as rows:
            ignored = [one for one in rows.names if one not in wanted.columns]
            origin["ignored_columns"] = ignored
            yield from under_contract(rows.tables(), wanted, shown(url))
            origin["sha256"] = rows.sha256

    return Snapshot(tables(), origin)
