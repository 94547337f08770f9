"""The journal: nothing is lost but what is counted."""

import asyncio
import sqlite3
import threading

import pytest
from prometheus_client import CollectorRegistry

from serve.exchanges import Exchange, unpacked
from serve.journal import MOST_BYTES, Journal
from serve.log_metrics import JournalMetrics
from serve.spool import Spool

MIB = 1024 * 1024


class Broken(Spool):
    """A spool whose disk fails as often as is said."""

    def __init__(self, path, failures):
        super().__init__(path, MIB)
        self.failures = failures

    def put(self, content, rows):
        if self.failures:
            self.failures -= 1
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error
        super().put(content, rows)


class Slow(Spool):
    """A spool whose disk is busy until it is told to go on."""

    def __init__(self, path):
        super().__init__(path, MIB)
        self.is_asked, self.goes_on = threading.Event(), threading.Event()

    def put(self, content, rows):
        self.is_asked.set()
        assert self.goes_on.wait(60)
        super().put(content, rows)


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.db"


def kept(path):
    spool = Spool(path, MIB)
    found = [e.asked for one in spool.oldest(10**6) for e in unpacked(one.content)]
    spool.close()
    return found


def run(spool, registry, *exchanges, rows=1):
    """A journal's life: these are added, and it ends."""

    async def life():
        journal = Journal(spool, 20, JournalMetrics(registry))
        running = asyncio.create_task(journal.run())
        for one in exchanges:
            journal.add(one, rows)
            await asyncio.sleep(0)
        journal.end()
        await running

    asyncio.run(life())


def lost(registry, reason):
    return registry.get_sample_value("churn_log_rows_lost_total", {"reason": reason})


def test_all_that_was_added_is_in_the_spool_at_the_end(path, registry):
    run(Spool(path, MIB), registry, *(Exchange(b"%d" % i, b"", 0.1) for i in range(100)))

    assert kept(path) == [b"%d" % i for i in range(100)]


def test_what_is_added_while_the_disk_takes_the_rest_is_there_at_the_end_too(path, registry):
    spool = Slow(path)

    async def life():
        journal = Journal(spool, 20, JournalMetrics(registry))
        running = asyncio.create_task(journal.run())
        journal.add(Exchange(b"first", b"", 0.1), 1)
        await asyncio.to_thread(spool.is_asked.wait)
        journal.add(Exchange(b"meanwhile", b"", 0.1), 1)
        journal.end()
        spool.goes_on.set()
        await running

    asyncio.run(life())

    assert kept(path) == [b"first", b"meanwhile"]
    assert lost(registry, "disk") == 0


def test_what_is_answered_after_the_end_is_written_at_once(path, registry):
    async def life():
        journal = Journal(Spool(path, MIB), 20, JournalMetrics(registry))
        journal.end()
        await journal.run()
        journal.add(Exchange(b"late", b"", 0.1), 1)

    asyncio.run(life())

    assert kept(path) == [b"late"]


def test_a_disk_that_fails_for_a_moment_loses_nothing(path, registry):
    async def life():
        journal = Journal(Broken(path, failures=3), 20, JournalMetrics(registry))
        running = asyncio.create_task(journal.run())
        for i in range(5):
            journal.add(Exchange(b"%d" % i, b"", 0.1), 1)
            await asyncio.sleep(0.02)
        journal.end()
        await running

    asyncio.run(life())

    assert kept(path) == [b"%d" % i for i in range(5)]
    assert lost(registry, "disk") == 0


def test_what_a_broken_disk_never_takes_is_counted_and_told_at_the_end(path, registry, caplog):
    run(Broken(path, failures=10**6), registry, Exchange(b"a", b"", 0.1), rows=7)

    assert kept(path) == []
    assert caplog.messages == ["7 predictions are in no log: the spool took none (disk)"]
    assert lost(registry, "disk") == 7


def test_what_no_longer_fits_into_memory_is_counted_at_once(path, registry):
    big = Exchange(bytes(MOST_BYTES), b"", 0.1)

    run(Spool(path, 100 * MIB), registry, big, Exchange(b"one too many", b"", 0.1), rows=2)

    assert [len(one) for one in kept(path)] == [MOST_BYTES]
    assert lost(registry, "queue_full") == 2


def test_a_spool_at_its_limit_is_told_from_a_broken_disk(path, registry):
    run(Spool(path, MIB), registry, Exchange(bytes(2 * MIB), b"", 0.1), rows=3)

    assert lost(registry, "spool_full") == 3
    assert lost(registry, "disk") == 0


def test_a_spool_at_its_limit_takes_what_comes_once_there_is_room(path, registry):
    spool = Spool(path, 2 * MIB)

    async def life():
        journal = Journal(spool, 20, JournalMetrics(registry))
        running = asyncio.create_task(journal.run())
        for size in (MIB, 3 * MIB):
            journal.add(Exchange(bytes(size), b"", 0.1), 1)
            await asyncio.sleep(0.1)
        spool.remove(one.number for one in spool.oldest(10))
        journal.add(Exchange(b"small", b"", 0.1), 1)
        journal.end()
        await running

    asyncio.run(life())

    assert kept(path) == [b"small"]
    assert lost(registry, "spool_full") == 1
