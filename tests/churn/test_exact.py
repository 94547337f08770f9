"""Logarithm and exponential: right to the last place or two, and the same bits everywhere."""

import hashlib
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from churn import exact

SOURCE = Path(__file__).parents[2] / "src"
TINIEST, LARGEST = 5e-324, sys.float_info.max
quick = settings(deadline=None, max_examples=300)

DIGEST = """
import hashlib
import numpy as np
from churn import exact

x = np.random.default_rng(3).uniform(-40, 40, 20_000)
results = exact.exp(x), exact.log(np.abs(x)), exact.sigmoid(x)
print(hashlib.sha256(b"".join(r.tobytes() for r in results)).hexdigest())
"""


def _units_apart(found: float, expected: float) -> float:
    return abs(found - expected) / math.ulp(expected)


@quick
@given(st.floats(min_value=TINIEST, max_value=LARGEST))
@example(TINIEST)
@example(sys.float_info.min)
@example(1.0)
@example(math.nextafter(1.0, 0))
@example(math.nextafter(1.0, 2))
@example(math.sqrt(0.5))
@example(LARGEST)
def test_the_logarithm_is_within_one_unit_in_the_last_place(x):
    assert _units_apart(float(exact.log(x)), math.log(x)) <= 1


@quick
@given(st.floats(min_value=-760, max_value=709.782712893384))
@example(-745.2)
@example(-745.1)
@example(-708.5)
@example(-0.0)
@example(TINIEST)
@example(709.782712893384)
def test_the_exponential_is_within_one_unit_in_the_last_place(x):
    assert _units_apart(float(exact.exp(x)), math.exp(x)) <= 1


@quick
@given(st.floats(min_value=-700, max_value=800))
@example(math.inf)
def test_the_sigmoid_is_within_two_units_in_the_last_place(x):
    expected = 1 / (1 + math.exp(-x))

    assert _units_apart(float(exact.sigmoid(x)), expected) <= 2


@pytest.mark.parametrize("x", [math.nextafter(709.782712893384, 800), 710.0, 1e308, math.inf])
def test_the_exponential_of_what_is_too_large_is_infinite(x):
    assert exact.exp(x) == math.inf


@pytest.mark.parametrize("x", [-745.2, -746.0, -1e308, -math.inf])
def test_the_exponential_of_what_is_too_small_is_zero(x):
    assert exact.exp(x) == 0


@pytest.mark.parametrize(("x", "expected"), [(-math.inf, 0.0), (0.0, 0.5), (math.inf, 1.0)])
def test_the_sigmoid_at_its_edges(x, expected):
    assert exact.sigmoid(x) == pytest.approx(expected, abs=1e-300)


@quick
@given(st.lists(st.floats(min_value=-745, max_value=709), min_size=2, max_size=20))
def test_the_exponential_never_falls_as_its_input_rises(values):
    assert np.all(np.diff(exact.exp(sorted(values))) >= 0)


@pytest.mark.parametrize("x", [0.0, -0.0, -1.0, math.inf, -math.inf, math.nan])
def test_the_logarithm_refuses_what_is_not_positive_and_finite(x):
    with pytest.raises(ValueError, match="log takes positive finite numbers only"):
        exact.log([1.0, x])


@pytest.mark.parametrize("function", [exact.log, exact.exp, exact.sigmoid])
def test_the_shape_is_kept_and_the_input_is_left_alone(function):
    x = np.array([[1, 2, 3], [4, 5, 6]])
    before = x.copy()

    result = function(x)

    assert result.shape == (2, 3)
    assert result.dtype == np.float64
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("function", [exact.log, exact.exp, exact.sigmoid])
def test_a_number_gives_the_same_bits_alone_and_among_others(function):
    x = np.random.default_rng(1).uniform(0.01, 50, 101)

    alone = [float(function(number)) for number in x]

    assert function(x).tolist() == alone


def _digest(disabled: str | None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    if disabled:
        environment["NPY_DISABLE_CPU_FEATURES"] = disabled
    command = [sys.executable, "-W", "ignore", "-c", DIGEST]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_the_bits_do_not_depend_on_the_simd_level():
    x = np.random.default_rng(3).uniform(-40, 40, 20_000)
    results = exact.exp(x), exact.log(np.abs(x)), exact.sigmoid(x)
    here = hashlib.sha256(b"".join(result.tobytes() for result in results)).hexdigest()

    assert _digest("X86_V4,X86_V3") == _digest(None) == here
