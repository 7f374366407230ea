"""Where differences, or the gradient itself, have few digits or none: the right is not accused, nor a wrong one passed.

Periodic functions of large arguments, steep sigmoids, sums that cancel, what overflows, tiny denominators.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.records import replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.checks.report import CheckSettings, check_computed
from backprop_cli.tasks.leaves import load_leaves

ALONE = CheckSettings(terms=(), entries=False)
"""Differences alone: another answer would find what they pass."""

POINTS = """
x: 100 | sin(1e6*x)
x: 3.7 | cos(1e7*x)
x: 1e6 | sin(1e6*x)
x: 1e8 | sin(x)
x: 1e15 | cos(x)
x: 0.5 | sin(1e9*x)
x: 0.3 | sin(1e12*x)
x: 250 | sin(x**4)
x: 40 | sin(exp(x))
x: 1e-6 | sin(1/x)
x: 1e-9 | cos(1/x**2)
x: [1e3, 2e3, 5e4] | sum(sin(1e5*x)*x)
x: 1e5 | tan(1e3*x)
x: 7 | sinc(1e7*x)
x: 1.0000000001 | sigmoid(1e9*(x - 1))
x: 0.3000001 | sigmoid(1e6*(x - 0.3))
x: 0.5 | tanh(1e7*(x - 0.5))
x: 100 | tanh(1e5*(x - 100))
x: 2 | sigmoid(1e12*(x - 2))
x: [0.1, 0.2] | softmax(1e9*x)[0]
x: [3, 3.0000001] | logsumexp(1e7*x)
x: 1.5 | softplus(1e9*(x - 1.5))
x: 0.2 | (1e8 + x) - 1e8
x: 0.2 | (1e14 + x) - 1e14
x: 0.7 | (1e12 + sin(x)) - 1e12
x: 0.7 | sum([1e12, sin(x), -1e12])
x: [1e8, 1, -1e8] | sum(x)**2
x: 1e-8 | (1 - cos(x))/x**2
x: 1e-7 | (exp(x) - 1 - x)/x**2
x: 1e-5 | (tan(x) - sin(x))/x**3
x: 1e8 | sqrt(x + 1) - sqrt(x)
x: 1e9 | log(x + 1) - log(x)
x: 1e7 | x*(arctan(x) - pi/2)
x: 1e-9 | log(1 + x)/x
x: 1e-12 | (1 - sqrt(1 - x))/x
x: 709.7 | exp(x)
x: 709.78 | exp(x)*exp(-700)
x: 26.64 | exp(x**2)
x: 1e154 | x**2
x: 170.5 | exp(lgamma(x))
x: -745.1 | exp(x)
x: -740 | exp(x)*1e300
x: 1e-300 | 1/x
x: 1e-154 | 1/x**2
x: 1e-10 | 1/(x + 1e-12)
x: 1e-12 | x/(x**2 + 1e-20)
x: 3.1415926535 | 1/sin(x)
x: 1.5707963 | tan(x)
x: 1e-160 | sqrt(x**2)
x: [1e-200, 1e-200] | norm(x)
x: [1e8, 100000001, 100000002] | std(x)
x: [[1, 1], [1, 1.0000001]] | sum(inv(x))
x: [[1, 2], [2, 4.00000001]] | logdet(x @ x.T)
x: 0.999999999999 | arcsin(x)
x: 1e-8 | arccos(1 - x)
x: 1e9 | (1 + 1/x)**x
x: 30 | log(1 - tanh(x)**2)
x: 9 | log(erfc(x))
x: 12345.678 | remainder(x, 1) * sin(1e4*x)
x: 50 | x**100/1e150
x: 2.5 | floor(1e6*x)/1e6 + x
x: 2.718281828 | floor(1e6*x)/1e6 + x
x: 0.3 | floor(1e5*x)/1e5 + sin(x)
x: 1e-12 | x**2
x: [1e-9, -1e-9] | sum(relu(x))
x: 1e-9 | x*3e-9
x: -20 | exp(x)
""".strip().splitlines()

RESOLVED = {"x: 100 | sin(1e6*x)", "x: 0.5 | sin(1e9*x)", "x: 7 | sinc(1e7*x)", "x: 1.5707963 | tan(x)",
            "x: 1.0000000001 | sigmoid(1e9*(x - 1))", "x: [3, 3.0000001] | logsumexp(1e7*x)",
            "x: 1.5 | softplus(1e9*(x - 1.5))", "x: 2.718281828 | floor(1e6*x)/1e6 + x", "x: 1e-12 | x**2",
            "x: [1e-9, -1e-9] | sum(relu(x))", "x: 1e-9 | x*3e-9", "x: -20 | exp(x)"}  # fmt: skip
"""Where narrow steps show the slope."""

PLANTED = {"a fiftieth too large": lambda x: 1.02 * x, "twice": lambda x: 2 * x,
           "of the other sign": lambda x: -x, "none": lambda x: 0 * x}


def text_of(point: str) -> str:
    """A point as a spec."""
    leaf, expression = point.split(" | ")
    return f"params: {{{leaf}}}\nnodes: {{y: '{expression}'}}\n"


@pytest.mark.parametrize("point", POINTS)
def test_the_right_gradient_is_not_accused(point: str, checked: Any, one: Any) -> None:
    """Rule: no answer calls it wrong, whatever rounding leaves of it."""
    found = one(checked(text_of(point)), "x")
    assert found.status != "wrong", found.reason


@pytest.mark.parametrize("point", POINTS)
def test_no_wrong_gradient_is_passed(point: str, spec_of: Any) -> None:
    """Rule: differences call no planted gradient ok; those of a function that they can follow call it wrong."""
    graph = build(spec_of(text_of(point)))
    computed = compute(graph, load_leaves(graph))
    (gradients,), index = computed.passes, graph.names["x"]
    for words, plant in PLANTED.items():
        wrong = [*gradients]
        with np.errstate(all="ignore"):
            wrong[index] = np.asarray(plant(gradients[index]))
        report = check_computed(graph, replace(computed, passes=[wrong]), ALONE)
        (found,) = [result for result in report.results if result.node == "x"]
        assert found.status != "ok" or np.allclose(gradients[index], 0, atol=1e-7), words
        assert found.status == "wrong" or point not in RESOLVED, words
