"""A model's life: released, promoted, served, replaced, taken back, and every answer replayed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from churn.errors import PromotionRefused
from churn.params import read_parameters
from commands.promote import Wish, promote
from commands.rollback import rollback
from tests.checkout import Checkout
from tests.serve.by_make import served_by_make
from tests.serve.models import CUST001
from tests.serve.running import Address
from tests.waiting import until

pytestmark = pytest.mark.whole

KEY = "a key for the tests"


def promoted(version: str, **environment: str) -> None:
    wish = Wish.of({"VERSION": version, "STAGE": "prod", **environment})
    promote(wish, read_parameters(Path("params.yaml")))


def answer(server: Address) -> Any:
    return server.post("/predict", CUST001, X_API_Key=KEY).json


def reloaded(server: Address) -> Any:
    return server.post("/admin/reload", None, X_API_Key=KEY).json["model_version"]


def logged(database: Path) -> list[tuple[str, float]]:
    """Version and probability of every logged prediction, the oldest first."""
    query = "select model_version, probability from predictions order by prediction_id"
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()


def test_released_promoted_served_replaced_taken_back_and_replayed(
    registry: Checkout, tmp_path: Path
):
    # Given two releases, of which v1.1.0 is in production and served,
    promoted("v1.1.0")
    variables = {"MODEL": "prod", "CHURN_API_KEYS": f"admin:{KEY}"}
    with served_by_make(registry.folder, tmp_path / "log", **variables) as server:
        first = answer(server)
        # when the other, which is worse, is to take its place, then it is refused,
        with pytest.raises(PromotionRefused, match="compared with churn#prod#1: worse on log_loss"):
            promoted("v1.0.0")
        # and when that is overridden, then the same server answers with it;
        promoted("v1.0.0", FORCE="1", REASON="to see what callers say")
        assert reloaded(server) == "v1.0.0"
        second = answer(server)
        # when it is taken back, then with the first one again.
        rollback("prod", read_parameters(Path("params.yaml")))
        assert reloaded(server) == "v1.1.0"
        third = answer(server)
        answers = [
            (one["model_version"], one["churn_probability"]) for one in (first, second, third)
        ]
        assert [version for version, _ in answers] == ["v1.1.0", "v1.0.0", "v1.1.0"]
        assert answers[0] == answers[2]
        assert answers[0][1] != answers[1][1]
        database = registry.folder / "predictions/log.db"
        until(lambda: logged(database) == answers, "the answers are logged as they were given")
    # Whatever is checked out, all are replayed to the bit, each by the release that made it.
    told = registry.run("make", "replay", "SINCE=2000-01-01").splitlines()
    assert [line.partition(", bundle ")[0] for line in told] == [
        "v1.0.0 (git tag churn@v1.0.0",
        "v1.1.0 (git tag churn@v1.1.0",
        "In all 3: 3 equal",
    ]
    assert [line.rpartition(": ")[2] for line in told] == ["1 equal", "2 equal", "3 equal"]
