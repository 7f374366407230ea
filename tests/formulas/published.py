"""The published gradients, as specs of the language with values of the stated kinds."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import Omitted, Printed
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Leaf, NodeSpec, Size, Spec
from backprop_cli.language.source import Source, inline
from backprop_cli.tasks.calculate import compute
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.leaves import load_leaves
from tests import quick_yaml

OUTPUT = "out"

SPELLED = {
    r"\btr\(": "trace(", r"\bmpow\(": "matrix_power(", r"\batan\(": "arctan(", r"\bchol\(": "cholesky(",
    r"\bTrue\b": "true", r"\bFalse\b": "false",
    r"\bhuber\((\w+)\)": r"huber_loss(\1, \1*0, reduction='none')",
    r"\bcorr\((\w+), (\w+)\)": r"reshape(conv1d(reshape(\1, (1, 1, 6)), reshape(\2, (1, 1, 3))), (4,))",
}  # fmt: skip
"""Names of the publications that differ from the language's."""

KINDS: Mapping[str, Callable[[Any], Any]] = {
    "": lambda a: a,
    "pos": lambda a: abs(a) + 0.3,
    "sym": lambda a: a + a.T,
    "spd": lambda a: a @ a.T + np.eye(len(a)),
    "tri": lambda a: np.tril(a) + 2 * np.eye(len(a)),
    "neg": lambda a: -abs(a) - 0.3,
    "onehot": lambda a: np.eye(a.shape[-1])[np.arange(len(a)) % a.shape[-1] if a.ndim > 1 else 1],
    "class2": lambda a: np.arange(len(a)) % 2.0,
    "01": lambda a: (a > 0).astype(float),
    "pm1": lambda a: np.where(a > 0, 1.0, -1.0),
    "unit": lambda a: 1 / (1 + np.exp(-a)),
    "tiny": lambda a: a / 20,
    "prob": lambda a: abs(a) / abs(a).sum(),
    "class3": lambda a: np.arange(len(a)) % 3.0,
}
"""What a variable's values are like."""


@dataclass(frozen=True, eq=False)
class Case:
    """A function, the variable it is differentiated by, and what was published."""

    id: str
    function: str
    wrt: str
    result: str
    values: Mapping[str, Any]

    @property
    def spelled(self) -> str:
        """The function in the language's own names."""
        text = self.function
        for pattern, replacement in SPELLED.items():
            text = re.sub(pattern, replacement, text)
        return text


def value_of(name: str, described: str) -> Any:
    """Values of a shape and kind, the same in every run: '3,3:spd'."""
    sizes, _, kind = described.partition(":")
    shape = tuple(int(size) for size in sizes.split(",") if size.strip())
    drawn = np.random.default_rng(zlib.crc32(name.encode())).normal(size=shape)
    return np.asarray(KINDS[kind](drawn), dtype=float)


def cases(file: str) -> list[Case]:
    """The cases of one file."""
    return [
        Case(c["id"], c["function"], c["wrt"], c["result"],
             {name: value_of(c["id"] + name, described) for name, described in c["variables"].items()})
        for c in quick_yaml.cases(file)
    ]  # fmt: skip


def named_shape(shape: tuple[int, ...], letters: Mapping[int, str]) -> tuple[int, ...]:
    """A shape whose sizes have names."""
    return tuple(Size(n, letters[n]) if n in letters else n for n in shape)


def graph_of(case: Case, nodes: Mapping[str, str], letters: Mapping[int, str] | None = None) -> tuple[Graph, Computed]:
    """The case as a graph with these nodes, run; `letters` names the sizes of axes."""
    letters = letters or {}
    leaves = tuple(
        Leaf(name, "param" if name == case.wrt else "input", named_shape(array.shape, letters),
             lambda array=array: array, inline(name))
        for name, array in case.values.items()
    )  # fmt: skip
    made = tuple(NodeSpec(name, parse(inline(text)), inline(text), inline(name)) for name, text in nodes.items())
    dims = {letter: Size(n, letter) for n, letter in letters.items()}
    graph = build(Spec(Source.of("case", ""), leaves=leaves, nodes=made, dims=dims))
    return graph, compute(graph, load_leaves(graph))


def formulas_of(graph: Graph, computed: Computed) -> Mapping[int, Mapping[str, Printed | Omitted]]:
    """The formulas of every node's gradient, in each of the terms."""
    _, total, _ = formulate(graph, computed.values, computed.passes, ("local", "nodes", "leaves"), ("text", "code"))
    return total
