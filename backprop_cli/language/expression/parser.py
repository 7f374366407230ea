"""A precedence parser: the infix operators, loosest first; the operands between them are read in `operands`."""

from __future__ import annotations

from backprop_cli.language.expression.cursor import MAX_DEPTH
from backprop_cli.language.expression.lexer import Token, error
from backprop_cli.language.expression.operands import BEGINNINGS, MAX_EXPONENT, Operands, own_call
from backprop_cli.language.expression.tree import Argument, Binary, Expression, Name, Unary, level_of
from backprop_cli.language.source import Text

__all__ = ["MAX_DEPTH", "MAX_EXPONENT", "MAX_HEIGHT", "Parser", "parse_own", "parsed"]

MAX_HEIGHT = 128  # of the tree; operators in a row, `x + x + ...`, are one level: walks take them in a loop


EITHER, BOTH, COMPARISON, MASK, MASKS, SUM, PRODUCT = range(7)
_COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!=", "="})
_LEVELS = {
    "or": EITHER, "and": BOTH, **dict.fromkeys(_COMPARISONS, COMPARISON), "|": MASK, "&": MASKS, "+": SUM, "-": SUM,
    **dict.fromkeys(("*", "/", "@", "//", "%", "⊙", "·", "⋆", "∗"), PRODUCT),
}  # fmt: skip
"""How tightly the infix operators bind; as in Python, and `=` compares inside [...]."""
_POWERS = frozenset(("**", "^"))
_PREFIXES = frozenset("-+~")
_ENDS = frozenset(("+", "-", "*", "/", "@", ",", ")", ""))
"""What an operand is done with that is a name: it binds less tightly, or is the end."""
_SIGNS = {"": "*", "⊙": "*", "|": "or", "&": "and", "=": "=="}
"""Signs for the operators of the tree: of masks `|` is `or`, `&` is `and`."""
_WITH_GIVEN = frozenset("⋆∗")
"""Signs that may have something behind them: `x ⋆[s=2] g`; after a space it is an operand, `x ⋆ [z > 0]`."""


