"""Reference distributions: how each column and the score were spread over the training rows.

Numbers fall into bins between quantiles, categories into their levels; missing values have a bin
of their own, and so have values never seen in training. The bins are kept in the bundle and serve
the drift stage and the drift metrics of the server alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from churn.columns import Array, Columns, most_frequent, numbered
from churn.contract import MISSING, SCORE, UNSEEN, Frozen

BINS = 10
# Of a category with more levels, the rarer ones are counted with those never seen.
MOST_LEVELS = 50


class NumberBins(Frozen):
    """Bins of a number: bin i holds edges[i-1] < x <= edges[i]; the outer ones are open."""

    edges: tuple[float, ...]
    ratios: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bins, the one of missing values last."""
        edges = _distinct(self.edges)
        if not edges:
            return ("any", MISSING)
        spans = [f"over {low} to {high}" for low, high in pairwise(edges)]
        return (f"up to {edges[0]}", *spans, f"over {edges[-1]}", MISSING)

    def count(self, values: Array) -> NDArray[np.int64]:
        """Rows in each bin; values float64 (n,) → (bins,)."""
        bins = np.searchsorted(self.edges, values, side="left")
        bins = np.where(np.isnan(values), len(self.edges) + 1, bins)
        return np.bincount(bins, minlength=len(self.edges) + 2)


class CategoryBins(Frozen):
    """Bins of a category: one for each level, one for missing, one for any other value."""

    levels: tuple[str, ...]
    ratios: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the bins."""
        return (*self.levels, MISSING, UNSEEN)

    def count(self, values: Array) -> NDArray[np.int64]:
        """Rows in each bin; values object (n,) → (bins,)."""
        number: dict[str | None, float] = {level: i for i, level in enumerate(self.levels)}
        number[None] = len(self.levels)
        unseen = len(self.levels) + 1
        bins = numbered(values, number, unseen).astype(np.int64)
        return np.bincount(bins, minlength=unseen + 1)


Bins = NumberBins | CategoryBins


class Reference(Frozen):
    """Reference bins of each column and of the score (`churn_probability`), from `rows` rows."""

    rows: int
    bins: Mapping[str, Bins]


def reference(columns: Columns, scores: Array) -> Reference:
    """Build the bins.

    Args:
        columns: the contract's columns of the training rows, each (n,).
        scores: their out-of-fold probabilities (n,): what the model says of unseen customers.
    """
    everything = {**columns, SCORE: scores}
    bins = {name: _bins(values) for name, values in everything.items()}
    return Reference(rows=len(scores), bins=bins)


def _bins(values: Array) -> Bins:
    if values.dtype == object:
        levels = tuple(sorted(most_frequent(values, MOST_LEVELS)))
        empty_category = CategoryBins(levels=levels, ratios=())
        return CategoryBins(levels=levels, ratios=_ratios(empty_category.count(values)))
    present = values[~np.isnan(values)]
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    # Real values as edges, no interpolation: a count such as 0, 1, 2 then has whole-number bins.
    found = np.quantile(present, inner, method="lower") if len(present) else present
    edges = tuple(np.unique(found).tolist())
    return NumberBins(edges=edges, ratios=_ratios(NumberBins(edges=edges, ratios=()).count(values)))


def _distinct(edges: tuple[float, ...]) -> list[str]:
    """Edges as text, with as few digits as tell them apart, but at least four."""
    for digits in range(4, 18):
        texts = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(texts)) == len(edges):
            break
    return texts


def _ratios(counts: NDArray[np.int64]) -> tuple[float, ...]:
    return tuple((counts / counts.sum()).tolist())
