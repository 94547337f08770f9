"""The models that serve: one loaded bundle, and the champion with a challenger beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn.bundle import Bundle
from churn.columns import Columns, take
from churn.fields import Field
from churn.reasons import Reason, reasons
from churn.reference import CategoryBins, NumberBins, Reference
from churn.scoring import Scorer, fitting_together
from churn.settings import ChallengerSettings
from churn.splitting import in_share
from serve.customers import Customers

EXAMPLE_ID = "CUST001"


class Model:
    """A bundle ready to answer.

    Attributes:
        version: what answers call it.
        created: when it came to be, in seconds since 1970.
        bundle: the bundle.
        scorer: of the bundle.
        customers: reads its customers.
    """

    def __init__(self, bundle: Bundle, version: str, created: float) -> None:
        self.version = version
        self.created = created
        self.bundle = bundle
        # One row is done before a second thread is awake, and the other cores have requests too.
        bundle.booster.set_param({"nthread": 1})
        self.scorer = Scorer(bundle)
        self.customers = Customers(bundle.manifest.contract)

    @classmethod
    def load(cls, folder: Path, version: str, created: float) -> Model:
        """Read a bundle, check its hashes, and that its golden rows score as they should.

        Raises:
            ChurnError: one of the classes for bundles, contracts and features.
        """
        # The main process must outlive any bundle.
        with fitting_together(folder):
            model = cls(Bundle.load(folder), version, created)
            model.scorer.check()
            return model

    @property
    def example(self) -> dict[str, Any]:
        """A customer in the middle of what the model has learnt from, as a request has it."""
        found: dict[str, Any] = {self.customers.id.name: EXAMPLE_ID} if self.customers.id else {}
        for one in self.customers.fields:
            typical = _typical(one, self.bundle.reference)
            fitting = (value for value in typical if one.problem(value) is None)
            if (value := next(fitting, None)) is not None:
                found[one.name] = value
        return found

    def answers(self) -> bool:
        """Whether a prediction is answered now: the example is scored."""
        row = self.customers.one(self.example)
        return bool(0 <= self.scorer.probabilities(self.customers.together([row]))[0] <= 1)


def _typical(field: Field, reference: Reference) -> Sequence[Any]:
    """Values that the training rows had, the most typical first."""
    bins = reference.bins.get(field.name)
    if isinstance(bins, CategoryBins):
        return bins.levels
    if isinstance(bins, NumberBins):
        as_sent = {"boolean": bool, "integer": int, "number": float}[field.schema["type"]]
        middle = len(bins.edges) // 2
        return [as_sent(edge) for edge in (*bins.edges[middle:], *bins.edges[:middle])]
    return ()


@dataclass(frozen=True)
class Scored:
    """What the models say of n customers: lists of length n.

    Attributes:
        probabilities: of churn.
        will_churn: whether they reach the threshold of the model that answered.
        versions: of the model that answered.
        reasons: of each, if asked for.
    """

    probabilities: list[float]
    will_churn: list[bool]
    versions: list[str]
    reasons: list[list[Reason]] | None = None


class Lineup:
    """The champion, and the challenger that answers some customers (`split`) or none (`shadow`).

    Attributes:
        champion: the model that serves.
        challenger: the second model; None if there is none.
    """

    def __init__(
        self, champion: Model, challenger: Model | None, settings: ChallengerSettings
    ) -> None:
        self.champion = champion
        self.challenger = challenger
        self._splits = challenger is not None and settings.mode == "split"
        self._settings = settings

    def score(self, ids: Sequence[str | None] | None, columns: Columns, explain: int = 0) -> Scored:
        """Score customers, each with the model that is theirs.

        Args:
            ids: of the customers (n,); None where the contract has no id.
            columns: the contract's columns, each (n,).
            explain: how many reasons to give for each.
        """
        if not (self._splits and self.challenger and ids):
            return _scored(self.champion, columns, explain)
        challenged = in_share(map(str, ids), self._settings.salt, self._settings.share)
        if not challenged.any():
            return _scored(self.champion, columns, explain)
        if challenged.all():
            return _scored(self.challenger, columns, explain)
        ours = _scored(self.champion, take(columns, ~challenged), explain)
        theirs = _scored(self.challenger, take(columns, challenged), explain)
        return _interleaved(challenged.tolist(), ours, theirs)

    def compared(self, columns: Columns, rows: NDArray[np.bool_]) -> tuple[list[float], int]:
        """How the two models differ.

        Args:
            columns: the contract's columns, each (n,).
            rows: those to compare (n,).
        Returns:
            absolute differences of the probabilities, and how many the models decide differently.
        """
        if self.challenger is None:
            return [], 0
        taken = take(columns, rows)
        ours, theirs = (_scored(one, taken, 0) for one in (self.champion, self.challenger))
        differences = np.abs(np.subtract(ours.probabilities, theirs.probabilities))
        disagreements = np.not_equal(ours.will_churn, theirs.will_churn).sum()
        return differences.tolist(), int(disagreements)


def _scored(model: Model, columns: Columns, explain: int) -> Scored:
    probabilities = model.scorer.probabilities(columns)
    return Scored(
        probabilities.tolist(),
        model.scorer.decisions(probabilities).tolist(),
        [model.version] * len(probabilities),
        reasons(model.scorer, columns, explain) if explain else None,
    )


def _interleaved(challenged: Sequence[bool], ours: Scored, theirs: Scored) -> Scored:
    """Bring the answers of both models back into the order of the customers."""
    at = {True: 0, False: 0}
    order = []
    for is_theirs in challenged:
        order.append((theirs if is_theirs else ours, at[is_theirs]))
        at[is_theirs] += 1
    return Scored(
        [one.probabilities[i] for one, i in order],
        [one.will_churn[i] for one, i in order],
        [one.versions[i] for one, i in order],
        None if ours.reasons is None else [one.reasons[i] for one, i in order if one.reasons],
    )
