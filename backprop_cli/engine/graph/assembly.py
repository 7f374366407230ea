"""A whole spec to a graph: dependency order, passes, seeds, hooks, and every error of it in one go."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.graph.nodes import Graph, GraphPass, Hook, Node, activity
from backprop_cli.engine.interpret import Scope, Shapes, interpret, unknown
from backprop_cli.engine.interpret.scope import no_gradient
from backprop_cli.engine.ops import Op
from backprop_cli.engine.ops.base import ShapeError, broadcast, show
from backprop_cli.errors import TOLD, BackpropError, Failures, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Function, NodeSpec, Shape, Spec
from backprop_cli.language.source import BY_PROGRAM, Text, inline
from backprop_cli.language.suggest import suggest
from backprop_cli.records import replace


class _Assembly:
    """Builds the nodes of a spec in dependency order, collecting every error."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.builder = Builder()
        self.errors: list[BackpropError] = []
        self.names: dict[str, Node | None] = {}  # None: could not be built; its users stay silent
        self.specs = {node.name: node for node in spec.nodes}
        self.known = {*self.specs, *(leaf.name for leaf in spec.leaves)}
        self.custom: dict[str, Op] = {}
        self.parts: dict[str, list[ast.Expression]] = {}  # of expressions that wait for their turn

    def lookup(self, name: str) -> Node | None:
        return self.names.get(name)

    def scope(self, text: Text) -> Scope:
        """What names mean there; all in order, since each node has one: see `records`."""
        spec = self.spec
        return Scope(text, self.lookup, no_gradient, self.every_name, spec.dims, spec.functions, None, self.custom_op,
                     None, "", None)  # fmt: skip

    def every_name(self) -> list[str]:
        """What can be suggested."""
        return [*self.names, *self.specs]

    def custom_op(self, function: Function) -> Op:
        """The op of a user's function with a hand-written gradient, made once."""
        if function.name not in self.custom:
            from backprop_cli.engine.custom import custom_op

            self.custom[function.name] = custom_op(function, self.spec)
        return self.custom[function.name]

    def build(self) -> None:
        for leaf in self.spec.leaves:
            self.names[leaf.name] = self.builder.leaf(leaf)
        for spec in self.ordered():
            self.names[spec.name] = self.node(spec)
            if len(self.errors) > TOLD:  # each looks for the name that was meant among all of them
                return

    def node(self, spec: NodeSpec) -> Node | None:
        scope = self.scope(spec.text)
        missing = list(unknown(self.parts.pop(spec.name), scope, self.known))
        self.errors += missing
        if missing:
            return None
        if self.errors and self.rests_on_errors(spec):
            return None
        self.builder.owner = spec.name
        try:
            return self.builder.name(interpret(spec.expression, scope, self.builder), spec)
        except BackpropError as error:
            self.errors.append(error)
            return None

    def rests_on_errors(self, spec: NodeSpec) -> bool:
        """Whether a node uses one that could not be built."""
        return any(name.name in self.specs and self.names.get(name.name) is None for name in ast.names(spec.expression))

    def ordered(self) -> list[NodeSpec]:
        """The nodes, each after all it uses; a cycle is reported once, with its nodes."""
        done: dict[str, bool] = {}
        order: list[NodeSpec] = []
        for spec in self.spec.nodes:
            self._visit(spec, done, order)
        return order

    def _visit(self, root: NodeSpec, done: dict[str, bool], order: list[NodeSpec]) -> None:
        if root.name in done:
            return
        stack = [(root, self._uses(root))]
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
        parts = self.parts[spec.name] = ast.parts(spec.expression)
        return iter([part for part in parts if type(part) is ast.Name and part.name in self.specs])

    def _cycle(self, path: list[str], name: ast.Name, spec: NodeSpec) -> None:
        ring = [*path[path.index(name.name) :], name.name]
        message = f"{name.name!r} depends on itself" if len(ring) == 2 else f"cycle: {' -> '.join(ring)}"
        self.errors.append(
            SpecError(
                "E013",
                message,
                at=spec.text.place(name.start, name.end),
                hint="a node is computed once, from nodes that do not need it",
            )
        )

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
    return _built(plain(spec))


