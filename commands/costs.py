"""What serving costs on three clouds, from the list prices of deploy/prices.yaml.

`make figures` writes it into deploy/clouds.md.
"""

from __future__ import annotations

import math
import textwrap
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from ruamel.yaml import YAML

from churn.contract import Frozen
from churn.params import checked

PRICES = Path("deploy/prices.yaml")
DAY = 24 * 3600
# 365 days in twelve parts.
MONTH_HOURS, MONTH_DAYS = 730, 365 / 12
WIDTH = 110
Price = Annotated[float, Field(ge=0)]
Above = Annotated[float, Field(gt=0)]


class Instance(Frozen):
    """Size of one instance: processors, and memory in GiB."""

    vcpu: Above
    gib: Above


class Balancer(Frozen):
    """A load balancer that is paid for by the hour, and by units of new connections a second."""

    hour: Price
    unit_hour: Price
    connections_a_unit: Above


class Platform(Frozen):
    """What one platform asks for.

    Attributes:
        per: what `vcpu` and `gib` are the price of one of, in US dollars.
        balancer: None where requests come to the instances without a price of its own.
        million_requests: price of a million requests.
    """

    name: str
    region: str
    sources: list[str]
    instance: Instance
    per: Literal["hour", "second"]
    vcpu: Price
    gib: Price
    balancer: Balancer | None = None
    million_requests: Price = 0


class Load(Frozen):
    """How much is asked, and how full instances may be.

    Attributes:
        peak: predictions in the busiest second, in times of the mean.
        most_used: share of an instance's throughput that the peak may take.
    """

    predictions_a_day: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
    peak: Annotated[float, Field(ge=1)]
    most_used: Annotated[float, Field(gt=0, le=1)]
    least_instances: Annotated[int, Field(ge=1)]


class Prices(Frozen):
    """The whole file."""

    as_of: str
    load: Load
    platforms: Annotated[list[Platform], Field(min_length=1)]


def prices() -> Prices:
    """Those of `deploy/prices.yaml`.

    Raises:
        InvalidParameters: it has a mistake.
    """
    return checked(Prices, YAML(typ="safe", pure=True).load(PRICES), str(PRICES))


def peak(load: Load, a_day: float) -> float:
    """Predictions in the busiest second."""
    return a_day / DAY * load.peak


def instances(load: Load, platform: Platform, a_day: float, per_core: float) -> int:
    """How many it takes: as many as the peak needs, and one that may be lost."""
    each = per_core * platform.instance.vcpu * load.most_used
    return max(load.least_instances, math.ceil(peak(load, a_day) / each) + 1)


def monthly(platform: Platform, count: int, a_day: float) -> float:
    """US dollars a month for so many instances and predictions, each in a request of its own."""
    size, hours = platform.instance, MONTH_HOURS
    times = hours if platform.per == "hour" else hours * 3600
    found = count * times * (size.vcpu * platform.vcpu + size.gib * platform.gib)
    found += a_day * MONTH_DAYS / 1e6 * platform.million_requests
    if balancer := platform.balancer:
        units = a_day / DAY / balancer.connections_a_unit
        found += hours * (balancer.hour + units * balancer.unit_hour)
    return found


def table(prices: Prices, per_core: float) -> str:
    """The costs as Markdown, and what they rest on.

    Args:
        per_core: predictions a second that one core answers.
    """
    load = prices.load
    rows = [
        _row(load, platform, a_day, per_core)
        for a_day in load.predictions_a_day
        for platform in prices.platforms
    ]
    heads = "predictions a day | in the busiest second | on | instances | a month | a million"
    return "\n".join([f"| {heads} |", "|---" * 6 + "|", *rows, "", _basis(prices, per_core)])


def _row(load: Load, platform: Platform, a_day: float, per_core: float) -> str:
    count, size = instances(load, platform, a_day, per_core), platform.instance
    cost = monthly(platform, count, a_day)
    cells = (
        f"{a_day:,}",
        f"{peak(load, a_day):,.0f}",
        platform.name,
        f"{count} × {size.vcpu:g} vCPU, {size.gib:g} GiB",
        f"${cost:,.0f}",
        f"${cost / (a_day * MONTH_DAYS / 1e6):,.2f}",
    )
    return f"| {' | '.join(cells)} |"


def _basis(prices: Prices, per_core: float) -> str:
    load = prices.load
    regions = "; ".join(f"{one.name}, {one.region}" for one in prices.platforms)
    text = (
        f"Prices as of {prices.as_of} ({regions}). One vCPU is taken to answer {per_core:,.0f} "
        "predictions a second: a core's share in `make bench-serve`, less what the log takes in "
        f"`make bench`. The busiest second has {load.peak:g} times the mean, and may take "
        f"{load.most_used:.0%} of that; one more instance than this needs is there to be lost."
    )
    return textwrap.fill(text, WIDTH)
