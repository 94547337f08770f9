"""`make track`: send to MLflow the runs that were kept because the store was away."""

from __future__ import annotations

import sys
from pathlib import Path

from churn.errors import ChurnError
from churn.mirror import Mirror
from churn.params import read_parameters
from churn.tracking import shown

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


if __name__ == "__main__":
    main()
