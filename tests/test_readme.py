"""README.md is true: its commands run, its files work, its figures are the reports' own."""

from __future__ import annotations

import math
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import requests
from pyarrow import csv

from commands.compose import parameters
from commands.figures.pages import PAGES, filled
from tests.checkout import ROOT, Checkout
from tests.readme import BLOCKS, COMMANDS, QUEUE, README, section, sessions
from tests.s3 import S3
from tests.serve.by_make import served_by_make

# An engine builds the image: tests/image runs what the page shows of it.
IMAGES = [command for command in COMMANDS if command.startswith("make image")]
# tests/stack starts the stack by them.
STACK = [command for session in sessions(section("The whole stack")) for command in session]
# tests/pipelines/test_{score,train}_spark.py run them, in Spark's environment.
SPARK = [
    command
    for command in COMMANDS
    if any(word in command for word in ("ENGINE=spark", "make train-spark", "MODEL=trained/"))
]
# What is replayed has been answered by a server.
REPLAYS = [command for command in COMMANDS if command.startswith("make replay ")]
# `make test` would run this test; the environment is that of the tests already; the server, what it
# has logged, releases, and DVC's queue (tests/pipelines/test_queue.py) have tests of their own.
NOT_RUN = (
    *("make test", "source .venv/bin/activate", "make serve"),
    *(*REPLAYS, *QUEUE, *IMAGES, *SPARK, *STACK),
)
# These want everything to be committed, and the reader of the page has just written files.
RELEASE = [one for one in COMMANDS if one.startswith(("make release", "make promote"))]
# What a team does with two clones.
DATA_VERSIONS = section("Data versions")
# What is shown of the server, and the program that runs it.
CALLS = {"sh": ["sh", "-euc"], "python": [sys.executable, "-c"], "js": ["node", "--eval"]}
# The searches of the page, over spaces in which they take a moment.
SMALL_SEARCH = {"folds": 2, "space": {"max_depth": [1, 2], "n_estimators": [5, 10]}}
# Files that the page names and its reader makes, by hand or by a command of which the page tells.
OF_THE_READER = (
    *("conf/table/mobile.yaml", "incoming/", "mlruns/", "predictions/", "secrets/", "trained/"),
    *("reports/retrain.json", "reports/replay.json", "reports/demo.html"),
    *("reports/pull_request.md", "reports/challenger.md"),
)


def give_origin(checkout: Checkout, folder: Path) -> None:
    """What a clone has: a git remote of name origin, whose branch main it follows."""
    checkout.run("git", "init", "-q", "--bare", "-b", "main", str(folder))
    checkout.run("git", "remote", "add", "origin", str(folder))
    checkout.run("git", "push", "-q", "--set-upstream", "origin", "main")


def give_remotes(checkout: Checkout, folder: Path) -> None:
    """What a team has: a git remote, and a DVC remote."""
    give_origin(checkout, folder / "origin")
    checkout.run("dvc", "remote", "add", "-q", "--local", "-d", "store", str(folder / "store"))


@pytest.mark.whole
def test_every_command_runs_in_the_order_of_the_page(checkout: Checkout, tmp_path: Path):
    # Given the files that the page tells to write,
    files = {text.split()[1]: text for language, text in BLOCKS if language in ("yaml", "python")}
    assert [*files] == [
        *("why.py", "ask.py", "conf/table/mobile.yaml", "conf/source/sql.yaml"),
        "src/churn/features/mobile.py",
    ]
    for name, text in files.items():
        (checkout.folder / name).write_text(text)
    for search in ("grid", "optuna"):
        checkout.change_yaml(f"conf/search/{search}.yaml", lambda it: it.update(SMALL_SEARCH))
    give_remotes(checkout, tmp_path)
    # when every command is run, then each succeeds.
    said = {
        command: checkout.run(*shlex.split(command))
        for session in sessions(README.replace(DATA_VERSIONS, ""))
        for command in session
        if command not in (*NOT_RUN, *RELEASE)
    }
    assert re.search(r"^[AB] (is|and B are) .*\.$", said["make compare B=grid-1"], re.MULTILINE)
    kept = next(text for _, text in BLOCKS if text.startswith("Changes for experiment"))
    told = "".join(said[one] for one in said if re.match("dvc exp (apply|branch|push)", one))
    assert all(line in told for line in kept.splitlines())
    assert re.fullmatch(r"\d+%\n(\w+ is .+: [+-]\d\.\d\d\n){3}", said["python why.py"])
    # The last ones ran the page's own table; its feature can be added.
    assert '"rows_in": 600' in (checkout.folder / "reports/rows.json").read_text()
    checkout.change_params(lambda p: p["table"].update(features="churn.features.mobile"))
    assert checkout.stage("featurize").returncode == 0
    made = pq.read_schema(checkout.folder / "data/features/train.parquet")
    assert "complaints_per_month" in made.names


