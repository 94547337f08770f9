"""What can go wrong by a user's hand: one class for each failure, its message written here.

Every message says what is wrong, where, what is allowed, and how to mend it. Stages and commands
print it on one line and exit with status 1; anything that is not a `ChurnError` is our own fault
and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from churn.wording import did_you_mean, listed


class ChurnError(Exception):
    """A mistake in what the user gave: shown in one message, without a traceback."""


class InputFileMissing(ChurnError):
    """A source file is not there."""

    def __init__(self, path: str | Path, parameter: str) -> None:
        super().__init__(f"{path}: no such file. Set {parameter} to a file that exists.")


class EmptyInput(ChurnError):
    """A source file holds no customers."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(
            f"{path}: the file holds no customers. It needs a header line and at least one row."
        )


class WrongFileEnding(ChurnError):
    """The file's ending does not belong to the kind of source."""

    def __init__(self, path: str | Path, kind: str, endings: Iterable[str]) -> None:
        super().__init__(
            f"{path}: source={kind} reads files that end in {listed(endings)}. "
            "Rename the file or choose the other source."
        )


class UnreadableFile(ChurnError):
    """The file's content is not what its ending says."""

    def __init__(self, path: str | Path, kind: str, why: str) -> None:
        super().__init__(
            f"{path}: cannot be read as {kind}: {why}. Export it again as {kind}, "
            "in UTF-8 if it is text."
        )


class LineBreakInValue(ChurnError):
    """A value of a CSV file goes over several lines."""

    def __init__(self, path: str | Path, column: str, row: int) -> None:
        super().__init__(
            f"{path}: column {column}, row {row}: the value goes over several lines. Most often a "
            "quotation mark is never closed and swallows the rows after it; close it, or take line "
            "breaks out of the export."
        )


class DoubledColumn(ChurnError):
    """Two columns of a source carry one name."""

    def __init__(self, path: str | Path, names: Iterable[str]) -> None:
        super().__init__(
            f"{path}: column named more than once: {listed(map(repr, names))}. "
            "Each name may stand once in the header (after the contract's rename)."
        )


class UnusableColumn(ChurnError):
    """A column of a Parquet file holds lists, bytes or the like."""

    def __init__(self, path: str | Path, column: str, kind: str) -> None:
        super().__init__(
            f"{path}: column {column} is of type {kind}. Allowed are numbers, text, booleans and "
            "dates; change the export, or take the column out of the contract."
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
            f"{path}: column missing: {named}. The file has: {listed(present, 30)}. "
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


class InvalidParameters(ChurnError):
    """A parameter, or a key of a contract, is unknown, missing, or out of range."""

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        told = "; ".join(problems)
        super().__init__(f"{where}: {told}. Correct conf/ and run make compose, or correct the -S.")


class UnreadableParameters(ChurnError):
    """The parameter file is missing or is not YAML."""

    def __init__(self, path: str | Path, why: str) -> None:
        super().__init__(f"{path}: cannot be read: {why}. Write it again with make compose.")


class UnknownFeatureInput(ChurnError):
    """A feature function asks for a name that nothing provides."""

    def __init__(self, feature: str, name: str, known: Sequence[str]) -> None:
        super().__init__(
            f"feature {feature}: parameter {name!r} is no column, constant or feature of this "
            f"table{did_you_mean(name, known)}. Known: {listed(known, 40)}. "
            "Rename the parameter, or add the column to the contract."
        )


class CircularFeatures(ChurnError):
    """Features need one another in a circle."""

    def __init__(self, circle: Sequence[str]) -> None:
        super().__init__(
            f"features need one another in a circle: {' -> '.join(circle)}. "
            "Break it by having one of them use columns only."
        )


class FeatureNameTaken(ChurnError):
    """A feature function has a name that is taken."""

    def __init__(self, feature: str, module: str) -> None:
        super().__init__(
            f"feature {feature} of {module}: a column, constant, id or target has that name. "
            "Rename one of the two."
        )


class UnknownFeatureModule(ChurnError):
    """The contract names a module of feature functions that does not exist."""

    def __init__(self, module: str, known: Sequence[str]) -> None:
        super().__init__(
            f"table.features: no module {module!r}{did_you_mean(module, known)}. "
            f"There are: {listed(known)}. Add src/churn/features/<name>.py or leave features out."
        )


class WrongFeature(ChurnError):
    """A feature function failed, or returned something that is no column of finite values."""

    def __init__(self, feature: str, problem: str, rows: int) -> None:
        super().__init__(
            f"feature {feature}: {problem}; it must return one array of length {rows}, "
            "its numbers finite or missing (NaN)."
        )


class InvalidColumns(ChurnError):
    """Rows handed to the scorer do not have the columns of the contract."""

    def __init__(self, problem: str, known: Sequence[str]) -> None:
        super().__init__(f"{problem}. The contract's columns are: {listed(known, 40)}.")


class InvalidBundle(ChurnError):
    """A bundle is incomplete, changed, or of another format."""

    def __init__(self, path: str | Path, problem: str) -> None:
        super().__init__(f"{path}: {problem}. Rebuild it with make repro, or fetch it again.")


class RowsNotAccountedFor(ChurnError):
    """Rows in, rows out, quarantined rows and duplicates do not add up."""

    def __init__(self, table: str, rows_in: int, parts: dict[str, int]) -> None:
        super().__init__(
            f"{table}: {rows_in} rows came in, but {parts} add up to {sum(parts.values())}. "
            "Files of different runs are mixed; run dvc repro --force."
        )


class NothingToLearnFrom(ChurnError):
    """No usable model input is left."""

    def __init__(self, dropped: Sequence[str]) -> None:
        super().__init__(
            f"no feature is left to learn from; dropped as mostly missing: {listed(dropped)}. "
            "Add columns to the contract or raise preprocess.max_missing."
        )


class EmptySplit(ChurnError):
    """One side of the split has too few customers or only one class."""

    def __init__(self, side: str, rows: int, churners: int) -> None:
        super().__init__(
            f"split: the {side} side has {rows} customers, {churners} of them churners; both "
            "outcomes are needed on both sides. Change split.test_share or add history."
        )


class CannotResample(ChurnError):
    """The training rows are not such that SMOTE could make new ones between them."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"balance=smote cannot make customers between neighbours: {why}. "
            "Use balance=random_over or balance=class_weight."
        )


class TooManyFolds(ChurnError):
    """There are more folds than customers of one outcome to spread over them."""

    def __init__(self, folds: int, fewest: int) -> None:
        super().__init__(
            f"search.folds: {folds} folds, but only {fewest} training customers of the rarer "
            f"outcome; at most {fewest} folds are possible. Lower search.folds or add history."
        )
