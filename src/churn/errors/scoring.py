"""What can go wrong when a whole table is scored."""

from __future__ import annotations

from collections.abc import Sequence

from churn.errors.base import ChurnError
from churn.wording import did_you_mean, listed


class NotGiven(ChurnError):
    """A variable that says where customers are, or where what is made of them goes, is not set."""

    def __init__(self, variable: str) -> None:
        super().__init__(
            f"{variable} is not set. Name where the customers are and what is to be written, such "
            "as make score INPUT=customers.parquet OUTPUT=scores.parquet, or make train-spark "
            "INPUT=history/ OUTPUT=trained"
        )


class NotAllowed(ChurnError):
    """A variable has a value that it cannot have."""

    def __init__(self, variable: str, value: str, allowed: str) -> None:
        super().__init__(f"{variable}={value}: allowed is {allowed}. Set another value.")


class ColumnsMissing(ChurnError):
    """An input lacks columns that the model was trained with."""

    def __init__(
        self, where: str, table: str, missing: Sequence[str], present: Sequence[str]
    ) -> None:
        named = ", ".join(name + did_you_mean(name, present) for name in missing)
        super().__init__(
            f"{where}: column missing: {named}. There are: {listed(present, 30)}. The model needs "
            f"every column of its table {table}: add it, empty if nothing is known, or give it its "
            "name again (a QUERY can do so)."
        )


class NothingScorable(ChurnError):
    """Not one of the first rows can be scored: the input is of another table or type."""

    def __init__(self, where: str, rows: int, reasons: Sequence[str]) -> None:
        super().__init__(
            f"{where}: none of the first {rows} rows can be scored, such as: "
            f"{listed(reasons, 3)}. Correct the export; nothing was written."
        )


class OutputExists(ChurnError):
    """Something is already where the scores are to go."""

    def __init__(self, output: str) -> None:
        super().__init__(
            f"OUTPUT={output}: it is there already. Name another, or replace it with FORCE=1."
        )


class UnfinishedRun(ChurnError):
    """An earlier run for the same output was interrupted."""

    def __init__(self, output: str, rows: int) -> None:
        super().__init__(
            f"OUTPUT={output}: a run was interrupted after {rows} rows. Go on with RESUME=1, or "
            "begin anew with FORCE=1."
        )


class OtherRun(ChurnError):
    """What was interrupted would have scored something else, or otherwise."""

    def __init__(self, output: str, different: Sequence[str]) -> None:
        super().__init__(
            f"OUTPUT={output}: what was interrupted cannot be gone on with, for these are others "
            f"now: {listed(different)}. Begin anew with FORCE=1, or put them back."
        )


class RunInProgress(ChurnError):
    """Another process is writing the same output."""

    def __init__(self, output: str) -> None:
        super().__init__(
            f"OUTPUT={output}: another process is writing it. Wait for its end, or name another."
        )
