"""Exports of specs whose numbers lie on singular points have the formulas that are right there, as `run` has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.language.model import Spec
from backprop_cli.language.reader import read_spec
from backprop_cli.language.writer import write
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export.gradient import gradient_spec
from tests.export.test_scripts import executed

SINGULAR = {
    "det": ("det(A)", "A: [[1, 2], [2, 4]]"),
    "det of a product": ("det(A.T @ A)", "A: [[1, 2, 3], [4, 5, 6], [7, 8, 9]]"),
    "sinc": ("sinc(x)", "x: [0, 1]"), "det of a zero matrix": ("det(A)**2 + det(A)", "A: [[0, 0], [0, 0]]"),
    "norm": ("norm(x)", "x: [0, 0]"), "norm of order 3": ("norm(x, 3)", "x: [0, 0]"),
    "largest singular value": ("norm(A, 2)", "A: [[2, 0], [0, 2]]"),
    "smallest singular value": ("norm(A, -2)", "A: [[2, 0], [0, 2]]"),
    "deviation": ("std(x)", "x: [3, 3, 3]"), "hypotenuse": ("hypot(x, y)", "x: 0, y: 0"),
    "arc": ("arctan2(x, y)", "x: [0, 1], y: [0, 2]"), "power": ("x**y", "x: [0, 2], y: [0, 3]"),
    "xlogy": ("xlogy(x, y)", "x: [0, 2], y: [0, 3]"), "root of a power": ("abs(x)**1.5", "x: [0, -4]"),
    "cross-entropy": ("binary_cross_entropy(p, sign(p))", "p: [0, 1, 0.5]"), "product": ("prod(x)", "x: [0, 2, 0]"),
    "products": ("cumprod(x, axis=0)", "x: [2, 0, 3]"), "ties": ("maximum(x, 0) + max(x)", "x: [0, 1, 1]"),
    "stable sigmoid": ("maximum(x, 0) + log(1 + exp(-abs(x)))", "x: [0, 1, -1]"),
    "behind a mask": ("sqrt(where(x > 1, x, 0))", "x: [0, 2]"), "behind relu": ("log(relu(x))", "x: [-1, 0, 2]"),
    "behind clip": ("sqrt(clip(x, 0, 4)) + sqrt(maximum(x, 0))", "x: [-1, 2, 5]"),
    "quotient of itself": ("x / abs(x) * x", "x: [1, -2]"), "direction": ("normalize(x)", "x: [0, 0]"),
}  # fmt: skip


def gradients(spec: Spec) -> dict[str, Any]:
    """Every gradient of a run."""
    nodes = run(spec, Settings(terms=())).nodes
    return {node.name: node.gradient.value for node in nodes if node.gradient is not None}


def check_exports(spec: Spec) -> int:
    """The script and the exported spec have the gradients of `run`, except where it has none; how many."""
    found = gradients(spec)
    script = executed("numpy", spec)
    again = run(read_spec(write(gradient_spec(spec)).encode(), "again", folder=None), Settings(terms=())).by_name
    for name, gradient in found.items():
        real = ~np.isnan(gradient)
        for other in (script[f"grad_{name}"], again[f"grad_{name}"].value):
            exported = np.broadcast_to(other, np.shape(gradient))
            np.testing.assert_allclose(exported[real], gradient[real], rtol=1e-8, atol=1e-9, err_msg=name)
    return len(found)


@pytest.mark.parametrize(("call", "params"), SINGULAR.values(), ids=list(SINGULAR))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_exports_on_singular_points(call: str, params: str, spec_of: Callable[[str], Spec]) -> None:
    """At zeros and ties the exports' gradients are those of `run`, where the textbook's formula has none."""
    assert check_exports(spec_of(f"params: {{{params}}}\nnodes: {{loss: 'sum(sin(1 + {call}))'}}\n"))


def test_exports_of_regular_numbers_are_the_textbooks(spec_of: Callable[[str], Spec]) -> None:
    """Where nothing is singular, and where there are no numbers, the formula is the short one."""
    for leaf in ("[[1, 2], [3, 4]]", "{shape: [2, 2]}"):
        made = gradient_spec(spec_of(f"params: {{B: {leaf}}}\nnodes: {{loss: det(B)}}\n"))
        assert next(node.text.text for node in made.nodes if node.name == "grad_B") == "loss * inv(B).T"
