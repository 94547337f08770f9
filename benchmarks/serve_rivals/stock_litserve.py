"""LitServe with its own hooks and settings.

`python -m benchmarks.serve_rivals.stock_litserve PORT` serves on 127.0.0.1.

LitServe looks at the types of the hooks, which must not be text: no `annotations` of the future.
"""

import sys
from pathlib import Path
from typing import Any

import litserve
import numpy as np

from benchmarks.serve_rivals import one_row
from churn.bundle import Bundle
from churn.columns import Columns
from churn.scoring import Scorer


class ChurnAPI(litserve.LitAPI):
    """A customer in, a probability out, scored in LitServe's worker."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe passes it
        """Load the scorer."""
        self.scorer = Scorer(Bundle.load(Path("models/churn")))

    def decode_request(self, request: dict[str, Any]) -> Columns:
        """JSON → columns of one row."""
        return one_row.columns(request, self.scorer.bundle.manifest.contract)

    def predict(self, columns: Columns) -> np.ndarray:
        """Columns → probabilities (1,)."""
        return self.scorer.probabilities(columns)

    def encode_response(self, output: np.ndarray) -> dict[str, float]:
        """Probabilities → JSON."""
        return {"churn_probability": float(output[0])}


if __name__ == "__main__":
    server = litserve.LitServer(ChurnAPI())
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False)
