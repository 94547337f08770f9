"""What chance alone does to the counts of bins: two samples of one population never agree exactly.

scipy is imported where it is used: whoever needs the index alone does without it. Its last digits
may differ between machines, so what is written is rounded first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# Of a thousand comparisons without drift, one has a PSI above that of chance.
QUANTILE = 0.999
# Rows to expect in a bin of either sample below which chi-square is no good guide (Cochran, 1954).
LEAST_EXPECTED = 5


def psi_by_chance(reference: Counts, current: Counts) -> float:
    """The PSI that two samples of one population stay below 99.9 % of the time.

    Without drift PSI is nearly (1/n + 1/N) times a chi-square variable with one degree of freedom
    less than there are bins (Yurdakul & Naranjo, Statistical properties of the population stability
    index, Journal of Risk Model Validation, 2020).

    Args:
        reference, current: rows in each bin, (bins,); a bin that is empty in both does not count.
    """
    from scipy.special import chdtri

    freedom = int((reference + current > 0).sum()) - 1
    if freedom == 0:
        return 0.0
    return float((1 / reference.sum() + 1 / current.sum()) * chdtri(freedom, 1 - QUANTILE))


def homogeneity(reference: Counts, current: Counts) -> float:
    """p-value of the hypothesis that both samples come from one population.

    Pearson's chi-square test of homogeneity (Pearson, 1911) over bins pooled, the rarest with the
    next rarest, until each can expect five rows in either sample. A bin too rare for it is also
    tested alone, upwards: given how many rows of both samples it holds, the number of current ones
    is nearly binomial (Przyborowski & Wilenski, 1940). That finds a handful of rows with a value
    never seen before, which pooling would hide. The smallest of these p-values is multiplied by
    their number (Bonferroni).

    Args:
        reference, current: rows in each bin, (bins,).
    """
    totals = reference + current
    share = current.sum() / totals.sum()
    rare = (totals > 0) & (totals * min(share, 1 - share) < LEAST_EXPECTED)
    alone = _at_least(current[rare], totals[rare], share)
    found = [_chi_square(*_pooled(reference, current)), *alone.tolist()]
    return min(1.0, len(found) * min(found))


def _at_least(current: Counts, totals: Counts, share: float) -> Floats:
    """Chance of so many current rows or more among the rows of each bin; (bins,) → (bins,)."""
    from scipy.special import betainc

    tail = betainc(np.maximum(current, 1), totals - current + 1, share)
    return np.where(current > 0, tail, 1.0)


def _chi_square(reference: Counts, current: Counts) -> float:
    from scipy.special import chdtrc

    if len(reference) < 2:
        return 1.0
    seen = np.array([reference, current], dtype=np.float64)
    expected = seen.sum(axis=1)[:, None] * seen.sum(axis=0) / seen.sum()
    return float(chdtrc(len(reference) - 1, ((seen - expected) ** 2 / expected).sum()))


def _pooled(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    """The bins, rare ones pooled; which ones are depends on the rows of both samples together."""
    totals = reference + current
    smaller = min(reference.sum(), current.sum()) / totals.sum()
    groups = list(_groups(totals, smaller))
    before, now = (np.array([one[g].sum() for g in groups]) for one in (reference, current))
    return before, now


def _groups(totals: Counts, smaller: float) -> Iterator[list[int]]:
    """Numbers of the bins of each pool, from the largest bins to the rarest."""
    group: list[int] = []
    left = int(totals.sum())
    for number in np.argsort(-totals, kind="stable").tolist():
        group.append(number)
        size = int(totals[group].sum())
        # What is left must be able to make a pool of its own; if not, it joins this one.
        if min(size, left - size) * smaller >= LEAST_EXPECTED:
            yield group
            group, left = [], left - size
    yield group


def corrected(p_values: Sequence[float]) -> list[float]:
    """p-values of several tests, corrected for their number: Benjamini & Hochberg (1995), step-up.

    Calling significant what is at most q after the correction, the share of false ones among those
    called is q in the mean; where there is no drift at all, the chance of calling any is at most q.
    It holds for independent tests and for those that lean the same way (Benjamini & Yekutieli,
    2001).

    Args:
        p_values: (m,).
    Returns:
        (m,), in the order given.
    """
    given = np.array(p_values, dtype=np.float64)
    order = np.argsort(-given, kind="stable")
    ranks = np.arange(len(given), 0, -1)
    found = np.empty(len(given))
    found[order] = np.minimum.accumulate(np.minimum(given[order] * len(given) / ranks, 1))
    return found.tolist()
