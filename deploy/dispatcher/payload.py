"""What the workflow is told: bounded, whatever Alertmanager says."""

from __future__ import annotations

import re
from typing import Any

from deploy.dispatcher.notifications import Notification

# GitHub takes 10 properties and 64 KB; with these bounds it is never half of that.
MOST_NAMES, MOST_FEATURES = 20, 50
# What a page's address may have in it; nothing that ends a quotation or a line.
ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@&+,=%-]{1,2000}")


def client_payload(notification: Notification) -> dict[str, Any]:
    """The `client_payload` of a notification that fires.

    Returns:
        `model_version`; `alerts` and `features`, each once and sorted, and `feature_count`, since
        only the first 50 are listed; `since`, in ISO 8601 and UTC; `alertmanager` and `prometheus`,
        addresses, empty if not known.
    """
    firing = notification.firing
    features = sorted({one.labels.feature for one in firing if one.labels.feature})
    return {
        "model_version": notification.model_version,
        "alerts": sorted({one.labels.alertname for one in firing})[:MOST_NAMES],
        "features": features[:MOST_FEATURES],
        "feature_count": len(features),
        "since": min(one.starts_at for one in firing).isoformat(timespec="seconds"),
        "alertmanager": _address(notification.address),
        "prometheus": _address(firing[0].source),
    }


def _address(text: str) -> str:
    """An address, or nothing if it is none."""
    return text if ADDRESS.fullmatch(text) else ""
