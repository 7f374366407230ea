"""A spec's graph: its nodes, where the reverse passes start, which leaves they go to, and its hooks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.engine.graph.assembly import Assembly
from backprop_cli.engine.graph.nodes import Graph, GraphPass, Hook, Node, activity
from backprop_cli.engine.interpret import Scope, Shapes, interpret
from backprop_cli.engine.ops.base import ShapeError, broadcast, show
from backprop_cli.errors import BackpropError, Failures, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape, Spec
from backprop_cli.language.source import BY_PROGRAM, Text, inline
from backprop_cli.language.suggest import suggest
from backprop_cli.records import replace


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
    assembly = Assembly(spec)
    assembly.build()
    if assembly.errors:
        raise _joined(assembly.errors)
    passes = _passes(spec, assembly)
    if assembly.errors:
        raise _joined(assembly.errors)
    names = {name: node.index for name, node in assembly.names.items() if node is not None}
    nodes = tuple(assembly.builder.nodes)
    wrt = _wrt(spec, names)
    hooks = _hooks(spec, assembly, nodes, names)
    active = activity(nodes, wrt, [p.output for p in passes])
    for run in passes:
        if run.output not in active:
            _nothing(spec, nodes, wrt, run)
    return Graph(spec, nodes, names, tuple(passes), wrt, hooks, active, tuple(assembly.builder.warnings))


def _hooks(spec: Spec, assembly: Assembly, nodes: tuple[Node, ...], names: Mapping[str, int]) -> dict[int, Hook]:
    """The hooks by node, each checked.

    Raises:
        SpecError: E011 for a node that is not there, or what is wrong with a hook's expression.
    """
    found: dict[int, Hook] = {}
    for name, (expression, text) in spec.hooks.items():
        if name not in names:
            near = suggest(name, names)
            hint = f"did you mean {near!r}?" if near else None
            raise SpecError("E011", f"a hook on unknown name {name!r}", at=text.place(), hint=hint)
        at = names[name]
        found[at] = Hook(at, expression, _of_shapes(assembly.scope(text), at, nodes, names))
        _check_hook(found[at], nodes, names)
    return found


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


def _passes(spec: Spec, assembly: Assembly) -> list[GraphPass]:
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


def _last(spec: Spec, assembly: Assembly) -> tuple[Node, str] | None:
    if not spec.nodes:
        place = spec.source.place(1, 1)
        raise SpecError(
            "E017", "a spec without nodes has nothing to differentiate", at=place, hint="add a section `nodes:`"
        )
    node = assembly.names[spec.nodes[-1].name]
    return None if node is None else (node, spec.nodes[-1].name)


def _seed(seed: Any, node: Node, name: str, at: Text, assembly: Assembly) -> object:
    """The seed of a pass, checked against the output's shape; None for the 1 of a scalar."""
    if seed is None:
        if math.prod(node.shape) != 1:
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
