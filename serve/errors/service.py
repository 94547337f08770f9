"""What the server cannot do now."""

from __future__ import annotations

from serve.errors.base import RequestError


class TooBusy(RequestError):
    """As many requests are being answered as are allowed at once."""

    status = 503
    code = "too_busy"
    headers = (("retry-after", "1"),)

    def __init__(self) -> None:
        super().__init__("The server is answering as many requests as it can. Send it again soon.")


class WorkerAway(RequestError):
    """The process that scores large batches has died; another is starting."""

    status = 503
    code = "worker_away"
    headers = (("retry-after", "2"),)

    def __init__(self) -> None:
        super().__init__(
            "The process that scores large batches has stopped and is being started again. "
            "Nothing was scored; send the batch again in a moment."
        )


class LogAway(RequestError):
    """The prediction log cannot be reached."""

    status = 503
    code = "log_away"
    headers = (("retry-after", "5"),)

    def __init__(self) -> None:
        super().__init__(
            "The database of the prediction log cannot be reached. Nothing was recorded; send it "
            "again later."
        )


class DeadlineExceeded(RequestError):
    """The answer took longer than is allowed."""

    status = 504
    code = "deadline_exceeded"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"No answer within {seconds:g} s. Send it again, or in smaller batches.")


class ReloadRefused(RequestError):
    """A new model was not taken; the old one serves on."""

    status = 409
    code = "reload_refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"The model that was there serves on: {why}")


class OurFault(RequestError):
    """A mistake of the server's own; the log has the traceback under the request's id."""

    status = 500
    code = "internal_error"

    def __init__(self) -> None:
        super().__init__("The server failed. The log tells more under the request's id.")
