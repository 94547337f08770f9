"""What a replay has found: counted, and every row that is not equal written to a file."""

from __future__ import annotations

import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from churn.atomic import write_whole
from churn.replay import STATUSES, Ground, Replayed, Status

# Rows that are told in full; the file has all of them.
TOLD = 5


class Evidence:
    """Counts, the first rows that are not equal, and a file of all of them, in their order.

    However many they are, they do not lie in memory. To be used in a `with` block.

    Attributes:
        counts: rows by version and what came of them.
        grounds: of the models that were found, by version.
        problems: of those that were not, by version.
        first: of the rows that differ or were refused, some.
    """

    def __init__(self) -> None:
        self.counts: dict[str, Counter[Status]] = defaultdict(Counter)
        self.grounds: dict[str, Ground] = {}
        self.problems: dict[str, str] = {}
        self.first: list[Replayed] = []
        self._unequal: IO[str] = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  see __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._unequal.close()

    def add(self, found: Sequence[Replayed]) -> None:
        """Count rows, and keep those that are not equal."""
        for one in found:
            version = one.row.model_version
            self.counts[version][one.status] += 1
            if one.ground:
                self.grounds[version] = one.ground
            elif one.problem:
                self.problems[version] = one.problem
            if one.status != "equal":
                self._unequal.write(json.dumps(one.evidence(), ensure_ascii=False) + "\n")
                if one.ground and len(self.first) < TOLD:
                    self.first.append(one)

    @property
    def total(self) -> Counter[Status]:
        """Rows by what came of them."""
        return sum(self.counts.values(), Counter())

    @property
    def is_equal(self) -> bool:
        """Whether every row was replayed, and to the same bits."""
        return self.total.total() == self.total["equal"]

    def write(self, path: Path, about: Mapping[str, Any]) -> None:
        """Write everything as one JSON file.

        Args:
            path: of the file.
            about: what was asked, which comes first.
        """
        head = {**about, "rows": counted(self.total), "versions": self._versions()}
        text = json.dumps(head, indent=1, ensure_ascii=False).removesuffix("\n}")

        def write(unfinished: Path) -> None:
            self._unequal.seek(0)
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(f'{text},\n "unequal": [')
                for i, line in enumerate(self._unequal):
                    file.write(f"{',' if i else ''}\n  {line.rstrip()}")
                file.write("\n ]\n}\n")

        write_whole(path, write)

    def _versions(self) -> dict[str, Any]:
        return {version: self._version(version) for version in sorted(self.counts)}

    def _version(self, version: str) -> dict[str, Any]:
        rows = counted(self.counts[version])
        ground = self.grounds.get(version)
        if ground is None:
            return {"rows": rows, "problem": self.problems[version]}
        return {
            "rows": rows,
            "found_at": ground.where,
            "bundle_sha256": ground.sha256,
            "commit": ground.commit,
            "golden_rows": ground.golden or "as at training",
            "features_changed": [*ground.changed] if ground.commit else None,
        }


def counted(counts: Counter[Status]) -> dict[str, int]:
    """Counts in the order of `STATUSES`, none left out."""
    return {"replayed": counts.total(), **{status: counts[status] for status in STATUSES}}
