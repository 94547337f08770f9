"""Who is not let in, or has asked too often."""

from __future__ import annotations

from serve.errors.base import RequestError


class NotAuthorised(RequestError):
    """No key, or not one of those that are let in."""

    status = 401
    code = "not_authorised"
    headers = (("www-authenticate", "X-API-Key"),)

    def __init__(self) -> None:
        super().__init__("Send a valid key in the header X-API-Key.")


class NeedsAdminKey(RequestError):
    """A command to the server without the key for commands."""

    status = 403
    code = "needs_admin_key"

    def __init__(self) -> None:
        super().__init__(
            "Only the key named admin may command the server. Start it with such a key "
            "(admin:…), or send its main process the signal SIGHUP."
        )


class RateLimited(RequestError):
    """The key has had its requests for now."""

    status = 429
    code = "rate_limited"

    def __init__(self, limit: float, wait: int) -> None:
        self.headers = (("retry-after", str(wait)),)
        super().__init__(f"More than {limit:g} requests a second with this key. Wait {wait} s.")
