"""Which figure stands on which page."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from commands.figures import models, speed

README, CLOUDS = Path("README.md"), Path("deploy/clouds.md")
PAGES: Mapping[Path, Mapping[str, Callable[[], str]]] = {
    README: {
        "summary": models.results,
        "bench": speed.speed,
        "serve": speed.served,
        "image": speed.contained,
        "score": speed.tables_scored,
        "scale": speed.scaled,
        "engines": speed.engines,
        "drift": models.drifted,
        "log": speed.logged,
        "search": speed.searched,
        "quality": models.quality,
        "balance": models.balance,
    },
    CLOUDS: {"costs": speed.clouds},
}


def filled(page: Path, text: str) -> str:
    """A page's text with every figure replaced by what it comes from.

    Raises:
        ChurnError: what it comes from has a mistake.
    """
    for name, content in PAGES[page].items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        text, found = block.subn(rf"\g<1>{content()}\n\g<2>", text)
        if not found:
            sys.exit(f"error: {page}: there is no place for <!-- {name} -->.")
    return text
