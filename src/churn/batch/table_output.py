"""Scores as a table of a database: whole or not at all.

The rows go into a table of another name, which takes its place at the very end: until then, whoever
reads the old one is not held up. That is one transaction, or, in MySQL, where each change of tables
ends the transaction, one `RENAME TABLE`, which is whole by itself. A constraint (in MySQL a
comment) bears the name of the run, so that one that was killed between this and the end of its
notes is known to be done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
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
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects.mysql import LONGTEXT

from churn.batch.file_output import flat
from churn.contract import SCORE
from churn.database import LOCK_TIMEOUT, shown
from churn.errors import CannotWrite, LogUnreachable, NotAllowed, OutputExists, RunInProgress
from churn.reading.databases import MYSQL, answering, split, writing_to

TYPES: Mapping[pa.DataType, Any] = {
    # MySQL's own text ends after 64 KiB.
    pa.string(): Text().with_variant(LONGTEXT(), MYSQL),
    pa.float64(): Double,
    pa.int64(): BigInteger,
    pa.bool_(): Boolean,
}
UNFINISHED, OLD, QUARANTINE, RUN = "__unfinished", "__replaced", "_quarantine", "churn_run_"
# Of a lock's name in MySQL.
LONGEST_LOCK = 64
# Another engine of MySQL's would take half of a statement.
ENGINE: Mapping[str, Any] = {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}


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
            self._engine = writing_to(url)
        except LogUnreachable:
            raise CannotWrite(shown(url), "its folder cannot be made") from None
        self._stack = ExitStack()
        self._connection: Connection | None = None
        self._is_alone = False
        self._tables: dict[str, Table] = {}

    @property
    def _is_mysql(self) -> bool:
        return self._url.get_backend_name() == MYSQL

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
            NotAllowed: there is a view.
            DatabaseRefused: the database cannot be asked.
        """
        if self._url.get_backend_name() == "sqlite" and not Path(str(self._url.database)).exists():
            return
        with answering(self._url), self._engine.connect() as connection:
            looked = inspect(connection)
            views = looked.get_view_names(self._schema)
            if self._url.get_backend_name() == "postgresql":
                views += looked.get_materialized_view_names(self._schema)
            for name in self._names.values():
                if name in views:
                    raise NotAllowed("OUTPUT", self._named(name), "a table, and this is a view")
                if not force and looked.has_table(name, self._schema):
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
        if self._is_mysql:
            connection.commit()

    def _transaction(self) -> Connection:
        if self._connection is None:
            self._connection = self._stack.enter_context(self._engine.connect())
            self._connection.begin()
            if self._is_mysql:
                self._be_alone(self._connection)
        return self._connection

    def _be_alone(self, connection: Connection) -> None:
        """Hold other runs off, which elsewhere wait for the end of the transaction."""
        place = sha256(self.addresses[0].encode()).hexdigest()[:LONGEST_LOCK]
        asked = select(func.get_lock(place, LOCK_TIMEOUT))
        if connection.execute(asked).scalar_one() != 1:
            raise RunInProgress(self.addresses[0])
        self._is_alone = True

    def _table(self, name: str, schema: pa.Schema) -> Table:
        columns = [Column(field.name, TYPES[field.type]) for field in schema]
        named = f"{self._names[name]}{UNFINISHED}"
        table = Table(named, MetaData(), *columns, schema=self._schema, **ENGINE)
        if name == "scores" and self._is_mysql:
            # Constraints have names of their own in a whole database there.
            table.comment = self._run
        elif name == "scores":
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
            there = [name for name in self._names.values() if looked.has_table(name, self._schema)]
            if again and self._is_done(looked):
                connection.rollback()
            elif there and not force:
                raise OutputExists(self._named(there[0]))
            elif self._is_mysql:
                self._exchange(connection, there)
            else:
                self._replace(connection, there)
            if self._is_mysql:
                self._drop(connection, OLD, UNFINISHED)
            connection.commit()

    def _replace(self, connection: Connection, there: Sequence[str]) -> None:
        """Within the transaction."""
        for name in there:
            self._bare(name).drop(connection)
        for part, table in self._tables.items():
            name = connection.dialect.identifier_preparer.quote(self._names[part])
            before = connection.dialect.identifier_preparer.format_table(table)
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {name}"))

    def _exchange(self, connection: Connection, there: Sequence[str]) -> None:
        """In one statement: MySQL does all of it, or nothing."""
        self._drop(connection, OLD)
        named = connection.dialect.identifier_preparer.format_table
        changes = [(self._bare(name), self._bare(f"{name}{OLD}")) for name in there]
        changes += [(one, self._bare(self._names[part])) for part, one in self._tables.items()]
        words = ", ".join(f"{named(one)} TO {named(other)}" for one, other in changes)
        connection.execute(text(f"RENAME TABLE {words}"))

    def _drop(self, connection: Connection, *endings: str) -> None:
        for name in self._names.values():
            for ending in endings:
                self._bare(f"{name}{ending}").drop(connection, checkfirst=True)

    def _bare(self, name: str) -> Table:
        return Table(name, MetaData(), schema=self._schema)

    def _is_done(self, looked: Any) -> bool:
        name = self._names["scores"]
        if not looked.has_table(name, self._schema):
            return False
        if self._is_mysql:
            return bool(looked.get_table_comment(name, self._schema)["text"] == self._run)
        found = looked.get_check_constraints(name, self._schema)
        return self._run in {one["name"] for one in found}

    def discard(self) -> None:
        """Leave everything as it was."""
        with answering(self._url):
            # Without the lock, which ends with the connection, the table may be another run's.
            if self._is_alone and self._connection and not self._connection.invalidated:
                self._connection.rollback()
                self._drop(self._connection, UNFINISHED)
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
