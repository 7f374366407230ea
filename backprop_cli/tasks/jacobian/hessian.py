"""∂²output/∂leaf² of a spec: the Jacobian of its gradient, which is an expression of the language again.

The numbers are those of the rules, written down as nodes and gone back through once more; the formula is differentiated
from the gradient's own formula, and evaluated against them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.engine.graph import Graph, GraphPass, build
from backprop_cli.engine.graph.gradients import with_gradients
from backprop_cli.errors import SpecError, UsageError
from backprop_cli.formulas.printed import Omitted, PassFormulas, Printed, partial
from backprop_cli.language.model import Spec
from backprop_cli.language.overrides import replace_settings
from backprop_cli.language.source import inline
from backprop_cli.notices import notice
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.at_hand import Numbered
from backprop_cli.tasks.calculate import compute, seed_of
from backprop_cli.tasks.jacobian.jacobian import Wanted, asked_names, between, going_back, seeded, warned, with_formula
from backprop_cli.tasks.jacobian.numbers import Rows, bytes_of, check_size, check_together
from backprop_cli.tasks.jacobian.results import Differentiated
from backprop_cli.tasks.leaves import has_numbers, load_leaves
from backprop_cli.tasks.result import Warned

if TYPE_CHECKING:
    from backprop_cli.formulas.jacobian import Reverse

MOST_BLOCKS, MOST_STEPS = 2000, 200_000
"""Blocks of a Hessian, and steps of all the passes that find them: about five seconds of numbers alone."""

ALTOGETHER = 150_000
"""Terms that the algebra of all blocks may visit, some four seconds: of so many nobody reads the rest, in minutes."""

A_SIGN = 4
"""Terms besides for each sign of a block's entries, as they are laid out in every notation."""

REST_LEFT_OUT = "the formulas take more work than a command is given: the rest are left out; --wrt asks for less"

ZERO = Printed({"text": "0", "code": "0", "latex": "0", "mathml": "<mn>0</mn>", "index": "0"}, 0.0)


def hessians(spec: Spec, wanted: Wanted, vector: str | None = None) -> Iterator[Differentiated]:
    """The second derivatives by each pair of the leaves asked for; with a vector, the product of each Hessian with it.

    Raises:
        SpecError: what is wrong with the spec or the vector; E017 where the output depends on nothing asked for.
        UsageError: E018 for an output that is no number.
    """
    work = Twice.of(spec, wanted, products=vector is not None)
    pairs = [] if vector is not None else list(combinations_with_replacement(work.names, 2))
    if has_numbers(work.graph):
        shapes = [work.shape(*pair) for pair in pairs]
        work.together = sum(bytes_of(work.graph, shape) for shape in shapes)
        for shape in shapes:
            check_size(work.graph, shape, wanted.max_bytes)
        check_together(work.graph, shapes, wanted.max_bytes)
    warnings = work.warned()
    for first, other in pairs:
        yield replace(work.hessian(first, other), warnings=warnings)
    for name in work.names if vector is not None else ():
        yield replace(work.product(name, vector or ""), warnings=warnings)


def scalar_graph(spec: Spec) -> Graph:
    """The graph of a spec whose output is a number.

    Raises:
        UsageError: E018.
    """
    graph = build(seeded(spec))
    if any(int(n) != 1 for n in graph.output.shape):
        shape = tuple(map(int, graph.output.shape))
        raise UsageError("E018", f"a Hessian is of a number, and {graph.output_name!r} has shape {shape}",
                         hint=f"choose an entry: --output '{graph.output_name}[0]'")  # fmt: skip
    return graph


def second(output: str, first: str, other: str) -> str:
    """`∂²loss/∂w²`, `∂²loss/∂w∂b`."""
    top = partial(output, first).removeprefix("∂").rpartition("/∂")[0]
    return f"∂²{top}/∂{first}²" if first == other else f"∂²{top}/∂{first}∂{other}"


@dataclass(frozen=True, slots=True)
class Whole:
    """The graph of a gradient; `rows` are its passes where there are numbers."""

    graph: Graph
    rows: Rows | None


