"""LitServe's workers: one scores large batches, one compares a shadow with the champion."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal

from serve.lean import keep_lean

# LitServe starts its workers as new interpreters, in which this is the first module of ours.
if multiprocessing.current_process().name == "inference-worker":
    keep_lean()

import numpy as np
from litserve import LitAPI

from churn.errors import WrongFeature
from churn.settings import ServeSettings
from serve import batches, logs
from serve.answers import Answers
from serve.body import parsed
from serve.errors import RequestError
from serve.generations import Follower
from serve.lifetime import end_with_parent, ignore
from serve.models import Lineup
from serve.shared import BATCH, SHADOW, Shared

LOWEST_PRIORITY = 19


class Worker(LitAPI):
    """What both do: load the models, follow their changes, end with the server.

    Args:
        shared: with the other processes.
        settings: the group `serve`.
        slot: in `Shared.loaded`.
    """

    path: str
    number: int

    def __init__(self, shared: Shared, settings: ServeSettings, slot: int) -> None:
        super().__init__(api_path=self.path)
        self._shared = shared
        self._settings = settings
        self._slot = slot

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's signature
        """Load the models; LitServe calls this in the worker's own process."""
        end_with_parent(signal.SIGKILL)
        ignore(signal.SIGINT, signal.SIGHUP)
        logs.configure()
        follower = Follower(self._shared, self._slot, self._settings.challenger)
        self._now = follower.now
        self._answers = Answers.of(self._now().lineup.champion.customers, self._settings)
        gc.collect()
        gc.freeze()
        self._shared.workers[self.number] = os.getpid()


class BatchWorker(Worker):
    """Scores large batches."""

    path, number = "/predict/batch", BATCH

    def predict(
        self, x: tuple[int, tuple[bytes, batches.BatchOptions, str]]
    ) -> batches.BatchAnswer | None:
        """Answer the bytes of a request with those of its answer, if it was sent to this process.

        See `Lane.send`.
        """
        process, (raw, options, request_id) = x
        if process != os.getpid():
            return None
        lineup, most = self._now().lineup, self._settings.max_batch
        return batches.answered_bytes(raw, lineup, self._answers, options, most, request_id)


class ShadowWorker(Worker):
    """Scores requests with the champion and the challenger and counts how they differ."""

    path, number = "/shadow", SHADOW

    def setup(self, device: str) -> None:
        """Load the models; whoever answers requests goes first."""
        super().setup(device)
        os.nice(LOWEST_PRIORITY)
        # Imported here: in the main process its folder is not yet set.
        from serve.metrics import Metrics

        self._metrics = Metrics((), ())

    def predict(self, x: list[bytes]) -> None:
        """Score the bodies of requests that have been answered."""
        for raw in x:
            self._compare(self._now().lineup, raw)

    def _compare(self, lineup: Lineup, raw: bytes) -> None:
        customers, most = lineup.champion.customers, self._settings.max_batch
        try:
            content = parsed(raw, batches.WANTED)
            is_one = isinstance(content, dict) and [*content] != ["columns"]
            batch = batches.read([content] if is_one else content, customers, most)
            good = np.array([i not in batch.problems for i in range(batch.rows)])
            compared = lineup.compared(batch.columns, good)
        except (RequestError, WrongFeature):
            return
        self._metrics.shadow.compared(*compared)
