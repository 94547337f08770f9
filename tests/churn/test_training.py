"""Training: nothing leaks, the same rows give the same bundle, and settings do what they say."""

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from churn import metrics, training
from churn.balance import churner_weight
from churn.columns import take
from churn.features import feature_set
from churn.preprocess import fit as fit_preparation
from churn.settings import BalanceSettings, DecisionSettings
from churn.synthetic import draw
from tests.small import small_parameters

ROWS = 1500
SMALL = {"n_estimators": 30, "max_depth": 3, "learning_rate": 0.15}
SEEDED = {"subsample": 0.8, "colsample_bytree": 0.5, "min_child_weight": 5, "seed": 0}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def parameters():
    """The committed parameters, made small, with the groups that matter here pinned."""
    pinned = {
        "balance": BalanceSettings(method="none", seed=0),
        "decision": DecisionSettings(method="f1", threshold=0.5),
    }
    return small_parameters(ROWS, folds=3, **SMALL, **SEEDED).model_copy(update=pinned)


@pytest.fixture(scope="module")
def rows(parameters):
    """Columns, features and labels of the customers."""
    drawn = draw(parameters.source, "history")
    features = feature_set(parameters.table).compute(drawn.columns)
    return drawn.columns, features, drawn.churned.astype(np.float64)


@pytest.fixture(scope="module")
def trained(parameters, rows):
    return training.train(*rows, parameters, "0" * 64)


@pytest.fixture(scope="module")
def procedure(parameters):
    return training.Procedure(parameters.preprocess, parameters.balance, parameters.model)


def _with(parameters, **groups):
    """The parameters with some settings of some groups changed."""
    changed = {g: getattr(parameters, g).model_copy(update=new) for g, new in groups.items()}
    return parameters.model_copy(update=changed)


def _auc(labels, scores):
    return metrics.measured(labels, scores, 0.5)["roc_auc"]


def _saved(bundle, folder):
    bundle.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# no leakage


def test_a_model_learns_nothing_from_outcomes_dealt_at_random(rows, procedure, parameters):
    _, features, labels = rows
    dealt = np.random.default_rng(0).permutation(labels)

    scores = training.out_of_fold(features, dealt, procedure, parameters.search)

    assert _auc(dealt, scores) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("method", ["smote", "random_over", "class_weight"])
def test_balancing_does_not_leak_outcomes_dealt_at_random(rows, parameters, method):
    _, features, labels = rows
    dealt = np.random.default_rng(0).permutation(labels)
    filled = parameters.preprocess.model_copy(update={"missing_numbers": "median"})
    how = training.Procedure(filled, BalanceSettings(method=method, seed=0), parameters.model)

    scores = training.out_of_fold(features, dealt, how, parameters.search)

    assert _auc(dealt, scores) == pytest.approx(0.5, abs=0.06)


def _scrambled(features, rows):
    """The features with those of some rows exchanged among them, and their numbers made huge."""
    order = np.random.default_rng(0).permutation(rows)
    changed = {name: values.copy() for name, values in features.items()}
    for values in changed.values():
        values[rows] = values[order] if values.dtype == object else values[order] * 1e4
    return changed


def test_rows_held_out_together_do_not_see_one_another(rows, procedure, parameters):
    _, features, labels = rows
    search = parameters.search
    folds = StratifiedKFold(search.folds, shuffle=True, random_state=search.seed)
    _, held_out = next(folds.split(labels, labels))
    changed, kept = held_out[::2], held_out[1::2]
    before = training.out_of_fold(features, labels, procedure, search)

    after = training.out_of_fold(_scrambled(features, changed), labels, procedure, search)

    assert after[kept].tobytes() == before[kept].tobytes()
    assert np.delete(after != before, held_out).mean() > 0.9  # the others learn from them


