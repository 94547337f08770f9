"""`make image` without an engine: names, what goes into the image with the model, and the error."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from churn.errors import EngineFailed, ImageNotFound, InvalidImageName, NoEngine
from churn.model_sources import source
from commands.image import engine
from commands.image.build import build, under_test
from commands.image.model import checked, labels, write_context
from commands.image.size import BASE, CODE, MODEL, Part, owned, owner, table
from tests.checkout import Checkout


@pytest.fixture
def tagged_here(reproduced: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout whose model is v1.2.0, in which commands run."""
    checkout = reproduced.copied(tmp_path / "checkout")
    checkout.run("git", "tag", "churn@v1.2.0")
    monkeypatch.chdir(checkout.folder)
    return checkout


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")


@pytest.mark.parametrize("name", ["churn:v1", "churn/", "-churn", "é", "a b"])
def test_a_name_that_registries_refuse_is_refused(name: str):
    with pytest.raises(InvalidImageName, match="letters, digits and"):
        build({"IMAGE": name})


@pytest.mark.parametrize(
    "name", ["churn", "ghcr.io/owner/churn-api", "localhost:5000/a/b_c", "ghcr.io/Owner/churn"]
)
def test_other_names_are_taken(name: str, no_engine: None):
    with pytest.raises(NoEngine):
        build({"IMAGE": name})


@pytest.mark.parametrize("target", ["image", "image-size", "image-sbom"])
def test_without_an_engine_it_is_one_error(reproduced: Checkout, target: str):
    done = reproduced.attempt("env", "DOCKER_HOST=unix:///nowhere.sock", "make", "-s", target)

    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0
    assert len(told) == 1
    assert "error: no container engine: " in told[0]
    assert "Install Docker with buildx and start it" in told[0]
    assert "Traceback" not in done.stderr


def test_without_docker_it_is_the_same_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoEngine, match="there is no command docker"):
        under_test({"IMAGE_UNDER_TEST": "churn:v1"})


def fake_docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A command docker that does as told."""
    (folder / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_what_the_engine_says_last_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    fake_docker(tmp_path, monkeypatch, "echo one >&2; echo no space left on device. >&2; exit 1")

    with pytest.raises(EngineFailed, match=r"docker save failed: no space left on device\. Mend"):
        engine.docker("save", "churn")
    with pytest.raises(EngineFailed, match="docker buildx failed: its last lines, above, say why"):
        engine.show("buildx", "build")
    with pytest.raises(ImageNotFound, match="IMAGE_UNDER_TEST=churn:v9: there is no such image"):
        engine.require_image("churn:v9")


def test_buildx_that_is_missing_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    script = "[ $1 = info ] || { echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1; }"
    fake_docker(tmp_path, monkeypatch, script)

    with pytest.raises(NoEngine, match="'buildx' is not a docker command"):
        engine.require()


@pytest.mark.parametrize(("name", "version"), [("v1.2.0", "v1.2.0"), ("models/churn", None)])
def test_the_image_knows_what_the_repository_knew(
    tagged_here: Checkout, tmp_path: Path, name: str, version: str | None
):
    found, bundle = checked(name, tmp_path / "fetched")
    write_context(tmp_path / "context", bundle, found)

    there = source(str(tmp_path / "context"), tmp_path)

    assert there.version == (version or bundle.sha256[:12])
    assert there.created == int(tagged_here.run("git", "log", "-1", "--format=%ct"))
    assert there.evaluation
    assert there.evaluation == found.evaluation


def test_a_copy_of_what_an_image_knows_stays_as_it_is(tagged_here: Checkout, tmp_path: Path):
    found, bundle = checked("v1.2.0", tmp_path / "fetched")
    write_context(tmp_path / "context", bundle, found)
    tagged_here.run("git", "commit", "-q", "--allow-empty", "-m", "later", "--date=2100-01-01")

    again, _ = checked(str(tmp_path / "context"), tmp_path)

    assert (again.version, again.created) == (found.version, found.created)


def test_labels_say_whether_the_code_was_committed(tagged_here: Checkout, tmp_path: Path):
    commit = tagged_here.run("git", "rev-parse", "HEAD").strip()
    found, bundle = checked("models/churn", tmp_path)

    clean = labels(found, bundle, "server")
    (tagged_here.folder / "Makefile").write_text("")
    dirty = labels(found, bundle, "batch")

    assert clean["org.opencontainers.image.revision"] == commit
    assert dirty["org.opencontainers.image.revision"] == f"{commit}-dirty"
    assert clean["churn.data.sha256"] == bundle.manifest.provenance.data_sha256


def test_a_file_belongs_to_the_package_that_brought_it(tmp_path: Path):
    record = b"yaml/__init__.py,sha256=x,1\n_yaml/__init__.py,,\npyyaml-6.dist-info/METADATA,,\n"
    with tarfile.open(tmp_path / "layer.tar", "w") as layer:
        member = tarfile.TarInfo("app/lib/pyyaml-6.dist-info/RECORD")
        member.size = len(record)
        layer.addfile(member, io.BytesIO(record))
    with tarfile.open(tmp_path / "layer.tar") as layer:
        owners = owned(layer)

    assert owner("app/lib/_yaml/x.so", owners) == owner("app/lib/yaml/y.py", owners) == "pyyaml"
    assert owner("app/lib/numpy.libs/blas.so", owners) == "numpy.libs"
    assert owner("app/serve/main.py", owners) == CODE
    assert owner("app/models/churn/model.ubj", owners) == MODEL
    assert owner("usr/lib/libc.so", None) == BASE


def test_the_table_ends_with_the_sum():
    sizes = {"numpy": 51_200_000, "one": 400_000, "other": 300_000}
    parts = {name: Part(size, None, size // 4) for name, size in sizes.items()}

    assert table("churn:v1", parts).splitlines() == [
        "churn:v1, in megabytes:",
        "",
        "                on disk  compressed",
        "numpy              51.2        12.8",
        "2 smaller ones      0.7         0.2",
        "in all             51.9        13.0",
    ]
