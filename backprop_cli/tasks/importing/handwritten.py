"""A hand-written backward pass, read as answers in the language: `dW2 = np.dot(h.T, ds)`, `grads["W1"] += reg * W1`.

The program is read as every program is, with two differences: the nodes of the key are known beforehand, whatever the
program computes for them, and a name that is called after a gradient is an answer.  An answer is written out in the
key's names; where a line uses an earlier answer it says `grad(...)`, so that each line is marked by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping
from contextlib import suppress

from backprop_cli.errors import Place
from backprop_cli.language.python.program import read_program
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass
from backprop_cli.tasks.importing.arrays.tensors import tensor_code
from backprop_cli.tasks.importing.python.rules import RULES
from backprop_cli.tasks.importing.state.answers import Answers
from backprop_cli.tasks.importing.state.codes import named
from backprop_cli.tasks.importing.state.inline import Inline
from backprop_cli.tasks.importing.state.machine import Broken, Continued, Machine, Returned
from backprop_cli.tasks.importing.state.objects import Frame, Function
from backprop_cli.tasks.importing.state.values import Item, Sizes, Tensor, Unknown, Unread


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
    machine = Machine(record, RULES, given={**(sizes or {}), **nodes}, answers=answers)
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
