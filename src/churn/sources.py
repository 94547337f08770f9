"""Taking a snapshot of a source: rows under the contract's column names, as a stream."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from churn.columns import Array, Columns
from churn.contract import BooleanColumn, CategoryColumn, Contract
from churn.errors import InputFileMissing, SyntheticIsTelco
from churn.export import export
from churn.file_source import take_files
from churn.settings import (
    PLACEHOLDERS,
    FileSource,
    LogSource,
    RemoteSource,
    Source,
    SqlSource,
    SyntheticSource,
)
from churn.snapshots import Snapshot
from churn.synthetic import Part, draw

KINDS: dict[type, str] = {CategoryColumn: "category", BooleanColumn: "boolean"}


def take_snapshot(source: Source, contract: Contract, part: Part, unfinished: Path) -> Snapshot:
    """Read or draw one part of the customers.

    Args:
        source: the `source` group.
        contract: whose names the columns get.
        part: `history` (labelled) or `current`, which is empty where there is none.
        unfinished: folder for files from far away, until they are read.
    Returns:
        the customers, of whom little is read before the stream is gone through.
    Raises:
        ChurnError: one of the classes for sources and reading in `churn.errors`.
    """
    if isinstance(source, SyntheticSource):
        return _synthetic(source, contract, part)
    if isinstance(source, LogSource):
        return _logged(source, contract, part)
    if (address := _address(source, part)) is None:
        names = [contract.id_column, *contract.columns]
        nobody = pa.table({name: pa.array([], pa.string()) for name in names})
        return Snapshot(iter([nobody]), {"source": "none"})
    if isinstance(source, SqlSource):
        # Imported here, and below: SQLAlchemy takes half a second, which the others do without.
        from churn.sql_source import take_rows

        return take_rows(source, address, contract, part)
    return take_files(source, address, contract, part, unfinished)


def _address(source: FileSource | RemoteSource | SqlSource, part: Part) -> str | None:
    """Where a part of the customers is; None for nowhere."""
    read = source if isinstance(source, FileSource) else source.read
    if part == "history":
        return read.history
    return None if read.current == PLACEHOLDERS[1] else read.current


def refuse_missing_files(source: Source) -> None:
    """Check that the files and folders of a source, which DVC watches, are there.

    Raises:
        InputFileMissing: one is not.
    """
    for parameter, name in {"history": source.history, "current": source.current}.items():
        if not Path(name).exists():
            raise InputFileMissing(name, f"source.{parameter}")


def _synthetic(source: SyntheticSource, contract: Contract, part: Part) -> Snapshot:
    drawn = draw(source, part)
    if different := _different(drawn.columns, contract):
        raise SyntheticIsTelco(contract.name, different)
    table = export(drawn, contract, source, part)
    return Snapshot(iter([table]), {"source": source.kind, "seed": source.seed})


def _logged(source: LogSource, contract: Contract, part: Part) -> Snapshot:
    from churn.database import database_url
    from churn.log_source import take

    table, origin = take(source, contract, part, database_url(os.environ))
    return Snapshot(iter([table]), origin)


def at(source: Source, now: datetime) -> Source:
    """The source with its moment filled in, so that history and current are of the same one."""
    if isinstance(source, LogSource) and source.until is None:
        return source.model_copy(update={"until": now})
    return source


def _different(drawn: Columns, contract: Contract) -> list[str]:
    """Columns that the generator and the contract do not have alike."""
    missing = [f"{name} (missing)" for name in drawn if name not in contract.columns]
    extra = [f"{name} (unknown)" for name in contract.columns if name not in drawn]
    other = [
        f"{name} (of another type)"
        for name, column in contract.columns.items()
        if name in drawn and _kind(drawn[name]) != KINDS.get(type(column), "number")
    ]
    return [*missing, *extra, *other]


def _kind(values: Array) -> str:
    if values.dtype == object:
        return "category"
    return "boolean" if np.isin(values, (0, 1)).all() else "number"
