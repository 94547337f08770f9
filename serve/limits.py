"""How many requests a second a key may send: the generic cell rate algorithm (ITU-T I.371).

Each key has one number, the theoretical arrival time of its next request, in memory that all
processes share. They write it without a lock: two requests that arrive in two processes in the
same microsecond may count as one.
"""

from __future__ import annotations

import math
from ctypes import Array, c_double

# A key may use up at once what it has not used in this many seconds.
BURST_SECONDS = 1.0
# What may add up over a burst, where the clock has run for weeks and is exact to 1e-10 s.
ROUNDING = 1e-6


class RateLimit:
    """Counts the requests of each key.

    Args:
        per_second: requests that a key may send; None for no limit.
        arrival: by key, its theoretical arrival time, in seconds of the monotonic clock.
    """

    def __init__(self, per_second: float | None, arrival: Array[c_double]) -> None:
        self.per_second = per_second
        self._arrival = arrival

    def wait(self, key: int, now: float) -> float:
        """Seconds until the key may send this request: 0 if now, and then it is counted."""
        if self.per_second is None:
            return 0.0
        # At least one request can always be sent from rest, however low the limit.
        spare = max(BURST_SECONDS, 1 / self.per_second)
        due = max(self._arrival[key], now)
        if due - now > spare - 1 / self.per_second + ROUNDING:
            return due - now - spare + 1 / self.per_second
        self._arrival[key] = due + 1 / self.per_second
        return 0.0


def whole_seconds(wait: float) -> int:
    """A wait as `Retry-After` has it."""
    return max(1, math.ceil(wait))
