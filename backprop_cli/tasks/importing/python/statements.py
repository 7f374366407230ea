"""Statements, one function a kind."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.tasks.importing.arrays.asked import truth
from backprop_cli.tasks.importing.arrays.writing import replace_whole
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.library.helpers import helper
from backprop_cli.tasks.importing.library.methods import family_of
from backprop_cli.tasks.importing.networks.tensorflow import Tape
from backprop_cli.tasks.importing.python import contexts
from backprop_cli.tasks.importing.python.loops import loop
from backprop_cli.tasks.importing.python.matching import match_
from backprop_cli.tasks.importing.python.trying import raise_, try_
from backprop_cli.tasks.importing.python.unknown import poison, unknown_block, unknown_object
from backprop_cli.tasks.importing.state.machine import Broken, Continued, Machine, Returned
from backprop_cli.tasks.importing.state.objects import Class, Frame, Function, Instance
from backprop_cli.tasks.importing.state.values import Library, Opaque, Tensor, Unknown, Unread


def execute(machine: Machine, node: ast.stmt) -> None:
    """Read a statement."""
    read: Any = _STATEMENTS.get(type(node), _refused)
    read(machine, node)


def _assign(machine: Machine, node: ast.Assign) -> None:
    if machine.answers is not None:
        machine.answers.begin(node.targets[0])
    if training.is_update(machine, node):
        training.left_out(machine, node)
        return
    value = _attempt(machine, node.value)
    for target in node.targets:
        _bind_attempt(machine, target, value, node)


def _annotated(machine: Machine, node: ast.AnnAssign) -> None:
    if node.value is not None:
        _bind_attempt(machine, node.target, _attempt(machine, node.value), node)


def _attempt(machine: Machine, node: ast.expr) -> object:
    try:
        return machine.value(node)
    except Unread as caught:
        training.note_failed(machine, node, caught.error)
        return Unknown(caught.error)


def _bind_attempt(machine: Machine, target: ast.expr, value: object, node: ast.stmt) -> None:
    try:
        machine.bind(target, value, node)
    except Unread as caught:
        poison(machine, target, caught.error)


def _augmented(machine: Machine, node: ast.AugAssign) -> None:
    if machine.answers is not None:
        machine.answers.begin(node.target, node)
    if training.is_update(machine, node):
        training.left_out(machine, node)
        return
    try:
        old = machine.value(_loaded(node.target))
        value = machine.value(ast.copy_location(ast.BinOp(_loaded(node.target), node.op, node.value), node))
        if isinstance(old, list) and isinstance(value, list):
            old[:] = value
            return
        if isinstance(old, Tensor) and isinstance(value, Tensor) and isinstance(node.target, ast.Name | ast.Attribute):
            if family_of(machine) == "numpy" and machine.record.shape(old, node) == ():  # numpy's scalars do not change
                machine.bind(node.target, value, node)
                return
            base = node.target.id if isinstance(node.target, ast.Name) else node.target.attr
            replace_whole(machine, old, value, base, node)
            return
    except Unread as caught:
        poison(machine, node.target, caught.error)
        return
    _bind_attempt(machine, node.target, value, node)


def _loaded(target: ast.expr) -> ast.expr:
    made: ast.expr = target
    if isinstance(target, ast.Name):
        made = ast.Name(target.id, ast.Load())
    elif isinstance(target, ast.Attribute):
        made = ast.Attribute(target.value, target.attr, ast.Load())
    elif isinstance(target, ast.Subscript):
        made = ast.Subscript(target.value, target.slice, ast.Load())
    return ast.copy_location(made, target)


def _expression(machine: Machine, node: ast.Expr) -> None:
    if isinstance(node.value, ast.Constant):
        return
    try:
        machine.value(node.value)
    except Unread as caught:
        training.note_failed(machine, node.value, caught.error)
        if isinstance(node.value, ast.Call):
            training.note_unread(machine, node, caught.error)
            unknown_object(machine, node.value, caught.error)


def _if(machine: Machine, node: ast.If) -> None:
    try:
        chosen = truth(machine, machine.value(node.test), node.test)
    except Unread as caught:
        unknown_block(machine, [*node.body, *node.orelse], caught.error)
        return
    machine.run(node.body if chosen else node.orelse)


def _function(machine: Machine, node: ast.FunctionDef) -> None:
    found = function_of(machine, node)
    machine.frame.put(node.name, isinstance(found, Function) and helper(found) or found)


def function_of(machine: Machine, node: ast.FunctionDef) -> Any:
    """A `def` as a value."""
    made = Function(node.name, node, machine.frame, defaults_of(machine, node))
    found: Any = made
    for decorator in reversed(node.decorator_list):
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in {"staticmethod", "classmethod", "property", "contextmanager"}:
            made.mark = name
        elif name in {"no_grad", "inference_mode"}:
            made.off = True
        elif name == "setter" and isinstance(first := machine.frame.names.get(node.name), Function):
            first.setter = made
            return first
        elif name not in training.HARMLESS_DECORATORS:
            found = _decorated(machine, decorator, found)
            if found is None:
                made.refused = machine.record.unread(decorator, f"what the decorator {name or '?'} does is not known",
                                                     "import the function without it").error  # fmt: skip
                return made
    return found


def _decorated(machine: Machine, decorator: ast.expr, function: object) -> object:
    """What a decorator makes of a function; None where that is not known."""
    try:
        return machine.called(machine.value(decorator), [function], {}, decorator)
    except Unread:
        return None


def defaults_of(machine: Machine, node: ast.FunctionDef | ast.Lambda) -> dict[str, object]:
    """The default values of a function's arguments."""
    found: dict[str, object] = {}
    arguments = [*node.args.posonlyargs, *node.args.args]
    given = zip(arguments[len(arguments) - len(node.args.defaults) :], node.args.defaults, strict=True)
    pairs = [*given, *((a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d)]
    for argument, default in pairs:
        found[argument.arg] = _attempt(machine, default)
    return found


def _class(machine: Machine, node: ast.ClassDef) -> None:
    bases = tuple(_attempt(machine, base) for base in node.bases)
    frame = Frame(machine.frame, inside=True)
    with machine.within(frame, node):
        machine.run(node.body)
    for value in frame.names.values():
        if isinstance(value, Function):
            value.frame = machine.frame
    machine.frame.put(node.name, Class(node.name, node, bases, frame.names))


def _return(machine: Machine, node: ast.Return) -> None:
    raise Returned(None if node.value is None else _attempt(machine, node.value))


def _with(machine: Machine, node: ast.With) -> None:
    off, taping = 0, 0
    left: list[Instance | contexts.Context] = []
    for item in node.items:
        value = _attempt(machine, item.context_expr)
        taping += isinstance(value, Tape)
        off += isinstance(value, Opaque) and value.what == "no_grad"
        if isinstance(value, Instance) and value.kind.find("__enter__") is not None:
            left.append(value)
            value = machine.called(machine.attribute(value, "__enter__", node), [], {}, node)
        if isinstance(value, contexts.Context):
            left.append(value)
            value = contexts.entered(machine, value, node)
        if item.optional_vars is not None:
            _bind_attempt(machine, item.optional_vars, value, node)
    machine.off, machine.taping = machine.off + off, machine.taping + taping
    try:
        machine.run(node.body)
    finally:
        machine.off, machine.taping = machine.off - off, machine.taping - taping
        for one in reversed(left):
            if isinstance(one, contexts.Context):
                contexts.left(machine, one, node)
                continue
            machine.called(machine.attribute(one, "__exit__", node), [None, None, None], {}, node)


def _import(machine: Machine, node: ast.Import) -> None:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        machine.frame.put(name, Library(alias.name if alias.asname else name))


def _import_from(machine: Machine, node: ast.ImportFrom) -> None:
    for alias in node.names:
        if alias.name != "*":
            machine.frame.put(alias.asname or alias.name, Library(f"{node.module or ''}.{alias.name}"))
            continue
        machine.frame.names.setdefault("*", []).append(node.module or "")


def _scope(machine: Machine, node: ast.Global | ast.Nonlocal) -> None:
    frame = machine.frame
    home = frame
    while home.outer is not None and (isinstance(node, ast.Global) or home is frame):
        home = home.outer
    for name in node.names:
        frame.shared[name] = home


def _delete(machine: Machine, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            machine.frame.names.pop(target.id, None)


def _nothing(machine: Machine, node: ast.stmt) -> None:
    """`pass`, and what says nothing about numbers."""


def _break(machine: Machine, node: ast.Break) -> None:
    raise Broken


def _continue(machine: Machine, node: ast.Continue) -> None:
    raise Continued


def _match(machine: Machine, node: ast.Match) -> None:
    try:
        match_(machine, node)
    except Unread as caught:
        unknown_block(machine, [node], caught.error)


def _refused(machine: Machine, node: ast.stmt) -> None:
    error = machine.record.unread(node, f"a statement of this kind is not read: {type(node).__name__.lower()}").error
    unknown_block(machine, [node], error)


_STATEMENTS: Mapping[type[ast.stmt], Callable[[Machine, Any], None]] = {
    ast.Assign: _assign, ast.AnnAssign: _annotated, ast.AugAssign: _augmented, ast.Expr: _expression, ast.If: _if,
    ast.For: loop, ast.While: loop, ast.FunctionDef: _function, ast.ClassDef: _class, ast.Return: _return,
    ast.With: _with, ast.Try: try_, ast.Import: _import, ast.ImportFrom: _import_from, ast.Global: _scope,
    ast.Nonlocal: _scope, ast.Delete: _delete, ast.Pass: _nothing, ast.Assert: _nothing, ast.Break: _break,
    ast.Continue: _continue, ast.Raise: raise_, ast.Match: _match,
}  # fmt: skip
