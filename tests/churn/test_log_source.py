"""The prediction log as a source: whom it gives, as last asked about, and how it tells of it."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churn.contract import Contract
from churn.errors import LogSchemaOutdated, LogUnreachable, NothingLogged, OtherTableLogged
from churn.log_source import months_before
from churn.migrating import migrate
from churn.parsing import parse
from churn.prediction_log import Feedback, PredictionLog
from churn.settings import PLACEHOLDERS, LogSource
from churn.sources import at
from tests import taken
from tests.logged import prediction
from tests.taken import Taken

UNTIL = datetime(2026, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SOURCE = LogSource(
    kind="prediction_log",
    history=PLACEHOLDERS[0],
    current=PLACEHOLDERS[1],
    months=6,
    current_days=30,
    until=UNTIL,
)
DESCRIBED: dict[str, Any] = {
    "name": "shop",
    "id": "customer",
    "target": {"column": "left", "positive": "gone", "negative": "here"},
    "columns": {
        "visits": {"type": "integer", "required": True},
        "spent": {"type": "number"},
        "member": {"type": "boolean"},
        "plan": {"type": "category", "values": ["A", "B"]},
        "reason": {"type": "category", "after_event": True},
    },
}
SHOP = Contract.model_validate(DESCRIBED)
SENT = {"visits": 3, "spent": 0.1 + 0.2, "member": True, "plan": "A"}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An empty log, at DATABASE_URL."""
    address = f"sqlite:///{tmp_path}/log.db"
    monkeypatch.setenv("DATABASE_URL", address)
    migrate(address)
    with closing(PredictionLog.open(address)) as opened:
        yield opened


def logged(log: PredictionLog, customer: str | None, days: int, **other: Any) -> str:
    """One prediction, some days before `UNTIL`; its id."""
    one = prediction(customer, UNTIL - days * DAY, **{"values": SENT} | other)
    log.add([one])
    return one.prediction_id


def tell(log: PredictionLog, prediction_id: str, days: int = 1, *, churned: bool = True) -> None:
    log.record([Feedback(None, prediction_id, churned, UNTIL - days * DAY)])


def take(part="history", contract: Contract = SHOP, source: LogSource = SOURCE) -> Taken:
    return taken.take(source, contract, part)


def test_the_history_is_who_was_asked_about_and_what_became_of_them(log: PredictionLog):
    tell(log, logged(log, "C1", 100), churned=True)
    tell(log, logged(log, "C2", 90, values={"visits": 4, "plan": None}), churned=False)
    logged(log, "C3", 80)

    assert take().table.to_pylist() == [
        {"customer": "C1", "left": "gone", **SENT, "reason": None},
        {
            "customer": "C2", "left": "here", "visits": 4, "spent": None, "member": None,
            "plan": None, "reason": None,
        },
    ]  # fmt: skip


def test_a_customer_is_there_once_as_last_asked_about(log: PredictionLog):
    for days in (100, 90, 80):
        name = logged(log, "C1", days, values=SENT | {"visits": days})
        if days > 80:
            tell(log, name)

    assert take().table["visits"].to_pylist() == [90]
    assert take("current", source=SOURCE.model_copy(update={"current_days": 365})).table[
        "visits"
    ].to_pylist() == [80]


def test_each_part_has_its_days(log: PredictionLog):
    for days in (200, 170, 20, 0, -1):
        tell(log, logged(log, f"C{days}", days), days=-20 if days < 0 else -1 if days == 0 else 1)
    logged(log, "late", 20, number=1)

    history, current = take(), take("current")

    assert history.table["customer"].to_pylist() == ["C170", "C20"]
    assert current.table["customer"].to_pylist() == ["C20", "late"]
    assert current.table.column_names == ["customer", *SHOP.columns]
    assert history.description["since"] == "2026-01-01T00:00:00+00:00"
    assert current.description["since"] == "2026-06-01T00:00:00+00:00"


