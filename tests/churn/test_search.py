"""The search: the scores are scikit-learn's, the choice is the best, and the seed settles all."""

import csv
from dataclasses import replace
from itertools import accumulate

import numpy as np
import pytest
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import GridSearchCV, ParameterGrid

from benchmarks.search import pipeline
from benchmarks.tables import frame
from churn.errors import UnusableScorer
from churn.folds import Fold, out_of_fold, prepared_folds, split
from churn.search import search, table
from churn.settings import GridSearch, ModelSettings, NoSearch, OptunaSearch
from tests.small import TREES, few_customers, procedure

FOLDS = 4
SPACE = {"max_depth": (1, 3), "learning_rate": (0.05, 0.3), "n_estimators": (2, 7, 12)}
SCORERS = ("neg_log_loss", "roc_auc", "f1", "average_precision", "neg_brier_score", "accuracy")
# With a learning rate that learns nothing, so that there is something to give up.
WIDE = {"learning_rate": (0.0001, 0.03, 0.1, 0.2, 0.3), "max_depth": (1, 2, 3, 4)}

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    # Of a model that calls nobody a churner.
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning"),
]


def _none(scoring="neg_log_loss", folds=FOLDS):
    return NoSearch(method="none", folds=folds, seed=0, scoring=scoring)


def _grid(space=SPACE, scoring="neg_log_loss"):
    return GridSearch(method="grid", folds=FOLDS, seed=0, scoring=scoring, space=space)


def _optuna(trials=30, pruning=True, seed=0, space=WIDE):
    given = {"folds": FOLDS, "seed": seed, "scoring": "neg_log_loss", "space": space}
    return OptunaSearch(method="optuna", trials=trials, pruning=pruning, **given)


@pytest.fixture(scope="module")
def folds():
    return prepared_folds(*few_customers(200), procedure(), _none())


@pytest.fixture(scope="module")
def uneven(folds):
    """Folds after the first two of which every score gets worse."""
    return [*folds[:2], *(replace(fold, labels=1 - fold.labels) for fold in folds[2:])]


@pytest.fixture(scope="module")
def pruned(uneven):
    """A search that gives trials up, though with better scores so far than the best at the end."""
    return search(uneven, TREES, _optuna())


@pytest.fixture(scope="module")
def whole_grid(uneven):
    """Every combination that `pruned` may try, by its parameters."""
    return {trial.model: trial for trial in search(uneven, TREES, _grid(WIDE)).trials}


def _scores(searched):
    return [trial.scores for trial in searched.trials]


def _lines(searched):
    return [*csv.DictReader(table(searched).splitlines())]


# none and grid


def test_without_a_search_the_model_is_tried_as_it_is(folds):
    found = search(folds, TREES, _none())

    assert [trial.model for trial in found.trials] == [TREES] == [found.best.model]
    assert len(found.best.scores) == FOLDS
    assert [b.save_raw() for b in found.boosters] == [f.boost(TREES, 1).save_raw() for f in folds]


@pytest.mark.parametrize(
    ("balance", "missing"), [("none", "native"), ("smote", "median"), ("random_over", "native")]
)
def test_every_fold_of_every_combination_scores_as_in_scikit_learn(balance, missing):
    features, labels = few_customers(200)
    how, cross_validation = procedure(balance, missing), _none(folds=2)
    space = {"max_depth": (1, 3), "n_estimators": (5, 12)}
    theirs = GridSearchCV(
        pipeline(how, TREES),
        {f"model__{name}": [*values] for name, values in space.items()},
        scoring=list(SCORERS),
        cv=split(labels, cross_validation),
        refit=False,
    ).fit(frame(features), labels)
    folds = prepared_folds(features, labels, how, cross_validation)

    for scoring in SCORERS:
        ours = search(folds, TREES, _grid(space, scoring))

        of_fold = [theirs.cv_results_[f"split{k}_test_{scoring}"] for k in range(2)]
        np.testing.assert_allclose(_scores(ours), np.column_stack(of_fold), rtol=0, atol=1e-9)
        best = np.argmax(theirs.cv_results_[f"mean_test_{scoring}"])
        assert ours.trials.index(ours.best) == best


