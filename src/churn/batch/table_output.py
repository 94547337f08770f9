"""Scores as a table of a database: made in one transaction, so whole or not at all.

The rows go into a table of another name, which takes its place at the very end: until then, whoever
reads the old one is not held up. A constraint bears the name of the run, so that one that was
killed between the end of its transaction and that of its notes is known to be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Double,
    MetaData,
    Table,
    Text,
    inspect,
    text,
)

from churn.batch.databases import answering, split
from churn.batch.file_output import flat
from churn.contract import SCORE
from churn.database import WRITES, engine_of, shown
from churn.errors import CannotWrite, LogUnreachable, OutputExists

TYPES: Mapping[pa.DataType, type[Any]] = {
    pa.string(): Text,
    pa.float64(): Double,
    pa.int64(): BigInteger,
    pa.bool_(): Boolean,
}
UNFINISHED, QUARANTINE, RUN = "__unfinished", "_quarantine", "churn_run_"


class TableOutput:
    """One table for the scores and, if there are any, one for the rows that were set aside.

    Args:
        url: of the database.
        table: for the scores; the others go into `table_quarantine`.
        run: name of the run.
    Raises:
        CannotWrite: the folder of a SQLite file cannot be made.
    """

    def __init__(self, url: URL, table: str, run: str) -> None:
        self._url = url
        self._schema, name = split(table)
        self._names = {"scores": name, "aside": f"{name}{QUARANTINE}"}
        self._run = f"{RUN}{run}"
        try:
            self._engine = engine_of(url).execution_options(**WRITES)
        except LogUnreachable:
            raise CannotWrite(shown(url), "its folder cannot be made") from None
        self._stack = ExitStack()
        self._connection: Connection | None = None
        self._tables: dict[str, Table] = {}

    @property
    def addresses(self) -> tuple[str, str]:
        """Where the scores are, and the rows that were set aside."""
        return self._named(self._names["scores"]), self._named(self._names["aside"])

    def check(self, *, force: bool) -> None:
        """Check that the database can be reached, and that there are no tables of these names.

        Args:
            force: there may be.
        Raises:
            OutputExists: there is one.
            DatabaseRefused: the database cannot be asked.
        """
        if self._url.get_backend_name() == "sqlite" and not Path(str(self._url.database)).exists():
            return
        with answering(self._url), self._engine.connect() as connection:
            for name in self._names.values():
                if not force and inspect(connection).has_table(name, self._schema):
                    raise OutputExists(self._named(name))

    def write(self, scores: pa.Table, aside: pa.Table) -> None:
        """Write some rows; nobody sees them yet.

        Raises:
            DatabaseRefused: the database does not take them.
        """
        with answering(self._url):
            for name, table in {"scores": scores, "aside": aside}.items():
                if table.num_rows or name == "scores":
                    self._write(name, flat(table))

    def _write(self, name: str, rows: pa.Table) -> None:
        connection = self._transaction()
        if name not in self._tables:
            table = self._table(name, rows.schema)
            table.drop(connection, checkfirst=True)
            table.create(connection)
            self._tables[name] = table
        table = self._tables[name]
        if self._url.get_backend_name() == "postgresql":
            _copied(connection, table, rows)
        elif rows.num_rows:
            connection.execute(table.insert(), rows.to_pylist())

    def _transaction(self) -> Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(self._engine.connect())
            self._connection.begin()
        return self._connection

    def _table(self, name: str, schema: pa.Schema) -> Table:
        columns = [Column(field.name, TYPES[field.type]) for field in schema]
        named = f"{self._names[name]}{UNFINISHED}"
        table = Table(named, MetaData(), *columns, schema=self._schema)
        if name == "scores":
            table.append_constraint(CheckConstraint(table.c[SCORE].between(0, 1), self._run))
        return table

    def close(self) -> None:
        """Nothing is left to be done before the rows are put into their place."""

    def put(self, *, force: bool, again: bool) -> None:
        """Put the tables into their places, and end the transaction.

        Args:
            force: whatever is there.
            again: they may be there already, as a run before was interrupted here.
        Raises:
            OutputExists: another table is there.
            DatabaseRefused: the database does not take them.
        """
        with answering(self._url):
            connection = self._transaction()
            looked = inspect(connection)
            if again and self._is_done(looked):
                connection.rollback()
                return
            quoted = connection.dialect.identifier_preparer.quote
            for part, name in self._names.items():
                is_there = looked.has_table(name, self._schema)
                if is_there and not force:
                    raise OutputExists(self._named(name))
                own = Table(name, MetaData(), schema=self._schema)
                if is_there:
                    own.drop(connection)
                if part in self._tables:
                    before = connection.dialect.identifier_preparer.format_table(self._tables[part])
                    connection.execute(text(f"ALTER TABLE {before} RENAME TO {quoted(name)}"))
            connection.commit()

    def _is_done(self, looked: Any) -> bool:
        name = self._names["scores"]
        if not looked.has_table(name, self._schema):
            return False
        found = looked.get_check_constraints(name, self._schema)
        return self._run in {one["name"] for one in found}

    def discard(self) -> None:
        """Leave everything as it was."""
        with answering(self._url):
            self._stack.close()
            self._engine.dispose()

    def _named(self, name: str) -> str:
        return f"{shown(self._url)}#{f'{self._schema}.' if self._schema else ''}{name}"


def _copied(connection: Connection, table: Table, rows: pa.Table) -> None:
    """PostgreSQL's own way for many rows."""
    sink = pa.BufferOutputStream()
    pa.csv.write_csv(rows, sink, pa.csv.WriteOptions(include_header=False))
    name = connection.dialect.identifier_preparer.format_table(table)
    cursor = connection.connection.cursor()
    with cursor.copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
        copy.write(sink.getvalue().to_pybytes())
