"""Natural logarithm and exponential whose bits do not depend on the machine.

`numpy.log` and `numpy.exp` give other last bits at other SIMD levels. These use only operations
that IEEE 754 fixes (+, -, *, /, comparison, scaling by powers of two), so the same input gives the
same bits everywhere. Reductions and minimax coefficients are those of FreeBSD's msun (`e_log.c`,
`e_exp.c`; Sun Microsystems, 1993), whose error is below one unit in the last place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
LOG_COEFFICIENTS = (
    6.666666666666735130e-01,
    3.999999999940941908e-01,
    2.857142874366239149e-01,
    2.222219843214978396e-01,
    1.818357216161805012e-01,
    1.531383769920937332e-01,
    1.479819860511658591e-01,
)
EXP_COEFFICIENTS = (
    1.66666666666666019037e-01,
    -2.77777777770155933842e-03,
    6.61375632143793436117e-05,
    -1.65339022054652515390e-06,
    4.13813679705723846039e-08,
)
# Beyond these, exp is 0 or infinite in double precision.
EXP_LOWEST, EXP_HIGHEST = -745.2, 709.79


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """Horner's rule for c0·x + c1·x² + …"""
    *others, last = coefficients
    total = last * x
    for coefficient in reversed(others):
        total = (total + coefficient) * x
    return total


def log(x: ArrayLike) -> Floats:
    """Natural logarithm of positive finite numbers.

    Args:
        x: numbers > 0, any shape.
    Returns:
        ln(x), same shape, float64.
    Raises:
        ValueError: a number is not positive and finite.
    """
    values = np.asarray(x, dtype=np.float64)
    if not np.all((values > 0) & np.isfinite(values)):
        raise ValueError("log takes positive finite numbers only")
    mantissa, exponent = np.frexp(values)
    small = mantissa < np.sqrt(0.5)
    f = np.where(small, 2 * mantissa, mantissa) - 1
    k = (exponent - small).astype(np.float64)
    s = f / (2 + f)
    rest = _polynomial(s * s, LOG_COEFFICIENTS)
    half_square = 0.5 * f * f
    return k * LN2_HIGH - ((half_square - (s * (half_square + rest) + k * LN2_LOW)) - f)


def exp(x: ArrayLike) -> Floats:
    """Exponential of real numbers; 0 below -745, infinite above 709.

    Args:
        x: finite or infinite numbers, any shape.
    Returns:
        e to the power of x, same shape, float64.
    """
    # np.clip would take as long as half of the rest for a single number.
    values = np.minimum(np.maximum(np.asarray(x, dtype=np.float64), EXP_LOWEST), EXP_HIGHEST)
    k = np.rint(values * (1 / (LN2_HIGH + LN2_LOW)))
    high = values - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    c = r - _polynomial(r * r, EXP_COEFFICIENTS)
    scaled = 1 - ((low - (r * c) / (2 - c)) - high)
    with np.errstate(over="ignore"):
        return np.ldexp(scaled, k.astype(np.int32))


def sigmoid(x: ArrayLike) -> Floats:
    """Logistic function 1 / (1 + e^-x), element by element, float64."""
    values = np.asarray(x, dtype=np.float64)
    return 1 / (1 + exp(-values))
