"""A part of a syntax tree as an expression of the language, on one line.

What the author wrote is kept where the language reads it; here are only brackets, and the few words that differ.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import Any

POWER, UNARY, PRODUCT, SUM, COMPARISON, ATOM = 5, 4, 3, 2, 1, 6

OPERATORS: Mapping[type[ast.operator], tuple[str, int]] = {
    ast.Add: ("+", SUM), ast.Sub: ("-", SUM), ast.Mult: ("*", PRODUCT), ast.Div: ("/", PRODUCT),
    ast.MatMult: ("@", PRODUCT), ast.Pow: ("**", POWER), ast.Mod: ("%", PRODUCT), ast.FloorDiv: ("//", PRODUCT),
}  # fmt: skip
COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=",
}  # fmt: skip


def spell(node: ast.expr) -> str:
    """The text of an expression."""
    return _piece(node)[0]


def _piece(node: ast.expr) -> tuple[str, int]:
    return _PIECES[type(node)](node)


def _within(node: ast.expr, level: int) -> str:
    text, own = _piece(node)
    return text if own >= level else f"({text})"


def _binary(node: ast.BinOp) -> tuple[str, int]:
    """Operators in a row in a loop: a long sum is no deep tree."""
    row: list[ast.BinOp] = []
    first: ast.expr = node
    while isinstance(first, ast.BinOp) and not isinstance(first.op, ast.Pow):
        row.append(first)
        first = first.left
    if not row:
        return _power(node)
    text, own = _piece(first)
    for one in reversed(row):
        sign, level = OPERATORS[type(one.op)]
        right = f"({spell(one.right)})" if isinstance(one.right, ast.UnaryOp) else _within(one.right, level + 1)
        text, own = f"{text if own >= level else f'({text})'} {sign} {right}", level
    return text, own


def _power(node: ast.BinOp) -> tuple[str, int]:
    return f"{_within(node.left, ATOM)}**{_within(node.right, UNARY)}", POWER


def _compare(node: ast.Compare) -> tuple[str, int]:
    sign = COMPARISONS[type(node.ops[0])]
    return f"{_within(node.left, SUM)} {sign} {_within(node.comparators[0], SUM)}", COMPARISON


def number(value: Any) -> ast.expr:
    """A number as a literal; a negative one with its sign in front."""
    if isinstance(value, bool):
        return ast.Constant(value)
    if math.isinf(value) or math.isnan(value):
        name: ast.expr = ast.Name("nan" if math.isnan(value) else "inf", ast.Load())
        return ast.UnaryOp(ast.USub(), name) if value == -math.inf else name
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _constant(node: ast.Constant) -> tuple[str, int]:
    value = node.value
    if isinstance(value, bool) or value is None:
        return str(value).lower(), ATOM
    if isinstance(value, str):
        return (f'"{value}"' if "'" in value else f"'{value}'"), ATOM
    if not isinstance(value, int | float):
        return "nan", ATOM
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return (f"{value:.1f}" if is_whole else repr(value)), ATOM


def _call(node: ast.Call) -> tuple[str, int]:
    arguments = [spell(one) for one in node.args]
    arguments += [f"{one.arg}={spell(one.value)}" for one in node.keywords]
    return f"{spell(node.func)}({', '.join(arguments)})", ATOM


def _sequence(node: ast.Tuple | ast.List) -> tuple[str, int]:
    inner = ", ".join(map(spell, node.elts))
    if isinstance(node, ast.List):
        return f"[{inner}]", ATOM
    return (f"({inner},)" if len(node.elts) == 1 else f"({inner})"), ATOM


def _slice(node: ast.Slice) -> tuple[str, int]:
    ends = ["" if end is None else spell(end) for end in (node.lower, node.upper)]
    return ":".join(ends) + ("" if node.step is None else f":{spell(node.step)}"), ATOM


def _subscript(node: ast.Subscript) -> tuple[str, int]:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return f"{_within(node.value, ATOM)}[{', '.join(map(spell, parts))}]", ATOM


def _attribute(node: ast.Attribute) -> tuple[str, int]:
    return f"{_within(node.value, ATOM)}.{node.attr}", ATOM


_PIECES: Mapping[type[ast.expr], Callable[[Any], tuple[str, int]]] = {
    ast.Name: lambda node: (node.id, ATOM),
    ast.Constant: _constant,
    ast.UnaryOp: lambda node: (f"-{_within(node.operand, UNARY)}", UNARY),
    ast.BinOp: _binary,
    ast.Compare: _compare,
    ast.Call: _call,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Slice: _slice,
    ast.Subscript: _subscript,
    ast.Attribute: _attribute,
}


# ── building ─────────────────────────────────────────────────────────────────────────────────────


def named(name: str) -> ast.Name:
    """A name."""
    return ast.Name(name, ast.Load())


def call(function: str, *arguments: ast.expr, **keywords: ast.expr) -> ast.Call:
    """A call of a function of the language."""
    given = [ast.keyword(arg=key, value=value) for key, value in keywords.items()]
    return ast.Call(named(function), list(arguments), given)


def whole(*values: int) -> ast.expr:
    """A tuple of whole numbers: axes, a shape."""
    return ast.Tuple([number(int(value)) for value in values], ast.Load())


def binary(left: ast.expr, operator: ast.operator, right: ast.expr) -> ast.BinOp:
    """An infix operator."""
    return ast.BinOp(left, operator, right)


def names_in(node: ast.expr) -> list[str]:
    """The names that an expression uses, left to right; names of functions are none."""
    found: list[str] = []
    stack: list[ast.AST] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name):
            found.append(part.id)
        children = list(ast.iter_child_nodes(part))
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name):
            children = children[1:]
        stack += reversed(children)
    return found


def renamed(node: ast.expr, names: Mapping[str, ast.expr]) -> ast.expr:
    """The expression with others in place of names; operators in a row in a loop."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node)
    if isinstance(node, ast.BinOp):
        row: list[ast.BinOp] = []
        first: ast.expr = node
        while isinstance(first, ast.BinOp):
            row.append(first)
            first = first.left
        made = renamed(first, names)
        for one in reversed(row):
            made = binary(made, one.op, renamed(one.right, names))
        return made
    if isinstance(node, ast.Call):
        function = node.func if isinstance(node.func, ast.Name) else renamed(node.func, names)
        return ast.Call(function, [renamed(a, names) for a in node.args],
                        [ast.keyword(arg=k.arg, value=renamed(k.value, names)) for k in node.keywords])  # fmt: skip
    if isinstance(node, ast.Tuple | ast.List):
        return type(node)([renamed(e, names) for e in node.elts], ast.Load())
    if isinstance(node, ast.UnaryOp):
        return ast.UnaryOp(node.op, renamed(node.operand, names))
    if isinstance(node, ast.Compare):
        return ast.Compare(renamed(node.left, names), node.ops, [renamed(c, names) for c in node.comparators])
    if isinstance(node, ast.Subscript):
        return ast.Subscript(renamed(node.value, names), renamed(node.slice, names), ast.Load())
    if isinstance(node, ast.Attribute):
        return ast.Attribute(renamed(node.value, names), node.attr, ast.Load())
    if isinstance(node, ast.Slice):
        ends = (None if end is None else renamed(end, names) for end in (node.lower, node.upper, node.step))
        return ast.Slice(*ends)
    return node
