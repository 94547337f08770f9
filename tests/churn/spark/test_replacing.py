"""What is replaced is whole at every moment: what was there, or what has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import pytest

from churn.errors import NoSparkOutput, NotAllowed, OutputExists, UnfinishedSparkRun
from churn.spark.replacing import Replacement, Source

NAMES = ("aside", "scores")
NEVER = 99
# More than a run takes.
STEPS = 14
OLD: list[dict[str, str]] = [{}, {"scores": "old"}, {"aside": "old", "scores": "old"}]
NEW: list[dict[str, str]] = [{"scores": "new"}, {"aside": "new", "scores": "new"}]


class Killed(BaseException):
    """No step after this one is done."""


@dataclass
class Shelf:
    """A store in memory, which can be stopped before any step that changes something."""

    things: dict[str, str] = field(default_factory=dict)
    steps: int = NEVER

    def hidden(self, name: str, kind: str, run: str) -> str:
        return f".{name}.{kind}-{run}"

    def names(self) -> list[str]:
        return [*self.things]

    def exists(self, name: str) -> bool:
        return name in self.things

    def is_output(self, name: str) -> bool:
        return self.things[name] != "letter"

    def holds(self, name: str, source: Source) -> bool:
        return name in source.files

    def rename(self, name: str, to: str) -> None:
        self._step()
        assert to not in self.things
        self.things[to] = self.things.pop(name)

    place = rename

    def remove(self, name: str) -> None:
        self._step()
        self.things.pop(name, None)

    def shown(self, name: str) -> str:
        return f"/{name}"

    def _step(self) -> None:
        if not self.steps:
            raise Killed
        self.steps -= 1


@dataclass
class Read:
    files: list[str]
    place: object = None


def begun(shelf: Shelf, new: dict[str, str], run: str = "1") -> Replacement:
    """A run that has made its outputs."""
    made = Replacement(shelf, NAMES, run)
    shelf.things |= {made.made(name): thing for name, thing in new.items()}
    return made


@pytest.mark.parametrize("new", NEW, ids=len)
@pytest.mark.parametrize("old", OLD, ids=len)
def test_what_is_whole_takes_the_place_of_what_was_there(old: dict[str, str], new: dict[str, str]):
    shelf = Shelf(dict(old))
    run = begun(shelf, new)
    run.put(force=True)
    run.discard()
    assert shelf.things == new


@pytest.mark.parametrize("new", NEW, ids=len)
@pytest.mark.parametrize("old", OLD, ids=len)
def test_a_killed_run_leaves_the_old_or_the_new(old: dict[str, str], new: dict[str, str]):
    for step, later in product(range(STEPS), repeat=2):
        killed_twice(old, new, step, later)


def killed_twice(old: dict[str, str], new: dict[str, str], step: int, later: int) -> None:
    shelf = Shelf(dict(old), step)
    run = begun(shelf, new)
    try:
        run.put(force=True)
        run.discard()
    except Killed:
        pass
    # The next one is killed, too, while it puts things back.
    shelf.steps = later
    try:
        Replacement(shelf, NAMES, "2").check(force=True)
    except Killed:
        shelf.steps = NEVER
        Replacement(shelf, NAMES, "3").check(force=True)

    # Without scores nobody takes the other for anything, and the next run replaces it.
    is_alone = not old and {*shelf.things} == {"aside"}
    assert shelf.things in (old, new) or is_alone, (step, later)


@pytest.mark.parametrize("step", range(4))
def test_what_cannot_be_put_into_its_place_leaves_what_was_there(step: int):
    for old in OLD:
        new = {"aside": "new", "scores": "new"}
        shelf = Shelf(dict(old), min(step, len(old) + len(new) - 1))
        run = begun(shelf, new)
        with pytest.raises(Killed):
            run.put(force=True)
        shelf.steps = NEVER
        run.discard()
        assert shelf.things == old


def test_what_is_there_stays_unless_it_may_be_replaced():
    shelf = Shelf({"scores": "old"})
    run = begun(shelf, {"aside": "new", "scores": "new"})
    with pytest.raises(OutputExists, match="OUTPUT=/scores: it is there already"):
        run.check(force=False)
    # It came while the run was at work.
    with pytest.raises(OutputExists):
        run.put(force=False)
    run.discard()
    assert shelf.things == {"scores": "old"}


def test_what_a_run_has_left_is_told_and_removed_only_by_force():
    shelf = Shelf()
    begun(shelf, {"aside": "new"})
    with pytest.raises(UnfinishedSparkRun, match=r"/scores: .* /\.aside\.unfinished-1 is there"):
        Replacement(shelf, NAMES, "2").check(force=False)
    assert shelf.things
    Replacement(shelf, NAMES, "2").check(force=True)
    assert not shelf.things


def test_what_is_no_output_is_not_replaced_by_force_either():
    shelf = Shelf({"scores": "letter"})
    with pytest.raises(NoSparkOutput, match="OUTPUT=/scores: what is there is no output of ours"):
        Replacement(shelf, NAMES, "1").check(force=True)
    assert shelf.things == {"scores": "letter"}


def test_what_is_read_is_not_replaced():
    run = Replacement(Shelf(), NAMES, "1")
    run.refuse(Read(["customers"]))
    with pytest.raises(NotAllowed, match="OUTPUT=/aside: allowed is another place than that of"):
        run.refuse(Read(["customers", "aside"]))
