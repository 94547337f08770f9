"""Training: nothing leaks, the same rows give the same bundle, and settings do what they say."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from churn import fitting, metrics, preprocess, training
from churn.calibrating import calibrate, fit
from churn.calibration import NoCalibration
from churn.columns import take
from churn.decision import threshold
from churn.fitting import Procedure, prepare
from churn.folds import out_of_fold, prepared_folds
from churn.scoring import Scorer
from churn.search import search, table
from churn.settings import (
    BalanceSettings,
    CalibrationSettings,
    F1Decision,
    FixedDecision,
    GridSearch,
    OptunaSearch,
    ProfitDecision,
)
from tests.small import history, small_parameters

ROWS = 1500
SMALL = {"n_estimators": 30, "max_depth": 3, "learning_rate": 0.15}
SEEDED = {"subsample": 0.8, "colsample_bytree": 0.5, "min_child_weight": 5, "seed": 0}
SEARCH = {"folds": 3, "seed": 0, "scoring": "neg_log_loss"}
SPACE = {"max_depth": (2, 4), "n_estimators": (5, 20, 80), "learning_rate": (0.4,)}
GRID = GridSearch(method="grid", space=SPACE, **SEARCH)
OPTUNA = OptunaSearch(method="optuna", space=SPACE, trials=3, pruning=True, **SEARCH)
each_search = pytest.mark.parametrize("settings", [GRID, OPTUNA], ids=["grid", "optuna"])

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def parameters():
    """The committed parameters, made small, with the groups that matter here pinned."""
    pinned = {
        "balance": BalanceSettings(method="none", seed=0),
        "calibration": CalibrationSettings(method="sigmoid"),
        "decision": F1Decision(method="f1"),
    }
    return small_parameters(ROWS, folds=3, **SMALL, **SEEDED).model_copy(update=pinned)


@pytest.fixture(scope="module")
def rows(parameters):
    """Columns, features and labels of the customers."""
    return history(parameters)


@pytest.fixture(scope="module")
def trained(parameters, rows):
    return training.train(*rows, parameters, "0" * 64)


def _first(rows, count):
    return take(rows[0], slice(count)), take(rows[1], slice(count)), rows[2][:count]


def _with(parameters, **groups):
    """The parameters with some settings of some groups changed, or whole groups."""
    changed = {
        group: getattr(parameters, group).model_copy(update=new) if isinstance(new, dict) else new
        for group, new in groups.items()
    }
    return parameters.model_copy(update=changed)


def _balanced(parameters, method):
    filled = {"missing_numbers": "median"}
    return _with(parameters, preprocess=filled, balance=BalanceSettings(method=method, seed=0))


def _parts(features, labels, parameters):
    """Folds, what is found over them, and out-of-fold margins, by the parts of training."""
    procedure = Procedure(parameters.preprocess, parameters.balance)
    folds = prepared_folds(features, labels, procedure, parameters.search)
    found = search(folds, parameters.model, parameters.search)
    return folds, found, out_of_fold(folds, found.boosters, found.best.model.n_estimators)


def _scores(features, labels, parameters):
    """Out of fold, before calibration."""
    return NoCalibration().probabilities(_parts(features, labels, parameters)[2])


def _auc(labels, scores):
    return metrics.measured(labels, scores, 0.5)["roc_auc"]


def _saved(bundle, folder):
    bundle.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# no leakage


@pytest.mark.parametrize("method", ["none", "class_weight", "smote", "random_over"])
def test_a_model_learns_nothing_from_outcomes_dealt_at_random(rows, parameters, method):
    dealt = np.random.default_rng(0).permutation(rows[2])

    scores = _scores(rows[1], dealt, _balanced(parameters, method))

    assert _auc(dealt, scores) == pytest.approx(0.5, abs=0.06)


def test_the_model_finds_what_the_generator_put_there_and_more_where_it_has_learnt(trained, rows):
    seen = Scorer(trained.bundle).probabilities(rows[0])

    assert _auc(rows[2], seen) > trained.report["out_of_fold"]["roc_auc"] + 0.01 > 0.76


@pytest.mark.parametrize("method", ["smote", "random_over"])
def test_resampling_raises_scores_that_calibration_brings_back(rows, parameters, method):
    labels, balanced = rows[2], _balanced(parameters, method)

    raised = _scores(rows[1], labels, balanced)
    scorer = Scorer(training.train(*rows, balanced, "0" * 64).bundle)

    assert raised.mean() > labels.mean() + 0.04
    assert _auc(labels, raised) > 0.72
    assert scorer.probabilities(rows[0]).mean() == pytest.approx(labels.mean(), abs=0.02)


# what is chosen


@each_search
def test_the_final_model_is_the_best_of_the_search_learnt_from_all_rows(rows, parameters, settings):
    given = _with(parameters, search=settings)
    _, expected, margins = _parts(*rows[1:], given)

    found = training.train(*rows, given, "0" * 64)

    best = expected.best
    assert best.model.n_estimators < 80  # its folds' models have more trees than it asks for
    prepared = prepare(*rows[1:], Procedure(given.preprocess, given.balance))
    assert found.bundle.booster.save_raw() == prepared.boost(best.model).save_raw()
    assert found.bundle.manifest.calibration == fit("sigmoid", margins, rows[2])
    assert found.trials == table(expected)
    searched = {"method": settings.method, "scoring": "neg_log_loss"}
    chosen = {"score": best.score, "std": best.std, "model": best.model.model_dump()}
    as_it_is = training.train(*rows, parameters, "0" * 64).report["search"]["score"]
    searched |= {"trials": len(expected.trials), "configured_score": as_it_is}
    assert found.report["search"] == searched | chosen


def test_all_that_is_chosen_is_chosen_on_scores_out_of_fold(trained, rows, parameters):
    manifest, bins = trained.bundle.manifest, trained.bundle.reference.bins["churn_probability"]

    def chosen(margins):
        calibration = fit("sigmoid", margins, rows[2])
        scores = calibration.probabilities(margins)
        chosen = threshold(rows[2], scores, parameters.decision, parameters.evaluate.money)
        return calibration, chosen, tuple(bins.count(scores) / ROWS)

    found = manifest.calibration, manifest.threshold, bins.ratios
    assert found == chosen(_parts(*rows[1:], parameters)[2])
    learnt = chosen(Scorer(trained.bundle).margins(rows[0]))
    assert all(one != other for one, other in zip(found, learnt, strict=True))


@pytest.mark.parametrize("method", ["best", "none", "sigmoid", "isotonic"])
def test_the_report_tells_what_calibration_was_taken_and_what_it_mends(rows, parameters, method):
    labels, given = rows[2], _with(parameters, calibration=CalibrationSettings(method=method))
    folds, _, margins = _parts(*rows[1:], given)
    expected = calibrate(margins, labels, [fold.rows for fold in folds], given.calibration)

    found = training.train(*rows, given, "0" * 64)

    assert found.bundle.manifest.calibration == expected.calibration
    before, after = (
        metrics.measured(labels, scores, found.bundle.manifest.threshold)
        for scores in (NoCalibration().probabilities(margins), expected.scores)
    )
    errors = {"before": before["calibration_error"], "after": after["calibration_error"]}
    told = {"log_loss": dict(expected.log_losses), "calibration_error": errors}
    assert found.report["calibration"] == {"method": expected.calibration.method, **told}
    assert found.report["out_of_fold"] == after


def test_money_is_a_parameter_of_the_model_only_where_it_decides(rows, parameters):
    money = parameters.evaluate.money.model_copy(update={"offer_cost": 17})
    dearer = parameters.evaluate.model_copy(update={"money": money})

    def hashes(decision):
        settings = [_with(parameters, decision=decision, evaluate=parameters.evaluate)]
        settings += [_with(parameters, decision=decision, evaluate=dearer)]
        found = [training.train(*rows, one, "0" * 64).bundle.manifest for one in settings]
        return len({one.provenance.parameters_sha256 for one in found})

    assert hashes(FixedDecision(method="fixed", threshold=0.5)) == 1
    assert hashes(ProfitDecision(method="profit")) == 2


def test_a_fixed_threshold_reaches_the_bundle_and_changes_nothing_else(trained, rows, parameters):
    other = _with(parameters, decision=FixedDecision(method="fixed", threshold=0.7))

    found = training.train(*rows, other, "0" * 64)

    assert found.bundle.manifest.threshold == 0.7
    assert found.report["decision"] == {"method": "fixed", "threshold": 0.7}
    assert found.bundle.manifest.calibration == trained.bundle.manifest.calibration
    assert found.bundle.booster.save_raw() == trained.bundle.booster.save_raw()
    assert found.bundle.reference == trained.bundle.reference


def test_a_threshold_for_profit_follows_the_assumptions_about_money(rows, parameters):
    profit, chosen = ProfitDecision(method="profit"), []
    for cost in (5, 60):
        money = parameters.evaluate.money.model_copy(update={"offer_cost": cost})
        given = _with(parameters, decision=profit, evaluate={"money": money})
        chosen.append(training.train(*rows, given, "0" * 64).bundle.manifest)

    assert chosen[0].threshold < chosen[1].threshold
    assert chosen[0].provenance != chosen[1].provenance  # the hash of what was read


# reproducible


def test_the_same_rows_and_parameters_give_the_same_bytes(trained, rows, parameters, tmp_path):
    again = training.train(*rows, parameters, "0" * 64)

    assert _saved(again.bundle, tmp_path / "a") == _saved(trained.bundle, tmp_path / "b")
    assert (again.report, again.trials) == (trained.report, trained.trials)


@each_search
def test_the_number_of_threads_changes_no_bit(rows, parameters, tmp_path, monkeypatch, settings):
    best = CalibrationSettings(method="best")
    given = _with(_balanced(parameters, "smote"), search=settings, calibration=best)
    some, saved = _first(rows, 600), []
    for threads in (1, 2):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", str(threads))
        with threadpool_limits(threads):
            found = training.train(*some, given, "0" * 64)
        saved.append((_saved(found.bundle, tmp_path / str(threads)), found.report, found.trials))

    assert saved[0] == saved[1]


@each_search
def test_a_table_of_many_blocks_gives_the_same_bits_on_any_number_of_threads(
    rows, parameters, tmp_path, monkeypatch, settings
):
    monkeypatch.setattr(fitting, "BLOCK", 200)
    monkeypatch.setattr(fitting, "MOST_KEPT", 100)
    given, saved = _with(parameters, search=settings), []

    for threads in (1, 2):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", str(threads))
        with threadpool_limits(threads):
            found = training.train(*_first(rows, 600), given, "0" * 64)
        saved.append((_saved(found.bundle, tmp_path / str(threads)), found.report, found.trials))

    assert saved[0] == saved[1]


def test_training_leaves_the_rows_of_the_caller_alone(trained, rows, parameters):
    for before, after in zip(history(parameters)[:2], rows[:2], strict=True):
        for name, values in before.items():
            np.testing.assert_array_equal(after[name], values)


@pytest.mark.parametrize("order", ["by outcome", "backwards"])
def test_quality_does_not_rest_on_the_order_of_the_rows(trained, rows, parameters, order):
    _, features, labels = rows
    by = np.argsort(labels, kind="stable") if order == "by outcome" else np.arange(ROWS)[::-1]

    scores = _scores(take(features, by), labels[by], parameters)

    found = trained.report["out_of_fold"]
    assert _auc(labels[by], scores) == pytest.approx(found["roc_auc"], abs=0.03)
    assert scores.mean() == pytest.approx(labels.mean(), abs=0.02)


# what the bundle and the report say


def test_the_bundle_knows_its_rows_its_columns_and_its_contract(trained, rows, parameters):
    manifest, reference = trained.bundle.manifest, trained.bundle.reference

    assert manifest.provenance.train_rows == reference.rows == ROWS
    assert manifest.provenance.train_churners == rows[2].sum()
    assert manifest.provenance.data_sha256 == "0" * 64
    assert manifest.contract == parameters.table
    assert manifest.preprocessor == preprocess.fit(rows[1], parameters.preprocess)
    assert [*reference.bins] == [*parameters.table.columns, "churn_probability"]
    assert len(manifest.feature_names) == trained.bundle.booster.num_features()


def test_the_report_names_what_was_dropped_and_stands_on_all_rows(rows, parameters):
    gappy = {**rows[1], "age": np.where(np.arange(ROWS) % 10, np.nan, rows[1]["age"])}
    report = training.train(rows[0], gappy, rows[2], parameters, "0" * 64).report

    assert [one["name"] for one in report["dropped"]] == ["age"]
    assert report["inputs"] == len(gappy) - 1
    assert report["out_of_fold"]["n"] == ROWS


@pytest.mark.parametrize(
    ("group", "change", "differs"),
    [
        ("model", {"max_depth": 2}, True),
        ("preprocess", {"max_levels": 7}, True),
        ("balance", {"seed": 5}, True),
        ("search", {"folds": 3}, True),
        ("calibration", {"method": "none"}, True),
        ("decision", FixedDecision(method="fixed", threshold=0.7), True),
        ("evaluate", {"resamples": 123}, False),
        ("tracking", {"experiment": "other"}, False),
        ("drift", {"alarm": 0.9}, False),
        ("split", {"salt": "other"}, False),
    ],
)
def test_the_hash_is_of_the_parameters_that_are_read(rows, parameters, group, change, differs):
    quick = _with(parameters, model={"n_estimators": 1}, search={"folds": 2})
    changed = _with(quick, **{group: change})

    first, second = (
        training.train(*_first(rows, 300), one, "0" * 64).bundle for one in (quick, changed)
    )

    hashes = {one.manifest.provenance.parameters_sha256 for one in (first, second)}
    assert (len(hashes) == 2) is differs
