"""make train-spark: a model as good as that of one machine, or one error and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ruamel.yaml import YAML
from threadpoolctl import threadpool_limits

from churn import metrics, training
from churn.bundle import Bundle
from churn.errors import ChurnError
from churn.export import export
from churn.features import feature_set
from churn.scoring import Scorer
from churn.settings import GridSearch, Parameters, SyntheticSource
from churn.spark.learning import LABEL, MATRIX, Rows, Sample, digest
from churn.spark.training import train, training_job
from churn.synthetic import draw
from churn.tables import labels, to_columns
from tests.checkout import ROOT
from tests.small import TELCO, small_parameters

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("training_processes")]
EMBEDDED = SyntheticSource.model_validate(
    YAML(typ="safe").load(ROOT / "conf/source/synthetic.yaml")
)
FULL = small_parameters(1).model_copy(update={"source": EMBEDDED})
SMALL = small_parameters(600, n_estimators=5)
WORKERS = 2


def raw_table(parameters: Parameters) -> pa.Table:
    source = parameters.source
    return export(draw(source, "history"), TELCO, source, "history")


@pytest.fixture(scope="module")
def output(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run has made of the embedded table."""
    folder = tmp_path_factory.mktemp("run")
    pq.write_table(raw_table(FULL), folder / "history.parquet")
    given = {"INPUT": f"{folder}/history.parquet", "OUTPUT": f"{folder}/trained", "WORKERS": "2"}
    train(training_job(given), FULL, {})
    assert sorted(one.name for one in folder.iterdir()) == ["history.parquet", "trained"]
    return folder / "trained"


def content(path: Path) -> Any:
    return json.loads(path.read_text())


def side(output: Path, name: str) -> pa.Table:
    return pq.read_table(output / "features" / name)


def test_everything_is_there_and_adds_up(output: Path):
    names = {one.name for one in output.iterdir()}
    assert names == {
        "_SUCCESS",
        "features",
        "metrics.json",
        "model",
        "quarantine",
        "rows.json",
        "training.json",
        "validation.json",
    }
    rows = content(output / "rows.json")["history"]
    assert pq.read_table(output / "quarantine").num_rows == rows["quarantined"] > 0
    train_rows, test_rows = side(output, "train").num_rows, side(output, "test").num_rows
    assert train_rows + test_rows == rows["rows_out"]
    assert content(output / "validation.json")["history"]["rows"] == rows["rows_in"]
    assert content(output / "metrics.json")["n"] == test_rows
    assert Bundle.load(output / "model").manifest.provenance.train_rows == train_rows
    assert content(output / "training.json")["spark"] == {"workers": 2, "sampled": train_rows}


def test_the_model_is_as_good_as_that_of_one_machine(output: Path):
    # given the same customers
    learnt, held_out = side(output, "train"), side(output, "test")
    with threadpool_limits(1):
        local = training.train(
            to_columns(learnt, TELCO.known_columns),
            to_columns(learnt, feature_set(TELCO).names),
            labels(learnt, TELCO),
            FULL,
            "0" * 64,
        )
    # when
    columns, outcomes = to_columns(held_out, TELCO.known_columns), labels(held_out, TELCO)
    ours, theirs = Scorer(local.bundle), Scorer.load(output / "model", threads=1)
    scores = ours.probabilities(columns)
    expected = metrics.measured(outcomes, scores, local.bundle.manifest.threshold)
    found = metrics.measured(
        outcomes, theirs.probabilities(columns), theirs.bundle.manifest.threshold
    )
    # then
    assert content(output / "metrics.json") == found
    assert found["roc_auc"] == pytest.approx(expected["roc_auc"], abs=0.002)
    assert found["log_loss"] == pytest.approx(expected["log_loss"], abs=0.005)
    assert theirs.bundle.manifest.threshold == pytest.approx(
        local.bundle.manifest.threshold, abs=0.05
    )
    assert {*content(output / "training.json")} == {*local.report, "spark"}


def test_no_customer_is_learnt_from_and_held_out(output: Path):
    sides = [{*side(output, name)["customer_id"].to_pylist()} for name in ("train", "test")]
    assert not sides[0] & sides[1]


@pytest.fixture
def rows(spark: Any, output: Path) -> Rows:
    """The training rows, and few trees to learn from them."""
    frame = spark.read.parquet(f"{output}/features/train")
    return Rows(frame, frame.count(), frame.filter("churn").count(), SMALL, WORKERS)


def test_our_scorer_says_what_sparks_own_model_says_bit_for_bit(rows: Rows):
    sample = Sample.of(rows.frame, rows.rows, SMALL)
    learnt = rows.everything(sample)
    theirs = learnt.learner(SMALL.model).fit(learnt.encoded())
    said = theirs.transform(learnt.encoded()).select("customer_id", "rawPrediction").collect()
    margins = [row.rawPrediction[1] for row in sorted(said, key=lambda row: row.customer_id)]
    ours = learnt.boost(SMALL.model)
    found = ours.inplace_predict(learnt.preprocessor.matrix(sample.features), predict_type="margin")
    assert found.astype(np.float64).tolist() == margins
    # Learnt twice, by two workers, the trees are the same.
    assert ours.save_raw("ubj") == theirs.get_booster().save_raw("ubj")


