"""`make challenger`: a model that has learnt from the prediction log, held against the champion.

Decision (`make retrain-check`), customers of the log as of this moment, their checks, a search,
the model, its comparison with the champion on the same customers. All is built in a clone inside
.dvc/tmp, which a killed run leaves for the next to go on with; the working tree stays as it is. A
challenger that wins becomes the git branch `retrain`. Writes reports/challenger.json and .md.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any, Literal

from churn.database import database_url, elsewhere
from churn.errors import BranchInUse, CommandFailed, NoChampion, RetrainingRuns
from churn.files import write_json, write_text
from churn.promotion import comparison_reasons, leak_reasons
from churn.pull_request import Change, comment
from churn.settings import Parameters
from commands import retrain_check
from commands.champion import STAGE, here
from commands.clone import Clone
from commands.compare import changed_parameters, comparison
from commands.conf_files import ConfFiles
from commands.registry import evaluation_of
from commands.revisions import short
from commands.sides import data_of, side
from commands.tags import commit_of, git, tag_of
from pipelines.stage import run

CLONE, LOCK = Path(".dvc/tmp/retrain"), Path(".dvc/tmp/retrain.lock")
BRANCH, SEARCH = "retrain", "optuna"
REPORT, TEXT = Path("reports/challenger.json"), Path("reports/challenger.md")
TRAINING = "reports/training.json"
# Of the commit, by which it is told from what people do.
SUBJECT = "A challenger, from the customers of the log"
CHANGED = ("conf", "params.yaml", "dvc.lock", "reports", "README.md")
# Longer ago, a killed run is forgotten: the log knows more by now.
OLDEST = timedelta(days=1)
Outcome = Literal["no need", "kept", "wins", "promoted"]
HEADS: dict[Outcome, str] = {
    "no need": "The champion stays: there is no need to train again.",
    "kept": "The champion stays.",
    "wins": f"The challenger wins: the git branch {BRANCH}.",
    "promoted": f"The challenger has won, and serves production: the git branch {BRANCH}.",
}


@dataclass(frozen=True)
class Found:
    """What came of it.

    Attributes:
        outcome: whether the champion stays.
        champion: the git tag of the model that serves production.
        why: the reasons to train again; none where there is no need.
        against: what speaks against the challenger.
        commit: of the challenger; empty if there is none.
    """

    outcome: Outcome
    champion: str
    why: Sequence[str] = ()
    against: Sequence[str] = ()
    commit: str = ""

    def __str__(self) -> str:
        return "\n".join([HEADS[self.outcome], *(f"- {reason}" for reason in self.against)])


@contextmanager
def alone() -> Iterator[None]:
    """Hold every other run off; the lock goes with this process and what it has started.

    Raises:
        RetrainingRuns: there is one.
    """
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as file:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise RetrainingRuns from None
        os.set_inheritable(file.fileno(), True)
        yield


def champion_tag() -> str:
    """The git tag of the model that serves production.

    Raises:
        NoChampion: no model does.
    """
    tag = tag_of(STAGE)
    if tag is None:
        raise NoChampion
    return tag


def build(clone: Clone, now: datetime) -> None:
    """Search, train and evaluate on the customers of the log, and commit that.

    Args:
        clone: to build in; one that a killed run left goes on with the moment of that run, if that
            was less than `OLDEST` ago.
        now: the moment at which the log is looked at.
    Raises:
        CommandFailed: a stage refused. The next run begins anew, with what has been mended.
    """
    conf = ConfFiles(clone.folder / "conf")

    def prepare() -> None:
        conf.choose("source", "prediction_log")
        conf.put("source", {"until": now.isoformat(timespec="seconds")})

    if clone.base() and now - moment(conf) > OLDEST:
        clone.remove()
    try:
        clone.make(git("rev-parse", "HEAD"), prepare)
        if clone.ask("git", "status", "--porcelain"):
            _build(clone, conf)
    except CommandFailed:
        clone.remove()
        raise


def moment(conf: ConfFiles) -> datetime:
    """At which the log is looked at."""
    return datetime.fromisoformat(conf.values("source")["until"])


def _build(clone: Clone, conf: ConfFiles) -> None:
    clone.run(sys.executable, "-m", "commands.compose", f"search={SEARCH}")
    clone.repro("train")
    if better := searched(clone.folder):
        conf.put("model", better)
    clone.run(sys.executable, "-m", "commands.compose")
    clone.repro()
    clone.run(sys.executable, "-m", "commands.figures")
    clone.run("git", "add", *CHANGED)
    clone.run("git", "commit", "-q", "-m", SUBJECT)


def searched(folder: Path) -> Mapping[str, Any]:
    """The parameters that the search found, if they do better than those of conf/."""
    search = json.loads((folder / TRAINING).read_text("utf-8"))["search"]
    return search["model"] if search["score"] > search["configured_score"] else {}


def fetched(clone: Clone) -> str:
    """The commit that was built, brought into this repository."""
    git("fetch", "--quiet", "--no-tags", str(clone.folder.resolve()), "HEAD")
    return git("rev-parse", "FETCH_HEAD")


def refuse_work_of_others(branch: str) -> None:
    """Check that a branch, if it is there, can be moved to a new challenger.

    Raises:
        BranchInUse: it is checked out, or has a commit of somebody's.
    """
    if not git("for-each-ref", branch):
        return
    if git("log", "-1", "--format=%s", branch) != SUBJECT:
        raise BranchInUse(BRANCH, "somebody has committed to it")
    if git("rev-parse", "--symbolic-full-name", "HEAD") == branch:
        raise BranchInUse(BRANCH, "it is checked out")


def judged(commit: str, tag: str, why: Sequence[str], given: Parameters) -> Found:
    """Hold the challenger against the champion, and write the text of it."""
    old, new = side("A", tag), side("B", short(commit))
    compared = comparison(old, new, given.evaluate)
    leaks = leak_reasons(evaluation_of(commit), new.model.bundle.sha256)
    change = Change(
        base=f"the champion, {tag}",
        comparison=compared,
        alarms=leaks,
        experiments="",
        report="",
        parameters=changed_parameters(old, new),
        data=data_of(old, new),
        why=why,
    )
    write_text(TEXT, comment(change))
    told = [compared] if isinstance(compared, str) else comparison_reasons(compared, tag)
    against = [*told, *leaks]
    return Found("kept" if against else "wins", tag, why, against, commit)


def challenge(environment: Mapping[str, str], now: datetime, given: Parameters) -> Found:
    """Decide, build, compare; the report says what came of it.

    Raises:
        ChurnError: there is no champion or no log, or a stage refused.
    """
    tag = champion_tag()
    # Said now rather than after the training.
    git("var", "GIT_COMMITTER_IDENT")
    refuse_work_of_others(f"refs/heads/{BRANCH}")
    # With the password in it: the file may be named as seen from here.
    address = elsewhere(database_url(environment))
    clone = Clone(CLONE, {"DATABASE_URL": address, "DATABASE_PASSWORD_FILE": ""})
    if clone.made() == commit_of(tag):
        # The last run was killed when all was done but to say so.
        return Found("promoted", tag, commit=commit_of(tag))
    if not retrain_check.run({**environment, "MODEL": STAGE}, now):
        found = Found("no need", tag)
        write_text(TEXT, f"{found}\n")
        return found
    why = here(str(retrain_check.REPORT))["reasons"]
    build(clone, now)
    found = judged(fetched(clone), tag, why, given)
    if found.outcome == "wins":
        git("branch", "--force", BRANCH, found.commit)
    return found


def finish(found: Found) -> None:
    """Say what came of it. Only then is what was built taken away: a killed run can go on."""
    write_json(REPORT, asdict(found))
    print(f"\n{found}\n{TEXT} has it in full.")
    Clone(CLONE).remove()


def challenger(given: Parameters) -> None:
    """Challenge, and say what came of it."""
    with alone():
        finish(challenge(os.environ, datetime.now(UTC), given))


if __name__ == "__main__":
    run(challenger)
