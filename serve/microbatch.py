"""Customers that arrive while others are scored leave together as the next call of the scorer.

There is no timer: on a quiet server a customer is scored alone and at once. What is scored together
are the requests that the event loop found waiting when it looked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from churn import unscorable
from churn.errors import WrongFeature
from churn.reasons import Reason
from serve.customers import Row
from serve.errors import InvalidCustomer
from serve.generations import Generation

# One call for more would keep those waiting who came first.
MOST_ROWS = 256


@dataclass(frozen=True)
class Prediction:
    """What the model says of one customer."""

    probability: float
    will_churn: bool
    model_version: str
    reasons: list[Reason] | None


@dataclass(frozen=True)
class _Waiting:
    generation: Generation
    row: Row
    future: asyncio.Future[Prediction]


class MicroBatch:
    """Gathers customers and scores them together; used in a running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Waiting] = []

    def score(self, generation: Generation, row: Row) -> asyncio.Future[Prediction]:
        """Score a customer, together with those who arrive at the same time.

        Args:
            generation: the models, those whose contract the customer was read by.
            row: the customer.
        """
        if not self._waiting:
            self._loop.call_soon(self._flush)
        future = self._loop.create_future()
        self._waiting.append(_Waiting(generation, row, future))
        return future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting[:MOST_ROWS], self._waiting[MOST_ROWS:]
        if self._waiting:
            self._loop.call_soon(self._flush)
        # More than one generation only in the moment in which the models are changed.
        for generation, together in groupby(waiting, lambda one: one.generation):
            self._score(generation, list(together))

    def _score(self, generation: Generation, waiting: list[_Waiting]) -> None:
        try:
            found = predictions(generation, [one.row for one in waiting])
        except WrongFeature as error:
            if len(waiting) == 1:
                self._fail(waiting, InvalidCustomer([unscorable.problem(error)]))
            # Each alone, so that a customer who cannot be scored harms no other.
            for one in waiting if len(waiting) > 1 else ():
                self._score(generation, [one])
            return
        except Exception as error:  # noqa: BLE001 - whoever waits for the customer raises it
            self._fail(waiting, error)
            return
        for one, prediction in zip(waiting, found, strict=True):
            # It is done already if its deadline has passed.
            if not one.future.done():
                one.future.set_result(prediction)

    @staticmethod
    def _fail(waiting: list[_Waiting], error: Exception) -> None:
        for one in waiting:
            if not one.future.done():
                one.future.set_exception(error)


def predictions(generation: Generation, rows: list[Row], explain: int = 0) -> list[Prediction]:
    """Score customers that were read one by one, in their order."""
    lineup = generation.lineup
    customers = lineup.champion.customers
    ids = [str(row[0]) for row in rows] if customers.id else None
    scored = lineup.score(ids, customers.together(rows), explain)
    why: Sequence[list[Reason] | None] = scored.reasons or [None] * len(rows)
    columns = (scored.probabilities, scored.will_churn, scored.versions, why)
    return [Prediction(*one) for one in zip(*columns, strict=True)]
