"""make replay: what the server's own code has logged, scored again in a checkout of two models."""

from __future__ import annotations

import json
import math
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn.bundle import Bundle
from churn.contract import BooleanColumn, CategoryColumn, Column
from churn.errors import NoRepository
from churn.migrating import migrate
from churn.partitions import first_id
from churn.prediction_log import Predicted, PredictionLog
from commands.replay import __main__ as command
from commands.replay.again import replayed
from commands.replay.versions import Versions
from serve.answers import Answers
from serve.batches import BatchOptions, answered_bytes
from serve.exchanges import Exchange
from serve.logged import pairs, predicted
from serve.models import Lineup, Model
from tests.checkout import Checkout
from tests.logged import NOON, prediction
from tests.serve.models import (
    SETTINGS,
    TEST001,
    UNSCORABLE,
    challenging,
    of,
    requests,
    some,
    telco,
)
from tests.small import TELCO

TELCO_PY = "src/churn/features/telco.py"
MINUTE = timedelta(minutes=1)


def answered(model: Model, customers: Sequence[dict[str, Any]], first: int = 0) -> list[Predicted]:
    """What the server logs of customers that it can score: one a minute, some after noon."""
    answers = Answers.of(model.customers, SETTINGS)
    raw, line = orjson.dumps(customers), Lineup(model, None, challenging())
    body = answered_bytes(raw, line, answers, BatchOptions(0, True), 10_000, "id").body
    rows = predicted(pairs(Exchange(raw, body, 2.5)), "customer_id", 2.5)
    moments = [NOON + (first + n) * MINUTE for n in range(len(customers))]
    return [
        replace(row, prediction_id=prediction(at=at).prediction_id, predicted_at=at)
        for row, at in zip(rows, moments, strict=False)
    ]


@dataclass(frozen=True)
class World:
    """A checkout whose folder has one model, as its first commit has, and whose release another.

    Attributes:
        checkout: the checkout.
        release: v1.2.0.
        here: the one in the folder.
    """

    checkout: Checkout
    release: Model
    here: Model

    def run(self, url: str, **asked: str) -> subprocess.CompletedProcess[str]:
        own = {k: v for k, v in os.environ.items() if k not in ("PREDICTION", "SINCE", "N")}
        return subprocess.run(
            [sys.executable, "-m", "commands.replay"],
            cwd=self.checkout.folder,
            env={**own, "DATABASE_URL": url, **asked},
            capture_output=True,
            text=True,
            check=False,
        )

    def report(self) -> dict[str, Any]:
        return json.loads((self.checkout.folder / "reports/replay.json").read_text())


def model_of(checkout: Checkout, version: str | None = None) -> Model:
    bundle = Bundle.load(checkout.folder / "models/churn")
    return Model(bundle, version or bundle.sha256[:12], 0.0)


