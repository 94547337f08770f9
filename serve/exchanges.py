"""Exchanges: what was asked and what was answered, word for word, as they are kept for the log."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Bytes asked, bytes answered, milliseconds.
HEAD = struct.Struct("<IId")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One answered request for predictions.

    Attributes:
        asked: body of the request.
        answered: body of the answer.
        ms: milliseconds from the head of the request to the end of its answer.
    """

    asked: bytes
    answered: bytes
    ms: float


def packed(exchanges: Sequence[Exchange]) -> bytes:
    """One after the other, as bytes."""
    parts: list[bytes] = []
    for one in exchanges:
        head = HEAD.pack(len(one.asked), len(one.answered), one.ms)
        parts += (head, one.asked, one.answered)
    return b"".join(parts)


def unpacked(content: bytes) -> Iterator[Exchange]:
    """The inverse of `packed`."""
    at = 0
    while at < len(content):
        asked, answered, ms = HEAD.unpack_from(content, at)
        middle = at + HEAD.size + asked
        at = middle + answered
        yield Exchange(content[middle - asked : middle], content[middle:at], ms)
