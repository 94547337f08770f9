"""`make secrets`: the passwords of the stack, random, in a folder that git ignores."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path

from churn.atomic import write_bytes

FOLDER = Path("secrets")
# The clients that have a key for the API; "admin" may reload the model.
CLIENTS = ("smoke", "admin")
# Alertmanager reads these as they are needed; what others give out is put beside them by hand.
DISPATCHER = "alertmanager/dispatcher_token"
PASSWORDS = ("postgres_password", "log_password", "mlflow_password", "grafana_password", DISPATCHER)


def write(folder: Path) -> list[str]:
    """Write what is not there yet; the names of what was.

    Nobody else of this machine can enter the folder. Its files can be read by everybody who is
    given one: containers have users of their own.

    Args:
        folder: made if it is not there.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    (folder / "alertmanager").mkdir(mode=0o755, exist_ok=True)
    keys = "".join(f"{client}:{secrets.token_urlsafe()}\n" for client in CLIENTS)
    contents = {"api_keys": keys} | {name: f"{secrets.token_urlsafe()}\n" for name in PASSWORDS}
    missing = [name for name in contents if not (folder / name).exists()]
    for name in missing:
        write_bytes(folder / name, contents[name].encode())
        (folder / name).chmod(0o444)
    return missing


def main() -> None:
    """Write them, and say what is new."""
    try:
        missing = write(FOLDER)
    except OSError as error:
        sys.exit(f"error: {FOLDER}/ cannot be written: {error.strerror}. Mend its rights.")
    for name in missing:
        print(f"{FOLDER / name}: new")
    if not missing:
        print(f"{FOLDER}/: all of them are there, and stay as they are")


if __name__ == "__main__":
    main()
