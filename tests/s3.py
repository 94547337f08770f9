"""An S3 endpoint of the tests' own: moto's server, which keeps everything in memory."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import requests

from tests.ports import free_port
from tests.waiting import until

# Any will do, but without some no client sends a request.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class S3:
    """A server that answers.

    Args:
        process: that it runs in.
        url: of its endpoint.
    """

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self.url = url

    @classmethod
    def start(cls) -> S3:
        """Start one on a free port."""
        port = free_port()
        command = [sys.executable, "-m", "moto.server", "--port", str(port)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = cls(subprocess.Popen(command, **quiet), f"http://127.0.0.1:{port}")
        until(server._is_ready, "S3 answers")
        return server

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, "moto's server has ended"
        with suppress(requests.ConnectionError):
            # One that checks keys stumbles over a question without any.
            return bool(requests.get(self.url, timeout=10).status_code)
        return False

    @property
    def client(self) -> Any:
        """For what DVC is not to do."""
        # Imported here: it takes most of a second, and few tests want it.
        import boto3

        return boto3.client("s3", endpoint_url=self.url)

    def end(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
