"""GitHub's API, as much of it as it takes to start a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
import requests
from requests.auth import AuthBase

from deploy.dispatcher.errors import NotDispatched
from deploy.dispatcher.secret_files import read_secrets

EVENT = "drift-alarm"
# Seconds to reach it, and to wait for each part of its answer.
TIMEOUTS = (5.0, 10.0)
# Of an answer that refuses: what is read, what is told of it.
MOST_BYTES, MOST_CHARACTERS = 4096, 200
WHY = {
    401: "it does not know the token, which may have expired",
    403: "the token may not do this; it needs the permission Contents, read and write",
    404: "there is no such repository, or the token does not see it",
}


class _Bearer(AuthBase):
    """The token. As a header alone, an entry for the host in ~/.netrc would take its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


@dataclass(frozen=True)
class GitHub:
    """A repository at GitHub.

    Attributes:
        api_url: of GitHub's API, without a slash at its end.
        repository: owner and name.
        token_file: has the token, alone.
    """

    api_url: str
    repository: str
    token_file: Path

    def dispatch(self, client_payload: Mapping[str, Any]) -> None:
        """Start the workflows that listen to `drift-alarm`.

        Raises:
            NotDispatched: GitHub is away or refuses. If it does not answer in time, it may have
                started them all the same.
            UnusableSecret: there is no token.
        """
        url = f"{self.api_url}/repos/{self.repository}/dispatches"
        (token,) = read_secrets(self.token_file, most=1)
        try:
            with closing(
                requests.post(
                    url,
                    json={"event_type": EVENT, "client_payload": client_payload},
                    headers={
                        "Accept": "application/vnd.github+json",
                        "X-GitHub-Api-Version": "2022-11-28",
                        "User-Agent": "churn-dispatcher",
                    },
                    auth=_Bearer(token),
                    timeout=TIMEOUTS,
                    # The token is for this address and no other.
                    allow_redirects=False,
                    stream=True,
                )
            ) as answer:
                if answer.status_code != HTTPStatus.NO_CONTENT:
                    raise NotDispatched(url, _refusal(answer))
        except requests.RequestException as error:
            raise NotDispatched(url, f"no answer ({type(error).__name__})") from None


def _refusal(answer: requests.Response) -> str:
    """Why GitHub refuses, in one line."""
    status = answer.status_code
    raw = next(answer.iter_content(MOST_BYTES), b"")
    try:
        said = str(orjson.loads(raw)["message"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = "no message"
    words = "".join(filter(str.isprintable, said))[:MOST_CHARACTERS]
    return f"{WHY.get(status, 'it refuses')} ({status}: {words})"
