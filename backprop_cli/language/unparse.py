"""Expressions back to text, and with calls of the user's functions unfolded.

The text has as few brackets as the grammar allows; parsing it gives the same tree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backprop_cli.errors import SpecError
from backprop_cli.language.expression import parse
from backprop_cli.language.expression.tree import (
    Argument,
    Binary,
    Call,
    Ellipsis_,
    Expression,
    Indexed,
    Inverted,
    Name,
    Number,
    Partial,
    Sequence,
    Slice,
    Starred,
    String,
    Transposed,
    Unary,
    calls,
    in_a_row,
    names,
    parts,
    rebuilt,
)
from backprop_cli.language.model import Function
from backprop_cli.language.source import BY_PROGRAM, Text, inline
from backprop_cli.records import dataclass, field, replace

EITHER, BOTH, COMPARISON, SUM, PRODUCT, UNARY, POWER, POSTFIX, ATOM = range(9)
"""How tightly a part binds; `_LEVELS` has the operators' (own level, level of the left, of the right operand)."""

_LEVELS: Mapping[str, tuple[int, int, int]] = {
    **dict.fromkeys((">", ">=", "<", "<=", "==", "!="), (COMPARISON, SUM, SUM)),
    **dict.fromkeys(("+", "-"), (SUM, SUM, PRODUCT)),
    **dict.fromkeys(("*", "/", "@", "//", "%", "·", "⋆", "∗"), (PRODUCT, PRODUCT, UNARY)),
    "or": (EITHER, EITHER, BOTH), "and": (BOTH, BOTH, COMPARISON),
    "**": (POWER, POSTFIX, UNARY),
}

# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def unparse(expression: Expression) -> str:
    """The text of an expression."""
    return _piece(expression)[0]


def _within(part: Expression, level: int) -> str:
    text, own = _piece(part)
    return text if own >= level else f"({text})"


def _piece(part: Expression) -> tuple[str, int]:
    """A part's text, and how tightly it binds."""
    return _PIECES[type(part)](part)


def _binary(part: Binary) -> tuple[str, int]:
    first, row = in_a_row(part)
    text, own = _piece(first)
    for one in row:
        level, left, _ = _LEVELS[one.operator]
        text, own = (text if own >= left else f"({text})") + _operation(one), level
    return text, own


def _operation(part: Binary) -> str:
    """An operator and what stands to its right."""
    small = isinstance(part.left, Number | Name) and isinstance(part.right, Number | Name)
    tight = part.operator == "**" or part.operator == "/" and small
    signs = isinstance(part.right, Unary) and part.operator != "**"  # a + -b is right, and hard to read
    after = f"({unparse(part.right)})" if signs else _within(part.right, _LEVELS[part.operator][2])
    given = f"[{','.join(map(_argument, part.given))}]" if part.given else ""
    return (part.operator if tight else f" {part.operator}{given} ") + after


def _string(part: String) -> tuple[str, int]:
    quote = '"' if "'" in part.value else "'"
    return f"{quote}{part.value}{quote}", ATOM


def _argument(argument: Argument) -> str:
    value = unparse(argument.value)
    return value if argument.keyword is None else f"{argument.keyword}={value}"


def _call(part: Call) -> tuple[str, int]:
    return f"{part.function}({', '.join(map(_argument, part.arguments))})", POSTFIX


def _partial(part: Partial) -> tuple[str, int]:
    node = unparse(part.arguments[0].value)
    return (f"∂{part.output}/∂{node}" if node.isidentifier() else f"∂{part.output}/∂({node})"), POWER


def _sequence(part: Sequence) -> tuple[str, int]:
    inner = ", ".join(map(unparse, part.items))
    if part.bracket == "[":
        return f"[{inner}]", ATOM
    return (f"({inner},)" if len(part.items) == 1 else f"({inner})"), ATOM


def _slice(part: Slice) -> tuple[str, int]:
    ends = ["" if end is None else unparse(end) for end in (part.first, part.stop)]
    return ":".join(ends) + ("" if part.step is None else f":{unparse(part.step)}"), ATOM


def _postfix(operand: Expression) -> str:
    """What stands before a `.` or `[`; a number is bracketed, as `2.T` would be a number with a dot."""
    return f"({unparse(operand)})" if isinstance(operand, Number) else _within(operand, POSTFIX)


