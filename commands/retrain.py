"""`make retrain`: the whole loop: a challenger, and if it wins, its version and its promotion.

A challenger that wins becomes the next minor version and gets the stage `prod`, after the checks of
`make promote`. Interrupted anywhere, it can be run again; the champion serves all the while.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime

from churn.errors import PromotionRefused
from churn.promotion import next_version, release_message
from churn.settings import Parameters
from commands.challenger import BRANCH, Found, alone, challenge, finish
from commands.champion import STAGE
from commands.promote import Wish, promote
from commands.registry import register, tell_mlflow
from commands.sides import side
from commands.tags import tag_of, version_of, versions
from pipelines.stage import run

FIRST = "Next     git push origin '{tag}' {branch}    its version, of which cd makes an image"
THEN = "         git merge {branch}    to work on from it"


def versioned(found: Found) -> str:
    """The version of the challenger: the one that an interrupted run gave it, or the next."""
    known = version_of(found.commit)
    if known:
        return known
    version = next_version(versions())
    sha256 = side("B", found.commit).model.bundle.sha256
    register(version, release_message(version, sha256), found.commit)
    return version


def promoted(found: Found, given: Parameters) -> Found:
    """Give the challenger its version and the stage, or say what speaks against it."""
    version = versioned(found)
    print(FIRST.format(tag=tag_of(version), branch=BRANCH))
    try:
        promote(Wish(version, STAGE, force=False, reason=""), given)
    except PromotionRefused as error:
        return replace(found, outcome="kept", against=[str(error)])
    print(THEN.format(branch=BRANCH))
    return replace(found, outcome="promoted")


def said_again(found: Found, given: Parameters) -> None:
    """What a run that was killed after the promotion had left to say."""
    version = version_of(found.commit)
    if version:
        tell_mlflow(given.tracking, [version], [STAGE])
    print(FIRST.format(tag=found.champion if version is None else tag_of(version), branch=BRANCH))
    print(f"         git push origin '{found.champion}'\n{THEN.format(branch=BRANCH)}")


def retrain(given: Parameters) -> None:
    """Challenge, promote, and say what came of it."""
    with alone():
        found = challenge(os.environ, datetime.now(UTC), given)
        if found.outcome == "wins":
            found = promoted(found, given)
        elif found.outcome == "promoted":
            said_again(found, given)
        finish(found)


if __name__ == "__main__":
    run(retrain)
