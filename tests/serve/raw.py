"""Bytes on a socket: what no HTTP library would send."""

from __future__ import annotations

import contextlib
import socket
import struct

from tests.serve.running import Reply

SECONDS = 20.0


def exchange(port: int, data: bytes) -> Reply:
    """Send bytes and read one answer; the sending side stays open."""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        # Who refuses a request need not read all of it.
        with contextlib.suppress(OSError):
            connection.sendall(data)
        return answered(connection)


def answered(connection: socket.socket) -> Reply:
    """Read one answer that has a length."""
    head, _, body = _until_blank(connection).partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    while len(body) < int(headers["content-length"]):
        more = connection.recv(65536)
        assert more, "the answer is cut off"
        body += more
    return Reply(int(status.split()[1]), headers, body)


def _until_blank(connection: socket.socket) -> bytes:
    found = b""
    while b"\r\n\r\n" not in found:
        more = connection.recv(65536)
        assert more, f"no answer but {found!r}"
        found += more
    return found


def everything(port: int, pieces: list[bytes], *, closes: bool) -> bytes:
    """Send bytes piece by piece and read until the server closes, or says nothing more for long.

    Args:
        pieces: to send, each by itself.
        closes: whether the sending side is closed after them.
    """
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
            if closes:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while more := connection.recv(65536):
                found += more
    return found


def vanish(connection: socket.socket) -> None:
    """Close a connection as a client does that is killed: with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
