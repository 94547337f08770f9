"""The programs that run while an image is built: the same layer each time, and an honest list."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from deploy.image import pack, sbom
from tests.checkout import ROOT

INSTALLED = Path(numpy.__file__).parent.parent
EPOCH = 1_700_000_000
STANZA = """Package: {name}
Status: {status}
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library
 It has more lines.
"""


def packed(layer: Path, *arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "deploy/image/pack.py"), str(layer), *arguments]
    return subprocess.run(
        command, env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False
    )


def described(layer: Path) -> dict[str, tuple[int, float, bytes]]:
    return {
        str(one.relative_to(layer)): (
            one.stat().st_mode,
            one.stat().st_mtime,
            one.read_bytes() if one.is_file() else b"",
        )
        for one in sorted(layer.rglob("*"))
    }


def test_two_copies_become_the_same_layer(tmp_path: Path):
    for name, mode in {"one": 0o600, "other": 0o777}.items():
        code = tmp_path / name / "app/serve"
        shutil.copytree(ROOT / "serve", code, ignore=shutil.ignore_patterns("__pycache__"))
        (code / "main.py").chmod(mode)
        done = packed(tmp_path / name)
        assert done.returncode == 0, done.stderr

    one, other = (described(tmp_path / name) for name in ("one", "other"))
    assert one == other
    assert {time for _, time, _ in one.values()} == {0}
    assert {oct(mode) for mode, _, _ in one.values()} == {"0o40755", "0o100644"}
    bytecode = one["app/serve/__pycache__/main.cpython-311.pyc"][2]
    # A hash, which nobody checks (PEP 552), and the path that the module has in the image.
    assert bytecode[:4] == importlib.util.MAGIC_NUMBER
    assert bytecode[4] == 0b01
    assert b"/app/serve/main.py" in bytecode
    assert str(tmp_path).encode() not in bytecode


def test_chance_must_not_order_constants(tmp_path: Path):
    done = packed(tmp_path, seed="random")
    assert done.returncode == 1
    assert done.stderr.startswith("error: without PYTHONHASHSEED=0")


def test_what_is_to_be_left_out_must_be_there(tmp_path: Path):
    (tmp_path / "scipy").mkdir()
    with pytest.raises(SystemExit, match=r"error: bin: no such file; take it out of "):
        pack.trim(tmp_path)


@pytest.mark.parametrize("place", ["var/lib/dpkg/status", "var/lib/dpkg/status.d/libc6"])
def test_packages_of_the_base_image_are_listed(tmp_path: Path, place: str):
    path = tmp_path / place
    path.parent.mkdir(parents=True)
    (path.parent / "libc6.md5sums").write_text("0 usr/lib/libc.so.6\n")
    installed = STANZA.format(name="libc6", status="install ok installed")
    removed = STANZA.format(name="libc7", status="deinstall ok config-files")
    path.write_text(f"{installed}\n{removed}")

    [found] = sbom.debian_packages(tmp_path)

    assert (found.name, found.version) == ("libc6", "2.36-9+deb12u10")
    assert str(found.purl) == "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64"


def test_a_base_image_without_a_list_has_none(tmp_path: Path):
    assert not [*sbom.debian_packages(tmp_path)]


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    """A folder of packages, as pip leaves it."""
    for name in ("litserve", "numpy", "psycopg", "pydantic", "ruamel_yaml", "scipy"):
        [info] = INSTALLED.glob(f"{name}-*.dist-info")
        shutil.copytree(info, tmp_path / info.name)
    return tmp_path


def test_python_packages_are_listed_with_their_licences(lib: Path):
    found = {one.name: one for one in sbom.python_packages(lib)}

    assert found["numpy"].version == numpy.__version__
    assert str(found["ruamel.yaml"].purl).startswith("pkg:pypi/ruamel-yaml@")
    licences = {"psycopg": "LGPL-3.0-only", "litserve": "Apache-2.0", "pydantic": "MIT"}
    for name, licence in licences.items():
        [own] = found[name].licenses
        assert licence in (getattr(own, "id", None), getattr(own, "value", None)), own
    assert found["scipy"].properties


def test_the_same_contents_give_the_same_list(lib: Path):
    def made(version: str) -> str:
        return sbom.listed([*sbom.python_packages(lib)], version, EPOCH)

    one, again, other = made("v1"), made("v1"), made("v2")

    assert one == again
    content, changed = json.loads(one), json.loads(other)
    assert content["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert content["serialNumber"] != changed["serialNumber"]