def test_the_grid_holds_every_combination_in_scikit_learns_order(folds):
    found = search(folds, TREES, _grid())

    order = ParameterGrid({name: [*values] for name, values in SPACE.items()})
    assert [t.model for t in found.trials] == [TREES.model_copy(update=one) for one in order]
    assert not any(trial.pruned for trial in found.trials)


def test_the_scores_of_few_trees_are_those_of_a_model_of_exactly_so_many(folds):
    found = search(folds, TREES, _grid({"n_estimators": SPACE["n_estimators"]}))

    exactly = [search(folds, trial.model, _none()).best.scores for trial in found.trials]

    assert _scores(found) == exactly
    assert len({*exactly}) == len(exactly)


def test_the_models_of_the_best_give_its_margins_though_they_may_have_more_trees(folds):
    found = search(folds, TREES, _grid({"learning_rate": (0.3, 1), "n_estimators": (3, 12)}))
    best = found.best.model
    assert best.n_estimators == 3

    margins = out_of_fold(folds, found.boosters, best.n_estimators)

    exactly = [fold.boost(best, 1) for fold in folds]
    assert margins.tobytes() == out_of_fold(folds, exactly, best.n_estimators).tobytes()


def test_the_best_has_the_highest_mean_score_and_of_equals_it_is_the_first(folds):
    # A weight too small to forbid any leaf: the same trees twice.
    found = search(folds, TREES, _grid({"max_depth": (1, 3), "min_child_weight": (0, 1e-9)}))

    means = [np.mean(trial.scores) for trial in found.trials]
    assert means[::2] == means[1::2]
    assert found.trials.index(found.best) == np.argmax(means)


@pytest.mark.parametrize("settings", [_grid(), _optuna(8)], ids=["grid", "optuna"])
def test_the_number_of_cores_does_not_change_a_bit(folds, settings, monkeypatch):
    found = []
    for cores in ("1", "2"):
        monkeypatch.setenv("LOKY_MAX_CPU_COUNT", cores)
        searched = search(folds, TREES, settings)
        found.append((_scores(searched), [bytes(b.save_raw()) for b in searched.boosters]))

    assert found[0] == found[1]


@pytest.mark.parametrize("settings", [_grid(), _optuna(2)], ids=["grid", "optuna"])
def test_a_search_says_nothing_where_nobody_watches(folds, settings, capfd):
    search(folds, TREES, settings)

    assert capfd.readouterr() == ("", "")


# optuna


def test_the_same_seed_gives_the_same_trials_and_another_seed_others(uneven, pruned):
    assert search(uneven, TREES, _optuna(8)).trials == pruned.trials[:8]
    assert search(uneven, TREES, _optuna(8, seed=1)).trials != pruned.trials[:8]


def test_every_trial_is_in_the_space_and_the_budget_is_spent(pruned, whole_grid):
    assert len(pruned.trials) == 30
    assert {trial.model for trial in pruned.trials} <= {*whole_grid}


def test_a_trial_scores_as_it_does_in_the_grid_if_given_up_on_its_first_folds(pruned, whole_grid):
    for trial in pruned.trials:
        assert trial.scores == whole_grid[trial.model].scores[: 2 if trial.pruned else FOLDS]


def test_trials_are_given_up_but_never_the_first_nor_the_best(pruned):
    given_up = [trial.pruned for trial in pruned.trials]

    assert 3 < sum(given_up) < 20
    assert not given_up[0]
    assert max(trial.score for trial in pruned.trials if trial.pruned) > pruned.best.score
    assert pruned.best.score == max(one.score for one in pruned.trials if not one.pruned)


def test_what_is_given_up_did_worse_than_half_of_what_was_not(pruned):
    trials = [*dict.fromkeys(pruned.trials)]

    for number, trial in enumerate(trials):
        if trial.pruned:
            before = [np.mean(one.scores[:2]) for one in trials[:number] if not one.pruned]
            assert trial.score < np.median(before)


