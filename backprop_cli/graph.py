"""Spec → Graph: nodes in topological order with their shapes, before a single array exists.

An inline expression makes anonymous nodes; equal ones inside a graph are one node (they only ever hold the same
value).  Arithmetic on literals is done here, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Literal

from backprop_cli.errors import BackpropError, Failures, SpecError
from backprop_cli.interpret import Scope, interpret
from backprop_cli.ops import OPS, Op
from backprop_cli.ops.base import ParameterError, ShapeError, broadcast, show
from backprop_cli.spec import expression as ast
from backprop_cli.spec.model import Function, Leaf, NodeSpec, Shape, Size, Spec
from backprop_cli.spec.source import Text
from backprop_cli.spec.suggest import suggest

MAX_RANK = 8
MAX_EXACT_EXPONENT = 10_000
MAX_EXACT_BITS = 1100  # about the range of a float; arithmetic on longer literals is left to the run
MAX_PARAMETER = 2**31

Kind = Literal["input", "param", "node", "constant"]


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One value of the computation.

    `value` holds a constant's exact number (Fraction, Size, float, or None for an operand left out); `label` is
    what people read: the name, or the expression of an anonymous node.
    """

    index: int
    name: str
    kind: Kind
    shape: Shape
    op: Op | None = None
    inputs: tuple[int, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    leaf: Leaf | None = None
    spec: NodeSpec | None = None
    anonymous: bool = False

    @property
    def is_leaf(self) -> bool:
        """Whether it is an input or a param."""
        return self.leaf is not None


@dataclass(frozen=True, slots=True)
class GraphPass:
    """A backward pass: where it starts, what the output is called, and its seed (None: ones of a scalar)."""

    output: int
    name: str
    seed: Any


@dataclass(frozen=True, slots=True)
class Hook:
    """A gradient on its way is replaced by an expression of `grad` and the nodes' values."""

    node: int
    expression: ast.Expression
    scope: Scope


@dataclass(frozen=True, slots=True)
class Graph:
    """A spec as a computation; `nodes` is in topological order and an operand always precedes its users."""

    spec: Spec
    nodes: tuple[Node, ...]
    names: Mapping[str, int]
    passes: tuple[GraphPass, ...]
    wrt: frozenset[int]
    hooks: Mapping[int, Hook]
    active: frozenset[int]

    @property
    def output(self) -> Node:
        """The node the last backward pass starts from."""
        return self.nodes[self.passes[-1].output]

    @property
    def output_name(self) -> str:
        """The output as the user wrote it: `loss`, `p[0]`."""
        return self.passes[-1].name

    def named(self) -> Iterable[Node]:
        """The nodes the user named, in topological order."""
        return (node for node in self.nodes if not node.anonymous and node.kind != "constant")

    def named_inputs(self, node: Node) -> tuple[str, ...]:
        """The named nodes an expression uses, looking through anonymous ones, each once."""
        found: dict[str, None] = {}
        stack = list(reversed(node.inputs))
        while stack:
            operand = self.nodes[stack.pop()]
            if operand.anonymous:
                stack.extend(reversed(operand.inputs))
            elif operand.kind != "constant":
                found[operand.name] = None
        return tuple(found)


class Builder:
    """The meaning 'graph' of the language: applying an op adds a node."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.known: dict[Any, Node] = {}
        self.owner = ""
        self.anonymous_count: dict[str, int] = {}

    def shape(self, value: Node) -> Shape:
        """The shape of a node (None for an operand left out)."""
        return None if value.kind == "constant" and value.value is None else value.shape  # type: ignore[return-value]

    def constant(self, value: Any) -> Node:
        """A literal; equal ones are one node."""
        key = (type(value), value, getattr(value, "name", None)) if value is None or not math.isnan(value) else ("nan",)
        if key not in self.known:
            self.known[key] = self._add(Node(len(self.nodes), "", "constant", (), value=value, anonymous=True))
        return self.known[key]

    def apply(self, op: Op, operands: tuple[Node, ...], parameters: Mapping[str, Any]) -> Node:
        """An anonymous node; equal ones are one node."""
        exact = _exact(op, operands)
        if exact is not None:
            return self.constant(exact)
        checked_range(parameters)
        shape = checked_rank(op.shape(*(self.shape(o) for o in operands), **parameters))
        key = (op.name, id(op), tuple(o.index for o in operands), tuple(parameters.items()))
        if key not in self.known:
            node = Node(len(self.nodes), self._anonymous_name(), "node", shape, op,
                        tuple(o.index for o in operands), parameters, anonymous=True)
            self.known[key] = self._add(node)
        return self.known[key]

    def leaf(self, leaf: Leaf) -> Node:
        """An input or a param."""
        return self._add(Node(len(self.nodes), leaf.name, leaf.kind, leaf.shape, leaf=leaf))

    def name(self, node: Node, spec: NodeSpec) -> Node:
        """Give the last anonymous node the user's name; anything else gets a node of its own."""
        if node.index == len(self.nodes) - 1 and node.anonymous and node.kind == "node":
            self.known = {key: value for key, value in self.known.items() if value is not node} \
                if len(self.known) < 64 else self._forget(node)
            self.nodes[-1] = replace(node, name=spec.name, spec=spec, anonymous=False)
            return self.nodes[-1]
        op = OPS["identity"] if node.op is None or node.kind != "constant" else node.op
        return self._add(Node(len(self.nodes), spec.name, "node", node.shape, op, (node.index,), spec=spec))

    def _forget(self, node: Node) -> dict[Any, Node]:
        assert node.op is not None
        self.known.pop((node.op.name, id(node.op), node.inputs, tuple(node.parameters.items())), None)
        return self.known

    def _add(self, node: Node) -> Node:
        self.nodes.append(node)
        return node

    def _anonymous_name(self) -> str:
        count = self.anonymous_count[self.owner] = self.anonymous_count.get(self.owner, 0) + 1
        return f"{self.owner}.{count}"


def checked_rank(shape: Shape) -> Shape:
    """A shape of at most eight axes."""
    if len(shape) > MAX_RANK:
        raise ShapeError(f"{show(shape)} has {len(shape)} axes; at most {MAX_RANK} are allowed")
    return shape


def checked_range(parameters: Mapping[str, Any]) -> None:
    """Whole numbers that numpy can take: sizes, axes, shifts.

    Raises:
        ParameterError: one is out of range.
    """
    for name, value in parameters.items():
        for one in value if isinstance(value, tuple) else (value,):
            if isinstance(one, int) and abs(one) >= MAX_PARAMETER:
                raise ParameterError(name, f"{name} {str(one)[:40]} is out of range")


def _exact(op: Op, operands: tuple[Node, ...]) -> Fraction | None:
    """Arithmetic on literals, exactly: `1/2`, `-0.5`, `2**10`."""
    values = [o.value for o in operands]
    if not operands or any(o.kind != "constant" or not isinstance(o.value, Fraction) for o in operands):
        return None
    if op.name == "divide" and values[1] == 0 or op.name == "power" and not _small_power(*values):
        return None
    found = _EXACT[op.name](*values) if op.name in _EXACT else None
    return found if found is None or _bits(found) <= MAX_EXACT_BITS else None


def _bits(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def _small_power(base: Fraction, exponent: Fraction) -> bool:
    is_whole, is_defined = exponent.denominator == 1, base != 0 or exponent >= 0
    return is_whole and is_defined and abs(exponent) * _bits(base) <= MAX_EXACT_EXPONENT


_EXACT: Mapping[str, Any] = {
    "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "negative": lambda a: -a, "power": lambda a, b: a ** int(b),
}  # fmt: skip


# ── building ─────────────────────────────────────────────────────────────────────────────────────


class _Assembly:
    """Builds the nodes of a spec in dependency order, collecting every error."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.builder = Builder()
        self.errors: list[BackpropError] = []
        self.names: dict[str, Node | None] = {}  # None: could not be built; its users stay silent
        self.specs = {node.name: node for node in spec.nodes}
        self.custom: dict[str, Op] = {}

    def lookup(self, name: str) -> Node | None:
        return self.names.get(name)

    def scope(self, text: Text) -> Scope:
        return Scope(text, self.lookup, names=lambda: [*self.names, *self.specs], dims=self.spec.dims,
                     functions=self.spec.functions, custom=self.custom_op)

    def custom_op(self, function: Function) -> Op:
        """The op of a user's function with a hand-written gradient, made once."""
        if function.name not in self.custom:
            from backprop_cli.custom import custom_op

            self.custom[function.name] = custom_op(function, self.spec)
        return self.custom[function.name]

    def build(self) -> None:
        for leaf in self.spec.leaves:
            self.names[leaf.name] = self.builder.leaf(leaf)
        for spec in self.ordered():
            self.names[spec.name] = self.node(spec)

    def node(self, spec: NodeSpec) -> Node | None:
        if any(name.name in self.specs and self.names.get(name.name) is None for name in ast.names(spec.expression)):
            return None
        self.builder.owner = spec.name
        try:
            return self.builder.name(interpret(spec.expression, self.scope(spec.text), self.builder), spec)
        except BackpropError as error:
            self.errors.append(error)
            return None

    def ordered(self) -> list[NodeSpec]:
        """The nodes, each after all it uses; a cycle is reported once, with its nodes."""
        done: dict[str, bool] = {}
        order: list[NodeSpec] = []
        for spec in self.spec.nodes:
            self._visit(spec, done, order)
        return order

    def _visit(self, root: NodeSpec, done: dict[str, bool], order: list[NodeSpec]) -> None:
        stack = [(root, self._uses(root))]
        if root.name in done:
            return
        done[root.name] = False
        while stack:
            spec, uses = stack[-1]
            for name in uses:
                if name.name not in done:
                    done[name.name] = False
                    child = self.specs[name.name]
                    stack.append((child, self._uses(child)))
                    break
                if not done[name.name]:
                    self._cycle([s.name for s, _ in stack], name, spec)
            else:
                stack.pop()
                done[spec.name] = True
                order.append(spec)

    def _uses(self, spec: NodeSpec) -> Any:
        return iter([name for name in ast.names(spec.expression) if name.name in self.specs])

    def _cycle(self, path: list[str], name: ast.Name, spec: NodeSpec) -> None:
        ring = [*path[path.index(name.name) :], name.name]
        message = f"{name.name!r} depends on itself" if len(ring) == 2 else f"cycle: {' -> '.join(ring)}"
        self.errors.append(SpecError("E013", message, at=spec.text.place(name.start, name.end),
                                     hint="a node is computed once, from nodes that do not need it"))

    # what the backward pass needs ────────────────────────────────────────────────────────────────

    def output(self, expression: ast.Expression, text: Text) -> tuple[Node, str] | None:
        self.builder.owner = "output"
        try:
            node = interpret(expression, self.scope(text), self.builder)
        except BackpropError as error:
            self.errors.append(error)
            return None
        if isinstance(expression, ast.Name):
            return node, expression.name
        return node, " ".join(text.text.split())


def build(spec: Spec) -> Graph:
    """The graph of a spec.

    Raises:
        SpecError, Failures: unknown names, cycles, shapes that do not fit, nothing to differentiate, ...
    """
    assembly = _Assembly(spec)
    assembly.build()
    if assembly.errors:
        raise _joined(assembly.errors)
    passes = _passes(spec, assembly)
    if assembly.errors:
        raise _joined(assembly.errors)
    names = {name: node.index for name, node in assembly.names.items() if node is not None}
    nodes = tuple(assembly.builder.nodes)
    wrt = _wrt(spec, names)
    hooks = {names[name]: Hook(names[name], expression, assembly.scope(text))
             for name, (expression, text) in spec.hooks.items() if _known(name, names, text)}  # fmt: skip
    for hook in hooks.values():
        _check_hook(hook, nodes, names)
    active = activity(nodes, wrt, [p.output for p in passes])
    for run in passes:
        if run.output not in active:
            _nothing(spec, nodes, wrt, run)
    return Graph(spec, nodes, names, tuple(passes), wrt, hooks, active)


def _check_hook(hook: Hook, nodes: tuple[Node, ...], names: Mapping[str, int]) -> None:
    """What a hook makes of the shapes; its errors are found before anything runs.

    Raises:
        SpecError: an unknown name, or a shape that does not fit the node.
    """
    from backprop_cli.custom import Shapes

    shape = nodes[hook.node].shape
    shapes = {**{name: nodes[index].shape for name, index in names.items()}, "grad": shape}
    found = interpret(hook.expression, replace(hook.scope, lookup=shapes.get, names=lambda: shapes), Shapes())
    try:
        fits = broadcast(found, shape) == shape
    except ShapeError:
        fits = False
    if not fits:
        message = f"the hook gives shape {show(found)}, but {nodes[hook.node].name!r} has {show(shape)}"
        raise SpecError("E014", message, at=hook.scope.text.place())


def _joined(errors: list[BackpropError]) -> BackpropError:
    ordered = sorted(errors, key=lambda e: (e.at.line, e.at.column) if e.at else (0, 0))
    return ordered[0] if len(ordered) == 1 else Failures(ordered)


def _known(name: str, names: Mapping[str, int], text: Text) -> bool:
    if name not in names:
        near = suggest(name, names)
        raise SpecError("E011", f"a hook on unknown name {name!r}", at=text.place(), hint=f"did you mean {near!r}?" if near else None)
    return True


def _passes(spec: Spec, assembly: _Assembly) -> list[GraphPass]:
    found: list[GraphPass] = []
    for one in spec.backward:
        made = assembly.output(one.output, one.output_text)
        if made:
            found.append(GraphPass(made[0].index, made[1], _seed(one.grad_output, *made, one.output_text, assembly)))
    if spec.backward:
        return found
    made = assembly.output(*spec.output) if spec.output else _last(spec, assembly)
    if made:
        at = spec.grad_output_at or (spec.output[1] if spec.output else spec.nodes[-1].at)
        found.append(GraphPass(made[0].index, made[1], _seed(spec.grad_output, *made, at, assembly)))
    return found


def _last(spec: Spec, assembly: _Assembly) -> tuple[Node, str] | None:
    if not spec.nodes:
        place = spec.source.place(1, 1)
        raise SpecError("E017", "a spec without nodes has nothing to differentiate", at=place, hint="add a section `nodes:`")
    node = assembly.names[spec.nodes[-1].name]
    return None if node is None else (node, spec.nodes[-1].name)


def _seed(seed: Any, node: Node, name: str, at: Text, assembly: _Assembly) -> Any:
    """The seed of a pass, checked against the output's shape; None for the 1 of a scalar."""
    if seed is None:
        if math.prod(node.shape) != 1 or len(node.shape) > 0 and math.prod(node.shape) != 1:
            message = f"the output {name!r} has shape {show(node.shape)}; a gradient starts from a scalar or from a seed"
            assembly.errors.append(SpecError("E018", message, at=at.place(),
                                             hint="give `grad_output: ones` (or an array of that shape), or make the output a scalar: sum(...)"))
        return None
    if not isinstance(seed, str) and tuple(seed.shape) not in ((), tuple(node.shape)):
        message = f"grad_output has shape {show(tuple(seed.shape))}, the output {name!r} has {show(node.shape)}"
        assembly.errors.append(SpecError("E014", message, at=at.place()))
    return seed


def _wrt(spec: Spec, names: Mapping[str, int]) -> frozenset[int]:
    """Which leaves to differentiate: the params, unless `wrt` says otherwise."""
    leaves = {leaf.name for leaf in spec.leaves}
    if spec.wrt is None:
        return frozenset(names[leaf.name] for leaf in spec.leaves if leaf.kind == "param")
    if spec.wrt == "all":
        return frozenset(names[leaf.name] for leaf in spec.leaves)
    for text in spec.wrt:
        if text.text not in leaves:
            near = suggest(text.text, leaves)
            hint = f"did you mean {near!r}?" if near else "wrt lists inputs and params; every node on the way has its gradient anyway"
            raise SpecError("E011", f"wrt names {text.text!r}, which is no leaf", at=text.place(), hint=hint)
    return frozenset(names[text.text] for text in spec.wrt)


def activity(nodes: tuple[Node, ...], wrt: frozenset[int], outputs: Iterable[int]) -> frozenset[int]:
    """The nodes with a gradient: something to differentiate lies below, and the output depends on them."""
    below = set(wrt)
    for node in nodes:
        if any(i in below and rule_of(node, p) is not None for p, i in enumerate(node.inputs)):
            below.add(node.index)
    above = set(outputs)
    for node in reversed(nodes):
        if node.index in above:
            above.update(i for p, i in enumerate(node.inputs) if rule_of(node, p) is not None)
    return frozenset(below & above)


def rule_of(node: Node, position: int) -> Any:
    """The derivative rule for an operand of a node; None where it is not differentiable."""
    if node.op is None:
        return None
    return node.op.vjps[0 if node.op.signature.variadic else position]


def _nothing(spec: Spec, nodes: tuple[Node, ...], wrt: frozenset[int], run: GraphPass) -> None:
    leaves = [leaf.name for leaf in spec.leaves]
    at = spec.output[1] if spec.output else spec.nodes[-1].at if spec.nodes else None
    place = at.place() if at else spec.source.place(1, 1)
    if not wrt:
        hint = f"move what should get a gradient from `inputs` to `params`, or ask for it: wrt: [{', '.join(leaves)}]" if leaves else \
            "a gradient needs a leaf: add `params`"
        raise SpecError("E017", "nothing to differentiate: the spec has no params", at=place, hint=hint)
    asked = ", ".join(nodes[i].name for i in sorted(wrt))
    raise SpecError("E017", f"the output {run.name!r} does not depend on {asked} through anything differentiable", at=place)


def _padded(graph: Graph, node: Node) -> int:
    """Entries of the padded copy that windows are taken from."""
    padding = node.parameters.get("padding", 0)
    if not padding or isinstance(padding, str):
        return 0
    shape = graph.nodes[node.inputs[0]].shape
    space = 2 if node.op and "2d" in node.op.name else 1
    each: tuple[int, ...] = padding if isinstance(padding, tuple) else (padding,) * space
    sizes = [int(s) + 2 * p for s, p in zip(shape[-space:], each, strict=False)]
    return math.prod([*map(int, shape[:-space]), *sizes])


def memory_estimate(graph: Graph) -> int:
    """Bytes of all values and gradients together, from the shapes alone."""
    itemsize = 8 if graph.spec.dtype == "float64" else 4
    values = sum(math.prod(map(int, node.shape)) + _padded(graph, node) for node in graph.nodes)
    gradients = sum(math.prod(map(int, graph.nodes[i].shape)) for i in graph.active)
    return itemsize * (values + gradients)


__all__ = ["Builder", "Graph", "GraphPass", "Hook", "Node", "Size", "activity", "build", "memory_estimate", "rule_of"]
