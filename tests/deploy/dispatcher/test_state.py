"""The file of episodes: whole or as before, and one user at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from deploy.dispatcher.episodes import Episode
from deploy.dispatcher.errors import NotDispatched, UnusableState
from deploy.dispatcher.state import State
from tests.deploy.dispatcher.running import NOW

ONE = {"v1": Episode(dispatched_at=NOW, last_start=NOW)}


def fail() -> None:
    raise NotDispatched("url", "why")


def test_nothing_was_dispatched_where_there_is_no_file_yet(tmp_path: Path):
    state = State(tmp_path / "new" / "episodes.json")
    state.check()
    assert state.read() == {}


def test_what_is_written_is_read_by_whoever_comes_next(tmp_path: Path):
    path = tmp_path / "episodes.json"
    State(path).write(ONE, act=lambda: None)
    assert State(path).read() == ONE


def test_if_the_deed_fails_it_is_as_if_nothing_was_written(tmp_path: Path):
    state = State(tmp_path / "episodes.json")
    with pytest.raises(NotDispatched, match="Nothing was started"):
        state.write(ONE, act=fail)
    assert state.read() == {}
    assert not [*tmp_path.iterdir()]


def test_one_at_a_time(tmp_path: Path):
    first, second = (State(tmp_path / "episodes.json") for _ in range(2))
    order: list[str] = []
    waits = Event()

    def other() -> None:
        waits.set()
        with second.held():
            order.append("second")

    with ThreadPoolExecutor(1) as thread:
        with first.held():
            done = thread.submit(other)
            waits.wait()
            order.append("first")
        done.result()
    assert order == ["first", "second"]


def test_a_folder_that_is_none_is_told(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UnusableState, match=r"episodes.json.lock: File exists.*DISPATCHER_STATE"):
        State(tmp_path / "file" / "episodes.json").check()
