"""What the reports say of a bundle: every metric with its interval, if they are of this bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

METRICS, EVALUATION = "reports/metrics.json", "reports/evaluation.json"


def measured(read: Callable[[str], Any], sha256: str) -> dict[str, Any] | None:
    """Metrics of a bundle on the customers held out when it was trained.

    Args:
        read: gives the content of a JSON file by its path.
        sha256: of the bundle.
    Returns:
        customers and churners they stand on, and by metric its value and 95 % interval; None if
        there are no reports, or they are of another bundle.
    """
    try:
        values, details = read(METRICS), read(EVALUATION)
    except (OSError, ValueError):
        return None
    if details.get("bundle_sha256") != sha256:
        return None
    return {
        "customers": values["n"],
        "churners": values["churners"],
        "metrics": {
            name: {"value": values[name], "low": low, "high": high}
            for name, (low, high) in details["intervals"].items()
        },
    }
