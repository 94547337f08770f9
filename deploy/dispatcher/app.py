"""The application: who may post, how much, and what is answered."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from starlette.requests import ClientDisconnect

from churn.errors import ChurnError
from deploy.dispatcher.dispatching import RESULTS, Dispatching
from deploy.dispatcher.errors import BodyIncomplete, BodyTooLarge, NotLetIn, NotReady, RequestError
from deploy.dispatcher.notifications import Notification, parsed
from deploy.dispatcher.secret_files import is_let_in, read_secrets

MOST_BYTES = 1024 * 1024
BODY_SECONDS = 10.0
logger = logging.getLogger("churn.dispatcher")


@dataclass(frozen=True)
class Service:
    """Takes notifications.

    Attributes:
        token_file: tokens of those who may post.
        dispatching: what becomes of what they post.
    """

    token_file: Path
    dispatching: Dispatching

    def check(self) -> None:
        """Check what can be checked without GitHub, and without waiting for anybody.

        Raises:
            ChurnError: a secret is missing, or the state is broken.
        """
        read_secrets(self.token_file)
        read_secrets(self.dispatching.github.token_file, most=1)
        self.dispatching.state.read()

    async def take(self, request: Request) -> tuple[str, Notification]:
        """What has become of a request.

        Raises:
            RequestError: it is refused, or nothing could be started.
        """
        try:
            if not is_let_in(request.headers.get("authorization"), self.token_file):
                raise NotLetIn
            notification = parsed(await _body(request))
            result = await run_in_threadpool(self.dispatching.take, notification)
        except ChurnError as error:
            raise NotReady(error) from None
        return result, notification


async def _body(request: Request) -> bytes:
    """The body.

    Raises:
        BodyTooLarge: the rest is not read.
        BodyIncomplete: it has not arrived in time, or the sender has gone.
    """
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise BodyTooLarge(MOST_BYTES)
    except (TimeoutError, ClientDisconnect):
        raise BodyIncomplete(BODY_SECONDS) from None
    return bytes(content)


def application(service: Service) -> FastAPI:
    """The routes: `/alerts` for Alertmanager, `/health` for probes, `/metrics` for Prometheus."""
    app = FastAPI(openapi_url=None)
    registry = CollectorRegistry()
    counter = Counter("churn_alarms", "Notifications by result", ["result"], registry=registry)
    for result in (*RESULTS, "refused", "failed"):
        counter.labels(result)  # from 0, or the first would be no increase

    @app.post("/alerts")
    async def alerts(request: Request) -> JSONResponse:
        try:
            result, notification = await service.take(request)
        except RequestError as error:
            counter.labels(error.result).inc()
            logger.warning("%s: %d %s", error.result, error.status, error)
            return JSONResponse({"error": str(error)}, error.status)
        counter.labels(result).inc()
        told = (result, notification.model_version, len(notification.firing))
        logger.info("%s: model %s, %d alerts fire", *told)
        return JSONResponse({"result": result})

    @app.get("/health")
    def health() -> JSONResponse:
        try:
            service.check()
        except ChurnError as error:
            return JSONResponse({"error": str(error)}, 503)
        return JSONResponse({"status": "ok"})

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app