def test_out_of_fold_scores_are_worse_than_those_of_rows_that_were_learnt(trained, rows, procedure):
    _, features, labels = rows
    learnt = training.fit(features, labels, procedure).predict(features)

    assert _auc(labels, learnt) > trained.report["out_of_fold"]["roc_auc"] + 0.01


# learning


def test_the_model_finds_what_the_generator_put_there(trained):
    assert trained.report["out_of_fold"]["roc_auc"] > 0.75


def test_a_large_model_can_learn_a_tiny_table_by_heart(rows, procedure):
    _, features, labels = rows
    tiny, some = take(features, np.arange(60)), labels[:60]
    deep = {"n_estimators": 200, "max_depth": 8, "learning_rate": 0.3, "min_child_weight": 0}
    free = {"subsample": 1, "colsample_bytree": 1, "reg_lambda": 0}
    model = procedure.model.model_copy(update={**deep, **free})

    scores = training.fit(
        tiny, some, training.Procedure(procedure.preprocess, procedure.balance, model)
    ).predict(tiny)

    assert ((scores > 0.5) == some).all()


def test_class_weight_moves_the_scores_up(rows, procedure):
    _, features, labels = rows
    weighted = BalanceSettings(method="class_weight", seed=0)

    plain = training.fit(features, labels, procedure).predict(features)
    how = training.Procedure(procedure.preprocess, weighted, procedure.model)
    raised = training.fit(features, labels, how).predict(features)

    assert churner_weight(labels, weighted) > 2
    assert plain.mean() == pytest.approx(labels.mean(), abs=0.02)
    assert raised.mean() > plain.mean() + 0.1


@pytest.mark.parametrize("method", ["smote", "random_over"])
def test_resampling_moves_the_scores_up_and_still_ranks(rows, procedure, parameters, method):
    _, features, labels = rows
    filled = parameters.preprocess.model_copy(update={"missing_numbers": "median"})
    how = training.Procedure(filled, BalanceSettings(method=method, seed=0), parameters.model)

    scores = training.out_of_fold(features, labels, how, parameters.search)

    assert scores.mean() > labels.mean() + 0.04
    assert _auc(labels, scores) > 0.72


# the decision threshold


def test_the_threshold_is_the_best_on_out_of_fold_scores(trained, rows, procedure, parameters):
    _, features, labels = rows

    scores = training.out_of_fold(features, labels, procedure, parameters.search)

    assert trained.bundle.manifest.threshold == metrics.best_f1_threshold(labels, scores)
    learnt = training.fit(features, labels, procedure).predict(features)
    assert trained.bundle.manifest.threshold != metrics.best_f1_threshold(labels, learnt)


def test_a_fixed_threshold_is_taken_as_it_is():
    labels, scores = np.array([0.0, 1.0]), np.array([0.1, 0.9])

    fixed = DecisionSettings(method="fixed", threshold=0.123)

    assert training.decision_threshold(labels, scores, fixed) == 0.123


def test_a_fixed_threshold_reaches_the_bundle_and_changes_nothing_else(trained, rows, parameters):
    other = _with(parameters, decision={"method": "fixed", "threshold": 0.7})

    found = training.train(*rows, other, "0" * 64)

    assert found.bundle.manifest.threshold == 0.7
    assert found.bundle.booster.save_raw() == trained.bundle.booster.save_raw()
    assert found.bundle.reference == trained.bundle.reference


# reproducible


def test_the_same_rows_and_parameters_give_the_same_bytes(trained, rows, parameters, tmp_path):
    again = training.train(*rows, parameters, "0" * 64)

    assert _saved(again.bundle, tmp_path / "a") == _saved(trained.bundle, tmp_path / "b")
    assert again.report == trained.report


def test_the_number_of_threads_does_not_change_a_bit(rows, parameters, tmp_path):
    settings = _with(parameters, model={"n_estimators": 3}, search={"folds": 2})
    saved = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            bundle = training.train(*rows, settings, "0" * 64).bundle
        saved.append(_saved(bundle, tmp_path / str(threads)))

    assert saved[0] == saved[1]


