"""First step of `make repro`: put right what a killed run left half-written of DVC's own files.

DVC rewrites dvc.lock and .dvc/tmp/rwlock in place; a run that dies within those milliseconds leaves
a file that DVC refuses to read. Nothing is lost with them: what is done is in the cache.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

LOCK = Path("dvc.lock")
RWLOCK = Path(".dvc/tmp/rwlock")
# By which DVC knows a file, here or far away.
HASHES = {"md5", "etag", "checksum"}


def is_lock(path: Path) -> bool:
    """Whether DVC could use this dvc.lock: it also reads one in which a file has no hash."""
    try:
        content = COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe", pure=True).load(path))
    except (YAMLError, Invalid, UnicodeDecodeError):
        return False
    stages = content.get("stages", {}).values()
    files = [one for stage in stages for kind in ("deps", "outs") for one in stage.get(kind, ())]
    return all(HASHES & {*one} for one in files)


def is_json(path: Path) -> bool:
    """Whether the file holds JSON."""
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True


def main() -> None:
    """Take a broken dvc.lock back from git, or away where git has none; remove a broken rwlock."""
    if LOCK.is_file() and not is_lock(LOCK):
        committed = subprocess.run(
            ["git", "show", f"HEAD:./{LOCK}"], capture_output=True, check=False
        )
        LOCK.write_bytes(committed.stdout) if committed.returncode == 0 else LOCK.unlink()
        print(f"{LOCK} was cut off by a run that died; it is as committed again.")
    if RWLOCK.is_file() and not is_json(RWLOCK):
        RWLOCK.unlink()
        print(f"{RWLOCK} was cut off by a run that died; it is gone.")


if __name__ == "__main__":
    main()
