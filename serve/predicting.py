"""`/predict` and `/predict/batch`: one customer is scored here, many by LitServe's worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from churn import unscorable
from churn.errors import WrongFeature
from churn.settings import ServeSettings
from serve import batches, errors
from serve.answers import Answers, prediction_ids, timestamp
from serve.body import parsed
from serve.customers import Row
from serve.generations import Generation
from serve.http import Answer, Request, whole
from serve.lane import Lane
from serve.metrics import Metrics
from serve.microbatch import MicroBatch, Prediction, predictions
from serve.shadow import Shadow

MOST_BYTES_ONE, MOST_BYTES_BATCH = 64 * 1024, 16 * 1024 * 1024
# Larger batches go to LitServe's worker: here they would hold up those who ask for one customer.
INLINE_BYTES, INLINE_ROWS = 512 * 1024, 2000
# Bodies of more than `INLINE_BYTES` that are received at the same time.
MOST_LARGE_BODIES = 8
# Of the event loop, in which a batch lets others go first.
MOST_TURNS = 20
MOST_REASONS = 50
EXPLAIN = f"a whole number from 1 to {MOST_REASONS}"
ON_ERROR = ("fail", "skip")


class Predicting:
    """Scores customers.

    Args:
        settings: the group `serve`.
        now: the generation that serves.
        metrics: of this process.
        lane: to the worker for large batches.
        shadow: to the worker of a shadow; None if there is none.
    """

    def __init__(
        self,
        settings: ServeSettings,
        now: Callable[[], Generation],
        metrics: Metrics,
        lane: Lane,
        shadow: Shadow | None,
    ) -> None:
        self._now = now
        self._metrics = metrics
        self._lane = lane
        self._shadow = shadow
        self._logs_content = settings.log_requests
        self._most_rows = settings.max_batch
        self._answers = Answers.of(now().lineup.champion.customers, settings)
        self._micro_batch = MicroBatch()
        self._batch_turn = asyncio.Lock()
        self._large_bodies = 0
        # Customers asked for one by one that have no answer yet.
        self._singles = 0

    async def one(self, request: Request) -> Answer:
        """Score one customer."""
        query = request.query({"explain": EXPLAIN})
        explain = whole("explain", query.get("explain"), MOST_REASONS)
        request.require_json()
        raw = await request.body(MOST_BYTES_ONE)
        self._tell(request, raw)
        generation = self._now()
        row = generation.lineup.champion.customers.one(parsed(raw, "one customer"))
        found = await self._prediction(generation, row, explain)
        answer = self._answers.one(
            str(row[0]),
            found.probability,
            found.will_churn,
            found.model_version,
            prediction_ids(1)[0],
            timestamp(),
            found.reasons,
        )
        self._metrics.scored("/predict", {(found.model_version, answer["risk_level"]): 1})
        request.scored = 1
        if self._shadow:
            self._shadow.offer(raw)
        return Answer.json(answer)

    async def _prediction(self, generation: Generation, row: Row, explain: int) -> Prediction:
        if not explain:
            self._singles += 1
            try:
                return await self._micro_batch.score(generation, row)
            finally:
                self._singles -= 1
        try:
            return predictions(generation, [row], explain)[0]
        except WrongFeature as error:
            raise errors.InvalidCustomer([unscorable.problem(error)]) from None

    async def batch(self, request: Request) -> Answer:
        """Score many customers."""
        query = request.query({"explain": EXPLAIN, "on_error": " or ".join(ON_ERROR)})
        explain = whole("explain", query.get("explain"), MOST_REASONS)
        if (on_error := query.get("on_error", ON_ERROR[0])) not in ON_ERROR:
            said = f"{on_error[:40]!r} is not allowed"
            raise errors.InvalidQuery("on_error", said, " or ".join(ON_ERROR))
        options = batches.BatchOptions(explain, skip=on_error == "skip")
        request.require_json()
        with self._room_for(request):
            raw = await request.body(MOST_BYTES_BATCH)
            self._tell(request, raw)
            answer = await self._scored_batch(raw, options, request.id)
        request.scored = request.told["customers"] = sum(answer.levels.values())
        self._metrics.scored("/predict/batch", answer.levels)
        self._metrics.refused(answer.refused)
        if self._shadow and answer.status == 200:
            self._shadow.offer(raw)
        return Answer(answer.status, answer.body)

    @contextmanager
    def _room_for(self, request: Request) -> Iterator[None]:
        """Hold a place for a large body.

        Raises:
            BodyTooLarge: it is larger than any may be.
            TooBusy: there is no place.
        """
        has_no_length = b"transfer-encoding" in request.headers
        is_large = has_no_length or request.length(MOST_BYTES_BATCH) > INLINE_BYTES
        if is_large and self._large_bodies >= MOST_LARGE_BODIES:
            raise errors.TooBusy
        self._large_bodies += is_large
        try:
            yield
        finally:
            self._large_bodies -= is_large

    async def _scored_batch(
        self, raw: bytes, options: batches.BatchOptions, request_id: str
    ) -> batches.BatchAnswer:
        """Score here what is quickly done, one batch at a time; the rest in the worker."""
        is_small = len(raw) <= INLINE_BYTES and not options.explain
        # While a batch is scored here, the worker's time is free.
        if is_small and not (self._batch_turn.locked() and self._lane.has_room):
            content = parsed(raw, batches.WANTED)
            if batches.rows(content) <= INLINE_ROWS:
                return await self._scored_here(content, options)
        answer: batches.BatchAnswer = await self._lane.send((raw, options, request_id))
        return answer

    async def _scored_here(
        self, content: object, options: batches.BatchOptions
    ) -> batches.BatchAnswer:
        """Read and score a batch, letting others by before each step."""
        async with self._batch_turn:
            await self._let_by()
            lineup = self._now().lineup
            batch = batches.read(content, lineup.champion.customers, self._most_rows)
            await self._let_by()
            return batches.answered(batch, lineup, self._answers, options)

    async def _let_by(self) -> None:
        """Let those who ask for one customer go first, but not for ever.

        Their answer takes some turns of the event loop; a batch in each would hold them up.
        """
        # In the first turn a request that has come becomes a task, in the second it is read.
        await asyncio.sleep(0)
        for _ in range(MOST_TURNS):
            await asyncio.sleep(0)
            if not self._singles:
                return

    def _tell(self, request: Request, raw: bytes) -> None:
        if self._logs_content:
            request.told["content"] = raw.decode("utf-8", "replace")
