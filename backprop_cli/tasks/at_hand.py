"""The numbers of a spec while its gradients are written down: where the textbook's form has no value at them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop_cli.engine.graph import Graph, Node, plain
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.passes import forward, plan
from backprop_cli.engine.singular import AtHand
from backprop_cli.errors import BackpropError
from backprop_cli.language.model import Spec
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.leaves import DEFAULT_MAX_BYTES, has_numbers, load_leaves


@dataclass(slots=True)
class Numbered:
    """`AtHand` of a graph with numbers, which are found when they are first asked for: few graphs have such a word."""

    graph: Graph
    max_bytes: int = DEFAULT_MAX_BYTES
    found: AtHand | None = field(default=None)

    def __call__(self, word: str, operands: Sequence[Node], nodes: Sequence[Node]) -> bool:
        """Whether a word needs its careful form here; never where the numbers are too many or not to be had."""
        if not has_numbers(self.graph):
            return False
        if self.found is None:
            meaning = Numbers(self.graph)
            try:
                leaves = load_leaves(self.graph, self.max_bytes)
            except BackpropError:  # whoever runs the spec tells it
                return False
            with np.errstate(all="ignore"):
                self.found = AtHand(self.graph, forward(self.graph, plan(self.graph, meaning), meaning, leaves))
        return self.found(word, operands, nodes)


def without_gradients(spec: Spec) -> Spec:
    """With the gradients that nodes use as nodes, which have a value where the gradient has one."""
    return plain(spec, Numbered)