@pytest.mark.whole
def test_new_customers_reach_a_colleague_who_builds_nothing(
    checkout: Checkout, s3: S3, tmp_path: Path
):
    made, kept, came, elsewhere = sessions(DATA_VERSIONS)

    def done(clone: Checkout, commands: Sequence[str]) -> list[str]:
        return [clone.run(*shlex.split(command)) for command in commands]

    # Given a bucket, and a team whose customers are those of a file,
    s3.client.create_bucket(Bucket="our-bucket")
    give_origin(checkout, tmp_path / "origin")
    endpoint = f"dvc remote modify store endpointurl {s3.url}"
    done(checkout, [made[0], endpoint, *made[1:]])
    colleague = Checkout(tmp_path / "colleague")
    checkout.run("git", "clone", "-q", str(tmp_path / "origin"), str(colleague.folder))
    checkout.change_yaml("conf/config.yaml", lambda it: it["defaults"][1].update(source="csv"))
    history = checkout.folder / "incoming/history.csv"
    history.parent.mkdir()
    history.write_text("customer_id\n")
    done(checkout, kept)
    # when another file comes,
    rows = pq.read_table(checkout.folder / "data/raw/history.parquet")
    csv.write_csv(rows.slice(0, 1500), history)
    _, _, differs, pushed, *_ = done(checkout, came)
    # then it is told what is other, and that goes to the remote,
    assert re.search(r"^history, rows in +\d+ +1500$", differs, re.MULTILINE)
    assert re.search(r"^None of \d+ columns has moved\.$", differs, re.MULTILINE)
    assert re.search(r"\d+ files pushed", pushed)
    assert checkout.run("git", "status", "--porcelain") == ""
    # and a colleague has it, the file too, and nothing to build.
    *_, pulled, repro, same = done(colleague, elsewhere)
    assert "incoming/history.csv" in pulled
    assert "Running stage" not in repro
    assert colleague.outs() == checkout.outs()
    assert same.splitlines()[1:] == differs.splitlines()[1:]
    assert colleague.run("git", "status", "--porcelain") == ""


@pytest.mark.whole
def test_a_release_says_what_the_page_shows(checkout: Checkout):
    shown = next(text for language, text in BLOCKS if text.startswith("Released"))
    commit = checkout.run("git", "rev-parse", "--short", "HEAD").strip()

    said, promoted = (checkout.run(*shlex.split(one)) for one in RELEASE)

    # The tests have no MLflow.
    expected = re.sub(r"on \w+\nMLflow .*", f"on {commit}", shown, count=1)
    assert said == expected
    assert promoted.startswith("v1.0.0 is in prod: the git tag churn#prod#1\n")


@pytest.fixture
def address(reproduced: Checkout, tmp_path: Path) -> Iterator[str]:
    """Of the server as the page starts it, on a port that is free."""
    with served_by_make(reproduced.folder, tmp_path / "log") as server:
        yield f"127.0.0.1:{server.port}"


def test_every_call_of_the_server_is_answered(address: str):
    said = {}
    for language, program in CALLS.items():
        text = next(t for name, t in BLOCKS if name == language and "8000/predict" in t)
        command = [*program, text.replace("127.0.0.1:8000", address)]
        if language == "js":
            command.insert(1, "--input-type=module")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        said[language] = done.stdout

    assert re.search(
        r'"customer_id":"CUST001","churn_probability":0\.\d+,"will_churn":', said["sh"]
    )
    assert re.match(r"(low|medium|high) \w.*\n(\w+ .+ -?0\.\d+\n){3}", said["python"])
    assert re.match(r"\d \[ 0\.\d+, 0\.\d+ \]\n", said["js"])


