"""What every stage shares: reading the parameters, and turning a user's mistake into one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from churn.errors import ChurnError
from churn.params import read_parameters
from churn.settings import Parameters

PARAMS = Path("params.yaml")
PARTS: tuple[Literal["history", "current"], ...] = ("history", "current")


def run(stage: Callable[[Parameters], None], go_on: str = "run it again to go on") -> None:
    """Run a stage with the parameters of `params.yaml`; exit with 1 on a user's mistake.

    Args:
        stage: what it does.
        go_on: what is told to whom has interrupted it.
    """
    # For terminals that know no en dash.
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        stage(read_parameters(PARAMS))
    except ChurnError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(f"interrupted; {go_on}")
