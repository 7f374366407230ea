"""Where the numbers of a graph are known: whether the textbook's form of a word has no value at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.graph.nodes import Node
from backprop_cli.engine.interpret import evaluate_body
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.ops.words import AROUND, SINGULAR, WORDS


class UnknownError(Exception):
    """A node has no number here."""


class AtHand:
    """The numbers of a graph's nodes, and of those made of them since, as they are asked for."""

    def __init__(self, graph: Graph, values: Sequence[Array]) -> None:
        self.meaning = Numbers(graph)
        self.found: dict[int, Any] = dict(enumerate(values))

    def __call__(self, word: str, operands: Sequence[Node], nodes: Sequence[Node]) -> bool:
        """Whether a word of `SINGULAR` needs its careful form at its operands' numbers, `nodes` being all there are."""
        condition = AROUND.get(word, SINGULAR[word][0])
        named = zip(WORDS[word][0], operands, strict=True)
        try:
            with np.errstate(all="ignore"):
                given = {name: self.number(node, nodes) for name, node in named if re.search(rf"\b{name}\b", condition)}
                return bool(np.any(evaluate_body(condition, given, self.meaning, None)))
        except UnknownError:
            return False

    def number(self, node: Node, nodes: Sequence[Node]) -> Any:
        """A node's number, remembered.

        Raises:
            UnknownError: it rests on a leaf that was made since, such as a tangent.
        """
        if node.index not in self.found:
            if node.kind == "constant":
                self.found[node.index] = self.meaning.constant(node.value)
            elif node.op is None:
                raise UnknownError
            else:
                operands = tuple(self.number(nodes[i], nodes) for i in node.inputs)
                self.found[node.index] = self.meaning.apply(node.op, operands, node.parameters)
        return self.found[node.index]
