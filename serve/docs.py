"""`/docs`: Swagger UI with all its files from this server, for networks without a way out."""

from __future__ import annotations

import importlib.resources

from serve.http import Answer

FOLDER = "/docs/"
HTML = "text/html; charset=utf-8"
ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon.png": "image/png",
    "start.js": "text/javascript; charset=utf-8",
}
PAGE = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Churn API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" href="docs/favicon.png">
</head>
<body>
<div id="ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = b"""SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
});
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# No script or picture of elsewhere, and no page of elsewhere around it.
HEADERS = (("content-security-policy", POLICY), ("x-content-type-options", "nosniff"))


def page() -> Answer:
    """The page."""
    return Answer(200, PAGE, HTML, HEADERS)


def asset(path: str) -> Answer:
    """A file of the page.

    Args:
        path: of one of `ASSETS`, below `FOLDER`.
    """
    name = path.removeprefix(FOLDER)
    files = importlib.resources.files("fastapi_offline") / "static"
    content = START if name == "start.js" else (files / name).read_bytes()
    return Answer(200, content, ASSETS[name], (*HEADERS, ("cache-control", "max-age=3600")))
