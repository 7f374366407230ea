"""What somebody gets who makes one mistake: the key's own reverse pass, with one edit at one edge.

The edits are few and know no network: a step left out, taken twice, or its function taken for its derivative; an
operand replaced (transposed, before its activation, another tensor of that shape, after the update); a path dropped,
negated, multiplied; a sum left out or taken along another axis; a product taken entry by entry.  An op takes part by
what it declares (pointwise, broadcasts, axes); none is named here but where a mistake is about that op alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.tasks.grading.chain import Chain, Edge
from backprop_cli.tasks.grading.operands import Operands, View
from backprop_cli.tasks.grading.wording import Wording

MAX_DIAGONAL = 64
"""Entries up to which the diagonal of a Jacobian is worked out."""

MAX_PATHS = 5
"""Paths up to which every choice of some of them is tried."""

MAX_FAR = 300
"""Nodes of a graph up to which a mistake is looked for further up than the last step."""

NO_EFFECT = frozenset({"add", "identity"})
"""Ops whose local derivative is 1: nothing to forget."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mistake's key, what to tell its writer, and what comes out of it; `family` where one number in it is free."""

    mistake: str
    words: str
    make: Callable[[View], Any]
    family: bool = False


Build = Callable[[View, Any, tuple[Any, ...]], Any]
"""What an edge contributes under a mistake, from the upstream gradient and (y, *operands)."""


