"""The model of an MLflow run, as code: MLflow runs this file where a logged model is loaded.

`mlflow.pyfunc.load_model(...).predict(frame)` gives what the scorer gives, (n,) float64, for a
frame of the contract's columns in any order (see `churn.frames`). The model has no MLflow
signature: its types refuse what the contract allows, such as whole numbers with gaps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext
from numpy.typing import NDArray


class ChurnModel(PythonModel):
    """The scorer of the bundle that travels with the model."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle."""
        # Imported here: logging runs this file too, and should not wait for xgboost.
        from churn.bundle import Bundle
        from churn.scoring import Scorer

        self._scorer = Scorer(Bundle.load(Path(context.artifacts["bundle"])))

    def predict(
        self,
        context: PythonModelContext,  # noqa: ARG002 - MLflow passes it
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,  # noqa: ARG002 - MLflow passes it
    ) -> NDArray[np.float64]:
        """Probability of churn of each row; (n,)."""
        from churn.frames import to_columns

        contract = self._scorer.bundle.manifest.contract
        return self._scorer.probabilities(to_columns(model_input, contract))


set_model(ChurnModel())
