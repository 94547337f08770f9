"""`make image-sbom`: the list of everything in the image, in CycloneDX, on standard output."""

from __future__ import annotations

import os
import sys

from churn.errors import ChurnError
from commands.image import engine
from commands.image.build import under_test

# deploy/image/sbom.py puts it there.
PATH = "/app/sbom.cdx.json"


def sbom(image: str) -> str:
    """The list that an image brings.

    Raises:
        EngineFailed: it brings none.
    """
    with engine.created(image) as container:
        return engine.copied(container, PATH).decode()


def main() -> None:
    """Print it."""
    try:
        sys.stdout.write(sbom(under_test(os.environ)))
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