def test_what_was_not_known_then_is_not_known(log: PredictionLog):
    tell(log, logged(log, "C1", 100))
    tell(log, logged(log, "C2", 100, number=1), days=0)

    assert take().table["customer"].to_pylist() == ["C1"]


def test_values_are_those_of_the_request(log: PredictionLog):
    sent = [
        {"visits": 3, "spent": -0.0, "member": False, "plan": "b "},
        {"visits": "2,159", "spent": 5e-324, "member": "Yes", "plan": "A"},
        {"visits": 4.0, "spent": 7, "member": 1, "plan": None},
    ]
    for number, values in enumerate(sent):
        tell(log, logged(log, f"C{number}", 50 - number, values=values))

    table = take().table
    read = {name: parse(table[name], SHOP.columns[name]).values.tolist() for name in sent[0]}

    assert str(read["spent"]) == "[-0.0, 5e-324, 7.0]"
    assert (read["visits"], read["member"]) == ([3, 2159, 4], [0, 1, 1])
    assert read["plan"] == ["B", "A", None]


def test_predictions_without_a_customer_count_only_where_the_table_has_no_ids(log: PredictionLog):
    for number in range(3):
        tell(log, logged(log, None, 50, number=number))

    with pytest.raises(NothingLogged, match=r"of 3 predictions from 2026-01-01T.* none has both"):
        take()
    nameless = Contract.model_validate(DESCRIBED | {"id": None})
    assert len(set(take(contract=nameless).table["row_number"].to_pylist())) == 3


def test_the_manifest_says_what_was_taken_and_no_secret(log: PredictionLog, tmp_path: Path):
    tell(log, logged(log, "C1", 100, model_version="v2"))
    tell(log, logged(log, "C2", 90, model_version="v1"))
    logged(log, None, 80)

    assert take().description == {
        "source": "prediction_log",
        "address": "sqlite:///log.db",
        "since": "2026-01-01T00:00:00+00:00",
        "until": "2026-07-01T00:00:00+00:00",
        "predictions": 3,
        "model_versions": {"v1": 1, "v2": 1},
        "rows": 2,
        "columns": ["customer", "left", "visits", "spent", "member", "plan", "reason"],
    }


def test_without_recent_predictions_there_are_no_recent_customers(log: PredictionLog):
    assert take("current").table.num_rows == 0


def test_the_moment_is_filled_in_once():
    open_end = SOURCE.model_copy(update={"until": None})
    assert at(open_end, UNTIL) == SOURCE
    assert at(SOURCE, UNTIL + DAY) == SOURCE
    with pytest.raises(ValueError, match="no moment yet"):
        take(source=open_end)


@pytest.mark.parametrize(
    ("moment", "months", "before"),
    [
        (datetime(2026, 7, 1), 6, datetime(2026, 1, 1)),
        (datetime(2026, 3, 31), 1, datetime(2026, 2, 28)),
        (datetime(2026, 1, 15), 13, datetime(2024, 12, 15)),
    ],
)
def test_months_are_counted_by_the_calendar(moment, months, before):
    assert months_before(moment, months) == before


def test_a_log_without_outcomes_is_told(log: PredictionLog):
    logged(log, "C1", 100)
    message = r"log at sqlite:.*: of 1 predictions from .* to .* none has .* Send outcomes to POST"
    with pytest.raises(NothingLogged, match=message):
        take()


def test_a_log_of_another_table_is_told(log: PredictionLog):
    tell(log, logged(log, "C1", 100, values={"age": 40}))
    message = "what is logged is not of table shop: no prediction has visits; there are age. Set "
    with pytest.raises(OtherTableLogged, match=message):
        take()
    optional = {"columns": {"spent": {"type": "number"}, "plan": {"type": "category"}}}
    with pytest.raises(OtherTableLogged, match="no prediction has spent, plan; there are age"):
        take(contract=Contract.model_validate(DESCRIBED | optional))


def test_a_log_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(LogSchemaOutdated, match="no server has written there"):
        take()
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:hunter2@127.0.0.1:9/churn")
    with pytest.raises(LogUnreachable, match="Connection refused"):
        take()