def test_an_outcome_from_before_the_prediction_is_unknown(address: str):
    text = next(t for name, t in BLOCKS if name == "sh" and "/feedback" in t)

    command = [*CALLS["sh"], text.replace("127.0.0.1:8000", address)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert '"unknown":1' in done.stdout


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What depends on the customer and the model.
OWN = (
    *((UUID, "ID"), (re.compile(r"0x1\.[0-9a-f]+p-\d+"), "HEX"), (re.compile(r"0\.\d+"), "SHARE")),
    *((re.compile(r"\b[0-9a-f]{12}\b"), "HASH"), (re.compile(r"\b\d+\b"), "ROWS")),
    *((re.compile(r"\b(true|false)\b"), "FLAG"), (re.compile(r"\b(low|medium|high)\b"), "LEVEL")),
)


def shape(text: str) -> str:
    """A text without what depends on the customer and the model."""
    for pattern, word in OWN:
        text = pattern.sub(word, text)
    return text


@pytest.mark.whole
def test_what_is_answered_is_replayed(address: str, reproduced: Checkout, checkout: Checkout):
    customer = {"age": 42, "tenure_months": 2, "monthly_charges": 89.99, "support_calls": 5}
    asked = {"customer_id": "R1", **customer}
    answer = requests.post(f"http://{address}/predict", json=asked, timeout=10).json()
    url = f"sqlite:///{reproduced.folder}/predictions/log.db"
    texts = [text for language, text in BLOCKS if language == "text"]

    for number, command in enumerate(REPLAYS):
        named = UUID.sub(answer["prediction_id"], command)
        said = until_logged(checkout, "env", f"DATABASE_URL={url}", *shlex.split(named))
        shown = texts.index(next(t for t in texts if t.startswith("Prediction "))) + number
        assert shape(said) == shape(texts[shown])
        assert number or repr(answer["churn_probability"]) in said


def until_logged(checkout: Checkout, *command: str) -> str:
    """Run a command once the log has what it asks for: an answer takes a moment to get there."""
    for _ in range(20):
        done = checkout.attempt(*command)
        if "it has no prediction" not in done.stderr:
            break
        time.sleep(0.5)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_every_path_of_the_server_that_is_named_is_there(address: str):
    known = requests.get(f"http://{address}/openapi.json", timeout=10).json()["paths"]
    named = re.findall(r"`(?:GET |POST )?(/[a-z/]+)`", README.partition("## Serve it")[2])
    assert {*named} - {"/docs"} <= known.keys()
    assert len({*named}) >= 6


def test_the_sample_is_from_the_file():
    sample = next(text for language, text in BLOCKS if text.startswith("Customer No"))
    assert (ROOT / "examples/mobile.csv").read_text().startswith(sample)


def test_the_figures_are_those_of_the_reports(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    for page in PAGES:
        text = page.read_text()
        assert filled(page, text) == text


@pytest.mark.parametrize("target", sorted(set(re.findall(r"`make ([\w-]+)", README))))
def test_every_make_target_named_is_there(target: str):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:[\w.]+/)+[\w.]*)`", README))))
def test_every_path_named_is_there(reproduced: Checkout, path: str):
    assert path.startswith(OF_THE_READER) or (reproduced.folder / path).exists()


def test_every_group_of_parameters_stands_there_with_its_choices():
    listed = {
        group: set(re.findall(r"`(\w+)`", choices))
        for group, choices in re.findall(r"^\| `(\w+)` \| (`.*?) \|", README, re.MULTILINE)
    }
    folders = [path for path in (ROOT / "conf").iterdir() if path.is_dir()]
    choices = {folder.name: {path.stem for path in folder.glob("*.yaml")} for folder in folders}
    assert {group: listed[group] for group in choices} == choices


def test_the_grid_has_as_many_combinations_as_the_page_says(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    space = parameters(["search=grid"]).search.space
    assert f"`grid` tries all {math.prod(map(len, space.values()))} combinations" in README
