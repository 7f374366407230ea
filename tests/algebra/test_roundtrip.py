"""Code is precise: random expressions of the algebra, printed, parsed as a user's text and run, keep their value."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import Graph, build
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.shapes import ParameterError, ShapeError
from backprop_cli.formulas.algebra import build as apply
from backprop_cli.formulas.algebra.evaluate import Evaluator
from backprop_cli.formulas.algebra.formula import Formula, lift, materialize
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.formulas.notation import CODE, Layout
from backprop_cli.formulas.symbols import Symbols, symbols
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import load_leaves
from tests.algebra.test_formulas import leaf, spec_of
from tests.readers.code import value_of

SHAPES = {"a": (), "x": (3,), "y": (3,), "W": (3, 3), "X": (2, 3), "S": (3, 3), "T": (2, 3)}

UNARY = ("sigmoid", "tanh", "exp", "abs", "sign", "relu", "softplus", "sin", "cos", "square", "negative")
MATRIX = ("inv", "transpose", "trace", "diag", "diagonal", "tril")
ARITHMETIC: tuple[Callable[[Any, Any], Any], ...] = (
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / (b * b + 1), lambda a, b: a - 2 * b,
    lambda a, b: b - a / 3,
)  # fmt: skip


@pytest.fixture(scope="module")
def made() -> tuple[Graph, Computed, Symbols]:
    """Leaves of every rank, S symmetric, and their values."""
    rng = np.random.default_rng(5)
    values = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    values["S"] = values["S"] + values["S"].T
    leaves = [leaf(name, "param" if name in "aW" else "input", value) for name, value in values.items()]
    graph = build(spec_of(leaves, {"out": "sum(W) * a"}))
    computed = compute(graph, load_leaves(graph))
    return graph, computed, symbols(graph, computed.values)


def called(name: str, settings: Mapping[str, Any], *operands: Formula) -> Formula:
    """A function where the shapes fit it, as the graph would have found."""
    OPS[name].shape(*(o.shape for o in operands), **settings)
    return apply(name, settings, operands)


def drawn(choose: random.Random, pool: list[Formula]) -> Formula:
    """One more expression from those there are."""
    kind = choose.random()
    one, two = choose.choice(pool), choose.choice(pool)
    if kind < 0.45:
        return choose.choice(ARITHMETIC)(one, two)  # type: ignore[no-any-return]
    if kind < 0.6:
        return called(choose.choice(UNARY), {}, one)
    if kind < 0.75:
        return one @ two
    if kind < 0.85:
        settings = {"axis": choose.choice((None, -1, 0)), "keepdims": choose.random() < 0.5}
        return called(choose.choice(("sum", "mean")), settings, one)
    if kind < 0.9:
        return called("outer", {}, one, two)
    name = choose.choice(MATRIX)
    return called(name, OPS[name].signature.parameters, one)


def expressions(seed: int, leaves: list[Formula]) -> list[Formula]:
    """A random graph of expressions; what does not fit is not made."""
    choose = random.Random(seed)
    pool = list(leaves)
    while len(pool) < len(leaves) + 12:
        try:
            pool.append(drawn(choose, pool))
        except (ShapeError, ParameterError):  # shapes that do not fit
            pool.append(lift(choose.choice((2, 3))) * choose.choice(leaves))
    return pool[len(leaves) :]


@pytest.mark.parametrize("seed", range(60))
def test_code_keeps_its_value(seed: int, made: tuple[Graph, Computed, Symbols]) -> None:
    """As it was made, as idioms are recognised in it, and tidied: parsed back, each has the value it had at first."""
    graph, computed, known = made
    evaluate = Evaluator(computed.values, computed.passes[-1], "float64")
    with at_work(known.facts.work):
        for formula in expressions(seed, [known.nodes[graph.names[name]] for name in SHAPES]):
            expr = materialize(formula)
            first = evaluate(expr)
            if not np.all(np.isfinite(first)) or np.max(np.abs(first), initial=0) > 1e8:
                continue
            for form in (expr, materialize(Formula(recognised(formula.expr), formula.shape)),
                         materialize(Formula(tidy(recognised(formula.expr), known.facts), formula.shape))):  # fmt: skip
                code = Layout(CODE)(form)
                value = value_of(code, graph, computed)
                assert np.shape(value) == np.shape(first), code
                scale = max(1.0, float(np.max(np.abs(first), initial=0)))
                np.testing.assert_allclose(value, first, rtol=1e-7, atol=1e-9 * scale, err_msg=code)
