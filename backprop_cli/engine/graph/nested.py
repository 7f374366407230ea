"""`grad(sum(u), x)`, `grad(grad(x))`, `grad(sum(grad(x) * v))`: gradients of an expression, as further nodes.

Without a name behind a comma, the gradient of what holds one is by the same x.  What the `grad` is asked of becomes a
node of its own; the gradients of the first order are written down, then those of each such node, from the inside out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from backprop_cli.engine.graph.gradients import Backward, calls, dependents
from backprop_cli.engine.graph.nodes import Graph
from backprop_cli.engine.graph.tracing import AtHand, Numbered
from backprop_cli.engine.graph.writing import Writing
from backprop_cli.errors import Place, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import NodeSpec, Spec
from backprop_cli.language.source import BY_PROGRAM, inline
from backprop_cli.records import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Outer:
    """The gradient of the node `of` by `by`; `name` stands for it until it is a node."""

    of: str
    by: str
    name: str
    at: Place


@dataclass(slots=True)
class _Hoisting:
    """New nodes before the one that is looked at."""

    taken: set[str]
    outer: dict[str, Outer] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)  # what is asked of, by its text: it means the same everywhere

    def node(self, node: NodeSpec) -> list[NodeSpec]:
        """The node, after those that it needs."""
        before: list[NodeSpec] = []
        while (call := self.innermost(node)) is not None:
            inner = call.arguments[0].value
            by = self.asked_by(node, call)
            code, name = node.text.text, self.unique(f"again_{by}")
            text = code[inner.start : inner.end]
            if text not in self.nodes:
                self.nodes[text] = self.unique(f"part_{node.name}")
                before.append(_written(node, self.nodes[text], text))
            self.outer[name] = Outer(self.nodes[text], by, name, node.text.place(call.start, call.end))
            node = _written(node, node.name, code[: call.start] + name + code[call.end :])
        return [*before, node]

    def innermost(self, node: NodeSpec) -> ast.Call | None:
        """The shortest `grad(...)` by a name of its own, or of something that holds a gradient."""
        found = [call for call in calls(node.expression)
                 if _own_name(call) or len(call.arguments) == 1 and self.names_in(call)]  # fmt: skip
        return min(found, key=lambda call: call.end - call.start, default=None)

    def names_in(self, call: ast.Call) -> set[str]:
        """What the gradients within a call are by."""
        inner = call.arguments[0].value
        first = {one.arguments[0].value.name for one in calls(inner) if one is not call
                 and len(one.arguments) == 1 and isinstance(one.arguments[0].value, ast.Name)}  # fmt: skip
        return first | {self.outer[n.name].by for n in ast.names(inner) if n.name in self.outer}

    def asked_by(self, node: NodeSpec, call: ast.Call) -> str:
        if (own := _own_name(call)) is not None:
            return own
        names = sorted(self.names_in(call))
        if len(names) > 1:
            listed = " and ".join(f"grad({name})" for name in names)
            raise SpecError("E015", f"grad(...) of what holds {listed} could be by either",
                            at=node.text.place(call.start, call.end), hint="write one for each")  # fmt: skip
        return names[0]

    def unique(self, wanted: str) -> str:
        names = (wanted, *(f"{wanted}_{k}" for k in range(2, len(self.taken) + 3)))
        name = next(name for name in names if name not in self.taken)
        self.taken.add(name)
        return name


def _own_name(call: ast.Call) -> str | None:
    """The x of `grad(e, x)`."""
    given = [one.value for one in call.arguments if one.keyword is None]
    return given[1].name if len(given) == len(call.arguments) == 2 and isinstance(given[1], ast.Name) else None


def hoisted(spec: Spec) -> tuple[Spec, tuple[Outer, ...]]:
    """The spec without nested gradients, and the gradients that are still to be taken, in their order.

    Raises:
        SpecError: E015 where it is open what an outer gradient is by.
    """
    work = _Hoisting({*(leaf.name for leaf in spec.leaves), *(node.name for node in spec.nodes), *spec.dims})
    nodes = tuple(one for node in spec.nodes for one in work.node(node))
    return replace(spec, nodes=nodes), tuple(work.outer.values())


def with_outer(spec: Spec, outer: tuple[Outer, ...], build: Callable[[Spec], Graph], numbered: Numbered) -> Spec:
    """The spec with a node for each outer gradient, and for those on the way.

    Raises:
        SpecError: E015 for the gradient of what is no number.
    """
    pending = list(outer)
    while pending:
        group = [one for one in pending if one.of == pending[0].of]
        base = _base(spec, group[0], [one.name for one in pending])
        try:
            graph = build(base)
        except SpecError as error:
            if error.code != "E017":
                raise
            for one in group:
                spec = _with(spec, one, f"(0 * {one.by})")
        else:
            spec = _taken(spec, group, graph, numbered(graph))
        pending = [one for one in pending if one.of != group[0].of]
    return spec


def _base(spec: Spec, one: Outer, pending: Iterable[str]) -> Spec:
    """What no gradient that is still to be taken goes into, going back from what this one is of."""
    inside = dependents(spec, pending)
    text = inline(one.of, BY_PROGRAM)
    return replace(spec, nodes=tuple(node for node in spec.nodes if node.name not in inside), wrt="all", hooks={},
                   backward=(), output=(ast.parse(text), text), grad_output="ones", grad_output_at=None)  # fmt: skip


def _taken(spec: Spec, group: list[Outer], graph: Graph, at_hand: AtHand | None) -> Spec:
    """With the gradients of one node, which are 0 where nothing depends on what they are by."""
    shape, first = tuple(map(int, graph.output.shape)), group[0]
    if any(n != 1 for n in shape):
        message = f"what grad(...) is of has shape {shape}, and only a number has a gradient"
        raise SpecError("E015", message, at=first.at,
                        hint=f"sum it; grad(sum(grad({first.by}) * v), {first.by}) is the Hessian times v")  # fmt: skip
    for one in group:
        if one.by not in graph.names:
            raise SpecError("E011", f"grad(..., {one.by}) has no meaning here: {one.by!r} is no leaf or node before it",
                            at=one.at)  # fmt: skip
    writing = Writing(graph, at_hand=at_hand)
    writing.taken.update(node.name for node in spec.nodes)
    work = Backward(writing, frozenset(graph.names[one.by] for one in group))
    work.run()
    for one in group:
        spec = _with(spec, one, work.found.get(one.by, f"(0 * {one.by})"))
    position = max(i for i, node in enumerate(spec.nodes) if node.name in graph.names) + 1
    return replace(spec, nodes=(*spec.nodes[:position], *writing.nodes, *spec.nodes[position:]))


def _with(spec: Spec, one: Outer, code: str) -> Spec:
    """With a gradient's code where it is asked for."""
    return replace(spec, nodes=tuple(_renamed(node, one.name, code) for node in spec.nodes))


def _renamed(node: NodeSpec, old: str, new: str) -> NodeSpec:
    """A node with code in place of a name."""
    code = node.text.text
    for name in sorted((n for n in ast.names(node.expression) if n.name == old), key=lambda n: -n.start):
        code = code[: name.start] + new + code[name.end :]
    return node if code == node.text.text else _written(node, node.name, code)


def _written(node: NodeSpec, name: str, code: str) -> NodeSpec:
    whole = node.text.standing_for(code)
    return replace(node, name=name, expression=ast.parse(whole), text=whole)
