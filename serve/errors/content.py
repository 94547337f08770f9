"""What is wrong with a request: its body, its values, its query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from churn.problems import Problem, told, told_by_row
from serve.errors.base import RequestError


class MalformedBody(RequestError):
    """The body is empty, or is not JSON in UTF-8.

    Attributes:
        problem: what is wrong with it, in words.
    """

    code = "malformed_body"

    def __init__(self, problem: str, wanted: str) -> None:
        self.problem = problem
        super().__init__(f"The body cannot be read: {problem}. Send {wanted} as JSON in UTF-8.")


class DoubledField(RequestError):
    """A JSON object has a field twice."""

    code = "doubled_field"

    def __init__(self, field: str, index: int | None) -> None:
        place = {} if index is None else {"index": index}
        self.problems = [
            {**place, "field": field, "problem": "given more than once", "allowed": "once"}
        ]
        super().__init__(f"The field {field!r} is given more than once. Send each field once.")


class InvalidCustomer(RequestError):
    """One customer has values that the contract does not allow."""

    code = "invalid_customer"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = told(problems)
        super().__init__("The customer was not scored: see the problems.")


class InvalidBatch(RequestError):
    """Customers of a batch have values that the contract does not allow."""

    code = "invalid_batch"

    def __init__(self, problems: Mapping[int, Sequence[Problem]]) -> None:
        self.problems = told_by_row(problems)
        super().__init__(
            f"Nothing was scored: {len(problems)} customers have problems, each listed with its "
            "index. Correct them, or score the others with ?on_error=skip."
        )


class InvalidFeedback(RequestError):
    """Outcomes have values that are not allowed."""

    code = "invalid_feedback"

    def __init__(self, problems: Mapping[int, Sequence[Problem]]) -> None:
        self.problems = told_by_row(problems)
        super().__init__(
            f"Nothing was recorded: {len(problems)} outcomes have problems, each listed with its "
            "index. Correct them and send all of them again."
        )


class InvalidColumns(RequestError):
    """A batch by columns lacks a column, or has one that is not known or is no list."""

    code = "invalid_columns"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = told(problems)
        super().__init__("Nothing was scored: see the problems with the columns.")


class UnequalColumns(RequestError):
    """The columns of a batch are of several lengths."""

    code = "unequal_columns"

    def __init__(self, lengths: Sequence[int]) -> None:
        super().__init__(
            f"Columns must be of one length, got {', '.join(map(str, lengths[:5]))}. "
            "Send a value for each customer in each column, null where it is missing."
        )


class NoBatch(RequestError):
    """The body of a batch is neither a list nor columns."""

    code = "no_batch"

    def __init__(self) -> None:
        super().__init__(
            'A batch is a list of customers, [{…}, {…}], or columns, {"columns": {"age": […], …}}.'
        )


class EmptyBatch(RequestError):
    """A batch without a customer."""

    code = "empty_batch"

    def __init__(self) -> None:
        super().__init__("The batch is empty. Send at least one customer.")


class TooManyRows(RequestError):
    """A batch has more customers than are allowed."""

    code = "too_many_rows"

    def __init__(self, rows: int, most: int) -> None:
        super().__init__(
            f"The batch has {rows} customers; {most} are allowed. Send it in several batches."
        )


class InvalidQuery(RequestError):
    """A query parameter is unknown or has a value that is not allowed."""

    code = "invalid_query"

    def __init__(self, name: str, problem: str, allowed: str) -> None:
        self.problems = [{"field": name, "problem": problem, "allowed": allowed}]
        super().__init__(f"The query parameter {name!r} cannot be used: {problem}.")


class WrongContentType(RequestError):
    """The body is said to be something else than JSON."""

    status = 415
    code = "wrong_content_type"

    def __init__(self, given: str) -> None:
        said = f"The content type is {given!r}" if given else "There is no content type"
        super().__init__(f"{said}. Send the header Content-Type: application/json.")


class BodyTooLarge(RequestError):
    """The body is longer than is allowed."""

    status = 413
    code = "body_too_large"
    headers = (("connection", "close"),)

    def __init__(self, most: int) -> None:
        super().__init__(f"The body is longer than {most} bytes, which is all that is allowed.")


class BodyTooSlow(RequestError):
    """The body did not arrive in time."""

    status = 408
    code = "body_too_slow"
    headers = (("connection", "close"),)

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The body did not arrive within {seconds:g} s. Send it again.")


class NotFound(RequestError):
    """No such path."""

    status = 404
    code = "not_found"

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(f"There is no such path. There are: {', '.join(paths)}.")


class MethodNotAllowed(RequestError):
    """The path is there, but not for this method."""

    status = 405
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        self.headers = (("allow", allowed),)
        super().__init__(f"This path takes {allowed}.")
