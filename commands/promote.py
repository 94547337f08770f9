"""`make promote VERSION=v1.2.0 STAGE=prod`: a version gets a stage, by the tag `churn#prod#1`.

What speaks against it is said all at once, and nothing is tagged. `FORCE=1 REASON="…"` overrides
it, and the tag keeps both. All is read from the commits of the tags, whatever is checked out; the
code that scores is that of today, as in a server.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from churn.bundle import Bundle
from churn.champion import Comparison
from churn.errors import (
    AlreadyInStage,
    ChurnError,
    PromotionRefused,
    ReasonMissing,
    UnknownVersion,
)
from churn.files import read_parquet
from churn.params import checked
from churn.promotion import (
    checked_stage,
    checked_version,
    comparison_reasons,
    leak_reasons,
    promotion_message,
)
from churn.settings import EvaluateSettings, Parameters
from commands.champion import (
    LOCK,
    PARAMS,
    TEST,
    TRAIN,
    challenger,
    compared,
    fetched,
    history_of,
    is_same,
    text,
    unlike_training,
    yaml,
)
from commands.registry import assign, evaluation_of, stale, tell_mlflow
from commands.tags import MODEL, commit_of, fetch, git, tag_of, versions
from pipelines.stage import run


@dataclass(frozen=True)
class Wish:
    """What is to be promoted where, and the reason for overriding the checks, if they are to be."""

    version: str
    stage: str
    force: bool
    reason: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Wish:
        """Read it from VERSION, STAGE, FORCE and REASON.

        Raises:
            InvalidVersion, InvalidStage, ReasonMissing: it cannot be.
        """
        reason = " ".join(environment.get("REASON", "").split())
        force = environment.get("FORCE", "") not in ("", "0")
        if force and not reason:
            raise ReasonMissing
        return cls(
            checked_version(environment.get("VERSION", "")),
            checked_stage(environment.get("STAGE", "")),
            force,
            reason,
        )


def against_present(tag: str, present: str, root: Path) -> list[str]:
    """What the comparison with the stage's model says, or why there is none.

    Args:
        tag: of the version.
        present: tag of the model in the stage.
        root: folder with the version's bundle, to which its rows are added.
    """
    try:
        found = _comparison(tag, present, root)
    except ChurnError as error:
        return [f"not compared with {present}: {error}"]
    if found:
        print(f"{tag} as challenger of {present}.\n{text(found)}\n")
    return comparison_reasons(found, present)


def _comparison(tag: str, present: str, root: Path) -> Comparison | None:
    for path in (TRAIN, TEST):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        fetch(tag, root / path, str(path))
    old, new = fetched(present), challenger(root)
    if is_same(old.bundle, new):
        return None
    given, lock = (yaml(git("show", f"{commit_of(tag)}:{name}")) for name in (PARAMS, LOCK))
    settings = checked(EvaluateSettings, given.get("evaluate"), f"{PARAMS}: evaluate")
    return compared(old, new, read_parquet(root / TEST), history_of(given, lock), settings)


def reasons_against(tag: str, present: str | None) -> list[str]:
    """Everything that speaks against giving a version the stage of another.

    Args:
        tag: of the version.
        present: tag of the model in the stage, if there is one.
    Raises:
        NotWithinReach, InvalidBundle: there is no model to look at.
    """
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        (root / MODEL).parent.mkdir()
        fetch(tag, root / MODEL)
        bundle = Bundle.load(root / MODEL)
        found = against_present(tag, present, root) if present else []
    found += leak_reasons(evaluation_of(commit_of(tag)), bundle.sha256)
    found += lock_reasons(tag)
    if note := unlike_training(bundle):
        found.append(note)
    return found


def lock_reasons(tag: str) -> list[str]:
    """Where the lock of a tag's commit does not match its code."""
    try:
        problems = stale(commit_of(tag))
    except ChurnError as error:
        return [str(error)]
    return [f"dvc.lock does not match the code of {tag}: {one}" for one in problems]


def promote(wish: Wish, parameters: Parameters) -> None:
    """Check, tag, tell MLflow.

    Raises:
        PromotionRefused: something speaks against it.
        ChurnError: there is no such version, or nothing to do.
    """
    tag, present = tag_of(wish.version), tag_of(wish.stage)
    if tag is None:
        raise UnknownVersion(wish.version, versions())
    commit = commit_of(tag)
    if present and commit_of(present) == commit:
        raise AlreadyInStage(wish.version, wish.stage, present)
    reasons = reasons_against(tag, present)
    if reasons and not wish.force:
        raise PromotionRefused(wish.version, wish.stage, reasons)
    message = promotion_message(wish.version, wish.stage, present, reasons, wish.reason)
    made = assign(wish.stage, commit, message)
    print(f"{wish.version} is in {wish.stage}: the git tag {made}")
    for reason in reasons:
        print(f"- overridden: {reason}")
    tell_mlflow(parameters.tracking, [wish.version], [wish.stage])
    print(
        f"Next     git push origin '{made}'    a server with MODEL={wish.stage} takes it on reload"
    )


if __name__ == "__main__":
    run(lambda parameters: promote(Wish.of(os.environ), parameters))
