"""Exports of specs whose numbers lie on singular points have the formulas that are right there, as `run` has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.ops import OPS, Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.errors import SpecError
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.model import Leaf, Spec
from backprop_cli.language.reader import read_spec
from backprop_cli.language.writer import write
from backprop_cli.records import replace
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export.as_torch_function import class_name, export
from backprop_cli.tasks.export.gradient import gradient_spec
from backprop_cli.tasks.export.torch_gradients import TORCH_WITH_GRADIENTS
from tests.export.samples import CASES
from tests.export.samples import spec_of as sample_spec
from tests.export.test_scripts import executed
from tests.together import by_function

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


@pytest.mark.peers
@pytest.mark.parametrize(("call", "params"), SINGULAR.values(), ids=list(SINGULAR))
def test_derived_backward_on_singular_points(call: str, params: str, spec_of: Callable[[str], Spec]) -> None:
    """In PyTorch, the derived backward gives what `run` gives: every function of a gradient has a row there."""
    pytest.importorskip("torch")
    spec = spec_of(f"params: {{{params}}}\nnodes: {{loss: 'sum(sin(1 + {call}))'}}\n")
    names: dict[str, Any] = {}
    text = export(spec)
    exec(compile(text.partition("print('value:'")[0], "script", "exec"), names)
    leaves = [names[leaf.name] for leaf in spec.leaves]
    names[class_name(spec)].apply(*leaves).backward()
    found = gradients(spec)
    for leaf, tensor in zip(spec.leaves, leaves, strict=True):
        real = ~np.isnan(found[leaf.name])
        np.testing.assert_allclose(tensor.grad.numpy()[real], found[leaf.name][real], rtol=1e-8, atol=1e-9)


def test_every_function_of_a_gradient_is_known_in_pytorch() -> None:
    """A gradient may be made of any function; the operators are written as such."""
    missing = {name for name, op in OPS.items() if name not in TORCH_WITH_GRADIENTS.table and op.group != "operators"}
    assert missing <= {"matmul"}


def drawn_singular(function: Op | Composite, sample: Sample) -> Spec:
    """A function on its sample's operands, of which every other entry is 0 and the rest are rounded: zeros, ties."""
    spec = sample_spec(function, sample)

    def flattened(leaf: Leaf) -> Leaf:
        array = leaf.load() if leaf.load is not None and leaf.kind == "param" else None
        if array is None or not np.size(array):
            return leaf
        zeros = np.arange(np.size(array)).reshape(np.shape(array)) % 2
        return replace(leaf, load=lambda: np.asarray(np.round(array) * zeros))

    return replace(spec, leaves=tuple(map(flattened, spec.leaves)))


@pytest.mark.fuzz
@by_function(CASES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_exports_of_every_function_at_zeros_and_ties(function: Op | Composite, sample: Sample) -> None:
    """The exports' gradients of every function are those of `run`, or the script stops where numpy has no inverse."""
    try:
        spec = drawn_singular(function, sample)
        result = run(spec, Settings(terms=("local",)))
    except SpecError:
        return
    formulas = [node.gradient.formula.get("local") for node in result.nodes if node.gradient is not None]
    if any(isinstance(one, Printed) and one.deviation for one in formulas if one is not None):
        return  # the run itself says that its formula has no such value here
    with contextlib.suppress(np.linalg.LinAlgError):
        check_exports(spec)


def test_exports_of_regular_numbers_are_the_textbooks(spec_of: Callable[[str], Spec]) -> None:
    """Where nothing is singular, and where there are no numbers, the formula is the short one."""
    for leaf in ("[[1, 2], [3, 4]]", "{shape: [2, 2]}"):
        made = gradient_spec(spec_of(f"params: {{B: {leaf}}}\nnodes: {{loss: det(B)}}\n"))
        assert next(node.text.text for node in made.nodes if node.name == "grad_B") == "loss * inv(B).T"
