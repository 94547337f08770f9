"""A registry of images: Debian's docker-registry, without TLS, which skopeo is told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.ports import free_port
from tests.waiting import until

CONFIG = """version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@contextmanager
def registry_of(folder: Path) -> Iterator[str]:
    """Run a registry that keeps its images in a folder; its address."""
    program = shutil.which("docker-registry")
    if not (program and shutil.which("skopeo")):
        pytest.skip("needs Debian's packages docker-registry and skopeo")
    port = free_port()
    address = f"127.0.0.1:{port}"
    (folder / "config.yml").write_text(CONFIG.format(folder=folder, port=port))
    settings = Path.home() / ".config/containers/registries.conf"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n')
    command = [program, "serve", str(folder / "config.yml")]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as process:
        until(lambda: _answers(address), "the registry answers")
        yield address
        process.terminate()
    shutil.rmtree(settings.parent)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/v2/", timeout=10).ok
    except requests.ConnectionError:
        return False
