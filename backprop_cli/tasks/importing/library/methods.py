"""Attributes and methods of tensors; a method without a row here is a function with the tensor first."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Expression, Name
from backprop_cli.language.unparse import substituted
from backprop_cli.tasks.importing.arrays import functions, tensors
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.arrays.writing import is_used, replace_whole
from backprop_cli.tasks.importing.data.drawn import TOLD, UNKNOWN
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.library import casts
from backprop_cli.tasks.importing.state.codes import call, name_of, named
from backprop_cli.tasks.importing.state.codes import transposed as turned
from backprop_cli.tasks.importing.state.inline import Inline
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import (
    At,
    Builtin,
    Handle,
    Item,
    Opaque,
    Tensor,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Row = Callable[["Machine", Tensor, list[object], dict[str, object], ast.AST], object]


def method(machine: Machine, value: Tensor, name: str, given: list[object], named_: dict[str, object],
           node: ast.AST) -> object:
    """A method of a tensor."""
    if name in METHODS:
        return METHODS[name](machine, value, given, named_, node)
    if name.endswith("_") and not name.startswith("_"):
        return _in_place(machine, value, name, given, named_, node)
    return functions.apply(machine, family_of(machine), name, [value, *given], named_, node, method=True)


def family_of(machine: Machine) -> str:
    """Whose methods these are: PyTorch's where the program imports it."""
    frame = machine.frame
    while frame.outer is not None:
        frame = frame.outer
    roots = {getattr(value, "root", "") for value in frame.names.values()}
    return "torch" if "torch" in roots else "numpy"


