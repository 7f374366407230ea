"""Derivatives of functions of one number, `σ'(z)`, `f'(z)`: by the very rules of the reverse pass, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop_cli.engine.graph import build
from backprop_cli.engine.interpret import Scope
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import everywhere
from backprop_cli.language.model import Function
from backprop_cli.language.reader import read_spec
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.grading.functions import PRIME
from backprop_cli.tasks.grading.key import Key

_ALONE = b"{inputs: {x: 0}, nodes: {y: x}, grad_output: ones, wrt: [x]}"


@dataclass(frozen=True, slots=True)
class Slope:
    """A derivative that a formula uses: the name that stands for it, the function applied to x, its argument."""

    name: str
    function: ast.Call
    argument: ast.Expression

    def at(self, key: Key, argument: Any) -> Array:
        """The derivative at an array.

        Raises:
            BackpropError: there is no such function, or it takes more than a number.
        """
        alone = read_spec(_ALONE, "", folder=None)
        value = np.asarray(argument, dtype=float)
        leaf = replace(alone.leaves[0], shape=value.shape, load=lambda: value)
        node = replace(alone.nodes[0], expression=self.function, text=inline(f"{self.function.function}(x)"))
        spec = replace(alone, leaves=(leaf,), nodes=(node,), functions=key.graph.spec.functions)
        graph = build(spec)
        found = compute(graph, {graph.names["x"]: value}).gradient(graph.names["x"])
        return np.zeros_like(value) if found is None else np.asarray(found)


def sloped(expression: ast.Expression) -> tuple[ast.Expression, list[Slope]]:
    """An expression with a name for each derivative of a function, and what these stand for, inner ones first."""
    found: list[Slope] = []

    def named(part: ast.Expression) -> ast.Expression:
        if not _is_slope(part):
            return part
        assert isinstance(part, ast.Call)
        name, first = f"∂f{len(found)}", part.arguments[0]
        x = replace(first, value=ast.Name(first.start, first.end, "x"))
        function = replace(part, function=part.function.removesuffix(PRIME), arguments=(x, *part.arguments[1:]))
        found.append(Slope(name, function, first.value))
        return ast.Name(part.start, part.end, name)

    return everywhere(expression, named), found


def _is_slope(part: ast.Expression) -> bool:
    return isinstance(part, ast.Call) and part.function.endswith(PRIME) and bool(part.arguments)


def like_their_arguments(scope: Scope, expression: ast.Expression) -> Scope:
    """A scope, for shapes alone, in which each derivative of a function is what it is taken of."""
    names = {part.function for part in ast.parts(expression) if isinstance(part, ast.Call) and _is_slope(part)}
    text = inline("x")
    same = {name: Function(name, ("x",), ast.Name(0, 1, "x"), text, {}, text) for name in names}
    return replace(scope, functions={**scope.functions, **same}) if same else scope
