"""What the tests of the library share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """Small tables are slower on many threads, the more so on a busy machine."""
    with threadpool_limits(1):
        yield
