"""A web server of the tests' own, encrypted, with what can go wrong with one."""

from __future__ import annotations

import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

# Of the user `reader` with the password `secret`.
BASIC = "Basic cmVhZGVyOnNlY3JldA=="


class Web:
    """A server.

    Attributes:
        url: of its root, without a slash at the end.
        certificate: which whoever trusts it must know.
        files: content by path. `/short/…` breaks off in the middle, `/slow/…` says nothing more
            after the first half, `/secret/…` wants a password, `/moved/…` leads to the path behind
            it, `/plain/…` to an address without https.
        asked: paths in the order in which they were asked for.
    """

    def __init__(self, url: str, certificate: Path) -> None:
        self.url = url
        self.certificate = certificate
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.ended = threading.Event()


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """A server for the time of a block; its certificate goes into the folder."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out"),
            str(certificate),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.web = Web(f"https://127.0.0.1:{server.server_port}", certificate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.web
    server.web.ended.set()
    server.shutdown()
    server.server_close()
    thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        web: Web = self.server.web
        web.asked.append(self.path)
        _, kind, rest = self.path.partition("?")[0].split("/", 2)
        if kind in ("moved", "plain"):
            self.send_response(302)
            scheme = "http" if kind == "plain" else "https"
            self.send_header("Location", f"{scheme}{web.url.removeprefix('https')}/{rest}")
            self.end_headers()
            return
        if kind == "secret" and self.headers.get("Authorization") != BASIC:
            self.send_error(401)
            return
        content = web.files.get(rest)
        if content is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        if kind == "slow":
            web.ended.wait()
        elif kind != "short":
            self.wfile.write(content[len(content) // 2 :])

    def log_message(self, *_: object) -> None:
        """Say nothing."""
