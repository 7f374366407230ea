"""Expressions of the program: plain Python values are worked out, tensors become expressions of the language."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping
from typing import Any, Final

from backprop_cli.language.spelling import PLACES
from backprop_cli.tasks.importing.arrays import at
from backprop_cli.tasks.importing.arrays.asked import items_of
from backprop_cli.tasks.importing.library import methods, python_methods
from backprop_cli.tasks.importing.library.builtins import BUILTINS, type_of
from backprop_cli.tasks.importing.networks.tensorflow import Tape, tape_method
from backprop_cli.tasks.importing.python import calls, classes, functions
from backprop_cli.tasks.importing.python.calls import called
from backprop_cli.tasks.importing.python.containers import (
    EXACT,
    comprehension,
    dict_,
    dict_comprehension,
    items_in,
    lambda_,
    lenient,
    text_,
    walrus,
)
from backprop_cli.tasks.importing.python.items import subscript
from backprop_cli.tasks.importing.python.operators import binary_, both_, choice_, compare_, unary_
from backprop_cli.tasks.importing.state.machine import MAX_YIELDED, Enough, Machine
from backprop_cli.tasks.importing.state.objects import Bound, Class, Function, Instance, Layer, Super
from backprop_cli.tasks.importing.state.random_draws import Draws
from backprop_cli.tasks.importing.state.torch_draws import TorchDraws
from backprop_cli.tasks.importing.state.values import (
    At,
    Builtin,
    Draw,
    Handle,
    Library,
    Opaque,
    Pair,
    Tensor,
    Unknown,
    Unread,
    plain,
)

USUAL: Final = {"np": "numpy", "numpy": "numpy", "torch": "torch", "F": "torch.nn.functional", "nn": "torch.nn",
                "math": "math", "tf": "tensorflow"}  # fmt: skip


def evaluate(machine: Machine, node: ast.expr) -> object:
    """The value of an expression.

    Raises:
        Unread: it cannot be read, or depends on what could not.
    """
    machine.step(node)
    read: Any = _EXPRESSIONS.get(type(node), _refused)
    found = read(machine, node)
    return machine.constant(found) if machine.off and isinstance(node, _COMPUTING) else found


def _refused(machine: Machine, node: ast.expr) -> object:
    raise machine.record.unread(node, f"an expression of this kind is not read: {type(node).__name__.lower()}")


def _constant(machine: Machine, node: ast.Constant) -> object:
    if not isinstance(node.value, EXACT):
        raise machine.record.unread(node, "a complex number or `...` stands where a tensor is needed")
    return node.value


def _name(machine: Machine, node: ast.Name) -> object:
    try:
        return machine.frame.find(node.id)
    except KeyError:
        pass
    if node.id in {"__name__", "__file__"}:
        return "__main__"
    if node.id in BUILTINS:
        return Builtin(node.id, BUILTINS[node.id])
    if node.id in machine.given:
        machine.used.add(node.id)
        value = machine.named(machine.given[node.id], node.id, node)
        machine.frame.put(node.id, value)
        return value
    found = machine.answers.named(node) if machine.answers is not None else None
    if found is not None:
        return found
    for module in _starred(machine):
        return Library(f"{module}.{node.id}")
    if node.id in USUAL:
        machine.record.note(node, f"{node.id} is taken for {USUAL[node.id]}, which the program does not import")
        return Library(USUAL[node.id])
    message = f"the name {node.id!r} is not known here"
    hint = f"give it a value: --set {node.id}=..., or a shape: --shape {node.id}=3,4"
    if hasattr(builtins, node.id):
        raise machine.record.unread(node, message, hint)
    raise machine.stopped(node, "NameError", message, hint)


def _starred(machine: Machine) -> list[str]:
    try:
        found: list[str] = machine.frame.find("*")
    except KeyError:
        return []
    return found


# ── attributes, items, calls ─────────────────────────────────────────────────────────────────────


def _attribute(machine: Machine, node: ast.Attribute) -> object:
    if machine.answers is not None and (found := machine.answers.keyed(node)) is not None:
        return found
    owner = machine.value(node.value)
    return attribute(machine, owner, node.attr, node)


def attribute(machine: Machine, owner: object, name: str, node: ast.AST) -> object:
    """An attribute of a value."""
    if name in _EVERY:
        return _EVERY[name](owner)
    if isinstance(owner, Library):
        return calls.library_constant(f"{owner.path}.{name}")
    if isinstance(owner, Tensor):
        return methods.attribute(machine, owner, name, node)
    if isinstance(owner, Instance):
        return _of_instance(machine, owner, name, node)
    if isinstance(owner, Class):
        found = owner.find(name)
        return Builtin(name, lambda m, a, k, n: classes.class_call(m, owner, name, a, k, n)) if found is None else found
    if isinstance(owner, Opaque):
        return owner
    if isinstance(owner, Layer):
        return calls.layer_attribute(machine, owner, name, node)
    if isinstance(owner, Pair) and PLACES.get(name, len(owner)) < len(owner):
        return owner[PLACES[name]]
    if isinstance(owner, Handle):
        return Builtin(name, lambda m, a, k, n: owner.remove() if name == "remove" else None)
    if isinstance(owner, Draws):
        return Builtin(name, lambda m, a, k, n: _drawn(m, owner, name, a, k, n))
    if isinstance(owner, TorchDraws):
        return Builtin(name, lambda m, a, k, n: _seeded(owner, name, a))
    return _of_few(machine, owner, name, node)


def _of_few(machine: Machine, owner: object, name: str, node: ast.AST) -> object:
    if isinstance(owner, Draw):
        return Builtin(name, lambda m, a, k, n: functions.own_draw(m, owner, name, a, n))
    if isinstance(owner, Super):
        return _of_super(machine, owner, name, node)
    if isinstance(owner, At):
        return at.method(machine, owner, name, node)
    if isinstance(owner, Tape):
        return tape_method(machine, name, node)
    return python_methods.python_method(machine, owner, name, node)


_EVERY: Final[Mapping[str, Callable[[object], object]]] = {
    "__class__": type_of, "__name__": lambda owner: getattr(owner, "last", getattr(owner, "name", "")),
}  # fmt: skip
"""What everything of the program has."""


def _drawn(machine: Machine, owner: Draws, name: str, given: list[object], named: dict[str, object],
           node: ast.AST) -> object:  # fmt: skip
    """`rng.normal(size=3)`: what numpy.random does, from this generator's numbers."""
    whole, machine.draws.generator = machine.draws.generator, owner.generator
    try:
        return calls.called(machine, Library(f"numpy.random.{name}"), given, named, node)
    finally:
        owner.generator, machine.draws.generator = machine.draws.generator, whole


