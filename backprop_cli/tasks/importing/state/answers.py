"""The answers of a hand-written backward pass, as its lines give them one after another."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.language.expression import Expression
from backprop_cli.language.python.backward import gradient_of
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.state.codes import call, name_of, named
from backprop_cli.tasks.importing.state.objects import Frame
from backprop_cli.tasks.importing.state.record import Record
from backprop_cli.tasks.importing.state.values import Tensor, Unknown, Unread

_RATIO = re.compile(r"^d(?P<of>[^\W\d]\w*?)_?d_?(?P<by>[^\W\d]\w*)$")


@dataclass(eq=False, slots=True)
class Answers:
    """The answers so far, by node."""

    record: Record
    nodes: Mapping[str, Tensor]
    output: str | None = None
    frame: Callable[[], Frame] = Frame
    current: str | None = None
    found: dict[str, tuple[object, ast.AST]] = field(default_factory=dict)
    called: set[str] = field(default_factory=set)

    def begin(self, target: ast.expr, node: ast.AST | None = None) -> None:
        """A line that assigns to a target; `node` where it changes what stands there already."""
        self.current = self.meant(target)
        if self.current in self.found and node is not None:
            self.found[self.current] = (self.found[self.current][0], node)

    def meant(self, target: ast.expr) -> str | None:
        """The node whose gradient a target is called after; None where it is none."""
        while isinstance(target, ast.Subscript) and not isinstance(target.slice, ast.Constant):
            target = target.value
        called = gradient_of(target)
        ratio = _RATIO.match(target.id) if isinstance(target, ast.Name) else None
        if called not in self.nodes and ratio and ratio["of"] == self.output:  # dfdx
            called = ratio["by"]
        return called if called in self.nodes and called not in self.frame().hidden else None

    def other(self, names: Mapping[str, object]) -> frozenset[str]:
        """The arguments of a function that are called as nodes of the key are, and are none of these."""
        return frozenset(name for name, value in names.items() if name in self.nodes and not self._is(name, value))

    def is_other(self, name: str, value: object) -> bool:
        """Whether a name of the key's is given to another of its nodes: `x, w, b = cache` of a later layer."""
        if name not in self.nodes or not isinstance(value, Tensor):
            return False
        return name_of(value.code) not in {None, name}

    def _is(self, name: str, value: object) -> bool:
        return value is self.nodes[name] or isinstance(value, Unknown)

    def taken(self, target: ast.expr, value: object, node: ast.AST) -> object:
        """Note an answer; an object of its own, so that changing it changes nothing else."""
        item = self.meant(target)
        if item is None:
            return value
        whole = isinstance(target, ast.Name | ast.Attribute) or isinstance(getattr(target, "slice", None), ast.Constant)
        if whole and isinstance(value, Tensor) and value.answer != item:
            code = tensor_code_or_none(value)
            value = Tensor(
                code, value.item, value.start, value.kind, value.param, value.grad, None, value.known, answer=item
            )
        if (
            whole
            and item in self.found
            and isinstance(self.found[item][0], Unknown)
            and isinstance(node, ast.AugAssign)
        ):
            value = self.found[item][0]  # what is added to is not known
        if whole:
            self.found[item] = (value, node)
            if isinstance(value, Unknown):  # the lines after it go on from the gradient that it is meant to be
                return Tensor(call("grad", named(item)), known=self.record.shapes[item])
        elif item in self.found:
            self.found[item] = (self.found[item][0], node)
        return value

    def of(self, name: str) -> Tensor | None:
        """The gradient of a node, as an earlier line gave it, or as the key has it."""
        value = self.found[name][0] if name in self.found else None
        if isinstance(value, Unknown):
            raise Unread(value.error)
        if isinstance(value, Tensor):
            return value
        return Tensor(call("grad", named(name)), known=self.record.shapes[name]) if name in self.nodes else None

    def named(self, node: ast.Name) -> Tensor | None:
        """`dout`, where `out` is a node."""
        meant = self.meant(node)
        return None if meant is None else self.of(meant)

    def keyed(self, node: ast.expr) -> Any:
        """`params["W1"]`, `self.W1`: the node; `grads["W1"]`: its gradient."""
        if isinstance(node, ast.Attribute):
            return self.nodes.get(node.attr) if isinstance(node.value, ast.Name) and node.value.id == "self" else None
        key = node.slice.value if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) else None
        if not isinstance(key, str):
            return None
        meant = self.meant(node)
        if meant is not None:
            return self.of(meant) if meant in self.found else None
        return self.nodes.get(key)


def tensor_code_or_none(value: Tensor) -> Expression | None:
    """A value's own code; an earlier answer under another name stands for that one's gradient."""
    return call("grad", named(value.answer)) if value.answer is not None else value.code
