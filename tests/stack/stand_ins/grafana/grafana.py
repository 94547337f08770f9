"""Stands in for Grafana: health, a sign-in, annotations, and queries that go on to Prometheus.

It reads the datasource from the same file as Grafana does, and knows the administrator by the same
password; dashboards it has none.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROVISIONED = Path("/etc/grafana/provisioning/datasources/prometheus.yml").read_text()
UID = re.search(r"uid: (\S+)", PROVISIONED).group(1)  # type: ignore[union-attr]
PASSWORD = Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text().strip()
ANNOTATIONS = Path("/var/lib/grafana/annotations")


class Handler(BaseHTTPRequestHandler):
    """What the stack and its tests ask of it."""

    def do_GET(self) -> None:
        """`/api/health`, which is for everybody, and `/api/annotations`."""
        if self.path == "/api/health":
            self.answer(200, {"database": "ok"})
        elif not self.is_admin():
            self.answer(401, {"message": "Invalid username or password"})
        elif self.path == "/api/annotations":
            self.answer(200, [{"text": one} for one in ANNOTATIONS.read_text().splitlines()])
        else:
            self.answer(404, {"message": "Not found"})

    def do_POST(self) -> None:
        """`/api/annotations`, and instant queries at `/api/ds/query`."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.is_admin():
            self.answer(401, {"message": "Invalid username or password"})
        elif self.path == "/api/annotations":
            with ANNOTATIONS.open("a") as file:
                file.write(f"{body['text']}\n")
            self.answer(200, {"message": "Annotation added"})
        elif self.path != "/api/ds/query" or body["queries"][0]["datasource"]["uid"] != UID:
            self.answer(404, {"message": "Data source not found"})
        else:
            found = [queried(one["expr"]) for one in body["queries"]]
            results = zip(body["queries"], found, strict=True)
            self.answer(200, {"results": {one["refId"]: {"frames": got} for one, got in results}})

    def is_admin(self) -> bool:
        """Whether the request has the administrator's password."""
        expected = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        return hmac.compare_digest(self.headers.get("Authorization", ""), f"Basic {expected}")

    def answer(self, status: int, content: Any) -> None:
        """Send JSON."""
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def queried(expression: str) -> list[Any]:
    """What Prometheus has now, a frame a series."""
    query = urllib.parse.urlencode({"query": expression})
    url = f"{os.environ['PROMETHEUS_URL']}/api/v1/query?{query}"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - Prometheus
        series = json.load(answer)["data"]["result"]
    values = [one["value"] for one in series]
    return [{"data": {"values": [[time * 1000], [float(value)]]}} for time, value in values]


if __name__ == "__main__":
    ANNOTATIONS.touch()
    ThreadingHTTPServer(("", 3000), Handler).serve_forever()
