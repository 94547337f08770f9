"""From a job to its end on Spark: read, score, write beside, and put into place."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from churn.batch.model import Model, loaded
from churn.batch.run import Summary
from churn.errors import NoCustomers, NoIdForSpark, NothingScorable
from churn.reading.files import ROWS
from churn.risk import LEVELS
from churn.settings import ServeSettings
from churn.spark.customers import Customers
from churn.spark.engine import ASIDE, Given
from churn.spark.folders import Folders
from churn.spark.job import SparkJob, refuse_own_names
from churn.spark.session import session
from churn.spark.tables import Tables
from churn.spark.telling import telling
from churn.spark.work import Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"
DIGITS = 12
# Rows that the driver looks at: Spark takes so many of every partition to find them.
FIRST = 1000


def run(job: SparkJob, settings: ServeSettings, environment: Mapping[str, str]) -> Summary:
    """Do a job.

    Args:
        job: what is to be done.
        settings: risk levels and recommendations, as the server has them.
        environment: may name a master (`churn.spark.session`).
    Raises:
        ChurnError: something that the user can mend; what was there before is still there.
    """
    model = loaded(job.model)
    contract = model.scorer.bundle.manifest.contract
    if contract.id is None:
        raise NoIdForSpark(contract.name)
    refuse_own_names(contract)
    with session(environment) as spark:
        spark.conf.set(BATCH, ROWS)
        return _Run(spark, job, model, settings).done()


class _Run:
    """One run."""

    def __init__(
        self, spark: SparkSession, job: SparkJob, model: Model, settings: ServeSettings
    ) -> None:
        self._spark = spark
        self._job = job
        self._model = model
        self._given = Given(model.files, model.version, settings, job.explain)
        self._name = uuid.uuid4().hex[:DIGITS]

    def done(self) -> Summary:
        """Do it."""
        output = self._output()
        with telling(self._job.input.shown):
            contract = self._model.scorer.bundle.manifest.contract
            customers = Customers(self._spark, self._job.input, contract)
        with telling(self._job.output.shown):
            output.check(customers, force=self._job.force)
        with telling(self._job.input.shown), self._scored(customers) as scored:
            counts = _counts(scored)
            if not sum(counts.values()):
                raise NoCustomers(self._job.input.shown)
            with telling(self._job.output.shown), _discarding(output):
                output.write(_parts(scored, aside=bool(counts.get(None))))
                output.put(force=self._job.force)
        levels = {level: counts.get(level, 0) for level in LEVELS}
        return Summary(self._model.version, levels, counts.get(None, 0), *output.addresses)

    def _output(self) -> Folders | Tables:
        output = self._job.output
        with telling(output.shown):
            if output.kind == "table":
                return Tables(self._spark, output.address, self._name)
            return Folders(self._spark, output.address, self._name)

    @contextmanager
    def _scored(self, customers: Customers) -> Iterator[DataFrame]:
        """The rows scored, each once, and kept on the executors' disks until all is written.

        Raises:
            NothingScorable: not one of the first rows can be scored.
        """
        from pyspark import StorageLevel
        from pyspark.sql.pandas.types import from_arrow_schema

        sent = self._spark.sparkContext.broadcast(self._given)
        work = Work(self._name, sent, customers.headers, customers.places)
        self._refuse_hopeless(work, customers.frame)
        schema = from_arrow_schema(work.engine().schema)
        scored = customers.frame.mapInArrow(work, schema).persist(StorageLevel.DISK_ONLY)
        try:
            yield scored
        finally:
            scored.unpersist()
            sent.destroy()

    def _refuse_hopeless(self, work: Work, frame: DataFrame) -> None:
        """Score the first rows here: another table or type shows at once, and not after hours."""
        rows, reasons = 0, []
        for batch in work.results(iter(frame.limit(FIRST).toArrow().to_batches())):
            aside = batch.column(ASIDE)
            if aside.null_count:
                return
            rows += batch.num_rows
            reasons += aside.slice(0, 3).field("reasons").to_pylist()
        if rows:
            raise NothingScorable(self._job.input.shown, rows, reasons[:3])


def _counts(scored: DataFrame) -> dict[str | None, int]:
    """Rows by risk level; under None those that are set aside."""
    rows: list[Any] = scored.groupBy("risk_level").count().collect()
    return {row[0]: row[1] for row in rows}


def _parts(scored: DataFrame, *, aside: bool) -> dict[str, DataFrame]:
    from pyspark.sql import functions as sql

    is_aside = sql.col(ASIDE).isNotNull()
    parts = {"scores": scored.where(~is_aside).drop(ASIDE)}
    if aside:
        parts["aside"] = scored.where(is_aside).select(f"{ASIDE}.*")
    return parts


@contextmanager
def _discarding(output: Folders | Tables) -> Iterator[None]:
    """Leave nothing unfinished behind, as long as Spark itself is still there."""
    try:
        yield
    finally:
        output.discard()
