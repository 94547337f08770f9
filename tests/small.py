"""The committed parameters, made small, and customers of the embedded table to go with them."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML

from churn.contract import Contract
from churn.params import checked, read_parameters
from churn.settings import PLACEHOLDERS, Parameters, SyntheticSource
from tests.checkout import ROOT

TELCO = checked(Contract, YAML(typ="safe").load(ROOT / "conf/table/telco.yaml"), "telco")


def small_parameters(
    history_rows: int, *, current_rows: int = 1, folds: int = 2, **model: Any
) -> Parameters:
    """The committed parameters with fewer customers of `telco`, fewer folds and a smaller model."""
    given = read_parameters(ROOT / "params.yaml")
    source = SyntheticSource(
        kind="synthetic",
        history=PLACEHOLDERS[0],
        current=PLACEHOLDERS[1],
        seed=1,
        drift="none",
        history_rows=history_rows,
        current_rows=current_rows,
    )
    changed = {
        "table": TELCO,
        "source": source,
        "model": given.model.model_copy(update=model),
        "search": given.search.model_copy(update={"folds": folds}),
    }
    return given.model_copy(update=changed)