class Edits:
    """The candidates for one node's gradient."""

    def __init__(self, chain: Chain, graph: Graph, index: int) -> None:
        self.chain = chain
        self.graph = graph
        self.index = index
        self.node = graph.nodes[index]
        self.cone = chain.cone(index)
        self.words = Wording(graph)
        self.operands = Operands(graph, chain.meaning)
        self.local = [edge for one in self.cone for edge in chain.into.get(one, ())]

    def dropped(self) -> Iterator[Candidate]:
        """What the last step may lack or have twice: a derivative, a path, a sum."""
        for edge in self.local:
            yield from self._steps(edge, self.cone)
        yield from self._paths()
        yield from self._sums()
        for edge in self.local:
            yield from self._axes(edge)
            yield from self._transposed(edge)
            yield from self._products(edge)
            yield from self._flips(edge)

    def replaced(self) -> Iterator[Candidate]:
        """One tensor of the last step replaced by another, or its rule by another's."""
        for edge in self.local:
            yield from self._other_operands(edge)
            yield from self._other_upstream(edge)
        yield from self._shifted()
        yield from self._targets()
        for edge in self.local:
            yield from self._other_rules(edge)
        yield from self._losses()

    def far(self) -> Iterator[Candidate]:
        """A step or a path left out further up."""
        if len(self.graph.nodes) > MAX_FAR:
            return
        beyond = self.chain.beyond(self.index)
        near = set(map(id, self.local))
        for edge in (edge for one in reversed(beyond) for edge in self.chain.into.get(one, ()) if id(edge) not in near):
            yield from self._steps(edge, beyond)
            if len(self.chain.into[edge.operand]) > 1:
                where = self.words.path(edge)
                yield Candidate("path_missing", f"{where} is missing; paths add up", self._with(edge, _nothing, beyond))

    # helpers ─────────────────────────────────────────────────────────────────────────────────────

    def _with(self, edge: Edge, build: Build, cone: Sequence[int] | None = None) -> Callable[[View], Any]:
        return partial(self._around, {edge: build}, cone or self.cone)

    def _around(self, builds: dict[Edge, Build], cone: Sequence[int], view: View) -> Any:
        changes = {id(edge): partial(build, view) for edge, build in builds.items()}
        return self.chain.around(cone, view.values, view.gradients, changes)

    def _same_shape(self, edge: Edge) -> bool:
        return edge.user.shape == self.graph.nodes[edge.operand].shape

    # steps ───────────────────────────────────────────────────────────────────────────────────────

    def _steps(self, edge: Edge, cone: Sequence[int]) -> Iterator[Candidate]:
        op = edge.user.op
        if op is None or op.name in NO_EFFECT or not self._same_shape(edge):
            return
        told, step = self.words.factor(edge), self.words.called(edge.user)
        if op.name in {"negative", "subtract"}:
            yield Candidate("sign", f"a sign is lost at {step}", self._with(edge, _skip, cone))
            return
        yield Candidate(self.words.skipped(edge), f"{told} is missing", self._with(edge, _skip, cone))
        if cone is self.cone:
            yield Candidate("local_only", "it is the local derivative alone: the gradient that arrives from above is "
                            "missing", self._with(edge, partial(_seeded, edge)))  # fmt: skip
        yield Candidate(self.words.twice(edge), f"{told} is there twice",
                        self._with(edge, partial(_twice, edge), cone))  # fmt: skip
        if len(edge.user.inputs) == 1:
            told = f"{edge.user.op.name} itself stands where its derivative belongs, at {step}" if edge.user.op else ""
            yield Candidate("activation_for_derivative", told, self._with(edge, _function, cone))
        if not op.pointwise:
            yield from self._diagonal(edge, cone)

    def _diagonal(self, edge: Edge, cone: Sequence[int]) -> Iterator[Candidate]:
        """The diagonal of a Jacobian for the whole of it, and once too often."""
        if edge.user.op is None or np.prod(edge.user.shape, dtype=int) > MAX_DIAGONAL or len(edge.user.inputs) != 1:
            return
        step, op = self.words.called(edge.user), edge.user.op
        key = "softmax_diagonal_only" if op.sums_to_one or "softmax" in op.name else "path_missing"
        told = f"only the diagonal of the Jacobian of {step} is used; every entry depends on the others of its row"
        yield Candidate(key, told, self._with(edge, partial(_diagonal, edge), cone))
        yield Candidate("step_twice", f"the derivative of {step} is there twice",
                        self._with(edge, partial(_diagonal_too, edge), cone))  # fmt: skip

    # paths ───────────────────────────────────────────────────────────────────────────────────────

    def _paths(self) -> Iterator[Candidate]:
        for one in self.cone:
            edges = self.chain.into.get(one, ())
            for chosen in _choices(edges):
                lost = " and ".join(self.words.path(edge) for edge in chosen)
                make = partial(self._around, dict.fromkeys(chosen, _nothing), self.cone)
                yield Candidate("path_missing", f"{lost} is missing; paths add up", make)
            for edge in edges if len(edges) > 1 else ():
                told = self.words.path(edge)
                yield Candidate("sign", f"{told} has the wrong sign", self._with(edge, partial(_times, edge, -1.0)))
                yield Candidate("factor_2", f"{told} is there twice", self._with(edge, partial(_times, edge, 2.0)))
                yield Candidate("factor_2", f"{told} is there by half", self._with(edge, partial(_times, edge, 0.5)))
        if len(self.chain.into.get(self.index, ())) > 1:
            yield Candidate("paths_multiplied", f"the paths back to {self.node.name} are multiplied; they add up",
                            self._multiplied)  # fmt: skip

    def _contributions(self, view: View, *, summed: bool = True) -> list[Any]:
        """What each edge brings to the node, before they are added."""
        upstream = dict(enumerate(view.gradients))
        for one in self.cone[:-1]:
            upstream[one] = self.chain.sum_at(one, view.values, upstream)
        found = []
        for edge in self.chain.into.get(self.index, ()):
            raw = edge.rule(upstream[edge.user.index], *edge.arguments(view.values))
            wide = edge.narrow is not None and summed
            found.append(self.chain.meaning.unbroadcast(raw, edge.narrow) if wide and edge.narrow is not None else raw)
        return found

    def _multiplied(self, view: View) -> Any:
        product = 1.0
        for one in self._contributions(view):
            product = product * one
        return product

    def _sums(self) -> Iterator[Candidate]:
        """The sum over the axes along which the node was broadcast."""
        edges = self.chain.into.get(self.index, ())
        if not edges or edges[0].narrow is None:
            return
        rank = len(edges[0].user.shape)
        yield Candidate("batch_sum_missing", f"sum it over the axes along which {self.node.name} was broadcast",
                        partial(self._summed, (), False))  # fmt: skip
        told = f"the sum goes over the wrong axis: which axes of it does {self.node.name} not have?"
        for count in range(1, rank + 1):
            for axes in combinations(range(rank), count):
                for keep in (False, True):
                    yield Candidate("wrong_axis", told, partial(self._summed, axes, keep))

    def _summed(self, axes: tuple[int, ...], keep: bool, view: View) -> Any:
        raw = sum(self._contributions(view, summed=False))
        return np.sum(raw, axis=axes, keepdims=keep) if axes else raw

    def _axes(self, edge: Edge) -> Iterator[Candidate]:
        """A static axis taken for another."""
        op, parameters = edge.user.op, edge.user.parameters
        if op is None or not isinstance(parameters.get("axis"), int) or len(edge.user.shape) < 2:
            return
        for axis in range(len(edge.user.shape)):
            rule = self.chain.meaning.rule(op, edge.position, {**parameters, "axis": axis})
            yield Candidate("wrong_axis", f"{self.words.called(edge.user)} goes along another axis",
                            self._with(edge, partial(_ruled, rule)))  # fmt: skip

    # products ────────────────────────────────────────────────────────────────────────────────────

    def _transposed(self, edge: Edge) -> Iterator[Candidate]:
        """A factor with a transpose too many or too few; the factors of a product in the other order."""
        for place, operand in enumerate(edge.user.inputs):
            if place != edge.position and len(self.graph.nodes[operand].shape) >= 2:
                told = f"a transpose of {self.words.owner(operand)} is missing, or one too many"
                yield Candidate("factor_transposed", told, self._with(edge, partial(_operand_transposed, edge, place)))
        if edge.user.op is not None and not edge.user.op.pointwise and len(edge.user.shape) >= 2:
            told = f"a transpose is missing, or one too many, on the gradient that arrives at {self.node.name}"
            yield Candidate("factor_transposed", told, self._with(edge, partial(_upstream_transposed, edge)))

    def _products(self, edge: Edge) -> Iterator[Candidate]:
        if edge.user.op is None or edge.user.op.name not in {"matmul", "dot", "outer", "linear"}:
            return
        where = self.words.called(edge.user)
        told = f"the factors stand in the wrong order, at {where}"
        yield Candidate("product_order", told, self._with(edge, partial(_swapped, edge)))
        told = f"a matrix product belongs where an elementwise one stands, at {where}"
        for first in (False, True):
            for second in (False, True):
                for axis in (None, 0, 1):
                    build = partial(_elementwise, edge, first, second, axis)
                    yield Candidate("elementwise_for_matmul", told, self._with(edge, build))

    def _flips(self, edge: Edge) -> Iterator[Candidate]:
        """Convolution for correlation; one window for the sum over all."""
        if edge.user.op is None or "conv" not in edge.user.op.name:
            return
        told = f"something is flipped that must not be, or the reverse, at {self.words.called(edge.user)}"
        for what in ("upstream", "operand", "result"):
            yield Candidate("kernel_not_flipped", told, self._with(edge, partial(_flipped, edge, what)))
        if edge.position == 1:
            told = f"{self.node.name} is used at every position: the windows add up"
            for corner in np.ndindex(*edge.user.shape[2:]):
                yield Candidate("path_missing", told, self._with(edge, partial(_window, corner)))

    # replaced ────────────────────────────────────────────────────────────────────────────────────

    def _other_operands(self, edge: Edge) -> Iterator[Candidate]:
        for place, operand in enumerate(edge.user.inputs):
            alone = len(edge.user.inputs) == 1
            if place == edge.position and not alone and edge.user.op is not None and edge.user.op.name != "power":
                continue
            for other in self.operands.instead_of(operand, edge.user.index if alone else None):
                mistake, told = other.named(edge.user, self.words, operand)
                builds = [partial(_operand, edge, place, other.value)]
                if alone:
                    builds += [partial(_result, edge, other.value), partial(_both, edge, place, other.value)]
                for build in builds:
                    yield Candidate(mistake, told, self._with(edge, build))
            if self.graph.nodes[operand].kind == "param":
                told = f"{self.graph.nodes[operand].name} has been updated already: go back through the old one"
                build = partial(_operand, edge, place, partial(_updated, operand))
                yield Candidate("updated_weights", told, self._with(edge, build), family=True)

    def _other_rules(self, edge: Edge) -> Iterator[Candidate]:
        """The derivative of another function where one of a single operand belongs."""
        op = edge.user.op
        if op is None or not op.pointwise or not self._same_shape(edge) or op.name in {*NO_EFFECT, "negative"}:
            return
        if len(edge.user.inputs) != 1 and op.name != "power":
            return
        told = f"this is not the derivative of {op.name}, at {self.words.called(edge.user)}"
        for factor in self.operands.derivatives:
            for place in (0, 1):
                yield Candidate("wrong_rule", told, self._with(edge, partial(_factor, factor, place)))

    def _other_upstream(self, edge: Edge) -> Iterator[Candidate]:
        told = f"another tensor stands where the gradient of {self.words.owner(edge.user.index)} belongs"
        for other in self.operands.like(edge.user.index):
            yield Candidate("wrong_operand", told, self._with(edge, partial(_upstream, edge, other)))

    def _shifted(self) -> Iterator[Candidate]:
        """Every path with the operand of the step after it, or before it: activations one step too late."""
        edges = [e for e in self.chain.into.get(self.index, ()) if len(e.user.inputs) == 2 and e.user.op is not None]
        others = [edge.user.inputs[1 - edge.position] for edge in edges]
        if len(edges) < 2 or any(self.graph.nodes[i].anonymous for i in others):
            return
        for step in (1, -1):
            new = self.operands.shifted(others, step)
            if new is not None:
                builds: dict[Edge, Build] = {
                    edge: partial(_operand, edge, 1 - edge.position, partial(_value, index))
                    for edge, index in zip(edges, new, strict=True)}  # fmt: skip
                names = ", ".join(self.graph.nodes[i].name for i in others)
                told = f"the operands are one step too {'late' if step > 0 else 'early'}: what belongs with {names}?"
                yield Candidate("wrong_operand", told, partial(self._around, builds, self.cone))

    def _targets(self) -> Iterator[Candidate]:
        """The term of the target left out of an error such as (p - t)/N, wherever that comes from."""
        for target in self.operands.targets(self.node):
            told = f"a term is missing: where is {self.graph.nodes[target].name} in your answer?"
            for scale in self.operands.scales(self.node):
                yield Candidate("path_missing", told, partial(_without_target, self.index, target, scale))

    def _losses(self) -> Iterator[Candidate]:
        """The derivative of another loss, with the same targets."""
        users = {edge.user.index for edge in self.local}
        if self.graph.output.index not in users:
            return
        told = f"this is the derivative of another loss; look at how {self.graph.output_name} is defined"
        for target in self.operands.targets(self.node):
            for factor in self.operands.losses:
                for scale in self.operands.scales(self.node):
                    yield Candidate("wrong_rule", told, partial(_loss, self.index, target, factor, scale))


