"""`python -m serve.healthcheck`: whether the server of this machine would answer a prediction.

For containers without a shell. It asks `/ready` on the port that the server has from the
environment (`METRICS_PORT`, else `PORT`) and exits with 1 if the answer is another than 200.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Mapping

SECONDS = 4.0


def missing(environment: Mapping[str, str]) -> str | None:
    """What stands in the way of a prediction; None if nothing does."""
    port = environment.get("METRICS_PORT") or environment.get("PORT") or "8000"
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=SECONDS)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        return None if answer.status == http.client.OK else answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return f"port {port}: {error}"
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(missing(os.environ))
