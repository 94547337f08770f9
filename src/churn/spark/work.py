"""What a Python worker of Spark does with the rows that it is given: what the local engine does.

Spark starts workers and uses them again for the next tasks, so a scorer is built once in each, of
the bytes that were sent to its machine once (`Broadcast`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from churn.contract import Contract
from churn.lean import keep_out
from churn.spark.job import FILE

if TYPE_CHECKING:
    from churn.spark.engine import Engine, Given


class Sent(Protocol):
    """A `pyspark.Broadcast`, by what is used of it."""

    @property
    def value(self) -> Given:
        """What every worker needs."""


# By run, in this process.
_ENGINES: dict[str, Engine] = {}


@dataclass(frozen=True)
class Work:
    """Scores what `mapInArrow` gives it.

    Attributes:
        run: name of the run.
        sent: what every worker needs.
        headers: of CSV files; none if the rows are no lines.
        places: columns that say where a row stands.
    """

    run: str
    sent: Sent
    headers: Mapping[str, Sequence[str]]
    places: Sequence[str]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What `Engine.of` makes of the rows of a task, in a process that is Spark's own."""
        if self.run not in _ENGINES:
            # xgboost would import them.
            keep_out("pandas", "sklearn")
        return self.results(batches)

    def results(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same in any process."""
        engine = self.engine()
        for rows, places in self._tables(engine.contract, batches):
            yield from engine.of(rows, places)

    def engine(self) -> Engine:
        """That of this process, built when it is first asked for."""
        from churn.spark.engine import built

        if self.run not in _ENGINES:
            _ENGINES[self.run] = built(self.sent.value, self.places)
        return _ENGINES[self.run]

    def _tables(
        self, contract: Contract, batches: Iterator[pa.RecordBatch]
    ) -> Iterator[tuple[pa.Table, pa.Table]]:
        """Rows of the contract's columns, and where they stand."""
        from churn.reading.wanted import for_scoring
        from churn.spark.csv_lines import LinesReader

        wanted = for_scoring(contract)
        chosen = {file: wanted.chosen(file, own) for file, own in self.headers.items()}
        reader = LinesReader(self.headers, chosen) if self.headers else None
        for batch in batches:
            if reader is None:
                table = pa.Table.from_batches([batch])
                yield table.drop_columns([*self.places]), table.select([*self.places])
                continue
            for table, (file, _) in reader.tables(batch):
                yield table, pa.table({FILE: pa.repeat(file, table.num_rows)})
