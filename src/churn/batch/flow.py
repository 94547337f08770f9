"""Work on several batches at a time, their results in the order of the batches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(
    batches: Iterable[T], work: Callable[[T], R], threads: int, ahead: int = 2
) -> Iterator[R]:
    """Results of some work on batches, in the order of the batches.

    While a caller looks at one result, the next are worked on. No more than `threads + ahead` of
    them are under way, so memory does not grow with their number.

    Args:
        batches: are read in the caller's thread.
        work: is done in others.
        threads: how many others.
        ahead: batches that wait for them.
    Raises:
        Exception: what `batches` or `work` raised, at its place; no more batches are begun.
    """
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(threads)
    try:
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) >= threads + ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
