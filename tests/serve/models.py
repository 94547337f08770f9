"""Small models to serve, each made once in a process, and requests as callers write them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from churn.bundle import Bundle
from churn.columns import Columns
from churn.contract import BooleanColumn, CategoryColumn, Contract, IntegerColumn
from churn.features import feature_set
from churn.scoring import Scorer, with_golden
from churn.settings import ChallengerSettings, ServeSettings
from churn.synthetic import draw
from serve.generations import Generation
from serve.keys import Keyring
from serve.models import Lineup, Model
from tests.small import TELCO, small_parameters

SETTINGS: ServeSettings = small_parameters(1).serve
# 2026-01-01, in seconds since 1970.
CREATED = 1767225600.0

# A table without an id, in which nothing is required and any word is a plan.
SHOP = Contract.model_validate(
    {
        "name": "shop",
        "target": {"column": "left", "positive": "yes", "negative": "no"},
        "columns": {
            "visits": {"type": "integer"},
            "spent": {"type": "number", "unit": "EUR"},
            "member": {"type": "boolean"},
            "plan": {"type": "category"},
            "reason": {"type": "category", "after_event": True},
        },
    }
)


def changed(contract: Contract, **columns: dict[str, Any]) -> Contract:
    """The contract with other keys of some columns."""
    content = contract.model_dump(mode="json", exclude_none=True)
    for name, keys in columns.items():
        one = content["columns"].setdefault(name, {})
        one |= keys
        content["columns"][name] = {k: value for k, value in one.items() if value is not None}
    return Contract.model_validate(content)


# Its feature functions overflow for charges that it allows.
LIMITLESS = changed(TELCO, monthly_charges={"max": None})
UNSCORABLE = 1e308


@cache
def telco() -> Bundle:
    """A model of the embedded table."""
    drawn = draw(small_parameters(3000).source, "history")
    labels = drawn.churned.astype(np.float64)
    return with_golden(_trained(TELCO, drawn.columns, labels, n_estimators=40, learning_rate=0.15))


@cache
def challenger() -> Bundle:
    """Another one, with fewer trees."""
    bundle = telco()
    return with_golden(Bundle(bundle.manifest, bundle.reference, bundle.booster[:10]))


@cache
def shop() -> Bundle:
    """A model of `SHOP`."""
    rng = np.random.default_rng(0)
    plan = np.where(rng.random(200) < 0.5, "Basic", "Gold").astype(object)
    columns = {
        "visits": np.floor(rng.random(200) * 10),
        "spent": rng.random(200) * 1000,
        "member": np.floor(rng.random(200) * 2),
        "plan": plan,
        "reason": np.full(200, None, dtype=object),
    }
    labels = (rng.random(200) < 0.3 + 0.4 * (plan == "Basic")).astype(np.float64)
    return with_golden(_trained(SHOP, columns, labels, n_estimators=8))


def _trained(table: Contract, columns: Columns, labels: Any, **model: Any) -> Bundle:
    from churn import training

    parameters = small_parameters(1, **model).model_copy(update={"table": table})
    features = feature_set(table).compute(columns)
    with threadpool_limits(1):
        return training.train(columns, features, labels, parameters, "0" * 64).bundle


@cache
def of(contract: str) -> Bundle:
    """The trees of `telco` under another contract: a name among `CONTRACTS`."""
    bundle = telco()
    manifest = bundle.manifest.model_copy(update={"contract": CONTRACTS[contract]})
    return with_golden(Bundle(manifest, bundle.reference, bundle.booster))


CONTRACTS = {
    "limitless": LIMITLESS,
    "stricter": changed(TELCO, age={"max": 90}),
    "without id": TELCO.model_copy(update={"id": None}),
}


@cache
def model(name: str = "telco") -> Model:
    """A model ready to answer, by the name of its maker here or of its contract."""
    makers = {"telco": telco, "challenger": challenger, "shop": shop}
    return Model(makers[name]() if name in makers else of(name), name, CREATED)


def challenging(mode: str = "split", share: float = 0.5, salt: str = "x") -> ChallengerSettings:
    """Settings of a challenger."""
    given = {"model": "models/challenger", "mode": mode, "share": share, "salt": salt}
    return ChallengerSettings.model_validate(given)


def lineup(name: str = "telco", other: str | None = None, **settings: Any) -> Lineup:
    """A champion, alone or with a challenger."""
    return Lineup(model(name), model(other) if other else None, challenging(**settings))


def generation(number: int = 1, **names: Any) -> Generation:
    """A generation with that lineup, and no keys."""
    return Generation(number, lineup(**names), Keyring(()), None)


@cache
def customers(rows: int = 2000) -> Columns:
    """Customers that no model has seen."""
    return draw(small_parameters(1, current_rows=rows).source, "current").columns


def some(rows: int, seed: int, lost: float = 0.3) -> Columns:
    """Customers drawn from `customers`, a share of their optional values lost."""
    rng = np.random.default_rng(seed)
    picked = rng.integers(2000, size=rows)
    found = {}
    for name, values in customers().items():
        column = TELCO.columns[name]
        missing = None if isinstance(column, CategoryColumn) else np.nan
        is_lost = rng.random(rows) < (0 if column.required else lost)
        found[name] = np.where(is_lost, missing, values[picked])
    return found


def scored(columns: Columns, name: str = "telco") -> list[float]:
    """What the scorer says of them."""
    return Scorer(model(name).bundle).probabilities(columns).tolist()


def ids(rows: int) -> list[str]:
    """Names of customers."""
    return [f"CUST{i:05d}" for i in range(rows)]


def requests(columns: Columns, *, nulls: bool = False) -> list[dict[str, Any]]:
    """One object a customer; missing values are null or absent."""
    plain = {name: _plain(name, values) for name, values in columns.items()}
    rows = len(next(iter(plain.values())))
    found = [
        {"customer_id": one, **{name: values[i] for name, values in plain.items()}}
        for i, one in enumerate(ids(rows))
    ]
    return found if nulls else [{k: v for k, v in one.items() if v is not None} for one in found]


def by_column(columns: Columns) -> dict[str, Any]:
    """The same as columns."""
    plain = {name: _plain(name, values) for name, values in columns.items()}
    return {"columns": {"customer_id": ids(len(next(iter(plain.values())))), **plain}}


def _plain(name: str, values: Any) -> Sequence[Any]:
    column = TELCO.columns[name]
    of: Any = float
    if isinstance(column, BooleanColumn | IntegerColumn):
        of = bool if isinstance(column, BooleanColumn) else int
    if isinstance(column, CategoryColumn):
        of = str
    return [None if v is None or v != v else of(v) for v in values.tolist()]  # noqa: PLR0124


# What a caller must be able to send, word for word.
CUST001 = {
    "customer_id": "CUST001",
    "age": 42,
    "tenure_months": 24,
    "monthly_charges": 89.99,
    "total_charges": 2159.76,
    "support_calls": 2,
}
TEST001 = {
    **CUST001,
    "customer_id": "TEST001",
    "internet_service": "Fiber",
    "contract": "One year",
    "payment_method": "Electronic check",
}
