"""uvicorn's HTTP protocol with bounds on what comes before a request is complete.

uvicorn waits for ever for the head of a request, and takes any number of headers.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

HEAD_SECONDS, HEAD_BYTES = 10.0, 32 * 1024
# Milliseconds until a connection is given up whose other side takes nothing any more.
STALLED_MS = 30_000
CONTINUE = b"HTTP/1.1 100"


class OnePacket:
    """A transport that sends the head of an answer together with what follows.

    uvicorn writes one after the other, and each write is a system call and a packet of its own.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Keep a head until something follows it."""
        is_head = data.startswith(b"HTTP/1.1 ") and data.endswith(b"\r\n\r\n")
        if is_head and not data.startswith(CONTINUE):
            self._head = data
            return
        self._transport.write(self._head + data if self._head else data)
        self._head = b""

    def flush(self) -> None:
        """Send what was kept: nothing follows the head of an answer to HEAD."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Send what was kept, and close."""
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has come; its first request must follow."""
        super().connection_made(transport)
        self._packets = OnePacket(transport)
        self.transport = self._packets  # type: ignore[assignment]
        self._in_head = False
        self._head_bytes = 0
        self._timer: asyncio.TimerHandle | None = self._started()
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; a head that is not complete yet must become so in time."""
        super().data_received(data)
        if not self._in_head:
            self._stop()
        elif self.parser is not None:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(431, "head_too_large", f"The head is longer than {HEAD_BYTES} bytes.")
            elif self._timer is None:
                self._timer = self._started()

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        self._in_head, self._head_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self._in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """The answer is complete."""
        self._packets.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._refuse(400, "malformed_request", msg)

    def _started(self) -> asyncio.TimerHandle:
        return self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._refuse(408, "head_too_slow", f"No request came within {HEAD_SECONDS:g} s.")

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer in place of the application, and close."""
        content: dict[str, Any] = {"error": code, "message": message}
        body = orjson.dumps(content)
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n"
        answer = STATUS_LINE[status] + head.encode() + b"connection: close\r\n\r\n" + body
        if not self.transport.is_closing():
            self.transport.write(answer)
            self.transport.close()
