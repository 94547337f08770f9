"""A route on FastAPI and nothing else: `uvicorn benchmarks.serve_rivals.bare_fastapi:app`.

It scores as a reader of the library would: features, matrix, `Booster.inplace_predict`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, create_model

from benchmarks.serve_rivals import one_row
from churn.bundle import Bundle
from churn.contract import Contract
from churn.scoring import Scorer

TYPES = {"integer": int, "number": float, "boolean": bool, "category": str}


def request_model(contract: Contract) -> type[BaseModel]:
    """The contract's columns with their types; ranges are not looked at."""
    fields: dict[str, Any] = {
        name: (TYPES[column.type], ...) if column.required else (TYPES[column.type] | None, None)
        for name, column in contract.columns.items()
    }
    return create_model("Customer", **fields)


app = FastAPI()
scorer = Scorer(Bundle.load(Path("models/churn")))
manifest = scorer.bundle.manifest
Customer = request_model(manifest.contract)


async def predict(customer: BaseModel) -> dict[str, float]:
    """One customer's probability, scored where the request arrives."""
    columns = one_row.columns(customer.__dict__, manifest.contract)
    matrix = manifest.preprocessor.matrix(scorer.features(columns))
    margins = scorer.bundle.booster.inplace_predict(matrix, predict_type="margin")
    probabilities = manifest.calibration.probabilities(margins.astype(np.float64))
    return {"churn_probability": float(probabilities[0])}


# The model of the request exists only now, so it is not in the signature above.
predict.__annotations__["customer"] = Customer
app.post("/predict")(predict)
