"""Calibrations as they travel in the bundle: margins in, probabilities out."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from churn import exact
from churn.calibration import Calibration, Isotonic, NoCalibration, Sigmoid

EACH = {
    "none": NoCalibration(),
    "sigmoid": Sigmoid(slope=0.6, intercept=-0.3),
    "isotonic": Isotonic(margins=(-2.0, -1.0, 0.5, 3.0), points=(0.01, 0.2, 0.2, 0.9)),
}
every_method = pytest.mark.parametrize("calibration", EACH.values(), ids=EACH)
any_margins = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
quick = settings(deadline=None, max_examples=100)


@every_method
@quick
@given(margins=any_margins)
@example(margins=[-1e6, -37.0, 37.0, 1e6])
@example(margins=[math.nextafter(-1.0, -2), -1.0, math.nextafter(-1.0, 0)])
def test_a_probability_is_never_certain_and_never_falls_as_the_margin_rises(calibration, margins):
    probabilities = calibration.probabilities(np.array(sorted(margins)))

    assert probabilities.shape == (len(margins),)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert (np.diff(probabilities) >= 0).all()


@every_method
def test_a_margin_gives_the_same_bits_alone_and_among_others(calibration):
    margins = np.random.default_rng(0).normal(0, 3, 200)

    alone = [calibration.probabilities(margins[i : i + 1])[0] for i in range(200)]

    assert calibration.probabilities(margins).tolist() == alone


@every_method
def test_no_margins_give_no_probabilities(calibration):
    assert calibration.probabilities(np.array([])).shape == (0,)


@every_method
def test_plain_data_gives_it_back_to_the_last_bit(calibration):
    adapter = TypeAdapter(Calibration)

    read = adapter.validate_json(adapter.dump_json(calibration))

    assert read == calibration
    margins = np.linspace(-5, 5, 101)
    assert read.probabilities(margins).tobytes() == calibration.probabilities(margins).tobytes()


@quick
@given(margins=st.lists(st.floats(-36, 36), min_size=1, max_size=30))
def test_without_calibration_the_probability_is_the_logistic_function(margins):
    probabilities = EACH["none"].probabilities(np.array(margins))

    assert probabilities.tolist() == exact.sigmoid(margins).tolist()
    assert probabilities == pytest.approx([1 / (1 + math.exp(-m)) for m in margins], rel=1e-14)


def test_the_sigmoid_stretches_and_moves_the_margin():
    expected = [1 / (1 + math.exp(-(0.6 * m - 0.3))) for m in (-2, 0, 0.5, 4)]

    assert EACH["sigmoid"].probabilities(np.array([-2, 0, 0.5, 4])) == pytest.approx(expected)


def test_the_line_goes_straight_from_point_to_point_and_is_level_beyond_them():
    margins = np.array([-9, -2, -1.5, -1, 0, 0.5, 1.75, 3, 9])
    expected = [0.01, 0.01, 0.105, 0.2, 0.2, 0.2, 0.55, 0.9, 0.9]

    assert EACH["isotonic"].probabilities(margins) == pytest.approx(expected)


def test_a_line_of_one_point_is_level():
    level = Isotonic(margins=(1.5,), points=(0.3,))

    assert level.probabilities(np.array([-1.0, 1.5, 4.0])).tolist() == [0.3, 0.3, 0.3]
