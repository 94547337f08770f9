"""Where customers come from and scores go: what an address names.

A file is named by its path, by `s3://bucket/key`, or, if its content is certain, on the web:
`https://host/path#sha256=…`. A table of a database is named by the address of the database with the
table's name behind it: `postgresql://host/name#table`, `sqlite:///file.db#table`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow import fs

from churn.errors import (
    CannotWrite,
    FolderGiven,
    NoSuchInput,
    StoreRefused,
    UnknownPlace,
    UnreadableFile,
    UnusableDownload,
)

S3, WEB = "s3://", ("https", "http")
PIN = re.compile(r"sha256=([0-9a-fA-F]{64})")
# Kinds of files by how their names end.
READ = {".csv": "csv", ".csv.gz": "csv", ".csv.zst": "csv", ".parquet": "parquet"}
WRITTEN = {".csv": "csv", ".parquet": "parquet"}
COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
PATTERN = frozenset("*?[")
# Seconds until a store that does not answer is taken to be away, and how often it is asked.
TIMEOUT, ATTEMPTS = 10, 3
FULL = (errno.ENOSPC, errno.EDQUOT)
LONGEST_WHY = 200


@dataclass(frozen=True)
class File:
    """A file.

    Attributes:
        address: as it was given.
        kind: `csv` or `parquet`.
        system: through which it is reached.
        path: in that system.
    """

    address: str
    kind: str
    system: fs.FileSystem
    path: str

    @property
    def shown(self) -> str:
        """The address for people."""
        return self.address

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine."""
        return isinstance(self.system, fs.LocalFileSystem)

    @property
    def info(self) -> fs.FileInfo:
        """Its size and time.

        Raises:
            StoreRefused: the store cannot be asked.
        """
        with reading(self):
            return self.system.get_file_info(self.path)


@dataclass(frozen=True)
class Table:
    """A table of a database, or the database alone.

    Attributes:
        address: of the database, password and all.
        name: of the table; None if only the database was named.
    """

    address: str
    name: str | None

    @property
    def shown(self) -> str:
        """The address and the table for people, without a password."""
        return f"{without_password(self.address)}{f'#{self.name}' if self.name else ''}"


@dataclass(frozen=True)
class Download:
    """A file on the web.

    Attributes:
        address: of the file.
        kind: `csv` or `parquet`.
        sha256: of its content, in small hexadecimal digits.
    """

    address: str
    kind: str
    sha256: str

    @property
    def shown(self) -> str:
        """The address for people, without options, which may hold a key."""
        return self.address.partition("?")[0]

    @property
    def name(self) -> str:
        """The file's name, with which its kind and its compression end."""
        return urlsplit(self.address).path.rpartition("/")[2]


Place = File | Download | Table


def without_password(address: str) -> str:
    """An address without the password, and without options, which may hold one."""
    scheme, separator, rest = address.partition("://")
    user, at, host = rest.rpartition("@")
    where = host.partition("?")[0]
    return f"{scheme}{separator}{user.partition(':')[0]}{at}{where}" if separator else address


def place(variable: str, address: str, kinds: Mapping[str, str]) -> Place:
    """What an address names.

    Args:
        variable: that holds it, for the error.
        address: of a file or table.
        kinds: `READ` or `WRITTEN`.
    Raises:
        UnknownPlace: it names neither.
        UnusableDownload: it is on the web, but its content is not certain.
    """
    scheme, is_url, rest = address.partition("://")
    is_web = bool(is_url) and scheme.lower() in WEB
    if is_web and kinds is READ:
        return _download(variable, address)
    if is_url and not is_web and f"{scheme}://" != S3:
        database, _, table = address.rpartition("#") if "#" in address else (address, "", "")
        return Table(database, table or None)
    kind = _kind(address, kinds)
    has_key = is_url and "@" in rest.partition("/")[0]
    if kind is None and not is_url and Path(address).is_dir():
        raise FolderGiven(variable, address)
    if kind is None or is_web or has_key or (is_url and "/" not in rest.strip("/")):
        web = ", or on the web at https://" if kinds is READ else ""
        allowed = f"a file ({', '.join(kinds)}), here or at s3://{web}, nor a table of a database"
        raise UnknownPlace(variable, without_password(address), allowed)
    return File(
        address, kind, _s3() if is_url else fs.LocalFileSystem(), rest if is_url else address
    )


