"""From labelled customers to a model in one application of Spark: the variables, and the run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from churn import metrics
from churn.batch.job import given, is_said
from churn.cleaning import accounted
from churn.errors import NotAllowed, NotOnSpark, WorkersNotGiven
from churn.files import write_json
from churn.scoring import Scorer
from churn.settings import Parameters
from churn.spark.folders import Folders
from churn.spark.job import READ, SparkPlace, refuse_own_names, spark_place
from churn.spark.learning import Rows, Sample, digest, own_processes
from churn.spark.replacing import Replacement, replacing
from churn.spark.session import is_local, session
from churn.spark.snapshot import labelled, snapshot
from churn.spark.stages import SIDE, TEST, TRAIN, featured, set_aside, summary, typed_rows
from churn.spark.telling import telling
from churn.splitting import refuse_empty_side
from churn.training import Trained, assembled, provenance
from churn.validation import accepted, refuse_unlearnable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BALANCES = ("none", "class_weight")
PART = "history"


@dataclass(frozen=True)
class TrainingJob:
    """What is to be done.

    Attributes:
        input: where the labelled customers are.
        order: column that says which rows are later; None for the order of files.
        output: folder for all that comes out.
        workers: tasks that learn trees together; None for one, which is enough on one machine.
        force: replace what is there.
    """

    input: SparkPlace
    order: str | None
    output: str
    workers: int | None
    force: bool


def training_job(environment: Mapping[str, str]) -> TrainingJob:
    """Read the variables.

    Raises:
        NotGiven, NotAllowed, UnknownPlace.
    """
    workers = environment.get("WORKERS", "").strip()
    if workers and not (workers.isascii() and workers.isdecimal() and int(workers)):
        raise NotAllowed("WORKERS", workers[:20], "a whole number from 1")
    return TrainingJob(
        input=spark_place("INPUT", given(environment, "INPUT"), READ),
        order=environment.get("ORDER", "").strip() or None,
        output=given(environment, "OUTPUT").rstrip("/"),
        workers=int(workers) if workers else None,
        force=is_said(environment.get("FORCE", "")),
    )


@dataclass(frozen=True)
class Counts:
    """Customers and churners on each side of the split."""

    customers: Mapping[str, int]
    churners: Mapping[str, int]


def train(job: TrainingJob, parameters: Parameters, environment: Mapping[str, str]) -> str:
    """Do a job.

    Args:
        job: what is to be done.
        parameters: all groups; `source` is replaced by the job's input.
        environment: may name a master (`churn.spark.session`).
    Returns:
        what it has come to, in words.
    Raises:
        ChurnError: something that the user can mend; what was there before is still there.
    """
    refuse_choices(parameters)
    refuse_own_names(parameters.table)
    with session(environment) as spark, telling(job.input.shown):
        workers = _workers(spark, job)
        store = Folders(spark, job.output)
        output = replacing(store, [store.name], force=job.force)
        with output as outputs, own_processes(spark):
            return _Run(spark, job, parameters, workers, store, outputs).done()


def refuse_choices(parameters: Parameters) -> None:
    """Check that nothing is asked for that takes all rows on one machine.

    Raises:
        NotOnSpark: a search, or resampling.
    """
    if parameters.search.method != "none":
        raise NotOnSpark("search", parameters.search.method, "none")
    if parameters.balance.method not in BALANCES:
        raise NotOnSpark("balance", parameters.balance.method, " or ".join(BALANCES))


def _workers(spark: SparkSession, job: TrainingJob) -> int:
    """How many tasks learn together: what is said, since other trees come of another number."""
    context = spark.sparkContext
    if not is_local(context.master):
        if job.workers is None:
            raise WorkersNotGiven(context.master)
        return job.workers
    at_once, workers = context.defaultParallelism, job.workers or 1
    if workers > at_once:
        # Spark would wait for minutes for cores that will not come.
        allowed = f"at most {at_once} with SPARK_MASTER={context.master}"
        raise NotAllowed("WORKERS", str(workers), allowed)
    return workers


class _Run:
    """One run: each step writes into the folder, and reads what the one before has written."""

    def __init__(
        self,
        spark: SparkSession,
        job: TrainingJob,
        parameters: Parameters,
        workers: int,
        store: Folders,
        outputs: Replacement,
    ) -> None:
        self._spark = spark
        self._job = job
        self._parameters = parameters
        self._workers = workers
        self._store = store
        self._outputs = outputs
        self._folder = outputs.made(store.name)

    def done(self) -> str:
        """Do it."""
        contract, job = self._parameters.table, self._job
        customers = labelled(self._spark, job.input, contract)
        self._outputs.refuse(customers)
        rows = snapshot(customers, job.order, contract, self._inside("snapshot"))
        report = self._validated(rows)
        counts = self._featured(rows, report)
        train, test = (self._side(side) for side in (TRAIN, TEST))
        trained = self._trained(train, counts)
        measured = self._measured(trained, test, counts)
        with tempfile.TemporaryDirectory() as temporary:
            trained.bundle.save(Path(temporary) / "model")
            self._store.copy(Path(temporary) / "model", f"{self._folder}/model")
        self._put("training.json", trained.report)
        self._put("metrics.json", measured)
        return self._said(trained, measured, report)

    def _validated(self, rows: DataFrame) -> dict[str, Any]:
        """Whether the table may be gone on with, before anything is written of it."""
        contract, limit = self._parameters.table, self._parameters.validate_.max_rejected
        report = accepted(summary(rows, contract), contract, PART, limit)
        set_aside(rows, contract).write.parquet(self._inside("quarantine"))
        self._put("validation.json", {PART: report})
        return report

    def _featured(self, rows: DataFrame, report: Mapping[str, Any]) -> Counts:
        contract, split = self._parameters.table, self._parameters.split
        # Kept, so that what comes of them may be looked at more than once.
        typed_rows(rows, contract).write.parquet(self._inside("typed"))
        typed = self._spark.read.parquet(self._inside("typed"))
        found = featured(typed, contract, split)
        found.write.partitionBy(SIDE).parquet(self._inside("sides"))
        counts = self._counted()
        customers = sum(counts.customers.values())
        refuse_unlearnable(PART, contract, customers, sum(counts.churners.values()))
        for side in (TRAIN, TEST):
            refuse_empty_side(side, counts.customers[side], counts.churners[side])
            found_in = f"{self._folder}/sides/{SIDE}={side}"
            self._store.rename(found_in, f"{self._folder}/features/{side}")
        for done in ("snapshot", "typed", "sides"):
            self._store.remove(f"{self._folder}/{done}")
        where = accounted(PART, report["rows"], report["quarantined"], report["valid"], customers)
        self._put("rows.json", {PART: where})
        return counts

    def _counted(self) -> Counts:
        from pyspark.sql import functions as sql

        churned = sql.col(self._parameters.table.target.column).cast("int")
        sides = self._spark.read.parquet(self._inside("sides")).groupBy(SIDE)
        found: list[Any] = sides.agg(sql.count("*"), sql.sum(churned)).collect()
        none = {TRAIN: 0, TEST: 0}
        return Counts(
            {**none, **{side: count for side, count, _ in found}},
            {**none, **{side: churners for side, _, churners in found}},
        )

    def _trained(self, train: DataFrame, counts: Counts) -> Trained:
        customers, churners = counts.customers[TRAIN], counts.churners[TRAIN]
        rows = Rows(train, customers, churners, self._parameters, self._workers)
        sample = Sample.of(train, customers, self._parameters)
        learnt_from = provenance(self._parameters, digest(train), customers, churners)
        found = assembled(
            sample.columns,
            sample.labels,
            rows.folds(sample),
            lambda: rows.everything(sample),
            self._parameters,
            learnt_from,
        )
        spark = {"workers": self._workers, "sampled": len(sample.labels)}
        return Trained(found.bundle, {**found.report, "spark": spark}, found.trials)

    def _measured(self, trained: Trained, test: DataFrame, counts: Counts) -> dict[str, Any]:
        """Metrics on customers held out, as many as this machine holds."""
        some = Sample.of(test, counts.customers[TEST], self._parameters)
        scores = Scorer(trained.bundle).probabilities(some.columns)
        threshold = trained.bundle.manifest.threshold
        return metrics.measured(some.labels, scores, threshold)

    def _said(
        self, trained: Trained, measured: Mapping[str, Any], report: Mapping[str, Any]
    ) -> str:
        rows = trained.bundle.manifest.provenance.train_rows
        return (
            f"Rows     {report['valid']:,} valid, {report['quarantined']:,} set aside\n"
            f"Trees    learnt from {rows:,} customers by {self._workers} worker(s)\n"
            f"Held out {measured['n']:,} customers: roc_auc {measured['roc_auc']:.4f}, "
            f"log_loss {measured['log_loss']:.4f}\n"
            f"Model    {self._job.output}/model"
        )

    def _side(self, side: str) -> DataFrame:
        return self._spark.read.parquet(self._inside(f"features/{side}"))

    def _inside(self, name: str) -> str:
        return self._store.address(f"{self._folder}/{name}")

    def _put(self, name: str, content: object) -> None:
        with tempfile.TemporaryDirectory() as temporary:
            write_json(path := Path(temporary) / name, content)
            self._store.copy(path, f"{self._folder}/{name}")
