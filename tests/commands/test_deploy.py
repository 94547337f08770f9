"""make deploy: a stage gets the image of a version, the same to the bit, in a real registry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from hashlib import sha256

import pytest
import requests

from churn.errors import InvalidStage, NotInRegistry, NoVersionAt
from commands.deploy import deploy, digest_of
from tests.checkout import Checkout
from tests.registry import registry_of

EMPTY = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "layers": [],
}


@pytest.fixture(scope="module")
def registry_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of a registry for these tests."""
    with registry_of(tmp_path_factory.mktemp("registry")) as address:
        yield address


def put(address: str, name: str, tag: str) -> str:
    """Push an image of its own without layers, as docker would; its digest."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"t": tag}}})
    root = f"http://{address}/v2/{name}"
    started = requests.post(f"{root}/blobs/uploads/", timeout=10).headers["Location"]
    digest = f"sha256:{sha256(config.encode()).hexdigest()}"
    requests.put(started, params={"digest": digest}, data=config, timeout=10).raise_for_status()
    about = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": len(config),
        "digest": digest,
    }
    done = requests.put(
        f"{root}/manifests/{tag}",
        data=json.dumps({**EMPTY, "config": about}),
        headers={"Content-Type": EMPTY["mediaType"]},
        timeout=10,
    )
    done.raise_for_status()
    return done.headers["Docker-Content-Digest"]


def test_staging_and_production_get_the_same_image(registry: Checkout, registry_address: str):
    first, second = (put(registry_address, "team/churn", f"v1.{n}.0") for n in (0, 1))
    image = {"IMAGE": f"{registry_address}/Team/churn"}

    assert deploy({**image, "MODEL": "churn@v1.1.0", "STAGE": "staging"}) == second
    # What production gets is what the newest tag of its stage is on, whoever asks when.
    registry.run("git", "tag", "churn#prod#1", "churn@v1.0.0")
    assert deploy({**image, "STAGE": "prod"}) == first
    registry.run("git", "tag", "churn#prod#2", "churn@v1.1.0")
    assert deploy({**image, "STAGE": "prod"}) == second

    def held(stage: str) -> str:
        return digest_of(f"{registry_address}/team/churn:{stage}")

    assert (held("staging"), held("prod")) == (second, second)


def test_mistakes_are_told(registry: Checkout, registry_address: str):
    image = {"IMAGE": f"{registry_address}/team/other"}
    with pytest.raises(NotInRegistry, match=r"team/other:v1\.0\.0: .* cd "):
        deploy({**image, "MODEL": "v1.0.0", "STAGE": "staging"})
    with pytest.raises(NoVersionAt, match=r"v9\.0\.0"):
        deploy({**image, "MODEL": "v9.0.0", "STAGE": "staging"})
    with pytest.raises(InvalidStage):
        deploy({**image, "MODEL": "v1.0.0"})
