"""The words of `WORDS` as numbers: the same value as the textbook form, with more correct digits."""

from __future__ import annotations

import math

import numpy as np

from backprop_cli.engine.ops.errorfunction import erfc, erfcx
from backprop_cli.engine.ops.tensor import Array, Axes, Mask, Real, Whole
from backprop_cli.engine.ops.words import SMALLEST_VARIANCE


def _overflows(x: Array) -> bool:
    """Whether exp(-x) is infinite in some entry, or nearly so."""
    return bool(np.size(x) and np.minimum.reduce(x, axis=None) < (-700 if np.asarray(x).dtype == np.float64 else -80))


def stable_sigmoid(x: Array) -> Array:
    """1/(1 + exp(-x)), with full relative accuracy on both sides; by two exponentials where one overflows."""
    if _overflows(x):
        shrunk: Array = np.exp(-np.abs(x))
        return np.exp(np.minimum(x, 0)) / (1 + shrunk)
    grown: Array = np.exp(-x)
    grown += 1
    return np.divide(1, grown, out=grown) if np.ndim(grown) else 1 / grown


def stable_softplus(x: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _less_one(grown: Array, y: Array) -> Array:
    """exp y - 1, from exp y where the difference keeps its digits: below one half, where most shares are."""
    found = np.asarray(grown - 1)
    near = grown > 0.5
    found[near] = np.expm1(y[near])
    return found


def _sinc_series(z: Array) -> Array:
    """The derivative of sin(z)/z, Σ (-1)ᵏ 2k z²ᵏ⁻¹/(2k + 1)!, for |z| < 1/2."""
    return z * sum((-1.0) ** k * 2 * k / math.factorial(2 * k + 1) * z ** (2 * k - 2) for k in range(1, 9))


def _shared_pair(x: Array, which: int) -> Array:
    """The mean of u vᵀ over the singular values that equal the first (the last)."""
    try:
        u, s, vh = np.linalg.svd(x, full_matrices=False)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)
    hit: Mask = s == s[..., which, None]
    times: Whole = np.sum(hit, axis=-1, keepdims=True)
    share = (hit / times).astype(x.dtype)
    found: Array = (u * share[..., None, :]) @ vh
    return found


def polar(x: Array) -> Array:
    """U Vᵀ of x = U diag(σ) Vᵀ; NaN where there is none."""
    try:
        u, _, vh = np.linalg.svd(x, full_matrices=False)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)
    found: Array = u @ vh
    return found


def _turn(u: Array, vh: Array) -> Array:
    """The determinant of u vh, 1 or -1."""
    signs: Array = np.sign(np.linalg.det(u) * np.linalg.det(vh))
    return signs[..., None, None]


def cofactors(x: Array) -> Array:
    """The matrix of cofactors from the singular values, so that it exists for a singular x."""
    try:
        u, s, vh = np.linalg.svd(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)
    left_out: Array = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(-1)
    found: Array = (u * left_out[..., None, :]) @ vh * _turn(u, vh)
    return found.astype(x.dtype)


def cofactors_along(x: Array, v: Array) -> Array:
    """How the cofactors move with x along v; in the frame of the singular vectors they are products."""
    try:
        u, s, vh = np.linalg.svd(x)
    except np.linalg.LinAlgError:
        return np.full_like(x, np.nan)
    rest = _without_two(s)
    turned = np.swapaxes(u, -1, -2) @ v @ np.swapaxes(vh, -1, -2)
    own: Array = np.einsum("...ij,...i->...j", rest, np.einsum("...ii->...i", turned))
    back = own[..., None] * np.eye(s.shape[-1]) - np.swapaxes(turned * rest, -1, -2)
    found: Array = u @ back @ vh * _turn(u, vh)
    return found.astype(x.dtype)


def _without_two(s: Array) -> Array:
    """For each two of some numbers the product of the others; 0 on the diagonal."""
    zero, known = s == 0, np.where(s == 0, 1, s)
    others = np.sum(zero, axis=-1)[..., None, None] - zero[..., None, :] - zero[..., :, None] == 0
    shares = np.prod(known, axis=-1)[..., None, None] / known[..., None, :] / known[..., :, None]
    return np.where(others & ~np.eye(s.shape[-1], dtype=bool), shares, 0)


def gated(g: Array, slope: Array, out: Array | None = None) -> Array:
    """g times a slope, or a mask; 0 where that is 0, even where g is infinite.  `out`: an array to write it to."""
    if slope.dtype == bool and out is None:
        return np.where(slope, g, g.dtype.type(0))[()]
    found = np.multiply(g, slope, out)
    if out is not None and math.isfinite(np.add.reduce(found, axis=None)):  # no infinity met a 0: a seventh of the time
        return found
    closed = np.equal(slope, 0)
    if not found.shape:
        return found.dtype.type(0) if closed else found
    np.copyto(found, 0, where=closed)
    return found


