"""The paths of the API, and who answers them."""

from __future__ import annotations

from serve import docs
from serve.app import Route
from serve.feedback import FeedbackTaker
from serve.predicting import Predicting
from serve.reloading import Reloading
from serve.telling import Telling

PROBES = ("/health", "/ready", "/metrics")
# That requests are counted by.
PATHS = (
    "/predict",
    "/predict/batch",
    "/feedback",
    "/info",
    "/admin/reload",
    *PROBES,
    "/openapi.json",
    "/docs",
)


def routes(
    predicting: Predicting,
    taker: FeedbackTaker | None,
    telling: Telling,
    reloading: Reloading,
    *,
    has_probes: bool,
) -> dict[str, Route]:
    """All paths; probes and metrics only where they have no port of their own.

    Outcomes are taken only where there is a prediction log.
    """
    probes = {
        "/health": Route("GET", telling.health),
        "/ready": Route("GET", telling.ready),
        "/metrics": Route("GET", telling.metrics),
    }
    return {
        "/predict": Route("POST", predicting.one, needs_key=True),
        "/predict/batch": Route("POST", predicting.batch, needs_key=True),
        **({"/feedback": Route("POST", taker.feedback, needs_key=True)} if taker else {}),
        "/info": Route("GET", telling.info, needs_key=True),
        **(probes if has_probes else {}),
        "/openapi.json": Route("GET", telling.openapi),
        "/docs": Route("GET", telling.docs),
        **{f"{docs.FOLDER}{name}": Route("GET", telling.asset) for name in docs.ASSETS},
        "/admin/reload": Route("POST", reloading.reload, needs_key=True, is_bounded=False),
    }
