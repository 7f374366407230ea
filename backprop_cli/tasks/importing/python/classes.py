"""Classes of the program: what making an object, calling it and asking it for an attribute gives."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.data.leaves import scalar
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.networks import keras, modules, own_functions
from backprop_cli.tasks.importing.networks.keras_graph import Later, holds_later
from backprop_cli.tasks.importing.networks.walk import copied
from backprop_cli.tasks.importing.python.functions import inline
from backprop_cli.tasks.importing.state.objects import (
    Class,
    Frame,
    Function,
    Instance,
)
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import (
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def instantiate(machine: Machine, kind: Class, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """An object of a class: its `__init__` is read."""
    inside = is_value_class(kind) and _works(machine)
    if is_value_class(kind) and given and is_number(given[0]) and not inside:
        return scalar(given[0], by_class=True)
    made = Instance(kind=kind)
    setup = kind.find("__init__")
    if isinstance(setup, Function):
        ended = inline(machine, setup, [made, *given], named, node)
        if isinstance(ended, Unknown):
            raise Unread(ended.error)
        data = value_in(made)
        if data is not None and data.fresh:
            wanted = bool(plain(made.names.get("requires_grad", True)))
            training.require(machine, data, wanted and not inside, node)
            assert data.start is not None
            data.start.by_class = "requires_grad" not in made.names
    elif fields := kind.fields():
        usual = {name: copied(kind.find(name)) for name in fields if isinstance(kind.find(name), list | dict)}
        made.names.update(usual | dict(zip(fields, given, strict=False)) | named)
        if kind.find("__post_init__") is not None:
            machine.called(machine.attribute(made, "__post_init__", node), [], {}, node)
    elif given or named:
        made.names.update(named)
    return made


def _works(machine: Machine) -> bool:
    """Whether a method of such a class is at work: `other = Tensor(other)` is no leaf of the program."""
    frame: Frame | None = machine.frame
    while frame is not None:
        owner = frame.names.get("self")
        if isinstance(owner, Instance) and is_value_class(owner.kind):
            return True
        frame = frame.caller or frame.outer
    return False


def value_in(owner: Instance) -> Tensor | None:
    """The array that an object stands for which knows how to go backward by itself."""
    if not is_value_class(owner.kind):
        return None
    return next((one for one in owner.names.values() if isinstance(one, Tensor)), None)


def value_backward(machine: Machine, owner: Instance, node: ast.AST) -> object:
    """`loss.backward()` of such an object: from ones, whatever its shape is."""
    data = value_in(owner)
    if data is None:
        raise machine.record.unread(node, "what this goes back from is not known")
    shape = machine.record.shape(data, node)
    return training.backward(machine, data, leaf_of(shape, rule="ones") if shape else None, None, node)


def is_value_class(kind: Class) -> bool:
    """micrograd's Value, or one like it: a scalar or an array that knows how to go backward by itself."""
    setup = kind.find("__init__")
    return "backward" in kind.names and "__mul__" in kind.names and isinstance(setup, Function) and any(
        isinstance(part, ast.Attribute) and part.attr == "grad" for part in ast.walk(setup.node))  # fmt: skip


def call_instance(machine: Machine, owner: Instance, given: list[object], named: dict[str, object],
                  node: ast.AST) -> Any:
    """What an object gives where it is called.

    Raises:
        Unread: its class defines no forward pass.
    """
    if owner.kind.is_keras:
        if holds_later(given):
            return Later(owner, given, named)
        keras.ready(machine, owner, given, node)
    for name in ("__call__", "forward", "call"):
        found = owner.kind.find(name)
        if isinstance(found, Function):
            return inline(machine, found, [owner, *given], named, node)
    raise machine.record.unread(node, f"an object of class {owner.kind.name} is called, which defines no forward")


def module_method(machine: Machine, owner: Instance, name: str, node: ast.AST) -> object:
    """What a class inherits from a library: `model.parameters()`, `model.zero_grad()`, `.to(device)`."""
    if owner.kind.is_keras and (found := keras.method(machine, owner, name)) is not None:
        return found
    if name == "training":
        return owner.training
    if name in modules.MODULE_METHODS:
        return modules.method_of(owner, name)
    message = f"an object of class {owner.kind.name} has no attribute {name!r}"
    if any(owner.kind.roots()):
        raise machine.record.unread(node, message)
    raise machine.stopped(node, "AttributeError", message)


def class_call(machine: Machine, kind: Class, name: str, given: list[object], named: dict[str, object],
               node: ast.AST) -> object:
    """`MyFunction.apply(x)` of a torch.autograd.Function: its forward pass."""
    if name == "apply":
        return own_functions.apply(machine, kind, [*given, *named.values()], node)
    raise machine.record.unread(node, f"{kind.name} has no {name!r}")
