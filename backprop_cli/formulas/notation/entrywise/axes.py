"""Which axes of a spec's tensors are the same axis, so that each has one letter from the first formula to the last.

A sum adds entry by entry: its operands share their axes.  A product of matrices runs over an axis that both factors
have.  Walking all definitions, axes that meet become one; the letter of a named size is that of its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from sympy import Expr

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import Apply, Delta, TensorSymbol, is_one, shape_of
from backprop_cli.formulas.notation.entrywise.meeting import BATCH, RULES, first
from backprop_cli.formulas.notation.entrywise.walker import Axis, Run
from backprop_cli.records import dataclass, field

LETTERS = "ijklmpqrsabcd"
USUAL = {"batch": "n", "samples": "n", "time": "t", "steps": "t", "tokens": "t", "classes": "k"}
"""What a book writes for an axis of that name; for any other its first letter."""


@dataclass(slots=True)
class Axes:
    """The axes of the tensors of a spec; `taken` are names that no letter may be."""

    taken: set[str] = field(default_factory=set)
    of_node: dict[int, Run] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    known: dict[Expr, Run] = field(default_factory=dict)
    letters: dict[int, list[str]] = field(default_factory=dict)  # by axis: its own letter, and more where it is twice
    wanted: dict[int, str] = field(default_factory=dict)  # by axis: what a book calls it
    beside: dict[int, set[int]] = field(default_factory=dict)  # by axis: what it stands in one formula with

    # which are the same ──────────────────────────────────────────────────────────────────────────

    def new(self, size: int) -> Axis:
        """An axis that is like no other yet."""
        if is_one(size):
            return None
        self.parents.append(len(self.parents))
        self.sizes.append(size)
        return len(self.parents) - 1

    def root(self, axis: int) -> int:
        """The axis that stands for all that are the same."""
        while self.parents[axis] != axis:
            self.parents[axis] = axis = self.parents[self.parents[axis]]
        return axis

    def same(self, one: Axis, other: Axis) -> None:
        """Two axes are one; a name that either has stays."""
        if one is None or other is None or int(self.sizes[one]) != int(self.sizes[other]):
            return
        first, second = sorted((self.root(one), self.root(other)))
        if first == second:
            return
        if not getattr(self.sizes[first], "name", None):
            self.sizes[first] = self.sizes[second]
        if second in self.letters:
            self.letters.setdefault(first, self.letters[second])
        if second in self.wanted:
            self.wanted.setdefault(first, self.wanted[second])
        self.parents[second] = first

    def of(self, expr: Expr) -> Run:
        """The axes of an expression."""
        if expr not in self.known:
            self.known[expr] = self._of(expr)
        return self.known[expr]

    def _of(self, expr: Expr) -> Run:
        shape = shape_of(expr)
        if isinstance(expr, TensorSymbol):
            return self.symbol(expr)
        if isinstance(expr, Apply) and not OPS[expr.name].pointwise:
            found = RULES.get(expr.name, first)(self, expr)
            return tuple(self.new(s) if a is None and not is_one(s) else None if is_one(s) else a
                         for a, s in zip(found, shape, strict=True))  # fmt: skip
        return self.merged(expr.args, shape)

    def each(self, exprs: Iterable[Expr]) -> list[Run]:
        """The axes of several."""
        return [self.of(expr) for expr in exprs]

    def symbol(self, expr: TensorSymbol) -> Run:
        """Those of a node; of a δ those of the node whose gradient it is, or of what it stands for."""
        found = self.of_node.get(expr.index, ())
        sizes = [1 if axis is None else int(self.sizes[axis]) for axis in found]
        if sizes == [*map(int, expr.shape)]:
            return found
        return self.of(expr.definition) if isinstance(expr, Delta) else tuple(map(self.new, expr.shape))

    def merged(self, parts: Sequence[Expr], shape: Sequence[int]) -> Run:
        """What meets entry by entry shares its axes, the last with the last."""
        found: list[Axis] = [None] * len(shape)
        for run in self.each(parts):
            for back, axis in enumerate(reversed(run), 1):
                if axis is not None and found[-back] is not None:
                    self.same(axis, found[-back])
                found[-back] = axis if found[-back] is None else found[-back]
        return tuple(found)

    # letters ─────────────────────────────────────────────────────────────────────────────────────

    def choices(self, axis: int) -> Iterator[str]:
        """Letters for an axis, the best first."""
        name = str(getattr(self.sizes[axis], "name", None) or "")
        own = USUAL.get(name.lower(), name[:1].lower()) if name else self.wanted.get(axis, "")
        reserved = {str(getattr(self.sizes[a], "name", None) or "")[:1].lower() for a in self.parents}
        given = {letter for letters in self.letters.values() for letter in letters}
        free = (letter for letter in LETTERS if letter not in reserved and letter not in given)
        numbered = (f"{letter}{n}" for n in range(1, 100) for letter in "ijk")
        found = chain([own] if own.isalpha() else [], free, (a for a in LETTERS if a not in reserved), numbered)
        return (letter for letter in found if letter not in self.taken)

    def letter(self, axis: Axis, size: int, scope: Iterable[str] = ()) -> str:
        """The letter of an axis; another of its own where that is in use."""
        axis = self.new(size) if axis is None else axis
        assert axis is not None
        root, used = self.root(axis), set(scope)
        own = self.letters.setdefault(root, [])
        for letter in own:
            if letter not in used:
                return letter
        near = {a for other in self.beside.get(root, ()) for a in self.letters.get(self.root(other), ())}
        near -= set(own)
        found = next(letter for letter in self.choices(root) if letter not in {*near, *used, *own})
        own.append(found)
        return found

    def index(self, run: Run, shape: Sequence[int]) -> tuple[str, ...]:
        """A letter for each axis of a tensor."""
        found: list[str] = []
        for axis, size in zip(run, shape, strict=True):
            found.append("" if is_one(size) else self.letter(axis, size, found))
        return tuple(found)

    def meet(self, axes: Iterable[Axis]) -> None:
        """What stands in one formula has letters of its own."""
        roots = {self.root(a) for a in axes if a is not None}
        for root in roots:
            self.beside.setdefault(root, set()).update(roots - {root})


def axes_in(graph: Graph, definitions: Mapping[int, Expr]) -> Axes:
    """The axes of a graph's nodes; letters are given from the output back, as the reverse pass meets them."""
    found = Axes({*graph.names, *graph.spec.dims, "e", "π"})
    for node in graph.nodes:
        definition = definitions.get(node.index)
        run = tuple(map(found.new, node.shape)) if definition is None else found.of(definition)
        found.of_node[node.index] = (None,) * (len(node.shape) - len(run)) + run
    for node in graph.nodes:
        found.meet(chain(found.of_node[node.index], *(found.of_node[i] for i in node.inputs)))
    _batches(graph, found)
    used = {i for node in graph.nodes for i in node.inputs}
    for node in sorted(graph.named(), key=lambda n: (n.is_leaf and n.index not in used, -n.index)):
        found.index(found.of_node[node.index], node.shape)
    return found


def _batches(graph: Graph, found: Axes) -> None:
    """The first axis of data that no param has, and no data elsewhere, is the batch."""
    runs = [(node.kind, found.of_node[node.index]) for node in graph.nodes if node.is_leaf]
    others = {found.root(a) for kind, run in runs for a in run[kind != "param" :] if a is not None}
    for kind, run in runs:
        if kind == "input" and len(run) > 1 and run[0] is not None and found.root(run[0]) not in others:
            found.wanted[found.root(run[0])] = BATCH
