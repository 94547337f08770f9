"""Choosing the model's parameters by cross-validation.

The folds are prepared and resampled once and serve every trial. A model of n trees contains those
of fewer, so one boosted run gives every number of trees in the space.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import numpy as np
import xgboost
from joblib import cpu_count
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.model_selection import ParameterGrid
from tqdm import tqdm

from churn.errors import UnusableScorer
from churn.folds import Fold, side_by_side
from churn.settings import GridSearch, ModelSettings, OptunaSearch, SearchSettings

# Folds between two looks at whether a trial is worth going on with. The same on every machine, or
# the trials would depend on the number of cores.
FOLDS_AT_ONCE = 2
# Digits of a score that are the same on every machine: scikit-learn's scorers use numpy.log.
DIGITS = 9
Values = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Trial:
    """One combination of parameters and how it did.

    Attributes:
        model: all parameters.
        scores: of each fold that was run; of a pruned trial the first ones only.
        pruned: given up before the last fold.
    """

    model: ModelSettings
    scores: tuple[float, ...]
    pruned: bool = False

    @property
    def score(self) -> float:
        """Mean over the folds; greater is better."""
        return round(float(np.mean(self.scores)), DIGITS)

    @property
    def std(self) -> float:
        """Standard deviation over the folds."""
        return round(float(np.std(self.scores)), DIGITS)


@dataclass(frozen=True)
class Searched:
    """All trials, the best of them, and its models.

    Attributes:
        trials: every combination that was tried, in order.
        best: the first of those with the highest score.
        boosters: of the best, one a fold; they may have more trees than `best` asks for.
    """

    trials: tuple[Trial, ...]
    best: Trial
    boosters: tuple[xgboost.Booster, ...]


@dataclass(frozen=True)
class _Boosted:
    """One fold's trees, and their score at each number of trees in the space."""

    booster: xgboost.Booster
    scores: tuple[float, ...]


