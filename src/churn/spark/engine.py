"""What scores a batch of Spark's rows: the local engine's functions, with Arrow for Spark."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from churn.batch.pieces import Piece, Position
from churn.batch.scored import Answers, BatchScorer, aside_schema, scores_schema
from churn.contract import REASONS, ROW_IN_SNAPSHOT
from churn.risk import Risk
from churn.scoring import Scorer
from churn.settings import ServeSettings
from churn.spark.job import FILE, ROW_IN_FILE

ASIDE = "aside"
PLACES = {FILE: pa.field(FILE, pa.string()), ROW_IN_FILE: pa.field(ROW_IN_FILE, pa.int64())}
WORDS = ("risk_level", "recommendation", "model_version")


@dataclass(frozen=True)
class Given:
    """What every worker needs.

    Attributes:
        files: of the bundle.
        version: of the model.
        settings: risk levels and recommendations.
        explain: reasons for each customer; 0 for none.
    """

    files: Mapping[str, bytes]
    version: str
    settings: ServeSettings
    explain: int


class Engine:
    """What scores a batch, and says what it means.

    Args:
        scorer: of the model.
        given: to every worker.
        places: columns that say where a row stands.
    Attributes:
        contract: of the model.
        schema: of what is given to Spark: the columns of the scores, and one of what is set aside.
    """

    def __init__(self, scorer: Scorer, given: Given, places: Sequence[str]) -> None:
        self.contract = scorer.bundle.manifest.contract
        settings = given.settings
        risk = Risk(settings.risk, settings.recommendation)
        self._score = BatchScorer(scorer, given.explain, "")
        self._answers = Answers(scorer, risk, given.version)
        scores = self._answers.of(scores_schema(self.contract, given.explain).empty_table())
        aside = _placed(
            aside_schema(self.contract).empty_table(),
            pa.schema([PLACES[name] for name in places]).empty_table(),
        )
        fields = [
            pa.field(one.name, pa.string() if one.name in WORDS else one.type)
            for one in scores.schema
        ]
        self.schema = pa.schema([*fields, pa.field(ASIDE, pa.struct([*aside.schema]))])

    def of(self, rows: pa.Table, places: pa.Table) -> Iterator[pa.RecordBatch]:
        """Scores, and rows that are set aside: one of both is null in each row.

        Args:
            rows: of the contract's columns (n).
            places: where they stand (n).
        """
        end = Position(rows.num_rows)
        scored = self._score.scored(Piece(Position(), end, rows, share=0.0))
        if scored.scores.num_rows:
            yield from _told(self._answers.of(scored.scores), self.schema)
        if scored.aside.num_rows:
            yield from _set_aside(_placed(scored.aside, places), self.schema)


def built(given: Given, places: Sequence[str]) -> Engine:
    """Read the bundle, check it, and that this machine gives the probabilities of its training.

    Args:
        given: to every worker.
        places: columns that say where a row stands.
    Raises:
        ChurnError: the bundle is broken, or gives other probabilities here.
    """
    with tempfile.TemporaryDirectory() as folder:
        for name, data in given.files.items():
            (Path(folder) / name).write_bytes(data)
        scorer = Scorer.load(Path(folder), threads=1)
    return Engine(scorer, given, places)


def _told(answers: pa.Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows that are scored, words in full: Spark's Arrow has no numbered ones."""
    arrays = [answers.column(name).cast(schema.field(name).type) for name in answers.column_names]
    nothing = pa.nulls(answers.num_rows, schema.field(ASIDE).type)
    return iter(pa.table([*arrays, nothing], schema=schema).to_batches())


def _set_aside(aside: pa.Table, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows that are not."""
    inside = pa.StructArray.from_arrays(
        [aside.column(one.name).combine_chunks() for one in schema.field(ASIDE).type],
        fields=[*schema.field(ASIDE).type],
    )
    nothing = [pa.nulls(aside.num_rows, one.type) for one in schema if one.name != ASIDE]
    return iter(pa.table([*nothing, inside], schema=schema).to_batches())


def _placed(aside: pa.Table, places: pa.Table) -> pa.Table:
    """Rows with where they stand in the input instead of in the batch."""
    here = places.take(pc.subtract(aside.column(ROW_IN_SNAPSHOT), 1))
    found = aside.drop_columns([ROW_IN_SNAPSHOT, REASONS])
    for name in here.column_names:
        found = found.append_column(name, here.column(name))
    return found.append_column(REASONS, aside.column(REASONS))
