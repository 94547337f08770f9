"""Trees that learn on Spark, from all training rows, and what is fitted on a sample of them.

Preparation, calibration, threshold and reference distributions need some rows and not all of them:
they are fitted on one machine, by the functions of `churn.training`, on a sample that the salted
hash of the id chooses.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pyarrow as pa
import xgboost
from numpy.typing import NDArray

from churn import preprocess
from churn.balance import churner_weight
from churn.columns import Columns, Taken
from churn.errors import TooManyFolds
from churn.features import feature_set
from churn.folds import Fold
from churn.preprocess import Preprocessor
from churn.settings import ModelSettings, Parameters
from churn.spark.stages import mapped
from churn.splitting import fold_numbers, in_share
from churn.tables import labels, to_columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Floats = NDArray[np.float64]
# Customers that the driver holds, some gigabytes of them: what is fitted on so many hardly changes
# with more.
MOST = 1_000_000
LABEL, MATRIX = "label", "matrix"
# Of the environment of Spark's Python processes: those of another one are others.
PROCESSES = "CHURN_PROCESSES"
IsLearnt = Callable[[Sequence[str]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Sample:
    """Customers on this machine, sorted by id: ids, columns, model inputs, outcomes (n,)."""

    ids: tuple[str, ...]
    columns: Columns
    features: Columns
    labels: Floats

    @classmethod
    def of(cls, rows: DataFrame, count: int, parameters: Parameters) -> Sample:
        """Some million customers at most, chosen by the salted hash of the id.

        Args:
            rows: with features, of `churn.spark.stages`.
            count: how many there are.
            parameters: whose contract and salt hold.
        """
        contract = parameters.table
        salt, share = f"{parameters.split.salt} sample", min(1.0, MOST / count)

        def chosen(table: pa.Table) -> pa.Table:
            ids = table.column(contract.id_column).to_pylist()
            return table.filter(pa.array(in_share(ids, salt, share)))

        some = rows if share == 1 else mapped(rows, chosen, rows.schema)
        table = some.toArrow().sort_by(contract.id_column)
        return cls(
            tuple(table.column(contract.id_column).to_pylist()),
            to_columns(table, contract.known_columns),
            to_columns(table, feature_set(contract).names),
            labels(table, contract),
        )


@dataclass(frozen=True)
class Rows:
    """All training rows on Spark.

    Attributes:
        frame: with features, of `churn.spark.stages`.
        rows, churners: how many there are.
        parameters: all groups.
        workers: tasks that learn together; another number of them gives other trees.
    """

    frame: DataFrame
    rows: int
    churners: int
    parameters: Parameters
    workers: int

    def folds(self, sample: Sample) -> tuple[Fold, ...]:
        """Folds by the salted hash of the id: of a sample's customers, with trees from all others.

        Raises:
            TooManyFolds: more folds than customers of one outcome.
        """
        settings = self.parameters.search
        fewest = int(min(sample.labels.sum(), (1 - sample.labels).sum()))
        if fewest < settings.folds:
            raise TooManyFolds(settings.folds, fewest)
        salt = f"{self.parameters.split.salt} fold {settings.seed}"
        of = partial(fold_numbers, salt=salt, folds=settings.folds)
        number = of(sample.ids)

        def but(fold: int) -> IsLearnt:
            return lambda ids: of(ids) != fold

        found = []
        for fold in range(settings.folds):
            others, held_out = np.flatnonzero(number != fold), np.flatnonzero(number == fold)
            preprocessor = self._fitted(Taken(sample.features, others))
            learnable = Learnt(self, preprocessor, but(fold))
            inputs = Taken(sample.features, held_out)
            found.append(Fold(learnable, held_out, inputs, sample.labels[held_out]))
        return tuple(found)

    def everything(self, sample: Sample) -> Learnt:
        """All of them, prepared as the whole sample says."""
        return Learnt(self, self._fitted(sample.features), None)

    def _fitted(self, features: Columns) -> Preprocessor:
        return preprocess.fit(features, self.parameters.preprocess)


@dataclass(frozen=True)
class Learnt:
    """Rows that trees learn from on Spark: a `churn.fitting.Learnable`.

    Attributes:
        of: all training rows.
        preprocessor: fitted on the same customers, as far as they are in the sample.
        is_learnt: says which of some ids to learn from; None for all.
        is_kept: not, and so no two models learn at once: a stage of XGBoost's wants all its workers
            at the same moment.
    """

    of: Rows
    preprocessor: Preprocessor
    is_learnt: IsLearnt | None
    is_kept: ClassVar = False

    def boost(self, model: ModelSettings, threads: int = 0) -> xgboost.Booster:  # noqa: ARG002
        """Learn trees, by as many threads as Spark gives each task."""
        booster = self.learner(model).fit(self.encoded()).get_booster()
        # As it is when it is read: without what the workers were set to.
        return xgboost.Booster(model_file=booster.save_raw("ubj"))

    def learner(self, model: ModelSettings) -> Any:
        """XGBoost's own estimator for Spark, with the parameters of a model."""
        from xgboost.spark import SparkXGBClassifier

        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
        values = model.model_dump()
        values["random_state"] = values.pop("seed")
        rows = self.of
        weight = churner_weight(rows.rows, rows.churners, rows.parameters.balance)
        return SparkXGBClassifier(
            features_col=MATRIX,
            label_col=LABEL,
            num_workers=rows.workers,
            tree_method="hist",
            scale_pos_weight=weight,
            verbose=False,
            verbosity=0,
            **values,
        )

    def encoded(self) -> DataFrame:
        """Model matrix and outcomes, for each worker in the order of ids."""
        contract, preprocessor = self.of.parameters.table, self.preprocessor
        id_column, is_learnt = contract.id_column, self.is_learnt
        names = feature_set(contract).names

        def encoded(table: pa.Table) -> pa.Table:
            if is_learnt is not None:
                ids = table.column(id_column).to_pylist()
                table = table.filter(pa.array(is_learnt(ids)))
            matrix = preprocessor.matrix(to_columns(table, names))
            ends = np.arange(0, matrix.size + 1, matrix.shape[1], dtype=np.int32)
            return pa.table(
                {
                    id_column: table.column(id_column),
                    LABEL: pa.array(labels(table, contract), pa.float32()),
                    MATRIX: pa.ListArray.from_arrays(ends, matrix.ravel()),
                }
            )

        schema = f"`{id_column}` string, {LABEL} float, {MATRIX} array<float>"
        workers = self.of.workers
        rows = mapped(self.of.frame, encoded, schema)
        return rows.repartition(workers, id_column).sortWithinPartitions(id_column)


def digest(rows: DataFrame) -> str:
    """A hash of rows, whatever their order, partitions and files: of the sum of theirs."""
    from pyspark.sql import functions as sql

    hashed = sql.sha2(sql.to_json(sql.struct("*")), 256)
    # In pieces of 60 bits, which a sum of all rows does not overflow.
    pieces = [sql.conv(sql.substring(hashed, 1 + 15 * i, 15), 16, 10) for i in range(4)]
    sums = [sql.sum(one.cast("decimal(38,0)")) for one in pieces]
    (found,) = rows.agg(*sums).collect()
    return hashlib.sha256(" ".join(map(str, found)).encode()).hexdigest()


@contextmanager
def own_processes(spark: SparkSession) -> Iterator[None]:
    """Python processes of our own: those that have scored cannot import what training needs."""
    environment = spark.sparkContext.environment
    before = {**environment}
    environment[PROCESSES] = "training"
    try:
        yield
    finally:
        environment.clear()
        environment.update(before)