class _Given(ClassifierMixin, BaseEstimator):
    """A classifier whose probabilities are given: what scikit-learn's scorers score."""

    classes_ = np.array([0.0, 1.0])

    def predict_proba(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        return probabilities

    def predict(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.classes_[(probabilities[:, 1] > 0.5).astype(int)]


# A trial's place in the order, the trial, and its models.
_Result = tuple[int, Trial, Sequence[_Boosted]]


def search(folds: Sequence[Fold], model: ModelSettings, settings: SearchSettings) -> Searched:
    """Try the combinations of the space, each over all folds.

    Args:
        folds: of the training rows.
        model: parameters that the space does not name.
        settings: the `search` group; `none` tries the model as it is.
    Raises:
        UnusableScorer: no scorer of that name, or it cannot score a yes or no.
    """
    if settings.scoring not in (known := get_scorer_names()):
        raise UnusableScorer(settings.scoring, "there is none of that name", known)
    if isinstance(settings, OptunaSearch):
        total, results = settings.trials, _optuna(folds, model, settings)
    else:
        space = dict(settings.space) if isinstance(settings, GridSearch) else {}
        total, results = len(_grid(space)), _every(folds, model, space, settings.scoring)
    trials: dict[int, Trial] = {}
    best: _Result | None = None
    with tqdm(total=total, unit="trial", desc="search", disable=_quiet(total)) as bar:
        for place, trial, boosted in results:
            trials[place] = trial
            if not trial.pruned and (
                best is None or (trial.score, -place) > (best[1].score, -best[0])
            ):
                best = (place, trial, boosted)
                bar.set_postfix_str(f"best {settings.scoring} {trial.score:.4f}", refresh=False)
            bar.update()
    assert best is not None, "the first trial is never pruned"  # noqa: S101
    ordered = tuple(trials[place] for place in sorted(trials))
    return Searched(ordered, best[1], tuple(one.booster for one in best[2]))


def _quiet(total: int) -> bool | None:
    """No bar for a single trial; None leaves it to tqdm, which shows none where nobody watches."""
    return True if total == 1 else None


def _grid(space: Values) -> list[Mapping[str, float]]:
    """Every combination, in scikit-learn's order."""
    return [*ParameterGrid({name: [*values] for name, values in space.items()})]


def _changed(model: ModelSettings, values: Mapping[str, float]) -> ModelSettings:
    """The model with some parameters changed; whole numbers become whole again."""
    return ModelSettings.model_validate(model.model_dump() | dict(values))


def _trees_apart(model: ModelSettings, space: Values) -> tuple[list[int], Values]:
    """The numbers of trees, rising, and the rest of the space."""
    others = {name: values for name, values in space.items() if name != "n_estimators"}
    return [int(count) for count in space.get("n_estimators", (model.n_estimators,))], others


def _every(
    folds: Sequence[Fold], model: ModelSettings, space: Values, scoring: str
) -> Iterator[_Result]:
    """Every combination of the space; folds learn on a core each, or on all (`side_by_side`)."""
    place = {_changed(model, values): number for number, values in enumerate(_grid(space))}
    trees, others = _trees_apart(model, space)
    combinations = [_changed(model, values) for values in _grid(others)]
    at_once = side_by_side(folds, cpu_count())
    with ThreadPoolExecutor(at_once) as pool:
        threads = cpu_count() // at_once
        boost = partial(_boost, trees=trees, scoring=scoring, threads=threads)
        # Folds within a combination: models learnt at the same time then seldom share a fold.
        runs = pool.map(boost, *zip(*product(combinations, folds), strict=True))
        for one in combinations:
            boosted = [next(runs) for _ in folds]
            for trial in _trials(one, trees, boosted):
                yield place[trial.model], trial, boosted


def _optuna(
    folds: Sequence[Fold], model: ModelSettings, settings: OptunaSearch
) -> Iterator[_Result]:
    """Combinations that Optuna asks for, each with its best number of trees."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    pruner = optuna.pruners.MedianPruner() if settings.pruning else optuna.pruners.NopPruner()
    sampler = optuna.samplers.TPESampler(seed=settings.seed)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    trees, others = _trees_apart(model, settings.space)
    seen: dict[ModelSettings, Trial] = {}
    for number in range(settings.trials):
        asked = study.ask()
        # Places in the list, not values: a sampled number differs in its last bits between
        # machines, a place does not.
        places = {name: asked.suggest_int(name, 0, len(v) - 1) for name, v in others.items()}
        one = _changed(model, {name: others[name][at] for name, at in places.items()})
        boosted: list[_Boosted] = []
        if one not in seen:
            for trial in _step_by_step(folds, one, trees, settings.scoring, boosted):
                asked.report(trial.score, len(trial.scores))
                if pruned := len(trial.scores) < len(folds) and asked.should_prune():
                    break
            seen[one] = replace(trial, pruned=pruned)
        trial = seen[one]
        state = optuna.trial.TrialState.PRUNED if trial.pruned else None
        study.tell(asked, None if trial.pruned else trial.score, state)
        yield number, trial, boosted


def _step_by_step(
    folds: Sequence[Fold],
    model: ModelSettings,
    trees: Sequence[int],
    scoring: str,
    boosted: list[_Boosted],
) -> Iterator[Trial]:
    """The trial with its best number of trees, after each few folds; fills `boosted`."""
    at_once = side_by_side(folds, FOLDS_AT_ONCE)
    threads = max(1, cpu_count() // at_once)
    with ThreadPoolExecutor(at_once) as pool:
        for start in range(0, len(folds), FOLDS_AT_ONCE):
            boost = partial(_boost, model, trees=trees, scoring=scoring, threads=threads)
            boosted += pool.map(boost, folds[start : start + FOLDS_AT_ONCE])
            yield max(_trials(model, trees, boosted), key=lambda trial: trial.score)


def _trials(model: ModelSettings, trees: Sequence[int], boosted: Sequence[_Boosted]) -> list[Trial]:
    """One trial for each number of trees."""
    return [
        Trial(
            model.model_copy(update={"n_estimators": count}),
            tuple(one.scores[number] for one in boosted),
        )
        for number, count in enumerate(trees)
    ]


def _boost(
    model: ModelSettings, fold: Fold, trees: Sequence[int], scoring: str, threads: int
) -> _Boosted:
    """Learn the most trees asked for, score each smaller number of them."""
    largest = model.model_copy(update={"n_estimators": trees[-1]})
    booster = fold.boost(largest, threads)
    scores, held_out = [], fold.held_out
    for count in trees:
        found = booster.inplace_predict(held_out, iteration_range=(0, count))
        # Of float32, scikit-learn takes logarithms and means in float32: 8 digits, the last of
        # which depend on the processor.
        churn = found.astype(np.float64)
        scores.append(_score(scoring, np.column_stack([1 - churn, churn]), fold.labels))
    return _Boosted(booster, tuple(scores))


def _score(scoring: str, probabilities: NDArray[np.float64], labels: NDArray[np.float64]) -> float:
    try:
        score = float(get_scorer(scoring)(_Given(), probabilities, labels))
    except (TypeError, ValueError) as error:
        raise UnusableScorer(scoring, str(error).rstrip("."), ()) from error
    if not np.isfinite(score):
        raise UnusableScorer(scoring, f"it gives {score}", ())
    return score


def table(searched: Searched) -> str:
    """`reports/trials.csv`: a line a trial, with its parameters and the best score so far."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(
        ["trial", "score", "best_so_far", "std", "folds", "pruned", *ModelSettings.model_fields]
    )
    best = -np.inf
    for number, trial in enumerate(searched.trials):
        best = best if trial.pruned else max(best, trial.score)
        values = [getattr(trial.model, name) for name in ModelSettings.model_fields]
        out.writerow(
            [number, trial.score, best, trial.std, len(trial.scores), int(trial.pruned), *values]
        )
    return text.getvalue()
