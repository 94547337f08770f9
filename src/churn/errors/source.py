"""What can be wrong with the customers that the pipeline begins with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import did_you_mean, listed


class InputFileMissing(ChurnError):
    """A file or folder of the source is not there."""

    def __init__(self, path: str | Path, parameter: str) -> None:
        super().__init__(
            f"{path}: no such file. Set {parameter} to a file or a folder that exists, or run dvc "
            "pull, if DVC keeps it. A pattern goes into source.pattern; what is far away is read "
            "by source=remote or source=sql."
        )


class WrongFileEnding(ChurnError):
    """The file's ending does not belong to the kind of source."""

    def __init__(self, path: str | Path, kind: str, endings: Iterable[str]) -> None:
        super().__init__(
            f"{path}: source={kind} reads files that end in {listed(endings)}. "
            "Rename the file or choose the other source."
        )


class SyntheticIsTelco(ChurnError):
    """The generator was asked for another table than its own."""

    def __init__(self, table: str, different: Sequence[str]) -> None:
        super().__init__(
            f"source=synthetic draws the columns of table=telco as it ships, not those of {table}; "
            f"different are: {listed(different)}. Set source=csv (or parquet) and "
            "source.history to the file of your customers."
        )


class MissingColumn(ChurnError):
    """A column of the contract is not in the source."""

    def __init__(
        self, path: str | Path, contract: str, missing: Sequence[str], present: Sequence[str]
    ) -> None:
        named = ", ".join(name + did_you_mean(name, present) for name in missing)
        super().__init__(
            f"{path}: column missing: {named}. There are: {listed(present, 30)}. "
            f"Add the column, map its name under rename in conf/table/{contract}.yaml, "
            "or take it out of the contract."
        )


class WrongColumnType(ChurnError):
    """Most values of a column are not of the type that the contract says."""

    def __init__(
        self, table: str, column: str, allowed: str, share: float, examples: Sequence[str]
    ) -> None:
        super().__init__(
            f"{table}: column {column}: {share:.0%} of its values are not of type {allowed}, "
            f"such as {listed(examples)}. Correct the column or its type in the contract."
        )


class UnknownTargetValue(ChurnError):
    """The target has a value that is neither of the two in the contract."""

    def __init__(
        self, table: str, target: str, rows: int, found: Sequence[str], allowed: Sequence[str]
    ) -> None:
        super().__init__(
            f"{table}: target {target}: {rows} row(s) with an unknown value: "
            f"{listed(map(repr, found))}. Allowed are "
            f"{listed(map(repr, allowed))} (or blank, which goes to quarantine). Correct the data, "
            "or target.positive and target.negative in the contract."
        )


class OneClassOnly(ChurnError):
    """Every labelled customer has the same outcome."""

    def __init__(self, table: str, target: str, value: str) -> None:
        super().__init__(
            f"{table}: target {target}: every customer has the value {value!r}. Learning needs "
            "customers who left and customers who stayed; add the other class."
        )


class TooFewChurners(ChurnError):
    """There are too few churners to learn from."""

    def __init__(self, table: str, target: str, found: int, least: int) -> None:
        super().__init__(
            f"{table}: target {target}: {found} churners, at least {least} are needed to learn "
            "from. Add history, for example a longer period."
        )


class TooManyRejected(ChurnError):
    """More rows break the contract than `validate.max_rejected` allows."""

    def __init__(
        self, table: str, rejected: int, rows: int, limit: float, rules: Sequence[str]
    ) -> None:
        super().__init__(
            f"{table}: {rejected} of {rows} rows ({rejected / rows:.1%}) break the contract; "
            f"validate.max_rejected allows {limit:.1%}. By rule: {'; '.join(rules)}. "
            "Correct the data or the contract, or raise validate.max_rejected."
        )


class RowsNotAccountedFor(ChurnError):
    """Rows in, rows out, quarantined rows and duplicates do not add up."""

    def __init__(self, table: str, rows_in: int, parts: dict[str, int]) -> None:
        super().__init__(
            f"{table}: {rows_in} rows came in, but {parts} add up to {sum(parts.values())}. "
            "Files of different runs are mixed; run dvc repro --force."
        )


class EmptySplit(ChurnError):
    """One side of the split has too few customers or only one class."""

    def __init__(self, side: str, rows: int, churners: int) -> None:
        super().__init__(
            f"split: the {side} side has {rows} customers, {churners} of them churners; both "
            "outcomes are needed on both sides. Change split.test_share or add history."
        )
