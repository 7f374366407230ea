"""What somebody gets who makes one mistake: the key's own reverse pass, with one edit at one edge.

The edits are few and know no network: a step left out, taken twice, or its function taken for its derivative; an
operand replaced (transposed, before its activation, another tensor of that shape, after the update); a path dropped,
negated, multiplied; a sum left out or taken along another axis; a product taken entry by entry.  An op takes part by
what it declares (pointwise, broadcasts, axes); none is named here but where a mistake is about that op alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.tasks.grading import contributions as made
from backprop_cli.tasks.grading.around import Build, Candidate
from backprop_cli.tasks.grading.chain import Edge
from backprop_cli.tasks.grading.operands import View
from backprop_cli.tasks.grading.passing import PRODUCTS, Passing

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

MAX_DIAGONAL = 64
"""Entries up to which the diagonal of a Jacobian is worked out."""

MAX_PATHS = 5
"""Paths up to which every choice of some of them is tried."""

MAX_FAR = 300
"""Nodes of a graph up to which a mistake is looked for further up than the last step."""

MULTIPLES = (
    (-1.0, "sign", "has the wrong sign"), (2.0, "factor_2", "is there twice"), (0.5, "factor_2", "is there by half"),
)  # fmt: skip
"""What one of several paths may be multiplied by."""

NO_EFFECT = frozenset({"add", "identity"})
"""Ops whose local derivative is 1: nothing to forget."""


class Dropped(Passing):
    """The candidates for one node's gradient."""

    def dropped(self) -> Iterator[Candidate]:
        """What the last step may lack or have twice: a derivative, a path, a sum."""
        for edge in self.local:
            yield from self._steps(edge, self.cone)
        yield from self._everywhere()
        yield from self._targets()
        for edge in self.local:
            yield from self._terms(edge)
        yield from self._paths()
        yield from self._sums()
        for edge in self.local:
            yield from self._axes(edge)
            yield from self._transposed(edge)
            yield from self._products(edge)
            yield from self._flips(edge)
            yield from self._own(edge)
        yield from self._passed_by()
        yield from self._last()

    def far(self) -> Iterator[Candidate]:
        """A step or a path left out further up."""
        if len(self.graph.nodes) > MAX_FAR:
            return
        beyond = self.chain.beyond(self.index)
        near = set(map(id, self.local))
        for edge in (edge for one in reversed(beyond) for edge in self.chain.into.get(one, ()) if id(edge) not in near):
            yield from self._steps(edge, beyond)
            yield from self._terms(edge, beyond)
            if len(self.chain.into[edge.operand]) > 1:
                where = self.words.path(edge)
                told = f"{where} is missing; paths add up"
                yield Candidate("path_missing", told, self._with(edge, made.nothing, beyond))

    # steps ───────────────────────────────────────────────────────────────────────────────────────

    def _steps(self, edge: Edge, cone: Sequence[int]) -> Iterator[Candidate]:
        op = edge.user.op
        if op is None:
            return
        if op.name in NO_EFFECT or not self._same_shape(edge):
            yield from self._alone(edge, cone)
            return
        told, step = self.words.factor(edge), self.words.called(edge.user)
        if op.name in {"negative", "subtract"}:
            yield Candidate("sign", f"a sign is lost at {step}", self._with(edge, made.skip, cone))
            return
        yield Candidate(self.words.skipped(edge), f"{told} is missing", self._with(edge, made.skip, cone))
        yield from self._alone(edge, cone)
        yield Candidate(self.words.twice(edge), f"{told} is there twice",
                        self._with(edge, partial(made.twice, edge), cone))  # fmt: skip
        if len(edge.user.inputs) == 1:
            told = f"{edge.user.op.name} itself stands where its derivative belongs, at {step}" if edge.user.op else ""
            yield Candidate("activation_for_derivative", told, self._with(edge, made.function, cone))
        if not op.pointwise:
            yield from self._diagonal(edge, cone)

    def _alone(self, edge: Edge, cone: Sequence[int]) -> Iterator[Candidate]:
        """The local derivative without what arrives from above."""
        if cone is self.cone:
            told = "it is the local derivative alone: the gradient that arrives from above is missing"
            yield Candidate("local_only", told, self._with(edge, partial(made.seeded, edge)))

    def _everywhere(self) -> Iterator[Candidate]:
        """The same mistake at every use of a function in the step: at both logarithms of an entropy."""
        groups: dict[str, list[Edge]] = {}
        for edge in self.local:
            if edge.user.op is not None and edge.user.op.name not in NO_EFFECT and self._same_shape(edge):
                groups.setdefault(edge.user.op.name, []).append(edge)
        for edges in groups.values():
            told = f"the local derivative of {self.words.called(edges[0].user)}"
            if len(edges) > 1 and len(edges[0].user.inputs) == 1:
                everywhere: tuple[tuple[Build, str, str], ...] = (
                    (made.skip, self.words.skipped(edges[0]), f"{told} is missing, at every use"),
                    (made.function, "activation_for_derivative", f"the function itself stands for {told}"),
                )
                for build, key, words in everywhere:
                    yield Candidate(key, words, partial(self._around, dict.fromkeys(edges, build), self.cone))

    def _diagonal(self, edge: Edge, cone: Sequence[int]) -> Iterator[Candidate]:
        """The diagonal of a Jacobian for the whole of it, and once too often."""
        if edge.user.op is None or np.prod(edge.user.shape, dtype=int) > MAX_DIAGONAL or len(edge.user.inputs) != 1:
            return
        step, op = self.words.called(edge.user), edge.user.op
        key = "softmax_diagonal_only" if op.sums_to_one or "softmax" in op.name else "path_missing"
        told = f"only the diagonal of the Jacobian of {step} is used; every entry depends on the others of its row"
        yield Candidate(key, told, self._with(edge, partial(made.diagonal, edge), cone))
        yield Candidate("step_twice", f"the derivative of {step} is there twice",
                        self._with(edge, partial(made.diagonal_too, edge), cone))  # fmt: skip
        for key, words, wrong in made.SOFTMAX if op.sums_to_one and cone is self.cone else ():
            told = f"{words}, in the derivative of {step}"
            axis = edge.user.parameters.get("axis", -1)
            yield Candidate(key, told, self._with(edge, partial(made.normalised, wrong, axis)))

    # paths ───────────────────────────────────────────────────────────────────────────────────────

    def _paths(self) -> Iterator[Candidate]:
        """Some of several paths missing, negated, doubled, with a size too many; a path is all ways through a user."""
        for one in self.cone:
            users: dict[int, list[Edge]] = {}
            for edge in self.chain.into.get(one, ()):
                users.setdefault(edge.user.index, []).append(edge)
            groups = list(users.values())
            for chosen in _choices(groups):
                yield from self._lost(chosen)
            for group in groups if len(groups) > 1 else ():
                yield from self._multiples(group)
            edges = self.chain.into.get(one, ())
            for edge in edges if len(edges) > len(groups) else ():
                yield from self._lost(([edge],))
        if len(self.chain.into.get(self.index, ())) > 1:
            yield Candidate("paths_multiplied", f"the paths back to {self.node.name} are multiplied; they add up",
                            self._multiplied)  # fmt: skip

    def _lost(self, chosen: Sequence[list[Edge]]) -> Iterator[Candidate]:
        lost = " and ".join(self.words.path(group[0]) for group in chosen)
        make = partial(self._around, dict.fromkeys((e for group in chosen for e in group), made.nothing), self.cone)
        yield Candidate("path_missing", f"{lost} is missing; paths add up", make)
        if len(self.node.shape) >= 2:
            told = f"{lost} is missing; paths add up; and it is transposed"
            yield Candidate("path_missing", told, partial(made.transpose_of, make))

    def _multiples(self, group: list[Edge]) -> Iterator[Candidate]:
        told = self.words.path(group[0])
        for factor, key, words in MULTIPLES:
            yield Candidate(key, f"{told} {words}", self._times(group, factor))
        for size in self._sizes(group):
            for factor in (float(size), 1.0 / size):
                words = f"{told} has a factor {size} or 1/{size} too many (a sum is no mean)"
                yield Candidate("factor_n", words, self._times(group, factor))
        if len(self.node.shape) >= 2 and len(group) == 1:
            build = partial(made.contribution_transposed, group[0])
            yield Candidate("factor_transposed", f"{told} is transposed", self._with(group[0], build))

    def _times(self, group: list[Edge], factor: float) -> Callable[[View], Array]:
        return partial(self._around, {edge: partial(made.times, edge, factor) for edge in group}, self.cone)

    def _sizes(self, group: list[Edge]) -> set[int]:
        """The sizes of axes that one path may have too many or too few."""
        shapes = [self.node.shape, group[0].user.shape, *(edge.user.shape for edge in self.local)]
        return {int(size) for shape in shapes for size in shape} - {0, 1, 2}

    def _contributions(self, view: View, *, summed: bool = True) -> list[Any]:
        """What each edge brings to the node, before they are added."""
        upstream: dict[int, Any] = dict(enumerate(view.gradients))
        for one in self.cone[:-1]:
            upstream[one] = self.chain.sum_at(one, view.values, upstream)
        found = []
        for edge in self.chain.into.get(self.index, ()):
            raw = edge.rule(upstream[edge.user.index], *edge.arguments(view.values))
            wide = edge.narrow is not None and summed
            found.append(self.chain.meaning.unbroadcast(raw, edge.narrow) if wide and edge.narrow is not None else raw)
        return found

    def _multiplied(self, view: View) -> object:
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

    def _summed(self, axes: tuple[int, ...], keep: bool, view: View) -> object:
        raw = sum(self._contributions(view, summed=False))
        return np.sum(raw, axis=axes, keepdims=keep) if axes else raw

    def _axes(self, edge: Edge) -> Iterator[Candidate]:
        """A static axis taken for another."""
        op, parameters = edge.user.op, edge.user.parameters
        if op is None or not isinstance(parameters.get("axis"), int) or len(edge.user.shape) < 2:
            return
        if op.sums_to_one:
            told = f"the sum in {self.words.called(edge.user)} goes over all entries, not along its axis"
            yield Candidate("wrong_axis", told, self._with(edge, made.over_all))
        for axis in range(len(edge.user.shape)):
            rule = self.chain.meaning.rule(op, edge.position, {**parameters, "axis": axis})
            yield Candidate("wrong_axis", f"{self.words.called(edge.user)} goes along another axis",
                            self._with(edge, partial(made.ruled, rule)))  # fmt: skip

    # products ────────────────────────────────────────────────────────────────────────────────────

    def _transposed(self, edge: Edge) -> Iterator[Candidate]:
        """A factor with a transpose too many or too few; the factors of a product in the other order."""
        for place, operand in enumerate(edge.user.inputs):
            if place != edge.position and len(self.graph.nodes[operand].shape) >= 2:
                told = f"a transpose of {self.words.owner(operand)} is missing, or one too many"
                build = partial(made.operand_transposed, edge, place)
                yield Candidate("factor_transposed", told, self._with(edge, build))
        if edge.user.op is not None and not edge.user.op.pointwise and len(edge.user.shape) >= 2:
            told = f"a transpose is missing, or one too many, on the gradient that arrives at {self.node.name}"
            yield Candidate("factor_transposed", told, self._with(edge, partial(made.upstream_transposed, edge)))

    def _products(self, edge: Edge) -> Iterator[Candidate]:
        if edge.user.op is None or edge.user.op.name not in PRODUCTS:
            return
        where = self.words.called(edge.user)
        told = f"the factors stand in the wrong order, at {where}"
        yield Candidate("product_order", told, self._with(edge, partial(made.swapped, edge)))
        told = f"a matrix product belongs where an elementwise one stands, at {where}"
        for first in (False, True):
            for second in (False, True):
                for axis in (None, 0, 1):
                    build = partial(made.elementwise, edge, first, second, axis)
                    yield Candidate("elementwise_for_matmul", told, self._with(edge, build))

    def _flips(self, edge: Edge) -> Iterator[Candidate]:
        """Convolution for correlation; one window for the sum over all."""
        if edge.user.op is None or "conv" not in edge.user.op.name:
            return
        told = f"something is flipped that must not be, or the reverse, at {self.words.called(edge.user)}"
        for what in ("upstream", "operand", "result"):
            yield Candidate("kernel_not_flipped", told, self._with(edge, partial(made.flipped, edge, what)))
        if edge.position == 1:
            told = f"{self.node.name} is used at every position: the windows add up"
            for corner in np.ndindex(*edge.user.shape[2:]):
                yield Candidate("path_missing", told, self._with(edge, partial(made.window, corner)))

    # terms ───────────────────────────────────────────────────────────────────────────────────────

    def _targets(self) -> Iterator[Candidate]:
        """The term of the target left out of an error such as (p - t)/N, wherever that comes from."""
        for target in self.operands.targets(self.node):
            told = f"a term is missing: where is {target.name} in your answer?"
            for scale in self.operands.scales(self.node):
                yield Candidate("path_missing", told, partial(made.without_target, self.index, target.value, scale))

    def _terms(self, edge: Edge, cone: Sequence[int] | None = None) -> Iterator[Candidate]:
        """One term alone of an operand that is a sum: the target forgotten in an error."""
        for place, operand in enumerate(edge.user.inputs):
            for side in self.operands.sides(self.graph.nodes[operand]):
                mistake, told = side.named(edge.user, self.words, operand)
                yield Candidate(mistake, told, self._with(edge, partial(made.operand, edge, place, side.value), cone))


def _choices(groups: Sequence[list[Edge]]) -> Iterator[tuple[list[Edge], ...]]:
    """What may be left out of several paths: each alone, all but one, and any choice of a few."""
    if len(groups) < 2:
        return
    yield from ((group,) for group in groups)
    counts = range(2, len(groups)) if len(groups) <= MAX_PATHS else (len(groups) - 1,)
    for count in counts:
        yield from combinations(groups, count)
