"""The Pipeline as an MLflow model: `python -m benchmarks.serve_rivals.mlflow_model FOLDER`.

`mlflow models serve` then serves the folder.
"""

from __future__ import annotations

import sys

import mlflow.sklearn

from benchmarks.serve_rivals.sklearn_pipeline import pipeline

if __name__ == "__main__":
    mlflow.sklearn.save_model(
        pipeline(),
        sys.argv[1],
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["scikit-learn", "xgboost-cpu"],
        # It is our own, made a moment ago: nothing foreign is unpickled.
        serialization_format="cloudpickle",
    )
