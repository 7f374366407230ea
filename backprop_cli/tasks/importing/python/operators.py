"""Operators: plain Python values are worked out, within limits; those on tensors are expressions."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

from backprop_cli.tasks.importing.arrays import arithmetic, tensors
from backprop_cli.tasks.importing.arrays.arithmetic import COMPARE
from backprop_cli.tasks.importing.arrays.asked import truth
from backprop_cli.tasks.importing.library.texts import percent
from backprop_cli.tasks.importing.networks.keras_graph import Later, later_operator
from backprop_cli.tasks.importing.python.functions import inline
from backprop_cli.tasks.importing.state.codes import binary, negative, number
from backprop_cli.tasks.importing.state.machine import Machine
from backprop_cli.tasks.importing.state.objects import Function, Instance, kind_of
from backprop_cli.tasks.importing.state.values import Library, Number, Opaque, Tensor, Unknown, Unread, is_number, plain

MAX_LENGTH: Final = 100_000
MAX_BITS: Final = 4_096

_PYTHON: Mapping[type[ast.operator], Callable[[object, object], object]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.LShift: operator.lshift, ast.RShift: operator.rshift,
}  # fmt: skip
_METHODS: Mapping[type[ast.operator], str] = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.MatMult: "matmul", ast.Pow: "pow",
    ast.FloorDiv: "floordiv", ast.Mod: "mod",
}  # fmt: skip


def binary_(machine: Machine, node: ast.BinOp) -> object:
    """Operators in a row in a loop: a long sum is no deep recursion."""
    row: list[ast.BinOp] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp):
        row.append(first)
        first = first.left
    value = machine.value(first)
    for one in reversed(row):
        value = operate(machine, one.op, value, machine.value(one.right), one)
    return value


def operate(machine: Machine, op: ast.operator, left: object, right: object, node: ast.AST) -> object:
    """A binary operator on two values."""
    if isinstance(left, Unknown | Opaque) or isinstance(right, Unknown | Opaque):
        return _gone(machine, left, right, node)
    if isinstance(left, Later) or isinstance(right, Later):
        return later_operator(op, left, right)
    if isinstance(left, Instance) or isinstance(right, Instance):
        return _overloaded(machine, op, left, right, node)
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        return arithmetic.arithmetic(machine, op, left, right, node)
    if is_number(left) and is_number(right):
        return _numbers(machine, op, left, right, node)
    return _plain(machine, op, left, right, node)


def _gone(machine: Machine, left: object, right: object, node: ast.AST) -> object:
    for one in (left, right):
        if isinstance(one, Unknown):
            raise Unread(one.error)
    what = left if isinstance(left, Opaque) else right
    raise machine.record.unread(node, f"{kind_of(what)} stands in a formula",
                                "the forward pass is read; what is done with gradients is not")  # fmt: skip


def _overloaded(machine: Machine, op: ast.operator, left: object, right: object, node: ast.AST) -> object:
    name = _METHODS.get(type(op), "?")
    for owner, other, method in ((left, right, f"__{name}__"), (right, left, f"__r{name}__")):
        if isinstance(owner, Instance) and isinstance(found := owner.kind.find(method), Function):
            return inline(machine, found, [owner, other], {}, node)
    raise machine.record.unread(node, "an operator on an object that does not define it")


def _numbers(machine: Machine, op: ast.operator, left: object, right: object, node: ast.AST) -> object:
    value = _plain(machine, op, plain(left), plain(right), node)
    if not (isinstance(left, Number) or isinstance(right, Number)) or type(op) not in _METHODS:
        return value
    if isinstance(op, ast.FloorDiv | ast.Mod):
        return value
    first = tensors.code_of(machine, left, node)
    second = number(plain(right)) if isinstance(op, ast.Pow) else tensors.code_of(machine, right, node)
    return Number(value, binary(first, arithmetic.SIGNS[type(op)], second))


def _plain(machine: Machine, op: ast.operator, left: object, right: object, node: ast.AST) -> Any:
    left, right = plain(left), plain(right)
    if isinstance(op, ast.MatMult) or type(op) not in _PYTHON:
        raise machine.record.unread(node, "`@` needs two tensors")
    if isinstance(op, ast.Mod) and isinstance(left, str):
        return percent(left, right)
    _check_growth(machine, op, left, right, node)
    try:
        value = _PYTHON[type(op)](left, right)
    except (ArithmeticError, ValueError, TypeError) as caught:
        raise machine.stopped(node, type(caught).__name__, f"Python would stop here: {caught}"[:120]) from None
    return small(machine, value, node)


def _check_growth(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.AST) -> None:
    """What would take all memory or time is refused before it is worked out."""
    too_large = machine.record.unread(node, "a number or a list becomes too large here")
    for one, other in ((left, right), (right, left)):
        repeats = isinstance(op, ast.Mult) and isinstance(one, list | tuple | str | bytes) and isinstance(other, int)
        if repeats and len(one) * other > MAX_LENGTH:
            raise too_large
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and isinstance(op, ast.Pow) and left.bit_length() * right > MAX_BITS:
        raise too_large
    if whole and isinstance(op, ast.LShift) and right > MAX_BITS:
        raise too_large


def small(machine: Machine, value: object, node: ast.AST) -> object:
    """A value that is not too large to be kept.

    Raises:
        Unread: it is.
    """
    if isinstance(value, list | tuple | str | bytes) and len(value) > MAX_LENGTH:
        raise machine.record.unread(node, "a list or a text becomes too long here")
    if isinstance(value, int) and value.bit_length() > MAX_BITS or isinstance(value, complex):
        raise machine.record.unread(node, "a number becomes too large here")
    return value


def unary_(machine: Machine, node: ast.UnaryOp) -> object:
    """A sign, `~`, or `not`."""
    value = machine.value(node.operand)
    if isinstance(node.op, ast.Not):
        return not truth(machine, value, node)
    if isinstance(value, Instance) and isinstance(found := value.kind.find("__neg__"), Function):
        return inline(machine, found, [value], {}, node)
    if isinstance(value, Tensor):
        return arithmetic.unary(machine, node.op, value, node)
    if isinstance(value, Opaque):
        return _gone(machine, value, value, node)
    if isinstance(value, Number) and isinstance(node.op, ast.USub):
        return Number(-value.value, negative(value.code))
    signs: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos,
                                                               ast.Invert: operator.invert}  # fmt: skip
    try:
        return signs[type(node.op)](plain(value))
    except (TypeError, KeyError):
        raise machine.record.unread(node, f"a sign in front of {kind_of(value)}") from None


def both_(machine: Machine, node: ast.BoolOp) -> object:
    """`and`, `or`: as far as Python would look."""
    value: Any = None
    for part in node.values:
        value = machine.value(part)
        if truth(machine, value, part) == isinstance(node.op, ast.Or):
            return value
    return value


def compare_(machine: Machine, node: ast.Compare) -> object:
    """A comparison, or several in a row."""
    left = machine.value(node.left)
    for op, other in zip(node.ops, node.comparators, strict=True):
        right = machine.value(other)
        if isinstance(op, ast.Is | ast.IsNot):
            value: Any = COMPARE[type(op)](left, right)
        elif isinstance(left, Tensor) or isinstance(right, Tensor):
            value = arithmetic.compare(machine, op, left, right, node)
            if len(node.ops) == 1:
                return value
            value = truth(machine, value, node)
        elif isinstance(left, Opaque | Unknown) or isinstance(right, Opaque | Unknown):
            return _gone(machine, left, right, node)
        else:
            machine.weigh((left, right), node)
            try:
                value = COMPARE[type(op)](_bare(left), _bare(right))
            except TypeError:
                raise machine.record.unread(node, "these cannot be compared") from None
        if not value:
            return False
        left = right
    return True


def _bare(value: Any) -> object:
    if isinstance(value, Library):
        return value.path
    return type(value)(map(plain, value)) if type(value) in {list, tuple} else plain(value)


def choice_(machine: Machine, node: ast.IfExp) -> object:
    """`a if test else b`."""
    return machine.value(node.body if truth(machine, machine.value(node.test), node.test) else node.orelse)
