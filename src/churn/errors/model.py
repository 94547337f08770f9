"""What can go wrong when a model is fitted, read or used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import did_you_mean, listed


class InvalidColumns(ChurnError):
    """Rows handed to the scorer do not have the columns of the contract."""

    def __init__(self, problem: str, known: Sequence[str]) -> None:
        super().__init__(f"{problem}. The contract's columns are: {listed(known, 40)}.")


class InvalidBundle(ChurnError):
    """A bundle is incomplete, changed, or of another format."""

    def __init__(self, path: str | Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Rebuild it with make repro, or fetch it again.")


class FeaturesGone(ChurnError):
    """A bundle asks for features that this version of the code does not make."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"src/churn/features has no {listed(names)} any more, which the model was trained "
            "with. Use the features of the model's commit, or train again with make repro."
        )


class OtherProbability(ChurnError):
    """A golden row of a bundle does not have the probability that it had at training."""

    def __init__(self, row: int, found: float, expected: float) -> None:
        super().__init__(
            f"golden row {row} of the bundle has the probability {found!r}, at training it had "
            f"{expected!r}: XGBoost, numpy or the feature functions are not those that the model "
            "was trained with. Install the requirements of the model's commit and use its "
            "features, or train again with make repro."
        )


class NothingToLearnFrom(ChurnError):
    """No usable model input is left."""

    def __init__(self, dropped: Sequence[str]) -> None:
        super().__init__(
            f"no feature is left to learn from; dropped as mostly missing: {listed(dropped)}. "
            "Add columns to the contract or raise preprocess.max_missing."
        )


class CannotResample(ChurnError):
    """The training rows are not such that SMOTE could make new ones between them."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"balance=smote cannot make customers between neighbours: {why}. "
            "Use balance=random_over or balance=class_weight."
        )


class TooManyFolds(ChurnError):
    """There are more folds than customers of one outcome to spread over them."""

    def __init__(self, folds: int, fewest: int) -> None:
        super().__init__(
            f"search.folds: {folds} folds, but only {fewest} training customers of the rarer "
            f"outcome; at most {fewest} folds are possible. Lower search.folds or add history."
        )


class UnusableScorer(ChurnError):
    """The scorer of the search is none of scikit-learn's, or cannot score a yes or no."""

    def __init__(self, name: str, why: str, known: Sequence[str]) -> None:
        super().__init__(
            f"search.scoring: {name!r} cannot be used: {why}{did_you_mean(name, known)}. Take one "
            "of scikit-learn's for two classes, such as neg_log_loss, roc_auc, average_precision."
        )


class PrecisionOutOfReach(ChurnError):
    """No threshold has the precision that decision=recall_at_precision asks for."""

    def __init__(self, wanted: float, best: float) -> None:
        super().__init__(
            f"decision.precision: {wanted:g} is reached at no threshold; the best precision on "
            f"out-of-fold predictions is {best:.4g}. Lower decision.precision."
        )