# ── what an edge contributes under a mistake ─────────────────────────────────────────────────────


def _nothing(view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return None


def _skip(view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return g


def _seeded(edge: Edge, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    if np.size(g) and np.all(g == np.ravel(g)[0]):
        raise ValueError("one number arrives from above: a factor, and it has a better name")
    return edge.rule(np.ones_like(g), *args)


def _twice(edge: Edge, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.rule(edge.rule(g, *args), *args)


def _function(view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return g * args[0]


def _times(edge: Edge, factor: float, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return factor * edge.rule(g, *args)


def _ruled(rule: Callable[..., Any], view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return rule(g, *args)


def _jacobian_diagonal(edge: Edge, g: Any, args: tuple[Any, ...]) -> Any:
    found = np.empty_like(g)
    for entry in np.ndindex(*np.shape(g)):
        one = np.zeros_like(g)
        one[entry] = 1.0
        found[entry] = edge.rule(one, *args)[entry]
    return found


def _diagonal(edge: Edge, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return g * _jacobian_diagonal(edge, g, args)


def _diagonal_too(edge: Edge, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.rule(g, *args) * _jacobian_diagonal(edge, g, args)


def _operand(edge: Edge, place: int, value: Callable[[View], Any], view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.textbook(g, args[0], *(value(view) if i == place else one for i, one in enumerate(args[1:])))


def _result(edge: Edge, value: Callable[[View], Any], view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.textbook(g, value(view), *args[1:])


def _both(edge: Edge, place: int, value: Callable[[View], Any], view: View, g: Any, args: tuple[Any, ...]) -> Any:
    new = value(view)
    return edge.textbook(g, new, *(new if i == place else one for i, one in enumerate(args[1:])))


def _upstream(edge: Edge, other: Callable[[View], Any], view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.rule(other(view), *args)


def _value(index: int, view: View) -> Any:
    return view.values[index]


def _updated(index: int, view: View) -> Any:
    return view.values[index] - view.gradients[index]


def _factor(factor: Callable[[Any], Any], place: int, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return g * factor(args[place])


def _operand_transposed(edge: Edge, place: int, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.rule(g, args[0], *(_matrix_transpose(one) if i == place else one for i, one in enumerate(args[1:])))


def _upstream_transposed(edge: Edge, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    return edge.rule(_matrix_transpose(g), *args)


def _matrix_transpose(x: Any) -> Any:
    return np.swapaxes(x, -1, -2) if np.ndim(x) >= 2 else x


def _swapped(edge: Edge, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    other = _matrix_transpose(args[2 - edge.position])
    return other @ g if edge.position == 0 else g @ other


def _elementwise(edge: Edge, first: bool, second: bool, axis: int | None, view: View, g: Any,
                 args: tuple[Any, ...]) -> Any:  # fmt: skip
    other = args[2 - edge.position]
    product = (_matrix_transpose(other) if first else other) * (_matrix_transpose(g) if second else g)
    return product if axis is None else np.sum(product, axis=axis, keepdims=True)


def _flipped(edge: Edge, what: str, view: View, g: Any, args: tuple[Any, ...]) -> Any:
    axes = tuple(range(2, np.ndim(g)))
    if what == "result":
        found = edge.rule(g, *args)
        return np.flip(found, axes)
    if what == "upstream":
        return edge.rule(np.flip(g, axes), *args)
    operands = [np.flip(one, axes) if i != edge.position and np.ndim(one) == np.ndim(g) else one
                for i, one in enumerate(args[1:])]  # fmt: skip
    return edge.rule(g, args[0], *operands)


def _window(corner: tuple[int, ...], view: View, g: Any, args: tuple[Any, ...]) -> Any:
    slices = tuple(slice(start, start + size) for start, size in zip(corner, np.shape(g)[2:], strict=True))
    return g * args[1][(slice(None), slice(None), *slices)]


def _without_target(index: int, target: int, scale: float, view: View) -> Any:
    return view.gradients[index] + scale * view.values[target]


def _loss(index: int, target: int, factor: Callable[[Any, Any], Any], scale: float, view: View) -> Any:
    return scale * factor(view.values[index], view.values[target])


def _choices(edges: Sequence[Edge]) -> Iterator[tuple[Edge, ...]]:
    """What may be left out of several paths: each alone, all but one, and any choice of a few."""
    if len(edges) < 2:
        return
    yield from ((edge,) for edge in edges)
    counts = range(2, len(edges)) if len(edges) <= MAX_PATHS else (len(edges) - 1,)
    for count in counts:
        yield from combinations(edges, count)
