"""The arguments of a call, written out: numbers, axes, shapes, what may be left away."""

from __future__ import annotations

import re
from collections.abc import Container
from fractions import Fraction

from sympy import Expr, Float, Integer, Rational

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import REQUIRED, axes_of
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.formulas.algebra.expr import NONE, Apply, shape_of

SMALLEST_PLAIN = 2**20
FLOATS_END = 2**1024


def decimal(value: Expr) -> str:
    """An exact number as it is written: 2, 1e-5, 0.01."""
    if isinstance(value, Integer) and abs(value.p) < FLOATS_END:
        return str(value.p)  # sympy's own printer takes as long as all of a short formula
    if isinstance(value, Rational):
        if abs(value) >= FLOATS_END:
            return "inf" if value > 0 else "-inf"
        text = repr(float(Fraction(int(value.p), int(value.q))))
        return re.sub(r"e([+-])0*(\d+)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text.removesuffix(".0"))
    if isinstance(value, Float):
        return repr(float(value))
    return str(value)


def power_of_two(value: Expr) -> int | None:
    """The exponent of what an epsilon is by default, 2⁻⁵²: in decimals it has sixteen digits."""
    if not isinstance(value, Rational) or value.p != 1 or value.q < SMALLEST_PLAIN or value.q & (value.q - 1):
        return None
    return 1 - int(value.q).bit_length()


def spell_static(value: object) -> str:
    """A static parameter as the language writes it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        inner = ", ".join(map(spell_static, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Fraction):
        return decimal(Rational(value.numerator, value.denominator))
    return getattr(value, "name", None) or str(value)


def is_plain(expr: Apply) -> bool:
    """Whether a call has no arguments but its operands."""
    operands = [None if a == NONE else "x" for a in expr.args]
    return len(written_arguments(operands, expr, exact=False)) == len([o for o in operands if o])


def written_arguments(operands: list[str | None], expr: Apply, exact: bool, comma: str = ", ") -> list[str]:
    """The arguments of a call; unless it is to be `exact`, without keepdims where nothing of the shape is left.

    `comma` stands between the tensors of a list.
    """
    op = OPS[expr.name]
    signature = op.signature
    parameters = dict(expr.parameters)
    if expr.name in {"scatter", "index"}:
        parameters["index"] = f"{index_text(parameters['index'])}"
    listed = [text for text in operands if text is not None]
    if signature.variadic:
        first = next(iter(signature.parameters), "")
        if isinstance(parameters.get(first), str):
            return [f"'{parameters[first]}'", *listed]
        arguments = [f"[{comma.join(listed)}]"]
    else:
        arguments = _operands(operands, signature.operands)
    in_order = not operands and not signature.variadic  # arange(0, 6, 2): nothing is left out before
    for name, default in signature.parameters.items():
        value = parameters.get(name, default)
        if (
            default is not REQUIRED
            and value == default
            and type(value) is type(default)
            or not exact
            and name == "keepdims"
            and parameters.get("axis") is None
        ):
            in_order = False
            continue
        if expr.name == "eye" and name == "m" and value == parameters["n"]:
            continue
        rank = len(shape_of(expr.args[0])) if expr.args else 0
        if name == "axis" and default == -1 and (value == rank - 1 or value is None and rank == 1):
            continue  # the last axis, however the user counted it
        spelled = spell_static(value)
        arguments.append(spelled if default is REQUIRED or in_order else f"{name}={spelled}")
    return arguments


def _operands(operands: list[str | None], names: tuple[str, ...]) -> list[str]:
    """Operands by position; after one left out, by keyword."""
    arguments: list[str] = []
    gap = False
    for name, text in zip(names, operands, strict=False):
        if text is None:
            gap = True
        else:
            arguments.append(f"{name}={text}" if gap else text)
    return arguments


def new_axes(expr: Apply) -> str:
    """An expansion as an index: `:, None`."""
    axes = expr.parameters["axis"]
    listed = {a % len(expr.shape) for a in ((axes,) if isinstance(axes, int) else axes)}
    return ", ".join("None" if i in listed else ":" for i in range(len(expr.shape)))


def summed_names(expr: Apply, taken: Container[str]) -> str:
    """The lower-case names of the axes a sum runs over; empty unless all have one that says which axis is meant.

    Where a node has such a letter for its name (`taken`), they keep their own: Σ_A beside a node a.
    """
    shape = shape_of(expr.args[0])
    axes = axes_of(expr.parameters["axis"], len(shape))
    names = [getattr(shape[a], "name", None) for a in axes]
    letters = [(getattr(size, "name", None) or "").lower() for size in shape]
    if any(letters.count((name or "").lower()) > 1 for name in names):
        return ""
    said = [n for n in names if n and len(n) == 1]
    lower = [n.lower() for n in said]
    free = next((one for one in (lower, said) if not any(n in taken for n in one)), [])
    return "".join(free) if len(free) == len(axes) else ""
