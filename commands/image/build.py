"""`make image MODEL=v1.2.0`: build the image; standard output has its name and nothing else.

`MODEL` is a folder, a version or a stage, as for `make serve`; `IMAGE` is the image's name, and its
tag is the model's version. `TARGET=batch` builds that of batch scoring in place of the server's.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from churn.errors import ChurnError
from commands.image import engine
from commands.image.name import image_name, target

MODEL = "models/churn"


def build(environment: Mapping[str, str], *options: str) -> str:
    """Build the image; its name with the tag.

    Args:
        environment: `MODEL`, `IMAGE` and `TARGET`.
        options: of docker buildx build, besides ours.
    Raises:
        ChurnError: there is no engine or no such model, or the build fails.
    """
    name = image_name(environment)
    engine.require()
    # Imported here: what only looks into an image need not wait for the libraries that score.
    from commands.image.model import checked, commit_time, labels, write_context

    with tempfile.TemporaryDirectory() as temporary:
        model = environment.get("MODEL") or MODEL
        found, bundle = checked(model, Path(temporary) / "fetched")
        context, image = Path(temporary) / "bundle", f"{name}:{found.version}"
        write_context(context, bundle, found)
        labelled = labels(found, bundle, stage := target(environment))
        told = [f"--target={stage}", *command(image, context, labelled, commit_time())]
        engine.show("buildx", "build", *options, *told)
    return image


def command(image: str, context: Path, labelled: Mapping[str, str], moment: int) -> list[str]:
    """What docker is told.

    Args:
        image: name and tag.
        context: folder of the bundle.
        labelled: the image's labels.
        moment: that the image bears, in seconds since 1970.
    """
    told = [f"--label={key}={value}" for key, value in labelled.items()]
    epoch = f"SOURCE_DATE_EPOCH={moment}"
    # The second name is of this machine: docker-compose.yml's servers run what was built last.
    names = [f"--tag={image}", f"--tag={image.rpartition(':')[0]}:latest"]
    given = [f"--build-context=bundle={context}", f"--build-arg={epoch}", *names]
    return ["--load", *given, *told, "."]


def under_test(environment: Mapping[str, str]) -> str:
    """The image that `IMAGE_UNDER_TEST` names, else the one that is built now.

    Raises:
        ChurnError: it is not here, or cannot be built.
    """
    if name := environment.get("IMAGE_UNDER_TEST"):
        engine.require()
        return engine.require_image(name)
    return build(environment)


def main() -> None:
    """Build, and say how the image is called."""
    try:
        print(build(os.environ))
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
