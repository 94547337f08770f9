"""Making drawn customers as dirty as a real export: text, blanks, doubles, typing mistakes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from churn.columns import Array
from churn.contract import BooleanColumn, Column, Contract
from churn.settings import SyntheticSource
from churn.synthetic import Draw, Part, generator

# Shares of rows (or of cells, for blanks and spelling) with each kind of dirt.
BLANK_OPTIONAL = 0.01
BLANK_REQUIRED = 0.001
BLANK_ID = 0.001
BLANK_TARGET = 0.002
MISSPELT = 0.02
PADDED_NUMBER = 0.01
ABSURD = 0.004
DOUBLED = 0.005


def export(draw: Draw, contract: Contract, settings: SyntheticSource, part: Part) -> pa.Table:
    """Write customers out the way real systems do.

    Args:
        draw: the customers.
        contract: of the table; gives names, types and the words of the target.
        settings: of the source; the dirt has random numbers of its own.
        part: `history` has the target, `current` has not.
    Returns:
        a table of text columns under the contract's names, rows in no order.
    """
    rng = generator(settings, part, "dirt")
    rows = len(draw.ids)
    texts = {contract.id_column: _blanked(rng, pa.array(draw.ids, pa.string()), BLANK_ID)}
    if part == "history":
        words = np.array([contract.target.negative, contract.target.positive], dtype=object)
        outcome = pa.array(words[draw.churned.astype(int)], pa.string())
        texts[contract.target.column] = _blanked(rng, outcome, BLANK_TARGET)
    for name, column in contract.columns.items():
        text = _misspelt(rng, _as_text(_absurd(rng, name, draw.columns[name]), column))
        texts[name] = _blanked(rng, text, BLANK_REQUIRED if column.required else BLANK_OPTIONAL)
    doubles = np.flatnonzero(rng.random(rows) < DOUBLED)
    order = np.concatenate([np.arange(rows), doubles])
    shuffled = order[np.argsort(rng.random(len(order)), kind="stable")]
    return pa.table(texts).take(pa.array(shuffled))


def _absurd(rng: np.random.Generator, name: str, values: Array) -> Array:
    """Values that no customer can have, as stuck counters and wrong signs leave them."""
    hit = rng.random(len(values)) < ABSURD
    if name == "support_calls":
        return np.where(hit, 999, values)
    if name == "monthly_charges":
        return np.where(hit, -values, values)
    return values


def _as_text(values: Array, column: Column) -> pa.Array:
    if values.dtype == object:
        return pa.array(values, pa.string())
    if isinstance(column, BooleanColumn):
        return pa.array(np.array(["No", "Yes"], dtype=object)[values.astype(int)], pa.string())
    return pc.fill_null(pc.cast(pa.array(values, from_pandas=True), pa.string()), "")


def _misspelt(rng: np.random.Generator, text: pa.Array) -> pa.Array:
    """Stray spaces and capitals in words; space around numbers and commas in their thousands."""
    chance = rng.random(len(text))
    number = pc.match_substring_regex(text, r"^-?\d+(\.\d+)?$").to_numpy(zero_copy_only=False)
    shouted = (chance < MISSPELT / 2) & ~number
    padded = (chance >= MISSPELT / 2) & (chance < MISSPELT) & ~number
    padded |= (chance < PADDED_NUMBER / 2) & number
    grouped = (chance >= PADDED_NUMBER / 2) & (chance < PADDED_NUMBER) & number
    text = _replaced(text, shouted, str.upper)
    text = _replaced(text, padded, lambda value: f" {value}  ")
    return _replaced(text, grouped, _with_thousands)


def _replaced(text: pa.Array, rows: Array, change: Callable[[str], str]) -> pa.Array:
    mask = pa.array(rows)
    changed = [change(value) for value in text.filter(mask).to_pylist()]
    return pc.replace_with_mask(text, mask, pa.array(changed, pa.string()))


def _with_thousands(number: str) -> str:
    whole, point, fraction = number.partition(".")
    return f"{int(whole):,}{point}{fraction}"


def _blanked(rng: np.random.Generator, text: pa.Array, share: float) -> pa.Array:
    blank = rng.random(len(text))
    text = pc.if_else(pa.array(blank < share), "", text)
    return pc.if_else(pa.array(blank < share / 4), " ", text)
