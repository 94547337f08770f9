"""One customer as JSON has it into `columns` of one row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from churn.columns import Columns
from churn.contract import CategoryColumn, Contract


def columns(customer: Mapping[str, Any], contract: Contract) -> Columns:
    """Values by name, None or absent where missing → the columns that the model may know."""
    return {
        name: _value(customer.get(name), isinstance(contract.columns[name], CategoryColumn))
        for name in contract.known_columns
    }


def _value(value: Any, is_category: bool) -> np.ndarray:
    if is_category:
        return np.array([value], dtype=object)
    return np.array([np.nan if value is None else value], dtype=np.float64)
