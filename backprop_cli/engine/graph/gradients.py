"""`grad(w)` in a spec's nodes: the gradient as further nodes, so that every command sees a plain spec.

What `grad(w)` is the gradient *of*: the spec's own output, whatever else is asked for, unless that depends on a
`grad(...)` itself (a penalty on the gradient, an update); then what is asked for, or else the last node written that
does not.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence

from backprop_cli.engine.graph.nodes import Graph, Node
from backprop_cli.engine.graph.tracing import AtHand, Numbered, Traced, reverse
from backprop_cli.engine.graph.writing import LONGEST, Writing
from backprop_cli.errors import Place, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.model import Function, NodeSpec, Spec
from backprop_cli.language.source import Text
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass, field, replace

PREFIX = "grad_"


def calls(expression: ast.Expression) -> list[ast.Call]:
    """Every `grad(...)` of an expression."""
    return [part for part in ast.parts(expression) if isinstance(part, ast.Call) and part.function == "grad"]


def uses_gradients(spec: Spec) -> bool:
    """Whether a node of the spec is made of gradients."""
    return any("grad" in node.text.text and calls(node.expression) for node in spec.nodes)


def unfolded(spec: Spec) -> Spec:
    """The spec with each call of a function whose body uses a gradient written out, where that is asked for a name.

    Raises:
        SpecError: E011 for the gradient of what is no argument.
    """
    using = _using_gradients(spec.functions)
    for name in using:
        _of_arguments(spec.functions[name])
    if not using:
        return spec
    return replace(spec, nodes=tuple(_written_out(node, spec.functions, using) for node in spec.nodes))


def _using_gradients(functions: Mapping[str, Function]) -> set[str]:
    """The functions whose bodies use a gradient, themselves or by a function that they call."""
    called = {
        name: {part.function for part in ast.parts(function.body) if isinstance(part, ast.Call)}
        for name, function in functions.items() if not function.grads
    }  # fmt: skip
    found: set[str] = set()
    while more := {name for name, names in called.items() if names & {"grad", *found}} - found:
        found |= more
    return found


def _of_arguments(function: Function) -> None:
    for call in calls(function.body):
        operand = call.arguments[0].value if len(call.arguments) == 1 else None
        if isinstance(operand, ast.Name) and operand.name not in function.args:
            raise SpecError("E011", f"grad({operand.name}) has no meaning here",
                            at=function.body_text.place(call.start, call.end),
                            hint=f"in the body of {function.name!r} it is the gradient of an argument")  # fmt: skip


def _written_out(node: NodeSpec, functions: Mapping[str, Function], using: Container[str]) -> NodeSpec:
    if not any(isinstance(part, ast.Call) and part.function in using for part in ast.parts(node.expression)):
        return node

    def put_in(part: ast.Expression, values: Mapping[str, ast.Expression]) -> ast.Expression:
        if isinstance(part, ast.Name):
            return values.get(part.name, part)
        part = rebuilt(part, lambda inner: put_in(inner, values))
        if not isinstance(part, ast.Call) or part.function not in using:
            return part
        function = functions[part.function]
        given = dict(zip(function.args, (one.value for one in part.arguments if one.keyword is None), strict=False))
        given |= {one.keyword: one.value for one in part.arguments if one.keyword is not None}
        return put_in(function.body, given) if given.keys() == set(function.args) else part

    whole = node.text.standing_for(unparse(put_in(node.expression, {})))
    return replace(node, expression=ast.parse(whole), text=whole)


def dependents(spec: Spec, names: Iterable[str] = ()) -> set[str]:
    """The nodes that a gradient goes into, and those that one of the names goes into."""
    listed = set(names)
    found = {node.name for node in spec.nodes
             if calls(node.expression) or any(n.name in listed for n in ast.names(node.expression))}  # fmt: skip
    grown = True
    while grown:
        more = {node.name for node in spec.nodes if any(name.name in found for name in ast.names(node.expression))}
        grown = not more <= found
        found |= more
    return found


def refuse_passes(spec: Spec) -> None:
    """Gradients in nodes go with one output.

    Raises:
        SpecError: E015 where there are several passes or hooks.
    """
    if spec.backward or spec.hooks:
        what = "'backward' passes" if spec.backward else "'hooks'"
        raise SpecError("E015", f"grad(...) in a node does not go with {what}", at=_first(spec),
                        hint="choose one `output`")  # fmt: skip


def _first(spec: Spec) -> Place:
    """Where the first gradient stands."""
    node = next(node for node in spec.nodes if calls(node.expression))
    call = calls(node.expression)[0]
    return node.text.place(call.start, call.end)


def base_of(spec: Spec, names: Sequence[str] = ()) -> Spec:
    """The part of a spec without the names that no gradient, and none of these, goes into, back from what `grad` is of.

    Raises:
        SpecError: E011 where nothing is left to differentiate.
    """
    inside = dependents(spec, names)
    nodes = tuple(node for node in spec.nodes if node.name not in inside and node.name not in names)
    if not nodes:
        raise SpecError("E011", "grad(...) needs a node to be the gradient of", at=_first(spec),
                        hint="write the loss as a node of its own, which uses no gradient")  # fmt: skip
    named = (one for one in (spec.own_output, spec.output) if one is not None)
    output = next((one for one in named if not any(n.name in inside for n in ast.names(one[0]))), None)
    return replace(spec, nodes=nodes, output=output, grad_output=None, grad_output_at=None, wrt="all")


def asked(spec: Spec) -> dict[str, tuple[ast.Call, Text]]:
    """The names whose gradient is asked for, each with where it is first.

    Raises:
        SpecError: E015 for anything but the name of one node.
    """
    found: dict[str, tuple[ast.Call, Text]] = {}
    for node in spec.nodes:
        for call in calls(node.expression):
            operand = call.arguments[0].value if len(call.arguments) == 1 else None
            if not isinstance(operand, ast.Name):
                raise SpecError("E015", "grad takes the name of one node", at=node.text.place(call.start, call.end),
                                hint="write grad(y), or grad(sum(u), y): of another number")  # fmt: skip
            found.setdefault(operand.name, (call, node.text))
    return found


def expanded(spec: Spec, graph: Graph, numbered: Numbered) -> Spec:
    """The spec with a node for each gradient it uses, and for those on the way.

    Args:
        spec: with `grad(...)` in its nodes.
        graph: of its `base_of`.
        numbered: where the textbook's derivatives have no value at the numbers that there are.

    Raises:
        SpecError: E014 where the base's output is no number; E011 for a gradient that there is none of.
    """
    wanted = asked(spec)
    for name, (call, text) in wanted.items():
        if name not in graph.names:
            raise SpecError("E011", f"grad({name}) has no meaning here: {graph.output_name!r} does not use {name!r}",
                            at=text.place(call.start, call.end), hint=_other(name))  # fmt: skip
    writing = Writing(graph, at_hand=numbered(graph))
    writing.taken.update(node.name for node in spec.nodes)
    work = Backward(writing, frozenset(graph.names[name] for name in wanted))
    work.run()
    for name, (call, text) in wanted.items():
        if name not in work.found:
            message = f"{graph.output_name!r} does not depend on {name!r} through anything differentiable"
            raise SpecError("E011", message, at=text.place(call.start, call.end), hint=_other(name))
    nodes = tuple(_replaced(node, work.found) for node in spec.nodes)
    position = max(i for i, node in enumerate(spec.nodes) if node.name in graph.names) + 1
    return replace(spec, nodes=(*nodes[:position], *writing.nodes, *nodes[position:]))


def _other(name: str) -> str:
    return f"'output' names what grad(...) is of; grad(y, {name}) is of another number"


def with_gradients(graph: Graph, wanted: frozenset[int],
                   at_hand: AtHand | None = None) -> tuple[Spec, Mapping[str, str]]:  # fmt: skip
    """The spec of a graph whose output is a number, with a node for each gradient that is wanted and those on the way.

    Returns:
        The spec, and what the gradient of a node is called; a node that the output does not depend on has none.
    """
    work = Backward(Writing(graph, at_hand=at_hand), wanted)
    work.run()
    return replace(graph.spec, nodes=(*graph.spec.nodes, *work.writing.nodes)), work.found


@dataclass(slots=True)
class Backward:
    """The gradients while they are written down; `found` maps a node to the name of its gradient."""

    writing: Writing
    wanted: frozenset[int]
    found: dict[str, str] = field(default_factory=dict)

    def run(self) -> None:
        """Go back from the output."""
        graph, words = self.writing.graph, self.writing.words
        output = graph.output
        seed = words.ones(shape=output.shape) if output.shape else words.number(1)
        reverse(words, {output.index: seed}, self.wanted, 0, len(graph.nodes), self.arrive)

    def arrive(self, node: Node, gradient: Traced) -> Traced:
        """A named node's gradient becomes a node, unless it is a number that nobody asked for; any other if long."""
        code = self.writing.code(gradient)
        plain = gradient.node.kind == "constant" or node.anonymous and len(code) <= LONGEST
        if plain and node.index not in self.wanted:
            return gradient
        part = "part_" if node.anonymous else ""
        name = self.writing.unique(f"{PREFIX}{part}{node.name.replace('.', '_')}")
        if not node.anonymous:
            self.found[node.name] = name
        return self.writing.named(name, code, gradient.shape)


def _replaced(node: NodeSpec, names: Mapping[str, str]) -> NodeSpec:
    """A node's expression with the names of gradients in place of the calls."""
    found = calls(node.expression)
    if not found:
        return node
    code = node.text.text
    for call in sorted(found, key=lambda c: -c.start):
        operand = call.arguments[0].value
        assert isinstance(operand, ast.Name)
        code = code[: call.start] + names[operand.name] + code[call.end :]
    whole = node.text.standing_for(code)
    return replace(node, expression=ast.parse(whole), text=whole)
