"""Operators on tensors: signs, arithmetic, comparisons; a leaf that is scaled by a number stays a leaf."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.records import replace
from backprop_cli.tasks.importing.arrays.literals import literal_or_stack
from backprop_cli.tasks.importing.arrays.tensors import code_of, known_number, tensor_code, tensor_from
from backprop_cli.tasks.importing.state.codes import binary, call, negative
from backprop_cli.tasks.importing.state.values import Start, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

SIGNS: Final[Mapping[type[ast.operator], str]] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**", ast.Mod: "%",
    ast.FloorDiv: "//", ast.BitAnd: "and", ast.BitOr: "or",
}  # fmt: skip
"""Python's operators as the language writes them; `&` and `|` are those of masks."""
COMPARISONS: Final[Mapping[type[ast.cmpop], str]] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip

COMPARE: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.Is: lambda a, b: a is b, ast.IsNot: lambda a, b: a is not b,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip
"""Comparisons of plain values."""


def arithmetic(machine: Machine, op: ast.operator, left: object, right: object, node: ast.AST) -> object:
    """A binary operator with at least one tensor."""
    folded = _folded(op, left, right)
    if folded is not None:
        return folded
    if type(op) not in SIGNS:
        raise machine.record.unread(node, f"the operator {type(op).__name__} of tensors is not read")
    if isinstance(left, list | tuple):
        left = literal_or_stack(machine, left, node)
    if isinstance(right, list | tuple):
        right = literal_or_stack(machine, right, node)
    exact = isinstance(op, ast.Pow)
    codes = code_of(machine, left, node), code_of(machine, right, node, exact=exact)
    return tensor_from(binary(codes[0], SIGNS[type(op)], codes[1]), left, right, kind=_kind(op, left, right))


def _kind(op: ast.operator, left: object, right: object) -> str:
    """Whole numbers stay whole, except under division; a mask times a mask is a mask."""
    kinds = {_kind_of(left), _kind_of(right)}
    if isinstance(op, ast.Div) or "float" in kinds:
        return "float"
    return "bool" if kinds == {"bool"} and isinstance(op, ast.Mult | ast.BitAnd | ast.BitOr) else "int"


def _kind_of(value: object) -> str:
    if isinstance(value, Tensor):
        return value.kind
    return "int" if isinstance(plain(value), int) else "float"


def _folded(op: ast.operator, left: object, right: object) -> Tensor | None:
    """A leaf without a name, scaled and shifted by numbers: still a leaf, `0.01 * np.random.randn(3, 4)`."""
    tensor, other = (left, right) if isinstance(left, Tensor) else (right, left)
    if not isinstance(tensor, Tensor) or not tensor.fresh or tensor.param or not is_number(other):
        return None
    assert tensor.start is not None
    c = float(plain(other))
    first = tensor is left
    scales = {ast.Mult: (c, 0.0), ast.Add: (1.0, c), ast.Sub: (1.0, -c) if first else (-1.0, c)}
    if isinstance(op, ast.Div) and first and c:
        scales[ast.Div] = (1 / c, 0.0)
    if type(op) not in scales:
        return None
    start = scaled(tensor.start, *scales[type(op)], divisor=c if isinstance(op, ast.Div) else None)
    return None if start is None else Tensor(None, start=start, kind=tensor.kind if not isinstance(op, ast.Div) and
                                             isinstance(plain(other), int) else "float")  # fmt: skip


def scaled(start: Start, a: float, b: float, divisor: float | None = None) -> Start | None:
    """`a` times a start, plus `b`; None where no rule says that."""
    if start.data is not None:

        def one(x: Any) -> Any:
            return [one(part) for part in x] if isinstance(x, list) else (x / divisor if divisor else x * a + b)

        return replace(start, data=one(start.data))
    constant = start.constant()
    if constant is not None:
        return replace(start, rule="constant", options={"value": constant / divisor if divisor else constant * a + b})
    if start.rule == "normal":
        o = start.options
        return replace(start, options={**o, "mean": o["mean"] * a + b, "std": abs(o["std"] * a)})
    if start.rule == "uniform":
        ends = sorted((start.options["low"] * a + b, start.options["high"] * a + b))
        return replace(start, options={**start.options, "low": ends[0], "high": ends[1]})
    return None


def unary(machine: Machine, op: ast.unaryop, value: Tensor, node: ast.AST) -> object:
    """A sign, or `~` of a mask."""
    if isinstance(op, ast.Invert):
        return tensor_from(call("logical_not", tensor_code(machine, value, node)), value, kind="bool")
    if isinstance(op, ast.UAdd):
        return value
    folded = _folded(ast.Mult(), value, -1)
    if folded is not None:
        return folded
    return tensor_from(negative(tensor_code(machine, value, node)), value, kind=value.kind)


def compare(machine: Machine, op: ast.cmpop, left: object, right: object, node: ast.AST) -> object:
    """A mask."""
    numbers = [known_number(v) if isinstance(v, Tensor) else plain(v) for v in (left, right)]
    if all(isinstance(n, int | float) for n in numbers) and not any(
        isinstance(v, Tensor) and v.grad for v in (left, right)
    ):
        return COMPARE[type(op)](*numbers)
    if type(op) not in COMPARISONS:
        raise machine.record.unread(node, "`in` of a tensor is not read")
    left, right = (literal_or_stack(machine, v, node) if isinstance(v, list | tuple) else v for v in (left, right))
    codes = code_of(machine, left, node), code_of(machine, right, node)
    return Tensor(binary(codes[0], COMPARISONS[type(op)], codes[1]), kind="bool")


