"""`make release`: a tag that GTO and DVC know, on a commit that is what it says."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from churn.bundle import Bundle
from churn.errors import (
    CommitHasVersion,
    InvalidBundle,
    InvalidVersion,
    NoRepository,
    StaleLock,
    TagNotMade,
    UncommittedChanges,
    VersionExists,
)
from churn.params import read_parameters
from commands import registry as shared
from commands.release import release
from commands.tags import git
from tests.checkout import Checkout


@pytest.fixture
def inside(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout in whose folder the test itself runs."""
    monkeypatch.chdir(checkout.folder)
    return checkout


def released(version: str) -> None:
    release(version, read_parameters(Path("params.yaml")))


def test_a_release_is_a_tag_with_a_message_that_gto_and_dvc_know(
    two_released: Checkout, tmp_path: Path
):
    sha256 = json.loads((two_released.folder / "models/churn/bundle.json").read_text())["sha256"]

    said = two_released.run("git", "tag", "--list", "--format=%(objecttype)%(contents)", "*@v1.0.0")
    rows = json.loads(two_released.run("gto", "show", "churn", "--json"))
    got = tmp_path / "got"
    two_released.run(*f"dvc artifacts get . churn --rev v1.1.0 --out {got}".split())

    assert said.strip() == f"tagRelease v1.0.0\n\nBundle {sha256}"
    assert {row["version"] for row in rows} == {"v1.0.0", "v1.1.0"}
    assert Bundle.load(got).booster.num_boosted_rounds() == 30


def test_it_says_what_to_do_next_and_that_mlflow_is_away(inside: Checkout, capsys):
    released("v0.1.0")

    out, err = capsys.readouterr()
    assert out.startswith("Released v0.1.0: the git tag churn@v0.1.0, on ")
    assert "git push origin churn@v0.1.0" in out
    assert "make promote VERSION=v0.1.0 STAGE=prod" in out
    assert err.startswith("warning: MLflow at none: tracking.uri begins with no scheme of a store")
    assert err.endswith(
        "The git tags hold; once this is mended, make track tells MLflow of them.\n"
    )
    assert err.count("\n") == 1


def test_what_has_a_tag_is_not_released_again(registry: Checkout):
    with pytest.raises(VersionExists, match=r"v1.1.0 exists; .* Release the next one"):
        released("v1.1.0")
    with pytest.raises(CommitHasVersion, match=r"this commit is v1.0.0 already"):
        released("v2.0.0")


def test_what_is_not_committed_is_not_released(inside: Checkout):
    (inside.folder / "thought.py").write_text("")
    (inside.folder / "README.md").write_text("")

    with pytest.raises(UncommittedChanges, match=r"not committed: README.md, thought.py\. A rel"):
        released("v0.1.0")


def test_a_lock_of_other_code_is_not_released(inside: Checkout):
    inside.change_params(lambda given: given["split"].update(salt="other"))
    module = inside.folder / "src/churn/decision.py"
    module.write_text(f"{module.read_text()}# A thought.\n")
    inside.commit("not reproduced")

    told = (
        r"not match the code \(featurize: params.yaml \(split\), train: src/churn/decision.py mod"
    )
    with pytest.raises(StaleLock, match=told):
        released("v0.1.0")


def test_data_that_is_not_here_is_no_difference_but_the_bundle_must_be(inside: Checkout):
    shutil.rmtree("data")
    assert shared.stale() == []
    shutil.rmtree("models/churn")
    assert shared.stale() == []

    with pytest.raises(InvalidBundle, match=r"models/churn/bundle.json: no such file"):
        released("v0.1.0")


def test_a_lock_whose_stages_do_not_follow_from_one_another_is_stale_without_the_data(
    inside: Checkout,
):
    shutil.rmtree("data")
    lock = inside.folder / "dvc.lock"
    made = inside.outs()["data/features/train.parquet"]
    first, _, rest = lock.read_text().partition(made)
    lock.write_text(f"{first}{'f' * 32}{rest}")

    assert "train: data/features/train.parquet deleted" in shared.stale()


def test_a_model_that_does_not_score_as_it_did_is_not_released(inside: Checkout):
    # Its lock takes changed code for that of the training.
    inside.score_otherwise()
    inside.run("dvc", "commit", "-q", "-f")
    inside.commit("other code")

    done = inside.attempt("env", "VERSION=v0.1.0", sys.executable, "-m", "commands.release")

    assert done.returncode == 1
    assert done.stderr.startswith("error: golden row ")
    assert done.stderr.count("\n") == 1
    assert git("tag") == ""


def test_what_git_refuses_is_told(inside: Checkout):
    with pytest.raises(TagNotMade, match=r"git tag for prod was not made: .*Mend that"):
        shared.assign("prod", "0" * 40, "nowhere")


def test_without_a_repository_there_is_no_release(inside: Checkout):
    shutil.rmtree(".git")

    with pytest.raises(NoRepository, match="Run this in a clone"):
        released("v0.1.0")


def test_what_is_no_version_is_told(inside: Checkout):
    with pytest.raises(InvalidVersion, match=r"VERSION='1.0' is no version"):
        released("1.0")
