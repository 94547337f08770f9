"""A snapshot of few customers, gone through to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from churn.contract import Contract
from churn.settings import Source
from churn.sources import take_snapshot
from churn.synthetic import Part


@dataclass(frozen=True)
class Taken:
    """What was taken: the customers, and what `data/raw/manifest.json` says of them."""

    table: pa.Table
    description: Mapping[str, Any]


def take(
    source: Source, contract: Contract, part: Part = "history", folder: Path = Path()
) -> Taken:
    """Take a snapshot; what is fetched goes into the folder."""
    snapshot = take_snapshot(source, contract, part, folder)
    table = snapshot.table
    return Taken(table, snapshot.description)
