"""The customers of the demo, day by day, and how a caller sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn.contract import BooleanColumn, Contract, IntegerColumn
from churn.errors import DemoNeedsTelco
from churn.synthetic import UPHEAVAL, WORLDS, Draw, draw_from


@dataclass(frozen=True)
class Plan:
    """How the demo goes.

    Attributes:
        customers: a day, in the mean.
        seed: of every draw.
        days: to play.
        shift: the first day of the other world.
        delay: days until an outcome is known.
        enough: days since the alarm whose outcomes must be known before a model learns from them.
    """

    customers: int
    seed: int
    days: int = 60
    shift: int = 20
    delay: int = 14
    enough: int = 8


def customers(plan: Plan, day: int) -> Draw:
    """The customers of a day; the same plan, the same ones."""
    rng = np.random.Generator(np.random.PCG64([plan.seed, day]))
    rows = round(plan.customers * (0.75 + 0.5 * rng.random()))
    world = WORLDS["none"] if day < plan.shift else UPHEAVAL
    return draw_from(world, rows, rng, f"DEMO{plan.seed}D{day:02}N")


def bodies(drawn: Draw, contract: Contract) -> list[dict[str, Any]]:
    """The customers as a caller sends them.

    Raises:
        DemoNeedsTelco: the model wants other columns.
    """
    known = contract.known_columns
    if different := sorted(set(known) ^ set(drawn.columns)):
        raise DemoNeedsTelco(contract.name, different)
    names = list(known)
    rows = zip(*(drawn.columns[name].tolist() for name in names), strict=True)
    kinds = {name: type(contract.columns[name]) for name in names}
    return [
        {contract.id_column: customer, **_plain(dict(zip(names, row, strict=True)), kinds)}
        for customer, row in zip(drawn.ids, rows, strict=True)
    ]


def _plain(values: Mapping[str, Any], kinds: Mapping[str, type]) -> dict[str, Any]:
    """Values as JSON has them, without those that are missing (NaN is no equal of itself)."""
    as_json: dict[type, Callable[[Any], Any]] = {IntegerColumn: int, BooleanColumn: bool}
    present = {name: value for name, value in values.items() if value == value}  # noqa: PLR0124
    return {name: as_json.get(kinds[name], lambda one: one)(one) for name, one in present.items()}
