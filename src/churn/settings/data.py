"""The groups of the stages before training: source, validate, split."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from churn.contract import Frozen, Number, Whole
from churn.settings.common import Seed, Share

# DVC cannot leave out a dependency: these files stand where there is no history or current file.
PLACEHOLDERS = ("conf/source/none/history", "conf/source/none/current")

Rows = Annotated[Whole, Field(ge=1, le=1_000_000_000)]


class _NoFileSource(Frozen):
    kind: str
    history: str
    current: str

    @field_validator("history", "current")
    @classmethod
    def _is_a_placeholder(cls, path: str, info: ValidationInfo) -> str:
        if path not in PLACEHOLDERS:
            kind = info.data.get("kind")
            raise ValueError(f"source={kind} reads no file, {path!r} neither; set source=csv")
        return path


class SyntheticSource(_NoFileSource):
    """Customers drawn from the embedded generator.

    Attributes:
        history, current: placeholders that DVC watches in place of a file.
        seed: of every draw.
        history_rows, current_rows: customers to draw.
        drift: how far the current customers have moved away from the history.
    """

    kind: Literal["synthetic"]
    seed: Seed
    history_rows: Rows
    current_rows: Rows
    drift: Literal["none", "mild", "strong"]


class LogSource(_NoFileSource):
    """Customers from the prediction log, whose address is in `DATABASE_URL`.

    Attributes:
        history, current: placeholders that DVC watches in place of a file.
        months: the predictions of how many months before `until` are learned from.
        current_days: the predictions of how many days before `until` are the recent ones.
        until: the moment at which the log is looked at, in UTC if it names no zone; None for now.
    """

    kind: Literal["prediction_log"]
    months: Annotated[Whole, Field(ge=1, le=1200)]
    current_days: Annotated[Whole, Field(ge=1, le=36_500)]
    until: datetime | None

    @field_validator("until", mode="before")
    @classmethod
    def _is_a_moment(cls, until: object) -> object:
        if until is None or isinstance(until, date):
            return until
        try:
            return datetime.fromisoformat(str(until) if isinstance(until, str) else "")
        except ValueError:
            raise ValueError(
                f"{until!r} is no date in ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z"
            ) from None

    @field_validator("until")
    @classmethod
    def _has_a_zone(cls, until: datetime | None) -> datetime | None:
        return until and (until if until.tzinfo else until.replace(tzinfo=UTC))


class FileSource(Frozen):
    """Customers read from files, which DVC watches.

    Attributes:
        history: path of the labelled customers: a file, or a folder of files.
        current: path of the recent customers; the second of `PLACEHOLDERS` for none.
        pattern: which files of a folder are read, such as `2026-*`.
    """

    kind: Literal["csv", "parquet"]
    history: str
    current: str
    pattern: str = "*"


class ReadSettings(Frozen):
    """What is read of a source: the labelled customers, and the recent ones; None for none."""

    history: str
    current: str | None


class RemoteSource(_NoFileSource):
    """Customers in files that DVC does not watch: in S3, on the web, or by a pattern.

    Attributes:
        history, current: placeholders that DVC watches in place of a file.
        read: addresses of the files, as `churn.reading.places` reads them.
    """

    kind: Literal["remote"]
    read: ReadSettings

    @field_validator("read")
    @classmethod
    def _holds_no_password(cls, read: ReadSettings) -> ReadSettings:
        if any(re.match(r"\w+://[^/]*@", one) for one in (read.history, read.current or "")):
            # pydantic would show the address.
            raise ValueError(
                "a name or password is in an address, and params.yaml goes into git. Take it out, "
                "and give it by ~/.netrc, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws"
            )
        return read


class SqlSource(_NoFileSource):
    """Customers of a table or query.

    Attributes:
        history, current: placeholders that DVC watches in place of a file.
        url: address of the database, without a password.
        read: tables, or queries, which have space in them.
    """

    kind: Literal["sql"]
    url: str
    read: ReadSettings

    @field_validator("url")
    @classmethod
    def _holds_no_password(cls, url: str) -> str:
        # As SQLAlchemy finds it: up to the first @, whatever stands before.
        has_password = re.match(r"[^:/]*:[^@]*@", url.partition("://")[2])
        if has_password or "pass" in url.partition("?")[2]:
            # pydantic would show the address.
            raise ValueError(
                "a password is in the address, and params.yaml goes into git. Take it out, change "
                "it if others have this repository (dvc exp run keeps what it was given in git), "
                "and give it by PGPASSWORD or ~/.pgpass, MYSQL_PWD or ~/.my.cnf"
            )
        return url


Source = Annotated[
    SyntheticSource | FileSource | RemoteSource | SqlSource | LogSource,
    Field(discriminator="kind"),
]


class ValidateSettings(Frozen):
    """`max_rejected`: share of rows that may break the contract before the stage fails."""

    max_rejected: Share


class SplitSettings(Frozen):
    """`test_share`: share of customers held out; `salt`: changes which ones."""

    test_share: Annotated[Number, Field(gt=0, lt=1)]
    salt: str
