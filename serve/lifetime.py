"""How processes of the server end: with their parent, and none left behind."""

from __future__ import annotations

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


def end_with_parent(how: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent has ended (Linux, prctl(2)).

    Without it, a main process that is killed leaves others behind that hold the port. To the kernel
    the parent is the thread that has started the process: it must not end before the others.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, how)


def end_forks_with_parent() -> None:
    """Have every process that is forked from now on killed when its parent has ended.

    The one that holds LitServe's queues has no code of ours, and would else live on.
    """
    os.register_at_fork(after_in_child=lambda: end_with_parent(signal.SIGKILL))


def ignore(*signals: signal.Signals) -> None:
    """Leave signals to the main process: a terminal sends them to all."""
    for one in signals:
        signal.signal(one, signal.SIG_IGN)
