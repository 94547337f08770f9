"""What is looked at in a file of customers before its values: header, names, types, line breaks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from churn.errors import DoubledColumn, EmptyInput, LineBreakInValue, UnreadableFile

# Bytes in which a binary file shows that it is one.
BEGINNING = 4096
PARSE = pa.csv.ParseOptions(newlines_in_values=True)


def csv_header(where: str | Path, opened: Callable[[], pa.NativeFile]) -> list[str]:
    """The names in the first line of a CSV file.

    Args:
        where: the file is, for the errors.
        opened: opens it, decompressed.
    Raises:
        UnreadableFile: it holds binary data, or its values are not separated by commas.
        EmptyInput: there is no first line.
        DoubledColumn: a name stands there twice.
    """
    with opened() as stream:
        if b"\0" in stream.read(BEGINNING):
            raise UnreadableFile(where, "csv", "it holds binary data")
    with opened() as stream:
        try:
            names = pa.csv.open_csv(stream, parse_options=PARSE).schema.names
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error) or "cannot infer number" in str(error):
                raise EmptyInput(where) from None
            raise
    refuse_doubled(where, names)
    if len(names) == 1 and (other := [mark for mark in ";\t|" if mark in names[0]]):
        raise UnreadableFile(where, "csv", f"values are separated by {other[0]!r}, not by commas")
    return names


def refuse_doubled(where: str | Path, names: Sequence[str]) -> None:
    """Check that no two columns have one name.

    Raises:
        DoubledColumn: some have.
    """
    if doubled := [name for name, count in Counter(names).items() if count > 1]:
        raise DoubledColumn(where, doubled)


def refuse_line_breaks(where: str | Path, table: pa.Table, first: int = 1) -> None:
    """A quotation mark that is never closed swallows the rows after it, line breaks and all.

    Args:
        where: the file is.
        table: of it, all text.
        first: number of the table's first row.
    Raises:
        LineBreakInValue: a value goes over several lines.
    """
    for name in table.column_names:
        broken = pc.index(pc.match_substring(table.column(name), "\n"), True).as_py()
        if broken >= 0:
            raise LineBreakInValue(where, name, broken + first)


def is_usable(kind: pa.DataType) -> bool:
    """Whether values of a type can be read: no lists, bytes or the like."""
    types = pa.types
    if types.is_dictionary(kind):
        return is_usable(kind.value_type)
    checks = (types.is_integer, types.is_floating, types.is_decimal, types.is_boolean)
    words = (types.is_string, types.is_large_string, types.is_string_view, types.is_null)
    times = (types.is_date, types.is_time, types.is_timestamp)
    return any(check(kind) for check in (*checks, *words, *times))
