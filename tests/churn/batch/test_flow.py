"""Batches: in order, few at a time, and an error ends it."""

import threading

import pytest

from churn.batch.flow import in_order


def test_results_come_in_the_order_of_the_batches():
    turns = [threading.Event() for _ in range(3)]
    turns[2].set()

    def work(number):
        # The first waits for the second, the second for the third.
        assert turns[number].wait(60)
        if number:
            turns[number - 1].set()
        return number * 10

    assert [*in_order(range(3), work, threads=3)] == [0, 10, 20]


def test_no_more_are_begun_than_fit_into_memory():
    begun, seen = 0, 0

    def batches():
        nonlocal begun
        for number in range(50):
            begun += 1
            assert begun - seen <= 2 + 2
            yield number

    for number in in_order(batches(), lambda one: one, threads=2, ahead=2):
        seen += 1
        assert number == seen - 1
    assert seen == 50


@pytest.mark.parametrize("bad", [0, 3])
def test_an_error_comes_at_its_place_and_ends_it(bad):
    done = []
    with pytest.raises(ValueError, match="bad"):
        done += in_order(range(100), lambda n: int("bad") if n == bad else n, threads=2)

    found = []
    results = in_order(range(100), lambda n: int("bad") if n == bad else n, threads=2)
    with pytest.raises(ValueError, match="bad"):
        for one in results:
            found.append(one)  # noqa: PERF402 - what came before the error is kept
    assert found == [*range(bad)]