def test_another_seed_gives_another_model(trained, rows, parameters):
    other = training.train(*rows, _with(parameters, model={"seed": 1}), "0" * 64)

    assert other.bundle.booster.save_raw() != trained.bundle.booster.save_raw()


def test_training_leaves_the_rows_of_the_caller_alone(trained, rows, parameters):
    drawn = draw(parameters.source, "history")

    for name, values in drawn.columns.items():
        np.testing.assert_array_equal(rows[0][name], values)


@pytest.mark.parametrize("order", ["by outcome", "backwards"])
def test_quality_does_not_rest_on_the_order_of_the_rows(
    trained, rows, procedure, parameters, order
):
    _, features, labels = rows
    by = {"by outcome": np.argsort(labels, kind="stable"), "backwards": np.arange(ROWS)[::-1]}[
        order
    ]

    scores = training.out_of_fold(take(features, by), labels[by], procedure, parameters.search)

    found = trained.report["out_of_fold"]
    assert _auc(labels[by], scores) == pytest.approx(found["roc_auc"], abs=0.03)
    assert scores.mean() == pytest.approx(labels.mean(), abs=0.02)


# what the bundle and the report say


def test_the_reference_of_the_score_comes_from_out_of_fold_scores(
    trained, rows, procedure, parameters
):
    _, features, labels = rows
    scores = training.out_of_fold(features, labels, procedure, parameters.search)

    bins = trained.bundle.reference.bins["churn_probability"]

    assert tuple(bins.count(scores) / ROWS) == bins.ratios
    learnt = training.fit(features, labels, procedure).predict(features)
    assert tuple(bins.count(learnt) / ROWS) != bins.ratios


def test_the_bundle_knows_its_rows_its_columns_and_its_contract(trained, rows, parameters):
    manifest, reference = trained.bundle.manifest, trained.bundle.reference

    assert manifest.provenance.train_rows == reference.rows == ROWS
    assert manifest.provenance.train_churners == rows[2].sum()
    assert manifest.contract == parameters.table
    assert [*reference.bins] == [*parameters.table.columns, "churn_probability"]
    assert len(manifest.feature_names) == trained.bundle.booster.num_features()


def test_the_report_names_what_was_dropped_and_stands_on_all_rows(rows, parameters):
    columns, features, labels = rows
    gappy = {**features, "age": np.where(np.arange(ROWS) % 10, np.nan, features["age"])}

    report = training.train(columns, gappy, labels, parameters, "0" * 64).report

    assert [one["name"] for one in report["dropped"]] == ["age"]
    assert report["out_of_fold"]["n"] == ROWS


@pytest.mark.parametrize(
    ("group", "change", "differs"),
    [
        ("model", {"max_depth": 2}, True),
        ("preprocess", {"max_levels": 7}, True),
        ("search", {"folds": 2}, True),
        ("evaluate", {"resamples": 123}, False),
        ("drift", {"alarm": 0.9}, False),
        ("split", {"salt": "other"}, False),
    ],
)
def test_the_hash_of_the_parameters_follows_those_that_training_reads(
    trained, rows, parameters, group, change, differs
):
    columns, features, labels = rows
    some = take(columns, slice(0, 300)), take(features, slice(0, 300)), labels[:300]
    quick = _with(parameters, model={"n_estimators": 1})
    changed = _with(quick, **{group: change})

    first, second = (training.train(*some, one, "0" * 64).bundle for one in (quick, changed))

    hashes = {one.manifest.provenance.parameters_sha256 for one in (first, second)}
    assert (len(hashes) == 2) is differs


def test_a_preparation_that_was_fitted_travels_with_its_trees(rows, procedure):
    _, features, labels = rows

    fitted = training.fit(features, labels, procedure)

    assert fitted.preprocessor == fit_preparation(features, procedure.preprocess)
    one = fitted.predict(take(features, slice(4, 5)))
    assert one[0] == fitted.predict(features)[4]
