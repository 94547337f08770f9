"""What can go wrong with the database that keeps predictions and their outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import listed


class UnusableDatabaseUrl(ChurnError):
    """A variable, most often `DATABASE_URL`, is no address of a database that can be used."""

    def __init__(self, problem: str, variable: str = "DATABASE_URL") -> None:
        also = "" if variable == "DATABASE_URL" else ", mysql://user:password@host:3306/name"
        super().__init__(
            f"{variable}: {problem}. Give postgresql://user:password@host:5432/name{also} or "
            "sqlite:///folder/file.db; characters such as @ and / in a password are written "
            "%40 and %2F."
        )


class UnusablePasswordFile(ChurnError):
    """The file that `DATABASE_PASSWORD_FILE` names holds no password."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"DATABASE_PASSWORD_FILE: {path}: {problem}. It holds the password of the database in "
            "DATABASE_URL, on one line, and must be readable by the user of this process."
        )


class LogUnreachable(ChurnError):
    """The database of the prediction log does not answer, or cannot write; it may do so later."""

    def __init__(self, address: str, why: str) -> None:
        is_file = address.startswith("sqlite")
        whether = "this user may write in its folder" if is_file else "the database runs"
        super().__init__(
            f"prediction log at {address}: {why}. See that {whether} and DATABASE_URL is "
            "its address, and try again."
        )


class LogSchemaOutdated(ChurnError):
    """The tables of the prediction log are not those that this code reads and writes."""

    def __init__(self, address: str, found: str | None, needed: str) -> None:
        if found:
            why = f"its tables are of version {found}, this code needs {needed}"
            mend = "Run make migrate with the newest code"
        else:
            why = "no server has written there"
            mend = "If one has, DATABASE_URL is another; make migrate makes an empty log"
        super().__init__(f"prediction log at {address}: {why}. {mend}.")


class NothingLogged(ChurnError):
    """The prediction log has nothing to learn from."""

    def __init__(self, address: str, since: str, until: str, predictions: int) -> None:
        super().__init__(
            f"prediction log at {address}: of {predictions} predictions from {since} to {until} "
            "none has both a customer and an outcome. Send outcomes to POST /feedback, raise "
            "source.months, or set source.until to a later date."
        )


class OtherTableLogged(ChurnError):
    """The prediction log holds the customers of another table."""

    def __init__(
        self, address: str, table: str, missing: Sequence[str], present: Sequence[str]
    ) -> None:
        super().__init__(
            f"prediction log at {address}: what is logged is not of table {table}: no prediction "
            f"has {listed(missing)}; there are {listed(present, 30)}. Set table to the one that "
            "was served, or DATABASE_URL to the log of this one."
        )
