"""Which customers are held out for the test: decided by a salted hash of the id alone.

A customer never changes sides as data grows, and neither side depends on the order of rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from churn.errors import EmptySplit
from churn.settings import LEAST_OF_EACH_CLASS, SplitSettings


def is_test(ids: Iterable[str], settings: SplitSettings) -> NDArray[np.bool_]:
    """True for the customers held out; ids (n,) → (n,)."""
    return in_share(ids, settings.salt, settings.test_share)


def in_share(ids: Iterable[str], salt: str, share: float) -> NDArray[np.bool_]:
    """True for a share of all customers, by a salted hash: always the same; ids (n,) → (n,)."""
    bound = int(share * 2**64)
    return np.fromiter((place < bound for place in _places(ids, salt)), dtype=bool)


def fold_numbers(ids: Iterable[str], salt: str, folds: int) -> NDArray[np.int64]:
    """Fold of each customer, from 0, by a salted hash: always the same; ids (n,) → (n,)."""
    return np.fromiter((place * folds >> 64 for place in _places(ids, salt)), dtype=np.int64)


def _places(ids: Iterable[str], salt: str) -> Iterator[int]:
    """Of each customer among the whole numbers below 2^64, where all are equally likely."""
    salted = hashlib.blake2b(salt.encode(), digest_size=8)
    for customer in ids:
        one = salted.copy()
        one.update(customer.encode())
        yield int.from_bytes(one.digest())


def refuse_empty_side(side: str, customers: int, churners: int) -> None:
    """Check that a side of the split can be learnt from or tested on.

    Raises:
        EmptySplit: fewer than five customers of either outcome.
    """
    if min(churners, customers - churners) < LEAST_OF_EACH_CLASS:
        raise EmptySplit(side, customers, churners)