def _kind(name: str, kinds: Mapping[str, str]) -> str | None:
    return next((kind for end, kind in kinds.items() if name.lower().endswith(end)), None)


def _download(variable: str, address: str) -> Download:
    where, _, pin = address.partition("#")
    shown = without_password(where)
    split = urlsplit(where)
    if split.scheme != "https" or not split.hostname:
        raise UnusableDownload(variable, shown, "nobody vouches for what comes by it")
    if split.username is not None:
        raise UnusableDownload(variable, shown, "it holds a name or a password")
    if not (pinned := PIN.fullmatch(pin)):
        raise UnusableDownload(variable, shown, "the hash of the content is not behind it")
    if (kind := _kind(split.path, READ)) is None:
        problem = f"its path does not end in {', '.join(READ)}"
        raise UnusableDownload(variable, shown, problem)
    return Download(where, kind, pinned[1].lower())


def _s3() -> fs.FileSystem:
    """Credentials are found as the AWS tools find them: environment, ~/.aws, the machine's role."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return fs.S3FileSystem(
        endpoint_override=endpoint,
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        connect_timeout=TIMEOUT,
        request_timeout=TIMEOUT,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
    )


def matching(variable: str, pattern: File) -> list[File]:
    """The files that a name or pattern stands for, in the order of their names.

    Args:
        variable: that holds it, for the error.
        pattern: a pattern is in the name of the file, not of its folder.
    Raises:
        NoSuchInput: there is none.
        StoreRefused: the store cannot be asked, or has no such bucket.
    """
    folder, _, name = pattern.path.rpartition("/")
    if not PATTERN & {*name}:
        if pattern.info.type != fs.FileType.File:
            require_bucket(pattern)
            raise NoSuchInput(variable, pattern.address, _names(pattern, folder))
        return [pattern]
    before = pattern.address[: len(pattern.address) - len(name)]
    found = [one for one in _names(pattern, folder) if fnmatchcase(one, name)]
    if not found:
        require_bucket(pattern)
        raise NoSuchInput(variable, pattern.address)
    join = f"{folder}/" if folder else pattern.path[: len(pattern.path) - len(name)]
    return [File(before + one, pattern.kind, pattern.system, join + one) for one in sorted(found)]


def require_bucket(file: File) -> None:
    """Check that the bucket of a file in S3 is there.

    Raises:
        StoreRefused: it is not, or it cannot be asked.
    """
    bucket = file.path.partition("/")[0]
    if not file.is_local and replace(file, path=bucket).info.type == fs.FileType.NotFound:
        raise StoreRefused(file.address, f"there is no bucket {bucket}")


def _names(file: File, folder: str) -> list[str]:
    """The files of a folder."""
    selector = fs.FileSelector(folder or ("/" if file.path.startswith("/") else "."))
    selector.allow_not_found = True
    with reading(file):
        listed = file.system.get_file_info(selector)
    return [one.base_name for one in listed if one.type == fs.FileType.File]


@contextmanager
def reading(file: File) -> Iterator[None]:
    """Turn what goes wrong with the reading of a file into one error that says so.

    Raises:
        StoreRefused: of another machine.
        UnreadableFile: of this one.
    """
    try:
        yield
    except OSError as error:
        if file.is_local:
            raise UnreadableFile(file.address, file.kind, said(error)) from None
        raise StoreRefused(file.address, said(error)) from None


@contextmanager
def writing(where: str | Path) -> Iterator[None]:
    """The same of writing, on this machine.

    Raises:
        CannotWrite: a disk is full, a folder may not be written to, or the like.
    """
    try:
        yield
    except OSError as error:
        raise CannotWrite(where, said(error)) from None


def said(error: Exception) -> str:
    """What an error of a library says, on one line."""
    known = getattr(error, "errno", None)
    text = os.strerror(known) if known in FULL else " ".join(str(error).split())
    return text[:LONGEST_WHY].rstrip(".")


def stamp(file: File) -> dict[str, Any]:
    """By what a file that has changed is known again."""
    info = file.info
    return {"file": file.address, "bytes": info.size, "changed": info.mtime_ns}
