"""What `make bench-drift` found, as text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

WHO = {"ours": "ours", "psi_alone": "PSI alone", "evidently": "Evidently"}

FIGURES = "real", "estimated", "mean_absolute_error"


def table(result: dict[str, Any]) -> str:
    """Rates at which something is called moved, and errors of the estimates."""
    return "\n".join([*_rates(result), "", *_estimates(result)])


def _rates(result: dict[str, Any]) -> Iterator[str]:
    draws = result["draws"]
    yield (
        f"Called moved, of {draws['planted']['ours']} draws (Evidently {result['evidently']}:"
        f" {draws['planted']['evidently']}); without a shift any column, of"
        f" {draws['without_shift']['ours']:,} ({draws['without_shift']['evidently']})"
    )
    rates = result["called_moved"]
    for size in next(iter(rates.values())):
        yield f"\n{size + ' customers':<32}" + "".join(f"{who:>12}" for who in WHO.values())
        for name, by_size in rates.items():
            yield f"{name:<32}" + "".join(f"{by_size[size][who]:>12.1%}" for who in WHO)


def _estimates(result: dict[str, Any]) -> Iterator[str]:
    draws = result["draws"]["estimates"]
    yield (
        f"Quality without outcomes, {draws['draws']} draws of {draws['rows']:,} customers:"
        " real, estimated, mean absolute error, share inside the 95 % interval"
    )
    for shift, by_metric in result["estimates"].items():
        for name, one in by_metric.items():
            figures = (
                f"{one['real']:>9.4f}{one['estimated']:>9.4f}{one['mean_absolute_error']:>9.4f}"
            )
            yield f"{shift:<24}{name:<12}{figures}{one['in_interval']:>9.1%}"
