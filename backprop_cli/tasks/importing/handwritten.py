"""A hand-written backward pass, read as answers in the language: `dW2 = np.dot(h.T, ds)`, `grads["W1"] += reg * W1`.

The program is read as every program is, with two differences: the nodes of the key are known beforehand, whatever the
program computes for them, and a name that is called after a gradient is an answer.  An answer is written out in the
key's names; where a line uses an earlier answer it says `grad(...)`, so that each line is marked by itself.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from backprop_cli.errors import Place
from backprop_cli.language.expression import Expression
from backprop_cli.language.python.backward import gradient_of
from backprop_cli.language.python.program import read_program
from backprop_cli.language.unparse import unparse
from backprop_cli.tasks.importing.codes import call, name_of, named
from backprop_cli.tasks.importing.evaluate import evaluate
from backprop_cli.tasks.importing.inline import Inline
from backprop_cli.tasks.importing.machine import Broken, Continued, Machine, Returned
from backprop_cli.tasks.importing.record import Record
from backprop_cli.tasks.importing.statements import execute
from backprop_cli.tasks.importing.tensors import tensor_code
from backprop_cli.tasks.importing.values import Frame, Function, Item, Sizes, Tensor, Unknown, Unread

_RATIO = re.compile(r"^d(?P<of>[^\W\d]\w*?)_?d_?(?P<by>[^\W\d]\w*)$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program says the gradient of `node` is.

    `code` is an expression of the language in the key's names; None where it could not be read, and `why` says why.
    `place` and `line` are those of the last line that changed it.
    """

    node: str
    code: str | None
    why: str | None
    place: Place
    line: str


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
                code, value.item, value.start, value.kind, value.param, value.grad, False, value.known, answer=item
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


def read_handwritten(
    data: bytes,
    file: str,
    shapes: Mapping[str, Sizes],
    whole: Collection[str] = (),
    output: str | None = None,
    leaves: Collection[str] = (),
    sizes: Mapping[str, int] | None = None,
) -> list[Answer]:  # fmt: skip
    """The answers of a program, in the order of the lines that gave them last.

    Args:
        data: the program; it is parsed and never run.
        file: its name.
        shapes: the nodes and leaves of the key, with their shapes.
        whole: those of them that hold whole numbers: labels, positions.
        output: what is gone back from: `dfdx` is the gradient of x where it is f.
        sizes: the key's named sizes.
        leaves: those that are leaves; the others are computed, in the program as in the key.

    Raises:
        SpecError: the file is no Python, or too large.
    """
    program = read_program(data, file)
    record = Inline(program, computed=frozenset(shapes) - frozenset(leaves))
    nodes: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        kind = "int" if name in whole else "float"
        item = Item(name, name, "leaf", 0, tuple(map(int, shape)), kind=kind)
        record.items[name], record.shapes[name] = item, item.shape
        nodes[name] = Tensor(named(name), item, kind=kind)
    answers = Answers(record, nodes, output)
    machine = Machine(record, evaluate, execute, given={**(sizes or {}), **nodes}, answers=answers)
    answers.frame = lambda: machine.frame
    with suppress(Returned, Broken, Continued):
        machine.run(program.body)
    for value in list(machine.frame.names.values()):
        uncalled = isinstance(value, Function) and value.name not in answers.called
        if uncalled and isinstance(value.node, ast.FunctionDef):
            _body(machine, value, value.node)
    return [_answer(machine, node, *found) for node, found in sorted(answers.found.items(), key=_line)]


def _line(found: tuple[str, tuple[object, ast.AST]]) -> int:
    return getattr(found[1][1], "lineno", 0)


def _body(machine: Machine, function: Function, node: ast.FunctionDef) -> None:
    """Read a function that may be the backward pass itself; its arguments are the key's nodes of those names."""
    unknown = Unknown(machine.record.unread(node, "an argument whose value is not known here").error)
    slots = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    frame = Frame(function.frame, {slot: machine.given.get(slot, unknown) for slot in slots}, inside=True)
    assert machine.answers is not None
    for slot in slots:
        gradient = machine.answers.named(ast.Name(slot, ast.Load()))
        if gradient is not None:
            frame.names[slot] = gradient
    with suppress(Returned, Broken, Continued, Unread), machine.within(frame, node):
        machine.run(node.body)


def _answer(machine: Machine, node: str, value: object, at: ast.AST) -> Answer:
    place = machine.record.program.place(at)
    line = place.source_line.strip()
    assert machine.answers is not None
    machine.answers.current = node
    if isinstance(value, Unknown):
        return Answer(node, None, value.error.message, place, line)
    if not isinstance(value, Tensor):
        return Answer(node, repr(value) if isinstance(value, int | float) else None, "it is no tensor", place, line)
    try:
        return Answer(node, unparse(tensor_code(machine, value, at)), None, place, line)
    except Unread as caught:
        return Answer(node, None, caught.error.message, place, line)
