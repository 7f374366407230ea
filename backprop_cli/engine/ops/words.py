"""The words of rules that are no functions of the language: numbers that need more care than their formula.

The numbers meaning computes the careful form; every other meaning reads the textbook form from this table.
Keyword arguments of a call that the table does not name (`axis=`) matter to the numbers only.
"""

from __future__ import annotations

from collections.abc import Mapping

WORDS: Mapping[str, tuple[tuple[str, ...], str]] = {
    # 1 - σ(x) loses all digits where σ(x) rounds to 1
    "sigmoid_complement": (("y", "x"), "1 - y"),
    # σ(z) - t cancels where t is 1 and σ(z) nearly so
    "sigmoid_minus": (("z", "t"), "sigmoid(z) - t"),
    # p is a softmax over `axis` and total = Σ g: where p is nearly 1, g - p Σ g cancels
    "less_share": (("g", "p", "total"), "g - p * total"),
    # 0 where b is 0: PyTorch's gradient of a norm, or of a standard deviation, at zero
    "ratio": (("a", "b"), "a / b"),
    # the slope of sinc, whose terms cancel near 0
    "sinc_slope": (("y", "x"), "(cos(pi * x) - y) / x"),
    # 0 where b is 0, also for a = 0
    "power_slope": (("a", "b"), "b * a**(b - 1)"),
    # the derivative of binary cross-entropy by the probability, with PyTorch's bound on the denominator
    "bce_slope": (("p", "t"), "(p - t) / (p * (1 - p))"),
    # det x · x⁻ᵀ, also where x is singular; y has the rank of x
    "cofactor": (("y", "x"), "y * inv(x).mT"),
    # of y = relu(x), which is positive where x is: a formula names the one of the two that has a name
    "is_positive": (("x", "y"), "x > 0"),
    # a gradient that a 0/1 mask lets through, or keeps back, even where it is infinite
    "select": (("mask", "g"), "mask * g"),
    "reject": (("mask", "g"), "(1 - mask) * g"),
}
"""Name -> (operands, expression of the language).

Three more have no expression: `xp.pi`; `xp.size(n)`, a number of entries that prints by its name;
`xp.number(value)`, a literal (int or Fraction) in the run's dtype.
"""
