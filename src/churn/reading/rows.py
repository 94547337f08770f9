"""Rows of a table or query as a stream of Arrow tables, by a cursor of the server's.

The server keeps what is not yet fetched, so memory is bounded by `FETCHED` rows. All values are
text, as in a CSV file; what they mean is for `parsing` to say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import URL, Connection, CursorResult, column, select, table, text

from churn.database import shown
from churn.errors import NoCustomers, UnusableColumn
from churn.reading.databases import answering, forgo_rest, read_only, require_table, split
from churn.reading.wanted import Wanted

FETCHED = 10_000
# Their text says what they are; a list or bytes would only seem to.
ODD = (bytes, bytearray, memoryview, list, dict, tuple, set)
HASHED = pa.csv.WriteOptions(include_header=False)


class Rows:
    """The rows that a database is giving.

    Attributes:
        names: of all its columns, those of the contract under its names.
        schema: of the columns that are read, under the contract's names.
        sha256: of what was read so far: the names, then the rows in their order, as lines of CSV in
            which every value stands in quotation marks and a missing one is nothing at all. Another
            order, in which a database may give the same rows, is another hash.
    """

    def __init__(
        self, result: CursorResult[Any], everything: Sequence[str], where: str, wanted: Wanted
    ) -> None:
        own = [*result.keys()]
        self.names = [*wanted.renamed(where, everything).values()]
        self._result, self._where = result, where
        self._places = {own.index(n): name for n, name in wanted.chosen(self._where, own).items()}
        self.schema = pa.schema([(name, pa.string()) for name in self._places.values()])
        self._content = hashlib.sha256("\t".join(self.schema.names).encode() + b"\n")

    @property
    def sha256(self) -> str:
        """In hexadecimal digits."""
        return self._content.hexdigest()

    def tables(self) -> Iterator[pa.Table]:
        """Tables of `FETCHED` rows, the last one of what is left.

        Raises:
            NoCustomers: there are no rows.
            UnusableColumn: a column holds lists, bytes or the like.
        """
        found = None
        for rows in self._result.partitions(FETCHED):
            arrays = [
                pa.array(self._texts([row[place] for row in rows], name), pa.string())
                for place, name in self._places.items()
            ]
            found = pa.table(arrays, schema=self.schema)
            sink = pa.BufferOutputStream()
            pa.csv.write_csv(found, sink, HASHED)
            self._content.update(sink.getvalue())
            yield found
        if found is None:
            raise NoCustomers(self._where)

    def _texts(self, values: list[Any], name: str) -> list[str | None]:
        # By types and not by values, of which there are many more.
        types = {*map(type, values)} - {type(None)}
        if odd := [one.__name__ for one in types if issubclass(one, ODD)]:
            raise UnusableColumn(self._where, name, odd[0])
        if types <= {str}:
            return values
        return [None if value is None else str(value) for value in values]


@contextmanager
def asked(
    url: URL, variable: str, wanted: Wanted, *, name: str | None, query: str | None
) -> Iterator[Rows]:
    """Ask for the rows of a table, or for those of a query, in a transaction that only reads.

    Args:
        url: of the database.
        variable: that holds it, for the errors.
        wanted: columns.
        name: of the table; None if there is a query.
        query: in the words of the database.
    Raises:
        NoSuchTable, MissingColumn, ColumnsMissing, DoubledColumn, UnusableColumn, DatabaseRefused.
    """
    engine = read_only(url, variable)
    try:
        with answering(url), engine.connect() as connection:
            columns = None if name is None else require_table(connection, url, name)
            result = _executed(connection, url, wanted, name, query, columns)
            cursor = result.cursor
            try:
                where = f"{shown(url)}{f'#{name}' if name else ' (the query)'}"
                yield Rows(result, columns or [*result.keys()], where, wanted)
            except BaseException:
                forgo_rest(connection, cursor)
                raise
            finally:
                result.close()
    finally:
        engine.dispose()


def _executed(
    connection: Connection,
    url: URL,
    wanted: Wanted,
    name: str | None,
    query: str | None,
    columns: Sequence[str] | None,
) -> CursorResult[Any]:
    connection = connection.execution_options(stream_results=True, yield_per=FETCHED)
    if name is None or columns is None:
        return connection.execute(text(str(query).replace(":", "\\:")))
    schema, bare = split(name)
    chosen = wanted.chosen(f"{shown(url)}#{name}", columns)
    source = table(bare, *(column(one) for one in chosen), schema=schema)
    return connection.execute(select(*source.c))
