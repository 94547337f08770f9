"""What release, promote and rollback share: GTO's tags, DVC's lock, MLflow's registry.

The git tags are the truth, and MLflow's registry is a mirror of them: what it could not be told is
read from the tags again by `make track`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from churn.errors import NoRepository, StaleLock, TagNotMade
from churn.measured import EVALUATION
from churn.mirror import Mirror
from churn.settings import TrackingSettings
from commands.tags import ARTIFACT, commit_of, git, tag_of, version_at

NAMELESS = "the stage's model has no version to register. Release it, or move the alias by hand."


def register(version: str, message: str, commit: str) -> str:
    """Make the model of a commit a version; gives the tag.

    Raises:
        TagNotMade: GTO or git refused.
    """
    from gto.api import register as by_gto

    return _made(version, lambda: by_gto(".", ARTIFACT, commit, version=version, message=message))


def assign(stage: str, commit: str, message: str) -> str:
    """Give a stage the model of a commit; gives the tag.

    Raises:
        TagNotMade: GTO or git refused.
    """
    from gto.api import assign as by_gto

    # By the commit, and forced: GTO knows neither plain tags nor a model that comes back.
    return _made(
        stage,
        lambda: by_gto(
            *(".", ARTIFACT, stage),
            ref=commit,
            message=message,
            force=True,
            skip_registration=True,
        ),
    )


def _made(what: str, by_gto: Callable[[], Any]) -> str:
    from gto.exceptions import GTOException
    from scmrepo.exceptions import SCMError

    try:
        return str(by_gto().tag)
    except (GTOException, SCMError, OSError) as error:
        raise TagNotMade(what, " ".join(str(error).split())) from None


def stale(commit: str | None = None) -> list[str]:
    """Where dvc.lock does not match the code, parameters and outs beside it.

    Data that is not there is no difference, as long as it is the same from stage to stage: code
    and parameters are in git, data in a cache that need not be here.

    Args:
        commit: to look at; the working tree if None.
    Raises:
        StaleLock: DVC cannot even read its files.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo.open(url=".", rev=commit) as repo:
            made = {out.def_path: out.hash_info for out in repo.index.outs if out.use_cache}
            return [f"{s.name}: {why}" for s in repo.index.stages for why in _changes(s, made)]
    except DvcException as error:
        raise StaleLock([" ".join(str(error).split())]) from None


def _changes(stage: Any, made: dict[str, Any]) -> list[str]:
    found = ["the command is another"] if stage.changed_stage() else []
    for one in [*stage.deps, *stage.outs]:
        for state in one.workspace_status().values():
            is_absent = state == "deleted" and made.get(one.def_path) == one.hash_info
            if not is_absent:
                found.append(f"{one.def_path} {_in_words(state)}")
    return found


def _in_words(state: Any) -> str:
    """Of a file DVC gives a word, of parameters a word for each."""
    return state if isinstance(state, str) else f"({', '.join(state)})"


def evaluation_of(commit: str) -> Any:
    """What `reports/evaluation.json` of a commit says; None if there is none."""
    with suppress(NoRepository, ValueError):
        return json.loads(git("show", f"{commit}:{EVALUATION}"))
    return None


def tell_mlflow(
    settings: TrackingSettings, versions: Sequence[str], stages: Sequence[str] = ()
) -> None:
    """Tell MLflow's registry of versions and stages; a problem is a warning.

    Args:
        settings: which store.
        versions: to be registered.
        stages: whose version is to bear their name as an alias.
    """
    known = {
        one: found["bundle_sha256"]
        for one in versions
        if (found := evaluation_of(commit_of(f"{ARTIFACT}@{one}")))
    }
    held = {stage: version_at(tag) for stage in stages if (tag := tag_of(stage))}
    aliases = {stage: version for stage, version in held.items() if version in known}
    for stage in held.keys() - aliases.keys():
        print(f"warning: MLflow's alias {stage} stays where it is: {NAMELESS}", file=sys.stderr)
    if not known:
        return
    if problem := Mirror(settings).register(known, aliases):
        print(f"warning: {problem}", file=sys.stderr)
        return
    named = [*known, *(f"{version} as {stage}" for stage, version in aliases.items())]
    print(f"MLflow   model {ARTIFACT}: {', '.join(named)}")