def test_a_fold_learns_from_none_that_it_holds_out(rows: Rows):
    sample = Sample.of(rows.frame, rows.rows, SMALL)
    folds = rows.folds(sample)
    assert sorted(np.concatenate([fold.rows for fold in folds])) == [*range(len(sample.ids))]
    for fold in folds:
        held_out = {sample.ids[row] for row in fold.rows}
        learnt = fold.prepared.encoded().select("customer_id", LABEL, MATRIX).toArrow()
        assert {*learnt["customer_id"].to_pylist()} == {*sample.ids} - held_out
        first = learnt.slice(0, 1).to_pylist()[0]
        row = sample.ids.index(first["customer_id"])
        assert first[LABEL] == sample.labels[row]


def test_of_more_customers_than_fit_a_sample_is_taken_by_the_hash(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("churn.spark.learning.MOST", 1000)
    some = Sample.of(rows.frame, rows.rows, SMALL)
    again = Sample.of(rows.frame.repartition(3), rows.rows, SMALL)
    assert some.ids == again.ids == tuple(sorted(some.ids))
    assert 850 < len(some.ids) < 1150


def test_rows_have_one_hash_whatever_their_partitions(rows: Rows):
    assert digest(rows.frame) == digest(rows.frame.repartition(3)) != digest(rows.frame.limit(99))


def changed(table: pa.Table, column: str, values: list[Any]) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, pa.array(values))


@pytest.fixture
def refused(spark: Any, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Trains, expects one error, and sees that nothing was written."""
    table = raw_table(SMALL)

    def refused(message: str, parameters: Parameters = SMALL, /, **given: Any) -> None:
        column = given.pop("column", None)
        values = given.pop("values", ())
        raw = changed(table, column, values(len(table))) if column else table
        pq.write_table(raw, tmp_path / "history.parquet")
        variables = {"INPUT": f"{tmp_path}/history.parquet", "OUTPUT": f"{tmp_path}/trained"}
        with pytest.raises(ChurnError, match=message) as error:
            train(training_job({**variables, **given}), parameters, {})
        assert "\n" not in str(error.value)

    yield refused
    left = {one.name for one in tmp_path.iterdir()}
    assert left <= {"history.parquet", "there"}


def test_a_column_of_another_type_is_refused(refused: Callable[..., None]):
    refused("history: column age: 100% of its", column="age", values=lambda n: ["old"] * n)


def test_files_of_other_types_are_refused_as_by_load(refused: Callable[..., None], tmp_path: Path):
    table = raw_table(SMALL)
    folder = tmp_path / "there"
    folder.mkdir()
    pq.write_table(table.slice(0, 300), folder / "a.parquet")
    ages = [*range(len(table))]
    pq.write_table(changed(table, "age", ages).slice(300), folder / "b.parquet")
    refused(
        r"b\.parquet: its columns are not those of .*a\.parquet: age is bigint, there string",
        INPUT=f"{folder}/",
    )


def test_too_many_bad_rows_are_refused(refused: Callable[..., None]):
    message = r"history: \d+ of \d+ rows .* break the contract; validate.max_rejected allows 5.0%"
    refused(message, column="age", values=lambda n: ["17"] * (n // 3) + ["40"] * (n - n // 3))


def test_one_outcome_only_is_refused(refused: Callable[..., None]):
    refused("every customer has the value 'No'", column="churn", values=lambda n: ["No"] * n)


def test_what_takes_one_machine_is_refused(refused: Callable[..., None]):
    space = {"max_depth": (2.0, 3.0)}
    grid = GridSearch(method="grid", space=space, folds=2, seed=0, scoring="roc_auc")
    refused("search=grid is not to be had on Spark", SMALL.model_copy(update={"search": grid}))
    smote = SMALL.balance.model_copy(update={"method": "smote"})
    refused("balance=smote is not to be had", SMALL.model_copy(update={"balance": smote}))
    refused(r"WORKERS=3: allowed is at most 2 with SPARK_MASTER=local\[2\]", WORKERS="3")
    refused("WORKERS=none: allowed is a whole number from 1", WORKERS="none")


def test_what_is_there_is_not_replaced(refused: Callable[..., None], tmp_path: Path):
    (tmp_path / "there").mkdir()
    refused(r"there: it is there already.*FORCE=1", OUTPUT=f"{tmp_path}/there")
    refused("what is there is no output of ours", OUTPUT=str(tmp_path), FORCE="1")
    refused("no such file", INPUT=f"{tmp_path}/absent.parquet")
