"""The place of a parser in the tokens of an expression, and how it tells what is wrong there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from backprop_cli.errors import SpecError
from backprop_cli.language.expression.lexer import Token, error, tokens
from backprop_cli.language.source import Text

_Item = TypeVar("_Item")

MAX_DEPTH = 64


class Cursor:
    """A place in the tokens; what is expected there, and how deep it is nested."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.tokens = tokens(text)
        self.at = 0
        self.token = self.tokens[0]  # the next one; `skip` alone moves it
        self.depth = 0

    def skip(self, count: int = 1) -> None:
        """Go on by so many tokens."""
        self.at += count
        self.token = self.tokens[self.at]

    @property
    def previous(self) -> Token | None:
        """The token before it."""
        return self.tokens[self.at - 1] if self.at else None

    @property
    def following(self) -> Token:
        """The token after it."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def advance(self) -> Token:
        """Take the next token."""
        token = self.token
        self.at += 1
        self.token = self.tokens[self.at]
        return token

    def sees(self, *operators: str) -> bool:
        """Whether one of these operators is next."""
        return self.token.kind == "operator" and self.token.text in operators

    def accept(self, operator: str) -> bool:
        """Take an operator if it is next."""
        if self.token.text == operator and self.token.kind == "operator":
            self.skip()
            return True
        return False

    def expect(self, operator: str, context: str) -> Token:
        """Take an operator.

        Raises:
            SpecError: something else is next.
        """
        if not self.sees(operator):
            raise self.unexpected(f"expected {operator!r} {context}")
        return self.advance()

    def sequence(self, closing: str, item: Callable[[], _Item]) -> tuple[_Item, ...]:
        """Items with commas between them, up to a closing bracket."""
        items: list[_Item] = []
        while not self.sees(closing) and self.token.kind != "end":
            items.append(item())
            if not self.accept(","):
                break
        return tuple(items)

    def deeper(self, hint: str) -> None:
        """Count one level of nesting."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            message = f"expression nested more than {MAX_DEPTH} deep"
            raise error("E016", message, self.text, self.token.start, self.token.end, hint)

    def unexpected(self, expected: str) -> SpecError:
        """What is wrong where another token was expected."""
        token = self.token
        found = "the end of the expression" if token.kind == "end" else f"{token.text!r}"
        return error("E010", f"{expected}, found {found}", self.text, token.start, token.end, self.hint(token))

    def hint(self, token: Token) -> str | None:
        """What the user may have meant: `x = 1`, a missing operator."""
        previous = self.previous
        if previous is not None and previous.kind == "number" and token.text.startswith("_"):
            return "write '_' only between digits: 1_000"
        if previous is not None and previous.text in {"**", "^"} and token.text == "*":
            return "use ** for powers"
        if token.text == "=":
            return "use == to compare; a node's name stands before the colon"
        if token.kind == "name" and token.text == "if":
            return "use where(condition, a, b)"
        from backprop_cli.language.expression.hints import meant

        known = meant(self.text.text, token.start)
        if known is not None:
            return known
        if previous is not None and previous.kind in {"name", "number"} and token.kind in {"name", "number"}:
            missing = f"an operator is missing between {previous.text!r} and {token.text!r}"
            return missing if previous.kind == "number" else f"{missing}, or brackets: {previous.text}({token.text})"
        if previous is not None and previous.text in {")", "]"} and (token.kind == "name" or token.text == "("):
            return f"an operator is missing before {token.text!r}"
        return None
