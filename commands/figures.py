"""`make figures`: write the figures of README.md from the reports that hold them.

A figure stands between `<!-- name -->` and `<!-- /name -->`. `--check` writes nothing and exits
with 1 when README.md says something else than the reports.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from churn.files import read_json, write_text
from commands import summary

README = Path("README.md")
BENCH = Path("reports/bench/pipeline.json")


def results() -> str:
    """The end of `make repro`."""
    return f"```text\n{summary.text().strip()}\n```"


def speed() -> str:
    """The table of `make bench`."""
    found = read_json(BENCH)
    whole, rows = found["dvc_repro_seconds"], found["rows"]
    lines = [
        "| what | measured |",
        "|---|---|",
        f"| `dvc repro` from nothing / with nothing to do | {whole['from_nothing']:.0f} s"
        f" / {whole['nothing_to_do']:.1f} s |",
        *(_size(int(count), one) for count, one in rows.items()),
    ]
    return "\n".join(lines)


def _size(count: int, one: dict[str, Any]) -> str:
    return (
        f"| {count:,} customers, load to featurize | {one['seconds']:.0f} s"
        f" ({one['seconds_per_million_rows']:.0f} s a million), at most"
        f" {one['peak_megabytes'] / 1000:.1f} GB; drawing them {one['generator_seconds']:.1f} s |"
    )


def filled(text: str) -> str:
    """The text with every figure replaced by what the reports say."""
    for name, content in {"summary": results(), "bench": speed()}.items():
        block = re.compile(rf"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
        text = block.sub(lambda match, new=content: match[1] + new + match[2], text)
    return text


def main() -> None:
    """Fill in, or check."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--check", action="store_true", help="only say whether they agree")
    before = README.read_text(encoding="utf-8")
    after = filled(before)
    if not arguments.parse_args().check:
        write_text(README, after)
    elif before != after:
        sys.exit("error: README.md has other figures than the reports. Run make figures.")


if __name__ == "__main__":
    main()
