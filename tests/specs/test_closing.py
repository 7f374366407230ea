"""The laws that a derivation names: what happened between two lines is what they say."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas import closing

CASES = {
    "a unit vector picks an entry": ("p = softmax(a); p[0] - t", "a=3", "a", ["xᵀ · e[k] = x[k]"]),
    "a sum in place of its definition": (
        "d = q - t; n = q + d; sum(huber_loss(q, t, reduction='none')) + sum(n)", "q=3 t=3", "q", ["d = q - t"]),
    "two definitions": ("v = b / sqrt(sum(b**2)); l = v @ w", "b=3 w=3", "b", ["v = b/√(Σ(b²))", "l = vᵀ · w"]),
    "what is nothing": (
        "d = sum((a - n)**2); f = sum((a - p)**2); f - d", "a=3 p=3 n=3", "a", ["x - x = 0"]),
    "a divisor that all terms share": (
        "k = 1/2 * sum(exp(x) - x) / n; l = k * 3", "x=3", "x", ["x/n + y/n = (x + y)/n"]),
    "a mean": ("r = X @ w + b; mean(r**2)", "X=N,D w=D", "b", ["Σ(c · x) = c · Σ(x)", "Σ(x)/n = mean(x)"]),
    "what sums to one by itself": (
        "p = softmax(z); l = log_softmax(s); -sum(p * l)", "z=3 s=3", "s", ["Σ p = 1, by the definition of p"]),
    "a softmax without a name": ("l = log_softmax(s); -sum(softmax(z) * l)", "z=3 s=3", "s", ["Σ softmax(x) = 1"]),
    "a quotient that cancels": (
        "p = softmax(s); l = sum(q * log(q / p)); l", "q=3 s=3", "s",
        ["(c · A) · B = c · (A · B)", "xᵀ · (y/x) = Σ(y)", "p · (t / p) = t"]),
    "ones make a sum": ("s = X @ w; mean(s)", "X=N,D w=D", "w", ["A · ones((m,)) = Σ(A, axis=1)", "Σ(x)/n = mean(x)"]),
    "a linear step": (
        "m = reshape(A, (4,)); l = sum(m * v) / 3", "A=2,2 v=4", "A", ["f(c · x) = c · f(x): f is linear"]),
    "outer products": ("K = P @ H; x = K @ z; sum(x**2)", "P=2,3 H=3,2 z=2", "P", ["(x · yᵀ) · A = x · (Aᵀ · y)ᵀ"]),
    "a fraction of one divisor": (
        "a = -sum(t * log(p)) - sum((1 - t) * log(1 - p)); l = a / 2", "t=3 p=3", "p",
        ["x/a + y/b = (x · b + y · a)/(a · b)"]),
    "two quotients that cancel": (
        "p = sigmoid(x); l = -mean(t * log(p) + (1 - t) * log(1 - p))", "x=3 t=3", "x", ["p · (t / p) = t"]),
    "a minus goes in": ("l = -log(sigmoid(u @ v)); 2 * l", "u=2 v=2", "u", ["-(x - y) = y - x"]),
    "what a sigmoid leaves of one": ("l = sum(log(sigmoid(-n @ v))); 2 - l", "n=3,2 v=2", "n", ["1 - σ(-x) = σ(x)"]),
    "a node for what it is made of": (
        "y = x * g / sqrt(x**2 + 1); l = sum(y**2)", "x=3 g=3", "x",
        ["y = g ⊙ x / √(x² + 1)"]),
    "ones that multiply nothing": (
        "a = x**2; b = sum(a) * k; c = k * mean(a); l = c + b", "x=3 k=", "x", []),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "shapes", "name", "laws"), CASES.values(), ids=CASES)
def test_a_law_says_what_happened(nodes: str, shapes: str, name: str, laws: list[str], backprop: Any) -> None:
    """Of the last lines of a derivation."""
    asked = [word for node in nodes.split("; ") for word in ("-e", node)]
    given = [word for shape in shapes.split() for word in ("--shape", shape)]
    out = backprop("derive", *asked, *given, name).out
    assert re.findall(r"^  by +(.*)$", out, re.MULTILINE) == laws, out


def test_each_law_that_is_told_is_true() -> None:
    """Both sides of those that are about numbers, at random ones."""
    random = np.random.default_rng(0)
    told = [closing.NOTHING_LEFT, closing.ONE_DIVISOR, closing.FACTOR, closing.DIVISOR, closing.FACTOR_1,
            closing.DIVIDED, closing.MULTIPLIED, closing.TURNED]  # fmt: skip
    for law in told:
        values = dict(zip("abnxyz", random.uniform(1, 2, 6), strict=True))
        left, right = (eval(side.replace("·", "*"), {}, values) for side in law.split(" = "))
        np.testing.assert_allclose(left, right, atol=1e-12, err_msg=law)