def test_without_pruning_every_trial_runs_over_all_folds(folds):
    found = search(folds, TREES, _optuna(12, pruning=False))

    assert {(len(trial.scores), trial.pruned) for trial in found.trials} == {(FOLDS, False)}


@pytest.mark.parametrize("space", [SPACE, {"n_estimators": (2, 12)}], ids=["all", "trees alone"])
def test_the_best_of_a_tiny_space_is_found_with_its_number_of_trees(folds, space):
    found = search(folds, TREES, _optuna(24, space=space))

    expected = search(folds, TREES, _grid(space))
    assert found.best == expected.best
    assert [b.save_raw() for b in found.boosters] == [b.save_raw() for b in expected.boosters]


def test_a_combination_that_comes_again_costs_nothing(folds):
    learnt = []

    class Remembering(Fold):
        def boost(self, model, threads):
            learnt.append(model)
            return super().boost(model, threads)

    given = [Remembering(f.prepared, f.rows, f.inputs, f.labels) for f in folds]
    found = search(given, TREES, _optuna(24, pruning=False, space=SPACE))

    combinations = {(one.model.max_depth, one.model.learning_rate) for one in found.trials}
    assert len(combinations) == 4
    assert len(learnt) == 4 * FOLDS


# scorers


@pytest.mark.parametrize("scoring", get_scorer_names())
def test_every_scorer_of_scikit_learn_scores_or_is_refused_in_words(folds, scoring):
    try:
        found = search(folds, TREES, _none(scoring))
    except UnusableScorer as error:
        assert f"search.scoring: '{scoring}' cannot be used: " in str(error)
        assert scoring.endswith(("_samples", "_deviance"))
    else:
        assert np.isfinite(found.best.scores).all()


def test_an_unknown_scorer_is_refused_with_the_name_that_was_meant(folds):
    with pytest.raises(
        UnusableScorer,
        match=r"^search\.scoring: 'roc_acu' cannot be used: there is none of that name "
        r"\(did you mean 'roc_auc'\?\)\. Take one of scikit-learn's for two classes, such as",
    ):
        search(folds, TREES, _none("roc_acu"))


def test_a_scorer_of_another_kind_is_refused_with_its_own_reason(folds):
    with pytest.raises(
        UnusableScorer, match=r"'f1_samples' cannot be used: Samplewise .*classification\. Take"
    ):
        search(folds, TREES, _none("f1_samples"))


def test_a_score_that_is_no_number_is_refused(folds):
    one_outcome = [replace(fold, labels=np.zeros_like(fold.labels)) for fold in folds]

    with pytest.raises(UnusableScorer, match=r"'roc_auc' cannot be used: it gives nan\. Take"):
        search(one_outcome, TREES, _none("roc_auc"))


# reports/trials.csv


def test_there_is_a_line_for_each_trial_with_its_parameters_and_scores(pruned):
    lines = _lines(pruned)

    assert [int(line["trial"]) for line in lines] == [*range(30)]
    for line, trial in zip(lines, pruned.trials, strict=True):
        model = {name: float(line[name]) for name in ModelSettings.model_fields}
        assert ModelSettings.model_validate(model) == trial.model
        assert float(line["score"]) == pytest.approx(np.mean(trial.scores), abs=5e-10)
        assert float(line["std"]) == pytest.approx(np.std(trial.scores), abs=5e-10)
        assert (int(line["folds"]), line["pruned"]) == (len(trial.scores), str(int(trial.pruned)))


def test_the_best_so_far_never_falls_and_leaves_out_what_was_given_up(pruned):
    best = [float(line["best_so_far"]) for line in _lines(pruned)]

    whole = [-np.inf if trial.pruned else trial.score for trial in pruned.trials]
    assert best == [*accumulate(whole, max)]
    assert best[-1] == pruned.best.score


def test_the_same_search_gives_the_same_bytes(uneven, pruned):
    text = table(search(uneven, TREES, _optuna()))

    assert text == table(pruned)
    assert (text.count("\n"), text.count("\r")) == (31, 0)
