"""Files as a source of customers: here, in S3 or on the web; one, or several of like columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import fs

from churn.contract import Contract
from churn.errors import (
    ChangedMeanwhile,
    EmptyInput,
    InputFileMissing,
    NothingFits,
    OtherColumns,
    UnknownPlace,
    WrongFileEnding,
)
from churn.reading.fetching import fetched
from churn.reading.files import CsvFile, ParquetFile, opened
from churn.reading.places import READ, Download, File, Table, matching, place, stamp, writing
from churn.reading.wanted import Wanted, for_training
from churn.settings import FileSource, RemoteSource
from churn.snapshots import Snapshot
from churn.synthetic import Part
from churn.under_contract import under_contract

Reader = CsvFile | ParquetFile


def take_files(
    source: FileSource | RemoteSource,
    address: str,
    contract: Contract,
    part: Part,
    unfinished: Path,
) -> Snapshot:
    """Take one part of the customers.

    Args:
        source: the `source` group.
        address: of the file or files.
        contract: whose names the columns get.
        part: `history`, labelled, or `current`.
        unfinished: folder for what is fetched, until it is read.
    Raises:
        ChurnError: one of the classes for sources and reading in `churn.errors`.
    """
    variable = f"source.{part}" if isinstance(source, FileSource) else f"source.read.{part}"
    if isinstance(source, FileSource):
        places: Sequence[File | Download] = _watched(source, Path(address), variable)
    else:
        places = _far_away(address, variable)
    wanted = for_training(contract, labelled=part == "history")
    origin: dict[str, Any] = {"source": source.kind, "files": []}
    return Snapshot(_tables(places, wanted, origin, unfinished), origin)


def _watched(source: FileSource, path: Path, variable: str) -> list[File]:
    """A file of this machine, or those of a folder in the order of their names."""
    endings = tuple(end for end, kind in READ.items() if kind == source.kind)
    paths = [path]
    if path.is_dir():
        inside = [one for one in path.iterdir() if fnmatchcase(one.name, source.pattern)]
        paths = sorted(one for one in inside if one.name.lower().endswith(endings))
        if not paths:
            raise NothingFits(variable, path, source.pattern, endings)
    elif not path.is_file():
        raise InputFileMissing(path, variable)
    elif not path.name.lower().endswith(endings):
        raise WrongFileEnding(path, source.kind, endings)
    return [File(str(one), source.kind, fs.LocalFileSystem(), str(one)) for one in paths]


def _far_away(address: str, variable: str) -> Sequence[File | Download]:
    found = place(variable, address, READ)
    if isinstance(found, Table):
        # A table has a source of its own.
        allowed = "a file here, at s3:// or at https://, nor read by source=remote; see source=sql"
        raise UnknownPlace(variable, found.shown, allowed)
    return [found] if isinstance(found, Download) else matching(variable, found)


def _tables(
    places: Sequence[File | Download], wanted: Wanted, origin: dict[str, Any], unfinished: Path
) -> Iterator[pa.Table]:
    """The customers of all files; what is known of a file when it is read goes into the origin."""
    first: Reader | None = None
    rows = 0
    # Apart from the snapshots, which may have the same names.
    folder = unfinished / "fetched"
    with writing(folder):
        folder.mkdir(exist_ok=True)
    for one in places:
        before = stamp(one) if isinstance(one, File) else None
        here = fetched(one, folder)
        reader = opened(here.file, wanted)
        if first is None:
            first = reader
            origin["ignored_columns"] = [n for n in reader.names if n not in wanted.columns]
        elif different := _differences(first, reader):
            raise OtherColumns(one.shown, places[0].shown, different)
        raw = (table for table, _ in reader.tables())
        for table in under_contract(raw, wanted, one.shown, rows):
            rows += table.num_rows
            yield table
        if isinstance(one, File) and stamp(one) != before:
            raise ChangedMeanwhile(one.shown)
        origin["files"].append({"file": _name(one), "bytes": here.bytes, "sha256": here.sha256})
        if here.file.path != getattr(one, "path", None):
            Path(here.file.path).unlink()
    if not rows:
        raise EmptyInput(places[0].shown)


def _differences(first: Reader, other: Reader) -> list[str]:
    """In what the columns of two files differ."""
    mine, its = {*first.names}, {*other.names}
    types = {field.name: field.type for field in first.schema}
    return [
        *(f"{name} is missing" for name in first.names if name not in its),
        *(f"{name} is new" for name in other.names if name not in mine),
        *(
            f"{field.name} is {field.type}, there {types[field.name]}"
            for field in other.schema
            if types.get(field.name, field.type) != field.type
        ),
    ]


def _name(one: File | Download) -> str:
    """The file's name for the manifest, which must not name a folder of this machine."""
    return Path(one.path).name if isinstance(one, File) and one.is_local else one.shown
