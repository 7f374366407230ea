"""Calls: what is called, by its kind, and the derivatives that a program asks for."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.data.leaves import scalar
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.library import libraries
from backprop_cli.tasks.importing.networks import modules
from backprop_cli.tasks.importing.networks.hooks import hooked
from backprop_cli.tasks.importing.python.classes import call_instance, instantiate
from backprop_cli.tasks.importing.python.functions import inline
from backprop_cli.tasks.importing.state.nested import each
from backprop_cli.tasks.importing.state.objects import (
    Bound,
    Class,
    Differentiator,
    Function,
    Instance,
    Layer,
    kind_of,
)
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import (
    Builtin,
    Entries,
    Library,
    Opaque,
    Part,
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

CONSTANTS: Final[Mapping[str, float]] = {"pi": math.pi, "e": math.e, "inf": math.inf, "nan": math.nan, "Inf": math.inf,
                                         "infty": math.inf, "NaN": math.nan}  # fmt: skip
MATHS: Final = frozenset({"numpy", "math", "torch", "jax", "autograd", "cupy"})


def library_constant(path: str) -> object:
    """An attribute of a module: a constant, or a name in it."""
    root, _, last = path.rpartition(".")
    return CONSTANTS[last] if last in CONSTANTS and root.partition(".")[0] in MATHS else Library(path)


def called(machine: Machine, function: object, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """What a call gives.

    Raises:
        Unread: what is called is not known, or cannot be read.
    """
    machine.step(node)
    match function:
        case Builtin():
            return function.run(machine, given, named, node)
        case Function():
            return inline(machine, function, given, named, node)
        case Bound():
            return inline(machine, function.function, [function.owner, *given], named, node)
        case Library():
            return libraries.call_library(machine, function, given, named, node)
        case Layer():
            return hooked(machine, function, modules.run_layer, given, named, node)
        case Instance():
            return hooked(machine, function, call_instance, given, named, node)
        case Class():
            return instantiate(machine, function, given, named, node)
        case Differentiator():
            return _differentiated(machine, function, given, named, node)
        case Entries():
            sizes = tensors.dims(machine, function.tensor, node) if function.tensor is not None else ()
            axis = plain(given[0] if given else named.get("dim"))
            return sizes if axis is None else sizes[axis]
        case Opaque():
            return _opaque(machine, function, given, node)
    raise machine.record.unread(node, f"{kind_of(function)} is called")


def _opaque(machine: Machine, function: Opaque, given: list[object], node: ast.AST) -> object:
    """A method of an optimizer, a gradient or a figure."""
    attr = getattr(getattr(node, "func", None), "attr", "")
    if attr == "minimize" and given:
        return _minimized(machine, given[0], node)
    if attr == "step" and given and isinstance(given[0], Function):  # LBFGS works the loss out itself
        return called(machine, given[0], [], {}, node)
    machine.record.epoch += attr in {"zero_grad", "zero_"}
    return function


def _minimized(machine: Machine, loss: Any, node: ast.AST) -> object:
    """`optimizer.minimize(loss)`: back from the loss, or from what a function gives."""
    output = loss if isinstance(loss, Tensor) else called(machine, loss, [], {}, node)
    return training.backward(machine, machine.named(output, "loss", node), None, None, node)


def layer_attribute(machine: Machine, owner: Layer, name: str, node: ast.AST) -> object:
    """`layer.weight`, `layer.in_features`, `model.parameters()`."""
    return modules.attribute(machine, owner, name, node)


def layer_part(machine: Machine, owner: Layer, key: object, node: ast.AST) -> Any:
    """`model[0]`."""
    for name, part in owner.parts.items():
        if isinstance(part, Part):
            part.place(owner, name)
    parts = list(owner.parts.values())
    raw = plain(key)
    if isinstance(raw, str) and raw in owner.parts:
        return owner.parts[raw]
    if isinstance(raw, int) and -len(parts) <= raw < len(parts):
        return parts[raw]
    raise machine.record.unread(node, f"{owner.kind} has no part {str(raw)[:20]!r}")


# ── derivatives that a program asks for ──────────────────────────────────────────────────────────


def _differentiated(
    machine: Machine, function: Differentiator, given: list[object], named: dict[str, object], node: ast.AST
) -> Any:
    """`grad(f)(x)`: f at x, and a backward pass from what it gives."""
    values = list(given)
    inner = function.function
    slots = [a.arg for a in inner.node.args.args] if isinstance(inner, Function) else []
    wanted: list[Tensor] = []
    for position in function.positions:
        if position < len(values):
            base = slots[position] if position < len(slots) else "x"
            values[position] = each(partial(_wanted, machine, node, wanted), values[position], name=base)
    machine.deriving += 1
    try:
        result = called(machine, inner, values, named, node)
    finally:
        machine.deriving -= 1
    output = result[0] if isinstance(result, tuple) and result else result
    if isinstance(output, Unknown):
        raise Unread(output.error)
    seed = leaf_of(machine.record.shape(output, node), rule="ones") if function.each else None
    if machine.deriving and isinstance(output, Tensor) and len(wanted) == 1:  # more is computed from it
        return training.gradient(machine, output, seed, wanted[0], node)
    if machine.deriving:
        raise machine.record.unread(node, "a derivative of this derivative is not read",
                                    "write a function of one array that gives a number")  # fmt: skip
    if isinstance(output, Tensor):
        training.backward(machine, output, seed, tuple(wanted), node)
    return Opaque("a gradient")


def _wanted(machine: Machine, node: ast.AST, found: list[Tensor], base: str, value: object) -> object:
    """An argument whose gradient is wanted: a leaf of its own name, that is a param."""
    if isinstance(value, Instance):  # a NamedTuple or a dataclass of params
        return Instance(kind=value.kind, names=each(partial(_wanted, machine, node, found), value.names))
    tensor = scalar(value) if is_number(value) else value
    if isinstance(tensor, Tensor):
        machine.named(tensor, base, node)
        training.require(machine, tensor, True, node)
        found.append(tensor)
    return tensor


