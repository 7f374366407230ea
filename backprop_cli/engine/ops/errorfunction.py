"""erf and erfc on arrays, to about 1e-16 relative.

W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969) 631-637;
the coefficients are those of CALERF in his SPECFUN (netlib.org/specfun/erf).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

NEAR = (1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2, 3.77485237685302021e2,
        3.20937758913846947e3)
NEAR_OVER = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
MIDDLE = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1,
          2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3,
          1.23033935479799725e3)  # fmt: skip
MIDDLE_OVER = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
               3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip
FAR = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
       1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
FAR_OVER = (1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2,
            2.33520497626869185e-3)  # fmt: skip
INVERSE_SQRT_PI = 5.6418958354775628695e-1
SEAM = 0.46875


def _quotient(above: tuple[float, ...], below: tuple[float, ...], x: Any) -> Any:
    """P(x)/Q(x) by Horner's rule, highest coefficient first."""
    p, q = above[0] * x, below[0] * x
    for i, (a, b) in enumerate(zip(above[1:], below[1:], strict=True)):
        if i:
            p *= x
            q *= x
        p += a
        q += b
    p /= q
    return p


def _near(x: Any) -> Any:
    """erf for |x| <= 0.46875."""
    return x * _quotient(NEAR, NEAR_OVER, x * x)


def _tail(x: Any, exactly: bool) -> Any:
    """erfc of a vector of numbers above 0.46875; for erf its first digits will do where it is small."""
    ratio = _quotient(MIDDLE, MIDDLE_OVER, np.minimum(x, 4.0))
    far = x > 4
    if far.any():
        inverse = 1 / x[far] ** 2
        ratio[far] = (INVERSE_SQRT_PI - inverse * _quotient(FAR, FAR_OVER, inverse)) / x[far]
    if not exactly:
        return np.exp(-x * x) * ratio
    coarse = np.floor(x * 16) / 16  # exp(-x²) in two factors: the square of a short number is exact
    return np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse)) * ratio


AT_ONCE = 16384
"""So many numbers stay in the processor's cache through all the steps."""


def _pieces(x: Any, near: Callable[[Any], Any], tail: Callable[[Any, Any], Any], exactly: bool) -> Any:
    """near(x) where |x| <= 0.46875; elsewhere tail(x, erfc(|x|)), with |x| kept where erfc is not yet long 0."""
    given = np.asarray(x)
    flat = given.astype(np.float64).ravel()
    result = np.empty_like(flat)
    for start in range(0, len(flat), AT_ONCE):
        some, made = flat[start : start + AT_ONCE], result[start : start + AT_ONCE]
        size = np.abs(some)
        inner = size <= SEAM
        made[inner] = near(some[inner])
        outer = ~inner
        made[outer] = tail(some[outer], _tail(np.minimum(size[outer], 30.0), exactly))
    return result.reshape(given.shape).astype(given.dtype, copy=False)[()]


def erf(x: Any) -> Any:
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
    return _pieces(x, _near, lambda v, tail: np.copysign(1 - tail, v), exactly=False)


def erfc(x: Any) -> Any:
    """1 - erf(x), accurate where that is small."""
    return _pieces(x, lambda v: 1 - _near(v), lambda v, tail: np.where(v > 0, tail, 2 - tail), exactly=True)
