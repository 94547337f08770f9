"""Reading a JSON body, with what JSON parsers let pass: doubled fields, NaN and Infinity."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

from serve.errors import DoubledField, MalformedBody


def parsed(raw: bytes, wanted: str) -> Any:
    """The content of a body.

    Args:
        raw: as it was sent.
        wanted: what should be there, in words, for the messages.
    Returns:
        plain data. NaN, Infinity and numbers beyond float64 are in it as floats, so that whoever
        reads the values can say which field they stand in.
    Raises:
        MalformedBody: empty, no UTF-8, no JSON, or nested too deeply.
        DoubledField: an object has a field twice; most parsers would take the last.
    """
    if not raw.strip():
        raise MalformedBody("it is empty", wanted)
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        content = _lenient(raw, str(error), wanted)
    # Every field of every object has its colon; text may hold more of them. So as many colons as
    # fields mean that none was lost, and only otherwise is it worth to look closely.
    if raw.count(b":") != _fields(content):
        _refuse_doubled(raw, wanted)
    return content


def _fields(content: Any) -> int:
    """How many fields the objects have that a request may hold: at most three levels deep."""
    if isinstance(content, list):
        return sum(len(one) for one in content if isinstance(one, dict))
    if isinstance(content, dict):
        inner: Iterable[Any] = content.values()
        return len(content) + sum(len(one) for one in inner if isinstance(one, dict))
    return 0


def _lenient(raw: bytes, problem: str, wanted: str) -> Any:
    """What Python's own parser makes of it, which understands NaN, Infinity and 1e400."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"byte {error.start} is not UTF-8", wanted) from None
    is_number = "infinity when parsed" in problem
    if is_number or "NaN" in text or "Infinity" in text:
        try:
            content = json.loads(text)
            # Half of a surrogate pair is no text, and no answer could repeat it.
            json.dumps(content, ensure_ascii=False).encode()
        # What integers of too many digits and half pairs give, and deep nesting.
        except (ValueError, RecursionError):
            pass
        else:
            return content
    # Of some 900 levels orjson says that it has no memory, of more that there is a limit.
    is_deep = "memory" in problem or "depth" in problem
    why = "it is nested too deeply" if is_deep else problem.partition(": line")[0]
    raise MalformedBody(why, wanted) from None


def _refuse_doubled(raw: bytes, wanted: str) -> None:
    """Raise if an object has a field twice.

    Raises:
        DoubledField: naming the first, and its row if it is a field of a row.
        MalformedBody: nested too deeply to be looked through.
    """
    doubled: list[tuple[str, dict[str, Any]]] = []

    def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                doubled.append((name, found))
            found[name] = value
        return found

    try:
        content = json.loads(raw, object_pairs_hook=fields)
    except RecursionError:
        raise MalformedBody("it is nested too deeply", wanted) from None
    if doubled:
        name, where = doubled[0]
        rows = content if isinstance(content, list) else ()
        raise DoubledField(name[:200], next((i for i, o in enumerate(rows) if o is where), None))
