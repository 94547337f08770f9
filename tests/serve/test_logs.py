"""Logs: one JSON object a line, whatever happens."""

import contextlib
import json
import logging
import os
import subprocess
import sys
from datetime import datetime

from serve.logs import MOST_BYTES, JsonFormatter, RequestLog
from tests.checkout import ROOT


@contextlib.contextmanager
def _stderr(monkeypatch):
    """Both ends of a pipe that stands for standard error: what is written can be read."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as end, os.fdopen(write, "wb") as start:
        monkeypatch.setattr(sys, "stderr", start)
        yield end, start


def _record(message, *arguments, exc_info=None):
    name, level = "churn.serve", logging.ERROR
    return logging.LogRecord(name, level, "x.py", 1, message, arguments, exc_info)


def test_a_record_is_one_line_of_json():
    line = json.loads(JsonFormatter().format(_record('two\nlines and "%s"', "x")))

    assert line["message"] == 'two\nlines and "x"'
    assert (line["level"], line["event"]) == ("error", "churn.serve")
    assert datetime.fromisoformat(line["time"]).tzinfo is not None


def test_a_traceback_is_in_the_line():
    try:
        int("the reason")
    except ValueError:
        text = JsonFormatter().format(_record("failed", exc_info=sys.exc_info()))

    assert "\n" not in text
    assert "ValueError: invalid literal" in json.loads(text)["traceback"]


def test_everything_that_a_process_says_is_json():
    code = """if True:
        import logging, warnings
        from serve import logs
        logs.configure()
        logging.getLogger("uvicorn.error").info("started")
        logging.getLogger("uvicorn.access").info("never")
        warnings.warn("overflow")
        logging.getLogger("litserve").warning("a worker died")
        """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [one["event"] for one in lines] == ["uvicorn.error", "py.warnings", "litserve"]
    assert "overflow" in lines[1]["message"]


def test_lines_of_requests_are_written_together_in_their_order(monkeypatch):
    with _stderr(monkeypatch) as (end, start):
        log = RequestLog()
        for number in range(3):
            log.add(request_id=f"id\n{number}", status=200)

        log.flush()
        log.flush()
        start.close()

        lines = [json.loads(line) for line in end.read().splitlines()]
    assert [one["request_id"] for one in lines] == ["id\n0", "id\n1", "id\n2"]
    assert {(one["event"], one["level"]) for one in lines} == {("request", "info")}


def test_a_reader_that_is_gone_stops_nothing(monkeypatch):
    with _stderr(monkeypatch) as (end, _):
        end.close()
        log = RequestLog()
        log.add(request_id="lost")

        log.flush()


def test_no_more_is_kept_than_there_is_room_for(monkeypatch):
    with _stderr(monkeypatch):
        log = RequestLog()
    for _ in range(40):
        log.add(content="x" * (MOST_BYTES // 20))

    assert MOST_BYTES <= sum(map(len, log._lines)) < MOST_BYTES * 1.1
