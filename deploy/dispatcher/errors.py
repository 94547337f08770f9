"""What can go wrong: why the dispatcher does not start, and why a notification starts nothing.

They are here and not in `churn.errors`, on which the stages of dvc.yaml depend: no model has to be
built anew because the dispatcher has another message.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from churn.errors import ChurnError


class UnusableSecret(ChurnError):
    """A file with a secret cannot be read, is open to everybody, or holds none."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: {why}. Write one secret a line, of 16 printable ASCII characters or more, "
            f"and let nobody else read it: chmod o= {path}"
        )


class UnusableRepository(ChurnError):
    """The repository to dispatch to is not named."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"GITHUB_REPOSITORY={name!r} names no repository. Give owner and name, such as "
            "GITHUB_REPOSITORY=acme/churn."
        )


class UnsafeApiUrl(ChurnError):
    """GitHub's token would travel in the clear, or nowhere."""

    def __init__(self) -> None:
        # Without the address: there may be a password in it.
        super().__init__(
            "GITHUB_API_URL: the token would not be safe there. Give an address that begins with "
            "https:// and has no user or query in it, such as https://github.example.com/api/v3; "
            "http:// is for this machine only."
        )


class UnusableState(ChurnError):
    """What has been dispatched cannot be read or kept."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path}: {why}. It says which alarms have been dispatched. Mend that, or name another "
            "place in DISPATCHER_STATE; if the file is broken, remove it: an alarm that still "
            "fires is then dispatched once more."
        )


class RequestError(Exception):
    """Base of what a notification can get instead of being taken.

    Attributes:
        status: of the HTTP answer; Alertmanager tries again at once after 5xx.
        result: under which it is counted.
    """

    status = 422
    result = "refused"


class NotLetIn(RequestError):
    """The token is missing, or is none of ours."""

    status = 401

    def __init__(self) -> None:
        super().__init__(
            "The token is missing or wrong. Send Authorization: Bearer and the token of "
            "DISPATCHER_TOKEN_FILE (Alertmanager: http_config.authorization.credentials_file)."
        )


class BodyTooLarge(RequestError):
    """The body is longer than a notification may be."""

    status = 413

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is over {most} bytes. Set max_alerts of the webhook lower.")


class BodyIncomplete(RequestError):
    """The body does not arrive, or not all of it."""

    status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The body has not arrived whole within {seconds:g} s. Send it again.")


class MalformedBody(RequestError):
    """The body is not JSON."""

    status = 400

    def __init__(self, why: str) -> None:
        super().__init__(f"The body is no JSON: {why}. Send Alertmanager's webhook, version 4.")


class InvalidNotification(RequestError):
    """The body is JSON, but not what Alertmanager sends for a model."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            f"This is no notification about a model: {'; '.join(problems)}. Send Alertmanager's "
            "webhook, version 4, of a route with group_by: [service, model_version]."
        )


class NotDispatched(RequestError):
    """GitHub did not take the event."""

    status = 502
    result = "failed"

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url}: {why}. Nothing was started; Alertmanager tries again.")


class NotReady(RequestError):
    """A secret or the state has become unusable since the start."""

    status = 503
    result = "failed"

    def __init__(self, error: ChurnError) -> None:
        super().__init__(str(error))
