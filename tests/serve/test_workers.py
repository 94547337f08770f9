"""The worker of a shadow: it compares what can be compared, and nothing stops it."""

import json
from types import SimpleNamespace

import pytest

from serve.shared import Shared
from serve.workers import ShadowWorker
from tests.serve.models import (
    CUST001,
    SETTINGS,
    UNSCORABLE,
    by_column,
    generation,
    requests,
    scored,
    some,
)

UNSCORABLE_ROW = {**CUST001, "tenure_months": 600, "monthly_charges": UNSCORABLE}


class Seen:
    """Keeps what the metrics are told."""

    def __init__(self):
        self.differences, self.disagreements = [], 0

    def compared(self, differences, disagreements):
        self.differences += differences
        self.disagreements += disagreements


@pytest.fixture
def compare(tmp_path):
    """Compares the bodies of requests; the differences that were counted."""

    def run(*bodies, name="telco"):
        worker, seen = ShadowWorker(Shared(tmp_path), SETTINGS, 0), Seen()
        # What `setup` does in a process of its own.
        worker._now = lambda: generation(name=name, other="challenger", mode="shadow")
        worker._metrics = SimpleNamespace(shadow=seen)
        worker.predict([json.dumps(one).encode() for one in bodies])
        return seen.differences

    return run


def test_one_customer_a_list_and_columns_are_compared(compare):
    columns = some(3, 0)
    one, other = scored(columns), scored(columns, "challenger")
    expected = [abs(a - b) for a, b in zip(one, other, strict=True)]

    sent = requests(columns)
    assert compare(*sent) == expected
    assert compare(sent) == compare(by_column(columns)) == expected


def test_of_a_batch_with_bad_customers_the_good_are_compared(compare):
    columns = some(3, 0)
    sent = requests(columns)
    expected = compare(sent)
    # It was answered with ?on_error=skip; NaN is what few JSON parsers take.
    sent[1]["monthly_charges"] = float("nan")

    assert compare(sent) == [expected[0], expected[2]]


def test_who_cannot_be_scored_stops_no_other_request(compare):
    expected = compare(CUST001, name="limitless")

    assert compare([UNSCORABLE_ROW], CUST001, name="limitless") == expected
