"""`make push-image MODEL=v1.2.0 IMAGE=…`: the image of that version into the registry of its name.

It is built if it is not here; the same commit and model give the same layers. `docker login` first.
"""

from __future__ import annotations

import os
import sys

from churn.errors import ChurnError
from commands.image import engine
from commands.image.build import build


def main() -> None:
    """Build, push, and say how the image is called."""
    try:
        image = build(os.environ)
        engine.show("push", "--quiet", image)
    except ChurnError as error:
        sys.exit(f"error: {error}")
    print(image)


if __name__ == "__main__":
    main()
