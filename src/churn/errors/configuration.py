"""What can be wrong with parameters, contracts and feature modules."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import did_you_mean, listed


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


class FeatureKnownTooLate(ChurnError):
    """A feature function asks for a column that is known only after the event."""

    def __init__(self, feature: str, column: str) -> None:
        super().__init__(
            f"feature {feature}: parameter {column!r} is marked after_event in the contract: "
            "nobody knows it yet when a prediction is asked for. Have the feature do without it, "
            "or take the mark off if the column is known before the event."
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
