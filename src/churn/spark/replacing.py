"""Outputs that are there as a whole or not at all: made under other names, and then renamed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from churn.errors import NoSparkOutput, NotAllowed, OutputExists, UnfinishedSparkRun

if TYPE_CHECKING:
    from churn.spark.job import SparkPlace

UNFINISHED, REPLACED = "unfinished", "replaced"
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

    def rename(self, name: str, to: str) -> None:
        """Give what is there another name.

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
        self._is_placing = False

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
            if not store.exists(name):
                continue
            if not force:
                raise OutputExists(store.shown(name))
            if not store.is_output(name):
                raise NoSparkOutput(store.shown(name))
        for left, run in self._left().items():
            if not force:
                raise UnfinishedSparkRun(store.shown(last), store.shown(left))
            Replacement(store, self._names, run).discard()

    def put(self, *, force: bool) -> None:
        """Put the outputs into their places.

        Args:
            force: whatever is there.
        Raises:
            OutputExists: something is there by now.
            SparkFailed: something cannot be renamed.
        """
        store = self._store
        # All of what was there first, so that of a run that is killed it shows whose is what.
        for name in self._names:
            if store.exists(name):
                if not force:
                    raise OutputExists(store.shown(name))
                store.rename(name, self._replaced(name))
        self._is_placing = True
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

    def _is_done(self) -> bool:
        last = self._names[-1]
        return self._store.exists(last) and not self._store.exists(self.made(last))

    def _restore(self) -> None:
        """Give what was there its place again; killed at any step, the next run can go on."""
        store = self._store
        before = {n: self._replaced(n) for n in self._names if store.exists(self._replaced(n))}
        if self._is_placing or self._names[-1] in before:
            for name in self._names:
                if name not in before:
                    store.remove(name)
        # The last first, for it says that what has no other before it is not of this run.
        for name in reversed(before):
            store.remove(name)
            store.rename(before[name], name)

    def _replaced(self, name: str) -> str:
        return self._store.hidden(name, REPLACED, self._run)

    def _left(self) -> dict[str, str]:
        """What other runs have left, and the run of each."""
        begins = [self._store.hidden(n, k, "") for n in self._names for k in (UNFINISHED, REPLACED)]
        return {
            name: name.removeprefix(begin)
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
        # What a Spark that has died cannot remove is told to the next run; this one tells why.
        with suppress(Py4JError, PySparkException, ConnectionError):
            outputs.discard()
        raise
    outputs.discard()
