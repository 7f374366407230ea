"""A gradient that passes a step by: taken from further up, or handed on with the wrong factor of a product."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from backprop_cli.tasks.grading import contributions as made
from backprop_cli.tasks.grading.around import Around, Build, Candidate
from backprop_cli.tasks.grading.chain import Chain, Edge
from backprop_cli.tasks.grading.operands import View

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

PRODUCTS = frozenset({"matmul", "outer"})
"""Ops in which two factors meet, axis by axis."""


class Passing(Around):
    """The candidates in which a gradient comes from the wrong place."""

    def _own(self, edge: Edge) -> Iterator[Candidate]:
        """In a product the operand itself where the other one belongs: the gradient of the wrong factor."""
        op = edge.user.op
        if op is not None and len(edge.user.inputs) == 2 and op.name in {*PRODUCTS, "multiply"}:
            told = f"{self.words.owner(edge.operand)} itself stands where the other factor belongs, at "
            build = partial(made.operand, edge, 1 - edge.position, partial(made.value, edge.operand))
            yield Candidate("wrong_operand", told + self.words.called(edge.user), self._with(edge, build))

    def _passed_by(self) -> Iterator[Candidate]:
        """The gradient of a later node for that of the user: the step between them is passed by, on one path or all."""
        edges = [edge for edge in self.local if not edge.user.anonymous]
        later = {edge: self.operands.after(edge.user.index) for edge in edges}
        for edge in edges:
            for step in later[edge]:
                yield self._passing({edge: step})
        if len(edges) > 1 and all(later.values()):
            yield self._passing({edge: steps[0] for edge, steps in later.items()})

    def _passing(self, steps: Mapping[Edge, int]) -> Candidate:
        skipped = ", ".join(dict.fromkeys(self.words.called(self.graph.nodes[step]) for step in steps.values()))
        builds: dict[Edge, Build] = {
            edge: partial(made.upstream, edge, partial(made.gradient, step)) for edge, step in steps.items()}
        return Candidate("step_missing", f"the local derivative of {skipped} is missing",
                         partial(self._around, builds, self.cone))  # fmt: skip

    def _last(self) -> Iterator[Candidate]:
        """What arrives in the last backward pass, before the node's hook and without the passes before it."""
        make = partial(_arriving, self.chain, self.index)
        if self.index in self.graph.hooks:
            yield Candidate("step_missing", f"the hook on {self.node.name} is missing", make)
        elif len(self.graph.passes) > 1 and self.node.is_leaf:
            yield Candidate("path_missing", "a backward pass is missing: the gradients of a leaf add up", make)


def _arriving(chain: Chain, index: int, view: View) -> Array | None:
    return chain.sum_at(index, view.values, view.gradients)
