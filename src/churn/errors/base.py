"""The base of all errors that a user can mend."""

from __future__ import annotations


class ChurnError(Exception):
    """A mistake in what the user gave: shown in one message, without a traceback."""
