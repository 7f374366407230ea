"""What may stand where another belongs: tensors of the same shape, other functions' derivatives, other losses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.grading.wording import Wording, constant_key

MAX_OTHERS = 40
"""Tensors that are tried in the place of one."""

MAX_DEEP = 2
"""Reshapes and transposes behind which an operand is looked for."""


@dataclass(frozen=True, slots=True)
class View:
    """The numbers at one draw from which an answer is worked out: the key's, or a student's own.

    `further` are own Jacobians, Hessians and tangents, by the item's suffix and the node.
    """

    values: Sequence[Array]
    gradients: Sequence[Array]
    further: Mapping[tuple[str, int], Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Other:
    """A tensor that may stand in another's place, and how it is related to that."""

    name: str
    value: Callable[[View], Any]
    relation: str = ""  # 'activation', 'part', the key of a factor left out, or nothing

    def named(self, user: Node, words: Wording, operand: int) -> tuple[str, str]:
        """The mistake's key, and what to tell its writer."""
        where, right = words.called(user), words.owner(operand)
        if self.relation.startswith("factor"):
            return self.relation, f"a factor is missing, at {where}"
        if self.relation == "part":
            return "path_missing", f"a term of {right} is missing, at {where}"
        if self.relation == "activation":
            told = "the value before an activation stands for the one after it, or the reverse"
            return "pre_activation", f"{told}, at {where}"
        if user.op is not None and user.op.kink is not None and user.op.pointwise and user.op.name != "power":
            return "mask_of_wrong_tensor", f"the mask of {where} is taken from another tensor"
        return "wrong_operand", f"another tensor stands where {right} belongs, at {where}"


