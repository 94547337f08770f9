"""Structured logs: one JSON object a line on standard error."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

import orjson

# Of the lines of requests, no more are kept for whoever reads them too slowly.
MOST_BYTES = 16 * 1024 * 1024


class JsonFormatter(logging.Formatter):
    """A record of the logging module as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, where it comes from, what happened, and the traceback if there is one."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


class SafeHandler(logging.StreamHandler[Any]):
    """Writes to standard error; a disk that is full loses the line and nothing else."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Nothing: there is nowhere to say it."""


def configure() -> None:
    """Send every logger's records to standard error as JSON, in this process."""
    handler = SafeHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("litserve", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Such as numpy's, of a feature that is infinite.
    logging.captureWarnings(capture=True)
    # Each is told by its own line, with the request's id.
    logging.getLogger("uvicorn.access").disabled = True


class RequestLog:
    """One line for each request, kept for a moment and written together.

    A write each would take as long as the prediction, and would wait for whoever reads them.
    """

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._bytes = 0
        self._stream = sys.stderr.fileno()

    def add(self, **line: Any) -> None:
        """Keep a line for the next `flush`."""
        if self._bytes < MOST_BYTES:
            text = orjson.dumps({"time": time.time(), "level": "info", "event": "request", **line})
            self._lines.append(text)
            self._bytes += len(text)

    def flush(self) -> None:
        """Write what is there; lines that cannot be written are lost."""
        if self._lines:
            lines, self._lines, self._bytes = self._lines, [], 0
            data = b"\n".join([*lines, b""])
            with contextlib.suppress(OSError):
                while data:
                    data = data[os.write(self._stream, data) :]
