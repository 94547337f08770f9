"""`make replay`: predictions of the log scored again with the model that made them.

`PREDICTION=<id>` replays one, `SINCE=2026-01-01 N=1000` many, the oldest first; SINCE may also be
the id of the first. Exits with 0 if every bit is the same, 4 if something differs or could not be
replayed, 1 on an error. Writes reports/replay.json.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from churn.database import database_url, parsed, shown
from churn.errors import ChurnError, UnknownPrediction
from churn.prediction_log import PredictionLog
from commands.replay import telling
from commands.replay.again import replayed
from commands.replay.asked import Asked
from commands.replay.evidence import Evidence
from commands.replay.versions import Versions

REPORT = Path("reports/replay.json")
BATCH = 1000
UNEQUAL = 4


def run(environment: Mapping[str, str], now: datetime) -> bool:
    """Replay, write the report, say what was found; whether all of it is equal.

    Raises:
        ChurnError: of the environment, or of a log or repository that is not there.
    """
    asked, url = Asked.of(environment), database_url(environment)
    address = shown(parsed(url))
    about: dict[str, Any] = {"moment": now.isoformat(), "log": address, "asked": asked.summary()}
    with closing(PredictionLog.open(url)) as log, Evidence() as evidence:
        if asked.prediction_id:
            said = _one(log, asked.prediction_id, address, evidence)
        else:
            left = _many(log, asked, evidence)
            about["next"], said = left, telling.many(evidence, left)
        evidence.write(REPORT, about)
        print(said)
        return evidence.is_equal


def _one(log: PredictionLog, prediction_id: str, address: str, evidence: Evidence) -> str:
    rows = [row for row in log.page(prediction_id, 1) if row.prediction_id == prediction_id]
    if not rows:
        raise UnknownPrediction(address, prediction_id)
    [found] = replayed(rows, Versions())
    evidence.add([found])
    return telling.one(found)


def _many(log: PredictionLog, asked: Asked, evidence: Evidence) -> str | None:
    """Replay page by page; the id of the first prediction that is left, if there is one."""
    if asked.since is None:
        raise ValueError("one prediction is asked for")
    versions, least, left = Versions(), asked.since, asked.rows
    while left:
        size = min(BATCH, left)
        # One more than wanted: the first of the next page.
        rows = log.page(least, size + 1)
        evidence.add(replayed(rows[:size], versions))
        if len(rows) <= size:
            return None
        least, left = rows[size].prediction_id, left - size
    return least


def main() -> None:
    """Replay; the exit status says what came of it."""
    try:
        is_equal = run(os.environ, datetime.now(UTC))
    except ChurnError as error:
        sys.exit(f"error: {error}")
    sys.exit(0 if is_equal else UNEQUAL)


if __name__ == "__main__":
    # For terminals that do not know every character that a caller has sent.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    main()
