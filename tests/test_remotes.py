"""Data and models in a DVC remote: what one pushes, others have, and our commands fetch it."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from churn.bundle import Bundle
from churn.errors import ChurnError, NotWithinReach
from churn.files import sha256
from churn.params import read_parameters
from commands.fetch import fetched
from commands.promote import Wish, promote
from commands.replay.versions import Found, Versions
from commands.revisions import Commit, sha_of
from commands.sides import side
from tests.checkout import Checkout
from tests.ports import free_port
from tests.s3 import CREDENTIALS, S3

pytestmark = pytest.mark.whole

BUCKET = "churn"
HISTORY = "data/raw/history.parquet"


@dataclass(frozen=True)
class Team:
    """A repository whose commit, released as v1.0.0, its data and its model have been pushed.

    Attributes:
        checkout: from which they were pushed. Not to be changed: take a `copy`.
        origin: the git repository.
        remove: takes an object out of the DVC remote, by its key.
    """

    checkout: Checkout
    origin: Path
    remove: Callable[[str], object]

    def clone(self, folder: Path) -> Checkout:
        """A colleague's clone: an empty cache, and no outs but those that git keeps."""
        self.checkout.run("git", "clone", "-q", str(self.origin), str(folder))
        return Checkout(folder)


def shared(
    reproduced: Checkout, folder: Path, remove: Callable[[str], object], *remote: str
) -> Team:
    """Push a small model to a git repository and to a DVC remote.

    Args:
        reproduced: whose model it is.
        folder: for both repositories.
        remove: takes an object out of the remote, by its key.
        remote: its address, and options of `dvc remote modify`.
    """
    checkout, origin = reproduced.copied(folder / "mine"), folder / "origin"
    checkout.run("git", "init", "-q", "--bare", "-b", "main", str(origin))
    checkout.run("git", "remote", "add", "origin", str(origin))
    url, *options = remote
    checkout.run("dvc", "remote", "add", "-q", "-d", "store", url)
    if options:
        checkout.run("dvc", "remote", "modify", "store", *options)
    checkout.commit("a remote")
    for tag in ("churn@v1.0.0", "churn#prod#1"):
        checkout.run("git", "tag", tag)
    checkout.run("dvc", "push", "-q")
    checkout.run("git", "push", "-q", "--tags", "origin", "main")
    return Team(checkout, origin, remove)