_PIECES: Mapping[type[Expression], Callable[..., tuple[str, int]]] = {
    Number: lambda part: (part.text, ATOM),
    Name: lambda part: (part.name, ATOM),
    String: _string,
    Unary: lambda part: (f"-{_within(part.operand, UNARY)}", UNARY),
    Binary: _binary,
    Call: _call,
    Partial: _partial,
    Inverted: lambda part: (f"{_postfix(part.operand)}⁻¹", POSTFIX),
    Sequence: _sequence,
    Starred: lambda part: (f"*{unparse(part.operand)}", ATOM),
    Slice: _slice,
    Ellipsis_: lambda part: ("...", ATOM),
    Transposed: lambda part: (f"{_postfix(part.operand)}.{'mT' if part.matrix else 'T'}", POSTFIX),
    Indexed: lambda part: (f"{_postfix(part.operand)}[{', '.join(map(unparse, part.subscripts))}]", POSTFIX),
}


# ── changed trees ────────────────────────────────────────────────────────────────────────────────


def substituted(part: Expression, values: Mapping[str, Expression]) -> Expression:
    """The expression with other expressions in place of names; operators in a row are no deep recursion."""
    if isinstance(part, Name):
        return values.get(part.name, part)
    if not isinstance(part, Binary):
        return rebuilt(part, lambda inner: substituted(inner, values))
    first, row = in_a_row(part)
    made = substituted(first, values)
    for one in row:
        made = replace(one, left=made, right=substituted(one.right, values))
    return made


@dataclass(slots=True)
class Unfolding:
    """Unfolds the functions without hand-written gradients; `taken` are the names a body must not catch."""

    functions: Mapping[str, Function]
    taken: frozenset[str]
    bodies: dict[str, Expression | None] = field(default_factory=dict)

    def written(self, expression: Expression, text: Text) -> tuple[Expression, Text]:
        """The expression written out; as it is where it calls nothing to unfold, or would become too large."""
        unfolded = self.walk(expression)
        if unfolded is expression or any(self.hidden(part) for part in parts(unfolded)):
            return expression, text
        try:
            whole = text.standing_for(unparse(unfolded))
            return parse(whole), whole
        except (SpecError, RecursionError):  # over the limits of an expression: the call stays
            return expression, text

    def hidden(self, part: Expression) -> bool:
        """A function of the language where a user's has its name: written out as text it would be the user's."""
        return isinstance(part, Call) and bool(part.library) and part.function in self.functions

    def walk(self, part: Expression) -> Expression:
        """A part written out; the very same object where nothing changes."""
        changed = False

        def inner(child: Expression) -> Expression:
            nonlocal changed
            found = self.walk(child)
            changed = changed or found is not child
            return found

        whole = rebuilt(part, inner)
        whole = whole if changed else part
        return self.call(whole) if isinstance(whole, Call) and calls(whole, self.functions) else whole

    def call(self, part: Call) -> Expression:
        """A call in which the body takes the place of the function."""
        function = self.functions[part.function]
        body = self.body(function)
        values = _arguments(function, part)
        return part if body is None or values is None else substituted(body, values)

    def body(self, function: Function) -> Expression | None:
        """A function's own body written out; None where the call must stay."""
        if function.name not in self.bodies:
            free = {name.name for name in names(function.body)} - set(function.args)
            keep = bool(function.grads) or not free.isdisjoint(self.taken)
            self.bodies[function.name] = None if keep else self.written(function.body, function.body_text)[0]
        return self.bodies[function.name]


def _arguments(function: Function, part: Call) -> dict[str, Expression] | None:
    """The arguments by name; None for a call that is wrong, which is reported when the spec is run."""
    values = dict(zip(function.args, (a.value for a in part.arguments if a.keyword is None), strict=False))
    values |= {a.keyword: a.value for a in part.arguments if a.keyword is not None}
    return values if set(values) == set(function.args) and len(part.arguments) == len(function.args) else None


def parsed(text: str) -> tuple[Expression, Text]:
    """An expression of our own with its text."""
    whole = inline(text, BY_PROGRAM)
    return parse(whole), whole
