"""The words of rules that are no functions of the language: numbers that need more care than their formula.

The numbers meaning computes the careful form; every other meaning reads the textbook form from this table.
A call's keyword arguments are parameters that the expression may name (`axis`).
"""

from __future__ import annotations

from collections.abc import Mapping

SMALLEST_VARIANCE = "1e-12"
"""PyTorch's bound on p (1 - p) in the gradient of binary cross-entropy."""
SHARED_PAIR = ("(svd_u(x) * (svdvals(x) == y)[..., None, :] / sum(svdvals(x) == y, axis=-1)[..., None, None])"
               " @ svd_vh(x)")

NEARLY_SINGULAR = "(svdvals(x) <= 1e-14 * sqrt(sum(x**2, axis=(-2, -1)))[..., None])"
"""Of a matrix whose determinant is 0 rounding leaves something, and of what is multiplied by its inverse nothing."""

COFACTORS_BACK = "(sum(g * y, axis=(-2, -1), keepdims=true) * y - y @ g.mT @ y)"
"""Over det x: where that is 0 it is the limit of the quotient, `cofactor_along`."""

WORDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    # 1 - σ(x) loses all digits where σ(x) rounds to 1
    "sigmoid_complement": (("y", "x"), "1 - y"),
    # σ(z) - t cancels where t is 1 and σ(z) nearly so
    "sigmoid_minus": (("z", "t"), "sigmoid(z) - t"),
    # y = log_softmax(x) and total = Σ g: where the softmax is nearly 1, g - p Σ g cancels
    "less_share": (("g", "y", "x", "total"), "g - softmax(x, axis=axis) * total"),
    # 0 where b is 0: PyTorch's gradient of a norm, or of a standard deviation, at zero
    "ratio": (("a", "b"), "a / b"),
    # the slope of xlogy by a: 0 at 0·log 0
    "log_slope": (("a", "b"), "log(b)"),
    # of y = a**b by b: 0 at 0**0, where y log a is infinite
    "exponent_slope": (("y", "a", "b"), "xlogy(y, a)"),
    # the singular vectors of the largest (smallest) singular value, y; of several equal ones the mean
    "largest_pair": (("x", "y"), "svd_u(x)[..., :1] @ svd_vh(x)[..., :1, :]"),
    "smallest_pair": (("x", "y"), "svd_u(x)[..., -1:] @ svd_vh(x)[..., -1:, :]"),
    # the same to a power, which keeps its digits where aᵉ and bᵉ would not
    "share_power": (("a", "b", "e"), "(a / b)**e"),
    # the gradient of the nuclear norm: vectors of equal singular values turn as they like, and their product does not
    "polar_factor": (("x",), "svd_u(x) @ svd_vh(x)"),
    # the slopes of arctan2: 0 at the origin
    "circle_ratio": (("a", "b"), "a / (a**2 + b**2)"),
    # the slope of sinc, whose terms cancel near 0
    "sinc_slope": (("y", "x"), "(cos(pi * x) - y) / x"),
    # the slope of y = logit(x): none where that has no value
    "logit_slope": (("y", "x"), "1 / (x * (1 - x))"),
    # the slope φ(x)/Φ(x) of y = log Φ(x), which loses its digits far below 0
    "log_ndtr_slope": (("y", "x"), "exp(-x**2 / 2 - y) / sqrt(2 * pi)"),
    # Φ(x), which y = gelu(x) = x Φ(x) has computed already
    "gelu_share": (("y", "x"), "erfc(-x / sqrt(2)) / 2"),
    # 0 where b is 0, also for a = 0
    "power_slope": (("a", "b"), "b * a**(b - 1)"),
    # the derivative of binary cross-entropy by the probability, with PyTorch's bound on the denominator
    "bce_slope": (("p", "t"), "(p - t) / (p * (1 - p))"),
    # det x · x⁻ᵀ, also where x is singular; y has the rank of x
    "det_slope": (("y", "x"), "y * inv(x).mT"),
    # how a gradient g of the cofactors y of x comes back, also where x is singular
    "cofactor_slope": (("g", "y", "x"), f"{COFACTORS_BACK} / det(x)[..., None, None]"),
    # of y = relu(x), which is positive where x is: a formula names the one of the two that has a name
    "is_positive": (("x", "y"), "x > 0"),
    # a gradient times a slope; nothing where that is 0, even of an infinite gradient
    "gated": (("g", "slope"), "g * slope"),
    # a gradient that a 0/1 mask lets through, or keeps back, even where it is infinite
    "select": (("mask", "g"), "mask * g"),
    "reject": (("mask", "g"), "(1 - mask) * g"),
}
"""Name -> (operands, expression of the language).

Three more have no expression: `xp.pi`; `xp.size(n)`, a number of entries that prints by its name;
`xp.number(value)`, a literal (int or Fraction) in the run's dtype.
"""

