"""The image as a pod of deploy/kubernetes would run it: what Kubernetes mounts belongs to root."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from commands.image import engine
from tests.deploy.manifests import environment, pod
from tests.image.conftest import Inside
from tests.image.contained import KEY, PYTHON, Contained, place_of
from tests.waiting import until

pytestmark = pytest.mark.image

SERVER = pod("churn")
[SERVING] = SERVER.containers
GROUP = SERVER.spec["securityContext"]["fsGroup"]
# As the kubelet leaves a volume and the files of a Secret where there is an fsGroup.
PREPARE = f"""
import os
os.chmod('/mounts/log', 0o2775)
for folder, _, files in os.walk('/mounts'):
    for path in (folder, *(os.path.join(folder, one) for one in files)):
        os.chown(path, 0, {GROUP})
        if path.endswith('api_keys'):
            os.chmod(path, 0o440)
"""
CLEAN = "import shutil; [shutil.rmtree('/mounts/' + one) for one in ('log', 'keys')]"


def as_root(image: str, folder: Path, code: str) -> None:
    mount = f"--volume={folder}:/mounts"
    engine.docker("run", "--rm", "--user=0", mount, f"--entrypoint={PYTHON}", image, "-c", code)


@pytest.fixture
def mounts(image: str, tmp_path: Path) -> Iterator[Path]:
    """A folder with the log's volume and the keys."""
    for name in ("log", "keys"):
        (tmp_path / name).mkdir()
    (tmp_path / "keys/api_keys").write_text(f"crm:{KEY}\n")
    as_root(image, tmp_path, PREPARE)
    yield tmp_path
    as_root(image, tmp_path, CLEAN)


def test_it_answers_and_keeps_its_log_as_a_pod(image: str, inside: Inside, mounts: Path):
    context = SERVER.spec["securityContext"]
    keys = environment(SERVING)["CHURN_API_KEYS_FILE"]
    server = Contained(
        image,
        f"--user={context['runAsUser']}:{context['runAsGroup']}",
        f"--memory={SERVING['resources']['limits']['memory'].removesuffix('i')}",
        f"--volume={mounts}/keys:{Path(keys).parent}:ro",
        place_of(f"{mounts}/log"),
        # A database that nobody has: what is predicted stays on the volume.
        environment={
            "CHURN_API_KEYS": "",
            "CHURN_API_KEYS_FILE": keys,
            "DATABASE_URL": "postgresql://churn@127.0.0.1:9/churn",
        },
    )
    try:
        assert server.post("/predict", inside.requests[0]).status == 200
        until(lambda: server.metric("churn_log_spool_rows") == 1, "the spool has it")
        assert server.stop() == 0
        assert (mounts / "log/spool-8000.db").stat().st_size
    finally:
        server.remove()
