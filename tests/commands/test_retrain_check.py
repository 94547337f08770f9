"""make retrain-check: from a real log and the model of a real checkout to an exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from churn.bundle import Bundle
from churn.errors import ModelNotFound, UnusableDatabaseUrl
from churn.migrating import migrate
from churn.prediction_log import Feedback, PredictionLog
from churn.scoring import Scorer
from churn.synthetic import draw
from commands.retrain_check import run
from tests.checkout import Checkout
from tests.logged import served
from tests.small import small_parameters

ROWS = 900
DAY = timedelta(days=1)


class World:
    """A checkout, a log, and what the command makes of them."""

    def __init__(self, checkout: Checkout, url: str) -> None:
        self.checkout = checkout
        self.url = url

    def fill(self, drift: str, *, scrambled: bool = False) -> None:
        """Log customers of the last six days, with their outcomes or with any."""
        source = small_parameters(1, current_rows=ROWS).source
        drawn = draw(source.model_copy(update={"drift": drift}), "current")
        now = datetime.now(UTC)
        moments = [now - 6 * DAY + 5 * DAY * row / ROWS for row in range(ROWS)]
        bundle = Bundle.load(self.checkout.folder / "models/churn")
        made = served(Scorer(bundle), drawn, moments, bundle.sha256[:12])
        churned = np.random.default_rng(0).random(ROWS) < 0.3 if scrambled else drawn.churned
        told = [
            Feedback(None, one.prediction_id, bool(left), now)
            for one, left in zip(made, churned, strict=True)
        ]
        with closing(PredictionLog.open(self.url)) as log:
            assert log.add(made) == ROWS
            log.record(told)

    def check(self, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "commands.retrain_check"],
            cwd=self.checkout.folder,
            env={**os.environ, "DATABASE_URL": self.url, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def report(self) -> dict:
        return json.loads((self.checkout.folder / "reports/retrain.json").read_text())


@pytest.fixture
def world(checkout: Checkout, any_database: str) -> World:
    """A checkout with an empty log, on each database."""
    migrate(any_database)
    return World(checkout, any_database)


@pytest.fixture
def small(checkout: Checkout, tmp_path: Path) -> World:
    """A checkout with an empty log on SQLite, for what does not depend on the database."""
    url = f"sqlite:///{tmp_path}/log.db"
    migrate(url)
    return World(checkout, url)


def test_as_long_as_the_world_is_the_same_there_is_no_need(world: World):
    world.fill("none")

    done = world.check()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("No need to train again.\n")
    assert f"the last 7 days: {ROWS} customers, {ROWS} answered by it" in done.stdout
    found = world.report()
    assert (found["retrain"], found["reasons"], found["level"]) == (False, [], "ok")
    assert found["rows"] == {"window": ROWS, "scored_by_this_model": ROWS, "with_outcome": ROWS}
    assert found["model_version"] in done.stdout
    assert 0 <= found["model_age_days"] < 1
    assert datetime.now(UTC) - datetime.fromisoformat(found["moment"]) < DAY
    status = world.checkout.run("git", "status", "--porcelain")
    assert "retrain.json" not in status


def test_another_world_is_a_reason_to_train_again(small: World):
    small.fill("strong")

    done = small.check()

    assert (done.returncode, done.stderr) == (3, "")
    assert "Train again:\n- monthly_charges has drifted: PSI" in done.stdout
    assert small.report()["reasons"][0].startswith("monthly_charges has drifted")


def test_worse_outcomes_are_a_reason(small: World):
    small.fill("none", scrambled=True)

    done = small.check()

    assert done.returncode == 3
    assert "roc_auc is worse by" in done.stdout
    assert "has drifted" not in done.stdout


def test_of_an_empty_log_it_says_so(small: World):
    done = small.check()

    assert (done.returncode, done.stderr) == (0, "")
    assert "0 customers, 0 answered by it\nDrift: nothing is known" in done.stdout
    assert "too few outcomes of the last 30 days are known (0)" in done.stdout


def test_age_and_a_wish_are_reasons(small: World):
    wish = small.check(FORCE="1")
    model = small.checkout.folder / "models/churn/bundle.json"
    old = time.time() - 40 * 86_400
    os.utime(model, (old, old))
    age = small.check(FORCE="0")

    assert (wish.returncode, age.returncode) == (3, 3)
    assert wish.stdout.endswith("Train again:\n- asked for\n")
    assert age.stdout.endswith("Train again:\n- the model is 40 days old; 30 are allowed\n")


def test_a_tagged_model_is_watched_under_its_version(tagged: Checkout, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/log.db"
    migrate(url)

    done = World(tagged, url).check(MODEL="prod")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Model v1.2.0, 0 days old")


def test_reports_of_another_model_are_no_baseline(small: World):
    small.fill("none", scrambled=True)
    reports = small.checkout.folder / "reports/evaluation.json"
    reports.write_text("{}")

    done = small.check()

    assert done.returncode == 0
    assert "nothing to hold it against" in done.stdout


def test_a_log_that_is_away_is_one_line_and_status_1(small: World):
    done = small.check(DATABASE_URL="postgresql://me:hunter2@127.0.0.1:9/churn")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: prediction log at")
    assert done.stderr.count("\n") == 1
    assert "hunter2" not in done.stderr
    assert not (small.checkout.folder / "reports/retrain.json").exists()


@pytest.mark.parametrize(
    ("environment", "error", "message"),
    [
        (
            {"DATABASE_URL": "mysql://x/y"},
            UnusableDatabaseUrl,
            "DATABASE_URL: mysql is not supported",
        ),
        ({"DATABASE_URL": "sqlite:///log.db", "MODEL": "v9"}, ModelNotFound, "MODEL=v9: "),
    ],
)
def test_what_cannot_be_is_refused(
    reproduced: Checkout, monkeypatch: pytest.MonkeyPatch, environment, error, message
):
    monkeypatch.chdir(reproduced.folder)
    with pytest.raises(error, match=message):
        run(environment, datetime.now(UTC))
