"""What can go wrong by a user's hand: one class for each failure, its message written there.

Every message says what is wrong, where, what is allowed, and how to mend it. Stages and commands
print it on one line and exit with status 1; anything that is not a `ChurnError` is our own fault
and keeps its traceback.
"""

from churn.errors.base import ChurnError
from churn.errors.champion import (
    ChampionLacksColumns,
    ChampionNotFound,
    NoRepository,
    OtherRows,
    OtherTable,
    RowsMissing,
    StaleModel,
    TooFewInCommon,
    UnusableChampion,
)
from churn.errors.configuration import (
    CircularFeatures,
    FeatureKnownTooLate,
    FeatureNameTaken,
    InvalidParameters,
    UnknownFeatureInput,
    UnknownFeatureModule,
    UnreadableParameters,
    WrongFeature,
)
from churn.errors.model import (
    CannotResample,
    InvalidBundle,
    InvalidColumns,
    NothingToLearnFrom,
    PrecisionOutOfReach,
    TooManyFolds,
    UnusableScorer,
)
from churn.errors.source import (
    DoubledColumn,
    EmptyInput,
    EmptySplit,
    InputFileMissing,
    LineBreakInValue,
    MissingColumn,
    OneClassOnly,
    RowsNotAccountedFor,
    SyntheticIsTelco,
    TooFewChurners,
    TooManyRejected,
    UnknownTargetValue,
    UnreadableFile,
    UnusableColumn,
    WrongColumnType,
    WrongFileEnding,
)
from churn.errors.tracking import RunNotKept, RunsNotSent

__all__ = [
    "CannotResample",
    "ChampionLacksColumns",
    "ChampionNotFound",
    "ChurnError",
    "CircularFeatures",
    "DoubledColumn",
    "EmptyInput",
    "EmptySplit",
    "FeatureKnownTooLate",
    "FeatureNameTaken",
    "InputFileMissing",
    "InvalidBundle",
    "InvalidColumns",
    "InvalidParameters",
    "LineBreakInValue",
    "MissingColumn",
    "NoRepository",
    "NothingToLearnFrom",
    "OneClassOnly",
    "OtherRows",
    "OtherTable",
    "PrecisionOutOfReach",
    "RowsMissing",
    "RowsNotAccountedFor",
    "RunNotKept",
    "RunsNotSent",
    "StaleModel",
    "SyntheticIsTelco",
    "TooFewChurners",
    "TooFewInCommon",
    "TooManyFolds",
    "TooManyRejected",
    "UnknownFeatureInput",
    "UnknownFeatureModule",
    "UnknownTargetValue",
    "UnreadableFile",
    "UnreadableParameters",
    "UnusableChampion",
    "UnusableColumn",
    "UnusableScorer",
    "WrongColumnType",
    "WrongFeature",
    "WrongFileEnding",
]
