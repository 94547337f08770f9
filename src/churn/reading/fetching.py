"""Files that are far away, brought here whole, with the hash of their content.

A part of a file never counts: what breaks off, or is not what was pinned, is an error.
"""

from __future__ import annotations

import base64
import hashlib
import netrc
import os
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pyarrow import fs

from churn.errors import DownloadFailed, OtherContent, StoreRefused
from churn.files import sha256
from churn.reading.places import Download, File, reading, said, writing

# Seconds until a server that does not answer, or says no more, is taken to be away.
TIMEOUT = 30
CHUNK = 1024 * 1024
MEANINGS = {
    401: "a name and password are needed, or these are not taken",
    403: "its server does not let us have it",
    404: "its server has no such file",
}


@dataclass(frozen=True)
class Fetched:
    """A file that is here.

    Attributes:
        file: here; its address is where it comes from.
        bytes: how long it is.
        sha256: of its content.
    """

    file: File
    bytes: int
    sha256: str


class _OnlyEncrypted(HTTPRedirectHandler):
    """Follows to addresses that are as safe as the first one, and no others."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Raise for an address without encryption."""
        if urlsplit(newurl).scheme != "https":
            raise DownloadFailed(req.full_url.partition("?")[0], "it leads to one without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def fetched(place: File | Download, folder: Path) -> Fetched:
    """Bring a file here, if it is far away, and hash it.

    Args:
        place: of the file.
        folder: for it; it must be there.
    Raises:
        DownloadFailed, OtherContent: of the web.
        StoreRefused: of a store.
        UnreadableFile: of this machine.
        CannotWrite: the disk is full, or the like.
    """
    if isinstance(place, Download):
        return downloaded(place, folder)
    if place.is_local:
        with reading(place):
            return Fetched(place, place.info.size, sha256(Path(place.path)))
    path = folder / place.path.rpartition("/")[2]
    with reading(place), place.system.open_input_stream(place.path) as stream:
        found = _copied(stream.read, path, place)
    if found.bytes != (size := place.info.size):
        raise StoreRefused(place.address, f"only {found.bytes} of {size} bytes came")
    return found


def downloaded(place: Download, folder: Path) -> Fetched:
    """Fetch a file from the web; one that is there already was fetched whole.

    Raises:
        DownloadFailed: it cannot be reached, or breaks off.
        OtherContent: it is not the one that was pinned.
        CannotWrite: the disk is full, or the like.
    """
    path = folder / place.name
    if path.is_file():
        return Fetched(_here(path, place), path.stat().st_size, place.sha256)
    unfinished = path.with_name(f".{place.name}.unfinished")
    try:
        found = _answered(place, unfinished)
        if found.sha256 != place.sha256:
            raise OtherContent(place.shown, found.sha256, place.sha256)
        with writing(path):
            unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return Fetched(_here(path, place), found.bytes, found.sha256)


def _answered(place: Download, path: Path) -> Fetched:
    """What a server sends, to its end."""
    request = Request(place.address)  # noqa: S310 - https, as `places` has seen to
    _give_password(request, place)
    try:
        with build_opener(_OnlyEncrypted).open(request, timeout=TIMEOUT) as answer:
            found = _copied(answer.read, path, place)
            size = answer.headers.get("Content-Length")
    except HTTPError as error:
        with error:
            why = MEANINGS.get(error.code, error.msg)
            raise DownloadFailed(place.shown, f"{why} (status {error.code})") from None
    except (OSError, HTTPException) as error:
        cause = error.reason if isinstance(error, URLError) else error
        raise DownloadFailed(place.shown, said(Exception(cause)) or type(error).__name__) from None
    if size is not None and found.bytes != int(size):
        raise DownloadFailed(place.shown, f"it broke off after {found.bytes} of {size} bytes")
    return found


def _give_password(request: Request, place: Download) -> None:
    """What ~/.netrc, or the file at NETRC, has for the server; not for others it may lead to."""
    path = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
    if not path.is_file():
        return
    try:
        found = netrc.netrc(path).authenticators(urlsplit(place.address).hostname or "")
    except (netrc.NetrcParseError, OSError):
        # What is wrong there may be the password.
        raise DownloadFailed(place.shown, f"{path} is no netrc that can be read") from None
    if found:
        word = base64.b64encode(f"{found[0]}:{found[2]}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {word}")


def _copied(read: Callable[[int], bytes], path: Path, place: File | Download) -> Fetched:
    content, size = hashlib.sha256(), 0
    with writing(path):
        target = path.open("wb")
    with target:
        while chunk := read(CHUNK):
            content.update(chunk)
            size += len(chunk)
            with writing(path):
                target.write(chunk)
    return Fetched(_here(path, place), size, content.hexdigest())


def _here(path: Path, place: File | Download) -> File:
    return File(place.shown, place.kind, fs.LocalFileSystem(), str(path))
