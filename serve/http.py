"""One HTTP request: its head, its body within bounds, its query, and the answer to it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import orjson

from serve.errors import BodyTooLarge, InvalidQuery, WrongContentType

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

JSON = "application/json"
# What a client may call its request, so that it finds it again in its own logs and ours.
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
# What is read of a body that is too large, so that the sender gets to see the answer.
DRAIN_BYTES, DRAIN_SECONDS = 1024 * 1024, 2.0


class Gone(Exception):
    """The sender has closed the connection before its request was complete."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, content: Any, status: int = 200) -> Answer:
        """Plain data as JSON."""
        return cls(status, orjson.dumps(content))


@dataclass(slots=True)
class Request:
    """A request.

    Attributes:
        scope, receive, send: of ASGI.
        headers: by lower-case name; of several of one name, the last.
        id: the client's own, or one made here.
        key: name of the key that it came with; None where there are none.
        body_is_complete: whether the whole body has been read.
        told: more for its line in the log.
        scored: customers whom the answer is about; where there are any, it is kept for the
            prediction log.
        content: the whole body, once it has been read.
    """

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[bytes, bytes]
    id: str
    key: str | None = None
    body_is_complete: bool = False
    told: dict[str, Any] = field(default_factory=dict)
    scored: int = 0
    content: bytes = b""

    def require_json(self) -> None:
        """Check what the body is said to be.

        Raises:
            WrongContentType: no JSON.
        """
        given = self.headers.get(b"content-type", b"")
        if given != b"application/json":
            kind = given.decode("latin-1").partition(";")[0].strip().lower()
            if kind != JSON:
                raise WrongContentType(given.decode("latin-1")[:100])

    def length(self, most: int) -> int:
        """Length of the body as announced, 0 if it is not.

        Raises:
            BodyTooLarge: it is more than allowed.
        """
        # The parser lets no other than digits through.
        length = int(self.headers.get(b"content-length", b"0"))
        if length > most:
            raise BodyTooLarge(most)
        return length

    async def body(self, most: int) -> bytes:
        """Read the body.

        Raises:
            BodyTooLarge: it is longer than `most`; the rest is not read.
            Gone: the sender has closed the connection.
        """
        self.length(most)
        chunks: list[bytes] = []
        size = 0
        while not self.body_is_complete:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Gone
            chunks.append(message["body"])
            size += len(message["body"])
            if size > most:
                raise BodyTooLarge(most)
            self.body_is_complete = not message["more_body"]
        self.content = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return self.content

    def query(self, allowed: dict[str, str]) -> dict[str, str]:
        """Parameters of the query.

        Args:
            allowed: what each may be, in words, by name.
        Raises:
            InvalidQuery: an unknown parameter, or one given twice.
        """
        raw = self.scope["query_string"]
        if not raw:
            return {}
        try:
            pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=20)
        except (UnicodeDecodeError, ValueError):
            raise InvalidQuery("", "it cannot be read", ", ".join(allowed) or "none") from None
        found: dict[str, str] = {}
        for name, value in pairs:
            if name not in allowed:
                raise InvalidQuery(name[:100], "it is unknown", ", ".join(allowed) or "none")
            if name in found:
                raise InvalidQuery(name, "it is given more than once", allowed[name])
            found[name] = value
        return found

    async def answer(self, answer: Answer) -> None:
        """Send the answer; what was not read of a body that is too large is let run out first."""
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", str(len(answer.body)).encode()),
            (b"x-request-id", self.id.encode()),
        ]
        if answer.headers:
            headers += [(name.encode(), value.encode()) for name, value in answer.headers]
        await self.send(
            {"type": "http.response.start", "status": answer.status, "headers": headers}
        )
        if answer.status == BodyTooLarge.status and not self.body_is_complete:
            await self.send({"type": "http.response.body", "body": answer.body, "more_body": True})
            await self._drain()
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await self.send({"type": "http.response.body", "body": answer.body, "more_body": False})

    async def _drain(self) -> None:
        """Read on for a moment: a connection closed on unread bytes takes the answer with it."""
        if self.headers.get(b"expect") == b"100-continue":
            return
        size = 0
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while size < DRAIN_BYTES:
                    message = await self.receive()
                    size += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message["more_body"]:
                        return
        except TimeoutError:
            return


def whole(name: str, text: str | None, most: int) -> int:
    """A query parameter that is a whole number from 1 to `most`; 0 if it is absent.

    Raises:
        InvalidQuery: it is none.
    """
    if text is None:
        return 0
    # Also `int` takes digits of other scripts, and spaces.
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= most:
        raise InvalidQuery(
            name, f"{text[:40]!r} is not allowed", f"a whole number from 1 to {most}"
        )
    return int(text)
