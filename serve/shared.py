"""What the processes of one server share: a few numbers in memory, and a private folder.

The numbers are written without locks, each by one process at a time or such that a lost update does
no harm: a process that is killed must not leave a lock behind.
"""

from __future__ import annotations

import multiprocessing
from ctypes import c_char, c_double, c_int64
from pathlib import Path

# Processes that hold models, at most: those that answer requests, two of LitServe's workers, and
# the recorder.
MOST_PROCESSES = 67
MOST_KEYS = 64
# A thousand characters of up to six bytes, and room around them.
MOST_BYTES_SAID = 8192


class Shared:
    """The numbers.

    Attributes:
        folder: private to this server, in memory where the system has a place for that.
        generation: of models: [the one that serves, the newest that processes are to load].
        loaded: by process, the newest generation that it has loaded, negative if it failed.
        reload: [how often a reload was asked for, how often one was done].
        said: how the last reload ended, as JSON; in memory, since the disk may be full.
        workers: by path of the worker's API, the process id of LitServe's worker; 0 if away.
        arrival: by key, the theoretical arrival time of its next request (see `limits`).
        stopping: 1 when the server is being shut down.
    """

    def __init__(self, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.folder = folder
        self.generation = context.RawArray(c_int64, 2)
        self.loaded = context.RawArray(c_int64, MOST_PROCESSES)
        self.reload = context.RawArray(c_int64, 2)
        self.said = context.RawArray(c_char, MOST_BYTES_SAID)
        self.workers = context.RawArray(c_int64, 2)
        self.arrival = context.RawArray(c_double, MOST_KEYS)
        self.stopping = context.RawArray(c_int64, 1)


SERVES, NEWEST = 0, 1
ASKED, DONE = 0, 1
BATCH, SHADOW = 0, 1
