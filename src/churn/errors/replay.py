"""What can stand in the way of replaying predictions."""

from __future__ import annotations

from churn.errors.base import ChurnError

HOW = "Give PREDICTION=<id> for one, or SINCE=2026-01-01 and N=1000 for many"


class NotOneQuestion(ChurnError):
    """Neither one prediction nor a period is named, or both are."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"what to replay is not clear: {problem}. {HOW}.")


class MalformedPredictionId(ChurnError):
    """`PREDICTION` is no id of a prediction."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"PREDICTION={given}: it is no UUID. Give the prediction_id of an answer, such as "
            "01890a5d-ac96-7774-bcce-b302099a8057."
        )


class MalformedMoment(ChurnError):
    """`SINCE` is no date, no moment and no id."""

    def __init__(self, given: str) -> None:
        super().__init__(
            f"SINCE={given}: it is neither a date nor a moment, nor the id of a prediction. "
            "Give 2026-01-31 or 2026-01-31T12:00:00Z; without a time zone it is taken to be UTC."
        )


class RowsOutOfRange(ChurnError):
    """`N` is no number of rows."""

    def __init__(self, given: str, most: int) -> None:
        super().__init__(f"N={given}: it must be a whole number from 1 to {most}. Correct it.")


class UnknownPrediction(ChurnError):
    """The log has no such prediction."""

    def __init__(self, address: str, prediction_id: str) -> None:
        super().__init__(
            f"prediction log at {address}: it has no prediction {prediction_id}. See that "
            "DATABASE_URL is the log of the server that answered, and that the prediction is not "
            "older than serve.log.keep_days."
        )


class VersionNotFound(ChurnError):
    """A version of the model that the log names is not here."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(f"{why}. {mend}.")


class VersionUnusable(ChurnError):
    """A version was found, but the code of today cannot score with it."""

    def __init__(self, where: str, why: str) -> None:
        super().__init__(
            f"the model of {where} cannot be used by the code of today: {why.rstrip('.')}. Replay "
            "it in a checkout of the commit that built it."
        )
