"""make image: one model, one name, the same layers for the same inputs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commands.image import engine
from tests.checkout import Checkout
from tests.image.conftest import UNDER_TEST, VERSION, build

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif(bool(UNDER_TEST), reason="IMAGE_UNDER_TEST is to be tested, not built"),
]
AGAIN = "import os; from commands.image.build import build; build(os.environ, '--no-cache')"


def inspected(image: str, what: str) -> str:
    return engine.docker("inspect", "--format", f"{{{{json .{what}}}}}", image)


def test_the_tag_is_the_models_version(released: Checkout, image: str, name: str):
    assert image == f"{name}:{VERSION}"
    # A stage is the version that it has.
    assert build(released, "MODEL=prod", f"IMAGE={name}") == image


def test_labels_name_the_commit_and_its_time(released: Checkout, image: str):
    labels = json.loads(inspected(image, "Config.Labels"))
    commit, moment = released.run("git", "log", "-1", "--format=%H %cI").split()

    assert labels["org.opencontainers.image.revision"] == commit
    created = labels["org.opencontainers.image.created"]
    assert created[:19] == moment[:19] or created.endswith("+00:00")


def test_a_folder_is_named_by_its_hash(released: Checkout, name: str):
    sha256 = json.loads((released.folder / "models/churn/bundle.json").read_text())["sha256"]
    registry = f"127.0.0.1:5000/{name}"

    image = build(released, f"IMAGE={registry}")

    assert image == f"{registry}:{sha256[:12]}"
    with engine.created(image) as container:
        origin = json.loads(engine.copied(container, "/app/models/churn/origin.json"))
    assert origin["version"] == sha256[:12]
    assert origin["created"] == int(released.run("git", "log", "-1", "--format=%ct"))
    engine.docker("rmi", image)


def test_another_clone_gives_the_same_layers(
    released: Checkout, image: str, name: str, tmp_path: Path
):
    # Given a clone with other modes and dates,
    other = released.copied(tmp_path / "other")
    for path in (other.folder / "src/churn").rglob("*"):
        path.chmod(0o700)
        os.utime(path)
    layers, made = inspected(image, "RootFS.Layers"), inspected(image, "Created")
    # when everything is built anew there,
    environment = {**os.environ, "MODEL": VERSION, "IMAGE": f"{name}/again"}
    done = subprocess.run(
        [sys.executable, "-c", AGAIN],
        cwd=other.folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # then not a bit differs.
    again = f"{name}/again:{VERSION}"
    assert inspected(again, "RootFS.Layers") == layers
    assert inspected(again, "Created") == made
    engine.docker("rmi", again)


def test_a_model_that_is_not_there_is_one_error(released: Checkout, name: str):
    done = released.attempt("make", "--silent", "image", "MODEL=v9.9.9", f"IMAGE={name}")

    told = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert done.returncode != 0
    assert len(told) == 1
    assert "MODEL=v9.9.9: it is no folder with a bundle, and no git tag churn@v9.9.9" in told[0]
    assert "Traceback" not in done.stderr


def test_a_model_that_this_code_scores_otherwise_is_not_built(
    released: Checkout, name: str, tmp_path: Path
):
    other = released.copied(tmp_path / "other")
    other.score_otherwise()

    done = other.attempt("make", "--silent", "image", f"MODEL={VERSION}", f"IMAGE={name}")

    assert done.returncode != 0
    assert "error: golden row" in done.stderr


def test_an_image_that_is_not_there_is_one_error(released: Checkout):
    done = released.attempt("make", "--silent", "image-sbom", "IMAGE_UNDER_TEST=churn:none")

    assert done.returncode != 0
    assert "error: IMAGE_UNDER_TEST=churn:none: there is no such image here" in done.stderr


def test_without_a_model_nothing_is_built(released: Checkout, image: str):
    done = released.attempt("docker", "buildx", "build", "--progress=plain", ".")

    assert done.returncode != 0
    assert re.search(r'"/\w+\.(json|ubj)": not found', done.stderr)
