"""`make release VERSION=v1.2.0`: the model of this commit becomes a version, by a git tag.

The tag, `churn@v1.2.0`, goes on a commit whose files are all committed, whose dvc.lock matches its
code, and whose bundle still gives its golden rows their probabilities.
"""

from __future__ import annotations

import os
from pathlib import Path

from churn.bundle import Bundle
from churn.errors import CommitHasVersion, StaleLock, UncommittedChanges, VersionExists
from churn.promotion import checked_version, release_message
from churn.scoring import Scorer
from churn.settings import Parameters
from commands.registry import register, stale, tell_mlflow
from commands.tags import MODEL, git, tag_of, versions
from pipelines.stage import run

NEXT = """Next     git push origin {tag}    show the others
         dvc push models/churn            let their caches have it (dvc remote list)
         make promote VERSION={version} STAGE=prod"""


def refuse_what_has_a_tag(version: str) -> None:
    """Check that neither the version nor this commit has been released.

    Raises:
        NoRepository: this is none.
        VersionExists, CommitHasVersion: it has.
    """
    if tag_of(version):
        raise VersionExists(version)
    if here := versions("--points-at", "HEAD"):
        raise CommitHasVersion(here[-1])


def refuse_what_is_not_committed() -> None:
    """Check that the working tree is the commit, and that its lock matches.

    Raises:
        UncommittedChanges, StaleLock: it is not, or does not.
    """
    if changed := git("status", "--porcelain").splitlines():
        raise UncommittedChanges([line.split(maxsplit=1)[1] for line in changed])
    if problems := stale():
        raise StaleLock(problems)


def release(version: str, parameters: Parameters) -> None:
    """Check, tag HEAD, tell MLflow.

    Raises:
        ChurnError: something is not as it should be; nothing is tagged.
    """
    refuse_what_has_a_tag(checked_version(version))
    refuse_what_is_not_committed()
    bundle = Bundle.load(Path(MODEL))
    Scorer(bundle).check()
    tag = register(version, release_message(version, bundle.sha256), "HEAD")
    print(f"Released {version}: the git tag {tag}, on {git('rev-parse', '--short', 'HEAD')}")
    tell_mlflow(parameters.tracking, [version])
    print(NEXT.format(tag=tag, version=version))


if __name__ == "__main__":
    run(lambda parameters: release(os.environ.get("VERSION", ""), parameters))
