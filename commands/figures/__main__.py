"""`make figures`: write the figures of README.md and deploy/clouds.md from what they come from.

A figure stands between `<!-- name -->` and `<!-- /name -->`. `--check` writes nothing and exits
with 1 when a page says something else than the reports, benchmarks and prices.
"""

from __future__ import annotations

import argparse
import sys

from churn.errors import ChurnError
from churn.files import write_text
from commands.figures import pages


def main() -> None:
    """Fill in, or check."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether they agree")
    is_check = arguments.parse_args().check
    for page in pages.PAGES:
        before = page.read_text(encoding="utf-8")
        try:
            after = pages.filled(page, before)
        except ChurnError as error:
            sys.exit(f"error: {error}")
        if not is_check:
            write_text(page, after)
        elif before != after:
            sys.exit(f"error: {page} has other figures than it should. Run make figures.")


if __name__ == "__main__":
    main()