@dataclass(slots=True)
class Twice:
    """A spec that is differentiated twice: `called` says what node of `traced` a gradient is."""

    graph: Graph
    wanted: Wanted
    names: tuple[str, ...]
    traced: Spec
    called: Mapping[str, str]
    numbers: dict[str, Whole | None] = field(default_factory=dict)  # of one leaf at a time
    formulas: dict[str, Whole | None] = field(default_factory=dict)
    reverses: dict[str, Reverse] = field(default_factory=dict)
    first: PassFormulas | None = None  # of the gradients
    taken: int = 0  # terms of the algebra
    together: int = 0  # bytes of all blocks, which whoever asks may keep

    @classmethod
    def of(cls, spec: Spec, wanted: Wanted, *, products: bool = False) -> Twice:
        """The first derivatives, written down; `products` where a vector takes the place of the blocks."""
        graph = scalar_graph(spec)
        names = asked_names(graph, wanted)
        _check_number(graph, len(names), products=products)
        at_hand = Numbered(graph, wanted.max_bytes)
        traced = with_gradients(graph, frozenset(graph.names[name] for name in names), at_hand)
        return cls(graph, wanted, names, *traced)

    def warned(self) -> tuple[Warned, ...]:
        """Where the spec has no first derivative, and so no second one."""
        graph = between(self.graph, self.names)
        numbered = has_numbers(graph)
        return warned(graph, Rows.of(graph, load_leaves(graph, self.wanted.max_bytes)) if numbered else None)

    def hessian(self, first: str, other: str) -> Differentiated:
        """∂²output/∂first∂other."""
        whole, shape = self.traced_back(first), self.shape(first, other)
        if not self.moves(whole, other):
            return self.with_zeros(self.nothing(first, other, shape))
        assert whole is not None
        index, rows = whole.graph.names[other], whole.rows
        value = None if rows is None else rows.jacobian(index, self.wanted.max_bytes, beside=self.together)
        found = replace(self.nothing(first, other, shape), value=value, formula=Omitted("not asked for"))
        return self.with_formula(found, first, other) if self.wanted.formulas else found

    def with_formula(self, found: Differentiated, first: str, other: str) -> Differentiated:
        """With the formula, differentiated from the gradient's."""
        if self.is_long():
            return replace(found, formula=Omitted(f"the blocks before it took long; --wrt {other} asks for less"))
        whole = self.by_formula(first)
        if not self.moves(whole, other):
            return replace(found, formula=ZERO)
        assert whole is not None
        output, names, reverse = self.graph.output_name, self.graph.names, self.reverse(first)
        found = with_formula(found, reverse, whole.rows, whole.graph.names[other], self.wanted.max_bytes,
                             lambda place: place.of_hessian(output, first, other, names))  # fmt: skip
        entries = found.formula["index"] if isinstance(found.formula, Printed) else ""
        self.taken += reverse.taken_since + A_SIGN * len(entries)
        return found

    def is_long(self) -> bool:
        """Whether the formulas took so much that the rest are left out, which is said."""
        if self.taken <= ALTOGETHER:
            return False
        notice(REST_LEFT_OUT)
        return True

    def reverse(self, first: str) -> Reverse:
        """The reverse pass in formulas from a gradient that is not constant, done once."""
        if first not in self.reverses:
            whole = self.by_formula(first)
            assert whole is not None
            run = replace(self.slope(whole), name="gradient")
            self.reverses[first] = going_back(whole.graph, whole.rows, run)()
            self.taken += self.reverses[first].taken
        return self.reverses[first]

    def slope(self, whole: Whole) -> GraphPass:
        """The pass back from a gradient of the output."""
        return replace(whole.graph.passes[0], slope_of=whole.graph.names.get(self.graph.output_name))

    def product(self, name: str, vector: str) -> Differentiated:
        """H · v, by one reverse pass over the gradient."""
        whole = self.traced_back(name, vector)
        found = self.nothing(name, name, self.shape(name))
        found = replace(found, symbol=f"{found.symbol} · v")
        if not self.moves(whole, name):
            return self.with_zeros(found)
        assert whole is not None
        index, value = whole.graph.names[name], None
        if whole.rows is not None:
            value = whole.rows.back(seed_of(whole.graph, whole.graph.passes[0]), index)
        found = replace(found, value=value, formula=Omitted("not asked for"))
        return replace(found, formula=self.product_formula(name)) if self.wanted.formulas else found

    def product_formula(self, name: str) -> Printed | Omitted:
        """H · v with a vector `v`."""
        from backprop_cli.formulas.jacobian import product_formula  # imports sympy

        if self.is_long():
            return Omitted(f"the products before it took long; --wrt {name} asks for less")
        whole = self.by_formula(name)
        if not self.moves(whole, name):
            return ZERO
        assert whole is not None
        reverse = going_back(whole.graph, whole.rows, self.slope(whole))()
        found = product_formula(reverse, whole.graph.names[name])
        self.taken += reverse.taken + (A_SIGN * len(found["text"]) if isinstance(found, Printed) else 0)
        return found

    # ── gradients as graphs ──────────────────────────────────────────────────────────────────────

    def traced_back(self, name: str, vector: str | None = None) -> Whole | None:
        """The graph of a gradient by the rules; None where it is constant."""
        if vector is not None:
            return self.aimed(self.traced, self.called[name], vector)
        if name not in self.numbers:
            self.numbers.clear()  # pairs come by their first: what the one before holds is let go of
            self.numbers[name] = self.aimed(self.traced, self.called[name], moving=self.names[self.names.index(name) :])
        return self.numbers[name]

    def by_formula(self, name: str) -> Whole | None:
        """The graph of a gradient as its formula says it; None where it is constant."""
        if name not in self.formulas:
            self.formulas[name] = self.aimed(*self.gradient(name))
        return self.formulas[name]

    def gradient(self, name: str) -> tuple[Spec, str]:
        """A spec, and the gradient by a leaf as an expression of it: its formula, or the traced node if it has none."""
        graph = self.graph
        if not all(graph.nodes[graph.names[one]].is_leaf for one in self.names):
            return self.traced, self.called[name]  # what is known of a node by its definition is not used
        formula = self.gradients()[graph.names[name]]["nodes"]
        if not isinstance(formula, Printed) or "grad(" in formula.code:
            return self.traced, self.called[name]
        return graph.spec, formula.code  # without a name of its own, so that no formula mentions it

    def gradients(self) -> PassFormulas:
        """The formula of the gradient by each leaf, found once."""
        from backprop_cli.formulas.formulate import formulate  # imports sympy
        from backprop_cli.formulas.symbols import Trial

        if self.first is None:
            graph, moving = self.graph, frozenset(self.graph.names[one] for one in self.names)
            run = compute(graph, load_leaves(graph, self.wanted.max_bytes)) if has_numbers(graph) else None
            trial = None if run is None else Trial(run.values, run.passes)
            _, self.first, _ = formulate(graph, None if run is None else run.values, None, ("nodes",), ("code",),
                                         only=moving, moving=moving, trial=trial)  # fmt: skip
        return self.first

    def aimed(self, spec: Spec, output: str, vector: str | None = None, moving: tuple[str, ...] = ()) -> Whole | None:
        """The graph that goes back from an expression, to the leaves `moving` alone where some are named.

        None where it depends on nothing.

        Raises:
            SpecError: what is wrong with the vector.
        """
        from backprop_cli.tasks.export.prepared import expression_of

        whole = replace(spec, output=expression_of(output), grad_output="ones", grad_output_at=None, wrt="all",
                        hooks={}, backward=())  # fmt: skip
        whole = whole if vector is None else _with_vector(whole, vector)
        try:
            graph = build(whole)
        except SpecError as error:
            if error.code == "E017":
                return None
            raise _said_of_vector(error) if vector is not None else error from None
        graph = between(graph, moving) if moving else graph
        return Whole(graph, Rows.of(graph, load_leaves(graph, self.wanted.max_bytes)) if has_numbers(graph) else None)

    # ── results ──────────────────────────────────────────────────────────────────────────────────

    @staticmethod
    def moves(whole: Whole | None, name: str) -> bool:
        """Whether a gradient depends on a leaf."""
        return whole is not None and whole.graph.names[name] in whole.graph.active

    def shape(self, *names: str) -> tuple[int, ...]:
        """The axes of leaves, one after the other."""
        return tuple(size for name in names for size in self.graph.nodes[self.graph.names[name]].shape)

    def nothing(self, first: str, other: str, shape: tuple[int, ...]) -> Differentiated:
        """What is said of a gradient that is constant in the leaf, but for its numbers."""
        spec = self.graph.spec
        code = f"zeros({shape})" if shape else "0"
        return Differentiated(
            spec.source.file, spec.title, "hessian", second(self.graph.output_name, first, other),
            self.graph.output_name, other, shape, None, Printed({**ZERO, "code": code}, 0.0),
            dims={k: int(v) for k, v in spec.dims.items()}, names=tuple(self.graph.names),
        )  # fmt: skip

    def with_zeros(self, found: Differentiated) -> Differentiated:
        """With zeros for its numbers.

        Raises:
            SpecError: E021 where the leaves have numbers, and these would be too many.
        """
        if has_numbers(self.graph):
            check_size(self.graph, found.shape, self.wanted.max_bytes)
        if bytes_of(self.graph, found.shape) > self.wanted.max_bytes:
            return found
        return replace(found, value=np.zeros(found.shape, dtype=self.graph.spec.dtype)[()])


