"""What cd.yml does for a version: the image is built, tested, pushed, and given to staging."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from commands.deploy import digest_of
from commands.image import engine
from tests.checkout import ROOT, Checkout
from tests.image.conftest import UNDER_TEST
from tests.registry import registry_of

pytestmark = pytest.mark.image
JOBS: dict[str, Any] = YAML(typ="safe").load(ROOT / ".github/workflows/cd.yml")["jobs"]
# One of these tests, or they would run themselves.
FEW_TESTS = "-k test_labels_say"


def run_job(name: str, checkout: Checkout, *variables: str) -> str:
    """Run every step of a job that runs something; what they print."""
    steps = [one["run"] for one in JOBS[name]["steps"] if "run" in one]
    return "".join(checkout.run("env", *variables, *step.split()) for step in steps)


@pytest.mark.skipif(bool(UNDER_TEST), reason="builds images, and the one under test is given")
def test_a_version_reaches_staging_and_a_promotion_production(released: Checkout, tmp_path: Path):
    with registry_of(tmp_path) as address:
        # A repository's name may have capitals.
        variables = (f"IMAGE={address}/Team/churn", f"PYTEST_ADDOPTS={FEW_TESTS}")

        said = run_job("staging", released, "MODEL=churn@v1.2.0", *variables)
        run_job("production", released, *variables)

        image = f"{address}/team/churn"
        try:
            assert " passed" in said
            digests = {digest_of(f"{image}:{tag}") for tag in ("v1.2.0", "staging", "prod")}
            # What was built here is what is there.
            pushed = engine.docker("inspect", "--format", "{{.RepoDigests}}", f"{image}:v1.2.0")
            assert pushed == f"[{image}@{digests.pop()}]"
            assert not digests
        finally:
            engine.docker("rmi", "--force", f"{image}:v1.2.0")
