"""The recorder: a process that brings the spool's predictions into the database.

It runs at the lowest priority, since whoever answers requests goes first; the spool holds what it
is behind with. It counts what the predictions say, for drift, and records outcomes, since it is the
one that has the database.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from churn.errors import ChurnError
from churn.partitions import first_id
from churn.prediction_log import Feedback, Predicted, PredictionLog, Recorded
from churn.settings import LogSettings
from serve import logged
from serve.exchanges import unpacked
from serve.generations import Generation
from serve.log_metrics import RecorderMetrics
from serve.models import Model
from serve.spool import Packet, Spool

# Read and written together.
MOST_ROWS = 1000
# Between two tries to reach a database that is away.
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
FORGET_EVERY = 24 * 3600.0
logger = logging.getLogger("churn.recorder")


class Recorder:
    """Reads the spool, counts, writes to the log.

    Args:
        spool: to read from.
        connect: gives the log; called again when it was away.
        now: the generation that serves.
        settings: of the log.
        metrics: of this process.
    """

    def __init__(
        self,
        spool: Spool,
        connect: Callable[[], PredictionLog],
        now: Callable[[], Generation],
        settings: LogSettings,
        metrics: RecorderMetrics,
    ) -> None:
        self._spool = spool
        self._connect = connect
        self._now = now
        self._settings = settings
        self._log: PredictionLog | None = None
        self._metrics = metrics
        self._announced = 0
        self._try_at = self._forget_at = 0.0
        self._pause = FIRST_PAUSE

    def turn(self) -> bool:
        """Count and write what there is; whether more may be waiting."""
        self._announce()
        counted = self._count()
        written = self._is_due() and self._write()
        self._metrics.spool_rows.set(self._spool.rows)
        self._metrics.spool_bytes.set(self._spool.bytes)
        return counted or written

    def record(self, feedback: Sequence[Feedback]) -> list[Recorded]:
        """Record outcomes; of predictions, too, that are still in the spool.

        Raises:
            ChurnError: the database is away, or has no tables; nothing was recorded.
        """
        self._catch_up()
        found = self._opened().record(feedback)
        unknown = [i for i, one in enumerate(found) if one.status == "unknown"]
        if late := [i for i in unknown if self._may_be_on_its_way(feedback[i])]:
            time.sleep(self._settings.flush_ms / 1000)
            self._catch_up()
            again = self._opened().record([feedback[i] for i in late])
            for i, one in zip(late, again, strict=True):
                found[i] = one
        for given, one in zip(feedback, found, strict=True):
            self._metrics.feedback[one.status].inc()
            if one.status == "recorded" and one.model_version and one.predicted is not None:
                self._metrics.outcome(
                    one.model_version, predicted=one.predicted, actual=given.churned
                )
        return found

    def _may_be_on_its_way(self, feedback: Feedback) -> bool:
        """Whether its prediction may have been answered a moment ago, and not be in the spool."""
        moment = datetime.now(UTC) - timedelta(milliseconds=2 * self._settings.flush_ms)
        if feedback.prediction_id:
            return feedback.prediction_id >= first_id(moment)
        # A customer's prediction is one from before the outcome.
        return feedback.observed_at >= moment

    def _announce(self) -> None:
        if (generation := self._now()).number != self._announced:
            for model in _models(generation):
                self._metrics.announce(model.version, model.bundle.reference)
            self._announced = generation.number

    def _count(self) -> bool:
        """Count the packets that have not been counted, whether or not the database is there."""
        packets = self._spool.oldest(MOST_ROWS, after=self._spool.counted)
        if not packets:
            return False
        # Before, since a packet counted twice would look like drift, and one left out would not.
        self._spool.counted = packets[-1].number
        found = [pair for one in packets for e in unpacked(one.content) for pair in logged.pairs(e)]
        models = {one.version: one for one in _models(self._now())}
        for version, group in logged.by_model(found).items():
            # A model that no longer serves has no bins here to count in.
            if (model := models.get(version)) is not None:
                columns = logged.columns(group, model.customers)
                will_churn = [answered["will_churn"] for _, answered in group]
                self._metrics.scored(version, model.bundle.reference, columns, will_churn)
        return True

    def _is_due(self) -> bool:
        return time.monotonic() >= self._try_at

    def _write(self) -> bool:
        """Write the oldest packets; False if there are none, or the database is away."""
        try:
            log = self._opened()
            self._forget(log)
            # Not those that have come since the last were counted: what is written is removed.
            counted = self._spool.counted
            packets = [one for one in self._spool.oldest(MOST_ROWS) if one.number <= counted]
            if packets:
                self._add(log, packets)
        except ChurnError as error:
            if self._pause == FIRST_PAUSE:
                logger.warning("%s", error)
            self._metrics.database_up.set(0)
            self._try_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return False
        self._pause = FIRST_PAUSE
        self._metrics.database_up.set(1)
        return bool(packets)

    def _add(self, log: PredictionLog, packets: Sequence[Packet]) -> None:
        try:
            self._metrics.written.inc(log.add([row for one in packets for row in self._rows(one)]))
        except ChurnError:
            raise
        except Exception as error:
            if len(packets) > 1:
                for one in packets:
                    self._add(log, [one])
                return
            # Nothing may hold up what comes after it, and nothing is thrown away.
            logger.exception("packet %d is put aside", packets[0].number)
            self._metrics.rejected.inc(packets[0].rows)
            self._spool.reject(packets[0], f"{type(error).__name__}: {error}")
            return
        self._spool.remove(one.number for one in packets)

    def _rows(self, packet: Packet) -> list[Predicted]:
        customers = self._now().lineup.champion.customers
        id_field = customers.id.name if customers.id else None
        return [
            row
            for one in unpacked(packet.content)
            for row in logged.predicted(logged.pairs(one), id_field, one.ms)
        ]

    def _catch_up(self) -> None:
        while self.turn():
            pass

    def _opened(self) -> PredictionLog:
        if self._log is None:
            self._log = self._connect()
        return self._log

    def _forget(self, log: PredictionLog) -> None:
        """Once a day, forget what is too old."""
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_EVERY
            before = datetime.now(UTC) - timedelta(days=self._settings.keep_days)
            if forgotten := log.forget(before):
                logger.info("%d predictions before %s forgotten", forgotten, before.date())


def _models(generation: Generation) -> list[Model]:
    lineup = generation.lineup
    return [one for one in (lineup.champion, lineup.challenger) if one is not None]
