"""What a graph takes, in memory and in work: it is gone through once more, with shapes as values.

A rule is run as it is, so the square that it builds on its way is counted where it is built.  What a function takes
inside numpy is declared on the op, beside its forward (`temporary=`, `work=`), and tested against what it does take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

from backprop_cli.engine.graph.nodes import Graph, Node, rule_of
from backprop_cli.engine.interpret import textbook
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.engine.ops.base import ShapeError
from backprop_cli.engine.ops.costs import CALL
from backprop_cli.engine.ops.words import WORDS
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass, field

ITEMSIZE = {"float64": 8, "float32": 4}


def entries_of(shape: Shape) -> int:
    """How many numbers a tensor has."""
    return prod(map(int, shape))


@dataclass(frozen=True, slots=True)
class Cost:
    """How many numbers are made on the way, how many operations make them, and what is read on the way back.

    `ahead` are the operations of the step alone, without its rules.
    """

    entries: int = 0
    work: int = 0
    ahead: int = 0
    reads: frozenset[int] = frozenset()  # what its rules read: 0 its result, then its operands


@dataclass(slots=True)
class Meter:
    """The language on shapes, counted: a meaning, and (as `words`) what a derivative rule is run with.

    Raises:
        ShapeError: at the step that exceeds a limit.
    """

    max_entries: int | None = None
    max_work: int | None = None
    entries: int = 0
    transient: int = 0
    work: int = 0

    @property
    def peak(self) -> int:
        """All results, and what the greediest function makes on its way: that is gone when the next one begins."""
        return self.entries + self.transient

    def constant(self, value: object) -> Any:
        """A literal has no axes."""
        return None if value is None else ()

    def shape(self, value: Shape) -> Shape:
        """The value is its own shape."""
        return value

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Shape:
        """The shape rule of an op; its result and what it takes on the way are counted."""
        shape: Shape = op.shape(*operands, **parameters)
        if OPS.get(op.name) is op:
            self.entries += 0 if op.view else entries_of(shape)
            self.transient = max(self.transient, op.temporary(shape, *operands, **parameters))
            self.work += CALL + op.work(shape, *operands, **parameters)
        else:  # a user's own function
            words = Words(self)
            op.forward(words, *(None if o is None else Sized(words, o) for o in operands), **parameters)
        self._check(op)
        return shape

    def _check(self, op: Op) -> None:
        if self.max_entries is not None and self.peak > self.max_entries:
            raise ShapeError(f"the formula would compute more than {self.max_entries:,} numbers, at {op.name}")
        if self.max_work is not None and self.work > self.max_work:
            raise ShapeError(f"the formula would take more than {self.max_work:,} operations, at {op.name}")


@dataclass(frozen=True, slots=True, eq=False)
class Sized:
    """What a rule sees: a tensor of which only the shape is known."""

    words: Words
    shape: Shape

    def __add__(self, other: Sized | float) -> Sized:
        return self.words.add(self, other)

    def __sub__(self, other: Sized | float) -> Sized:
        return self.words.subtract(self, other)

    def __mul__(self, other: Sized | float) -> Sized:
        return self.words.multiply(self, other)

    def __truediv__(self, other: Sized | float) -> Sized:
        return self.words.divide(self, other)

    def __pow__(self, other: Sized | float) -> Sized:
        return self.words.power(self, other)

    __radd__, __rsub__, __rmul__, __rtruediv__, __rpow__ = __add__, __sub__, __mul__, __truediv__, __pow__

    def __matmul__(self, other: Sized) -> Sized:
        return self.words.matmul(self, other)

    def __neg__(self) -> Sized:
        return self.words.negative(self)

    @property
    def mT(self) -> Sized:  # noqa: N802 (numpy's name)
        """The last two axes swapped: a view."""
        self.words.read.add(self)
        return Sized(self.words, (*self.shape[:-2], self.shape[-1], self.shape[-2]))


@dataclass(slots=True)
class Words:
    """The functions of the language as a rule calls them."""

    meter: Meter
    pi: Sized = field(init=False)
    read: set[object] = field(default_factory=set)  # what was more than asked for its shape

    def __post_init__(self) -> None:
        self.pi = Sized(self, ())

    def __getattr__(self, name: str) -> Callable[..., Sized]:
        return partial(self._word, name)

    def size(self, n: int) -> Sized:
        """A number of entries."""
        return self.pi

    def number(self, value: Any) -> Sized:
        """A literal."""
        return self.pi

    def mask(self, condition: Sized) -> Sized:
        """A comparison is a 0/1 tensor already."""
        return condition

    def is_positive(self, x: Sized, y: Sized) -> Sized:
        """The mask that numbers take from y = relu(x) alone."""
        return self._word("greater", y, 0)

    def gated(self, g: Sized, slope: Sized) -> Sized:
        """Numbers choose at once."""
        return g * slope

    def det_slope(self, y: Sized, x: Sized) -> Sized:
        """What numbers take from the singular vectors, so that it exists for a singular x."""
        return self.matmul(self.svd_u(x), self.svd_vh(x))

    def cofactor_slope(self, g: Sized, y: Sized, x: Sized) -> Sized:
        """The same, twice."""
        return self.matmul(self.matmul(self.svd_u(x), g), self.svd_vh(x))

    def less_share(self, g: Sized, y: Sized, x: Sized, total: Sized, axis: object) -> Sized:
        """What numbers take from y = log_softmax(x) alone."""
        return self._word("exp", y) * (g - total) - g * self._word("expm1", y)

    def _word(self, name: str, *operands: object, **parameters: object) -> Sized:
        self.read.update(operand for operand in operands if isinstance(operand, Sized))
        shapes: list[Any] = [None if o is None else getattr(o, "shape", ()) for o in operands]
        if name in WORDS:
            self.meter.transient = max(self.meter.transient, 3 * sum(map(entries_of, filter(None, shapes))))
            return Sized(self, textbook(name, shapes, parameters, self.meter))
        op = OPS[name]
        return Sized(self, self.meter.apply(op, tuple(shapes), {**op.signature.parameters, **parameters}))


# ── a whole graph ────────────────────────────────────────────────────────────────────────────────


def held(graph: Graph) -> int:
    """Bytes of all values that are no views, and of the gradients of every pass, which are kept to the end."""
    values = sum(entries_of(node.shape) for node in graph.nodes if not _is_seen(graph, node))
    gradients = sum(entries_of(graph.nodes[i].shape) for i in graph.active)
    return ITEMSIZE[graph.spec.dtype] * (values + gradients * max(1, len(graph.passes)))


def _is_seen(graph: Graph, node: Node) -> bool:
    """Whether its value is its operand's memory; one that repeats entries counts, since whoever reads it reads all."""
    if node.op is None or not node.op.view:
        return False
    return entries_of(node.shape) <= entries_of(graph.nodes[node.inputs[0]].shape)


