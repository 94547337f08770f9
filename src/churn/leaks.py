"""Leak alarms: signs that a feature, or the split, gives the outcome away.

A leak makes a model look perfect on held-out customers and fail on real ones. An alarm is no proof:
it names what a person who knows the table should look at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from churn import exact
from churn.columns import Array, Columns
from churn.metrics import Ranking
from churn.settings import LeakSettings

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Kind = Literal[
    "single_feature", "missing_for_one_class", "constant_for_one_class", "identical_rows"
]

# Bins of a number whose churn rates are compared: many, so that a narrow range shows, but not so
# many that the few rows in each show churn by luck.
BINS, LEAST_IN_BIN = 100, 20
# Share of an outcome's customers that may be exceptions to what they have in common: typing errors
# must not hide a leak.
EXCEPTIONS = 0.005
# What is less probable than this under independence is not put down to chance.
IMPROBABLE = 1e-6


@dataclass(frozen=True)
class Side:
    """One side of the split.

    Attributes:
        features: model inputs by name, each (n,).
        labels: (n,), 1 for churners, 0 for others.
    """

    features: Columns
    labels: Floats


@dataclass(frozen=True)
class Alarm:
    """One suspicion.

    Attributes:
        kind: what was found.
        feature: in which model input; None where it is whole rows.
        message: one sentence with the numbers.
    """

    kind: Kind
    feature: str | None
    message: str


@dataclass(frozen=True)
class _Coded:
    """A feature of all customers, the training ones first, with codes in place of its values.

    Attributes:
        codes: (n,) places in `values`, -1 for missing.
        values: what the codes stand for; numbers in rising order.
        is_category: whether the order of the codes means nothing.
    """

    codes: Whole
    values: list[Any]
    is_category: bool


def alarms(train: Side, test: Side, settings: LeakSettings) -> tuple[Alarm, ...]:
    """Look for leaks.

    - `single_feature`: one feature alone ranks the customers of both sides with a ROC-AUC above
      `settings.auc`, by the order of its numbers or by the churn rates of its bins or levels. Both
      are learnt on the training rows, and the lower of the two sides counts: a feature with a value
      for each customer ranks no test customer, and luck on a small test side ranks no training one.
    - `missing_for_one_class`, `constant_for_one_class`: the customers of one outcome lack the
      value, or those that have one have the same, but for 0.5 % of them, where chance does not
      explain it: its probability is at most that of `_chance`, and that is below 1e-6.
    - `identical_rows`: a share of the test customers above `settings.identical` equals some
      training customer in every feature.

    Args:
        train, test: the sides of the split, with the same features, both outcomes on each.
        settings: bounds of the alarms.
    Returns:
        the alarms in the order of the features, that of the rows last.
    """
    rows, labels = len(train.labels), np.concatenate([train.labels, test.labels])
    coded = {
        name: _coded(np.concatenate([values, test.features[name]]))
        for name, values in train.features.items()
    }
    found: list[Alarm] = []
    for name, one in coded.items():
        found += _single_feature(name, one, labels, rows, settings.auc)
        found += _missing_for_one_class(name, one, labels)
        found += _constant_for_one_class(name, one, labels)
    return (*found, *_identical_rows(coded, rows, settings.identical))


def _coded(values: Array) -> _Coded:
    if values.dtype == object:
        places: dict[str | None, int] = {None: -1}
        codes = [places.setdefault(value, len(places) - 1) for value in values.tolist()]
        return _Coded(np.array(codes, dtype=np.int64), [*places][1:], is_category=True)
    distinct, ranks = np.unique(values, return_inverse=True)
    codes_of_numbers = np.where(np.isnan(values), -1, ranks)
    return _Coded(codes_of_numbers, distinct[~np.isnan(distinct)].tolist(), is_category=False)


# one feature alone


def _single_feature(
    name: str, one: _Coded, labels: Floats, rows: int, bound: float
) -> Iterator[Alarm]:
    scores: list[Array] = [_churn_rates(one, labels, rows)]
    if not one.is_category:
        scores.append(_best_order(one, labels, rows))
    auc = max(
        min(_roc_auc(labels[:rows], score[:rows]), _roc_auc(labels[rows:], score[rows:]))
        for score in scores
    )
    if auc > bound:
        words = f"{name} alone ranks churners with ROC-AUC {auc:.3f}, above {bound:g}"
        yield Alarm("single_feature", name, words)


def _churn_rates(one: _Coded, labels: Floats, rows: int) -> Floats:
    """Share of churners among the training customers of each one's bin or level; (n,).

    Missing values are a level. One more customer of average churn is added to every level, so that
    a rare one stays near the average and one that training has not seen is at it.
    """
    groups = (one.codes if one.is_category else _binned(one.codes, rows)) + 1
    learnt, levels = groups[:rows], int(groups.max()) + 1
    churners = np.bincount(learnt, labels[:rows], levels)
    average = labels[:rows].mean()
    rates = (churners + average) / (np.bincount(learnt, minlength=levels) + 1)
    return rates[groups]


def _binned(codes: Whole, rows: int) -> Whole:
    """Bins between quantiles of the training rows, -1 for missing; (n,)."""
    present = codes[:rows][codes[:rows] >= 0]
    bins = max(1, min(BINS, len(present) // LEAST_IN_BIN))
    inner = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.unique(np.quantile(present, inner, method="lower"))
    return np.where(codes < 0, -1, np.searchsorted(edges, codes))


def _best_order(one: _Coded, labels: Floats, rows: int) -> Whole:
    """Rising or falling, missing first or last: what ranks the training rows best; (n,)."""
    missing_last = np.where(one.codes < 0, len(one.values), one.codes)
    orders = (one.codes, -one.codes, missing_last, -missing_last)
    return max(orders, key=lambda order: _roc_auc(labels[:rows], order[:rows]))


def _roc_auc(labels: Floats, scores: Array) -> float:
    found, called, _ = Ranking(labels, scores).curve()
    churners, others = np.append(0, found), np.append(0, called - found)
    return float(np.trapezoid(churners, others) / (churners[-1] * others[-1]))


# one value for one outcome


def _missing_for_one_class(name: str, one: _Coded, labels: Floats) -> Iterator[Alarm]:
    for is_missing, whom in _shared_by_one_class((one.codes < 0).astype(np.int64), labels):
        if is_missing:
            yield Alarm("missing_for_one_class", name, f"{name} is missing for {whom}")


def _constant_for_one_class(name: str, one: _Coded, labels: Floats) -> Iterator[Alarm]:
    known = one.codes >= 0
    # Where each outcome has a value of its own, the first says it all.
    for code, whom in [*_shared_by_one_class(one.codes[known], labels[known])][:1]:
        value = one.values[code]
        # Adding zero turns a negative zero into zero.
        text = repr(value) if one.is_category else f"{value + 0:g}"
        words = f"{name}, where known, is {text} for {whom}"
        yield Alarm("constant_for_one_class", name, words)


def _shared_by_one_class(codes: Whole, labels: Floats) -> Iterator[tuple[int, str]]:
    """The code that the customers of an outcome share beyond chance, and who they are in words.

    codes: (n,) whole numbers from 0; labels: (n,).
    """
    sizes = np.bincount(codes)
    for outcome in (1, 0):
        own, other = codes[labels == outcome], codes[labels != outcome]
        if len(own) == 0:
            continue
        code = int(np.bincount(own).argmax())
        sharing, shared = int((own == code).sum()), int((other == code).sum())
        if len(own) - sharing > EXCEPTIONS * len(own):
            continue
        # What is no more frequent than this code is no likelier to be shared.
        if _chance(sizes[sizes <= sizes[code]], sharing, len(own), len(codes)) < IMPROBABLE:
            who, rest = ("churners", "who stayed") if outcome else ("who stayed", "churners")
            most = "all" if sharing == len(own) else f"{sharing:,} of"
            yield code, f"{most} {len(own):,} {who} and for {shared:,} of {len(other):,} {rest}"


def _chance(sizes: Whole, sharing: int, drawn: int, rows: int) -> float:
    """At most so probable is it that of rows drawn at random so many share one of some values.

    For one value and certain rows among those drawn it is the product of (size - i) / (rows - i)
    for i from 0 to sharing - 1, by the hypergeometric distribution, as in Fisher's exact test
    (1935). The sum over the values and over the C(drawn, sharing) choices of rows is no less than
    the probability that any will do (Boole's inequality). The rows drawn stand for those of one
    outcome, if it did not depend on the value.

    Args:
        sizes: rows with each of the values (k,).
        sharing: how many share the value.
        drawn: how many rows are drawn, without replacement.
        rows: of how many.
    """
    possible, before = sizes[sizes >= sharing], np.arange(sharing)
    ratios = (possible[:, None] - before) / (rows - before)
    others = np.arange(drawn - sharing)
    choices = exact.log((drawn - others) / (others + 1.0)).sum()
    return float(exact.exp(exact.log(ratios).sum(axis=1) + choices).sum())


# rows


def _identical_rows(coded: Mapping[str, _Coded], rows: int, bound: float) -> Iterator[Alarm]:
    codes = np.stack([one.codes for one in coded.values()], axis=1)
    learnt, held_out = {row.tobytes() for row in codes[:rows]}, codes[rows:]
    twins = sum(row.tobytes() in learnt for row in held_out)
    share = twins / len(held_out)
    if share > bound:
        words = (
            f"{twins:,} of {len(held_out):,} test customers ({100 * share:.3g} %) equal a training "
            f"customer in every feature, above {100 * bound:.3g} %"
        )
        yield Alarm("identical_rows", None, words)
