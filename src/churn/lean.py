"""Keeping heavy libraries out of a process that needs none of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class _Away(MetaPathFinder):
    """Says of packages that they are not installed."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)

    def find_spec(self, fullname: str, *_: Sequence[str] | ModuleType | None) -> ModuleSpec | None:
        """Raise for one of them; leave the others to those who find them."""
        if not self._names.isdisjoint((fullname, fullname.partition(".")[0])):
            raise ModuleNotFoundError(f"No module named {fullname!r}: kept out", name=fullname)
        return None


def keep_out(*names: str) -> None:
    """Make this process one that cannot import these packages.

    Some are imported wherever they are: seconds and a hundred megabytes for nothing that is
    needed.

    Args:
        names: of packages, or of modules in them such as `pyspark.pandas`.
    """
    sys.meta_path.insert(0, _Away(names))
