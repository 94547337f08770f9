"""What README.md shows."""

from __future__ import annotations

import re

from tests.checkout import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def sessions(text: str) -> list[list[str]]:
    """The commands of each block of them."""
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [[line.removeprefix("$ ") for line in block.splitlines()] for block in blocks]


def section(title: str) -> str:
    """The text under a heading."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


COMMANDS = [command for session in sessions(README) for command in session]
QUEUE = [one for one in COMMANDS if "--queue" in one or one.startswith("dvc queue")]
