"""The ASGI application of one process that answers requests: who is let in, and within what bounds.

It stands before LitServe's own application, which is left what concerns the server's start and
stop. What the paths answer is in `predicting`, `telling` and `reloading`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from churn.settings import ServeSettings
from serve import errors
from serve.exchanges import Exchange
from serve.generations import Generation
from serve.http import REQUEST_ID, Answer, Gone, Message, Receive, Request, Scope, Send
from serve.journal import Journal
from serve.limits import RateLimit, whole_seconds
from serve.logs import RequestLog
from serve.metrics import Metrics

TICK = 0.1
logger = logging.getLogger("churn.serve")


@dataclass(frozen=True)
class Route:
    """A path.

    Attributes:
        method: that it takes; HEAD is taken where GET is.
        handler: gives the answer, or raises a `RequestError`.
        needs_key: whether the request must bring a key, and counts against its limits.
        is_bounded: whether the deadline holds.
    """

    method: str
    handler: Callable[[Request], Awaitable[Answer]]
    needs_key: bool = False
    is_bounded: bool = True


class Application:
    """Answers requests.

    Args:
        inner: LitServe's application.
        routes: by path.
        settings: the group `serve`.
        now: the generation that serves.
        limit: on the requests of a key.
        metrics: of this process.
        journal: keeps what was answered; None where there is no prediction log.
        ticks: what else is to be done ten times a second.
    """

    def __init__(
        self,
        inner: Callable[[Scope, Receive, Send], Awaitable[None]],
        routes: Mapping[str, Route],
        settings: ServeSettings,
        now: Callable[[], Generation],
        limit: RateLimit,
        metrics: Metrics,
        journal: Journal | None,
        ticks: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._inner = inner
        self._routes = routes
        self._deadline = settings.deadline
        self._now = now
        self._limit = limit
        self._metrics = metrics
        self._journal = journal
        self._ticks = ticks
        self._log = RequestLog()
        self._most_in_flight = -(-settings.max_in_flight // settings.processes)
        self._in_flight: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take what uvicorn brings: requests, and the server's start and stop."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Do what goes on beside requests, until LitServe's application has ended.

        uvicorn is told so only when the journal has ended too: then it waits for nothing more.
        """
        loop = asyncio.get_running_loop()
        ticking = loop.create_task(self._tick())
        keeping = loop.create_task(self._journal.run()) if self._journal else None

        async def tell(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):
                ticking.cancel()
                self._log.flush()
                if self._journal and keeping:
                    self._journal.end()
                    await keeping
            await send(message)

        await self._inner(scope, receive, tell)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        own = given.decode() if REQUEST_ID.fullmatch(given) else os.urandom(8).hex()
        request = Request(scope, receive, send, headers, own)
        path = scope["path"]
        route = self._routes.get(path)
        try:
            answer = await self._answered(request, route, started)
        except Gone:
            return
        await request.answer(answer)
        seconds = time.perf_counter() - started
        if request.scored and self._journal:
            exchange = Exchange(request.content, answer.body, round(seconds * 1000, 3))
            self._journal.add(exchange, request.scored)
        self._metrics.answered(path, answer.status, seconds)
        self._log.add(
            request_id=own,
            method=scope["method"],
            path=path[:200],
            status=answer.status,
            ms=round(seconds * 1000, 3),
            **request.told,
        )

    async def _answered(self, request: Request, route: Route | None, started: float) -> Answer:
        """The answer, whatever happens."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - there is one, for this is a coroutine
        if route is None or route.is_bounded:
            self._in_flight[task] = started
        try:
            return await self._handled(request, route)
        except errors.RequestError as error:
            return self._refused(request, error)
        except Gone:
            raise
        except asyncio.CancelledError:
            if task not in self._overdue:
                raise
            task.uncancel()
            late = errors.DeadlineExceeded if request.body_is_complete else errors.BodyTooSlow
            return self._refused(request, late(self._deadline))
        except Exception:
            logger.exception("request %s failed", request.id)
            return self._refused(request, errors.OurFault())
        finally:
            self._in_flight.pop(task, None)
            self._overdue.discard(task)

    async def _handled(self, request: Request, route: Route | None) -> Answer:
        if route is None:
            raise errors.NotFound([path for path in self._routes if "/docs/" not in path])
        method = request.scope["method"]
        if method != route.method and not (method == "HEAD" and route.method == "GET"):
            raise errors.MethodNotAllowed(route.method)
        if route.needs_key:
            self._let_in(request)
        return await route.handler(request)

    def _let_in(self, request: Request) -> None:
        """Check the key, and that neither it nor the server has too much to do.

        Raises:
            NotAuthorised, RateLimited, TooBusy.
        """
        keyring = self._now().keyring
        number = 0
        if keyring.keys:
            found = keyring.find(request.headers.get(b"x-api-key"))
            if found is None:
                raise errors.NotAuthorised
            number = found
            request.key = request.told["key"] = keyring.keys[number].name
        if wait := self._limit.wait(number, time.monotonic()):
            raise errors.RateLimited(self._limit.per_second or 0, whole_seconds(wait))
        if len(self._in_flight) > self._most_in_flight:
            raise errors.TooBusy

    def _refused(self, request: Request, error: errors.RequestError) -> Answer:
        self._metrics.refused(Counter(str(one.get("field")) for one in error.problems))
        return Answer(error.status, orjson.dumps(error.body(request.id)), headers=error.headers)

    async def _tick(self) -> None:
        """What is done ten times a second: end what takes too long, write the log."""
        while True:
            await asyncio.sleep(TICK)
            end = time.perf_counter() - self._deadline
            for task, started in [*self._in_flight.items()]:
                if started < end and task not in self._overdue:
                    self._overdue.add(task)
                    task.cancel()
            await asyncio.to_thread(self._log.flush)
            if self._ticks:
                await self._ticks()
