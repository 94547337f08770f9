"""`make image-size`: how big the image is, package by package."""

from __future__ import annotations

import os
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from churn.errors import ChurnError
from commands.image import engine
from commands.image.build import under_test

# As docker pushes: gzip, whose default this is. A megabyte is a million bytes, as docker has it.
LEVEL, MEGABYTE = 6, 1e6
CHUNK = 1024 * 1024
BASE, CODE, MODEL, PYTHON = "the base image", "the server's code", "the model", "Python, compiled"
LIB, INFO = PurePosixPath("app/lib"), ".dist-info"
# Smaller packages share a line.
LEAST = 1.0
PLACES = {"app/models": MODEL, "app/sbom.cdx.json": MODEL, "app": CODE, "var": CODE, "usr": PYTHON}


@dataclass
class Part:
    """What one package takes: bytes, and bytes when compressed."""

    raw: int = 0
    packer: Any = field(default_factory=lambda: zlib.compressobj(LEVEL))
    compressed: int = 0

    def add(self, data: bytes) -> None:
        """Add some of a file's content."""
        self.raw += len(data)
        self.compressed += len(self.packer.compress(data))

    def end(self) -> None:
        """Count what the compression has kept back."""
        self.compressed += len(self.packer.flush())


def parts(image: str) -> dict[str, Part]:
    """What each package of an image takes, the biggest first.

    Raises:
        EngineFailed: the image cannot be saved.
    """
    found: dict[str, Part] = {}
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "image.tar"
        engine.docker("save", "--output", str(path), image)
        with tarfile.open(path) as archive:
            for layer in layers(archive):
                owners = owned(layer)
                for member in (one for one in layer if one.isfile()):
                    part = found.setdefault(owner(member.name, owners), Part())
                    content = layer.extractfile(member)
                    while content and (data := content.read(CHUNK)):
                        part.add(data)
    for one in found.values():
        one.end()
    return dict(sorted(found.items(), key=lambda item: -item[1].raw))


def layers(archive: tarfile.TarFile) -> Iterator[tarfile.TarFile]:
    """The layers of a saved image, the lowest first; an engine may keep them compressed."""
    manifest = archive.extractfile("manifest.json")
    for name in orjson.loads(manifest.read())[0]["Layers"] if manifest else ():
        with tarfile.open(fileobj=archive.extractfile(name)) as layer:
            yield layer


def owned(layer: tarfile.TarFile) -> dict[str, str] | None:
    """Which package has brought what lies directly in the folder of packages.

    Returns:
        names of packages by names in that folder; None for a layer that is not ours.
    """
    names = layer.getnames()
    if not any(one == "app" or one.startswith("app/") for one in names):
        return None
    found: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.parent.suffix == INFO and path.name == "RECORD":
            package = path.parent.name.partition("-")[0].replace("_", "-")
            record = layer.extractfile(name)
            lines = record.read().decode().splitlines() if record else []
            found |= {line.partition(",")[0].partition("/")[0]: package for line in lines}
    return found


def owner(name: str, owners: dict[str, str] | None) -> str:
    """To whom a file belongs.

    Args:
        name: its path in the image.
        owners: of its layer.
    """
    if owners is None:
        return BASE
    path = PurePosixPath(name)
    if path.is_relative_to(LIB):
        top = path.relative_to(LIB).parts[0]
        return owners.get(top, top)
    return next(own for place, own in PLACES.items() if path.is_relative_to(place))


def table(image: str, found: dict[str, Part]) -> str:
    """The parts as text, and their sum."""
    small = [one for one in found.values() if one.raw < LEAST * MEGABYTE]
    rows = [(name, one.raw, one.compressed) for name, one in found.items() if one not in small]
    rows.append((f"{len(small)} smaller ones", *_sums(small)))
    rows.append(("in all", *_sums(found.values())))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{image}, in megabytes:", "", f"{'':<{width}}  on disk  compressed"]
    lines += [
        f"{name:<{width}}{raw / MEGABYTE:>9.1f}{packed / MEGABYTE:>12.1f}"
        for name, raw, packed in rows
    ]
    return "\n".join(lines)


def total(found: dict[str, Part]) -> tuple[float, float]:
    """Megabytes of all parts, and compressed."""
    raw, compressed = _sums(found.values())
    return raw / MEGABYTE, compressed / MEGABYTE


def _sums(found: Any) -> tuple[int, int]:
    every = [*found]
    return sum(one.raw for one in every), sum(one.compressed for one in every)


def main() -> None:
    """Measure, print."""
    try:
        image = under_test(os.environ)
        print(table(image, parts(image)))
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
