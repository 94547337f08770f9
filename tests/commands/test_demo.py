"""make demo: a short one from beginning to end, and what it would say of one that went wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from churn.contract import Contract
from churn.errors import DemoLacksServer, DemoNeedsTelco
from churn.story import Retrained, Story
from churn.synthetic import draw
from commands.demo.__main__ import main
from commands.demo.play import Sent
from commands.demo.server import running
from commands.demo.verdict import mistakes
from commands.demo.world import Plan, bodies, customers
from tests.checkout import ROOT, Checkout
from tests.html import assert_self_contained, charts
from tests.small import TELCO, small_parameters, trained
from tests.stories import day, good_story, story

PLAN = Plan(60, 0)
# Learns in a second what the shipped one learns in ten.
MODEL = {"n_estimators": 60, "learning_rate": 0.12}


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-m", "commands.demo", *arguments],
        cwd=folder,
        env={**ours, "PYTHONPATH": f"{ROOT}/src:{ROOT}", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """A folder with the committed parameters, the model made small."""
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    Checkout(tmp_path).change_params(lambda it: it["model"].update(**MODEL))
    return tmp_path


@pytest.fixture
def folder(settled: Path) -> Path:
    """The same with such a model."""
    parameters = small_parameters(4000)
    drawn = draw(parameters.source, "history")
    model = trained(TELCO, drawn.columns, drawn.churned * 1.0, n_estimators=60, learning_rate=0.12)
    model.bundle.save(settled / "models/churn")
    return settled


@pytest.mark.whole
def test_a_short_demo_goes_as_it_should(folder: Path):
    done = run(folder, "--customers", "60")

    assert done.returncode == 0, done.stderr
    assert "Day 20: the world changes\nDay 2" in done.stdout
    assert "a new model, of" in done.stdout
    assert done.stdout.endswith("reports/demo.html\n")
    page = (folder / "reports/demo.html").read_text()
    assert_self_contained(page)
    assert len(charts(page)) == 3
    assert "monthly_charges has drifted: PSI" in page
    assert "No requests failed" in page
    assert "had the old model gone on" in page
    # Nothing of it stays but the page.
    assert {one.name for one in folder.iterdir()} == {"params.yaml", "models", "reports"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--customers", "3"], "--customers: 3 is too few; give 50 or more"),
        (["--seed", "-1"], "--seed: -1 is below 0"),
    ],
)
def test_impossible_arguments_are_refused(arguments, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["demo", *arguments])

    with pytest.raises(SystemExit, match="2"):
        main()

    assert said in capsys.readouterr().err


def test_without_a_model_there_is_one_line(settled: Path):
    done = run(settled, MODEL="nowhere")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: MODEL=nowhere")
    assert done.stderr.count("\n") == 1


def test_a_database_that_cannot_be_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["demo"])
    monkeypatch.setenv("DATABASE_URL", "mysql://x/y")

    with pytest.raises(SystemExit, match=r"^error: DATABASE_URL: mysql is not supported"):
        main()


def test_a_server_that_does_not_start_is_an_error_with_its_last_line(tmp_path: Path):
    with (
        pytest.raises(DemoLacksServer, match=r"the last line of its log: error: MODEL="),
        running(tmp_path / "nothing", tmp_path, f"sqlite:///{tmp_path}/log.db"),
    ):
        pass


def test_a_model_of_another_table_is_refused():
    described = TELCO.model_dump(mode="json", by_alias=True)
    described["columns"].pop("age")
    other = Contract.model_validate({**described, "name": "other", "features": None})

    with pytest.raises(DemoNeedsTelco, match="the model is of other; different are: age"):
        bodies(customers(PLAN, 1), other)


def test_the_same_plan_has_the_same_customers_and_another_day_others():
    one, same, other = customers(PLAN, 1), customers(PLAN, 1), customers(PLAN, 2)

    assert one.ids.tolist() == same.ids.tolist()
    assert one.probability.tobytes() == same.probability.tobytes()
    assert not set(one.ids) & set(other.ids)


def test_customers_are_sent_as_json_without_what_is_missing():
    drawn = customers(PLAN, 30)

    sent = bodies(drawn, TELCO)

    unmeasured = np.flatnonzero(np.isnan(drawn.columns["data_usage_gb"])).tolist()
    assert [i for i, one in enumerate(sent) if "data_usage_gb" not in one] == unmeasured != []
    assert type(sent[0]["age"]) is int
    assert type(sent[0]["phone_service"]) is bool


def said(told: Story, failed=(), sent=("p1", "p2"), logged=("p1", "p2")) -> list[str]:
    days = [Sent(customers(PLAN, 1), list(sent), [0, 1])]
    return [*mistakes(told, list(failed), days, pa.table({"prediction_id": list(logged)}))]


def test_of_a_demo_that_went_well_nothing_is_said():
    assert said(good_story()) == []


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (good_story(alarm=19), "an alarm on day 19, before the shift on day 20: age has drifted"),
        (good_story(alarm=25), "the alarm came 5 days after the shift; 4 are allowed"),
        (story([day() for _ in range(60)]), "there was no alarm"),
        (good_story(retrained=None), "no new model was made"),
        (good_story(retrained=Retrained(52, 9)), "the new model came on day 52, too late"),
        (
            story([*good_story().days[:44], *[day()] * 16], retrained=Retrained(45, 9)),
            "accuracy is not back: 1.000, the old model's 1.000",
        ),
    ],
)
def test_what_went_wrong_is_said(told, expected):
    assert any(one.startswith(expected) for one in said(told)), said(told)


def test_failed_requests_and_predictions_that_are_not_logged_once_are_said():
    assert said(good_story(), failed=["/predict: 503", "x"]) == [
        "2 requests failed, the first: /predict: 503"
    ]
    assert said(good_story(), logged=["p1", "p1"]) == [
        "of 2 predictions, 2 are not in the log once"
    ]