SINGULAR: Mapping[str, tuple[str, str]] = {
    "select": ("(mask != 0) * (mask != 1)", "(mask != 0) * g"),  # numpy takes any number but 0 for true
    "reject": ("(mask != 0) * (mask != 1)", "(mask == 0) * g"),
    "ratio": ("b == 0", "where(b == 0, 0, a / b)"),
    "share_power": ("b == 0", "where(b == 0, 0, a / b)**e"),
    "power_slope": ("(a == 0) * (b == 0)", "where((a == 0) * (b == 0), 0, b * a**(b - 1))"),
    "log_slope": ("(a == 0) * (b <= 0)", "where((a == 0) * (b <= 0), 0, log(b))"),
    "circle_ratio": ("(a == 0) * (b == 0)", "where((a == 0) * (b == 0), 0, a / (a**2 + b**2))"),
    "exponent_slope": ("(a == 0) * (b == 0)", "where((a == 0) * (b == 0), 0, xlogy(y, a))"),
    "bce_slope": (f"p * (1 - p) < {SMALLEST_VARIANCE}", f"(p - t) / maximum(p * (1 - p), {SMALLEST_VARIANCE})"),
    "det_slope": (f"(y == 0) + sum({NEARLY_SINGULAR}, axis=-1)", "cofactor(x)"),
    "sinc_slope": ("x == 0", "where(x == 0, 0, (cos(pi * x) - y) / x)"),
    "cofactor_slope": (f"(det(x) == 0) + sum({NEARLY_SINGULAR}, axis=-1)", "cofactor_along(x, g)"),
    "largest_pair": ("sum(svdvals(x) == y, axis=-1) > 1", SHARED_PAIR),
    "smallest_pair": ("sum(svdvals(x) == y, axis=-1) > 1", SHARED_PAIR),
}
"""Name -> (where the textbook form is not the number, the form that is): printed in a run that has such a place."""

SINC_SERIES = ("pi**2 * x * ((pi * x)**2 * (1/30 + (pi * x)**2 * ((pi * x)**2 * (1/45360 + (pi * x)**2 *"
               " ((pi * x)**2/518918400 - 1/3991680)) - 1/840)) - 1/3)")
"""The slope of sinc for |x| < 1/8, to all digits."""

HELD: Mapping[str, str] = {
    "ratio": "where(b == 0, 0, a / where(b == 0, 1, b))",
    "share_power": "where(b == 0, 0, a)**e / where(b == 0, 1, b)**e",
    "circle_ratio": "where((a == 0) * (b == 0), 0, a / where((a == 0) * (b == 0), 1, a**2 + b**2))",
    "power_slope": "where((a == 0) * (b == 0), 0, b * where((a == 0) * (b == 0), 1, a)**(b - 1))",
    "log_slope": "where((a == 0) * (b <= 0), 0, log(where((a == 0) * (b <= 0), 1, b)))",
    "sinc_slope": f"where(abs(x) < 1/8, {SINC_SERIES},"
                  " (cos(pi * x) - where(abs(x) < 1/8, 0, y)) / where(abs(x) < 1/8, 1, x))",
}
"""Name -> the form of `SINGULAR` of which every derivative is a number, too: what nodes are made of."""

AROUND: Mapping[str, str] = {"sinc_slope": "abs(x) < 1/8"}
"""Name -> where nodes are made of `HELD`, if not just where `SINGULAR` is needed: terms of derivatives cancel there."""

PLAINER: Mapping[str, tuple[str, str]] = {"exponent_slope": ("a <= 0", "y * log(a)")}
"""Name -> (where a plainer form is not the number, that form): printed in a run that has no such place."""

INFINITE: Mapping[str, str] = {"select": "where(mask, g, 0)", "reject": "where(mask, 0, g)",
                                "gated": "where(slope == 0, 0, g * slope)"}  # fmt: skip
"""Name -> the form that is right where a gradient is not finite: printed in a run that has such a gradient."""

AGAIN: Mapping[str, str] = {"polar_factor": "polar(x)", "share_power": "a**e / b**e"}
"""Name -> the form whose derivatives have a value wherever there is one: what is differentiated again is written so."""

TRACED: Mapping[str, str] = {**{name: INFINITE[name] for name in ("select", "reject")}, "det_slope": "cofactor(x)",
                              "cofactor_slope": "cofactor_along(x, g)", **AGAIN}  # fmt: skip
"""Name -> the form that is right for any operands: what a gradient that is a node is made of."""
