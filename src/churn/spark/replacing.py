"""Outputs that are there as a whole or not at all: made under other names, and then renamed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from churn.errors import NoSparkOutput, NotAllowed, OutputExists, SparkFailed, UnfinishedSparkRun
from churn.spark.telling import has_ended

if TYPE_CHECKING:
    from churn.spark.job import SparkPlace

UNFINISHED, REPLACED, PLACING = KINDS = ("unfinished", "replaced", "placing")
DIGITS = 12


class Source(Protocol):
    """What is read."""

    @property
    def place(self) -> SparkPlace:
        """As it was given."""

    @property
    def files(self) -> Sequence[str]:
        """That are read; none of a table that is no files."""


class Store(Protocol):
    """Where outputs are, beside each other, by name."""

    def hidden(self, name: str, kind: str, run: str) -> str:
        """Another name for an output; all runs' begin with that of the run ''."""

    def names(self) -> Sequence[str]:
        """All that is there."""

    def exists(self, name: str) -> bool:
        """Whether something has this name."""

    def is_output(self, name: str) -> bool:
        """Whether what has this name is an output of Spark's, and not anything else."""

    def holds(self, name: str, source: Source) -> bool:
        """Whether what is read is, or lies in, what has this name."""

    def note(self, name: str) -> None:
        """Put something empty there."""

    def rename(self, name: str, to: str) -> None:
        """Give what is there another name, or go on with a move that was interrupted.

        Raises:
            SparkFailed: it cannot be had.
        """

    def place(self, made: str, name: str) -> None:
        """The same for what is whole; the store says so in its own way.

        Raises:
            SparkFailed: the name cannot be had.
        """

    def remove(self, name: str) -> None:
        """Remove what has this name, if something has."""

    def shown(self, name: str) -> str:
        """The address of what has this name, for people."""


class Replacement:
    """Outputs of one run.

    Args:
        store: where they are.
        names: of the outputs, in the order in which they are put into their places: where the
            last is, all are.
        run: a name for the run.
    """

    def __init__(self, store: Store, names: Sequence[str], run: str) -> None:
        self._store = store
        self._names = names
        self._run = run

    def made(self, name: str) -> str:
        """The name under which an output is made."""
        return self._store.hidden(name, UNFINISHED, self._run)

    def refuse(self, source: Source) -> None:
        """Check that the outputs would not replace what is read.

        Raises:
            NotAllowed: one would.
        """
        for name in self._names:
            if self._store.holds(name, source):
                allowed = "another place than that of INPUT"
                raise NotAllowed("OUTPUT", self._store.shown(name), allowed)

    def check(self, *, force: bool) -> None:
        """Check that nothing is there.

        Args:
            force: something may be; what interrupted runs have left is removed.
        Raises:
            OutputExists: an output is there.
            NoSparkOutput: what is there is none.
            UnfinishedSparkRun: an interrupted run has left something.
        """
        store, last = self._store, self._names[-1]
        for name in reversed(self._names):
            if not force and store.exists(name):
                raise OutputExists(store.shown(name))
        for run, left in self._left().items():
            if not force:
                raise UnfinishedSparkRun(store.shown(last), store.shown(left))
            Replacement(store, self._names, run).discard()
        for name in reversed(self._names):
            if store.exists(name) and not store.is_output(name):
                raise NoSparkOutput(store.shown(name))

    def put(self, *, force: bool) -> None:
        """Put the outputs into their places.

        Args:
            force: whatever is there.
        Raises:
            OutputExists: something is there by now.
            SparkFailed: something cannot be renamed, or another run has removed it.
        """
        store, last = self._store, self._names[-1]
        if not store.exists(self.made(last)):
            raise SparkFailed(store.shown(last), "another run has removed what was made")
        for name in self._names:
            if store.exists(name):
                if not force:
                    raise OutputExists(store.shown(name))
                store.rename(name, self._replaced(name))
        # From here on, what stands in the places is of this run.
        store.note(self._placing)
        for name in self._names:
            if store.exists(self.made(name)):
                store.place(self.made(name), name)

    def discard(self) -> None:
        """Remove what is unfinished or replaced; if the run is not done, the latter comes back.

        Raises:
            SparkFailed: it cannot come back; it stays where it is.
        """
        store = self._store
        if not self._is_done():
            self._restore()
        for name in self._names:
            store.remove(self._replaced(name))
            store.remove(self.made(name))
        store.remove(self._placing)

    def _is_done(self) -> bool:
        store, last = self._store, self._names[-1]
        is_there = store.exists(last) and store.is_output(last)
        return is_there and store.exists(self._placing) and not store.exists(self.made(last))

    def _restore(self) -> None:
        """Give what was there its place again; killed at any step, the next run can go on."""
        store = self._store
        if store.exists(self._placing):
            for name in self._names:
                store.remove(name)
            store.remove(self._placing)
        for name in self._names:
            if store.exists(self._replaced(name)):
                store.rename(self._replaced(name), name)

    @property
    def _placing(self) -> str:
        return self._store.hidden(self._names[-1], PLACING, self._run)

    def _replaced(self, name: str) -> str:
        return self._store.hidden(name, REPLACED, self._run)

    def _left(self) -> dict[str, str]:
        """Other runs that have left something, and one thing of each."""
        begins = [self._store.hidden(name, kind, "") for name in self._names for kind in KINDS]
        return {
            name.removeprefix(begin): name
            for name in self._store.names()
            for begin in begins
            if name.startswith(begin)
        }


@contextmanager
def replacing(store: Store, names: Sequence[str], *, force: bool) -> Iterator[Replacement]:
    """Outputs to be made in a block; they appear when the block has ended well.

    Args:
        store: where they are.
        names: of the outputs, that which says that all are there last.
        force: replace what is there.
    Raises:
        OutputExists: something is there.
        NoSparkOutput: what is there may not be replaced.
        UnfinishedSparkRun: an interrupted run has left something.
        SparkFailed: something cannot be renamed.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    outputs = Replacement(store, names, uuid.uuid4().hex[:DIGITS])
    outputs.check(force=force)
    try:
        yield outputs
        outputs.put(force=force)
    except BaseException:
        try:
            outputs.discard()
        except (Py4JError, PySparkException, ConnectionError) as error:
            # What a Spark that has died cannot remove is told to the next run; this one tells why.
            if not has_ended(error):
                raise
        raise
    outputs.discard()
