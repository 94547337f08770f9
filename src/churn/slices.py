"""Quality by kind of customer: where the model is worse than it is on the whole.

A slice is a level of a category column, or a band of a number column that has `bands` in the
contract, or the customers whose value is missing.

A slice is held against the whole in ROC-AUC, recall and the calibration gap only. The other metrics
follow the share of churners (precision, F1, PR-AUC, accuracy, lift) or of customers who are hard to
tell (log loss, Brier score), so they differ between slices by nature: a mark would mean nothing.
The calibration error is left out because it grows as customers get fewer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import bootstrap
from churn.bootstrap import Sample
from churn.columns import Array, Columns, most_frequent
from churn.contract import MISSING, CategoryColumn, Column, Contract, IntegerColumn, NumberColumn
from churn.metrics import Floats
from churn.settings import LEAST_OF_EACH_CLASS, EvaluateSettings

Rows = NDArray[np.int64]
# Mean predicted probability minus the share that churned.
GAP = "calibration_gap"
MARKED = ("roc_auc", "recall", GAP)
# Of an open category, the most frequent levels.
MOST_LEVELS = 20
# Chance that any slice at all is marked in a metric when none differs.
FALSE_ALARM = 0.05


@dataclass(frozen=True)
class Part:
    """Customers of one kind: column, level or band, and the numbers of their rows (m,)."""

    column: str
    level: str
    rows: Rows


@dataclass(frozen=True)
class Quality:
    """Every metric and the calibration gap, each with its 95 % bootstrap interval."""

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Difference:
    """Slice minus whole, its 95 % interval, and whether it is more than chance."""

    value: float
    low: float
    high: float
    significant: bool


@dataclass(frozen=True)
class Slice:
    """Quality on one slice.

    Attributes:
        column, level: what the customers have in common.
        n, churners: how many they are.
        quality: None where there are too few of either outcome.
        differences: from the whole, by metric of `MARKED`; none where there is no quality.
    """

    column: str
    level: str
    n: int
    churners: int
    quality: Quality | None
    differences: Mapping[str, Difference]

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Sliced:
    """Quality on the whole and on each slice, in the order of the contract's columns."""

    whole: Quality
    slices: tuple[Slice, ...]

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"whole": asdict(self.whole), "slices": [one.summary() for one in self.slices]}


def sliced_columns(contract: Contract) -> tuple[str, ...]:
    """Columns by which customers are sliced.

    Columns known only after the event are not: nobody could act on what they show.
    """
    return tuple(
        name
        for name in contract.known_columns
        if isinstance(contract.columns[name], CategoryColumn) or _bounds(contract.columns[name])
    )


def _bounds(column: Column) -> tuple[float, ...]:
    return (column.bands or ()) if isinstance(column, IntegerColumn | NumberColumn) else ()


def parts(columns: Columns, contract: Contract) -> list[Part]:
    """The slices of the rows.

    They are all levels of a closed category, the 20 most frequent levels of an open one, all bands
    of a number, and missing values where there are any.

    Args:
        columns: the contract's columns, each (n,).
        contract: which of them are sliced.
    """
    return [
        Part(name, level, np.flatnonzero(chosen))
        for name in sliced_columns(contract)
        for level, chosen in _levels(columns[name], contract.columns[name])
    ]


def _levels(values: Array, column: Column) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    if isinstance(column, CategoryColumn):
        missing = np.array([value is None for value in values], dtype=bool)
        for level in column.values or most_frequent(values, MOST_LEVELS):
            yield level, values == level
    else:
        missing, bounds = np.isnan(values), _bounds(column)
        band = np.where(missing, -1, np.searchsorted(bounds, values, side="right"))
        for number, name in enumerate(_bands(bounds, column.unit)):
            yield name, band == number
    if missing.any():
        yield MISSING, missing


def _bands(bounds: tuple[float, ...], unit: str | None) -> list[str]:
    texts, of = [f"{bound:.15g}" for bound in bounds], f" {unit}" if unit else ""
    between = [f"{low} to below {high}{of}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}{of}", *between, f"{texts[-1]}{of} and above"]


def sliced(
    columns: Columns,
    labels: Floats,
    scores: Floats,
    threshold: float,
    contract: Contract,
    settings: EvaluateSettings,
) -> Sliced:
    """Measure the whole and every slice on the same resamples.

    Args:
        columns: the contract's columns, each (n,).
        labels: (n,), 1 for churners, 0 for others, both present.
        scores: (n,) probabilities.
        threshold: decision threshold.
        contract: of the columns.
        settings: the `evaluate` group; used are `resamples` and `seed`.
    """
    found = parts(columns, contract)
    numbers = [i for i, one in enumerate(found) if is_measurable(labels[one.rows])]
    rows = [found[i].rows for i in numbers]
    gaps = {GAP: scores - labels}
    samples = [Sample(labels, scores, threshold, some, gaps) for some in (None, *rows)]
    drawn = bootstrap.resampled(samples, len(labels), settings.resamples, settings.seed)
    whole, *qualities = map(_quality, samples, drawn)
    differences = _differences(whole, qualities, drawn, [_shares(labels, some) for some in rows])
    details = dict(zip(numbers, zip(qualities, differences, strict=True), strict=True))
    slices = [
        Slice(
            *(one.column, one.level, len(one.rows), int(labels[one.rows].sum())),
            *details.get(number, (None, {})),
        )
        for number, one in enumerate(found)
    ]
    return Sliced(whole, tuple(slices))


def is_measurable(labels: Floats) -> bool:
    """Whether both outcomes occur often enough to measure anything on; labels (n,)."""
    churners = labels.sum()
    return bool(min(churners, len(labels) - churners) >= LEAST_OF_EACH_CLASS)


def _quality(sample: Sample, drawn: Mapping[str, Floats]) -> Quality:
    found = {name: float(value[0]) for name, value in sample.measure().items()}
    return Quality(found, {name: bootstrap.interval(values) for name, values in drawn.items()})


def _shares(labels: Floats, rows: Rows) -> dict[str, float]:
    """The share of the whole's information on each marked metric that a slice has.

    ROC-AUC rests on both outcomes and recall on churners. The gap is a mean without a bound, for
    which the slice's own resamples do.
    """
    churners = labels[rows].sum() / labels.sum()
    others = (1 - labels[rows]).sum() / (1 - labels).sum()
    return {"roc_auc": float(min(churners, others)), "recall": float(churners), GAP: 1.0}


def _differences(
    whole: Quality,
    qualities: Sequence[Quality],
    drawn: Sequence[Mapping[str, Floats]],
    shares: Sequence[Mapping[str, float]],
) -> list[dict[str, Difference]]:
    """For each slice by metric; `drawn` has the whole's resamples first."""
    found: list[dict[str, Difference]] = [{} for _ in qualities]
    for name in MARKED:
        values = [one.metrics[name] - whole.metrics[name] for one in qualities]
        spreads = [one[name] - drawn[0][name] for one in drawn[1:]]
        # A few churners are easily all found, and so they are in every resample: by chance, yet
        # without any spread. At least, a slice varies as one of its size that is like the whole.
        least = [np.nanstd(drawn[0][name]) * np.sqrt(1 / share[name] - 1) for share in shares]
        scores = np.abs([*map(bootstrap.standard_score, values, spreads, least)])
        marks = bootstrap.significant(scores, FALSE_ALARM / 2)
        for one, value, spread, mark in zip(found, values, spreads, marks, strict=True):
            one[name] = Difference(value, *bootstrap.interval(spread), bool(mark))
    return found
