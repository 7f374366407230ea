"""Calls: functions of the program are read where they are called, those of a library are looked up."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.data.leaves import scalar
from backprop_cli.tasks.importing.data.starts import start_of
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.library import libraries
from backprop_cli.tasks.importing.library.arguments import bound
from backprop_cli.tasks.importing.networks import keras, modules, own_functions
from backprop_cli.tasks.importing.networks.hooks import hooked
from backprop_cli.tasks.importing.networks.keras_graph import Later, holds_later
from backprop_cli.tasks.importing.networks.walk import copied
from backprop_cli.tasks.importing.python.contexts import context_of
from backprop_cli.tasks.importing.python.unknown import parts_run
from backprop_cli.tasks.importing.state.machine import MAX_YIELDED, Enough, Returned
from backprop_cli.tasks.importing.state.nested import each
from backprop_cli.tasks.importing.state.objects import (
    Bound,
    Class,
    Differentiator,
    Frame,
    Function,
    Instance,
    Layer,
    kind_of,
)
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import (
    Builtin,
    Draw,
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
            return hooked(machine, function, _call_instance, given, named, node)
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


# ── functions of the program ─────────────────────────────────────────────────────────────────────


def inline(machine: Machine, function: Function, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """Read a function's body with these arguments."""
    if function.refused is not None:
        raise Unread(function.refused)
    if function.name == "draw" and len(given) == 2 and isinstance(given[0], int) and isinstance(given[1], str):
        return Draw(given[0], given[1])  # the helper that our own exports carry
    frame = Frame(function.frame, inside=True)
    frame.names.update(bound(machine, function, given, named, node))
    if function.mark == "contextmanager":
        return context_of(machine, function, frame, node)
    if machine.answers is not None:
        frame.hidden = machine.answers.other(frame.names)
        machine.answers.called.add(function.name)
    with machine.within(frame, node, function.off):
        if isinstance(function.node, ast.Lambda):
            return machine.value(function.node.body)
        frame.yielded = [] if _generates(function.node.body) else None
        try:
            machine.run(function.node.body)
        except Returned as done:
            return done.value if frame.yielded is None else iter(frame.yielded)
        except Enough:
            assert frame.yielded is not None
            error = machine.record.unread(node, f"{function.name} gives more than {MAX_YIELDED} items").error
            frame.yielded.append(Unknown(error))
    return None if frame.yielded is None else iter(frame.yielded)


def _generates(body: list[ast.stmt]) -> bool:
    """Whether a function of this body is a generator; what functions in it do is their own."""
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for statement in body for part in parts_run(statement))


def own_draw(machine: Machine, owner: Draw, law: str, given: list[Any], node: ast.AST) -> Tensor:
    """`draw(0, 'W').normal(0.0, 1.0, (3, 4))`: what a spec says by `{shape: [3, 4], init: normal, seed: 0}`."""
    names = {"normal": ("mean", "std"), "uniform": ("low", "high")}.get(law)
    if names is None or len(given) != 3:
        raise machine.record.unread(node, f"a draw by {law!r} is not read")
    options = {names[0]: float(plain(given[0])), names[1]: float(plain(given[1])), "seed": owner.seed}
    return start_of(machine, tuple(given[2]), law, options)


def method(machine: Machine, function: Function, owner: object, node: ast.AST) -> Any:
    """A function of a class, as an attribute of its object."""
    if function.mark == "property":
        return inline(machine, function, [owner], {}, node)
    if function.mark == "staticmethod":
        return function
    return Bound(function, owner.kind if function.mark == "classmethod" and isinstance(owner, Instance) else owner)


# ── classes of the program ───────────────────────────────────────────────────────────────────────


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
            called(machine, machine.attribute(made, "__post_init__", node), [], {}, node)
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


def _call_instance(machine: Machine, owner: Instance, given: list[object], named: dict[str, object],
                   node: ast.AST) -> Any:
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
        return Builtin(name, lambda m, a, k, n: modules.MODULE_METHODS[name](m, owner, a, n))
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


