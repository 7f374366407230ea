"""Every function of the registry, in formulas: each printed formula, read back in every notation, is its gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.ops import COMPOSITES, OPS, Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import ASKED, Printed
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Leaf, NodeSpec, Shape, Size, Spec
from backprop_cli.language.source import Source, inline
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import load_leaves
from tests.notation.test_read_back import Proof
from tests.ops.test_rules import spell_static
from tests.readers.code import value_of
from tests.together import by_function

Function = Op | Composite

NAMES = ("a", "b", "c", "d", "f", "g", "h")
TOLERANCE = 1e-9


def leaf(name: str, kind: Any, value: Any, shape: Shape | None = None) -> Leaf:
    """A leaf with a given value."""
    array = np.asarray(value, dtype=float)
    return Leaf(name, kind, array.shape if shape is None else shape, lambda: array, inline(name))


def spec_of(leaves: list[Leaf], nodes: dict[str, str], **settings: Any) -> Spec:
    """A spec from expressions."""
    made = tuple(NodeSpec(name, parse(inline(text)), inline(text), inline(name)) for name, text in nodes.items())
    return Spec(Source.of("test", ""), leaves=tuple(leaves), nodes=made, **settings)


def call_of(function: Function, sample: Sample) -> str:
    """The sample as a call of the language."""
    given = [NAMES[i] for i, shape in enumerate(sample.shapes) if shape is not None]
    if function.signature.variadic:
        operands = [f"[{', '.join(given)}]"]
    else:
        operands = [f"{name}={NAMES[i]}" for i, name in enumerate(function.signature.operands)
                    if i < len(sample.shapes) and sample.shapes[i] is not None]  # fmt: skip
    first = next(iter(sample.parameters.values()), None)
    if function.signature.variadic and isinstance(first, str):
        return f"{function.name}({spell_static('', first)}, {', '.join(given)})"
    statics = [f"{name}={spell_static(name, value)}" for name, value in sample.parameters.items()]
    return f"{function.name}({', '.join([*operands, *statics])})"


def leaves_of(function: Function, sample: Sample) -> list[Leaf]:
    """The operands of a sample as params; labels and indices as inputs."""
    values = draw(sample, np.random.default_rng(7))
    names = function.signature.operands if not function.signature.variadic else ("x",) * len(values)
    return [leaf(NAMES[i], "input" if names[i] in function.integer_operands else "param", value)
            for i, value in enumerate(values) if value is not None]  # fmt: skip


def check_formulas(graph: Graph, computed: Computed, notations: tuple[str, ...] = ("code",)) -> int:
    """Compare every printed `code`, evaluated, with its gradient, and each of the notations; how many there were."""
    found = formulate(graph, computed.values, computed.passes, ("local", "nodes", "leaves"), notations)[1]
    if notations == ASKED:
        read = Proof(graph).prove_of(computed, found)
        assert len(set(read.values())) == 1, read
    value = cache(lambda code: value_of(code, graph, computed))  # one formula is often that of several terms
    return sum(is_gradient(printed, term, index, graph, computed, value) for index, formulas in found.items()
               for term, printed in formulas.items() if isinstance(printed, Printed))  # fmt: skip


def is_gradient(printed: Printed, term: str, index: int, graph: Graph, computed: Computed,
                value_of_code: Callable[[str], Any]) -> bool:  # fmt: skip
    """The `code` of a formula, evaluated, is the gradient of a node, of its very shape, and it says so itself."""
    value, expected = value_of_code(printed.code), computed.gradient(index)
    where = f"{graph.nodes[index].name} in {term}: {printed.code}"
    assert np.shape(value) == np.shape(expected), where
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(value, expected, rtol=TOLERANCE, atol=TOLERANCE * scale, err_msg=where)
    assert printed.deviation is not None
    assert printed.deviation < TOLERANCE, where
    return True


def has_gradient(function: Function) -> bool:
    """Whether the registry declares one, by any operand."""
    return any(function.vjps) if isinstance(function, Op) else not function.flat


def cases() -> Iterator[Any]:
    """Every sample of every function that has a gradient, as a node; the first also inline."""
    for function in (*OPS.values(), *COMPOSITES.values()):
        if has_gradient(function):
            for i, sample in enumerate(function.samples):
                for shape in ("named", "inline") if i == 0 else ("named",):
                    yield pytest.param(function, sample, shape, id=f"{function.name}-{i}-{shape}")


def run_of(function: Function, sample: Sample, shape: str) -> tuple[Graph, Computed]:
    """The sample as a node under a random cotangent, or as a part of an inline expression."""
    leaves = leaves_of(function, sample)
    out = build(spec_of(leaves, {"y": call_of(function, sample)}, grad_output="ones")).output.shape
    v = leaf("v", "input", np.random.default_rng(1).normal(size=tuple(map(int, out))))
    nodes = {
        "named": {"y": call_of(function, sample), "loss": "sum(v * y)"},
        "inline": {"loss": f"sum(v * {call_of(function, sample)} + v)"},
    }[shape]
    graph = build(spec_of([*leaves, v], nodes))
    return graph, compute(graph, load_leaves(graph))


@by_function(cases())
def test_printed_formula_is_the_gradient(function: Function, sample: Sample, shape: str) -> None:
    """For each function and sample: each formula in each of the terms is the gradient; as a node, in all notations."""
    assert check_formulas(*run_of(function, sample, shape), ASKED if shape == "named" else ("code",)) >= 1


@pytest.mark.fuzz
@by_function(pytest.param(*case.values[:2], "inline", id=case.id) for case in cases() if case.values[2] == "named")
def test_printed_formula_inline_is_the_gradient(function: Function, sample: Sample, shape: str) -> None:
    """The same of every sample as a part of an expression."""
    assert check_formulas(*run_of(function, sample, shape)) >= 1


def test_named_sizes_print_and_evaluate() -> None:
    """A mean over a named axis divides by its letter, and the letter evaluates to its number."""
    n = Size(5, "N")
    x = leaf("x", "param", np.arange(5.0), (n,))
    graph = build(spec_of([x], {"loss": "mean(x**2)"}, dims={"N": n}))
    computed = compute(graph, load_leaves(graph))
    _, total, _ = formulate(graph, computed.values, computed.passes, ("nodes",))
    printed = total[graph.names["x"]]["nodes"]
    assert isinstance(printed, Printed)
    assert printed.text == "2 x / N"
    assert check_formulas(graph, computed) == 6


@pytest.mark.parametrize("subscripts", ["..., 0:3", "0:2, ...", "0:2, ..., 0:3", "...", "0:, :3", "::1, ..."])
def test_an_index_that_takes_everything_is_none(subscripts: str) -> None:
    """Rule: subscripts that take every axis whole, with or without `...`, leave the formula as without them."""
    x = leaf("x", "param", np.arange(6.0).reshape(2, 3))
    graph = build(spec_of([x], {"loss": f"sum(x[{subscripts}]**3)"}))
    computed = compute(graph, load_leaves(graph))
    _, total, _ = formulate(graph, computed.values, computed.passes, ("nodes",))
    printed = total[graph.names["x"]]["nodes"]
    assert isinstance(printed, Printed)
    assert printed["code"] == "3 * x**2"
