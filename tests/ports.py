"""Ports for the servers that tests start."""

from __future__ import annotations

import random
import socket

# Below those that the kernel gives to outgoing connections: one of them could take the port of a
# server while it is started again.
FIRST, END = 20_000, 32_000


def free_port() -> int:
    """A port on which nobody listens now."""
    while True:
        port = random.randrange(FIRST, END)  # noqa: S311 - no secret
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
