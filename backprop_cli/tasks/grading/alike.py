"""The same mistake at all places that are alike: at every step of a sequence, at every gate, on every path.

Whoever takes σ' for tanh' at one step of a recurrent network does so at all; and whoever forgets the target in an
error carries that on to whatever is worked out from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from backprop_cli.tasks.grading import contributions as made
from backprop_cli.tasks.grading.around import Around, Build, Candidate
from backprop_cli.tasks.grading.chain import Edge
from backprop_cli.tasks.grading.edits import NO_EFFECT


class Alike(Around):
    """The candidates for one node's gradient in which several edges of the last step are done otherwise."""

    def candidates(self) -> Iterator[Candidate]:
        """A rule, a factor or a transpose at every edge of a kind; an error without its target."""
        for edges in self._groups():
            yield from self._factors(edges)
            yield from self._transposes(edges)
            yield from self._rules(edges)
        yield from self._errors()

    def _groups(self) -> Iterator[list[Edge]]:
        """The edges of the last step by their op and the operand's place, where there are several."""
        groups: dict[tuple[str, int], list[Edge]] = {}
        for edge in self.local:
            if edge.user.op is not None and edge.user.op.name not in NO_EFFECT:
                groups.setdefault((edge.user.op.name, edge.position), []).append(edge)
        return (edges for edges in groups.values() if len(edges) > 1)

    def _all(self, edges: Sequence[Edge], build: Callable[[Edge], Build]) -> Callable[..., object]:
        return partial(self._around, {edge: build(edge) for edge in edges}, self.cone)

    def _factors(self, edges: Sequence[Edge]) -> Iterator[Candidate]:
        if all(map(self._same_shape, edges)) and len(edges[0].user.inputs) > 1:
            told = f"{self.words.factor(edges[0])} is missing, and so wherever it comes again"
            yield Candidate(self.words.skipped(edges[0]), told, self._all(edges, lambda _: made.skip))

    def _transposes(self, edges: Sequence[Edge]) -> Iterator[Candidate]:
        place = 1 - edges[0].position
        others = [edge.user.inputs[place] for edge in edges if len(edge.user.inputs) == 2]
        if len(others) == len(edges) and all(len(self.graph.nodes[one].shape) >= 2 for one in others):
            names = ", ".join(dict.fromkeys(self.words.owner(one) for one in others))
            told = f"a transpose is missing, or one too many, of each of {names}"
            yield Candidate("factor_transposed", told,
                            self._all(edges, lambda edge: partial(made.operand_transposed, edge, place)))  # fmt: skip

    def _rules(self, edges: Sequence[Edge]) -> Iterator[Candidate]:
        """The derivative of another function at every use of one."""
        if len(edges[0].user.inputs) != 1 or not all(map(self._same_shape, edges)):
            return
        name = edges[0].user.op.name if edges[0].user.op else ""
        told = f"this is not the derivative of {name}, at {self.words.called(edges[0].user)} and wherever else"
        for factor in self.operands.derivatives:
            for place in (0, 1):
                build = partial(made.factor, factor, place)
                yield Candidate("wrong_rule", told, self._all(edges, lambda _, one=build: one))  # type: ignore[misc]

    def _errors(self) -> Iterator[Candidate]:
        """What comes back to the node from an error that lacks its term of the target."""
        for user in dict.fromkeys(edge.user.index for edge in self.local if not edge.user.anonymous):
            node = self.graph.nodes[user]
            edges = [edge for edge in self.local if edge.user.index == user]
            for target in self.operands.targets(node):
                told = f"a term is missing: where is {target.name} in your answer?"
                for scale in self.operands.scales(node):
                    error = partial(made.without_target, user, target.value, scale)
                    yield Candidate("path_missing", told, self._all(
                        edges, lambda edge, one=error: partial(made.upstream, edge, one)))  # type: ignore[misc]