def _same(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    return value


def _copied(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> Tensor:
    """`x.copy()`, `x.clone()`: another object with the same value."""
    if value.fresh and value.start is not None and not value.param:
        return Tensor(None, start=value.start, kind=value.kind, param=value.param, grad=value.grad)
    return Tensor(tensors.tensor_code(machine, value, node), item=None, kind=value.kind, grad=value.grad)


def _detached(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    if not value.grad:
        return value
    return Tensor(call("stop_gradient", tensors.tensor_code(machine, value, node)), kind=value.kind, of=(value, None))


def _required(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    training.require(machine, value, bool(plain(given[0])) if given else bool(named_.get("requires_grad", True)),
                     node)  # fmt: skip
    return value


def _retained(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> Any:
    if value.code is not None and not isinstance(value.code, Name):
        machine.record.name(value, "kept", node)


def _backward(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    seed = given[0] if given else named_.get("gradient")
    return training.backward(machine, value, seed, None, node)


def _hooked(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    """`register_hook(f)`: f is read on a symbol; what it returns replaces the gradient."""
    if not isinstance(value.code, Name):
        machine.record.name(value, "hooked", node)
    item = value.item or machine.record.items.get(value.code.name if isinstance(value.code, Name) else "")
    if item is None or not given:
        return Opaque("a hook")
    record, before = machine.record, machine.record.hooks.get(item.name)
    symbol = Tensor(named("grad"), Item("grad", "grad", "node", 0, item.shape), known=item.shape)
    machine.record = Inline(record.program, record.items, {**record.shapes, "grad": item.shape}, notes=record.notes)
    try:
        result = machine.called(given[0], [symbol], {}, node)
        code = tensors.tensor_code(machine, result, node) if isinstance(result, Tensor) else named("grad")
        machine.record.shape_of(code, node)
    finally:
        machine.record = record
    if name_of(code) != "grad":  # hooks of one tensor act one after another
        record.hooks[item.name] = code if before is None else substituted(code, {"grad": before})
    return Handle(partial(_unhooked, record.hooks, item.name, before))


def _unhooked(hooks: dict[str, Expression], item: str, before: Expression | None) -> None:
    """`handle.remove()`: the hook acts no more."""
    if before is None:
        hooks.pop(item, None)
    else:
        hooks[item] = before


def _filled(rule: str) -> Row:
    """`x.normal_(0, 0.1)`, `x.fill_(2)`, `x.zero_()`: a leaf starts from something else."""

    def row(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
        start = value.begins
        if start is None:
            raise machine.record.unread(node, "a tensor that is computed is filled in place")
        if is_used(machine, value) and not value.param:  # what was computed from it keeps the old numbers
            new = leaf_of(start.shape, kind=value.kind)
            replace_whole(machine, value, new, value.item.base if value.item is not None else "x", node)
            start = value.begins
            assert start is not None
        names = {"normal": ("mean", "std"), "uniform": ("low", "high"), "constant": ("value",)}.get(rule, ())
        defaults = {"mean": 0.0, "std": 1.0, "low": 0.0, "high": 1.0, "value": 0.0}
        numbers = dict(zip(names, (float(plain(one)) for one in given if is_number(one)), strict=False))
        start.rule, start.data = rule, None
        start.options = {name: numbers.get(name, defaults[name]) for name in names}
        if rule in {"normal", "uniform"}:
            first, second = start.options.values()
            start.data = machine.torch.draw(rule, start.shape, first, second)
            start.options["seed"] = 0
            machine.record.note(node, UNKNOWN if start.data is None else TOLD, leaf=True)
        return value

    return row


def _in_place(
    machine: Machine, value: Tensor, name: str, given: list[object], named_: dict[str, object], node: ast.AST
) -> object:
    """`x.add_(y)`: the function without its underscore, written into x."""
    if any(isinstance(one, Opaque) for one in (*given, *named_.values())):
        machine.record.note(node, f"left out, an update: {machine.record.program.text(node)[:60]}")
        return value
    found = method(machine, _copied(machine, value, [], {}, node), name[:-1], given, named_, node)
    if isinstance(found, Tensor):
        replace_whole(machine, value, found, value.item.base if value.item else "x", node)
    return value


def _assigned(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    """`w.assign_sub(lr * dw)`: an update of a variable; `w.assign([...])` gives it other numbers."""
    if any(isinstance(one, Opaque) for one in given):
        machine.record.note(node, f"left out, an update: {machine.record.program.text(node)[:60]}")
        return value
    start, data = value.begins, data_of(given[0]) if given else None
    name = getattr(getattr(node, "func", None), "attr", "")
    if start is None or data is None or name != "assign":
        raise machine.record.unread(node, f"what {name} gives a variable is not known")
    start.data, start.rule = data, None
    return value


def _item(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    found = tensors.known_number(value) if value.param is None else None
    if found is None:  # PyTorch gives a number, through which nothing flows back
        return _detached(machine, value, given, named_, node) if family_of(machine) == "torch" else value
    return found


def _listed(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
    found = data_of(value)
    return value if found is None else found


def _by_family(name: str) -> Row:
    """`x.repeat(2, 0)`, `x.transpose(0, 1)`: numpy's methods are its functions, PyTorch's mean something else."""

    def row(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
        family = family_of(machine)
        if name == "transpose" and family == "numpy" and len(given) > 1:
            given = [tuple(given)]
        return functions.apply(machine, family, name, [value, *given], named_, node, method=family == "torch")

    return row


def _new(rule: str) -> Row:
    def row(machine: Machine, value: Tensor, given: list[object], named_: dict[str, object], node: ast.AST) -> object:
        shape = given[0] if given and isinstance(given[0], list | tuple) else given
        return leaf_of(tuple(int(plain(one)) for one in shape), rule=rule)

    return row


METHODS: Mapping[str, Row] = {
    **dict.fromkeys(("contiguous", "cpu", "cuda", "numpy", "float", "double", "type_as", "requires_grad_for",
                     "view_as_real", "to_sparse", "wait", "block_until_ready"), _same),
    **dict.fromkeys(("to", "type", "astype"), casts.converted),
    **{name: casts.row(name) for name in ("long", "int", "short", "char", "byte", "half", "bfloat16", "bool")},
    **{name: _by_family(name) for name in ("repeat", "transpose")},
    "copy": _copied, "clone": _copied, "detach": _detached, "requires_grad_": _required, "retain_grad": _retained,
    "backward": _backward, "register_hook": _hooked, "dim": lambda m, v, g, k, n: len(m.record.shape(v, n)),
    "normal_": _filled("normal"), "uniform_": _filled("uniform"), "fill_": _filled("constant"),
    "zero_": _filled("zeros"),
    "ones_": _filled("ones"), "item": _item, "tolist": _listed, "new_zeros": _new("zeros"), "new_ones": _new("ones"),
    "fill": _filled("constant"), **dict.fromkeys(("assign", "assign_sub", "assign_add"), _assigned),
}  # fmt: skip


# ── attributes ───────────────────────────────────────────────────────────────────────────────────


def attribute(machine: Machine, value: Tensor, name: str, node: ast.AST) -> object:
    """An attribute of a tensor, or a method bound to it."""
    if value.broken is not None:
        raise Unread(value.broken)
    if name in _ATTRIBUTES:
        return _ATTRIBUTES[name](machine, value, node)
    if name in METHODS or not name.startswith("_"):
        return Builtin(name, lambda m, a, k, n: method(m, value, name, a, k, n))
    raise machine.record.unread(node, f"a tensor has no attribute {name!r} here")


def _grad(machine: Machine, value: Tensor, node: ast.AST) -> object:
    found = machine.answers.of(value.item.name) if machine.answers is not None and value.item is not None else None
    return Opaque("a gradient") if found is None else found


def _data(machine: Machine, value: Tensor, node: ast.AST) -> object:
    if value.fresh and not value.param or not value.grad:
        return value
    code = tensors.tensor_code(machine, value, node)
    start = value.item.start if value.item is not None else None  # so that filling it fills the leaf
    return Tensor(call("stop_gradient", code), start=start, kind=value.kind, of=None if start else (value, None))


_ATTRIBUTES: Mapping[str, Any] = {
    "shape": tensors.dims, "T": tensors.transposed, "grad": _grad, "data": _data,
    "mT": lambda m, v, n: tensors.tensor_from(turned(tensors.tensor_code(m, v, n), matrix=True), v),
    "ndim": lambda m, v, n: len(m.record.shape(v, n)), "dtype": lambda m, v, n: Opaque("a dtype"),
    "device": lambda m, v, n: Opaque("a device"), "size": tensors.entries_of,
    "requires_grad": lambda m, v, n: v.grad,
    "is_leaf": lambda m, v, n: v.fresh or (v.item is not None and v.item.what == "leaf"),
    "grad_fn": _grad, "real": lambda m, v, n: v,
    "value": lambda m, v, n: v, "at": lambda m, v, n: At(v),
}  # fmt: skip