@pytest.fixture(scope="module")
def by_folder(reproduced: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that shares a folder."""
    folder = tmp_path_factory.mktemp("by_folder")
    store = folder / "store"
    return shared(reproduced, folder, lambda key: (store / key).unlink(), str(store))


@pytest.fixture(scope="module")
def by_s3(reproduced: Checkout, s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Team:
    """A team that shares a bucket."""
    client, folder = s3.client, tmp_path_factory.mktemp("by_s3")
    client.create_bucket(Bucket=BUCKET)

    def remove(key: str) -> None:
        client.delete_object(Bucket=BUCKET, Key=f"dvc/{key}")

    return shared(reproduced, folder, remove, f"s3://{BUCKET}/dvc", "endpointurl", s3.url)


@pytest.fixture(params=["by_folder", "by_s3"])
def team(request: pytest.FixtureRequest) -> Team:
    """A team of each kind."""
    found: Team = request.getfixturevalue(request.param)
    return found


def md5(path: Path) -> str:
    """Of a file or a folder, as DVC has it."""
    if path.is_file():
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    files = sorted(one.relative_to(path).as_posix() for one in path.rglob("*") if one.is_file())
    listed = json.dumps([{"md5": md5(path / one), "relpath": one} for one in files])
    return f"{hashlib.md5(listed.encode(), usedforsecurity=False).hexdigest()}.dir"


def test_what_one_pushes_another_pulls_and_has_nothing_to_build(team: Team, tmp_path: Path):
    clone = team.clone(tmp_path / "clone")

    clone.run("dvc", "pull")

    outs = clone.outs()
    assert {path: md5(clone.folder / path) for path in outs} == outs == team.checkout.outs()
    assert {"models/churn", HISTORY} <= outs.keys()
    assert "up to date" in clone.run("dvc", "status")
    assert "Running stage" not in clone.run("dvc", "repro")
    assert clone.run("git", "status", "--porcelain") == ""


def test_only_what_is_missing_is_pushed(team: Team):
    push = ("dvc", "push")
    assert "Everything is up to date." in team.checkout.run(*push)

    lost = team.checkout.outs()[HISTORY]
    team.remove(f"files/md5/{lost[:2]}/{lost[2:]}")

    assert "1 file pushed" in team.checkout.run(*push)
    assert "Everything is up to date." in team.checkout.run(*push)


def test_an_experiment_is_shared_and_compared(by_folder: Team, tmp_path: Path):
    # Given an experiment that asks a single question, pushed,
    mine = by_folder.checkout.copied(tmp_path / "mine")
    mine.change_params(lambda given: given["model"].update(n_estimators=1, max_depth=1))
    assert mine.stage("train").returncode == 0
    mine.run("dvc", "commit", "-q", "-f", "train")
    mine.run("dvc", "exp", "save", "-q", "--name", "asked")
    mine.run("dvc", "exp", "push", "-q", "origin", "asked")
    # when a colleague pulls it, who has no data and no model,
    theirs = by_folder.clone(tmp_path / "theirs")
    theirs.run("dvc", "exp", "pull", "origin", "asked")
    said = theirs.run("make", "compare", "B=asked").splitlines()
    # then the comparison is theirs, too; the commit's model came from the remote.
    assert said[0] == "A: HEAD. B: asked."
    assert said[-1].startswith("A is better on log_loss by ")
    assert not (theirs.folder / "models").exists()


# Commands that fetch


@pytest.fixture
def alone(by_s3: Team, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A clone with an empty cache, in whose folder the test runs."""
    clone = by_s3.clone(tmp_path / "clone")
    monkeypatch.chdir(clone.folder)
    return clone


def promoted() -> None:
    wish = Wish.of({"VERSION": "v1.0.0", "STAGE": "staging"})
    promote(wish, read_parameters(Path("params.yaml")))


def test_a_bucket_is_all_that_our_commands_need(alone: Checkout, by_s3: Team, tmp_path: Path):
    there = by_s3.checkout.folder
    bundle = Bundle.load(there / "models/churn").sha256

    Commit("HEAD", sha_of("HEAD")).fetch(HISTORY, tmp_path / "history.parquet")

    assert sha256(tmp_path / "history.parquet") == sha256(there / HISTORY)
    assert fetched("prod", tmp_path / "served")["version"] == "v1.0.0"
    assert Bundle.load(tmp_path / "served").sha256 == bundle
    assert side("A", "HEAD").model.bundle.sha256 == bundle
    for version in ("v1.0.0", bundle[:12]):
        found = Versions().of(version)
        assert isinstance(found, Found)
        assert found.ground.sha256 == bundle
    promoted()
    assert "churn#staging#" in alone.run("git", "tag")


def replayed() -> None:
    found = Versions().of("v1.0.0")
    if isinstance(found, ChurnError):
        raise found


# make serve, make compare, make replay, make promote.
FETCH: tuple[Callable[[], object], ...] = (
    lambda: fetched("prod", Path("served")),
    lambda: side("A", "HEAD"),
    replayed,
    promoted,
)


def change_remote(clone: Checkout, *option: str) -> None:
    """Change the remote in this clone alone."""
    clone.run("dvc", "remote", "modify", "--local", "store", *option)


def lose_server(clone: Checkout, patch: pytest.MonkeyPatch) -> None:
    change_remote(clone, "endpointurl", f"http://127.0.0.1:{free_port()}")
    patch.setenv("AWS_MAX_ATTEMPTS", "1")


def lose_files(clone: Checkout, patch: pytest.MonkeyPatch) -> None:
    change_remote(clone, "url", f"s3://{BUCKET}/nothing")


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (lose_server, "Could not connect to the endpoint URL: .*"),
        (lose_files, f"{BUCKET}/nothing/files/md5/.*"),
    ],
)
def test_a_remote_of_no_use_is_told(alone: Checkout, monkeypatch, lose, why: str):
    lose(alone, monkeypatch)

    with pytest.raises(NotWithinReach, match=rf"models/churn of HEAD .*: {why}\. .*dvc push"):
        Commit("HEAD", sha_of("HEAD")).fetch("models/churn", Path("fetched"))


def test_without_credentials_every_command_is_one_error(alone: Checkout, monkeypatch):
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    # A machine in a cloud would be asked for its own.
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    for fetch in FETCH:
        with pytest.raises(ChurnError, match=r"cannot be fetched: Unable to locate credentials\."):
            fetch()
    # Nothing but that is said: no library warns or leaves a traceback.
    done = alone.attempt(sys.executable, "-m", "commands.fetch", "prod", "served")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
