"""The application's life: uvicorn, which waits for nothing more, is told of its end at the end."""

import asyncio

from prometheus_client import CollectorRegistry

from churn.params import read_parameters
from serve.app import Application
from serve.exchanges import Exchange
from serve.journal import Journal
from serve.limits import RateLimit
from serve.log_metrics import JournalMetrics
from serve.spool import Spool
from tests.checkout import ROOT
from tests.serve.test_journal import MIB, Slow, kept


async def inner(_scope, receive, send):
    """LitServe's application, in what concerns start and stop."""
    for what in ("startup", "shutdown"):
        assert (await receive())["type"] == f"lifespan.{what}"
        await send({"type": f"lifespan.{what}.complete"})


def application(journal):
    settings = read_parameters(ROOT / "params.yaml").serve
    limit = RateLimit(None, [0.0])
    return Application(inner, {}, settings, None, limit, None, journal, None)


def test_the_end_is_told_when_all_that_was_answered_is_in_the_spool(tmp_path):
    path = tmp_path / "spool.db"
    Spool(path, MIB).close()
    spool = Slow(path)
    told = []

    async def life():
        journal = Journal(spool, 20, JournalMetrics(CollectorRegistry()))
        waiting = asyncio.Queue()

        async def send(message):
            told.append((message["type"], kept(path)))

        waiting.put_nowait({"type": "lifespan.startup"})
        running = asyncio.create_task(application(journal)({"type": "lifespan"}, waiting.get, send))
        journal.add(Exchange(b"first", b"", 0.1), 1)
        await asyncio.to_thread(spool.is_asked.wait)
        journal.add(Exchange(b"meanwhile", b"", 0.1), 1)
        waiting.put_nowait({"type": "lifespan.shutdown"})
        while not waiting.empty():
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        spool.goes_on.set()
        await running

    asyncio.run(life())

    assert told == [
        ("lifespan.startup.complete", []),
        ("lifespan.shutdown.complete", [b"first", b"meanwhile"]),
    ]
