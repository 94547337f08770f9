"""`make champion`: which model is the champion, on whom it is compared, and what may be missing."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from churn.bundle import Bundle
from churn.champion import Change, Comparison
from churn.contract import Contract
from churn.errors import (
    ChampionLacksColumns,
    InvalidBundle,
    NoRepository,
    NotWithinReach,
    OtherRows,
    OtherTable,
    RowsMissing,
    StaleModel,
    UnusableChampion,
)
from churn.files import read_parquet, write_parquet
from churn.params import read_parameters
from churn.splitting import is_test
from commands import champion
from commands.tags import git
from tests.checkout import Checkout

TAG = "churn#prod"


def run(checkout: Checkout) -> subprocess.CompletedProcess[str]:
    return checkout.attempt(sys.executable, "-m", "commands.champion")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints in the folder in which the test runs."""
    champion.champion(read_parameters(Path("params.yaml")))
    return capsys.readouterr().out


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def tag(checkout: Checkout, name: str = TAG) -> None:
    checkout.run("git", "tag", name)


@pytest.fixture
def inside(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout with a champion, in whose folder the test itself runs."""
    tag(checkout)
    monkeypatch.chdir(checkout.folder)
    return checkout


# which model is the champion


def test_without_a_tag_there_is_no_champion_and_no_error(checkout: Checkout):
    done = run(checkout)

    assert done.returncode == 0
    assert done.stdout.startswith("there is no champion yet: no commit has the git tag churn#prod")


def test_without_git_there_is_no_telling(inside: Checkout):
    shutil.rmtree(inside.folder / ".git")

    done = run(inside)

    assert done.returncode == 1
    assert done.stderr.startswith("error: git does not know the models' tags: fatal: not a git")
    assert done.stderr.count("\n") == 1
    with pytest.raises(NoRepository, match="Run this in a clone"):
        git("tag")


# on whom, and what is said


def test_the_same_model_is_not_compared(inside: Checkout, capsys):
    assert said(capsys) == (
        "Champion: churn#prod. Challenger: the working tree.\n"
        "They are the same model: there is nothing to compare.\n"
    )


def decide_otherwise(checkout: Checkout) -> None:
    """Train the champion's trees again, with another threshold."""
    checkout.change_params(lambda given: given["decision"].update(method="fixed", threshold=0.5))
    assert checkout.stage("train").returncode == 0


def test_other_decisions_alone_are_no_gain_in_what_the_probabilities_say(inside: Checkout, capsys):
    decide_otherwise(inside)

    text = said(capsys)

    rows = read_parquet(champion.TEST).num_rows
    assert f"On {rows} customers held out from both models" in text
    assert re.search(r"^log_loss +0\.\d{4} +0\.\d{4} +\+0\.0000 +\+0\.0000 – ", text, re.MULTILINE)
    assert "Verdict on log_loss: no worse\nThe challenger may not be promoted:\n" in text
    assert "Note:" not in text


def test_a_better_model_may_be_promoted(inside: Checkout, capsys):
    # Given a champion that asks one question,
    inside.change_params(lambda given: given["model"].update(n_estimators=1, max_depth=1))
    assert inside.stage("train").returncode == 0
    inside.run("dvc", "commit", "-q", "-f", "train")
    inside.commit("one question")
    tag(inside, "churn#prod#1")
    # when the model of the commit before is held against it,
    inside.run("git", "checkout", "-q", "HEAD~1", "--", "dvc.lock", "params.yaml")
    inside.run("dvc", "checkout", "-q", "models/churn")
    text = said(capsys)
    # then that wins.
    assert text.startswith("Champion: churn#prod#1.")
    assert "Verdict on log_loss: better\nThe challenger may be promoted:\n" in text


def test_only_customers_held_out_by_both_splits_count(inside: Checkout, capsys):
    old = read_parameters(Path("params.yaml")).split
    inside.change_params(lambda given: given["split"].update(salt="other", test_share=0.4))
    for stage in ("featurize", "train"):
        assert inside.stage(stage).returncode == 0

    text = said(capsys)

    ids = read_parquet(champion.TEST).column("customer_id").to_pylist()
    both = int(is_test(ids, old).sum())
    assert 0 < both < len(ids) / 2
    assert f"On {both} customers held out from both models" in text


def test_a_champion_that_scores_otherwise_than_at_training_is_mentioned(inside: Checkout):
    decide_otherwise(inside)
    module = Path("src/churn/features/telco.py")
    # a thought changes no number
    module.write_text(f"{module.read_text()}# A thought.\n")
    assert "Note:" not in run(inside).stdout
    # another year does
    module.write_text(module.read_text().replace("tenure_months / 12", "tenure_months / 13"))

    done = run(inside)

    assert done.returncode == 0
    note = "Note: the champion does not score as it did when it was trained: golden row "
    assert note in done.stdout


@pytest.mark.parametrize(("promote", "may"), [(True, "may be"), (False, "may not be")])
def test_the_text_says_what_changes_and_what_follows(promote, may):
    change = Change(champion=0.5, challenger=0.45, difference=-0.05, low=-0.08, high=-0.02)
    found = Comparison(
        n=400,
        churners=90,
        metric="log_loss",
        changes={"log_loss": change},
        slices=(),
        verdict="better",
        more_customers=None,
        promote=promote,
        reasons=("one", "two"),
    )

    assert champion.text(found) == "\n".join(
        [
            "On 400 customers held out from both models, 90 of them churners:",
            "",
            "metric               champion  challenger  difference   95 % interval",
            "log_loss               0.5000      0.4500     -0.0500   -0.0800 – -0.0200",
            "(less is better in log_loss, brier, calibration_error)",
            "",
            "Verdict on log_loss: better",
            f"The challenger {may} promoted:",
            "- one",
            "- two",
        ]
    )


# what may be missing


def test_a_champion_that_is_in_no_cache_is_told(inside: Checkout):
    shutil.rmtree(".dvc/cache")

    with pytest.raises(NotWithinReach, match=r"churn#prod cannot be fetched: .*run dvc push"):
        champion.fetched(TAG)


def test_the_champion_comes_from_the_remote_of_today(inside: Checkout, tmp_path: Path):
    # Given a remote that the champion's commit knows nothing of, and no cache,
    inside.run("dvc", "remote", "add", "-q", "-d", "store", str(tmp_path / "store"))
    inside.run("dvc", "push", "-q", "models/churn")
    shutil.rmtree(inside.folder / ".dvc/cache")
    # when the champion is fetched, then it is the bundle that was pushed.
    found = champion.fetched(TAG)
    assert found.bundle.manifest == Bundle.load(Path("models/churn")).manifest


def test_a_commit_without_a_model_cannot_be_the_champion(inside: Checkout):
    inside.run("git", "rm", "-q", "--cached", "dvc.lock")
    inside.run("git", "commit", "-q", "-m", "no lock")
    tag(inside, "churn#prod#1")

    with pytest.raises(NotWithinReach, match=r"churn#prod#1 cannot be fetched.*run dvc repro"):
        champion.fetched("churn#prod#1")


def test_a_champion_of_another_format_is_told(inside: Checkout):
    manifest = inside.folder / "models/churn/bundle.json"
    manifest.write_text(re.sub(r'"format": \d+', '"format": 0', manifest.read_text()))
    inside.run("dvc", "commit", "-q", "-f", "train")
    inside.commit("another format")
    tag(inside, "churn#prod#1")
    told = (
        r"churn#prod#1, cannot be used: models/churn/bundle.json: format 0 is not .* move the tag"
    )

    with pytest.raises(UnusableChampion, match=told):
        champion.fetched("churn#prod#1")


def test_a_champion_without_a_split_is_told(inside: Checkout):
    inside.change_params(lambda given: given.pop("split"))
    inside.commit("no split")
    tag(inside, "churn#prod#1")

    with pytest.raises(UnusableChampion, match=r"params.yaml: split: .*None is not allowed"):
        champion.fetched("churn#prod#1")


def test_a_feature_of_the_champion_that_is_gone_is_one_line(inside: Checkout):
    decide_otherwise(inside)
    module = inside.folder / "src/churn/features/telco.py"
    functions = re.split(r"(?m)^(?=def )", module.read_text())
    gone = re.match(r"def (\w+)", functions[-1])[1]
    module.write_text("".join(functions[:-1]))

    done = run(inside)

    assert done.returncode == 1
    assert f"src/churn/features has no {gone} any more" in done.stderr
    assert done.stderr.count("\n") == 1


def _with_contract(found: champion.Champion, **changed) -> champion.Champion:
    manifest = found.bundle.manifest
    contract = manifest.contract.model_copy(update=changed)
    bundle = Bundle(
        manifest.model_copy(update={"contract": contract}),
        found.bundle.reference,
        found.bundle.booster,
    )
    return champion.Champion(found.who, bundle, found.split, found.history)


def _champion_and_challenger() -> tuple[champion.Champion, Contract]:
    return champion.fetched(TAG), champion.challenger().manifest.contract


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "mobile"}, "is a model of table mobile with the id customer_id"),
        ({"id": "number"}, "is a model of table telco with the id number"),
    ],
)
def test_a_champion_of_another_table_is_told(inside: Checkout, changed, words):
    found, contract = _champion_and_challenger()
    table = read_parquet(champion.TEST)

    champion.refuse_other_rows(found, contract, table, None)
    with pytest.raises(OtherTable, match=f"{words}, the other one of table telco"):
        champion.refuse_other_rows(_with_contract(found, **changed), contract, table, None)


