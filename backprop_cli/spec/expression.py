"""Expressions of the spec language: a lexer, a precedence parser and the only expression tree there is.

User text is read here and nowhere else; it never reaches Python's own parser or sympy's.
Grammar, loosest first (the precedences of Python and numpy):

    comparison :  sum [(> | >= | < | <= | == | !=) sum]
    sum        :  product (('+' | '-') product)*
    product    :  unary (('*' | '/' | '@') unary)*
    unary      :  ('-' | '+') unary | power
    power      :  postfix ['**' unary]
    postfix    :  atom ('.T' | '[' subscript (',' subscript)* ']')*
    atom       :  number | string | name | name '(' arguments ')' | '(' ... ')' | '[' ... ']'
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from backprop_cli.errors import SpecError
from backprop_cli.spec.source import Text

_Item = TypeVar("_Item")

MAX_CHARACTERS = 10_000
MAX_TOKENS = 2_000
MAX_DEPTH = 64
MAX_HEIGHT = 128  # of the tree; operators in a row, `x + x + ...`, are one level: walks take them in a loop
MAX_EXPONENT = 400  # of a literal: 1e400 has no float


@dataclass(frozen=True, slots=True)
class Expression:
    """A part of an expression; `start` and `end` are offsets in its text."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Number(Expression):
    """A literal; exact, so that formulas can print it as written (`1/2`, `1e-5`)."""

    value: Fraction
    text: str

    @property
    def is_integer(self) -> bool:
        """Whether it was written as an integer (`2`, not `2.0`)."""
        return self.text.isdigit()


@dataclass(frozen=True, slots=True)
class String(Expression):
    """A quoted string; only functions that ask for one take it."""

    value: str


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """The name of a leaf or node, or a constant (`pi`, `e`, `inf`, `nan`, `true`, `false`, `none`)."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`-x`."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """An infix operator: arithmetic or a comparison."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; `keyword` is None for a positional one."""

    keyword: str | None
    value: Expression
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """`function(...)`; `name_end` is where the function's name ends."""

    function: str
    arguments: tuple[Argument, ...]
    name_end: int


@dataclass(frozen=True, slots=True)
class Transposed(Expression):
    """`x.T`: all axes reversed, as in numpy; `matrix` for `x.mT`, the last two swapped."""

    operand: Expression
    matrix: bool = False


@dataclass(frozen=True, slots=True)
class Slice(Expression):
    """`start:stop:step` inside a subscript."""

    first: Expression | None
    stop: Expression | None
    step: Expression | None


@dataclass(frozen=True, slots=True)
class Ellipsis_(Expression):  # noqa: N801 - Python has an Ellipsis of its own
    """`...` inside a subscript."""


@dataclass(frozen=True, slots=True)
class Indexed(Expression):
    """`x[subscripts]`, numpy indexing."""

    operand: Expression
    subscripts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Sequence(Expression):
    """`[a, b]` or `(0, 1)`: several tensors, axes, a shape."""

    items: tuple[Expression, ...]
    bracket: str


