"""What can be wrong with the files and tables that customers are read from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from churn.errors.base import ChurnError
from churn.wording import did_you_mean, listed

OF_DATABASE = (
    "A table is named behind the address of its database: postgresql://host/name#table, "
    "mysql://host/name#table, sqlite:///file.db#table."
)
LET_IN = (
    "See that the database runs and that its user may do this; a password may come from PGPASSWORD "
    "or ~/.pgpass, MYSQL_PWD or ~/.my.cnf."
)


class UnknownPlace(ChurnError):
    """An address names nothing that customers can come from or scores go to."""

    def __init__(self, variable: str, address: str, allowed: str, named: str = OF_DATABASE) -> None:
        super().__init__(f"{variable}={address}: it is neither {allowed}. {named}")


class FolderGiven(ChurnError):
    """A folder stands where files are named."""

    def __init__(self, variable: str, folder: str) -> None:
        pattern = f"{folder.rstrip('/')}/*.parquet"
        super().__init__(
            f"{variable}={folder}: it is a folder. Name a file, or a pattern such as {pattern} for "
            "all of its files."
        )


class UnusableDownload(ChurnError):
    """An address of the web lacks what makes its content certain, or holds a password."""

    def __init__(self, variable: str, address: str, problem: str) -> None:
        super().__init__(
            f"{variable}={address}: {problem}. Allowed is https:// with the SHA-256 of the content "
            "behind it, https://host/customers.csv#sha256=<64 hexadecimal digits>, as sha256sum "
            "gives it; a password comes from ~/.netrc."
        )


class DownloadFailed(ChurnError):
    """A file could not be fetched from the web, or only a part of it."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"{address}: {why}. See that the address is right and its server runs; a password "
            "comes from ~/.netrc, a certificate of your own from SSL_CERT_FILE. Then try again."
        )


class OtherContent(ChurnError):
    """A file from the web is not the one that was pinned."""

    def __init__(self, address: str, found: str, pinned: str) -> None:
        super().__init__(
            f"{address}: its SHA-256 is {found}, not {pinned} as pinned behind the address. If "
            "it was meant to change, look at the new file and pin its hash; nothing was read."
        )


class ChangedMeanwhile(ChurnError):
    """A file was written to while it was read."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"{address}: it changed while it was read. Wait until it is whole, and try again; who "
            "makes it should write it under another name and rename it."
        )


class NoSuchInput(ChurnError):
    """There is no file of that name, or none that fits the pattern."""

    def __init__(self, variable: str, address: str, known: Sequence[str] = ()) -> None:
        name = address.rpartition("/")[2]
        super().__init__(
            f"{variable}={address}: no such file{did_you_mean(name, known)}. Set {variable} to one "
            "that exists, or to a pattern such as customers/*.parquet that fits some."
        )


class NothingFits(ChurnError):
    """No file of a folder fits the source's pattern and kind."""

    def __init__(
        self, variable: str, folder: str | Path, pattern: str, endings: Iterable[str]
    ) -> None:
        super().__init__(
            f"{variable}={folder}: none of its files fits source.pattern={pattern} and ends in "
            f"{listed(endings)}. Set source.pattern to one that fits, or choose the source that "
            "reads what is there."
        )


class NoSuchTable(ChurnError):
    """A database has no table of that name."""

    def __init__(self, where: str, table: str, known: Sequence[str]) -> None:
        super().__init__(
            f"{where}: no table {table!r}{did_you_mean(table, known)}. The database has: "
            f"{listed(known, 20) or 'no tables'}. Name one of them, or a query in its place."
        )


class NoCustomers(ChurnError):
    """A table, a query or a file holds no rows."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: it holds no customers. Nothing was written; correct the export or the query."
        )


class StoreRefused(ChurnError):
    """A store of objects does not give or take a file."""

    def __init__(self, address: str, why: str) -> None:
        super().__init__(
            f"{address}: {why}. See that bucket and key are right and that AWS_ACCESS_KEY_ID, "
            "AWS_SECRET_ACCESS_KEY (or ~/.aws) let you in; AWS_ENDPOINT_URL names another S3."
        )


class DatabaseRefused(ChurnError):
    """A database does not answer, does not let us in, or does not do what it is asked to."""

    def __init__(self, address: str, why: str, how: str = LET_IN) -> None:
        super().__init__(f"{address}: {why}. {how}")


class CannotWrite(ChurnError):
    """A disk or a store does not take what is written."""

    def __init__(self, where: str | Path, why: str) -> None:
        super().__init__(
            f"{where}: cannot be written: {why}. Make room or name another place, and run it "
            "again (make score goes on with RESUME=1)."
        )


class EmptyInput(ChurnError):
    """A file holds no customers."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(
            f"{path}: the file holds no customers. It needs a header line and at least one row."
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
    """A column holds lists, bytes or the like."""

    def __init__(self, path: str | Path, column: str, kind: str) -> None:
        super().__init__(
            f"{path}: column {column} is of type {kind}. Allowed are numbers, text, booleans and "
            "dates; change the export, or take the column out of the contract."
        )


class OtherColumns(ChurnError):
    """Files of one pattern do not have the same columns."""

    def __init__(self, path: str, first: str, different: Sequence[str]) -> None:
        super().__init__(
            f"{path}: its columns are not those of {first}: {listed(different, 20)}. Files that "
            "are read together need the same columns of the same types; export them alike."
        )
