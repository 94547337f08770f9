"""Probes and metrics on a port of their own (`METRICS_PORT`), answered by the main process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

from serve.errors import MethodNotAllowed, NotFound, RequestError
from serve.http import Answer

# Who connects and says nothing is not waited for longer.
SILENCE_SECONDS = 10
MALFORMED = Answer.json({"error": "malformed_request", "message": "That is no HTTP."}, 400)


def start(host: str, port: int, answers: Mapping[str, Callable[[], Answer]]) -> None:
    """Answer GET requests in a thread, by path.

    Raises:
        OSError: the port cannot be listened on.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = SILENCE_SECONDS
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(self._known())

        def do_HEAD(self) -> None:
            self._send(self._known())

        def _known(self) -> Answer:
            known = answers.get(self.path.partition("?")[0])
            return known() if known else _refused(NotFound([*answers]))

        def send_error(self, code: int, *_: object) -> None:
            """Answer as JSON what the library refuses; it calls what it does not know its fault."""
            self.close_connection = True
            # Of a line that it cannot read it thinks HTTP/0.9, whose answers have no head.
            self.request_version = self.protocol_version
            known = isinstance(self.command, str) and self.command.isalpha()
            method = known and code == HTTPStatus.NOT_IMPLEMENTED
            self._send(_refused(MethodNotAllowed("GET")) if method else MALFORMED)

        def _send(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Nothing: probes come every few seconds."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True, name="probes").start()


def _refused(error: RequestError) -> Answer:
    content = {"error": error.code, "message": str(error)}
    return Answer(error.status, orjson.dumps(content), headers=error.headers)
