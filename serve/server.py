"""LitServe's server with what it lacks: processes that are started again when they die, an end in
good order, another model without a pause.

LitServe 0.2.19 keeps these steps in methods that begin with an underscore. They are overridden here
and nowhere else; the tests in `tests/serve` start real servers and would notice another version's.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from typing import Any

import uvicorn
from litserve import LitServer
from prometheus_client.multiprocess import mark_process_dead
from starlette.middleware.cors import CORSMiddleware

from churn.errors import ChurnError
from churn.settings import ServeSettings
from serve import logs, recording
from serve.app import Application
from serve.feedback import FeedbackReader, FeedbackTaker
from serve.generations import Coordinator, Follower
from serve.journal import Journal
from serve.lane import Lane
from serve.lifetime import end_forks_with_parent, end_with_parent, ignore
from serve.limits import RateLimit
from serve.metrics import Metrics
from serve.predicting import Predicting
from serve.protocol import BoundedProtocol
from serve.recording import SOCKET
from serve.reloading import Reloading, say
from serve.routes import PATHS, routes
from serve.shadow import Shadow
from serve.shared import ASKED, DONE, Shared
from serve.spool import LogPlace, Spool
from serve.telling import Telling
from serve.workers import BatchWorker, ShadowWorker, Worker

# Within them requests in flight are answered when the server ends, and then what was answered is
# written to the spool.
GRACE_SECONDS, SPOOL_SECONDS = 4, 2
WATCH_SECONDS = 0.1
# A process that dies so often within so many seconds will not live the next time either.
MOST_DEATHS, DEATHS_SECONDS = 10, 30.0
logger = logging.getLogger("churn.server")


class Server(LitServer):
    """Serves bundles.

    Args:
        shared: with all processes.
        settings: the group `serve`.
        coordinator: brings models into service.
        place: of the prediction log; None if there is none.
        has_probes: whether probes and metrics are on the main port.
    """

    def __init__(
        self,
        shared: Shared,
        settings: ServeSettings,
        coordinator: Coordinator,
        place: LogPlace | None,
        *,
        has_probes: bool,
    ) -> None:
        has_shadow = settings.challenger.model and settings.challenger.mode == "shadow"
        kinds: list[type[Worker]] = [BatchWorker, *([ShadowWorker] if has_shadow else [])]
        first = settings.processes
        self._apis = [kind(shared, settings, first + i) for i, kind in enumerate(kinds)]
        super().__init__(
            self._apis,
            accelerator="cpu",
            workers_per_device=1,
            # Later than our own deadline, which has the right answer: LitServe's would be a 500.
            timeout=settings.deadline + 1,
            restart_workers=True,
        )
        # LitServe kills a process that has not ended by then.
        self.uvicorn_graceful_timeout = GRACE_SECONDS + SPOOL_SECONDS
        self._shared = shared
        self._settings = settings
        self._coordinator = coordinator
        self._place = place
        self._recorder: BaseProcess | None = None
        self._has_probes = has_probes
        self._sockets: list[socket.socket] = []
        self._processes: dict[int, BaseProcess] = {}
        self._deaths: list[float] = []
        self.failed = False
        end_forks_with_parent()
        # Forked processes, LitServe's for its queues too, share what none of them writes; the
        # collector writes what it walks.
        gc.collect()
        gc.freeze()

    def names(self) -> Mapping[int, str]:
        """The slots of `Shared.loaded` whose processes are alive, with their names."""
        workers = enumerate(getattr(self, "inference_workers", []), start=self._settings.processes)
        recorder = {self._recorder_slot: self._recorder} if self._recorder else {}
        everything = {**self._processes, **dict(workers), **recorder}
        return {i: one.name for i, one in everything.items() if one.is_alive()}

    def verify_worker_status(self) -> None:
        """Nothing: requests for one customer need not wait for the workers; `/ready` tells."""

    def _start_server(
        self, port: int, num_uvicorn_servers: int, log_level: str, sockets: Any, *_: Any, **__: Any
    ) -> dict[int, BaseProcess]:
        del port, log_level
        # `run` has just given LitServe's logger a form of its own.
        logs.configure()
        self._sockets = sockets
        for i in range(num_uvicorn_servers):
            self._processes[i] = self._started(i)
        if self._place:
            self._recorder = self._started_recorder(self._place)
        return self._processes

    @property
    def _recorder_slot(self) -> int:
        return self._settings.processes + len(self._apis)

    def _started_recorder(self, place: LogPlace) -> BaseProcess:
        given = (self._shared, self._settings, self._recorder_slot, place)
        context = multiprocessing.get_context("fork")
        process = context.Process(target=recording.run, args=given, name="recorder")
        process.start()
        return process

    def _started(self, number: int) -> BaseProcess:
        context = multiprocessing.get_context("fork")
        process = context.Process(target=self._answer, args=(number,), name=f"api-{number}")
        process.start()
        return process

    def _answer(self, number: int) -> None:
        """Answer requests: the life of one process."""
        end_with_parent(signal.SIGTERM)
        ignore(signal.SIGHUP, signal.SIGINT)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        logs.configure()
        self.app.response_queue_id = number
        config = uvicorn.Config(
            lambda: self._application(number),
            factory=True,
            loop="uvloop",
            http=BoundedProtocol,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        uvicorn.Server(config).run(self._sockets)

    def _application(self, number: int) -> Any:
        """The application of process `number`, with all it needs."""
        settings, shared = self._settings, self._shared
        now = Follower(shared, number, settings.challenger).now
        metrics = Metrics(PATHS, now().lineup.champion.customers.names)
        metrics.announce(now().lineup)
        shadow = None
        if len(self._apis) > 1:
            queue = self.litapi_request_queues[ShadowWorker.path]
            shadow = Shadow(queue, settings.challenger.share, metrics)
        lane = Lane(self, BatchWorker.path, shared, BatchWorker.number)
        journal, taker = None, None
        if self._place:
            spool = Spool(self._place.spool, settings.log.most_bytes)
            journal = Journal(spool, settings.log.flush_ms, metrics.journal)
            customer = now().lineup.champion.customers.id
            reader = FeedbackReader(customer.name if customer else None)
            taker = FeedbackTaker(reader, shared.folder / SOCKET, settings.max_batch)
        predicting = Predicting(settings, now, metrics, lane, shadow)
        telling = Telling(shared, settings, now, has_probes=self._has_probes)
        table = routes(predicting, taker, telling, Reloading(shared), has_probes=self._has_probes)
        limit = RateLimit(settings.requests_per_second, shared.arrival)
        ticks = shadow.flush if shadow else None
        application = Application(self.app, table, settings, now, limit, metrics, journal, ticks)
        # What is here now stays: the collector need not walk it again at each of its rounds.
        gc.collect()
        gc.freeze()
        if not settings.cors_origins:
            return application
        return CORSMiddleware(
            application,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Content-Type", "X-API-Key", "X-Request-ID"],
            expose_headers=["X-Request-ID", "Retry-After"],
        )

    def _start_worker_monitoring(self, manager: Any, _: Any) -> None:
        """Watch over all processes until the end; LitServe's own watch knows its workers only."""
        watch = threading.Thread(target=self._watch, args=(manager,), daemon=True, name="watch")
        watch.start()

    def _watch(self, manager: Any) -> None:
        while not self._shared.stopping[0]:
            time.sleep(WATCH_SECONDS)
            try:
                self._restart_the_dead()
                self._reload_if_asked()
            except Exception:
                logger.exception("the watch goes on after a failure")
            lives = manager._process.is_alive()
            if not self._shared.stopping[0] and (not lives or self._die_too_often()):
                logger.critical("processes of the server die again and again, or its queues have")
                self.failed = True
                os.kill(os.getpid(), signal.SIGTERM)
                break
        # The processes that this thread has started would end with it: see `end_with_parent`.
        threading.Event().wait()

    def _restart_the_dead(self) -> None:
        """Start others in place of processes that have died.

        In the process that holds LitServe's queues a thread may still wait for a second on behalf
        of one that died waiting. The next message would go to it, so it is given an empty one.
        """
        for number, process in [*self._processes.items()]:
            if not process.is_alive() and not self._shared.stopping[0]:
                self._mourn(process)
                # LitServe leaves None out.
                self._transport.send(None, number)
                self._processes[number] = self._started(number)
        for number, worker in enumerate(self.inference_workers):
            if not worker.is_alive() and not self._shared.stopping[0]:
                self._mourn(worker)
                self._shared.workers[number] = 0
                api = self._apis[number]
                # LitServe takes this for no request.
                self.litapi_request_queues[api.path].put(())
                self.inference_workers[number] = self.launch_single_inference_worker(api, 0)
        recorder = self._recorder
        if self._place and recorder and not recorder.is_alive() and not self._shared.stopping[0]:
            self._mourn(recorder)
            self._recorder = self._started_recorder(self._place)

    def _mourn(self, process: BaseProcess) -> None:
        how = f"{process.name} (process {process.pid}) ended with {process.exitcode}"
        logger.error("%s; another is started", how)
        # What it had in memory waits no longer.
        mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        self._deaths.append(time.monotonic())

    def _die_too_often(self) -> bool:
        start = time.monotonic() - DEATHS_SECONDS
        self._deaths = [one for one in self._deaths if one > start]
        return len(self._deaths) > MOST_DEATHS

    def _reload_if_asked(self) -> None:
        number = self._shared.reload[ASKED]
        if number == self._shared.reload[DONE]:
            return
        version, why = None, None
        try:
            version = self._coordinator.bring(self.names).lineup.champion.version
            logger.info("model %s serves", version)
        except ChurnError as error:
            why = str(error)
            logger.error("the model that was there serves on: %s", why)  # noqa: TRY400
        except Exception:
            # Whoever asked must be told something, and once is enough.
            why = "the server failed to load it, and its log says more"
            logger.exception("the model that was there serves on")
        say(self._shared, number, version, why)

    def _perform_graceful_shutdown(self, manager: Any, uvicorn_workers: Any, *reason: Any) -> None:
        """End all processes that answer requests at once; LitServe ends one after the other."""
        self._shared.stopping[0] = 1
        for process in self._processes.values():
            process.terminate()
        super()._perform_graceful_shutdown(manager, uvicorn_workers, *reason)
        # Last, since the others have written what it is to bring into the database.
        if self._recorder:
            self._recorder.terminate()
            self._recorder.join(recording.GRACE + 1)
