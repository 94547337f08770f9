"""What can go wrong when a server is started or given another model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors.base import ChurnError


class ModelNotFound(ChurnError):
    """`MODEL` is no folder, stage or version with a bundle in it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"MODEL={name}: it is no folder with a bundle, and {why.rstrip('.')}. Give a folder "
            "with a bundle, a version such as v1.2.0, or a stage such as prod; make repro builds "
            "models/churn."
        )


class IncompatibleModel(ChurnError):
    """A model does not take the requests that the one in service takes."""

    def __init__(self, version: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"model {version} does not take the same requests: {'; '.join(problems)}. "
            "Callers would break. Start another server for it."
        )


class SameVersion(ChurnError):
    """Champion and challenger cannot be told apart."""

    def __init__(self, version: str) -> None:
        super().__init__(
            f"serve.challenger.model: it is {version}, as is the champion. Name another model, or "
            "take the challenger out with null."
        )


class CannotSplit(ChurnError):
    """Customers without an id cannot be divided between two models."""

    def __init__(self, table: str) -> None:
        super().__init__(
            f"serve.challenger.mode: table {table} has no id, so split cannot say whose model is "
            "whose. Use mode shadow, or give the contract an id."
        )


class NotLoaded(ChurnError):
    """A process of the server did not load the new model."""

    def __init__(self, process: str) -> None:
        super().__init__(f"{process} did not load it. The log says why; try again.")


class UnusableKeys(ChurnError):
    """Keys cannot be read, or are too weak."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"{where}: {why}. Write one key a line, of 16 characters or more, with a name before "
            "it if you like (crm:…); python -c 'import secrets; print(secrets.token_urlsafe())' "
            "makes one."
        )


class AddressNeedsKeys(ChurnError):
    """Without keys, others than this machine would be let in."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"HOST={host}: without keys the server listens on 127.0.0.1 only. Give it keys in "
            "CHURN_API_KEYS_FILE or CHURN_API_KEYS, or start it with --insecure."
        )


class AddressTaken(ChurnError):
    """Somebody listens on the port already."""

    def __init__(self, host: str, port: int, name: str) -> None:
        super().__init__(
            f"{name}={port}: {host}:{port} cannot be listened on; it is in use. "
            f"Name another: {name}={port + 1}"
        )


class NoRoom(ChurnError):
    """There is no place for the server's own files."""

    def __init__(self, folder: str | Path, why: str) -> None:
        super().__init__(
            f"{folder}: {why}. Free some space there, or set TMPDIR to another place; a container "
            "without a file system to write to needs --tmpfs /tmp."
        )


class SpoolUnusable(ChurnError):
    """Predictions could not be kept."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: {why}. Predictions are kept there for the database: give --log-folder (or "
            "LOG_FOLDER) another place, or set serve.log.enabled=false to keep none; in a "
            f"container, mount a volume at {path.parent}."
        )


class ServerFailed(ChurnError):
    """A process of the server could not start."""

    def __init__(self, process: str) -> None:
        super().__init__(f"{process} could not start; the lines of the log above say why.")
