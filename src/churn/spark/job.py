"""What Spark is to score, with what, and where to: the variables of `make score ENGINE=spark`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from churn.batch.job import MODEL, explained, given, is_said
from churn.contract import Contract
from churn.errors import NameTakenBySpark, NotAllowed, UnknownPlace

TABLE = "table:"
# Where a row stands that is set aside: the address of its file, and from 1 on the row in it.
FILE, ROW_IN_FILE = "snapshot_file", "row_in_file"
# Columns that a run makes on its way, those of Spark's metadata among them.
OWN = (FILE, ROW_IN_FILE, "aside", "begin", "block", "file_name", "line", "row_index", "side")
Kind = Literal["csv", "parquet", "table"]
# Spark reads no .csv.zst without libraries of its own.
READ: Mapping[str, Kind] = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet", "/": "parquet"}
WRITTEN: Mapping[str, Kind] = {".parquet": "parquet"}


@dataclass(frozen=True)
class SparkPlace:
    """Files, or a table of a catalog.

    Attributes:
        address: as it was given; of a table, its name.
        kind: `csv`, `parquet` or `table`.
    """

    address: str
    kind: Kind

    @property
    def shown(self) -> str:
        """The address for people."""
        return f"{TABLE}{self.address}" if self.kind == "table" else self.address


@dataclass(frozen=True)
class SparkJob:
    """What is to be done.

    Attributes:
        input: where the customers are.
        output: where the scores go.
        model: a folder, a version or a stage.
        explain: reasons for each customer; 0 for none.
        force: replace what is there, and what an interrupted run has left.
    """

    input: SparkPlace
    output: SparkPlace
    model: str
    explain: int
    force: bool


def spark_job(environment: Mapping[str, str]) -> SparkJob:
    """Read the variables.

    Raises:
        NotGiven, NotAllowed, UnknownPlace.
    """
    source, target = (given(environment, name) for name in ("INPUT", "OUTPUT"))
    if is_said(environment.get("RESUME", "")):
        allowed = "nothing with ENGINE=spark, which repeats what is lost by itself"
        raise NotAllowed("RESUME", environment["RESUME"], allowed)
    if query := environment.get("QUERY", "").strip():
        raise NotAllowed("QUERY", query, "nothing with ENGINE=spark: make a view, and name it")
    return SparkJob(
        input=spark_place("INPUT", source, READ),
        output=spark_place("OUTPUT", target, WRITTEN),
        model=environment.get("MODEL") or MODEL,
        explain=explained(environment.get("EXPLAIN", "")),
        force=is_said(environment.get("FORCE", "")),
    )


def refuse_own_names(contract: Contract) -> None:
    """Check that no column of a contract has the name of one that a run makes.

    Raises:
        NameTakenBySpark: one has.
    """
    for name in (contract.id_column, contract.target.column, *contract.columns):
        if name in OWN:
            raise NameTakenBySpark(contract.name, name)


def spark_place(variable: str, address: str, kinds: Mapping[str, Kind]) -> SparkPlace:
    """What an address names.

    Raises:
        UnknownPlace: it names nothing that Spark reads or writes here.
    """
    name = address.removeprefix(TABLE)
    if name != address and all(name.split(".")):
        return SparkPlace(name, "table")
    kind = next((kind for end, kind in kinds.items() if address.lower().endswith(end)), None)
    if kind is None or "#" in address or name != address:
        ends = ", ".join(kinds)
        allowed = f"a path that Spark reads ({ends}) nor a table of its catalog"
        named = f"Those are named {TABLE}catalog.schema.name; of a folder the path ends in /."
        raise UnknownPlace(variable, address, allowed, named)
    return SparkPlace(address, kind)
