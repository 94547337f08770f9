"""What is replaced is whole after any kill: what was there, or what has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import pytest

from churn.errors import (
    NoSparkOutput,
    NotAllowed,
    OutputExists,
    SparkFailed,
    UnfinishedSparkRun,
)
from churn.spark.replacing import Replacement, Source

NAMES = ("aside", "scores")
NEVER = 999
Things = dict[str, set[str]]
WHOLE = "_SUCCESS"
OLD: list[Things] = [
    {},
    {"scores": {WHOLE, "o1", "o2"}},
    {"aside": {WHOLE, "o3"}, "scores": {WHOLE, "o1", "o2"}},
]
NEW: list[Things] = [{"scores": {"n1", "n2"}}, {"aside": {"n3"}, "scores": {"n1", "n2"}}]


class Killed(BaseException):
    """No step after this one is done."""


@dataclass
class Shelf:
    """A store that moves and removes file by file, and can be stopped before any of these steps."""

    things: Things = field(default_factory=dict)
    steps: int = NEVER

    def hidden(self, name: str, kind: str, run: str) -> str:
        return f".{name}.{kind}-{run}"

    def names(self) -> list[str]:
        return [*self.things]

    def exists(self, name: str) -> bool:
        return name in self.things

    def is_output(self, name: str) -> bool:
        return WHOLE in self.things[name]

    def holds(self, name: str, source: Source) -> bool:
        return name in source.files

    def note(self, name: str) -> None:
        self._step()
        self.things[name] = set()

    def rename(self, name: str, to: str) -> None:
        for file in sorted(self.things[name]):
            self._step()
            self.things.setdefault(to, set()).add(file)
        self.remove(name)

    def place(self, made: str, name: str) -> None:
        self.rename(made, name)
        self._step()
        self.things[name].add(WHOLE)

    def remove(self, name: str) -> None:
        for file in sorted(self.things.get(name, ())):
            self._step()
            self.things[name].remove(file)
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


def shelf_of(things: Things, steps: int = NEVER) -> Shelf:
    return Shelf({name: set(files) for name, files in things.items()}, steps)


def begun(shelf: Shelf, new: Things, run: str = "1") -> Replacement:
    """A run that has made its outputs."""
    made = Replacement(shelf, NAMES, run)
    shelf.things |= {made.made(name): set(files) for name, files in new.items()}
    return made


def placed(new: Things) -> Things:
    return {name: {WHOLE, *files} for name, files in new.items()}


@pytest.mark.parametrize("new", NEW, ids=len)
@pytest.mark.parametrize("old", OLD, ids=len)
def test_what_has_come_takes_the_place_of_what_was_there_or_what_was_there_is_back(
    old: Things, new: Things
):
    shelf = shelf_of(old)
    run = begun(shelf, new)
    run.put(force=True)
    run.discard()
    assert shelf.things == placed(new)
    # Of a run that is killed, and the next one, too, while it puts things back:
    most = NEVER - shelf.steps
    for step, later in product(range(most + 1), range(most + 5)):
        killed_twice(old, new, step, later)


def killed_twice(old: Things, new: Things, step: int, later: int) -> None:
    shelf = shelf_of(old, step)
    run = begun(shelf, new)
    try:
        run.put(force=True)
        run.discard()
    except Killed:
        pass
    shelf.steps = later
    try:
        Replacement(shelf, NAMES, "2").check(force=True)
    except Killed:
        shelf.steps = NEVER
        Replacement(shelf, NAMES, "3").check(force=True)

    assert shelf.things in (old, placed(new)), (step, later)


@pytest.mark.parametrize("old", OLD, ids=len)
def test_what_cannot_be_put_into_its_place_leaves_what_was_there(old: Things):
    for step in range(NEVER):
        shelf = shelf_of(old, step)
        run = begun(shelf, NEW[1])
        try:
            run.put(force=True)
        except Killed:
            shelf.steps = NEVER
            run.discard()
            assert shelf.things == old, step
        else:
            assert step > 6
            return


def test_what_is_there_stays_unless_it_may_be_replaced():
    shelf = shelf_of(OLD[1])
    run = begun(shelf, NEW[1])
    with pytest.raises(OutputExists, match="OUTPUT=/scores: it is there already"):
        run.check(force=False)
    # It came while the run was at work.
    with pytest.raises(OutputExists):
        run.put(force=False)
    run.discard()
    assert shelf.things == OLD[1]


def test_what_a_run_has_left_is_told_and_removed_only_by_force():
    shelf = Shelf()
    begun(shelf, {"aside": {"n3"}})
    with pytest.raises(UnfinishedSparkRun, match=r"/scores: .* /\.aside\.unfinished-1 is there"):
        Replacement(shelf, NAMES, "2").check(force=False)
    assert shelf.things
    Replacement(shelf, NAMES, "2").check(force=True)
    assert not shelf.things


def test_a_run_whose_outputs_another_one_has_removed_fails():
    shelf = shelf_of(OLD[1])
    run = begun(shelf, NEW[1])
    Replacement(shelf, NAMES, "2").check(force=True)
    with pytest.raises(SparkFailed, match=r"/scores: .*another run has removed what was made"):
        run.put(force=True)
    run.discard()
    assert shelf.things == OLD[1]


def test_what_is_no_output_is_not_replaced_by_force_either():
    letters: Things = {"scores": {"letter"}}
    shelf = shelf_of(letters)
    with pytest.raises(NoSparkOutput, match="OUTPUT=/scores: what is there is no output"):
        Replacement(shelf, NAMES, "1").check(force=True)
    assert shelf.things == letters


def test_what_is_read_is_not_replaced():
    run = Replacement(Shelf(), NAMES, "1")
    run.refuse(Read(["customers"]))
    with pytest.raises(NotAllowed, match="OUTPUT=/aside: allowed is another place than that of"):
        run.refuse(Read(["customers", "aside"]))
