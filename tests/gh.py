"""A stand-in for gh, GitHub's command line tool: answers as recorded, and remembers the calls."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = """#!{python}
import json, sys
words = sys.argv[1:]
given = sys.stdin.read() if "-" in words else ""
with open({calls!r}, "a") as file:
    file.write(json.dumps([words, given]) + "\\n")
for begin, answer in json.load(open({answers!r})):
    if words[: len(begin)] == begin:
        sys.exit(answer["error"]) if isinstance(answer, dict) else print(answer)
        break
else:
    sys.exit("gh: not recorded: " + " ".join(words))
"""


@dataclass(frozen=True)
class Call:
    """One call: the words after `gh`, and what came on the standard input."""

    words: list[str]
    given: str


class Gh:
    """The stand-in, at the head of the PATH."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._calls, self._answers = folder / "calls", folder / "answers"
        folder.mkdir()
        self._calls.touch()
        program = folder / "gh"
        program.write_text(
            PROGRAM.format(
                python=sys.executable, calls=str(self._calls), answers=str(self._answers)
            )
        )
        program.chmod(0o755)
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def answers(self, answers: Mapping[tuple[str, ...], str | dict[str, str]]) -> None:
        """What it says by the first words of a call: a text, or `{"error": why}`."""
        self._answers.write_text(json.dumps([[[*words], said] for words, said in answers.items()]))

    def calls(self) -> list[Call]:
        """Every call so far."""
        return [Call(*json.loads(line)) for line in self._calls.read_text().splitlines()]
