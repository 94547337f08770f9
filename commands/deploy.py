"""`make deploy MODEL=v1.2.0 STAGE=staging IMAGE=…`: a stage's tag in the registry names an image.

The image of that version, by its digest: what staging has tried is, to the bit, what production
runs. Hosts run the tag of their stage, and pull it to change over.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping

from churn.errors import ChurnError, NotInRegistry, NoVersionAt
from churn.promotion import checked_stage
from commands.image.name import image_name
from commands.tags import tag_of, version_at


def version_named(name: str) -> str:
    """The version of a stage, a version or a tag.

    Raises:
        NoVersionAt: there is none.
    """
    tag = tag_of(name)
    version = tag and version_at(tag)
    if not version:
        raise NoVersionAt(name)
    return version


def skopeo(*arguments: str) -> str:
    """What skopeo, which copies images from registry to registry, prints.

    Raises:
        NotInRegistry: it failed, or is not installed.
    """
    try:
        done = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NotInRegistry(arguments[-1], "skopeo is not installed") from None
    if done.returncode:
        raise NotInRegistry(arguments[-1], " ".join(done.stderr.split()))
    return done.stdout.strip()


def digest_of(image: str) -> str:
    """Digest of an image in its registry."""
    return skopeo("inspect", "--format", "{{.Digest}}", f"docker://{image}")


def deploy(environment: Mapping[str, str]) -> str:
    """Give a stage an image; its digest.

    Args:
        environment: MODEL, STAGE and IMAGE.
    Raises:
        InvalidStage, NoVersionAt, InvalidImageName, NotInRegistry: it cannot be.
    """
    stage = checked_stage(environment.get("STAGE", ""))
    version = version_named(environment.get("MODEL") or stage)
    name = image_name(environment)
    digest = digest_of(f"{name}:{version}")
    target = f"docker://{name}:{stage}"
    skopeo("copy", "--all", "--preserve-digests", f"docker://{name}@{digest}", target)
    print(f"{name}:{stage} is {version}, {digest}")
    return digest


def main() -> None:
    """Deploy; exits with 1 on a user's mistake."""
    try:
        deploy(os.environ)
    except ChurnError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
