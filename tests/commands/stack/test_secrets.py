"""`make secrets`: random, for nobody else, and never another one where one is there."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from commands.stack.secrets import PASSWORDS, write
from serve.keys import read_keys
from tests.checkout import ROOT


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_they_are_random_and_long(tmp_path):
    write(tmp_path / "one")
    write(tmp_path / "other")

    for name in PASSWORDS:
        one, other = ((tmp_path / it / name).read_text() for it in ("one", "other"))
        assert one != other
        assert len(one.strip()) >= 40


def test_the_server_takes_the_keys(tmp_path):
    write(tmp_path / "secrets")

    keys = read_keys({"CHURN_API_KEYS_FILE": str(tmp_path / "secrets/api_keys")})
    assert [one.name for one in keys] == ["smoke", "admin"]


def test_nobody_else_may_enter_the_folder(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o755)
    write(folder)

    assert mode(folder) == 0o700
    # Containers, whose users are others, are given single files.
    assert {mode(path) for path in folder.rglob("*") if path.is_file()} == {0o444}


def test_what_is_there_stays(tmp_path):
    folder = tmp_path / "secrets"
    write(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    (folder / "log_password").unlink()

    assert write(folder) == ["log_password"]
    changed = [path.name for path, content in before.items() if path.read_bytes() != content]
    assert changed == ["log_password"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "secrets").write_text("a file")
    done = subprocess.run(
        [sys.executable, "-m", "commands.stack.secrets"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "error: secrets/ cannot be written: File exists. Mend its rights.\n"
