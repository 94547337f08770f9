"""The image of batch scoring: it scores what is mounted, and can do nothing else."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from churn.bundle import Bundle
from churn.scoring import Scorer
from churn.tables import to_columns
from commands.image import engine
from commands.image.size import parts, total
from tests.checkout import Checkout
from tests.image.conftest import UNDER_TEST, VERSION, build
from tests.image.contained import refused, with_environment
from tests.readme import BLOCKS

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif(bool(UNDER_TEST), reason="IMAGE_UNDER_TEST is the server's"),
]
SHOWN = next(text for language, text in BLOCKS if language == "sh" and "churn-batch" in text)
LOCKED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")
ON_DISK, COMPRESSED = 320, 105


@pytest.fixture(scope="module")
def batch(released: Checkout, name: str) -> Iterator[str]:
    """Name of the image."""
    image = build(released, "TARGET=batch", f"MODEL={VERSION}", f"IMAGE={name}-batch")
    yield image
    engine.docker("rmi", "--force", image)


@pytest.fixture
def exports(released: Checkout, tmp_path: Path) -> Path:
    """A folder that belongs to the container's user, with customers in it."""
    table = pq.read_table(released.folder / "data/clean/current.parquet")
    (tmp_path / "exports").mkdir()
    pq.write_table(table, tmp_path / "exports/customers.parquet")
    subprocess.run(["chown", "-R", "65532:65532", str(tmp_path / "exports")], check=True)
    return tmp_path / "exports"


def test_what_the_page_shows_scores_what_is_mounted(batch: str, exports: Path, released: Checkout):
    assert "churn-batch:v1.2.0" in SHOWN
    command = SHOWN.replace("churn-batch:v1.2.0", batch)

    done = subprocess.run(
        ["sh", "-euc", command],
        cwd=exports.parent,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert f"customers by {VERSION}: " in done.stdout
    customers = pq.read_table(exports / "customers.parquet")
    scorer = Scorer(Bundle.load(released.folder / "models/churn"))
    columns = to_columns(customers, scorer.bundle.manifest.contract.known_columns)
    found = pq.read_table(exports / "scores.parquet")
    assert found["churn_probability"].to_pylist() == scorer.probabilities(columns).tolist()
    assert {one.name for one in exports.iterdir()} == {"customers.parquet", "scores.parquet"}


def test_it_is_nobody_and_knows_no_secret(batch: str):
    config = json.loads(engine.docker("inspect", "--format", "{{json .Config}}", batch))

    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/usr/bin/python3", "-m", "pipelines.score"]
    assert config["Labels"]["org.opencontainers.image.title"] == "churn-batch"
    names = {one.partition("=")[0] for one in config["Env"]}
    assert not {one for one in names if "KEY" in one or "PASSWORD" in one or "DATABASE" in one}


def test_what_is_missing_is_told_in_one_line(batch: str, exports: Path):
    mounted = f"--volume={exports}:/data:ro"
    places = {"INPUT": "/data/customers.parquet", "OUTPUT": "/data/scores.parquet"}

    for options, said in (
        ((), "error: INPUT is not set."),
        ((mounted, *with_environment(places)), "Read-only file system"),
        ((mounted, *with_environment({**places, "MODEL": "prod"})), "an image has no git tags"),
    ):
        done = refused(batch, *LOCKED, *options)
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_database_may_be_the_input_and_the_output(batch: str, exports: Path):
    places = {"INPUT": "/data/customers.parquet", "OUTPUT": "sqlite:////data/scores.db#scores"}
    options = [f"--volume={exports}:/data", "--tmpfs=/var/lib/churn:uid=65532,mode=0700"]

    first = refused(batch, *LOCKED, *options, *with_environment(places))
    again = {
        "INPUT": "s3://bucket/a.parquet",
        "OUTPUT": "/data/o.csv",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }
    second = refused(batch, *LOCKED, *options, *with_environment(again))
    third = {"INPUT": "mysql://127.0.0.1:9/crm#t", "OUTPUT": "/data/o.csv"}
    refusing = refused(batch, *LOCKED, *options, *with_environment(third))

    assert (first.returncode, first.stderr) == (0, "")
    assert (exports / "scores.db").exists()
    assert second.stderr.startswith("error: s3://bucket/a.parquet: ")
    assert second.stderr.count("\n") == 1
    assert "Can't connect to MySQL server" in refusing.stderr
    assert refusing.stderr.count("\n") == 1


def test_it_is_the_servers_image_and_a_layer_more(batch: str, image: str):
    def layers(name: str) -> list[str]:
        return json.loads(engine.docker("inspect", "--format", "{{json .RootFS.Layers}}", name))

    on_disk, compressed = total(parts(batch))

    common = [one for one, other in zip(layers(batch), layers(image), strict=False) if one == other]
    # All but the code, the model, and the empty one of WORKDIR.
    assert len(common) == len(layers(image)) - 3
    assert on_disk <= ON_DISK
    assert compressed <= COMPRESSED
