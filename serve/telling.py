"""What the server tells of itself: probes, metrics, the model, the documentation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from churn.settings import ServeSettings
from serve import docs, openapi
from serve.generations import Generation
from serve.http import Answer, Request
from serve.metrics import CONTENT_TYPE, exposed
from serve.models import Model
from serve.shared import BATCH, Shared

HEALTHY = {"status": "healthy", "model_loaded": True}


def missing(shared: Shared, generation: Generation) -> list[str]:
    """What stands in the way of answering predictions, in words; nothing if all is well."""
    found = []
    if shared.stopping[0]:
        found.append("the server is shutting down")
    if not shared.workers[BATCH]:
        found.append("the process that scores large batches is starting")
    models = (generation.lineup.champion, generation.lineup.challenger)
    return found + [
        f"model {one.version} does not score"
        for one in models
        if one is not None and not one.answers()
    ]


def info(generation: Generation, settings: ServeSettings) -> dict[str, Any]:
    """What there is to know of the models that serve."""
    lineup, challenger = generation.lineup, None
    if lineup.challenger is not None:
        given = settings.challenger
        challenger = {**_model(lineup.challenger), "mode": given.mode, "share": given.share}
    contract = lineup.champion.bundle.manifest.contract
    return {
        **_model(lineup.champion),
        "metrics": generation.evaluation,
        "risk": settings.risk.model_dump(),
        "challenger": challenger,
        "contract": contract.model_dump(mode="json", exclude_none=True),
    }


def _model(model: Model) -> dict[str, Any]:
    manifest = model.bundle.manifest
    return {
        "model_version": model.version,
        "bundle_sha256": model.bundle.sha256,
        **manifest.provenance.model_dump(),
        "decision_threshold": manifest.threshold,
        "calibration": manifest.calibration.method,
    }


class Telling:
    """Answers questions about the server.

    Args:
        shared: with the other processes.
        settings: the group `serve`.
        now: the generation that serves.
        has_probes: whether probes and metrics are on the main port.
    """

    def __init__(
        self,
        shared: Shared,
        settings: ServeSettings,
        now: Callable[[], Generation],
        *,
        has_probes: bool,
    ) -> None:
        self._has_probes = has_probes
        self._shared = shared
        self._settings = settings
        self._now = now

    async def health(self, request: Request) -> Answer:
        """Alive."""
        request.query({})
        return Answer.json(HEALTHY)

    async def ready(self, request: Request) -> Answer:
        """Whether a prediction would be answered."""
        request.query({})
        return readiness(missing(self._shared, self._now()))

    async def info(self, request: Request) -> Answer:
        """The models."""
        request.query({})
        return Answer.json(info(self._now(), self._settings))

    async def metrics(self, _: Request) -> Answer:
        """For Prometheus; whatever it asks for in the query, it gets all."""
        return Answer(200, await asyncio.to_thread(exposed, self._now()), CONTENT_TYPE)

    async def openapi(self, request: Request) -> Answer:
        """The description for programs."""
        request.query({})
        found = openapi.document(self._now(), self._settings, has_probes=self._has_probes)
        return Answer.json(found)

    async def docs(self, request: Request) -> Answer:
        """The description for people."""
        request.query({})
        return docs.page()

    async def asset(self, request: Request) -> Answer:
        """A file that the page needs."""
        return docs.asset(request.scope["path"])


def readiness(found: list[str]) -> Answer:
    """200 if nothing is missing, 503 with what is otherwise."""
    content: Mapping[str, Any] = {"ready": not found, "missing": found}
    return Answer.json(content, 503 if found else 200)
