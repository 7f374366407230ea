"""Expressions as people write them: what stands after a dot may be a function of numpy's or PyTorch's, or a method."""

from __future__ import annotations

from backprop_cli.language.expression.lexer import Token
from backprop_cli.language.expression.parser import Parser, parsed
from backprop_cli.language.expression.tree import Expression
from backprop_cli.language.source import Text


class _Dotted(Parser):
    """A parser that knows the libraries."""

    def dotted(self, value: Expression, name: Token) -> Expression:
        from backprop_cli.language.spelling import respelled  # most expressions have none

        return respelled(self, value, name)


def parse(text: Text) -> Expression:
    """Parse one expression.

    Raises:
        SpecError: E010 (syntax) or E016 (too large), at the offending token.
    """
    return parsed(_Dotted, text)
