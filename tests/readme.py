"""What README.md shows."""

from __future__ import annotations

import re

from tests.checkout import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line.removeprefix("$ ")
    for language, text in BLOCKS
    if language == "console"
    for line in text.splitlines()
]
QUEUE = [one for one in COMMANDS if "--queue" in one or one.startswith("dvc queue")]