class Careful:
    """Mixed into the words of the numbers meaning."""

    dtype: np.dtype[np.float64]
    pi: np.float64

    def number(self, value: Real) -> object:
        """A literal in the run's dtype."""
        return self.dtype.type(float(value))

    def size(self, n: int) -> int:
        """A number of entries."""
        return int(n)

    def mask(self, condition: Mask) -> Array:
        """A comparison as 0/1 numbers."""
        return np.asarray(condition, dtype=self.dtype)[()]

    def array(self, values: Array) -> Array:
        """Plain numbers as a constant tensor."""
        return np.asarray(values, dtype=self.dtype)[()]

    def sigmoid_complement(self, y: Array, x: Array) -> Array:
        """1 - σ(x) with full relative accuracy where σ(x) rounds to 1."""
        return stable_sigmoid(-x)

    def sigmoid_minus(self, z: Array, t: Array) -> Array:
        """σ(z) - t = ((1 - t) - t exp(-z))/(1 + exp(-z)): where t is 1 nothing cancels."""
        if _overflows(z):
            return (1 - t) * stable_sigmoid(z) - t * stable_sigmoid(-z)
        grown: Array = np.exp(-z)
        return ((1 - t) - t * grown) / (1 + grown)

    def is_positive(self, x: Array, y: Array) -> Mask:
        """The mask of x > 0, from y = relu(x): x may have been written over."""
        return y > 0

    def less_share(self, g: Array, y: Array, x: Array, total: Array, axis: Axes = -1) -> object:
        """g - p Σ g for p = exp y, entry by entry g (1 - p) - p (Σ of the other g): y has the digits of 1 - p."""
        share = np.exp(y)
        return share * (g - total) - g * _less_one(share, y)

    def ratio(self, a: Array, b: Array) -> Array:
        """a/b, and 0 where b is 0."""
        zero = np.equal(b, 0)
        return np.where(zero, 0, a / np.where(zero, 1, b))[()] if np.any(zero) else a / b

    def share_power(self, a: Array, b: Array, e: Array) -> Array:
        """(a/b)ᵉ, and 0 where b is 0."""
        found: Array = self.ratio(a, b) ** e
        return found

    def sinc_slope(self, y: Array, x: Array) -> Array:
        """(cos πx - sinc x)/x; near 0 by its series, whose terms do not cancel."""
        z = self.pi * np.asarray(x)
        near = np.abs(z) < 0.5
        far = (np.cos(z) - y) / np.where(near, 1, x)
        return np.where(near, self.pi * _sinc_series(z), far).astype(z.dtype)[()]

    def logit_slope(self, y: Array, x: Array) -> Array:
        """1/(x (1 - x)), and NaN where the logit is."""
        found: Array = np.where(np.isnan(y), y, 1 / (x * (1 - x)))
        return found[()]

    def log_ndtr_slope(self, y: Array, x: Array) -> Array:
        """φ(x)/Φ(x): below 0 as √(2/π)/erfcx(-x/√2), where neither of the two underflows."""
        below = x < 0
        scaled = erfcx(np.where(below, -x, 1) * np.sqrt(0.5).item())
        above = np.exp(-x * x / 2 - y) / np.sqrt(2 * self.pi)
        found: Array = np.where(below, np.sqrt(2 / np.pi).item() / scaled, above)
        return found[()]

    def gelu_share(self, y: Array, x: Array) -> Array:
        """Φ(x) = y/x of y = x Φ(x), and by itself where x is 0 or y not exact: half the time of a pass."""
        size = np.abs(y)
        given = (size >= np.finfo(size.dtype).tiny) & (size < np.inf)
        if given.all():
            return y / x
        return np.where(given, y / np.where(given, x, 1), erfc(-x * np.sqrt(0.5).item()) / 2)[()]

    def power_slope(self, a: Array, b: Array) -> Array:
        """b a^(b-1), and 0 where b is 0."""
        slope = b * a ** (b - 1)
        return np.where(np.equal(b, 0), np.zeros_like(slope), slope)[()] if np.any(np.equal(b, 0)) else slope

    def log_slope(self, a: Array, b: Array) -> Array:
        """log b, and 0 where a is 0 and b not positive."""
        lost = np.equal(a, 0) & np.less_equal(b, 0)
        slope = np.log(b) + np.zeros_like(a)
        return np.where(lost, np.zeros_like(slope), slope)[()] if np.any(lost) else slope

    def circle_ratio(self, a: Array, b: Array) -> Array:
        """a/(a² + b²), and 0 at the origin."""
        return self.ratio(a, a**2 + b**2)

    def exponent_slope(self, y: Array, a: Array, b: Array) -> Array:
        """a^b log a, and 0 where a is 0 and b is not negative."""
        at_zero = np.equal(a, 0) & np.greater_equal(b, 0)
        slope = y * np.log(a)
        return np.where(at_zero, np.zeros_like(slope), slope)[()] if np.any(at_zero) else slope

    def largest_pair(self, x: Array, y: Array) -> Array:
        """u vᵀ of the largest singular value."""
        return _shared_pair(x, 0)

    def smallest_pair(self, x: Array, y: Array) -> Array:
        """u vᵀ of the smallest singular value."""
        return _shared_pair(x, -1)

    def polar_factor(self, x: Array) -> Array:
        """U Vᵀ, by one decomposition."""
        return polar(x)

    def bce_slope(self, p: Array, t: Array) -> Array:
        """(p - t)/(p (1 - p)), with PyTorch's bound on the denominator."""
        return (p - t) / np.maximum(p * (1 - p), float(SMALLEST_VARIANCE))

    def det_slope(self, y: Array, x: Array) -> Array:
        """det x · x⁻ᵀ, which is the matrix of cofactors."""
        return cofactors(x)

    def cofactor_slope(self, g: Array, y: Array, x: Array) -> Array:
        """How a gradient comes back is how the cofactors move along it: both are second derivatives of det."""
        return cofactors_along(x, g)

    def gated(self, g: Array, slope: Array) -> Array:
        """The gradient times a slope; 0 where that is 0."""
        return gated(g, slope)

    def select(self, mask: Mask, g: Array) -> Array:
        """The gradient where the mask is 1, 0 elsewhere."""
        return np.where(mask, g, np.zeros_like(g))[()]

    def reject(self, mask: Mask, g: Array) -> Array:
        """The gradient where the mask is 0, 0 elsewhere."""
        return np.where(mask, np.zeros_like(g), g)[()]
