"""The lane to LitServe's worker, which scores large batches.

LitServe's own route waits for ever for a worker that has died. This one hears of it from the
kernel, and tells the caller at once.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from typing import Any

from litserve import LitServer
from litserve.utils import ResponseBufferItem

from serve.errors import OurFault, TooBusy, WorkerAway
from serve.shared import Shared

# Each may hold a body of 16 MiB; those who come later are told to come again.
MOST_WAITING = 4


class Lane:
    """Sends work from one process that answers requests to a worker.

    Args:
        server: LitServe's, whose queues are used.
        path: of the LitAPI.
        shared: with the worker, which writes its process id there.
        slot: of the worker in `Shared.workers`.
    """

    def __init__(self, server: LitServer, path: str, shared: Shared, slot: int) -> None:
        self._server = server
        self._queue = server.litapi_request_queues[path]
        self._shared = shared
        self._slot = slot
        self._watched = 0
        self._waiting: dict[str, tuple[int, asyncio.Event]] = {}

    @property
    def is_open(self) -> bool:
        """Whether the worker is there."""
        return self._shared.workers[self._slot] != 0

    @property
    def has_room(self) -> bool:
        """Whether the worker is there and would take more."""
        return self.is_open and len(self._waiting) < MOST_WAITING

    async def send(self, payload: Any) -> Any:
        """Have the worker work.

        What is sent bears the number of the process that is to work. Another that is started in its
        place leaves it alone: whoever sent it has been told, and others wait.

        Raises:
            TooBusy: as much is waiting as may.
            WorkerAway: it is not there, or dies over it.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise TooBusy
        process = self._watch()
        uid = uuid.uuid4().hex
        event = asyncio.Event()
        self._waiting[uid] = process, event
        item = self._server.response_buffer[uid] = ResponseBufferItem(event)
        try:
            # The queue is in another process: putting megabytes into it takes milliseconds.
            message = (
                self._server.app.response_queue_id,
                uid,
                time.monotonic(),
                (process, payload),
            )
            await asyncio.to_thread(self._queue.put, message)
            await event.wait()
        finally:
            self._waiting.pop(uid, None)
            self._server.response_buffer.pop(uid, None)
        if item.response is None:
            raise WorkerAway
        answer, status = item.response
        if status != "OK":
            raise OurFault
        return answer

    def _watch(self) -> int:
        """Have the kernel say when the worker ends; its process id.

        Raises:
            WorkerAway: it has ended already.
        """
        process = self._shared.workers[self._slot]
        if process == self._watched != 0:
            return process
        if process == 0:
            raise WorkerAway
        try:
            handle = os.pidfd_open(process)
        except ProcessLookupError:
            raise WorkerAway from None
        self._watched = process
        asyncio.get_running_loop().add_reader(handle, self._ended, handle, process)
        return process

    def _ended(self, handle: int, process: int) -> None:
        asyncio.get_running_loop().remove_reader(handle)
        os.close(handle)
        if self._shared.workers[self._slot] == process:
            self._shared.workers[self._slot] = 0
        if self._watched == process:
            self._watched = 0
        for worker, event in self._waiting.values():
            if worker == process:
                event.set()
