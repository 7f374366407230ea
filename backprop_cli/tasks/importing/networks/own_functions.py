"""Subclasses of torch.autograd.Function: functions of the spec, with the gradient that their author wrote.

`forward` and `backward` are read on symbols of the arguments; the value is `out`, what arrives from above `grad(out)`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from backprop_cli.language.expression import Expression, parse
from backprop_cli.language.model import Function as Own
from backprop_cli.language.source import inline as text_of
from backprop_cli.language.unparse import unparse
from backprop_cli.tasks.importing.arrays.tensors import code_of, tensor_code, tensor_from
from backprop_cli.tasks.importing.state.codes import call, named
from backprop_cli.tasks.importing.state.inline import Inline
from backprop_cli.tasks.importing.state.objects import Class, Function, Instance
from backprop_cli.tasks.importing.state.record import clean
from backprop_cli.tasks.importing.state.values import Builtin, Opaque, Tensor, Unread

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_SURPRISES = (AttributeError, IndexError, KeyError, TypeError, ValueError)


def apply(machine: Machine, kind: Class, given: list[object], node: ast.AST) -> object:
    """`MyFunction.apply(x)`; its forward pass alone, with a note, where its backward pass cannot be read.

    Raises:
        Unread: the forward pass cannot be read.
    """
    forward, backward = kind.find("forward"), kind.find("backward")
    if not isinstance(forward, Function):
        raise machine.record.unread(node, f"{kind.name} defines no forward")
    if kind in machine.reading:
        raise machine.record.unread(node, f"{kind.name} calls itself")
    if isinstance(backward, Function):
        machine.reading.append(kind)
        try:
            return _own(machine, kind, forward, backward, given, node)
        except Unread as caught:
            why = caught.error.message
        except _SURPRISES:
            why = "it is written in a way that is not read"
        finally:
            machine.reading.pop()
        machine.record.note(node, f"{kind.name}.apply is read as its forward pass; its own backward is not used: {why}")
    context = [] if kind.find("setup_context") else [Opaque("a context")]
    return machine.called(forward, [*context, *given], {}, node)


def _own(machine: Machine, kind: Class, forward: Function, backward: Function, given: list[object],
         node: ast.AST) -> object:
    """A call of the spec's own function."""
    record = machine.record
    setup = kind.find("setup_context")
    slots = [a.arg for a in forward.node.args.args][0 if setup else 1 :]
    tensors = {_slot(slot): one for slot, one in zip(slots, given, strict=False) if isinstance(one, Tensor)}
    codes = [code_of(machine, one, node) for one in tensors.values()]
    shapes = {slot: record.shape(one, node) for slot, one in tensors.items()}
    inner = Inline(record.program, notes=record.notes)
    inner.shapes.update(shapes)
    symbols = [Tensor(named(_slot(slot)), kind=one.kind, grad=True) if isinstance(one, Tensor) else one
               for slot, one in zip(slots, given, strict=False)]  # fmt: skip
    machine.record = inner
    try:
        body, grads = _written(machine, kind, (forward, setup, backward), symbols, node)
    finally:
        machine.record = record
    wanted = {slot: grads[slot] for slot in tensors if slot in grads}
    name = _noted(machine, kind.name, tuple(tensors), body, wanted)
    return tensor_from(call(name, *codes), *tensors.values())


def _slot(name: str) -> str:
    """An argument as the spec calls it; `out` is the value."""
    return "out_1" if name == "out" else clean(name)


def _written(machine: Machine, kind: Class, parts: tuple[Function, object, Function], symbols: list[object],
             node: ast.AST) -> tuple[Expression, dict[str, Expression]]:  # fmt: skip
    """The body, and the gradient of each argument, as expressions of the arguments."""
    forward, setup, backward = parts
    context = _context(kind)
    value = machine.called(forward, symbols if setup else [context, *symbols], {}, node)
    if not isinstance(value, Tensor):
        raise machine.record.unread(node, f"{kind.name} gives something else than one tensor")
    if isinstance(setup, Function):
        machine.called(setup, [context, tuple(symbols), value], {}, node)
    body, shape = tensor_code(machine, value, node), machine.record.shape(value, node)
    machine.record.shapes["out"] = shape
    if all(value is not one for one in symbols):
        value.code, value.known, value.item = named("out"), shape, None
    found = machine.called(backward, [context, Tensor(call("grad", named("out")), known=shape)], {}, node)
    several = list(found) if isinstance(found, tuple | list) else [found]
    slots = [a.arg for a in forward.node.args.args][0 if setup else 1 :]
    each = zip(slots, symbols, several, strict=False)
    return body, {_slot(slot): _gradient(machine, one, symbol, node)
                  for slot, symbol, one in each if isinstance(symbol, Tensor)}  # fmt: skip


def _gradient(machine: Machine, value: object, symbol: Tensor, node: ast.AST) -> Expression:
    """`None` says that nothing flows back."""
    if value is None:
        return call("zeros", call("shape", tensor_code(machine, symbol, node)))
    code = code_of(machine, value, node)
    machine.record.shape_of(code, node)
    return code


def _context(kind: Class) -> Instance:
    """`ctx`: what is saved on it is there in the backward pass."""
    context = Instance(kind=Class("ctx", kind.node, (), {}))

    def save(machine: Machine, given: list[object], named_: dict[str, object], node: ast.AST) -> None:
        context.names["saved_tensors"] = context.names["saved_variables"] = tuple(given)

    def nothing(machine: Machine, given: list[object], named_: dict[str, object], node: ast.AST) -> None:
        """What changes no number."""

    quiet = ("mark_non_differentiable", "mark_dirty", "set_materialize_grads")
    context.names.update({name: Builtin(name, nothing) for name in quiet})
    context.names |= {"save_for_backward": Builtin("save_for_backward", save), "needs_input_grad": [True] * 16}
    return context


def _noted(machine: Machine, base: str, args: tuple[str, ...], body: Expression, grads: dict[str, Expression]) -> str:
    """The name of the function in the spec: the class's own; with a number where another call needs another body."""
    texts = unparse(body), {slot: unparse(code) for slot, code in grads.items()}
    known, name, count = machine.record.functions, clean(base), 1
    while name in known and (unparse(known[name].body), _texts(known[name])) != texts:
        count += 1
        name = f"{clean(base)}_{count}"
    body_text = text_of(texts[0], "<python>")
    written = {slot: text_of(text, "<python>") for slot, text in texts[1].items()}
    read = {slot: (parse(text), text) for slot, text in written.items()}
    known[name] = Own(name, args, parse(body_text), body_text, read, body_text)
    return name


def _texts(function: Own) -> dict[str, str]:
    return {slot: unparse(code) for slot, (code, _) in function.grads.items()}
