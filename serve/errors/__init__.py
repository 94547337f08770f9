"""What a request can get instead of an answer: one class for each, its status and words here.

Every message says what is wrong, what is allowed, and how to mend it; the problems with single
values are listed beside it.
"""

from serve.errors.access import (
    NeedsAdminKey,
    NotAuthorised,
    RateLimited,
)
from serve.errors.base import (
    RequestError,
)
from serve.errors.content import (
    BodyTooLarge,
    BodyTooSlow,
    DoubledField,
    EmptyBatch,
    InvalidBatch,
    InvalidColumns,
    InvalidCustomer,
    InvalidFeedback,
    InvalidQuery,
    MalformedBody,
    MethodNotAllowed,
    NoBatch,
    NotFound,
    TooManyRows,
    UnequalColumns,
    WrongContentType,
)
from serve.errors.service import (
    DeadlineExceeded,
    LogAway,
    OurFault,
    ReloadRefused,
    TooBusy,
    WorkerAway,
)

__all__ = [
    "BodyTooLarge",
    "BodyTooSlow",
    "DeadlineExceeded",
    "DoubledField",
    "EmptyBatch",
    "InvalidBatch",
    "InvalidColumns",
    "InvalidCustomer",
    "InvalidFeedback",
    "InvalidQuery",
    "LogAway",
    "MalformedBody",
    "MethodNotAllowed",
    "NeedsAdminKey",
    "NoBatch",
    "NotAuthorised",
    "NotFound",
    "OurFault",
    "RateLimited",
    "ReloadRefused",
    "RequestError",
    "TooBusy",
    "TooManyRows",
    "UnequalColumns",
    "WorkerAway",
    "WrongContentType",
]
