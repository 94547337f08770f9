"""Small things to train on: the committed parameters made small, and customers to go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from threadpoolctl import threadpool_limits

from churn.columns import Columns
from churn.contract import Contract
from churn.features import feature_set
from churn.params import checked, read_parameters
from churn.settings import (
    PLACEHOLDERS,
    BalanceSettings,
    ModelSettings,
    NoSearch,
    Parameters,
    PreprocessSettings,
    SyntheticSource,
)
from churn.synthetic import draw
from tests.checkout import ROOT

if TYPE_CHECKING:
    import xgboost

    from churn.fitting import Procedure
    from churn.scoring import Scorer

Floats = NDArray[np.float64]

TELCO = checked(Contract, YAML(typ="safe").load(ROOT / "conf/table/telco.yaml"), "telco")

# A model that learns `few_customers` in a few milliseconds; its seed matters.
TREES = ModelSettings(
    n_estimators=12,
    max_depth=3,
    learning_rate=0.2,
    min_child_weight=1,
    subsample=0.8,
    colsample_bytree=0.6,
    reg_lambda=1,
    reg_alpha=0,
    gamma=0,
    seed=0,
)


def small_parameters(
    history_rows: int, *, current_rows: int = 1, folds: int = 2, **model: Any
) -> Parameters:
    """The committed parameters with fewer customers of `telco`, fewer folds and a smaller model.

    The model is taken as it is, whatever search is committed.
    """
    given = read_parameters(ROOT / "params.yaml")
    source = SyntheticSource(
        kind="synthetic",
        history=PLACEHOLDERS[0],
        current=PLACEHOLDERS[1],
        seed=1,
        drift="none",
        history_rows=history_rows,
        current_rows=current_rows,
    )
    changed = {
        "table": TELCO,
        "source": source,
        "model": given.model.model_copy(update=model),
        "search": NoSearch(
            method="none", folds=folds, seed=given.search.seed, scoring=given.search.scoring
        ),
    }
    return given.model_copy(update=changed)


def history(parameters: Parameters) -> tuple[Columns, Columns, Floats]:
    """The customers of the history: columns, features, and 1 for those who left."""
    assert isinstance(parameters.source, SyntheticSource)
    drawn = draw(parameters.source, "history")
    features = feature_set(parameters.table).compute(drawn.columns)
    return drawn.columns, features, drawn.churned.astype(np.float64)


def few_customers(rows: int = 240, seed: int = 0) -> tuple[Columns, Floats]:
    """Features of customers, some 30 % of whom left: three numbers, some missing, and a plan.

    No two have the same charge.
    """
    rng = np.random.default_rng(seed)
    charge, tenure = rng.normal(60, 20, rows), rng.exponential(20, rows)
    calls = rng.poisson(2, rows).astype(np.float64)
    plan = rng.choice(np.array(["DSL", "Fiber", "None"], dtype=object), rows)
    risk = 0.2 + 0.004 * (charge - 60) + 0.12 * (calls - 2) - 0.008 * (tenure - 20)
    left = rng.random(rows) < risk + 0.2 * (plan == "Fiber")
    tenure[rng.random(rows) < 0.1] = np.nan
    plan[rng.random(rows) < 0.1] = None
    features = {"charge": charge, "tenure": tenure, "calls": calls, "plan": plan}
    return features, left.astype(np.float64)


def procedure(
    balance: Literal["none", "class_weight", "smote", "random_over"] = "none",
    missing_numbers: Literal["native", "median"] = "median",
) -> Procedure:
    """How `few_customers` are prepared."""
    # Imported here: it brings xgboost and pandas, which most tests do without.
    from churn.fitting import Procedure

    prepared = PreprocessSettings(
        missing_numbers=missing_numbers,
        missing_categories="level",
        max_missing=0.5,
        cap_quantile=0.001,
        max_levels=100,
    )
    return Procedure(prepared, BalanceSettings(method=balance, seed=0))


def content(data: xgboost.QuantileDMatrix) -> list[bytes]:
    """All that trees can see of a binned matrix: outcomes, bounds of the bins, and bins."""
    rows = data.get_data()
    parts = [data.get_label(), *data.get_quantile_cut(), rows.indptr, rows.indices, rows.data]
    return [part.tobytes() for part in parts]


def trained(table: Contract, columns: Columns, labels: Floats, **model: Any) -> Scorer:
    """A small model of a table: its columns, its outcomes, parameters of the trees."""
    # Imported here, as above.
    from churn import training
    from churn.scoring import Scorer

    parameters = small_parameters(1, **model).model_copy(update={"table": table})
    features = feature_set(table).compute(columns)
    with threadpool_limits(1):
        return Scorer(training.train(columns, features, labels, parameters, "0" * 64).bundle)
