"""The days: customers are asked about, outcomes come, the log is looked at, a new model is made.

The server's clock is the real one, so the demo notes the moment at which each day begins and cuts
its periods there; the age of a model is counted in days of the demo.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from tqdm import tqdm

from churn.bundle import Bundle
from churn.errors import LogUnreachable
from churn.features import feature_set
from churn.files import sha256, write_parquet
from churn.log_source import columns_of
from churn.monitoring import Check, Periods, Watched, check
from churn.prediction_log import PredictionLog
from churn.quality import METRICS
from churn.scoring import Scorer
from churn.settings import Parameters
from churn.story import Day, Retrained, Said, Story
from churn.synthetic import Draw
from churn.training import train
from commands.demo.server import Server
from commands.demo.world import Plan, bodies, customers

# Seconds until the last predictions must be in the log.
PATIENCE, POLL = 30.0, 0.05
# While a new model is taken up, so many customers at a time, with so many seconds between them.
PORTION, PAUSE = 2, 0.05


@dataclass
class Sent:
    """Customers of a day, and the ids of their predictions; (n,) each."""

    drawn: Draw
    predictions: list[str]
    rows: list[int]


@dataclass
class Play:
    """A run of the demo.

    Args:
        plan: how it goes.
        server: that answers.
        log: that it writes to.
        address: of the log, as people are shown it.
        model: that serves first.
        folder: of the bundle that the server takes up.
        parameters: all groups.
    """

    plan: Plan
    server: Server
    log: PredictionLog
    address: str
    model: Watched
    folder: Path
    parameters: Parameters
    starts: list[datetime] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    _made: int = 1
    _retrained: Retrained | None = None
    _reloads: bool = False

    def __post_init__(self) -> None:
        self._first = Scorer(self.model.bundle)

    def run(self) -> Story:
        """Play every day.

        Raises:
            ChurnError: the log is away, or training fails.
        """
        with tqdm(total=self.plan.days, unit="day", desc="demo") as bar:
            for day in range(1, self.plan.days + 1):
                self._play(day)
                bar.set_postfix_str(self._state(), refresh=False)
                bar.update()
        return self.story()

    def story(self) -> Story:
        """What has happened so far."""
        failed = len(self.server.failed)
        return Story(self.days, self.plan.shift, self.plan.delay, self._retrained, failed)

    def _state(self) -> str:
        if self._retrained:
            return f"new model since day {self._retrained.day}"
        alarm = self.story().alarm
        return f"alarm since day {alarm}" if alarm else "all is well"

    def _play(self, day: int) -> None:
        self.starts.append(_now())
        if day > self.plan.delay:
            self._tell(self.sent[day - self.plan.delay - 1])
        drawn = customers(self.plan, day)
        answers = self._asked(bodies(drawn, self.model.bundle.manifest.contract))
        self._keep(day, drawn, answers)
        alarm = self.story().alarm
        if alarm and not self._retrained and self._known_since(alarm, day) >= self.plan.enough:
            self._train(alarm, day)

    def _known_since(self, alarm: int, day: int) -> int:
        """Days since the alarm whose outcomes are known."""
        return day - self.plan.delay - alarm + 1

    def _asked(self, wanted: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Answers by customer; a new model that is ready is taken up meanwhile."""
        done, answers = 0, []
        if self._reloads:
            reload = threading.Thread(target=self.server.reload)
            reload.start()
            # A few at a time, so that there are requests all the while.
            while reload.is_alive() and done < len(wanted):
                answers += self.server.predict(wanted[done : done + PORTION])
                done += PORTION
                reload.join(PAUSE)
            reload.join()
            self._reloads = False
        answers += self.server.predict(wanted[done:])
        name = self.model.bundle.manifest.contract.id_column
        return {one[name]: one for one in answers}

    def _keep(self, day: int, drawn: Draw, answers: dict[str, dict[str, Any]]) -> None:
        rows = [row for row, customer in enumerate(drawn.ids) if customer in answers]
        given = [answers[drawn.ids[row]] for row in rows]
        self.sent.append(Sent(drawn, [one["prediction_id"] for one in given], rows))
        columns = {name: values[rows] for name, values in drawn.columns.items()}
        scores = self._first.probabilities(columns)
        served = Said(
            np.array([one["churn_probability"] for one in given]),
            np.array([one["will_churn"] for one in given]),
        )
        first = Said(scores, self._first.decisions(scores))
        found = self._looked(day)
        self.days.append(Day(drawn.probability[rows], drawn.churned[rows], served, first, found))

    def _tell(self, sent: Sent) -> None:
        """Outcomes of customers, half of them by the customer and half by the prediction."""
        contract, now = self.model.bundle.manifest.contract, _now().isoformat()
        self.server.feedback(
            [
                {
                    **(
                        {contract.id_column: sent.drawn.ids[row]}
                        if row % 2
                        else {"prediction_id": prediction}
                    ),
                    "churned": bool(sent.drawn.churned[row]),
                    "observed_at": now,
                }
                for row, prediction in zip(sent.rows, sent.predictions, strict=True)
            ]
        )

    def _looked(self, day: int) -> Check:
        """The check of the evening, once the day's predictions are in the log."""
        settings = self.parameters.drift
        window, outcomes = (
            self.starts[max(0, day - int(days))]
            for days in (settings.window_days, settings.outcome_days)
        )
        self._wait_for(self.sent[-1].predictions)
        periods = Periods(window, outcomes, _now())
        logged = self.log.read(periods.since, periods.until)
        watched = Watched(
            self.model.bundle, self.model.version, day - self._made, self.model.baseline
        )
        return check(logged, watched, periods, settings, self.address, forced=False)

    def _wait_for(self, predictions: Sequence[str]) -> None:
        end, wanted = time.monotonic() + PATIENCE, set(predictions)
        while not wanted <= {*self.log.read(self.starts[-1], _now())["prediction_id"].to_pylist()}:
            if time.monotonic() > end:
                raise LogUnreachable(self.address, "predictions have not come in half a minute")
            time.sleep(POLL)

    def _train(self, since: int, day: int) -> None:
        """Learn from those asked about since the alarm whose outcome is known; put it in place."""
        rows = self.log.read(self.starts[since - 1], _now())
        rows = rows.filter(pc.is_valid(rows["churned"])).sort_by("customer_id")
        contract = self.parameters.table
        columns = columns_of(rows, contract, self.address)
        features = feature_set(contract).compute(columns)
        labels = rows["churned"].cast("double").to_numpy()
        path = self.folder.with_name("train.parquet")
        write_parquet(path, rows)
        found = train(columns, features, labels, self.parameters, sha256(path))
        found.bundle.save(self.folder)
        bundle = Bundle.load(self.folder)
        # Measured out of fold: each customer by a model that has not seen them.
        baseline = {name: found.report["out_of_fold"][name] for name in METRICS}
        self.model = Watched(bundle, bundle.short, 0, baseline)
        self._made, self._reloads = day, True
        self._retrained = Retrained(day + 1, rows.num_rows)


def _now() -> datetime:
    """Now, to the millisecond, as the times of predictions are."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
