"""Keeping heavy libraries out of the processes that serve."""

import os
import sys

# xgboost imports these if they are there: seconds, a hundred megabytes, and nothing that scoring
# needs. They are the pipeline's.
HEAVY = ("pandas", "sklearn", "pyarrow", "mlflow")


def keep_lean() -> None:
    """Make this process one that cannot import them, and that computes with one thread.

    A customer is scored before a second thread is awake, and threads would not survive a fork.
    """
    for name in HEAVY:
        sys.modules[name] = None  # type: ignore[assignment]
    os.environ["OMP_NUM_THREADS"] = "1"