# ── lexer ────────────────────────────────────────────────────────────────────────────────────────

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[^\W\d]\w*)
      | (?P<string>'[^'\n]*'|"[^"\n]*")
      | (?P<operator>\*\*|>=|<=|==|!=|\.\.\.|[-+*/@()\[\],:.<>=])
      | (?P<bad>.)""",
    re.VERBOSE | re.DOTALL,
)

_HINTS = {
    "^": "use ** for powers",
    "·": "use @ for a matrix product, * for an elementwise one",
    "×": "use @ for a matrix product, * for an elementwise one",
    "⊙": "use * for an elementwise product",
    "∘": "use * for an elementwise product",
    "−": "use the ASCII minus sign -",
    "ᵀ": "use x.T for a transpose",
    "'": "a string ends on its own line with the quote it began with",
    '"': "a string ends on its own line with the quote it began with",
    "&": "masks are 0/1 numbers: multiply them",
    "|": "masks are 0/1 numbers: use maximum(a, b)",
    "%": "there is no remainder operator",
    "!": "use == and != to compare; there is no negation",
    "{": "an expression is plain text; quote it if YAML reads it as a mapping",
    ";": "write one expression for each node",
    "$": "names need no sign in front",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def _error(code: str, message: str, text: Text, start: int, end: int, hint: str | None = None) -> SpecError:
    return SpecError(code, message, at=text.place(start, end), hint=hint)


def _tokens(text: Text) -> Iterator[_Token]:
    if len(text.text) > MAX_CHARACTERS:
        message = f"expression of {len(text.text)} characters; at most {MAX_CHARACTERS} are read"
        raise _error("E016", message, text, 0, 1, "split it into several nodes")
    count = 0
    for match in _TOKEN.finditer(text.text):
        kind = match.lastgroup or "bad"
        if kind == "space":
            continue
        token = _Token(kind, match.group(), match.start(), match.end())
        if kind == "bad":
            message = f"unexpected character {token.text!r}"
            raise _error("E010", message, text, token.start, token.end, _HINTS.get(token.text))
        count += 1
        if count > MAX_TOKENS:
            message = f"expression of more than {MAX_TOKENS} tokens"
            raise _error("E016", message, text, token.start, token.end, "split it into several nodes")
        yield token
    end = len(text.text)
    yield _Token("end", "", end, end)


# ── parser ───────────────────────────────────────────────────────────────────────────────────────

_COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


class _Parser:
    """One pass over the tokens; each method reads one row of the grammar."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.tokens = list(_tokens(text))
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def advance(self) -> _Token:
        token = self.token
        self.at += 1
        return token

    def sees(self, *operators: str) -> bool:
        return self.token.kind == "operator" and self.token.text in operators

    def accept(self, operator: str) -> bool:
        if self.sees(operator):
            self.at += 1
            return True
        return False

    def expect(self, operator: str, context: str) -> _Token:
        if not self.sees(operator):
            raise self.unexpected(f"expected {operator!r} {context}")
        return self.advance()

    def unexpected(self, expected: str) -> SpecError:
        token = self.token
        found = "the end of the expression" if token.kind == "end" else f"{token.text!r}"
        return _error("E010", f"{expected}, found {found}", self.text, token.start, token.end, self.hint(token))

    def hint(self, token: _Token) -> str | None:
        """What the user may have meant: `2x`, `x = 1`, a missing operator."""
        previous = self.tokens[self.at - 1] if self.at else None
        if previous is not None and previous.kind == "number" and token.text.startswith("_"):
            return "write numbers without '_'"
        if previous is not None and previous.kind == "number" and token.kind == "name":
            return f"write {previous.text}*{token.text}"
        if previous is not None and previous.kind == "operator" and previous.text == "**" and token.text == "*":
            return "use ** for powers"
        if token.text == "=":
            return "use == to compare; a node's name stands before the colon"
        if token.kind == "name" and token.text == "if":
            return "use where(condition, a, b)"
        if previous is not None and previous.kind in {"name", "number"} and token.kind in {"name", "number"}:
            return f"an operator is missing between {previous.text!r} and {token.text!r}"
        return None

    def whole(self) -> Expression:
        if self.token.kind == "end":
            raise self.unexpected("expected an expression")
        expression = self.comparison()
        if self.token.kind != "end":
            raise self.unexpected("expected an operator or the end of the expression")
        return expression

    def deeper(self, hint: str) -> None:
        """Count one level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"expression nested more than {MAX_DEPTH} deep"
            raise _error("E016", message, self.text, self.token.start, self.token.end, hint)

    def comparison(self) -> Expression:
        self.deeper("split it into several nodes")
        left = self.sum()
        if self.sees(*_COMPARISONS):
            operator = self.advance().text
            right = self.sum()
            left = Binary(left.start, right.end, operator, left, right)
            if self.sees(*_COMPARISONS):
                token = self.token
                message = "comparisons do not chain"
                raise _error("E010", message, self.text, token.start, token.end, "multiply two masks: (a < b)*(b < c)")
        self.depth -= 1
        return left

    def _left_to_right(self, operators: frozenset[str], operand: Callable[[], Expression]) -> Expression:
        left = operand()
        while self.sees(*operators):
            operator = self.advance().text
            right = operand()
            left = Binary(left.start, right.end, operator, left, right)
        return left

    def sum(self) -> Expression:
        return self._left_to_right(frozenset("+-"), self.product)

    def product(self) -> Expression:
        return self._left_to_right(frozenset("*/@"), self.unary)

    def unary(self) -> Expression:
        if self.sees("-", "+"):
            self.deeper("remove the repeated signs")
            sign = self.advance()
            operand = self.unary()
            self.depth -= 1
            return Unary(sign.start, operand.end, operand) if sign.text == "-" else operand
        return self.power()

    def power(self) -> Expression:
        base = self.postfix()
        if self.accept("**"):
            self.deeper("write the power with brackets, or as several nodes")
            exponent = self.unary()  # right-associative, and -x**2 is -(x**2)
            self.depth -= 1
            return Binary(base.start, exponent.end, "**", base, exponent)
        return base

    def postfix(self) -> Expression:
        value = self.atom()
        while self.sees(".", "["):
            if self.accept("."):
                if self.token.kind != "name" or self.token.text not in {"T", "mT"}:
                    raise self.unexpected("expected T after '.'")
                name = self.advance()
                value = Transposed(value.start, name.end, value, name.text == "mT")
            else:
                self.advance()
                subscripts = self.sequence("]", self.subscript)
                end = self.expect("]", "to close the index").end
                if not subscripts:
                    raise _error("E010", "empty index", self.text, value.end, end, "write x[0] or x[1:3, :]")
                value = Indexed(value.start, end, value, subscripts)
        return value

    def sequence(self, closing: str, item: Callable[[], _Item]) -> tuple[_Item, ...]:
        items: list[_Item] = []
        while not self.sees(closing) and self.token.kind != "end":
            items.append(item())
            if not self.accept(","):
                break
        return tuple(items)

    def subscript(self) -> Expression:
        start = self.token.start
        if self.sees("..."):
            return Ellipsis_(start, self.advance().end)
        parts: list[Expression | None] = [None, None, None]
        position, colons = 0, 0
        while not self.sees(",", "]") and self.token.kind != "end":
            if self.accept(":"):
                position, colons = position + 1, colons + 1
                if colons > 2:
                    raise self.unexpected("expected at most two ':' in a slice")
            elif parts[position] is None:
                parts[position] = self.comparison()
            else:
                raise self.unexpected("expected ',', ':' or ']' in the index")
        if not colons:
            if parts[0] is None:
                raise self.unexpected("expected an index")
            return parts[0]
        return Slice(start, self.tokens[self.at - 1].end, *parts)

    def atom(self) -> Expression:
        token = self.token
        if token.kind == "number":
            return self.number(self.advance())
        if token.kind == "string":
            self.advance()
            return String(token.start, token.end, token.text[1:-1])
        if token.kind == "name":
            self.advance()
            if self.sees("("):
                return self.call(token)
            return Name(token.start, token.end, token.text)
        if self.accept("("):
            return self.parenthesis(token)
        if self.accept("["):
            items = self.sequence("]", self.comparison)
            end = self.expect("]", "to close the list").end
            return Sequence(token.start, end, items, "[")
        raise self.unexpected("expected a value")

    def number(self, token: _Token) -> Number:
        _, _, exponent = token.text.lower().partition("e")
        # a float says cheaply what an exact power of ten of a thousand digits would take long to say
        if math.isinf(float(token.text)) or len(token.text) > MAX_EXPONENT or abs(int(exponent or 0)) > MAX_EXPONENT:
            raise _error("E010", f"the number {token.text[:40]} is out of range", self.text, token.start, token.end,
                         "numbers are float64: at most about 1.8e308")
        return Number(token.start, token.end, Fraction(token.text), token.text)

    def parenthesis(self, opening: _Token) -> Expression:
        """`(a)` groups; `()`, `(a,)` and `(a, b)` are tuples."""
        if self.sees(")"):
            return Sequence(opening.start, self.advance().end, (), "(")
        first = self.comparison()
        if not self.sees(","):
            end = self.expect(")", "to close the bracket").end
            return _moved(first, opening.start, end)
        self.advance()
        rest = self.sequence(")", self.comparison)
        end = self.expect(")", "to close the bracket").end
        return Sequence(opening.start, end, (first, *rest), "(")

    def call(self, name: _Token) -> Call:
        self.advance()
        arguments = self.sequence(")", self.argument)
        end = self.expect(")", f"to close the call of {name.text!r}").end
        return Call(name.start, end, name.text, arguments, name.end)

    def argument(self) -> Argument:
        token = self.token
        following = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        keyword = None
        if token.kind == "name" and following.kind == "operator" and following.text == "=":
            keyword = token.text
            self.at += 2
        value = self.comparison()
        return Argument(keyword, value, token.start, value.end)


def _moved(expression: Expression, start: int, end: int) -> Expression:
    """The same expression with its brackets counted in, so that a caret covers them."""
    from dataclasses import replace

    return replace(expression, start=start, end=end)


def parse(text: Text) -> Expression:
    """Parse one expression.

    Raises:
        SpecError: E010 (syntax) or E016 (too large), at the offending token.
    """
    try:
        expression = _Parser(text).whole()
    except RecursionError:  # the limits keep clear of it, unless the caller's own stack is nearly full
        raise _error("E016", "expression nested too deep", text, 0, len(text.text), "split it into nodes") from None
    _check_height(expression, text)
    return expression


def _check_height(expression: Expression, text: Text) -> None:
    """Refuse a tree that walks could not recurse over: `x.T.T.T...` a thousand times."""
    level = [expression]
    for _ in range(MAX_HEIGHT):
        level = [child for parent in level for child in level_of(parent)]
        if not level:
            return
    message = f"expression of more than {MAX_HEIGHT} operations in a row"
    raise _error("E016", message, text, 0, len(text.text), "split it into several nodes, or use sum over an array")


# ── walks ────────────────────────────────────────────────────────────────────────────────────────


def children(expression: Expression) -> tuple[Expression, ...]:
    """The direct parts of an expression, left to right."""
    match expression:
        case Unary(operand=operand) | Transposed(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Call(arguments=arguments):
            return tuple(argument.value for argument in arguments)
        case Indexed(operand=operand, subscripts=subscripts):
            return (operand, *subscripts)
        case Sequence(items=items):
            return items
        case Slice(first=first, stop=stop, step=step):
            return tuple(part for part in (first, stop, step) if part is not None)
    return ()


def in_a_row(expression: Binary) -> tuple[Expression, list[Binary]]:
    """`a + b - c` as a and then + b, - c: the left-most operand and the operations on it, first to last."""
    row: list[Binary] = []
    part: Expression = expression
    while isinstance(part, Binary):
        row.append(part)
        part = part.left
    return part, row[::-1]


def level_of(expression: Expression) -> tuple[Expression, ...]:
    """The parts of an expression, with operators in a row as one level."""
    if not isinstance(expression, Binary):
        return children(expression)
    first, row = in_a_row(expression)
    return (first, *(operation.right for operation in row))


def parts(expression: Expression) -> Iterator[Expression]:
    """An expression and everything in it, left to right."""
    stack = [expression]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(reversed(children(part)))


def names(expression: Expression) -> Iterator[Name]:
    """Every name an expression uses, left to right, with repeats."""
    return (part for part in parts(expression) if isinstance(part, Name))