def plain(spec: Spec, numbered: Callable[[Graph], Any] | None = None) -> Spec:
    """The spec with the gradients that its nodes use as nodes; as it is where they use none.

    The output, where the spec names none, stays the last node written, unless that is no number: then it is what the
    gradients are of.  `numbered` says where the textbook's gradients have no value at the spec's numbers.
    """
    if not spec.functions and not any("grad" in node.text.text for node in spec.nodes):  # as nearly every spec
        return spec
    from backprop_cli.engine.graph.gradients import base_of, expanded, refuse_passes, unfolded, uses_gradients

    spec = unfolded(spec) if spec.functions else spec
    if not uses_gradients(spec):
        return spec
    from backprop_cli.engine.graph.nested import hoisted, with_outer
    from backprop_cli.engine.graph.tracing import unknown

    numbered = numbered or unknown
    refuse_passes(spec)
    spec, outer = hoisted(spec)
    later = [name for one in outer for name in (one.name, one.of)]
    base = _built(base_of(spec, later)) if uses_gradients(spec) else None
    whole = with_outer(spec if base is None else expanded(spec, base, numbered), outer, _built, numbered)
    if base is None or whole.output is not None or whole.backward:
        return whole
    last = replace(whole, output=_named(spec.nodes[-1].name))
    try:
        _built(last)
    except SpecError as error:
        if error.code not in {"E017", "E018"}:
            raise
        return replace(whole, output=_named(base.output_name))
    return last


def _named(name: str) -> tuple[ast.Expression, Text]:
    text = inline(name, BY_PROGRAM)
    return ast.parse(text), text


def _built(spec: Spec) -> Graph:
    """The graph of a spec whose nodes use no gradient."""
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
    hooks = {names[name]: Hook(names[name], expression, _of_shapes(assembly.scope(text), names[name], nodes, names))
             for name, (expression, text) in spec.hooks.items() if _known(name, names, text)}  # fmt: skip
    for hook in hooks.values():
        _check_hook(hook, nodes, names)
    active = activity(nodes, wrt, [p.output for p in passes])
    for run in passes:
        if run.output not in active:
            _nothing(spec, nodes, wrt, run)
    return Graph(spec, nodes, names, tuple(passes), wrt, hooks, active, tuple(assembly.builder.warnings))


def _of_shapes(scope: Scope, at: int, nodes: tuple[Node, ...], names: Mapping[str, int]) -> Scope:
    """The scope of a hook; it knows the names of sizes, which arrays forget."""

    def shape(name: str) -> Shape | None:
        index = at if name == "grad" else names.get(name)
        return None if index is None else nodes[index].shape

    return replace(scope, shapes=shape)


def _check_hook(hook: Hook, nodes: tuple[Node, ...], names: Mapping[str, int]) -> None:
    """What a hook makes of the shapes; its errors are found before anything runs.

    Raises:
        SpecError: an unknown name, or a shape that does not fit the node.
    """
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
        raise SpecError(
            "E011",
            f"a hook on unknown name {name!r}",
            at=text.place(),
            hint=f"did you mean {near!r}?" if near else None,
        )
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
        raise SpecError(
            "E017", "a spec without nodes has nothing to differentiate", at=place, hint="add a section `nodes:`"
        )
    node = assembly.names[spec.nodes[-1].name]
    return None if node is None else (node, spec.nodes[-1].name)


def _seed(seed: Any, node: Node, name: str, at: Text, assembly: _Assembly) -> object:
    """The seed of a pass, checked against the output's shape; None for the 1 of a scalar."""
    if seed is None:
        if math.prod(node.shape) != 1 or len(node.shape) > 0 and math.prod(node.shape) != 1:
            message = (
                f"the output {name!r} has shape {show(node.shape)}; a gradient starts from a scalar or from a seed"
            )
            assembly.errors.append(
                SpecError(
                    "E018",
                    message,
                    at=at.place(),
                    hint="give `grad_output: ones` (or an array of that shape), or make the output a scalar: sum(...)",
                )
            )
        return None
    if not isinstance(seed, str) and not seed.size and 0 in node.shape:
        return "ones"  # of no entries, which a list of nothing says without its other sizes
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
            hint = (
                f"did you mean {near!r}?"
                if near
                else "wrt lists inputs and params; every node on the way has its gradient anyway"
            )
            raise SpecError("E011", f"wrt names {text.text!r}, which is no leaf", at=text.place(), hint=hint)
    return frozenset(names[text.text] for text in spec.wrt)


def _nothing(spec: Spec, nodes: tuple[Node, ...], wrt: frozenset[int], run: GraphPass) -> None:
    leaves = [leaf.name for leaf in spec.leaves]
    at = spec.output[1] if spec.output else spec.nodes[-1].at if spec.nodes else None
    place = at.place() if at else spec.source.place(1, 1)
    if not wrt:
        hint = (
            f"move what should get a gradient from `inputs` to `params`, or ask for it: wrt: [{', '.join(leaves)}]"
            if leaves
            else "a gradient needs a leaf: add `params`"
        )
        raise SpecError("E017", "nothing to differentiate: the spec has no params", at=place, hint=hint)
    asked = ", ".join(nodes[i].name for i in sorted(wrt))
    raise SpecError(
        "E017", f"the output {run.name!r} does not depend on {asked} through anything differentiable", at=place
    )
