"""What Spark raises, as one line for a user."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn.errors import NoSuchInput, SparkFailed

LONGEST_WHY = 300
ENDED = "its Java process has ended: killed, or out of memory (spark.driver.memory)"
# How Python ends a trace: by the name of an error's class, and what it says.
RAISED = re.compile(r"^(?:\w+\.)*\w+(?:Error|Exception|\w): (.+)$")
TRACE = "Traceback (most recent call last)"
FRAME = re.compile(r"\s+at \S+\(|\s*\.\.\. \d+ more|Driver stacktrace:")


@contextmanager
def telling(where: str) -> Iterator[None]:
    """Turn what goes wrong in Spark into one error that says so.

    Args:
        where: it goes wrong, for people.
    Raises:
        NoSuchInput: there is no such file.
        SparkFailed: anything else.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        if error.getCondition() == "PATH_NOT_FOUND":
            raise NoSuchInput("INPUT", where) from None
        raise SparkFailed(where, said(error)) from None
    except (Py4JError, ConnectionError) as error:
        raise SparkFailed(where, ENDED if has_ended(error) else said(error)) from None


@contextmanager
def told_once() -> Iterator[None]:
    """Keep py4j from logging, trace and all, what it raises as well when Java has ended."""
    # It does so by the root's own functions, whose lines no logger of its name can stop.
    root = logging.getLogger()
    root.addFilter(_is_not_py4j)
    try:
        yield
    finally:
        root.removeFilter(_is_not_py4j)


def _is_not_py4j(record: logging.LogRecord) -> bool:
    return Path(record.pathname).parent.name != "py4j"


def has_ended(error: Exception) -> bool:
    """Whether Spark's Java is gone, by what is raised when it is called."""
    from py4j.protocol import Py4JJavaError, Py4JNetworkError

    if isinstance(error, Py4JJavaError):
        return False
    # What py4j says of a call that nobody has answered; of one that was, it adds Java's trace.
    text = str(error)
    is_unanswered = text.startswith("An error occurred while calling") and "Trace:" not in text
    is_lost = isinstance(error, Py4JNetworkError | ConnectionError)
    return is_lost or is_unanswered or text.endswith("does not exist in the JVM")


def said(error: Exception) -> str:
    """What is wrong, without the traces of Spark's own code."""
    java = getattr(error, "java_exception", None)
    text = str(java.toString() if java else error)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not FRAME.match(line)]
    if not lines:
        return "its process has ended"
    if any(TRACE in line for line in lines):
        raised = [line for line in lines if RAISED.match(line) and TRACE not in line]
        lines = raised[-1:] or lines[-1:]
    return lines[0][:LONGEST_WHY].rstrip(".")
