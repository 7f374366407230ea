"""One tensor of the last step replaced by another, its rule by another's, its upstream gradient by another gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING

from backprop_cli.tasks.grading import contributions as made
from backprop_cli.tasks.grading.around import Around, Build, Candidate
from backprop_cli.tasks.grading.chain import Edge
from backprop_cli.tasks.grading.edits import NO_EFFECT
from backprop_cli.tasks.grading.operands import View
from backprop_cli.tasks.grading.passing import PRODUCTS

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

MOST_EXCHANGED = 4
"""Paths up to which every order of their operands is tried."""


class Replaced(Around):
    """The candidates in which something else stands in a place of the last step."""

    def replaced(self) -> Iterator[Candidate]:
        """One tensor of the last step replaced by another, or its rule by another's."""
        for edge in self.local:
            yield from self._other_operands(edge)
        for edge in self.local:
            yield from self._other_quotients(edge)
        yield from self._shifted()
        yield from self._exchanged()
        yield from self._all_before()
        for edge in self.local:
            yield from self._other_upstream(edge)
        for edge in self.local:
            yield from self._other_rules(edge)
        yield from self._parts()
        yield from self._losses()

    def odd(self) -> Iterator[Candidate]:
        """Another tensor in a product, which gives it another shape."""
        for edge in self.local:
            if edge.user.op is None or edge.user.op.name not in PRODUCTS or len(edge.user.inputs) < 2:
                continue
            place = 1 - edge.position if edge.position < 2 else 0
            for other in self.operands.odd(edge.user.inputs[place]):
                mistake, told = other.named(edge.user, self.words, edge.user.inputs[place])
                yield Candidate(mistake, told, self._with(edge, partial(made.operand, edge, place, other.value)))

    def _other_operands(self, edge: Edge) -> Iterator[Candidate]:
        for place, operand in enumerate(edge.user.inputs):
            alone = len(edge.user.inputs) == 1
            if place == edge.position and not alone and edge.user.op is not None and edge.user.op.name != "power":
                continue
            for other in self.operands.instead_of(operand, edge.user.index if alone else None):
                mistake, told = other.named(edge.user, self.words, operand)
                builds = [partial(made.operand, edge, place, other.value)]
                if alone:
                    builds += [partial(made.result, edge, other.value), partial(made.both, edge, place, other.value)]
                for build in builds:
                    yield Candidate(mistake, told, self._with(edge, build))
            if self.graph.nodes[operand].kind == "param":
                told = f"{self.graph.nodes[operand].name} has been updated already: go back through the old one"
                build = partial(made.operand, edge, place, partial(made.updated, operand))
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
                yield Candidate("wrong_rule", told, self._with(edge, partial(made.factor, factor, place)))

    def _other_quotients(self, edge: Edge) -> Iterator[Candidate]:
        """A power, or a quotient by its denominator, gone back through by another rule."""
        op = edge.user.op
        rules = self.operands.rules.get((op.name, edge.position), ()) if op is not None else ()
        told = f"this is not the derivative of {self.words.called(edge.user)}"
        for rule in rules:
            yield Candidate("wrong_rule", told, self._with(edge, partial(made.of_two, rule)))

    def _parts(self) -> Iterator[Candidate]:
        """A factor such as (1 - y) too few or too many, of any tensor of the node's shape."""
        for node in self.operands.like_nodes(self.index):
            for text, factor in self.operands.parts:
                name = text.format(node.name)
                for power, key, words in ((-1, "factor_missing", "missing"), (1, "step_twice", "too many")):
                    told = f"a factor is {words}, made of {name}" if power > 0 else "a factor of the step is missing"
                    yield Candidate(key, told, partial(made.part, self.index, node.index, factor, power))

    def _other_upstream(self, edge: Edge) -> Iterator[Candidate]:
        told = f"another tensor stands where the gradient of {self.words.owner(edge.user.index)} belongs"
        for other in self.operands.like(edge.user.index):
            yield Candidate("wrong_operand", told, self._with(edge, partial(made.upstream, edge, other)))

    def _shifted(self) -> Iterator[Candidate]:
        """Every path with the operand of the step after it, or before it: activations one step too late."""
        edges = [e for e in self.chain.into.get(self.index, ()) if len(e.user.inputs) == 2 and e.user.op is not None]
        others = [edge.user.inputs[1 - edge.position] for edge in edges]
        if len(edges) < 2 or any(self.graph.nodes[i].anonymous for i in others):
            return
        names = ", ".join(self.graph.nodes[i].name for i in others)
        for step in (1, -1):
            for new in self.operands.shifted(others, step):
                told = f"the operands are one step too {'late' if step > 0 else 'early'}: what belongs with {names}?"
                yield Candidate("wrong_operand", told, self._operands(edges, new))

    def _exchanged(self) -> Iterator[Candidate]:
        """The operands of several paths in another order: u with the gradient of q, v with that of p."""
        edges = [e for e in self.chain.into.get(self.index, ()) if len(e.user.inputs) == 2 and e.user.op is not None]
        others = [edge.user.inputs[1 - edge.position] for edge in edges]
        if not 2 <= len(edges) <= MOST_EXCHANGED:
            return
        names = ", ".join(self.words.owner(i) for i in others)
        for order in permutations(others):
            if list(order) != others:
                told = f"the operands of the paths are exchanged: what belongs with {names}?"
                yield Candidate("wrong_operand", told, self._operands(edges, order))

    def _all_before(self) -> Iterator[Candidate]:
        """Every path with the value before an activation for the one after it."""
        edges = [e for e in self.chain.into.get(self.index, ()) if len(e.user.inputs) == 2 and e.user.op is not None]
        nodes = [self.graph.nodes[edge.user.inputs[1 - edge.position]] for edge in edges]
        if len(edges) > 1 and all(len(node.inputs) == 1 for node in nodes):
            told = f"values before an activation stand for those after it, on the way back to {self.node.name}"
            yield Candidate("pre_activation", told, self._operands(edges, [node.inputs[0] for node in nodes]))

    def _operands(self, edges: Sequence[Edge], new: Sequence[int]) -> Callable[[View], Array]:
        builds: dict[Edge, Build] = {
            edge: partial(made.operand, edge, 1 - edge.position, partial(made.value, index))
            for edge, index in zip(edges, new, strict=True)}  # fmt: skip
        return partial(self._around, builds, self.cone)

    def _losses(self) -> Iterator[Candidate]:
        """The derivative of another loss, with the same targets."""
        users = {edge.user.index for edge in self.local}
        if self.graph.output.index not in users:
            return
        told = f"this is the derivative of another loss; look at how {self.graph.output_name} is defined"
        for target in self.operands.targets(self.node):
            for factor in self.operands.losses:
                for scale in self.operands.scales(self.node):
                    yield Candidate("wrong_rule", told, partial(made.loss, self.index, target.value, factor, scale))
