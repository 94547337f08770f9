"""Secrets, each in a file of its own, read anew whenever they are used: so they can be replaced."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from pathlib import Path

from deploy.dispatcher.errors import UnusableSecret

# So many may be in force at once, so that one can be replaced without a pause.
MOST = 8
MOST_BYTES = 8192
SECRET = re.compile(r"[!-~]{16,512}")


def read_secrets(path: Path, most: int = MOST) -> tuple[str, ...]:
    """The secrets in a file, one a line.

    Raises:
        UnusableSecret: the file cannot be read, others may read or write it, or it does not hold 1
            to `most` secrets.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UnusableSecret(path, f"it cannot be read ({error.strerror})") from None
    if mode & stat.S_IRWXO:
        raise UnusableSecret(path, f"everybody may use it (mode {stat.S_IMODE(mode):04o})")
    if len(raw) > MOST_BYTES:
        raise UnusableSecret(path, f"it has more than {MOST_BYTES} bytes")
    # What is no ASCII becomes a character that no secret has.
    lines = [line.strip() for line in raw.decode("ascii", "replace").splitlines()]
    secrets = tuple(line for line in lines if line)
    if not 1 <= len(secrets) <= most:
        raise UnusableSecret(path, f"it has {len(secrets)} secrets; there can be 1 to {most}")
    for number, secret in enumerate(secrets, start=1):
        if not SECRET.fullmatch(secret):
            raise UnusableSecret(path, f"secret {number} is not 16 to 512 printable characters")
    return secrets


def is_let_in(authorization: str | None, path: Path) -> bool:
    """Whether a header brings one of the secrets of a file; takes equally long for each of them.

    Raises:
        UnusableSecret: as for `read_secrets`.
    """
    scheme, _, token = (authorization or "").partition(" ")
    given = _digest(token.strip())
    matches = [hmac.compare_digest(given, _digest(one)) for one in read_secrets(path)]
    return any(matches) and scheme.lower() == "bearer"


def _digest(text: str) -> bytes:
    # Of one length, whatever was sent.
    return hashlib.sha256(text.encode()).digest()