@pytest.fixture(scope="module")
def world(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Not to be changed but for what its test puts back."""
    checkout = reproduced.copied(tmp_path_factory.mktemp("replay") / "checkout")
    here = model_of(checkout)
    checkout.change_params(lambda it: it["model"].update(n_estimators=12))
    checkout.run("dvc", "repro", "-q", "-s", "train")
    checkout.commit("another model")
    checkout.run("git", "tag", "churn@v1.2.0")
    release = model_of(checkout, "v1.2.0")
    checkout.run("git", "revert", "--no-edit", "HEAD")
    checkout.run("dvc", "checkout", "-q", "models/churn")
    return World(checkout, release, here)


@pytest.fixture
def at_home(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same, entered."""
    monkeypatch.chdir(world.checkout.folder)
    return world


@pytest.fixture
def any_url(any_database: str) -> str:
    """Address of an empty log, on each database."""
    migrate(any_database)
    return any_database


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Address of an empty log on SQLite, for what does not depend on the database."""
    address = f"sqlite:///{tmp_path}/log.db"
    migrate(address)
    return address


@pytest.fixture
def ask(at_home: World, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[bool, str]]:
    """Replays in this process: whether all is equal, and what is said."""

    def asked(url: str, **environment: str) -> tuple[bool, str]:
        capsys.readouterr()
        equal = command.run({"DATABASE_URL": url, **environment}, NOON)
        return equal, capsys.readouterr().out

    return asked


def log(url: str, rows: Sequence[Predicted]) -> None:
    with closing(PredictionLog.open(url)) as opened:
        assert opened.add(rows) == len(rows)


def alter(url: str, **columns: object) -> None:
    """Change columns of the first row of a SQLite log behind its back."""
    changes = ", ".join(f'"{name}" = ?' for name in columns)
    first = "(SELECT min(prediction_id) FROM predictions)"
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
        query = f"UPDATE predictions SET {changes} WHERE prediction_id = {first}"  # noqa: S608
        connection.execute(query, (*columns.values(),))


# Equal


def test_rows_of_two_models_have_the_same_bits(world: World, any_url: str):
    models, customers = (world.release, world.here), requests(some(40, seed=3))
    rows = [answered(models[i % 2], [one], i)[0] for i, one in enumerate(customers)]
    log(any_url, rows)

    done = world.run(any_url, SINCE="2026-03-15")

    assert (done.returncode, done.stderr) == (0, "")
    names = {world.here.version: "the folder models/churn", "v1.2.0": "git tag churn@v1.2.0"}
    sha256 = world.release.bundle.sha256
    names["v1.2.0"] += f", bundle {sha256[:12]}"
    lines = [f"{version} ({where}): 20 equal" for version, where in sorted(names.items())]
    assert done.stdout.splitlines() == [*lines, "In all 40: 40 equal"]
    report = world.report()
    assert (report["rows"]["replayed"], report["rows"]["equal"]) == (40, 40)
    assert (report["unequal"], report["next"]) == ([], None)
    version = report["versions"]["v1.2.0"]
    assert version["bundle_sha256"] == sha256
    assert (version["golden_rows"], version["features_changed"]) == ("as at training", [])
    assert "replay.json" not in world.checkout.run("git", "status", "--porcelain")


def test_a_hash_is_looked_for_among_tags_and_commits(world: World, ask, url: str, tmp_path: Path):
    release = world.release.bundle.sha256[:12]
    [of_tag] = answered(world.release, [TEST001], 1)
    log(url, [*answered(world.here, [TEST001]), replace(of_tag, model_version=release)])
    folder = world.checkout.folder / "models/churn"
    folder.rename(tmp_path / "away")

    equal, said = ask(url, SINCE="2026-03-15")

    (tmp_path / "away").rename(folder)
    assert equal
    assert f"{release} (git tag churn@v1.2.0): 1 equal\n" in said
    commits = world.checkout.run("git", "rev-list", "--all").splitlines()
    assert any(f"{world.here.version} (commit {one[:12]}): 1 equal\n" in said for one in commits)


def values_of(column: Column) -> st.SearchStrategy[Any]:
    if isinstance(column, CategoryColumn):
        return st.sampled_from(column.values)
    if isinstance(column, BooleanColumn):
        return st.booleans()
    if column.type == "integer":
        whole = st.integers(int(column.min), int(column.max))
        return whole | whole.map(float)
    low = column.above if column.min is None else column.min
    return st.floats(low, column.max, exclude_min=column.min is None)


REQUIRED = {n: values_of(c) for n, c in TELCO.columns.items() if c.required}
OPTIONAL = {n: values_of(c) for n, c in TELCO.columns.items() if not c.required}
CUSTOMERS = st.lists(
    st.fixed_dictionaries(
        {"customer_id": st.just("C1"), **REQUIRED},
        optional={name: values | st.none() for name, values in OPTIONAL.items()},
    ),
    min_size=1,
    max_size=20,
)


@given(customers=CUSTOMERS)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_customer_has_the_same_bits(at_home: World, any_url: str, customers: list[Any]):
    versions = Versions()
    rows = answered(at_home.here, customers)
    with closing(PredictionLog.open(any_url)) as opened:
        opened.forget(NOON + timedelta(days=400))
        opened.add(rows)
        back = opened.page(first_id(NOON), 100)

    assert [one.status for one in replayed(back, versions)] == ["equal"] * len(rows)


def test_one_prediction_is_told_in_full(world: World, ask, url: str):
    [row] = answered(world.release, [TEST001])
    log(url, [row])

    equal, said = ask(url, PREDICTION=row.prediction_id.upper())

    assert equal
    assert said == (
        f"Prediction {row.prediction_id}, model v1.2.0 "
        f"(git tag churn@v1.2.0, bundle {world.release.bundle.sha256[:12]})\n"
        f"  probability  {row.probability!r} ({row.probability.hex()}): the same bits\n"
        f"  will churn   {str(row.will_churn).lower()}: the same\n"
        f"  risk level   {row.risk_level} (not replayed: its limits are the server's settings of "
        "that day, and not in the bundle)\n"
    )
    assert world.report()["asked"] == {"prediction_id": row.prediction_id}


@pytest.mark.parametrize("at_once", [False, True], ids=["one by one", "one batch"])
def test_many_are_read_page_by_page_and_the_rest_is_told(
    world: World, ask, url: str, monkeypatch: pytest.MonkeyPatch, at_once: bool
):
    rows = answered(world.here, requests(some(23, seed=4)))
    if at_once:
        # The ids of a batch begin with one moment.
        start = rows[1].prediction_id[:24]
        rows[1:] = [
            replace(one, prediction_id=f"{start}{i:012x}") for i, one in enumerate(rows[1:])
        ]
    log(url, rows)
    monkeypatch.setattr(command, "BATCH", 5)
    since = NOON + MINUTE

    # Of the 22 from then on, 12.
    first, said = ask(url, SINCE=since.isoformat(), N="12")
    left = rows[13].prediction_id
    rest, then = ask(url, SINCE=left, N="10")

    assert (first, rest) == (True, True)
    assert said.endswith(f"In all 12: 12 equal\nThere are more: SINCE={left} goes on.\n")
    assert then.endswith("In all 10: 10 equal\n")
    assert ask(url, SINCE="2026-03-15T16:00:00+02:00") == (True, "In all 0: none\n")


def test_each_version_is_fetched_once(world: World, ask, url: str, monkeypatch, tmp_path: Path):
    rows = answered(world.release, requests(some(12, seed=5)))
    log(url, rows)
    monkeypatch.setattr(command, "BATCH", 4)
    loads = []
    load = Bundle.load
    monkeypatch.setattr(Bundle, "load", lambda folder: loads.append(folder) or load(folder))

    equal, _ = ask(url, SINCE="2026-03-15")

    assert equal
    assert len(loads) == 1


# Different


def test_a_probability_one_step_off_is_found(world: World, ask, url: str):
    rows = answered(world.here, requests(some(3, seed=6)))
    log(url, rows)
    off = math.nextafter(rows[0].probability, 1)
    alter(url, probability=off)

    equal, said = ask(url, SINCE="2026-03-15")

    assert not equal
    assert "In all 3: 2 equal, 1 different" in said
    was = rows[0].probability
    assert (
        f"  probability  logged {off!r} ({off.hex()}), found {was!r} ({was.hex()}), 1 ulp apart\n"
        in said
    )
    assert "the row has been altered since it was answered (its bundle is the one" in said
    [told] = world.report()["unequal"]
    assert (told["prediction_id"], told["cause"]) == (rows[0].prediction_id, "altered")
    assert (told["probability"]["ulps"], told["values"]) == (1, json.dumps(dict(rows[0].values)))


def test_a_value_changed_in_the_log_is_found(world: World, ask, url: str):
    rows = answered(world.release, [{**TEST001, "support_calls": 0}])
    log(url, rows)
    alter(url, values=json.dumps({**rows[0].values, "support_calls": 9}))

    equal, said = ask(url, PREDICTION=rows[0].prediction_id)

    assert not equal
    assert "probability  logged " in said and " ulp apart" in said
    assert "or git tag churn@v1.2.0 names another bundle than then" in said


def test_a_decision_changed_in_the_log_is_found(world: World, ask, url: str):
    [row] = answered(world.here, [TEST001])
    log(url, [row])
    alter(url, will_churn=not row.will_churn)

    equal, said = ask(url, PREDICTION=row.prediction_id)

    assert not equal
    assert "the same bits" in said
    logged, found = str(not row.will_churn).lower(), str(row.will_churn).lower()
    assert f"  will churn   logged {logged}, found {found}\n" in said


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ('{"age": 300}', "refuses what is logged: age: 300 is too high (allowed: "),
        ('{"age": 42', "the logged values cannot be read: "),
        ('{"age": 42, "age": 43}', "the logged values have 'age' more than once"),
        ("null", "null is no customer"),
        ('{"customer_id": "A"}', "unknown field"),
    ],
)
def test_what_the_contract_refuses_is_told(world: World, ask, url: str, values: str, says: str):
    rows = answered(world.here, requests(some(2, seed=7)))
    log(url, rows)
    alter(url, values=values)

    equal, said = ask(url, SINCE="2026-03-15")

    assert not equal
    assert "In all 2: 1 equal, 1 refused" in said
    assert says in said
    assert says in world.report()["unequal"][0]["problem"]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Bundle], Model]:
    """Enters a repository that has nothing but this model in its folder."""

    def of_bundle(bundle: Bundle) -> Model:
        made = Checkout(tmp_path / "clone")
        bundle.save(made.folder / "models/churn")
        made.run("git", "init", "-q")
        made.run("git", "commit", "-q", "--allow-empty", "-m", "none")
        monkeypatch.chdir(made.folder)
        return Model(bundle, bundle.sha256[:12], 0.0)

    return of_bundle


def test_a_row_that_cannot_be_scored_harms_no_other(clone, url: str):
    rows = answered(clone(of("limitless")), requests(some(3, seed=8)))
    log(url, rows)
    alter(url, values=json.dumps({**rows[0].values, "monthly_charges": UNSCORABLE}))

    with closing(PredictionLog.open(url)) as opened:
        found = replayed(opened.page(first_id(NOON), 10), Versions())

    assert [one.status for one in found] == ["refused", "equal", "equal"]
    assert str(found[0].problem).startswith("it cannot be scored: feature ")


def test_golden_rows_that_score_otherwise_point_to_the_machine(clone, url: str, capsys):
    bundle = telco()
    assert bundle.golden is not None
    first, *others = bundle.golden.probabilities
    then = bundle.golden.model_copy(update={"probabilities": (math.nextafter(first, 1), *others)})
    [row] = answered(
        clone(Bundle(bundle.manifest, bundle.reference, bundle.booster, then)), [TEST001]
    )
    log(url, [replace(row, probability=math.nextafter(row.probability, 1))])

    assert not command.run({"DATABASE_URL": url, "PREDICTION": row.prediction_id}, NOON)

    said = capsys.readouterr().out
    assert "1 ulp apart" in said
    assert "Libraries or processor: golden row 0 of the bundle has the probability" in said
    assert "there is no commit to compare the feature functions with" in said


def test_a_model_whose_features_are_gone_is_unusable(clone, url: str, capsys):
    bundle = telco()
    contract = bundle.manifest.contract.model_copy(update={"features": "churn.features.gone"})
    gone = bundle.manifest.model_copy(update={"contract": contract})
    lost = Bundle(gone, bundle.reference, bundle.booster, bundle.golden)
    [row] = answered(clone(bundle), [TEST001])
    lost.save(Path("models/churn"))
    log(url, [replace(row, model_version=lost.sha256[:12])])

    assert not command.run({"DATABASE_URL": url, "SINCE": "2026-03-15"}, NOON)

    said = capsys.readouterr().out
    assert "1 no model: the model of the folder models/churn cannot be used by the code" in said
    assert "churn.features.gone" in said


def test_a_probability_that_is_no_number_is_different(world: World, ask, url: str):
    [row] = answered(world.here, [TEST001])
    log(url, [row])
    alter(url, probability="high")

    equal, said = ask(url, PREDICTION=row.prediction_id)

    assert not equal
    assert f"logged 'high', found {row.probability!r} " in said


def test_no_row_can_hide_itself_from_a_terminal(world: World, ask, url: str):
    [row] = answered(world.here, [TEST001])
    log(url, [replace(row, model_version="v1\x1b[2K\nIn all 1: 1 equal", risk_level="low\r")])

    for asked in ({"PREDICTION": row.prediction_id}, {"SINCE": "2026-03-15"}):
        equal, said = ask(url, **asked)
        assert not equal
        assert "\x1b" not in said and "\nIn all 1: 1 equal" not in said
        assert r"v1\x1b[2K\nIn all 1: 1 equal" in said


def test_models_that_are_not_here_are_counted(world: World, ask, url: str):
    rows = answered(world.here, requests(some(5, seed=9)))
    names = ["v9.9.9", "0123456789ab", "prod", "v1.2.0", world.here.version]
    log(url, [replace(row, model_version=name) for row, name in zip(rows, names, strict=True)])
    world.checkout.run("git", "tag", "churn#prod#1")

    equal, said = ask(url, SINCE="2026-03-15")

    world.checkout.run("git", "tag", "-d", "churn#prod#1")
    assert not equal
    assert "In all 5: 1 equal, 1 different, 3 no model" in said
    assert "v9.9.9: 1 no model: no git tag churn@v9.9.9 is here. git fetch --tags brings" in said
    assert "0123456789ab: 1 no model: no commit here has a bundle whose hash begins with" in said
    # A stage is no version: no server names one in the log.
    assert "prod: 1 no model: 'prod' is neither a release" in said
    report = world.report()
    assert [one["status"] for one in report["unequal"]] == ["no model"] * 3 + ["different"]
    assert report["versions"]["v9.9.9"]["rows"]["no model"] == 1


def test_features_that_have_changed_since_are_the_cause(world: World, url: str):
    rows = answered(world.release, requests(some(3, seed=10)))
    log(url, rows)
    file = world.checkout.folder / TELCO_PY
    before = file.read_text()
    file.write_text(before.replace("return support_calls /", "return 2 * support_calls /"))
    assert file.read_text() != before

    done = world.run(url, SINCE="2026-03-15")

    file.write_text(before)
    assert (done.returncode, done.stderr) == (4, "")
    assert f"Feature functions have changed since: {TELCO_PY} is not as in commit " in done.stdout
    assert re.search(r"; golden row \d+ of the bundle has the probability", done.stdout)
    report = world.report()
    assert {one["cause"] for one in report["unequal"]} == {"features"}
    assert report["versions"]["v1.2.0"]["features_changed"] == [TELCO_PY]


def test_models_that_no_copy_is_left_of_are_told(
    world: World, ask, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rows = answered(world.here, requests(some(2, seed=11)))
    names = ("v1.2.0", "0123456789ab")
    log(url, [replace(row, model_version=one) for row, one in zip(rows, names, strict=True)])
    monkeypatch.chdir(world.checkout.copied(tmp_path / "bare", cache=False).folder)

    equal, said = ask(url, SINCE="2026-03-15")

    assert not equal
    assert "models/churn of git tag churn@v1.2.0 cannot be fetched: " in said
    assert "of 2 other models neither DVC's cache nor its remote has a copy. Run" in said


# Errors


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, "neither PREDICTION nor SINCE is given"),
        ({"PREDICTION": "x", "SINCE": "2026-01-01"}, "both PREDICTION and SINCE are given"),
        ({"PREDICTION": "x", "N": "5"}, "N goes with SINCE"),
        ({"PREDICTION": "x"}, "PREDICTION=x: it is no UUID"),
        ({"PREDICTION": prediction().prediction_id}, "it has no prediction "),
        ({"SINCE": "yesterday"}, "SINCE=yesterday: it is neither a date nor a moment"),
        ({"SINCE": "0001-01-01T00:00+12:00"}, "neither a date nor a moment"),
        ({"SINCE": "2026-01-01", "N": "0"}, "N=0: it must be a whole number from 1 to"),
        ({"SINCE": "2026-01-01", "N": "1e3"}, "N=1e3: it must be a whole number"),
        ({"SINCE": "2026-01-01", "N": "99999999999"}, "N=99999999999: it must be"),
        (
            {"SINCE": "2026-01-01", "DATABASE_URL": "postgresql://me:hunter2@127.0.0.1:9/churn"},
            r"prediction log at postgresql://me:\*\*\*@127.0.0.1:9/churn: ",
        ),
    ],
)
def test_what_is_asked_wrongly_is_one_error(url: str, monkeypatch, capsys, asked, message):
    for name, value in {"DATABASE_URL": url, **asked}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit, match=message) as ended:
        command.main()

    assert str(ended.value).startswith("error: ")
    assert "\n" not in str(ended.value)
    assert capsys.readouterr().out == ""


def test_outside_a_repository_it_says_so(
    world: World, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    log(url, answered(world.release, [TEST001]))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NoRepository, match="Run this in a clone of the repository"):
        command.run({"DATABASE_URL": url, "SINCE": "2026-03-15"}, NOON)
