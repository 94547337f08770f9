"""What all refusals share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class RequestError(Exception):
    """Base of all of them.

    Attributes:
        status: of the HTTP answer.
        code: a word for programs.
        headers: to send beside the answer.
        problems: with single values, as they stand in the answer.
    """

    status = 422
    code = "invalid_request"
    headers: tuple[tuple[str, str], ...] = ()
    problems: Sequence[Mapping[str, Any]] = ()

    def body(self, request_id: str) -> dict[str, Any]:
        """Content of the answer."""
        found = {"error": self.code, "message": str(self), "request_id": request_id}
        return {**found, "problems": self.problems} if self.problems else found
