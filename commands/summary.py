"""The end of `make repro`: how good the model is, where the report is, what to do next."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from churn.files import read_json

NEXT = """
Report   reports/evaluation.html   how good the model is, what it is worth, and why
         reports/drift.html        whether the customers have changed
Model    models/churn/             the bundle: trees, preparation, threshold, reference

Next     source .venv/bin/activate
         dvc exp run -S model.max_depth=4      try another parameter (of conf/, anew each time)
         dvc exp run -S search=optuna          let it find better ones
         make compare                          is that better than the commit, and is it sure?
         README.md, "Bring your own table"     use your own customers
"""


def table(found: dict[str, Any], bounds: dict[str, list[float]]) -> str:
    """Metrics as text: value, 95 % interval, and the best possible where it is known.

    Args:
        found: content of `reports/metrics.json`.
        bounds: `intervals` of `reports/evaluation.json`.
    """
    ceiling = found.get("ceiling", {})
    last = "best possible" if ceiling else ""
    lines = [f"{'metric':<20}{'value':>9}   {'95 % interval':<17}{last}".rstrip()]
    for name, (low, high) in bounds.items():
        best = f"{ceiling[name]:>13.4f}" if name in ceiling else ""
        lines.append(f"{name:<20}{found[name]:>9.4f}   {low:.4f} – {high:.4f}  {best}".rstrip())
    return "\n".join(lines)


def text() -> str:
    """The summary of the working tree's reports."""
    found = read_json(Path("reports/metrics.json"))
    details = read_json(Path("reports/evaluation.json"))
    stay = 1 - found["churners"] / found["n"]
    head = (
        f"On {found['n']} held-out customers, {found['churners']} of them churners "
        f"(to flag nobody would be right for {stay:.1%}):"
    )
    return f"\n{head}\n\n{table(found, details['intervals'])}\n{NEXT}"


def main() -> None:
    """Print it, on terminals without en dashes too."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]
    print(text())


if __name__ == "__main__":
    main()
