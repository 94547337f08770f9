"""The prediction log as a source of customers: what was asked, and what became of them.

Each customer is there once, as last asked about: with an outcome in the history, with or without
one among the recent customers.
"""

from __future__ import annotations

import json
from calendar import monthrange
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from churn.columns import Columns
from churn.contract import Contract
from churn.database import parsed, placeless, shown
from churn.errors import NothingLogged, OtherTableLogged
from churn.parsing import parse
from churn.prediction_log import PredictionLog
from churn.settings import LogSource
from churn.synthetic import Part


def take(
    source: LogSource, contract: Contract, part: Part, url: str
) -> tuple[pa.Table, dict[str, Any]]:
    """Read one part of the customers.

    Args:
        source: the `source` group, its moment filled in.
        contract: whose columns are taken.
        part: `history`, with outcomes, or `current`.
        url: of the database.
    Returns:
        a table of the contract's columns, and its origin for `data/raw/manifest.json`.
    Raises:
        UnusableDatabaseUrl, LogUnreachable, LogSchemaOutdated.
        NothingLogged: there is no customer with an outcome.
        OtherTableLogged: the columns are not those of the contract.
    """
    if source.until is None:
        raise ValueError("the source has no moment yet; see churn.sources.at")
    until, is_history = source.until, part == "history"
    days = timedelta(days=source.current_days)
    since = months_before(until, source.months) if is_history else until - days
    with closing(PredictionLog.open(url)) as log:
        logged = log.read(since, until)
    address, period = shown(parsed(url)), {"since": since.isoformat(), "until": until.isoformat()}
    rows = last_of_each(_usable(logged, contract, until, labelled=is_history), contract)
    if is_history and not rows.num_rows:
        raise NothingLogged(address, **period, predictions=logged.num_rows)
    table = _under_contract(rows, contract, address, labelled=is_history)
    counted = Counter(rows["model_version"].to_pylist())
    origin = {
        "source": source.kind,
        "address": placeless(parsed(url)),
        **period,
        "predictions": logged.num_rows,
        "model_versions": dict(sorted(counted.items())),
    }
    return table, origin


def months_before(moment: datetime, months: int) -> datetime:
    """The same day some months ago, or the last of its month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    last = monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _usable(logged: pa.Table, contract: Contract, until: datetime, *, labelled: bool) -> pa.Table:
    """Predictions of customers who can be told apart, their outcomes as known at that moment."""
    if contract.id:
        logged = logged.filter(pc.is_valid(logged["customer_id"]))
    if labelled:
        known = pc.less(logged["observed_at"], pa.scalar(until, logged["observed_at"].type))
        logged = logged.filter(known)
    return logged


def last_of_each(rows: pa.Table, contract: Contract) -> pa.Table:
    """Each customer once, as last asked about; every prediction where the table has no id.

    Args:
        rows: of `PredictionLog.read`; without a customer's id, a prediction stands for itself.
        contract: of the table.
    """
    if contract.id is None:
        return rows
    named = zip(rows["customer_id"].to_pylist(), rows["prediction_id"].to_pylist(), strict=True)
    last = {customer or prediction: row for row, (customer, prediction) in enumerate(named)}
    return rows.take(pa.array(sorted(last.values()), pa.int64()))


def _under_contract(
    rows: pa.Table, contract: Contract, address: str, *, labelled: bool
) -> pa.Table:
    columns = {contract.id_column: _ids(rows, contract)}
    if labelled:
        words = contract.target
        columns[words.column] = pc.if_else(rows["churned"], words.positive, words.negative)
    return pa.table(columns | _sent(rows, contract, address))


def columns_of(rows: pa.Table, contract: Contract, address: str) -> Columns:
    """The contract's columns that are known when a prediction is asked for, each (n,).

    Args:
        rows: of `PredictionLog.read`.
        contract: of the table.
        address: of the log, as people are shown it.
    Raises:
        OtherTableLogged: the columns are not those of the contract.
    """
    sent = _sent(rows, contract, address)
    return {
        name: parse(pa.chunked_array([sent[name]]), contract.columns[name]).values
        for name in contract.known_columns
    }


def _sent(rows: pa.Table, contract: Contract, address: str) -> dict[str, pa.Array]:
    """The contract's columns as callers sent them."""
    sent = [json.loads(text) for text in rows["values"].to_pylist()]
    _refuse_another_table(sent, contract, address)
    return {name: _column([one.get(name) for one in sent]) for name in contract.columns}


def _ids(rows: pa.Table, contract: Contract) -> pa.ChunkedArray:
    """The customer's id; without one, the prediction's, which stands for the row."""
    return rows["customer_id" if contract.id else "prediction_id"]


def _refuse_another_table(
    sent: Sequence[Mapping[str, Any]], contract: Contract, address: str
) -> None:
    """An optional column that nobody has sent is missing values; a required one is another table.

    Where no column is required, one of them all is enough.
    """
    present = {name for one in sent for name in one}
    required = [name for name, column in contract.columns.items() if column.required]
    missing = [name for name in required if name not in present]
    if not required and not present & {*contract.columns}:
        missing = list(contract.columns)
    if sent and missing:
        raise OtherTableLogged(address, contract.name, missing, sorted(present))


def _column(values: Sequence[Any]) -> pa.Array:
    """JSON values as one Arrow array: of their own type if they share one, else as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {bool}:
        return pa.array(values, pa.bool_() if kinds else pa.string())
    if kinds <= {int, float}:
        return pa.array([None if one is None else float(one) for one in values], pa.float64())
    texts = [one if one is None or isinstance(one, str) else json.dumps(one) for one in values]
    return pa.array(texts, pa.string())
