"""Reading a source into an Arrow table with the contract's column names.

Text files are read as text: what a value means is for `parsing` to say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from churn.columns import Array, Columns
from churn.contract import BooleanColumn, CategoryColumn, Contract
from churn.errors import (
    EmptyInput,
    InputFileMissing,
    MissingColumn,
    SyntheticIsTelco,
    UnreadableFile,
    UnusableColumn,
    WrongFileEnding,
)
from churn.export import export
from churn.files import sha256
from churn.settings import PLACEHOLDERS, LogSource, Source, SyntheticSource
from churn.synthetic import Part, draw
from churn.tabular import PARSE, csv_header, is_usable, refuse_doubled, refuse_line_breaks

KINDS: dict[type, str] = {CategoryColumn: "category", BooleanColumn: "boolean"}
ENDINGS = {"csv": (".csv", ".csv.gz"), "parquet": (".parquet",)}


@dataclass(frozen=True)
class Snapshot:
    """What was read from one source.

    Attributes:
        table: rows under the contract's names; the row number stands in for an absent id.
        origin: where they come from, for `data/raw/manifest.json`.
    """

    table: pa.Table
    origin: Mapping[str, Any]

    @property
    def description(self) -> dict[str, Any]:
        """The snapshot's entry in `data/raw/manifest.json`."""
        rows, columns = self.table.num_rows, self.table.column_names
        return {**self.origin, "rows": rows, "columns": columns}


def take_snapshot(source: Source, contract: Contract, part: Part) -> Snapshot:
    """Read or draw one part of the customers.

    Args:
        source: the `source` group.
        contract: whose names the columns get.
        part: `history` (labelled) or `current`, which is empty where there is none.
    Raises:
        ChurnError: one of the classes for sources in `churn.errors`.
    """
    if isinstance(source, SyntheticSource):
        return _synthetic(source, contract, part)
    if isinstance(source, LogSource):
        return _logged(source, contract, part)
    path = Path(source.history if part == "history" else source.current)
    if part == "current" and source.current == PLACEHOLDERS[1]:
        names = [contract.id_column, *contract.columns]
        return Snapshot(
            pa.table({name: pa.array([], pa.string()) for name in names}), {"source": "none"}
        )
    table = read_file(path, source.kind, f"source.{part}")
    origin = {"source": source.kind, "file": path.name, "sha256": sha256(path)}
    return under_contract(table, contract, path, origin, labelled=part == "history")


def refuse_missing_files(source: Source) -> None:
    """Check that the files of a source are there.

    Raises:
        InputFileMissing: one is not.
    """
    for parameter, name in {"history": source.history, "current": source.current}.items():
        if not Path(name).is_file():
            raise InputFileMissing(name, f"source.{parameter}")


def _synthetic(source: SyntheticSource, contract: Contract, part: Part) -> Snapshot:
    drawn = draw(source, part)
    if different := _different(drawn.columns, contract):
        raise SyntheticIsTelco(contract.name, different)
    table = export(drawn, contract, source, part)
    return Snapshot(table, {"source": source.kind, "seed": source.seed})


def _logged(source: LogSource, contract: Contract, part: Part) -> Snapshot:
    # Imported here: SQLAlchemy takes half a second, which the other sources do without.
    from churn.database import database_url
    from churn.log_source import take

    return Snapshot(*take(source, contract, part, database_url(os.environ)))


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


def read_file(path: Path, kind: str, parameter: str) -> pa.Table:
    """Read a CSV or Parquet file as it is.

    Args:
        path: of the file.
        kind: `csv` or `parquet`.
        parameter: name of the parameter that holds the path, for the error.
    Raises:
        InputFileMissing, WrongFileEnding, UnreadableFile, DoubledColumn, EmptyInput.
    """
    if not path.is_file():
        raise InputFileMissing(path, parameter)
    if not path.name.lower().endswith(ENDINGS[kind]):
        raise WrongFileEnding(path, kind, ENDINGS[kind])
    if path.stat().st_size == 0:
        raise EmptyInput(path)
    try:
        table = _read_csv(path) if kind == "csv" else _read_parquet(path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise UnreadableFile(path, kind, " ".join(str(error).split())[:200]) from None
    if table.num_rows == 0:
        raise EmptyInput(path)
    return table


def _read_csv(path: Path) -> pa.Table:
    header = csv_header(path, partial(pa.input_stream, str(path)))
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
    )
    table = pa.csv.read_csv(path, parse_options=PARSE, convert_options=convert)
    refuse_line_breaks(path, table)
    return table


def _read_parquet(path: Path) -> pa.Table:
    refuse_doubled(path, pq.read_schema(path).names)
    return pq.read_table(path)


def under_contract(
    table: pa.Table,
    contract: Contract,
    path: str | Path,
    origin: Mapping[str, Any],
    *,
    labelled: bool,
) -> Snapshot:
    """Give columns the contract's names and leave out those that it does not name.

    Args:
        table: as read.
        path: of its file, or another name for it, for the errors.
        origin: where it comes from; the columns left out are added to it.
        labelled: whether the target must be there.
    Raises:
        DoubledColumn: two columns have one name after renaming.
        MissingColumn: a column of the contract is absent.
        UnusableColumn: a column holds lists, bytes or the like.
    """
    trimmed = [name.strip() for name in table.column_names]
    names = [contract.rename.get(name, name) for name in trimmed]
    refuse_doubled(path, names)
    table = table.rename_columns(names)
    if not labelled:
        table = _with_what_is_known_later(table, contract)
        names = table.column_names
    optional = () if labelled else (contract.target.column,)
    missing = [n for n in contract.source_columns if n not in names and n not in optional]
    if missing:
        raise MissingColumn(path, contract.name, missing, names)
    kept = table.select([name for name in contract.source_columns if name in names])
    for field in kept.schema:
        if not is_usable(field.type):
            raise UnusableColumn(path, field.name, str(field.type))
    if contract.id is None:
        kept = kept.add_column(0, contract.id_column, _row_numbers(kept.num_rows))
    ignored = [name for name in names if name not in contract.source_columns]
    return Snapshot(kept, {**origin, "ignored_columns": ignored})


def _with_what_is_known_later(table: pa.Table, contract: Contract) -> pa.Table:
    """Recent customers, with nulls in the columns known only after the event that they lack."""
    for name in contract.columns:
        if name not in contract.known_columns and name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table


def _row_numbers(rows: int) -> pa.Array:
    """1, 2, …, padded with zeros so that they sort as text."""
    width = max(7, len(str(rows)))
    return pa.array([f"{number:0{width}d}" for number in range(1, rows + 1)])
