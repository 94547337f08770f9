"""From a job to its end on Spark: read, score, write beside, and put into place."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
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
from churn.spark.job import SparkJob, SparkPlace, refuse_own_names
from churn.spark.replacing import replacing
from churn.spark.session import session
from churn.spark.tables import Tables
from churn.spark.telling import telling
from churn.spark.work import Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BATCH = "spark.sql.execution.arrow.maxRecordsPerBatch"
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
        self._name = uuid.uuid4().hex

    def done(self) -> Summary:
        """Do it."""
        job = self._job
        contract = self._model.scorer.bundle.manifest.contract
        with telling(job.input.shown):
            customers = Customers(self._spark, job.input, contract)
        with telling(job.output.shown):
            store = _store(self._spark, job.output)
            with replacing(store, (store.aside, store.name), force=job.force) as outputs:
                outputs.refuse(customers)
                with telling(job.input.shown), self._scored(customers) as scored:
                    counts = self._counted(scored)
                    parts = _parts(scored, store, aside=bool(counts.get(None)))
                    with telling(job.output.shown):
                        for name, rows in parts.items():
                            store.write(rows, outputs.made(name))
        levels = {level: counts.get(level, 0) for level in LEVELS}
        addresses = store.shown(store.name), store.shown(store.aside)
        return Summary(self._model.version, levels, counts.get(None, 0), *addresses)

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
        self._refuse_hopeless(work, customers.frames[0])
        schema = from_arrow_schema(work.engine().schema)
        done = [frame.mapInArrow(work, schema) for frame in customers.frames]
        scored = reduce(lambda some, more: some.unionAll(more), done)
        scored.persist(StorageLevel.DISK_ONLY)
        try:
            yield scored
        finally:
            scored.unpersist()
            sent.destroy()

    def _counted(self, scored: DataFrame) -> dict[str | None, int]:
        """Rows by risk level; under None those that are set aside.

        Raises:
            NoCustomers: there are none.
        """
        rows: list[Any] = scored.groupBy("risk_level").count().collect()
        if not rows:
            raise NoCustomers(self._job.input.shown)
        return {row[0]: row[1] for row in rows}

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


def _store(spark: SparkSession, output: SparkPlace) -> Folders | Tables:
    return (Tables if output.kind == "table" else Folders)(spark, output.address)


def _parts(scored: DataFrame, store: Folders | Tables, *, aside: bool) -> dict[str, DataFrame]:
    """The rows that each output gets."""
    from pyspark.sql import functions as sql

    is_aside = sql.col(ASIDE).isNotNull()
    parts = {store.name: scored.where(~is_aside).drop(ASIDE)}
    if aside:
        parts[store.aside] = scored.where(is_aside).select(f"{ASIDE}.*")
    return parts
