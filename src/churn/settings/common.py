"""What several groups share."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from churn.contract import Number, Whole

# Fewer customers of either outcome than this are too few to measure anything on.
LEAST_OF_EACH_CLASS = 5

Share = Annotated[Number, Field(ge=0, le=1)]
Seed = Annotated[Whole, Field(ge=0, lt=2**32)]
