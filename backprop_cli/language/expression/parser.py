"""A precedence parser; each method reads one row of the grammar."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from backprop_cli.errors import SpecError
from backprop_cli.language.expression.lexer import Token, error, tokens
from backprop_cli.language.expression.tree import (
    Argument,
    Binary,
    Call,
    Ellipsis_,
    Expression,
    Indexed,
    Name,
    Number,
    Sequence,
    Slice,
    String,
    Transposed,
    Unary,
    level_of,
)
from backprop_cli.language.source import Text

_Item = TypeVar("_Item")


MAX_DEPTH = 64


MAX_HEIGHT = 128  # of the tree; operators in a row, `x + x + ...`, are one level: walks take them in a loop


MAX_EXPONENT = 400  # of a literal: 1e400 has no float


_COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})


class _Parser:
    """One pass over the tokens; each method reads one row of the grammar."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.tokens = list(tokens(text))
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
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

    def expect(self, operator: str, context: str) -> Token:
        if not self.sees(operator):
            raise self.unexpected(f"expected {operator!r} {context}")
        return self.advance()

    def unexpected(self, expected: str) -> SpecError:
        token = self.token
        found = "the end of the expression" if token.kind == "end" else f"{token.text!r}"
        return error("E010", f"{expected}, found {found}", self.text, token.start, token.end, self.hint(token))

    def hint(self, token: Token) -> str | None:
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
            raise error("E016", message, self.text, self.token.start, self.token.end, hint)

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
                raise error("E010", message, self.text, token.start, token.end, "multiply two masks: (a < b)*(b < c)")
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
                    raise error("E010", "empty index", self.text, value.end, end, "write x[0] or x[1:3, :]")
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

    def number(self, token: Token) -> Number:
        _, _, exponent = token.text.lower().partition("e")
        # a float says cheaply what an exact power of ten of a thousand digits would take long to say
        if math.isinf(float(token.text)) or len(token.text) > MAX_EXPONENT or abs(int(exponent or 0)) > MAX_EXPONENT:
            raise error("E010", f"the number {token.text[:40]} is out of range", self.text, token.start, token.end,
                         "numbers are float64: at most about 1.8e308")
        return Number(token.start, token.end, Fraction(token.text), token.text)

    def parenthesis(self, opening: Token) -> Expression:
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

    def call(self, name: Token) -> Call:
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
        raise error("E016", "expression nested too deep", text, 0, len(text.text), "split it into nodes") from None
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
    raise error("E016", message, text, 0, len(text.text), "split it into several nodes, or use sum over an array")
