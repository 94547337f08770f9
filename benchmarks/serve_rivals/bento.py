"""The Pipeline as a BentoML service: `bentoml serve benchmarks.serve_rivals.bento:Churn`."""

import bentoml
import numpy as np
import pandas as pd

from benchmarks.serve_rivals.sklearn_pipeline import pipeline


@bentoml.service(workers=2)
class Churn:
    """A frame of customers in, their probabilities out."""

    def __init__(self) -> None:
        self.pipeline = pipeline()

    @bentoml.api
    def predict(self, customers: pd.DataFrame) -> np.ndarray:
        """Probabilities (n,)."""
        return self.pipeline.predict_proba(customers)[:, 1]
