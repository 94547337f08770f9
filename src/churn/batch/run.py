"""From a job to its end: read, score, write, and put into place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import cpu_count
from tqdm import tqdm

from churn.batch.file_output import FileOutput
from churn.batch.flow import in_order
from churn.batch.job import Job
from churn.batch.model import loaded
from churn.batch.notes import Notes, opened
from churn.batch.pieces import FileRows, Piece
from churn.batch.scored import Answers, BatchScorer, Scored
from churn.errors import NoCustomers, NotAllowed
from churn.reading.fetching import downloaded
from churn.reading.files import ROWS
from churn.reading.places import Download, File, Table, matching, stamp
from churn.risk import LEVELS, Risk, RiskLevel
from churn.scoring import Scorer
from churn.settings import ServeSettings

if TYPE_CHECKING:
    from churn.batch.table_output import TableOutput

# Of the notes: others cannot be gone on with.
FORMAT = 1
SNAPSHOT = "snapshot.parquet"


@dataclass(frozen=True)
class Summary:
    """What was done.

    Attributes:
        version: of the model.
        levels: customers by risk level.
        aside: rows that were set aside.
        output, quarantine: addresses of the scores and of the rows that were set aside.
    """

    version: str
    levels: Mapping[RiskLevel, int]
    aside: int
    output: str
    quarantine: str

    @property
    def text(self) -> str:
        """The summary for a terminal."""
        levels = ", ".join(f"{count:,} {level}" for level, count in self.levels.items())
        lines = [
            f"Scored   {sum(self.levels.values()):,} customers by {self.version}: {levels} risk",
            f"Scores   {self.output}",
        ]
        if self.aside:
            lines.append(f"Aside    {self.aside:,} rows, with reasons: {self.quarantine}")
        return "\n".join(lines)


def run(job: Job, settings: ServeSettings) -> Summary:
    """Do a job.

    Args:
        job: what is to be done.
        settings: risk levels and recommendations, as the server has them.
    Raises:
        ChurnError: something that the user can mend; what was there before is still there.
    """
    model = loaded(job.model)
    scorer, version = model.scorer, model.version
    answers = Answers(scorer, Risk(settings.risk, settings.recommendation), version)
    known = {
        "format": [FORMAT, ROWS],
        "input": _known(job),
        "model": [version, scorer.bundle.sha256],
        "EXPLAIN": job.explain,
        "serve": [settings.risk.model_dump(), settings.recommendation.model_dump()],
    }
    output = job.output.shown
    with opened(job.folder, output, known, resume=job.resume, force=job.force) as notes:
        try:
            return _Run(job, scorer, answers, notes).done()
        except BaseException:
            if not notes.end.rows:
                notes.remove()
            raise


def _known(job: Job) -> Sequence[Any]:
    """By what another input is known.

    Raises:
        NotAllowed: the output would replace it.
    """
    if isinstance(job.input, Download):
        return [job.input.shown, job.input.sha256]
    files = [job.input] if isinstance(job.input, Table) else matching("INPUT", job.input)
    if job.output.shown in [one.shown for one in files]:
        raise NotAllowed("OUTPUT", job.output.shown, "another place than that of INPUT")
    return [stamp(one) if isinstance(one, File) else [one.shown, job.query] for one in files]


class _Run:
    """One run, its notes open."""

    def __init__(self, job: Job, scorer: Scorer, answers: Answers, notes: Notes) -> None:
        self._job = job
        self._scorer = scorer
        self._answers = answers
        self._notes = notes
        self._levels = np.zeros(len(LEVELS), dtype=np.int64)
        self._aside = 0
        self._share = 0.0

    def done(self) -> Summary:
        """Do it."""
        output, was_whole = self._output(), self._notes.is_whole
        try:
            output.check(force=self._notes.force or was_whole)
            for scored in self._everything():
                self._write(output, scored)
            output.close()
            if not was_whole:
                self._notes.whole()
            output.put(force=self._notes.force, again=was_whole)
        finally:
            output.discard()
        self._notes.remove()
        levels = dict(zip(LEVELS, self._levels.tolist(), strict=True))
        return Summary(self._answers.version, levels, self._aside, *output.addresses)

    def _output(self) -> FileOutput | TableOutput:
        output = self._job.output
        if isinstance(output, File):
            return FileOutput(output, self._notes.folder)
        # Imported here: SQLAlchemy takes half a second, which files do without.
        from churn.batch.table_output import TableOutput
        from churn.reading.databases import url_of

        return TableOutput(url_of(output.address, "OUTPUT"), str(output.name), self._notes.run)

    def _write(self, output: FileOutput | TableOutput, scored: Scored) -> None:
        answers = self._answers.of(scored.scores)
        output.write(answers, scored.aside)
        levels = answers.column("risk_level").combine_chunks().indices.to_numpy()
        self._levels += np.bincount(levels, minlength=len(LEVELS))
        self._aside += scored.aside.num_rows

    def _everything(self) -> Iterator[Scored]:
        """What was scored before and what is now, with a bar where somebody watches."""
        rows = FileRows(self._files(), self._scorer.bundle.manifest.contract)
        done = 0
        with tqdm(
            total=rows.count, unit=" rows", unit_scale=True, desc="score", disable=None
        ) as bar:
            for scored in chain(self._notes.pieces(), self._new(rows)):
                yield scored
                bar.update(scored.end.rows - done)
                done = scored.end.rows
                if rows.count is None and self._share:
                    bar.total = max(done, round(done / self._share))
        if not done:
            raise NoCustomers(self._job.input.shown)

    def _new(self, rows: FileRows) -> Iterator[Scored]:
        """What is not yet scored, noted down as it is."""
        score = BatchScorer(self._scorer, self._job.explain, self._job.input.shown)
        for scored in in_order(self._watched(rows.pieces(self._notes.end)), score, cpu_count()):
            self._notes.add(scored)
            yield scored

    def _watched(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            self._share = piece.share
            yield piece

    def _files(self) -> list[File]:
        read, contract = self._job.input, self._scorer.bundle.manifest.contract
        if isinstance(read, File):
            return matching("INPUT", read)
        if isinstance(read, Download):
            return [downloaded(read, self._notes.folder).file]
        from churn.batch.snapshot import snapshot
        from churn.reading.databases import url_of

        url, path = url_of(read.address, "INPUT"), self._notes.folder / SNAPSHOT
        return [snapshot(url, read.name, self._job.query, contract, path)]
