"""Quality by kind of customer: where the model is worse than it is on the whole.

A slice is a level of a category, yes or no, or a band of a number that has `bands` in the contract,
or the customers whose value is missing. Columns known only after the event make no slices: nobody
could act on what they show.

A slice is held against the whole in ROC-AUC, recall and the calibration gap. Recall is low where
few are at risk, and ROC-AUC where all are alike, however good the model is: even the true
probabilities would differ there. So it is also told how much of a difference the scores of the
slice do not explain. The other metrics follow the share of churners in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from churn import bootstrap, metrics
from churn.bootstrap import Sample
from churn.columns import Array, Columns, most_frequent
from churn.contract import MISSING, BooleanColumn, CategoryColumn, Column, Contract
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
    """How a slice differs from the whole.

    Attributes:
        value, low, high: slice minus whole, and the 95 % interval of that.
        significant: whether the value is more than chance.
        excess: the value less what the scores lead to expect, were they the true probabilities.
        unexplained: whether the excess is more than chance.
    """

    value: float
    low: float
    high: float
    significant: bool
    excess: float
    unexplained: bool


@dataclass(frozen=True)
class Slice:
    """Quality on one slice.

    Attributes:
        column, level: what the customers have in common.
        n, churners: how many they are.
        quality: None where there are too few of either outcome.
        differences: by metric of `MARKED`; none where there is no quality.
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


def parts(columns: Columns, contract: Contract) -> list[Part]:
    """The slices of the rows.

    They are all levels of a closed category, the 20 most frequent levels of an open one, yes and
    no, all bands of a number, and missing values where there are any.

    Args:
        columns: the contract's columns, each (n,).
        contract: which of them are sliced.
    """
    return [
        Part(name, level, np.flatnonzero(chosen))
        for name in contract.sliced_columns
        for level, chosen in _levels(columns[name], contract.columns[name])
    ]


def _levels(values: Array, column: Column) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    if isinstance(column, CategoryColumn):
        missing = np.array([value is None for value in values], dtype=bool)
        for level in column.values or most_frequent(values, MOST_LEVELS):
            yield level, values == level
    elif isinstance(column, BooleanColumn):
        missing = np.isnan(values)
        yield from (("yes", values == 1), ("no", values == 0))
    else:
        missing, bounds = np.isnan(values), column.bands or ()
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
    rows = [np.arange(len(labels)), *(found[i].rows for i in numbers)]
    gaps = {GAP: scores - labels}
    samples = [Sample(labels, scores, threshold, some, gaps) for some in rows]
    drawn = bootstrap.resampled(samples, len(labels), settings.resamples, settings.seed)
    whole, *qualities = map(_quality, samples, drawn)
    expected = [{**metrics.expected(scores[some], threshold), GAP: 0.0} for some in rows]
    least = [_least_spreads(labels, scores, some, drawn[0]) for some in rows[1:]]
    differences = _differences([whole, *qualities], expected, drawn, least)
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


def _least_spreads(
    labels: Floats, scores: Floats, rows: Rows, of_whole: Mapping[str, Floats]
) -> dict[str, float]:
    """What the standard deviation of each marked difference is taken to be at least.

    A few churners are easily all found, or none of a few customers leaves, and so it is in every
    resample: by chance, yet without any spread. At least, a slice varies in ROC-AUC and recall as
    one of its size that is like the whole, and in the gap as outcomes that follow its scores.

    Args:
        labels, scores: (n,) of all customers.
        rows: of the slice, (m,).
        of_whole: by metric, its values on the whole of every resample.
    """
    churners = labels[rows].sum() / labels.sum()
    others = (1 - labels[rows]).sum() / (1 - labels).sum()
    # ROC-AUC rests on both outcomes, recall on churners.
    shares = {"roc_auc": min(churners, others), "recall": churners}
    like_whole = {
        name: float(np.nanstd(of_whole[name]) * np.sqrt(1 / share - 1))
        for name, share in shares.items()
    }
    weights = np.full(len(labels), -1 / len(labels))
    weights[rows] += 1 / len(rows)
    return {**like_whole, GAP: float(np.sqrt((weights**2 * scores * (1 - scores)).sum()))}


def _differences(
    qualities: Sequence[Quality],
    expected: Sequence[Mapping[str, float]],
    drawn: Sequence[Mapping[str, Floats]],
    least: Sequence[Mapping[str, float]],
) -> list[dict[str, Difference]]:
    """For each slice by metric; all but `least` have the whole first."""
    found: list[dict[str, Difference]] = [{} for _ in least]
    for name in MARKED:
        spreads = [one[name] - drawn[0][name] for one in drawn[1:]]
        floors = [one[name] for one in least]
        values = [one.metrics[name] - qualities[0].metrics[name] for one in qualities[1:]]
        explained = [one[name] - expected[0][name] for one in expected[1:]]
        excesses = [value - part for value, part in zip(values, explained, strict=True)]
        marks, unexplained = (_beyond_chance(one, spreads, floors) for one in (values, excesses))
        for number, one in enumerate(found):
            one[name] = Difference(
                values[number],
                *bootstrap.interval(spreads[number]),
                bool(marks[number]),
                excesses[number],
                bool(unexplained[number]),
            )
    return found


def _beyond_chance(
    differences: Sequence[float], spreads: Sequence[Floats], least: Sequence[float]
) -> NDArray[np.bool_]:
    """Which of the slices' differences are; each with its resamples and its least spread."""
    scores = [*map(bootstrap.standard_score, differences, spreads, least)]
    return bootstrap.significant(np.abs(scores), FALSE_ALARM / 2)
