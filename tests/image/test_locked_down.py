"""What the container may do, what is not in it, and what it says when it lacks something."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from commands.image import engine
from tests.image.conftest import Inside, Running
from tests.image.contained import (
    KEY,
    KEYS,
    LOCKED,
    PYTHON,
    Contained,
    place_of,
    refused,
    with_environment,
)

pytestmark = pytest.mark.image

KEYED = with_environment(KEYS)
# What somebody who got in would look for.
TOOLS = {
    *("sh", "bash", "dash", "ash", "busybox", "zsh", "apt", "apt-get", "dpkg", "pip", "pip3"),
    *("curl", "wget", "perl", "gcc", "cc", "ld", "strip", "su", "sudo", "mount"),
}


def test_there_is_no_shell_and_no_tool(image: str, tmp_path: Path):
    done = refused(image, *LOCKED, "--entrypoint=/bin/sh")
    with engine.created(image) as container:
        engine.docker("export", "--output", str(tmp_path / "files.tar"), container)
    with tarfile.open(tmp_path / "files.tar") as files:
        programs = {Path(one.name).name for one in files if one.mode & 0o111 and not one.isdir()}
        secure = [one.name for one in files.getmembers() if one.mode & 0o6000]

    assert done.returncode == 127
    assert "no such file or directory" in done.stderr
    assert not programs & TOOLS
    assert not [one for one in secure if "churn" in one or one.startswith("app")]


def test_it_runs_as_nobody_with_no_rights(server: Contained):
    status = dict(
        line.split(":\t", 1)
        for line in server.run("print(open('/proc/1/status').read())").splitlines()
        if ":\t" in line
    )

    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65532"}
    assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"


def test_nothing_of_the_image_can_be_written(server: Contained, image: str):
    # Not even what belongs to its user.
    with pytest.raises(engine.EngineFailed, match="Read-only file system"):
        server.run("open('/home/nonroot/file', 'w')")

    # And where the file system is not read-only, not the code, nor the model.
    for path in ("/app/params.yaml", "/app/models/churn/bundle.json", "/app/lib/numpy/__init__.py"):
        done = refused(image, f"--entrypoint={PYTHON}", arguments=["-c", f"open('{path}', 'a')"])
        assert "Permission denied" in done.stderr


def test_without_keys_it_does_not_start(image: str):
    done = refused(image, *LOCKED)

    assert done.returncode == 1
    assert done.stderr.startswith("error: HOST=0.0.0.0: without keys the server listens on")
    assert done.stderr.count("\n") == 1


def test_without_a_volume_it_says_where_one_belongs(image: str):
    done = refused(image, *LOCKED, *KEYED)

    assert done.returncode == 1
    assert done.stderr.startswith("error: /var/lib/churn/spool-8000.db: ")
    assert "in a container, mount a volume at /var/lib/churn" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_place_for_its_own_files_it_says_so(image: str):
    done = refused(image, "--read-only", *KEYED)

    assert done.returncode == 1
    assert done.stderr.startswith("error: /tmp: Read-only file system. ")
    assert "--tmpfs /tmp" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_image_has_one_model(image: str, volume: str):
    done = refused(image, *LOCKED, *KEYED, place_of(volume), "--env=MODEL=prod")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "error: MODEL=prod: it is no folder with a bundle, and an image has no git"
    )
    assert done.stderr.count("\n") == 1


def test_keys_come_from_a_mounted_file(running: Running, inside: Inside, tmp_path: Path):
    (tmp_path / "keys").write_text(f"crm:{KEY}\n")
    (tmp_path / "keys").chmod(0o644)
    environment = {"CHURN_API_KEYS": "", "CHURN_API_KEYS_FILE": "/run/secrets/keys"}

    server = running(
        f"--volume={tmp_path}/keys:/run/secrets/keys:ro",
        environment=environment,
    )

    assert server.post("/predict", inside.requests[0]).status == 200
    assert server.post("/predict", inside.requests[0], X_API_Key="another key").status == 401


def test_who_says_so_gets_a_server_without_keys(running: Running, inside: Inside):
    server = running(environment={"CHURN_API_KEYS": ""}, arguments=["--insecure"])
    assert server.post("/predict", inside.requests[0], X_API_Key="").status == 200


def test_the_environment_holds_no_secret(image: str):
    config = json.loads(engine.docker("inspect", "--format", "{{json .Config}}", image))

    assert config["User"] == "65532:65532"
    names = {one.partition("=")[0] for one in config["Env"]}
    assert not {one for one in names if "KEY" in one or "PASSWORD" in one or "DATABASE" in one}
    assert config["Entrypoint"] == ["/usr/bin/python3", "-m", "serve"]


def test_the_volume_belongs_to_the_server_alone(server: Contained):
    said = server.run(
        "import os; one = os.stat('/var/lib/churn'); print(oct(one.st_mode), one.st_uid)"
    )
    assert said == "0o40700 65532"
