"""What is in the image: how much, of what, and whether it says so."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import pytest
from jsonschema import Draft7Validator
from referencing import Registry, Resource

from commands.image import engine
from commands.image.sbom import sbom
from commands.image.size import BASE, parts, table, total
from tests.image.conftest import Inside
from tests.image.contained import Contained

pytestmark = pytest.mark.image

ON_DISK, COMPRESSED = 200, 70
SCHEMAS = files("cyclonedx.schema") / "_res"
SCHEMA = "bom-1.6.SNAPSHOT.schema.json"
INSTALLED = """
import importlib.metadata, json
found = importlib.metadata.distributions(path=["/app/lib"])
print(json.dumps({one.metadata["Name"]: one.version for one in found}))
"""


@pytest.fixture(scope="module")
def listed(image: str) -> dict[str, Any]:
    """The list that the image brings."""
    found: dict[str, Any] = json.loads(sbom(image))
    return found


def test_it_is_small(image: str):
    found = parts(image)

    on_disk, compressed = total(found)
    assert on_disk <= ON_DISK
    assert compressed <= COMPRESSED
    assert {"numpy", "xgboost-cpu", "sqlalchemy", "the model", BASE} <= found.keys()
    assert not {"pandas", "scikit-learn", "mlflow", "dvc", "pip", "setuptools"} & found.keys()
    lines = table(image, found).splitlines()
    assert lines[0].startswith(image)
    assert re.fullmatch(rf"in all +{on_disk:.1f} +{compressed:.1f}", lines[-1])


def test_every_module_that_the_server_has_loaded_was_compiled(server: Contained):
    loaded = "import serve.main, serve.server, serve.recording, churn.migrating, sys; "
    said = server.run(
        loaded + "print(*[one.__cached__ or '' for one in list(sys.modules.values())"
        " if getattr(one, '__cached__', '') and not __import__('os').path.exists(one.__cached__)])"
    )
    missing = said.split()
    # A few of Python's own come in by ways of their own; each costs a millisecond.
    assert not [one for one in missing if one.startswith("/app/s")]
    assert len(missing) < 10, missing


def read(file: Traversable) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text())
    return content


def test_the_list_is_valid(listed: dict[str, Any]):
    schemas = [one for one in SCHEMAS.iterdir() if one.name.endswith(".json")]
    registry = Registry().with_resources(
        (f"http://cyclonedx.org/schema/{one.name}", Resource.from_contents(read(one)))
        for one in schemas
    )
    schema = {**read(SCHEMAS / SCHEMA), "$id": f"http://cyclonedx.org/schema/{SCHEMA}"}
    errors = [*Draft7Validator(schema, registry=registry).iter_errors(listed)]
    assert not errors


def test_the_list_has_every_package(listed: dict[str, Any], server: Contained):
    installed = json.loads(server.run(INSTALLED))
    debian = server.run(
        "import pathlib; print(*[p.name for p in pathlib.Path('/var/lib/dpkg/status.d').glob('*')"
        " if p.suffix != '.md5sums'])"
    )

    kinds = {"pkg:pypi/": {}, "pkg:deb/": {}}
    for one in listed["components"]:
        for kind, found in kinds.items():
            if one.get("purl", "").startswith(kind):
                found[one["name"]] = one["version"]
    assert kinds["pkg:pypi/"] == installed
    assert len(installed) > 25
    assert len(kinds["pkg:deb/"]) == len(debian.split())
    assert [one for one in listed["components"] if one["bom-ref"] == "base"]


def test_the_list_has_the_model(listed: dict[str, Any], inside: Inside):
    [model] = [one for one in listed["components"] if one["type"] == "machine-learning-model"]

    assert model["hashes"] == [{"alg": "SHA-256", "content": inside.bundle.sha256}]
    told = {one["name"]: one["value"] for one in model["properties"]}
    provenance = inside.bundle.manifest.provenance
    assert told["churn:data_sha256"] == provenance.data_sha256
    assert listed["metadata"]["component"]["version"] == model["version"]


def test_what_was_cut_is_told(listed: dict[str, Any]):
    [scipy] = [one for one in listed["components"] if one["name"] == "scipy"]
    assert scipy["properties"][0]["name"] == "churn:cut"


def test_labels_say_what_it_is(image: str, inside: Inside):
    labels = json.loads(engine.docker("inspect", "--format", "{{json .Config.Labels}}", image))

    provenance = inside.bundle.manifest.provenance
    known = json.loads((inside.folder / "origin.json").read_text())
    assert labels["org.opencontainers.image.version"] == known["version"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", labels["org.opencontainers.image.revision"])
    assert labels["churn.bundle.sha256"] == inside.bundle.sha256
    assert labels["churn.data.sha256"] == provenance.data_sha256
    assert labels["churn.parameters.sha256"] == provenance.parameters_sha256
