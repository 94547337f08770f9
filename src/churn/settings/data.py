"""The groups of the stages before training: source, validate, split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from churn.contract import Frozen, Number, Whole
from churn.settings.common import Seed, Share

# DVC cannot leave out a dependency: these files stand where there is no history or current file.
PLACEHOLDERS = ("conf/source/none/history", "conf/source/none/current")

Rows = Annotated[Whole, Field(ge=1, le=1_000_000_000)]


class SyntheticSource(Frozen):
    """Customers drawn from the embedded generator.

    Attributes:
        history, current: placeholders that DVC watches in place of a file.
        seed: of every draw.
        history_rows, current_rows: customers to draw.
        drift: how far the current customers have moved away from the history.
    """

    kind: Literal["synthetic"]
    history: str
    current: str
    seed: Seed
    history_rows: Rows
    current_rows: Rows
    drift: Literal["none", "mild", "strong"]

    @field_validator("history", "current")
    @classmethod
    def _is_a_placeholder(cls, path: str) -> str:
        if path not in PLACEHOLDERS:
            raise ValueError(f"source=synthetic reads no file, {path!r} neither; set source=csv")
        return path


class FileSource(Frozen):
    """Customers read from files.

    Attributes:
        history: path of the labelled customers.
        current: path of the recent customers; the second of `PLACEHOLDERS` for none.
    """

    kind: Literal["csv", "parquet"]
    history: str
    current: str


Source = Annotated[SyntheticSource | FileSource, Field(discriminator="kind")]


class ValidateSettings(Frozen):
    """`max_rejected`: share of rows that may break the contract before the stage fails."""

    max_rejected: Share


class SplitSettings(Frozen):
    """`test_share`: share of customers held out; `salt`: changes which ones."""

    test_share: Annotated[Number, Field(gt=0, lt=1)]
    salt: str
