"""Keeping heavy libraries out of the processes that serve."""

import os

from churn.lean import keep_out

# They are the pipeline's.
HEAVY = ("pandas", "sklearn", "pyarrow", "mlflow")


def keep_lean() -> None:
    """Make this process one that cannot import them, and that computes with one thread.

    A customer is scored before a second thread is awake, and threads would not survive a fork.
    """
    keep_out(*HEAVY)
    os.environ["OMP_NUM_THREADS"] = "1"