def _seeded(owner: TorchDraws, name: str, given: list[object]) -> object:
    """`torch.Generator().manual_seed(0)`."""
    if name == "manual_seed" and given and isinstance(plain(given[0]), int):
        owner.seed(plain(given[0]))
    return owner


def _of_instance(machine: Machine, owner: Instance, name: str, node: ast.AST) -> object:
    if name in {"grad", "backward"} and classes.is_value_class(owner.kind):
        return Opaque("a gradient") if name == "grad" else \
            Builtin(name, lambda m, a, k, n: classes.value_backward(m, owner, n))
    if name in owner.names:
        return owner.names[name]
    found = owner.kind.find(name)
    if isinstance(found, Function):
        return functions.method(machine, found, owner, node)
    if found is not None:
        return found
    return classes.module_method(machine, owner, name, node)


def _of_super(machine: Machine, owner: Super, name: str, node: ast.AST) -> object:
    for base in owner.instance.kind.bases:
        if isinstance(base, Class) and isinstance(found := base.find(name), Function):
            return functions.method(machine, found, owner.instance, node)
    return Builtin(name, lambda m, a, k, n: None)


def _call(machine: Machine, node: ast.Call) -> object:
    if isinstance(node.func, ast.Name) and node.func.id == "super":
        owner = machine.frame.find("self") if "self" in machine.frame.names else None
        return Super(owner) if isinstance(owner, Instance) else None
    function = machine.value(node.func)
    given, named = arguments(machine, node)
    if not isinstance(function, Function | Bound | Class | Instance):
        for one in (*given, *named.values()):
            if isinstance(one, Unknown):
                raise Unread(one.error)
    return called(machine, function, given, named, node)


def _yield(machine: Machine, node: ast.Yield | ast.YieldFrom) -> object:
    found = machine.frame.yielded
    if found is None:
        raise machine.record.unread(node, "a generator without a function is not read", "return a list")
    if isinstance(node, ast.YieldFrom):
        found += items_of(machine, machine.value(node.value), node)
    else:
        found.append(None if node.value is None else lenient(machine, node.value))
    if len(found) >= MAX_YIELDED:
        raise Enough
    return None


def arguments(machine: Machine, node: ast.Call) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a call."""
    given = items_in(machine, node.args)
    named: dict[str, object] = {}
    for one in node.keywords:
        value = lenient(machine, one.value)
        if one.arg is not None:
            named[one.arg] = value
        elif isinstance(value, dict):
            named.update({str(key): inner for key, inner in value.items()})
    return given, named


_EXPRESSIONS: Mapping[type[ast.expr], Callable[[Machine, Any], Any]] = {
    ast.Constant: _constant, ast.Name: _name, ast.BinOp: binary_, ast.UnaryOp: unary_, ast.BoolOp: both_,
    ast.Compare: compare_, ast.IfExp: choice_, ast.List: lambda m, n: items_in(m, n.elts),
    ast.Tuple: lambda m, n: tuple(items_in(m, n.elts)), ast.Set: lambda m, n: items_in(m, n.elts), ast.Dict: dict_,
    ast.ListComp: comprehension, ast.GeneratorExp: comprehension, ast.SetComp: comprehension,
    ast.DictComp: dict_comprehension, ast.Lambda: lambda_, ast.JoinedStr: text_, ast.NamedExpr: walrus,
    ast.Attribute: _attribute, ast.Subscript: subscript, ast.Call: _call, ast.Yield: _yield, ast.YieldFrom: _yield,
}  # fmt: skip
_COMPUTING: Final = (ast.BinOp, ast.UnaryOp, ast.Call)
