"""The nodes of a whole spec in dependency order, and every error of it in one go."""

from __future__ import annotations

from typing import Any

from backprop_cli.engine.graph.builder import Builder
from backprop_cli.engine.graph.nodes import Node
from backprop_cli.engine.interpret import Scope, interpret, unknown
from backprop_cli.engine.interpret.scope import no_gradient
from backprop_cli.engine.ops import Op
from backprop_cli.errors import TOLD, BackpropError, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Function, NodeSpec, Spec
from backprop_cli.language.source import Text


class Assembly:
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
        """The node of a name, once it is built."""
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
        """Build every node; what went wrong stands in `errors`."""
        for leaf in self.spec.leaves:
            self.names[leaf.name] = self.builder.leaf(leaf)
        for spec in self.ordered():
            self.names[spec.name] = self.node(spec)
            if len(self.errors) > TOLD:  # each looks for the name that was meant among all of them
                return

    def node(self, spec: NodeSpec) -> Node | None:
        """A node, of those before it; None where it could not be built."""
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

    def output(self, expression: ast.Expression, text: Text) -> tuple[Node, str] | None:
        """What a backward pass starts from, and its name; an expression is built last, of all nodes."""
        self.builder.owner = "output"
        try:
            node = interpret(expression, self.scope(text), self.builder)
        except BackpropError as error:
            self.errors.append(error)
            return None
        if isinstance(expression, ast.Name):
            return node, expression.name
        return node, " ".join(text.text.split())