def _check_number(graph: Graph, leaves: int, *, products: bool) -> None:
    """Refuse a Hessian of so many blocks that nobody reads them, or what takes so many steps that nobody waits.

    Raises:
        UsageError: E022.
    """
    blocks = 0 if products else leaves * (leaves + 1) // 2
    steps, most = leaves * len(graph.nodes), MOST_STEPS // len(graph.nodes)
    if blocks > MOST_BLOCKS:
        found, most = f"have {blocks:,} blocks", min(most, int((2 * MOST_BLOCKS) ** 0.5))
    elif steps > MOST_STEPS:
        found = f"take {steps:,} steps, {len(graph.nodes):,} for each leaf"
    else:
        return
    raise UsageError("E022", f"by {leaves:,} leaves at once it would {found}",
                     hint=f"choose some, of this spec up to {most}: --wrt NAME")  # fmt: skip


def _with_vector(spec: Spec, vector: str) -> Spec:
    try:
        aimed = replace_settings(spec, grad_output=vector)
    except SpecError as error:
        at = error.at and replace(error.at, file="--vector")
        raise SpecError(error.code, _of_vector(error.message), at=at) from None
    seed: Any = aimed.grad_output_at
    source = inline(vector, "--vector").source
    return aimed if seed is None else replace(aimed, grad_output_at=replace(seed, source=source))


def _said_of_vector(error: SpecError) -> SpecError:
    return SpecError(error.code, _of_vector(error.message), at=error.at)


def _of_vector(message: str) -> str:
    said = message.replace("'grad_output'", "the vector").replace("grad_output", "the vector")
    return said.replace("the output", "the gradient")
