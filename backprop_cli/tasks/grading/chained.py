"""Products of the chain rule: `dL/da2 * da2/dz2` goes from the gradient of a2 back to z2, as the reverse pass would.

A derivative of one node by another is no array of a node's shape; in a product with what arrives at the first it is the
step back to the second, whichever way round and with whatever sign for the product it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.items import error_of, gradient_of, indexed, other_spelling
from backprop_cli.tasks.grading.key import Key

PRODUCTS = frozenset({"*", "·", "@", "⊙"})


@dataclass(frozen=True, slots=True)
class Chained:
    """A product with derivatives of nodes by nodes: what arrives (None for 1), and the nodes from the last back."""

    name: str
    arriving: ast.Expression | None
    path: tuple[str, ...]
    at: tuple[int, int]


def chained(key: Key, expression: ast.Expression, text: Text) -> tuple[ast.Expression, list[Chained]]:
    """An expression with a name for each product of the chain rule, and what these stand for.

    Raises:
        SpecError: E015 where the derivatives of a product do not meet.
    """
    found: list[Chained] = []
    if not any(isinstance(part, ast.Partial) for part in ast.parts(expression)):
        return expression, found

    def named(part: ast.Expression) -> ast.Expression:
        factors = list(_factors(part))
        links = [one for one in factors if isinstance(one, ast.Partial) and _is_link(key, one)]
        if not links:
            return rebuilt(part, named)
        rest = [named(one) for one in factors if all(one is not link for link in links)]
        name = f"∂{len(found)}"
        arriving = None
        for one in rest:
            arriving = one if arriving is None else ast.Binary(one.start, one.end, "*", arriving, one)
        found.append(Chained(name, arriving, _path(links, text), (part.start, part.end)))
        return ast.Name(part.start, part.end, name)

    return named(expression), found


def _factors(part: ast.Expression) -> Iterator[ast.Expression]:
    if isinstance(part, ast.Binary) and part.operator in PRODUCTS:
        yield from _factors(part.left)
        yield from _factors(part.right)
    else:
        yield part


def gradients_used(key: Key, expression: ast.Expression) -> set[str]:
    """The nodes whose gradients an expression uses, however they are spelled; ∂a/∂z of two nodes uses none."""
    calls = (part for part in ast.parts(expression) if isinstance(part, ast.Call) and part.function == "grad")
    calls = (part for part in calls if not (isinstance(part, ast.Partial) and _is_link(key, part)))
    inner = {one.value.name for call in calls for one in call.arguments if isinstance(one.value, ast.Name)}
    found = {_node(key, name, lambda word: other_spelling(word, key.names)) for name in inner}
    words = {part.name for part in ast.names(expression)} - {*key.names}
    found |= {_node(key, name, lambda word: gradient_of(word, key.names) or error_of(word, key.names))
              for name in words}  # fmt: skip
    return found - {""}


def _node(key: Key, name: str, read: Callable[[str], str | None]) -> str:
    """The node of a name, or of one with letters behind it."""
    return next(filter(None, map(read, (name, *(stem for stem, _ in indexed(name))))), "")


def _is_link(key: Key, part: ast.Partial) -> bool:
    return part.output in key.names and part.output != key.graph.output_name and _below(part) in key.names


def _below(part: ast.Partial) -> str:
    inner = part.arguments[0].value
    return inner.name if isinstance(inner, ast.Name) else ""


def _path(links: list[ast.Partial], text: Text) -> tuple[str, ...]:
    """The nodes from the last back, in whichever order the derivatives stand."""
    after = {str(one.output): _below(one) for one in links}
    starts = [name for name in after if name not in after.values()]
    path = starts[:1]
    while path and path[-1] in after:
        path.append(after.pop(path[-1]))
    if len(starts) != 1 or after or len(path) != len(links) + 1:
        message = "these derivatives do not meet: each begins where another ends, ∂a/∂z · ∂z/∂w"
        raise SpecError("E015", message, at=text.place())
    return tuple(path)


def stepped(key: Key, one: Chained, values: Any, arriving: Any, text: Text) -> Any:
    """The numbers that a product of the chain rule comes to.

    Raises:
        SpecError: E015 where what stands before it is no gradient of its first node.
    """
    shapes = [tuple(map(int, key.graph.nodes[key.names[name]].shape)) for name in one.path]
    if arriving is None and len(set(shapes)) > 1 and shapes[0] != ():
        message = f"∂{one.path[0]}/∂{one.path[-1]} has an entry for each pair; write what arrives before it"
        raise SpecError("E015", message, at=text.place())
    seed = np.ones(shapes[0]) if arriving is None else np.asarray(arriving, dtype=float)
    if seed.shape not in {shapes[0], ()}:
        message = f"what arrives at {one.path[0]} has shape {shapes[0]}, and {seed.shape} stands here"
        raise SpecError("E015", message, at=text.place())
    seed = np.broadcast_to(seed, shapes[0])
    for first, last in zip(one.path, one.path[1:], strict=False):
        found = key.chain.back_from(key.names[first], values, seed)[key.names[last]]
        shape = key.graph.nodes[key.names[last]].shape
        seed = np.zeros(tuple(map(int, shape))) if found is None else np.asarray(found)
    return seed