class Operands:
    """The tensors of a graph by shape, and what they are to each other."""

    def __init__(self, graph: Graph, meaning: Numbers) -> None:
        self.graph = graph
        self.meaning = meaning
        self.named = [node for node in graph.named() if node.shape != ()][:400]
        self.scalars = [node for node in graph.named() if node.shape == ()]

    # operands ────────────────────────────────────────────────────────────────────────────────────

    def instead_of(self, operand: int, result: int | None, depth: int = 0) -> Iterator[Other]:
        """What may stand for an operand; `result` is what a function of one operand makes of it."""
        node = self.graph.nodes[operand]
        pairs = self._activations(operand) | ({result} if result is not None else set())
        if node.kind == "constant":
            return
        for other in self._like(node):
            relation = "activation" if other.index in pairs or other.index == operand else ""
            if other.index != operand or result is not None:
                yield Other(other.name, partial(_value, other.index), relation)
        for other in self._like(node):
            if other.index in self.graph.active:
                yield Other(f"grad({other.name})", partial(_gradient, other.index))
        for other in self._transposes(node):
            yield Other(other.name, partial(_moved, np.transpose, partial(_value, other.index)))
        if node.op is not None and len(node.inputs) == 1 and not node.op.pointwise and depth < MAX_DEEP:
            function = self.meaning.bind(node.op, node.parameters)
            for inner in self.instead_of(node.inputs[0], None, depth + 1):
                yield Other(inner.name, partial(_moved, function, inner.value), inner.relation)

    def odd(self, operand: int) -> Iterator[Other]:
        """The named nodes of an operand's rank and another shape: the answer's shape will be another, too."""
        node = self.graph.nodes[operand]
        for other in self.named:
            if len(other.shape) == len(node.shape) and other.shape != node.shape:
                yield Other(other.name, partial(_value, other.index))
                if len(other.shape) == 2:
                    yield Other(other.name, partial(_moved, np.transpose, partial(_value, other.index)))

    def _like(self, node: Node) -> list[Node]:
        """The named nodes of a shape."""
        among = self.named if node.shape != () else self.scalars
        return [one for one in among if one.shape == node.shape][:MAX_OTHERS]

    def _transposes(self, node: Node) -> list[Node]:
        """The named matrices whose transpose has a node's shape."""
        if len(node.shape) != 2 or node.shape[0] == node.shape[1]:
            return []
        return [one for one in self.named if one.shape == node.shape[::-1]][:MAX_OTHERS]

    def sides(self, node: Node) -> Iterator[Other]:
        """The terms of a sum: `a` or `y` for `a - y`; the factors of a product that has no name."""
        if node.op is None or len(node.inputs) != 2:
            return
        kind = {"add": "part", "subtract": "part", "multiply": "factor", "divide": "factor"}.get(node.op.name)
        for place, side in enumerate(node.inputs) if kind and (kind == "part" or node.anonymous) else ():
            if self.graph.nodes[side].shape == node.shape:
                over = node.op.name == "divide" and place == 1
                value = partial(_value, side)
                lost = self.graph.nodes[node.inputs[1 - place]]
                relation = "part" if kind == "part" else constant_key(self.graph, lost)
                yield Other("", partial(_moved, np.reciprocal, value) if over else value, relation)

    def _activations(self, index: int) -> set[int]:
        """What is one activation away from a node, before it or after it."""
        node = self.graph.nodes[index]
        after = {n.index for n in self.graph.nodes if n.inputs == (index,) and n.shape == node.shape}
        return after | ({node.inputs[0]} if len(node.inputs) == 1 else set())

    def after(self, index: int) -> list[int]:
        """The nodes of the same shape that are made from a node alone, one after the other; the nearest first."""
        found: list[int] = []
        while len(found) < MAX_DEEP:
            users = [node for node in self.graph.nodes if index in node.inputs and node.index in self.graph.active]
            if len(users) != 1 or users[0].shape != self.graph.nodes[index].shape or users[0].anonymous:
                break
            index = users[0].index
            if users[0].op is not None and users[0].op.name not in {"add", "identity"}:
                found.append(index)
        return found

    def like(self, index: int) -> Iterator[Callable[[View], Any]]:
        """The gradients, and the values, of a node's shape."""
        for other in self._like(self.graph.nodes[index]):
            if other.index != index and other.index in self.graph.active:
                yield partial(_gradient, other.index)
            yield partial(_value, other.index)

    def shifted(self, indices: Sequence[int], step: int) -> Iterator[list[int]]:
        """Each of several nodes replaced by the next of them in time; the last by the next that is made alike."""
        row = sorted(indices)
        shape = {self.graph.nodes[i].shape for i in row}
        if len(set(row)) < len(row) or len(shape) != 1:
            return
        last = self.graph.nodes[row[-1] if step > 0 else row[0]]
        alike = [n.index for n in self.graph.named() if n.shape == last.shape and n.index not in row]
        nodes = [i for i in alike if (i > last.index or step < 0) and _alike(self.graph, i, row)]
        for end in nodes[:MAX_OTHERS]:
            longer = [*row, end] if step > 0 else [end, *row]
            yield [longer[longer.index(i) + step] for i in indices]

    # rules ───────────────────────────────────────────────────────────────────────────────────────

    derivatives: Sequence[Callable[[Array], Array]] = (
        lambda v: 1 - v, lambda v: v * (1 - v), lambda v: 1 - v**2, lambda v: v, lambda v: v**2, lambda v: 2 * v,
        lambda v: 1 + v, lambda v: 1 + v**2, lambda v: -v, lambda v: 3 * v**2, lambda v: 1 / v, lambda v: -1 / v**2,
        np.exp, np.log, np.sin, np.cos, lambda v: -np.sin(v), lambda v: np.asarray(v > 0, dtype=float),
        np.tanh, lambda v: 1 / (1 + np.exp(-v)), lambda v: 0.5 / v, lambda v: (1 - v) ** 2,
        lambda v: v * (1 - v**2), lambda v: v * (1 + v), lambda v: 1 / np.cosh(v) ** 2, lambda v: 0.5 + 0 * v,
        lambda v: np.asarray(v <= 0, dtype=float),
    )  # fmt: skip
    """What derivatives are made of, in the operand or in the result."""

    parts: Sequence[tuple[str, Callable[[Array], Array]]] = (
        ("{}", lambda v: v), ("(1 - {})", lambda v: 1 - v), ("(1 - {}²)", lambda v: 1 - v**2),
        ("{0}·(1 - {0})", lambda v: v * (1 - v)), ("{}²", lambda v: v**2),
    )  # fmt: skip
    """What may be a factor too many, or too few."""

    powers: Sequence[Callable[[Array, Array], Array]] = (
        lambda x, n: x ** (n - 1), lambda x, n: n * x**n, lambda x, n: (n - 1) * x ** (n - 1),
        lambda x, n: n * x ** (n - 2), lambda x, n: x ** (n + 1) / (n + 1), lambda x, n: n * x,
        lambda x, n: (n - 1) * x**n, lambda x, n: -n * x ** (n - 1), lambda x, n: n * x ** (n + 1),
    )  # fmt: skip
    """What is taken for the derivative of xⁿ."""

    quotients: Sequence[Callable[[Array, Array], Array]] = (
        lambda a, b: -a / b, lambda a, b: -1 / b**2, lambda a, b: a / b, lambda a, b: -a / b**3, lambda a, b: 1 / b,
        lambda a, b: -a * b, lambda a, b: a, lambda a, b: -a, lambda a, b: a * np.log(b), lambda a, b: 1 / b**2,
    )  # fmt: skip
    """What is taken for the derivative of a/b by b."""

    rules: Mapping[tuple[str, int], Sequence[Callable[[Array, Array], Array]]] = {
        ("power", 0): powers, ("divide", 1): quotients}  # fmt: skip
    """By the op, and the place of the operand."""

    losses: Sequence[Callable[[Array, Array], Array]] = (
        lambda p, t: (p - t) / (p * (1 - p)), lambda p, t: p - t, lambda p, t: -t / p, lambda p, t: np.sign(p - t),
        lambda p, t: -t / p + (1 - t) / (1 - p), lambda p, t: 1 / (1 + np.exp(-p)) - t, lambda p, t: t * np.log(p),
        lambda p, t: (p - t) / p,
    )  # fmt: skip
    """The derivatives of losses in their output p and target t."""

    def like_nodes(self, index: int) -> list[Node]:
        """The named nodes of a node's shape."""
        return self._like(self.graph.nodes[index])

    def targets(self, node: Node) -> Iterator[Other]:
        """The inputs of the node's shape that nobody differentiates; labels as one-hot rows."""
        for other in self.graph.named():
            if other.kind == "input" and other.index not in self.graph.active:
                if other.shape == node.shape:
                    yield Other(other.name, partial(_value, other.index))
                elif node.shape and other.shape == node.shape[:-1]:
                    yield Other(other.name, partial(_one_hot, other.index, int(node.shape[-1])))

    def scales(self, node: Node) -> list[float]:
        """What a loss may be divided by, twice or once."""
        sizes = {1, *map(int, node.shape), int(np.prod(node.shape, dtype=int))}
        sizes |= {int(size) for size in self.graph.spec.dims.values() if size}
        return [sign * two / size for size in sorted(sizes) for two in (1.0, 2.0) for sign in (1.0, -1.0)]


def _alike(graph: Graph, index: int, row: Sequence[int]) -> bool:
    """Whether a node is made as one of several is, or is a leaf beside them."""
    op = graph.nodes[index].op
    return op is None or any(graph.nodes[i].op is op for i in row)


def _one_hot(index: int, classes: int, view: View) -> Array:
    labels = np.asarray(view.values[index]).astype(int)
    return np.asarray(np.eye(classes)[labels])


def _value(index: int, view: View) -> Array:
    return view.values[index]


def _gradient(index: int, view: View) -> Array:
    return view.gradients[index]


def _moved(function: Callable[..., Array], value: Callable[[View], Array], view: View) -> Array:
    return function(value(view))
