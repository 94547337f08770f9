"""`make track`: send to MLflow the runs that were kept because the store was away, and what the git
tags say of versions and stages.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

from churn.errors import ChurnError, NoRepository
from churn.mirror import Mirror
from churn.params import read_parameters
from churn.tracking import shown
from commands.registry import tell_mlflow
from commands.tags import stages, versions

PARAMS = Path("params.yaml")


def main() -> None:
    """Send them all and say so; exits with 1 if any is still kept."""
    try:
        settings = read_parameters(PARAMS).tracking
    except ChurnError as error:
        sys.exit(f"error: {error}")
    sent, problem = Mirror(settings).send_kept()
    print(f"{sent} run(s) sent to MLflow at {shown(settings.uri)}")
    if problem:
        sys.exit(f"error: {problem}")
    # Without a repository there are runs, but no tags.
    with suppress(NoRepository):
        tell_mlflow(settings, versions(), stages())


if __name__ == "__main__":
    main()
