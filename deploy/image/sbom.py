"""Writes the list of everything in the image (CycloneDX), while the image is built (`Dockerfile`).

The same contents give the same bytes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.parser import HeaderParser
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

MODEL, LIST = Path("models/churn"), Path("sbom.cdx.json")
# Debian's own place for packages, and that of distroless images, a file a package.
STATUS, STATUS_FOLDER = Path("var/lib/dpkg/status"), Path("var/lib/dpkg/status.d")
# A field of Python's metadata that is longer is the licence itself.
LONGEST_NAME = 80
# pack.py leaves out much of them.
CUT = {"scipy": "all but what xgboost imports of it is left out, the bundled OpenBLAS too"}
NAMESPACE = uuid.UUID("4a1c0f6e-4d0f-5f0b-9a55-1d9f6c1f0f57")


def python_packages(lib: Path) -> Iterator[Component]:
    """What pip has installed.

    Args:
        lib: the folder that it has installed into.
    """
    for path in sorted(lib.glob("*.dist-info")):
        found = PathDistribution(path)
        name, cut = found.metadata["Name"], CUT.get(found.metadata["Name"])
        yield Component(
            name=name,
            version=found.version,
            description=next(iter(found.metadata.get_all("Summary") or []), None),
            licenses=_licenses(found),
            purl=PackageURL(
                "pypi", name=re.sub(r"[-_.]+", "-", name).lower(), version=found.version
            ),
            bom_ref=f"pypi/{name}",
            properties=[Property(name="churn:cut", value=cut)] if cut else [],
        )


def _licenses(package: Distribution) -> list[License]:
    fields = package.metadata
    kinds = [one for one in fields.get_all("Classifier") or [] if one.startswith("License")]
    written = (fields.get_all("License-Expression") or []) + (fields.get_all("License") or [])
    names = [*(one for one in written if len(one) < LONGEST_NAME), *kinds]
    return [LicenseFactory().make_from_string(names[0].rpartition(" :: ")[2])] if names else []


def debian_packages(base: Path) -> Iterator[Component]:
    """What Debian has installed in the base image.

    Args:
        base: the base image's root.
    """
    files = [base / STATUS, *sorted((base / STATUS_FOLDER).glob("*"))]
    texts = [one.read_text() for one in files if one.is_file() and one.suffix != ".md5sums"]
    for stanza in (part for text in texts for part in text.split("\n\n") if part.strip()):
        fields = HeaderParser().parsestr(stanza)
        if "installed" not in fields.get("Status", "installed").split():
            continue
        name, version, architecture = (
            fields[key] for key in ("Package", "Version", "Architecture")
        )
        where = {"arch": architecture}
        yield Component(
            name=name,
            version=version,
            purl=PackageURL("deb", "debian", name, version, where),
            bom_ref=f"deb/{name}",
        )


def model(folder: Path) -> Component:
    """The model.

    Args:
        folder: of the bundle.
    """
    bundle, origin = (_json(folder / name) for name in ("bundle.json", "origin.json"))
    told = {"bundle_sha256": bundle["sha256"], **bundle["provenance"]}
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name="churn-model",
        version=origin["version"],
        bom_ref="model",
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=bundle["sha256"])],
        properties=[Property(name=f"churn:{key}", value=str(told[key])) for key in sorted(told)],
    )


def listed(components: list[Component], version: str, epoch: int) -> str:
    """The list, as JSON.

    Args:
        components: what is inside.
        version: of the image.
        epoch: moment that the list is to bear, in seconds since 1970.
    """
    root = Component(type=ComponentType.CONTAINER, name="churn", version=version, bom_ref="image")
    moment = datetime.fromtimestamp(epoch, UTC)
    bom = Bom(
        components=components,
        metadata=BomMetaData(component=root, timestamp=moment),
        serial_number=NAMESPACE,
    )
    bom.register_dependency(root, components)
    # A number of its own for each content, and no other for the same.
    bom.serial_number = uuid.uuid5(NAMESPACE, JsonV1Dot6(bom).output_as_string())
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _json(path: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(path.read_bytes())
    return content


def main() -> None:
    """Write the list."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("lib", type=Path, help="folder of the Python packages")
    arguments.add_argument("--more", type=Path, help="another one, that lies upon it")
    arguments.add_argument("base", type=Path, help="root of the base image")
    arguments.add_argument("name", help="of the base image")
    arguments.add_argument("app", type=Path, help="folder with the model; the list is put there")
    given = arguments.parse_args()
    own = model(given.app / MODEL)
    base = Component(type=ComponentType.CONTAINER, name=given.name, bom_ref="base")
    libs = [given.lib, *([given.more] if given.more else [])]
    packages = [one for lib in libs for one in python_packages(lib)]
    components = [own, base, *debian_packages(given.base), *packages]
    text = listed(components, str(own.version), int(os.environ.get("SOURCE_DATE_EPOCH") or 0))
    (given.app / LIST).write_text(text)


if __name__ == "__main__":
    main()
