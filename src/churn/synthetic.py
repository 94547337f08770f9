"""The embedded table `telco`: customers drawn from a generator whose true probabilities are known.

The causes of churn are those of real telecoms: short tenure, contracts that run month to month,
the price of fibre, support calls, late payments, and interactions among them. What no column
explains is the toss that turns each customer's probability into an outcome. Only uniform draws and
`churn.exact` are used, so the same seed gives the same bits on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from churn import exact
from churn.columns import Array, Columns
from churn.settings import Source, SyntheticSource

Floats = NDArray[np.float64]
Part = Literal["history", "current"]

# Brings the share of churners in the history to about 26 %.
INTERCEPT = -3.78


@dataclass(frozen=True)
class World:
    """What drift changes; the defaults are the world of the history.

    Attributes:
        price: factor on charges.
        fiber, month_to_month: shares of customers.
        support_calls: factor on their mean.
        usage_missing: share of customers whose data usage is not measured.
        rival: how hard another provider woos settled customers, in log odds; the one change that
            has the same customer behave otherwise.
    """

    price: float = 1.0
    fiber: float = 0.44
    month_to_month: float = 0.55
    support_calls: float = 1.0
    usage_missing: float = 0.02
    rival: float = 0.0


WORLDS = {
    "none": World(),
    "mild": World(price=1.04, fiber=0.48, month_to_month=0.58, support_calls=1.15),
    "strong": World(1.15, fiber=0.60, month_to_month=0.70, support_calls=1.8, usage_missing=0.2),
}


# Other customers, and a rival in the market: what `make demo` has happen.
UPHEAVAL = replace(WORLDS["strong"], rival=2.5)


@dataclass(frozen=True)
class Draw:
    """Customers as they truly are, before the export makes them dirty.

    Attributes:
        ids: customer ids (n,).
        columns: the contract's columns, each (n,).
        probability: true probability of churn (n,), which is in no data file.
        churned: outcome (n,), True for churners.
    """

    ids: Array
    columns: Columns
    probability: Floats
    churned: NDArray[np.bool_]


def draw(settings: SyntheticSource, part: Part) -> Draw:
    """Draw the customers of the history or the current ones; the same settings, the same ones."""
    is_history = part == "history"
    rows = settings.history_rows if is_history else settings.current_rows
    world = WORLDS["none" if is_history else settings.drift]
    prefix = "CUST" if is_history else "CURR"
    return draw_from(world, rows, generator(settings, part, "customers"), prefix)


def draw_from(world: World, rows: int, rng: np.random.Generator, prefix: str) -> Draw:
    """Draw customers of any world.

    Args:
        world: that they live in.
        rows: how many.
        rng: of every draw.
        prefix: of their ids.
    """
    columns = _columns(rng, rows, world)
    probability = exact.sigmoid(_logit(columns, world))
    churned = rng.random(rows) < probability
    # Measured or not does not change the customer, so it comes after the outcome.
    unmeasured = rng.random(rows) < world.usage_missing
    columns["data_usage_gb"] = np.where(unmeasured, np.nan, columns["data_usage_gb"])
    ids = np.array([f"{prefix}{number:08d}" for number in range(1, rows + 1)], dtype=object)
    return Draw(ids, columns, probability, churned)


def true_probabilities(source: Source, ids: Sequence[str]) -> Floats | None:
    """True probabilities of customers of the history, drawn again; None where nobody knows them.

    Args:
        source: the `source` group.
        ids: customers of the history, (n,).
    Returns:
        (n,) in the order of the ids.
    """
    if not isinstance(source, SyntheticSource):
        return None
    drawn = draw(source, "history")
    known = dict(zip(drawn.ids, drawn.probability.tolist(), strict=True))
    return np.array([known[customer] for customer in ids])


def generator(settings: SyntheticSource, part: Part, purpose: str) -> np.random.Generator:
    """An independent stream of random numbers for each part and purpose."""
    words = [int.from_bytes(word.encode()[:8]) for word in (part, purpose)]
    return np.random.Generator(np.random.PCG64([settings.seed, *words]))


def _bell(rng: np.random.Generator, rows: int) -> Floats:
    """Nearly normal, mean 0 and variance 1: twelve uniforms, summed (Irwin-Hall)."""
    total = np.full(rows, -6.0)
    for _ in range(12):
        total += rng.random(rows)
    return total


def _exponential(rng: np.random.Generator, rows: int) -> Floats:
    """Exponential with mean 1."""
    return -exact.log(1 - rng.random(rows))


def _choice(rng: np.random.Generator, rows: int, shares: dict[str, float]) -> Array:
    bounds = np.cumsum([*shares.values()])[:-1]
    levels = np.array([*shares], dtype=object)
    return levels[np.searchsorted(bounds, rng.random(rows), side="right")]


def _columns(rng: np.random.Generator, rows: int, world: World) -> dict[str, Array]:
    def yes(share: float | Floats) -> Floats:
        return (rng.random(rows) < share).astype(np.float64)

    month = world.month_to_month
    contract = _choice(
        rng,
        rows,
        {"Month-to-month": month, "One year": (1 - month) / 2, "Two year": (1 - month) / 2},
    )
    rest = 1 - world.fiber
    internet = _choice(rng, rows, {"Fiber": world.fiber, "DSL": rest * 0.6, "None": rest * 0.4})
    payment = _choice(
        rng,
        rows,
        {
            "Electronic check": 0.34,
            "Mailed check": 0.22,
            "Bank transfer": 0.22,
            "Credit card": 0.22,
        },
    )
    fiber, online, monthly = internet == "Fiber", internet != "None", contract == "Month-to-month"
    age = 18 + np.floor(60 * (rng.random(rows) + rng.random(rows)) / 2)
    stay = np.where(monthly, 20.0, np.where(contract == "One year", 36.0, 50.0))
    tenure = np.minimum(np.floor(_exponential(rng, rows) * stay), 72)
    phone, tv, streaming = yes(0.9), yes(0.45 * online), yes(0.5 * online)
    price = 20 + 25 * (internet == "DSL") + 50 * fiber + 10 * phone + 12 * tv + 10 * streaming
    charge = np.round(np.maximum(price + 4 * _bell(rng, rows), 15) * world.price, 2)
    paid = np.round(charge * tenure * (0.9 + 0.2 * rng.random(rows)), 2)
    calls_mean = (0.7 + 0.5 * fiber + 0.6 * (tenure < 6)) * world.support_calls
    late_mean = 0.4 + 0.4 * monthly + 0.4 * (payment == "Electronic check")
    usage_mean = online * (40 + 80 * fiber + 60 * streaming)
    minutes = np.maximum(250 + 110 * _bell(rng, rows), 0) * phone
    return {
        "age": age,
        "tenure_months": tenure,
        "monthly_charges": charge,
        "total_charges": paid,
        "support_calls": np.minimum(np.floor(_exponential(rng, rows) * calls_mean * 1.5), 30),
        "late_payments": np.minimum(np.floor(_exponential(rng, rows) * late_mean * 1.5), 24),
        "data_usage_gb": np.round(
            usage_mean * (_exponential(rng, rows) + _exponential(rng, rows)) / 2, 1
        ),
        "call_minutes": np.round(minutes),
        "internet_service": internet,
        "contract": contract,
        "payment_method": payment,
        "phone_service": phone,
        "tv_service": tv,
        "streaming_service": streaming,
        "paperless_billing": yes(0.6),
    }


def _logit(c: Columns, world: World) -> Floats:
    """Log odds of churn: main effects, then interactions."""
    monthly = c["contract"] == "Month-to-month"
    fiber = c["internet_service"] == "Fiber"
    online = c["internet_service"] != "None"
    newness = 12 / (12 + c["tenure_months"])
    main = (
        INTERCEPT
        + 1.1 * monthly
        - 0.9 * (c["contract"] == "Two year")
        + 1.8 * newness
        + 0.4 * fiber
        + 0.012 * (c["monthly_charges"] - 65)
        + 0.25 * np.minimum(c["support_calls"], 6)
        + 0.30 * np.minimum(c["late_payments"], 5)
        + 0.25 * (c["payment_method"] == "Electronic check")
        + 0.15 * c["paperless_billing"]
        - 0.20 * c["tv_service"]
        - 0.20 * c["streaming_service"]
        - 0.012 * (c["age"] - 48)
    )
    interactions = (
        0.6 * (monthly & (c["support_calls"] >= 3))
        + 0.8 * fiber * newness
        + 0.03 * fiber * np.maximum(c["monthly_charges"] - 85, 0)
        + 0.4 * (online & (c["data_usage_gb"] < 20))
        + 0.5 * ((c["late_payments"] >= 2) & (c["tenure_months"] < 12))
    )
    # The rival wants those who have stayed for long and may go; new customers it leaves alone.
    wooed = (1 - newness) * (c["contract"] != "Two year") - newness
    return main + interactions + world.rival * wooed
