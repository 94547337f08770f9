"""API keys: who is let in. Only hashes are kept."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from churn.errors import UnusableKeys
from serve.shared import MOST_KEYS

FILE, LIST = "CHURN_API_KEYS_FILE", "CHURN_API_KEYS"
SHORTEST = 16


@dataclass(frozen=True)
class Key:
    """A key that is let in: its name for the log, and the SHA-256 of the key itself."""

    name: str
    sha256: str


def read_keys(environment: Mapping[str, str]) -> tuple[Key, ...]:
    """The keys of the file named in `CHURN_API_KEYS_FILE`, or of `CHURN_API_KEYS`.

    Several may be in force at once, so that one can be replaced without a pause: one a line in the
    file, separated by commas in the variable, each with `name:` before it if it is to have one.

    Raises:
        UnusableKeys: the file cannot be read, is empty, or a key is too short.
    """
    if path := environment.get(FILE):
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UnusableKeys(path, f"it cannot be read by user {os.getuid()} ({error})") from None
        written = [line.strip() for line in lines if not line.lstrip().startswith("#")]
        return _checked(path, [line for line in written if line])
    if given := environment.get(LIST):
        return _checked(LIST, [one.strip() for one in given.split(",") if one.strip()])
    return ()


def _checked(where: str, written: Sequence[str]) -> tuple[Key, ...]:
    if not 1 <= len(written) <= MOST_KEYS:
        raise UnusableKeys(where, f"{len(written)} keys; there can be 1 to {MOST_KEYS}")
    keys = []
    for number, one in enumerate(written, start=1):
        name, separator, key = one.partition(":")
        if not separator:
            name, key = f"key {number}", one
        # A space after the colon is none of the key's: headers lose theirs on the way.
        key = key.strip()
        if len(key) < SHORTEST or not key.isascii():
            raise UnusableKeys(where, f"key {number} is shorter than {SHORTEST} ASCII characters")
        keys.append(Key(name.strip(), hashlib.sha256(key.encode()).hexdigest()))
    return tuple(keys)


class Keyring:
    """Finds out whose key a request brings."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self.keys = keys
        self._digests = [bytes.fromhex(one.sha256) for one in keys]

    def find(self, given: bytes | None) -> int | None:
        """Number of the key, None if it is none of them; takes equally long for every key."""
        digest = hashlib.sha256(given or b"").digest()
        found = None
        for number, known in enumerate(self._digests):
            if hmac.compare_digest(digest, known):
                found = number
        return found
