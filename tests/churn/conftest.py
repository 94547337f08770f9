"""What the tests of the library share; most of them need no xgboost, which takes 3 s to import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from churn.columns import Columns, take
from churn.contract import Contract
from churn.synthetic import draw
from tests import small
from tests.small import TELCO, small_parameters

if TYPE_CHECKING:
    from churn.evaluation import Evaluation
    from churn.scoring import Scorer

SHOP = Contract.model_validate(
    {
        "name": "shop",
        "target": {"column": "left", "positive": "yes", "negative": "no"},
        "columns": {
            "visits": {"type": "number"},
            "spent": {"type": "number", "unit": "EUR", "bands": [250, 500]},
            "member": {"type": "boolean"},
            "plan": {"type": "category"},
            "distance": {"type": "number"},
        },
    }
)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tables are slower on many threads, the more so on a busy machine."""
    with threadpool_limits(1):
        yield


class Shop:
    """A table of five columns, and a model of it.

    Visits drive away, spending and membership keep, distance does both at its ends.
    """

    def __init__(self) -> None:
        columns, labels, _ = self.customers(600)
        model = {"n_estimators": 30, "learning_rate": 0.3, "colsample_bytree": 1}
        self.scorer = small.trained(SHOP, columns, labels, **model)

    @staticmethod
    def customers(rows: int, seed: int = 0) -> tuple[dict[str, Any], Any, Any]:
        """Columns, outcomes and true probabilities, each (rows,)."""
        rng = np.random.default_rng(seed)
        columns = {
            "visits": np.floor(rng.random(rows) * 10),
            "spent": rng.random(rows) * 1000,
            "member": np.floor(rng.random(rows) * 2),
            "plan": np.where(rng.random(rows) < 0.5, "Basic", "Gold").astype(object),
            "distance": rng.random(rows) * 2 - 1,
        }
        columns["plan"][::5] = "Doomed"
        risk = (
            columns["visits"] / 10
            - columns["spent"] / 1000
            - columns["member"] / 2
            + (columns["plan"] == "Basic") / 2
            + (columns["plan"] == "Doomed") * 2
            + (np.abs(columns["distance"]) > 0.6)
        )
        truth = np.clip(0.3 + risk / 2, 0.05, 0.95)
        return columns, (rng.random(rows) < truth).astype(np.float64), truth

    def changed(self, **manifest: Any) -> Scorer:
        """The scorer of the same trees under another manifest."""
        from churn.bundle import Bundle
        from churn.scoring import Scorer, with_golden

        bundle = self.scorer.bundle
        other = bundle.manifest.model_copy(update=manifest)
        return Scorer(with_golden(Bundle(other, bundle.reference, bundle.booster)))

    def evaluated(
        self,
        scorer: Scorer | None = None,
        columns: Columns | None = None,
        *,
        learnt: Columns | None = None,
        rows: int = 400,
        seed: int = 1,
        knows_truth: bool = False,
        **money: Any,
    ) -> Evaluation:
        """The model measured on customers that it has not seen, or on these columns of theirs."""
        from churn.evaluation import evaluate
        from churn.leaks import Side

        scorer = scorer or self.scorer
        drawn, labels, truth = self.customers(rows, seed)
        columns = columns or drawn
        training_rows, outcomes, _ = self.customers(600)
        train = Side(scorer.features(learnt or training_rows), outcomes)
        test = Side(scorer.features(columns), labels)
        given = small_parameters(1).evaluate
        changed = {"resamples": 100, "money": given.money.model_copy(update=money)}
        settings = given.model_copy(update=changed)
        return evaluate(scorer, columns, train, test, truth if knows_truth else None, settings)


@pytest.fixture(scope="session")
def trained() -> Callable[..., Scorer]:
    """Trains a small model of a table: contract, columns, outcomes, parameters of the model."""
    return small.trained


@pytest.fixture(scope="session")
def shop() -> Shop:
    return Shop()


@pytest.fixture(scope="session")
def scorer() -> Scorer:
    """A model of the embedded table."""
    drawn = draw(small_parameters(3000).source, "history")
    labels = drawn.churned.astype(np.float64)
    return small.trained(TELCO, drawn.columns, labels, n_estimators=40, learning_rate=0.15)


@pytest.fixture(scope="session")
def customers() -> Columns:
    """500 customers that `scorer` has not seen."""
    return draw(small_parameters(1, current_rows=500).source, "current").columns


@pytest.fixture(scope="session")
def worn(customers: Columns) -> Callable[[int, int], Columns]:
    """Gives some customers, with values missing and categories never seen in training."""

    def some(rows: int, seed: int) -> Columns:
        rng = np.random.default_rng(seed)
        found = dict(take(customers, rng.integers(500, size=rows)))
        for name, values in found.items():
            is_category = values.dtype == object
            found[name] = np.where(rng.random(rows) < 0.2, None if is_category else np.nan, values)
            if is_category:
                found[name][rng.random(rows) < 0.2] = "Carrier pigeon"
        return found

    return some