def test_customers_known_by_row_number_are_the_same_in_the_same_file_only(inside: Checkout):
    found, contract = _champion_and_challenger()
    nameless, numbered = _with_contract(found, id=None), contract.model_copy(update={"id": None})
    table = read_parquet(champion.TEST)

    assert found.history == md5(Path("conf/source/none/history"))
    champion.refuse_other_rows(nameless, numbered, table, found.history)
    champion.refuse_other_rows(found, contract, table, "of another file")
    with pytest.raises(OtherRows, match=r"table telco have no id, .* another file.* Rebuild the"):
        champion.refuse_other_rows(nameless, numbered, table, "of another file")


def test_columns_that_only_the_champion_needs_are_told(inside: Checkout):
    found, contract = _champion_and_challenger()
    table = read_parquet(champion.TEST).drop_columns(["age", "tv_service"])

    with pytest.raises(ChampionLacksColumns, match=r"not there: age, tv_service\. Put them back"):
        champion.refuse_other_rows(found, contract, table, None)


def test_without_a_model_in_the_working_tree_there_is_no_challenger(inside: Checkout):
    shutil.rmtree("models/churn")

    with pytest.raises(InvalidBundle, match=r"models/churn/bundle.json: no such file. Rebuild it"):
        champion.challenger()


@pytest.mark.parametrize("path", [champion.TRAIN, champion.TEST], ids=["train", "test"])
def test_without_the_rows_there_is_no_comparison(inside: Checkout, path: Path):
    path.unlink()

    with pytest.raises(RowsMissing, match=rf"{path}: no such file. Rebuild it with make repro"):
        champion.challenger()


def test_a_model_that_was_not_trained_on_the_rows_beside_it_is_refused(inside: Checkout):
    write_parquet(champion.TRAIN, read_parquet(champion.TRAIN).slice(1))

    with pytest.raises(StaleModel, match=r"not trained on data/features/train.parquet as it is"):
        champion.challenger()
