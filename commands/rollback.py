"""`make rollback [STAGE=prod]`: a stage gets back the model that it had before, by a new tag.

Called again, it goes one further back. Nothing is checked but that the model still gives its golden
rows their probabilities.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from churn.bundle import Bundle
from churn.errors import NoEarlierVersion
from churn.promotion import Held, checked_stage, earlier, rollback_message
from churn.scoring import Scorer
from churn.settings import Parameters
from commands.registry import assign, tell_mlflow
from commands.tags import fetch, history, version_at
from pipelines.stage import run


def check(held: Held) -> None:
    """Fetch a model and score its golden rows.

    Raises:
        NotWithinReach, InvalidBundle, OtherProbability: it is gone, or not what it was.
    """
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "bundle"
        fetch(held.tag, folder)
        Scorer(Bundle.load(folder)).check()


def rollback(stage: str, parameters: Parameters) -> None:
    """Find the earlier model, check it, tag it, tell MLflow.

    Raises:
        NoEarlierVersion: the stage has had no other.
        ChurnError: the earlier model cannot be used any more.
    """
    tags = history(checked_stage(stage))
    back = earlier(tags)
    if back is None:
        raise NoEarlierVersion(stage, tags[-1].tag if tags else None)
    check(back)
    version = version_at(back.tag)
    name = version or f"the model of {back.tag}"
    made = assign(stage, back.commit, rollback_message(tags[-1].tag, back.tag, name))
    print(f"{name} is in {stage} again: the git tag {made}")
    tell_mlflow(parameters.tracking, [version] if version else [], [stage])
    print(f"Next     git push origin '{made}'    a server with MODEL={stage} takes it on reload")


if __name__ == "__main__":
    run(lambda parameters: rollback(os.environ.get("STAGE") or "prod", parameters))
