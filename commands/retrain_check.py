"""`make retrain-check`: is it time to train again? Exits with 0 for no, 3 for yes, 1 on an error.

Looks at the prediction log of `DATABASE_URL` and at `MODEL`, the folder, stage or version that
`make serve` serves; `FORCE=1` is a reason of its own. Writes reports/retrain.json.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from churn.bundle import Bundle
from churn.database import database_url, parsed, shown
from churn.errors import ChurnError
from churn.files import write_json
from churn.model_sources import Source, source
from churn.monitoring import Check, Periods, Watched, check
from churn.params import read_parameters
from churn.prediction_log import PredictionLog
from churn.quality import METRICS
from churn.retraining import FEWEST
from churn.settings import DriftSettings

PARAMS, REPORT = Path("params.yaml"), Path("reports/retrain.json")
TRAIN_AGAIN = 3
SECONDS_A_DAY = 86_400


def watched(found: Source, now: datetime) -> Watched:
    """The model that answers, and its baseline if the reports are of it.

    Raises:
        InvalidBundle: it is broken.
    """
    measured = found.evaluation and found.evaluation["metrics"]
    return Watched(
        Bundle.load(found.folder),
        found.version,
        (now.timestamp() - found.created) / SECONDS_A_DAY,
        {name: measured[name]["value"] for name in METRICS} if measured else None,
    )


def text(found: Check, model: Watched, settings: DriftSettings, address: str) -> str:
    """The check in a few lines, for a person."""
    rows, days = found.comparison.rows, f"{settings.window_days:g} days"
    lines = [
        f"Model {model.version}, {model.age_days:.0f} days old; log at {address}",
        f"Predictions of the last {days}: {rows:,} customers, {found.scored:,} answered by it",
        f"Drift: {_drift(found)}",
        f"Quality: {_quality(found, model, settings)}",
        *_estimated(found),
    ]
    if not found.decision.retrain:
        return "\n".join([*lines, "No need to train again."])
    reasons = [f"- {reason}" for reason in found.decision.reasons]
    return "\n".join([*lines, "Train again:", *reasons])


def _drift(found: Check) -> str:
    drifts = found.comparison.drifts
    if not drifts:
        return "nothing is known, there are no predictions"
    name, strongest = next(iter(drifts.items()))
    few = "" if found.comparison.rows >= FEWEST else f", of too few to act upon (below {FEWEST})"
    return f"{found.comparison.level}; the strongest is {name}, PSI {strongest.psi:.3f}{few}"


def _quality(found: Check, model: Watched, settings: DriftSettings) -> str:
    days = f"{settings.outcome_days:g} days"
    if model.baseline is None:
        return "nothing to hold it against, the reports here are not of this model"
    if found.quality is None:
        return f"too few outcomes of the last {days} are known ({found.known:,})"
    changes = found.quality.metrics
    values = (f"{one} {changes[one].value:.3f} ({changes[one].baseline:.3f})" for one in METRICS)
    return f"{', '.join(values)} on {found.quality.n:,} customers of the last {days}"


def _estimated(found: Check) -> Iterator[str]:
    if found.estimated.metrics:
        expected = found.estimated.metrics.items()
        values = ", ".join(f"{name} {one.value:.3f}" for name, one in expected)
        yield f"To be expected of the last customers: {values}"


def run(environment: Mapping[str, str], now: datetime) -> bool:
    """Check, write the report, say what was found; whether to train again.

    Raises:
        ChurnError: there is no such model or no log, or they are not of one table.
    """
    settings = read_parameters(PARAMS).drift
    url, periods = database_url(environment), Periods.before(now, settings)
    forced = environment.get("FORCE", "") not in ("", "0")
    with tempfile.TemporaryDirectory() as folder:
        found = source(environment.get("MODEL") or "models/churn", Path(folder) / "model")
        model = watched(found, now)
    with closing(PredictionLog.open(url)) as log:
        logged = log.read(periods.since, periods.until)
    address = shown(parsed(url))
    checked = check(logged, model, periods, settings, address, forced=forced)
    write_json(REPORT, report(checked, model, now))
    print(text(checked, model, settings, address))
    return checked.decision.retrain


def report(found: Check, model: Watched, now: datetime) -> dict[str, Any]:
    """What `reports/retrain.json` holds."""
    return {
        "moment": now.isoformat(),
        "model_version": model.version,
        "model_age_days": round(model.age_days, 3),
        **found.summary(),
    }


def main() -> None:
    """Check; the exit status says what came of it."""
    try:
        retrain = run(os.environ, datetime.now(UTC))
    except ChurnError as error:
        sys.exit(f"error: {error}")
    sys.exit(TRAIN_AGAIN if retrain else 0)


if __name__ == "__main__":
    main()