def memory_estimate(graph: Graph, runs: int = 1) -> int:
    """Bytes at the peak: what is held, of so many runs at once, and what the greediest step takes besides."""
    step = max((cost.entries for cost in costs(graph).values()), default=0)
    return nodes_estimate(graph) + runs * held(graph) + ITEMSIZE[graph.spec.dtype] * step


A_NODE = 2_000
"""Bytes that a node takes whatever its shape, as measured: its text, its place in the graph, its step, its result."""


def nodes_estimate(graph: Graph) -> int:
    """Bytes of the graph itself: of a long chain of scalars it is nearly all there is."""
    return A_NODE * len(graph.nodes)


def reverse_estimate(graph: Graph) -> int:
    """Bytes of one reverse pass alone: all its gradients, and what the greediest step takes besides."""
    gradients = sum(entries_of(graph.nodes[i].shape) for i in graph.active)
    step = max((cost.entries for i, cost in costs(graph).items() if i in graph.active and graph.nodes[i].op), default=0)
    return ITEMSIZE[graph.spec.dtype] * (gradients + step)


def work_estimate(graph: Graph) -> int:
    """Operations of the forward pass and of every backward pass, at most."""
    return sum(cost.work for cost in costs(graph).values()) * max(1, len(graph.passes))


def costs(graph: Graph) -> dict[int, Cost]:
    """What each step takes besides its operands, forward or back, by node index; equal steps are looked at once."""
    known: dict[Any, Cost] = {}
    found: dict[int, Cost] = {}
    active = graph.active
    for node in graph.nodes:
        if node.op is None:
            if node.leaf is not None:  # drawn or read as float64, whatever the dtype of the run
                found[node.index] = Cost(entries_of(node.shape) * 8 // ITEMSIZE[graph.spec.dtype])
            continue
        shapes = tuple([_shape(graph, i) for i in node.inputs])
        wanted = tuple(map(active.__contains__, node.inputs if node.index in active else ()))
        key = (id(node.op), shapes, wanted, tuple(node.parameters.items()))
        if key not in known:
            known[key] = _cost(node, shapes, wanted)
        found[node.index] = known[key]
    return found


def _shape(graph: Graph, index: int) -> Shape | None:
    node = graph.nodes[index]
    return None if node.kind == "constant" and node.value is None else node.shape


def _cost(node: Node, shapes: tuple[Shape | None, ...], wanted: tuple[bool, ...]) -> Cost:
    """A step: forward, or all its rules; the larger memory counts, and all the work."""
    assert node.op is not None
    meter = Meter()
    meter.apply(node.op, shapes, node.parameters)
    operations = meter.work
    ahead, meter.entries, meter.transient = meter.peak - entries_of(node.shape), 0, 0
    words = Words(meter)
    operands = [None if shape is None else Sized(words, shape) for shape in shapes]
    result, gradient = Sized(words, node.shape), Sized(words, node.shape)
    for position, asked in enumerate(wanted):
        rule = rule_of(node, position)
        if asked and rule is not None:
            which = (position,) if node.op.signature.variadic else ()
            words.read.add(rule(words, *which, gradient, result, *operands, **node.parameters))
    reads = frozenset(place for place, value in enumerate((result, *operands)) if value in words.read)
    return Cost(max(ahead, meter.peak), meter.work, operations, reads)
