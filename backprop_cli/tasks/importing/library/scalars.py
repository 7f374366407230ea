"""Functions of plain numbers: worked out, with the expression that makes the number in the spec."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from backprop_cli.tasks.importing.arrays import functions, tensors
from backprop_cli.tasks.importing.state.codes import binary, call
from backprop_cli.tasks.importing.state.values import Number, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

MATH: Mapping[str, Callable[..., object]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "tanh": math.tanh, "sinh": math.sinh, "cosh": math.cosh, "abs": abs, "fabs": abs, "pow": pow, "power": pow,
    "floor": math.floor, "ceil": math.ceil, "log2": math.log2, "log10": math.log10, "log1p": math.log1p,
    "maximum": max, "minimum": min, "int64": int, "float64": float, "float32": float, "int32": int,
    "expm1": math.expm1, "arctan": math.atan, "atan": math.atan, "isnan": math.isnan, "erf": math.erf,
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "divide": operator.truediv,
    "dot": operator.mul, "negative": operator.neg, "square": lambda x: x * x, "sign": lambda x: (x > 0) - (x < 0),
    "reciprocal": lambda x: 1 / x, **dict.fromkeys(("prod", "sum", "mean", "asarray"), lambda x: x),
}  # fmt: skip
_SAME = frozenset({"sum", "mean", "prod", "int64", "float64", "float32", "int32", "asarray"})
_INFIX: Mapping[str, str] = {"pow": "**", "power": "**", "add": "+", "subtract": "-", "multiply": "*", "divide": "/",
                             "dot": "*"}  # fmt: skip


def scalars(machine: Machine, name: str, given: list[object], node: ast.AST, family: str) -> object:
    """A function of plain numbers: a number, with the expression that makes it."""
    if any(isinstance(one, Tensor) for one in given):
        return functions.apply(machine, family, name, given, {}, node)
    if name not in MATH or not all(is_number(one) for one in given):
        raise machine.record.unread(node, f"math.{name} of this is not read")
    try:
        value = MATH[name](*map(plain, given))
    except (ArithmeticError, ValueError, TypeError) as caught:
        raise machine.stopped(node, type(caught).__name__, f"Python would stop here: {caught}"[:120]) from None
    if isinstance(value, complex):
        raise machine.record.unread(node, "a complex number comes out here")
    if not any(isinstance(one, Number) for one in given):
        return value
    codes = [tensors.code_of(machine, one, node) for one in given]
    if name in _SAME:
        return Number(value, codes[0])
    if name in _INFIX:
        return Number(value, binary(codes[0], _INFIX[name], codes[1]))
    return Number(value, call(name, *codes))