class Parser(Operands):
    """One pass over the tokens; each method reads one row of the grammar."""

    def whole(self) -> Expression:
        """An expression, and nothing after it."""
        if self.token.kind == "end":
            raise self.unexpected("expected an expression")
        expression = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("expected an operator or the end of the expression")
        return expression

    # operators ───────────────────────────────────────────────────────────────────────────────────

    def expression(self) -> Expression:
        """Operators of any level, and what stands between them."""
        self.deeper("split it into several nodes")
        found = self.infix(0)
        self.depth -= 1
        return found

    def product(self) -> Expression:
        """Operators that bind as tightly as a product."""
        return self.infix(PRODUCT)

    def dotted(self, value: Expression, name: Token) -> Expression:
        """Our own words have no methods."""
        message = f"expected T after '.', found {name.text!r}"
        raise error("E010", message, self.text, name.start, name.end)

    def infix(self, level: int) -> Expression:
        """Operands, and the operators between them that bind at `level` or more tightly."""
        left = self.unary()
        while (found := self.operator()) and found[1] >= level:
            sign, own = found
            if sign:
                self.skip()
            elif isinstance(left, Binary) and left.operator == "/":
                raise self.unclear()
            given = self.given() if sign in _WITH_GIVEN else ()
            right = self.infix(own + 1)
            left = Binary(left.start, right.end, _SIGNS.get(sign, sign), left, right, given)
            if own == COMPARISON and self.sees(*_COMPARISONS):
                token = self.token
                hint = "multiply two masks: (a < b)*(b < c)"
                raise error("E010", "comparisons do not chain", self.text, token.start, token.end, hint)
        return left

    def given(self) -> tuple[Argument, ...]:
        """What stands in brackets directly behind a sign."""
        if not self.sees("[") or self.token.start != self.tokens[self.at - 1].end:
            return ()
        self.advance()
        state = self.bracket()
        found = self.sequence("]", self.argument)
        self.bars, self.listed = state
        self.expect("]", "to close what stands behind the sign")
        return found

    def operator(self) -> tuple[str, int] | None:
        """The infix operator that comes next, and its level; "" for a product without a sign, `2 x`."""
        sign = self.token.text
        is_bar = sign == "|" and (self.bars or self.opens())
        hidden = is_bar or sign == "=" and not self.listed or self.token.kind == "string"
        if sign in _LEVELS and not hidden:
            return sign, _LEVELS[sign]
        return ("", PRODUCT) if self.tokens[self.at - 1].kind == "number" and self.juxtaposed() else None

    def juxtaposed(self) -> bool:
        """Whether the number before it stands directly before what it multiplies: `2 x`, `2(a + b)`."""
        return not self.after_power() and (
            self.token.kind == "name" and self.token.text not in {"if", "else", "and", "or", "not"}
            and not self.token.text.startswith("_")
            or self.token.kind == "operator" and self.token.text in BEGINNINGS - {"|"} or self.opens()
        )  # fmt: skip

    def opens(self) -> bool:
        """Whether a bar behind a number opens, as spaces tell: `2 |x|`; `2 | x` is a mask."""
        previous, token, following = self.previous, self.token, self.following
        if token.text != "|" or previous is None or previous.kind != "number":
            return False
        is_apart = previous.end < token.start and token.end == following.start
        return is_apart and (following.kind in {"name", "number"} or following.text in BEGINNINGS)

    def after_power(self) -> bool:
        """Whether the number is an exponent: in `a**2 x` an operator is missing."""
        at = self.at - 2
        while at >= 0 and self.tokens[at].text in {"-", "+"}:
            at -= 1
        return at >= 0 and self.tokens[at].text in {"**", "^"}

    def unclear(self) -> Exception:
        """`a/2 x`: is x above or below?"""
        number, token = self.tokens[self.at - 1], self.token
        hint = f"write .../({number.text}*{token.text}) or .../{number.text}*{token.text}"
        message = f"'/{number.text} {token.text}' can be read in two ways"
        return error("E010", message, self.text, number.start, token.end, hint)

    def unary(self) -> Expression:
        """A sign, and what it stands before."""
        token = self.token
        if token.kind == "name" and self.tokens[self.at + 1].text in _ENDS:  # as most operands are
            self.skip()
            return Name(token.start, token.end, token.text)
        if token.kind == "name" and token.text != "not" or not self.prefixed():
            return self.power()
        self.deeper("remove the repeated signs")
        sign = self.advance()
        operand = self.infix(COMPARISON) if sign.text == "not" else self.unary()
        self.depth -= 1
        if sign.text in {"~", "not"}:
            return own_call("logical_not", sign.start, operand.end, operand)
        return Unary(sign.start, operand.end, operand) if sign.text == "-" else operand

    def prefixed(self) -> bool:
        """Whether a sign is next: `-`, `+`, `~`, `not`."""
        if self.token.text == "not" and self.token.kind == "name":
            return self.following.kind in {"name", "number"} or self.following.text in BEGINNINGS
        return self.token.text in _PREFIXES and self.token.kind == "operator"

    def power(self) -> Expression:
        """An operand, and its exponent."""
        base = self.postfix()
        if self.token.text in _POWERS and self.token.kind == "operator":
            self.advance()
            self.deeper("write the power with brackets, or as several nodes")
            exponent = self.unary()  # right-associative, and -x**2 is -(x**2)
            self.depth -= 1
            return Binary(base.start, exponent.end, "**", base, exponent)
        return base


def parse_own(text: Text) -> Expression:
    """Parse one expression in our own words alone."""
    return parsed(Parser, text)


def parsed(parser: type[Parser], text: Text) -> Expression:
    """Parse one expression.

    Raises:
        SpecError: E010 (syntax) or E016 (too large), at the offending token.
    """
    try:
        cursor = parser(text)
        expression = cursor.whole()
    except RecursionError:  # the limits keep clear of it, unless the caller's own stack is nearly full
        raise error("E016", "expression nested too deep", text, 0, len(text.text), "split it into nodes") from None
    if 2 * len(cursor.tokens) > MAX_HEIGHT:  # no token makes more than two operations, `⁻ᵀ` does
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
