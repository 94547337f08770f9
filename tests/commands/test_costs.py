"""What clouds cost: the arithmetic, and prices that are checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn.errors import InvalidParameters
from commands import costs
from tests.checkout import ROOT
from tests.deploy.running import read_yaml, write_yaml

CONTENT = {
    "as_of": "2026-01",
    "load": {
        "predictions_a_day": [864_000, 86_400_000],
        "peak": 10,
        "most_used": 0.5,
        "least_instances": 2,
    },
    "platforms": [
        {
            "name": "By the hour",
            "region": "north",
            "sources": ["https://hour.example"],
            "instance": {"vcpu": 2, "gib": 4},
            "per": "hour",
            "vcpu": 0.05,
            "gib": 0.01,
            "balancer": {"hour": 0.02, "unit_hour": 0.1, "connections_a_unit": 20},
        },
        {
            "name": "By the second",
            "region": "south",
            "sources": ["https://second.example"],
            "instance": {"vcpu": 1, "gib": 2},
            "per": "second",
            "vcpu": 0.00002,
            "gib": 0.000005,
            "million_requests": 0.4,
        },
    ],
}
PRICES = costs.Prices.model_validate(CONTENT)
HOURLY, BY_SECOND = PRICES.platforms
PER_CORE = 1000.0


def test_the_costs_are_those_of_a_sheet_of_paper():
    # 10 a second on average are 100 at the peak; half of 2 x 1,000 carries that, and one is spare.
    assert costs.instances(PRICES.load, HOURLY, 864_000, PER_CORE) == 2
    # 2 x (2 x 0.05 + 4 x 0.01) an hour, and a balancer with half a unit: 0.28 + 0.02 + 0.05.
    assert costs.monthly(HOURLY, 2, 864_000) == pytest.approx(730 * 0.35)
    # 1,000 a second are 10,000 at the peak: 20 instances of 500, and one is spare.
    assert costs.instances(PRICES.load, BY_SECOND, 86_400_000, PER_CORE) == 21
    # 21 x 0.00003 a second, and 2,628 million requests.
    expected = 21 * 0.00003 * 3600 * 730 + 2628 * 0.4
    assert costs.monthly(BY_SECOND, 21, 86_400_000) == pytest.approx(expected)


def test_a_line_has_instances_price_and_price_of_a_million():
    lines = costs.table(PRICES, PER_CORE).splitlines()
    assert lines[2] == "| 864,000 | 100 | By the hour | 2 × 2 vCPU, 4 GiB | $256 | $9.72 |"
    assert (
        lines[5] == "| 86,400,000 | 10,000 | By the second | 21 × 1 vCPU, 2 GiB | $2,707 | $1.03 |"
    )
    assert "Prices as of 2026-01 (By the hour, north; By the second, south)" in lines[7]


@given(st.integers(1, 10**10))
def test_one_may_be_lost_and_the_others_still_carry_the_peak(a_day: int):
    for platform in PRICES.platforms:
        left = costs.instances(PRICES.load, platform, a_day, PER_CORE) - 1
        carried = left * platform.instance.vcpu * PER_CORE * PRICES.load.most_used
        assert left >= 1
        assert carried >= costs.peak(PRICES.load, a_day) * (1 - 1e-12)


def test_a_mistake_in_the_prices_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = read_yaml(ROOT / costs.PRICES)
    content["platforms"][0]["vcpu"] = -1
    (tmp_path / costs.PRICES).parent.mkdir()
    write_yaml(tmp_path / costs.PRICES, content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidParameters, match=r"deploy/prices\.yaml.*platforms.*vcpu"):
        costs.prices()


def test_every_price_says_where_it_is_from():
    prices = costs.Prices.model_validate(read_yaml(ROOT / costs.PRICES))
    for platform in prices.platforms:
        assert platform.sources
        assert all(one.startswith("https://") for one in platform.sources)
