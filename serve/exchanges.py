"""Exchanges: what was asked and what was answered, word for word, as they are kept for the log."""

from __future__ import annotations

import struct
from collections.abc import Iterator
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


def pack(exchange: Exchange, into: bytearray) -> None:
    """Put an exchange behind those that are there."""
    into += HEAD.pack(len(exchange.asked), len(exchange.answered), exchange.ms)
    into += exchange.asked
    into += exchange.answered


def unpacked(content: bytes) -> Iterator[Exchange]:
    """What `pack` has put there, in its order."""
    at = 0
    while at < len(content):
        asked, answered, ms = HEAD.unpack_from(content, at)
        middle = at + HEAD.size + asked
        at = middle + answered
        yield Exchange(content[middle - asked : middle], content[middle:at], ms)
