"""A precedence parser; each method reads one row of the grammar."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from backprop_cli.language.expression.cursor import MAX_DEPTH, Cursor
from backprop_cli.language.expression.lexer import FRACTIONS, Token, error
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
    level_of,
)
from backprop_cli.language.source import Text

__all__ = ["MAX_DEPTH", "MAX_EXPONENT", "MAX_HEIGHT", "parse"]

MAX_HEIGHT = 128  # of the tree; operators in a row, `x + x + ...`, are one level: walks take them in a loop


MAX_EXPONENT = 400  # of a literal: 1e400 has no float


EITHER, BOTH, COMPARISON, MASK, MASKS, SUM, PRODUCT = range(7)
_COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!=", "="})
_LEVELS = {
    "or": EITHER, "and": BOTH, **dict.fromkeys(_COMPARISONS, COMPARISON), "|": MASK, "&": MASKS, "+": SUM, "-": SUM,
    **dict.fromkeys(("*", "/", "@", "//", "%", "⊙", "·", "⋆", "∗"), PRODUCT),
}  # fmt: skip
"""How tightly the infix operators bind; as in Python, and `=` compares inside [...]."""
_SIGNS = {"": "*", "⊙": "*", "|": "or", "&": "and", "=": "=="}
"""Signs for the operators of the tree: of masks `|` is `or`, `&` is `and`."""
_PAIRED = {"|": ("|", "abs"), "‖": ("‖", "norm"), "⌊": ("⌋", "floor"), "⌈": ("⌉", "ceil")}
"""What stands around an operand: the sign that closes it, and the function it is."""
_OF_LOG = {"sigmoid": "logsigmoid", "σ": "logsigmoid", "det": "logdet", "softmax": "log_softmax"}
"""`log σ(x)`, as formulas print it."""
_BEGINNINGS = frozenset("(√∂‖|⌊⌈[∞")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class _Parser(Cursor):
    """One pass over the tokens; each method reads one row of the grammar."""

    bars = 0  # how many |...| are open
    listed = False  # directly inside [...], where `=` compares

    def whole(self) -> Expression:
        if self.token.kind == "end":
            raise self.unexpected("expected an expression")
        expression = self.expression()
        if self.token.kind != "end":
            raise self.unexpected("expected an operator or the end of the expression")
        return expression

    # operators ───────────────────────────────────────────────────────────────────────────────────

    def expression(self) -> Expression:
        self.deeper("split it into several nodes")
        found = self.infix(0)
        self.depth -= 1
        return found

    def infix(self, level: int) -> Expression:
        """Operands, and the operators between them that bind at `level` or more tightly."""
        left = self.unary()
        while (found := self.operator()) and found[1] >= level:
            sign, own = found
            if sign:
                self.advance()
            elif isinstance(left, Binary) and left.operator == "/":
                raise self.unclear()
            right = self.infix(own + 1)
            left = Binary(left.start, right.end, _SIGNS.get(sign, sign), left, right)
            if own == COMPARISON and self.sees(*_COMPARISONS):
                token = self.token
                hint = "multiply two masks: (a < b)*(b < c)"
                raise error("E010", "comparisons do not chain", self.text, token.start, token.end, hint)
        return left

    def operator(self) -> tuple[str, int] | None:
        """The infix operator that comes next, and its level; "" for a product without a sign, `2 x`."""
        sign = self.token.text
        hidden = sign == "|" and self.bars or sign == "=" and not self.listed or self.token.kind == "string"
        if sign in _LEVELS and not hidden:
            return sign, _LEVELS[sign]
        return ("", PRODUCT) if self.juxtaposed() else None

    def juxtaposed(self) -> bool:
        """Whether a number stands directly before what it multiplies: `2 x`, `2(a + b)`."""
        previous = self.previous
        return previous is not None and previous.kind == "number" and not self.after_power() and (
            self.token.kind == "name" and self.token.text not in {"if", "else", "and", "or", "not"}
            and not self.token.text.startswith("_")
            or self.token.kind == "operator" and self.token.text in _BEGINNINGS - ({"|"} if self.bars else set())
        )  # fmt: skip

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
        if not self.prefixed():
            return self.power()
        self.deeper("remove the repeated signs")
        sign = self.advance()
        operand = self.infix(COMPARISON) if sign.text == "not" else self.unary()
        self.depth -= 1
        if sign.text in {"~", "not"}:
            return _call("logical_not", sign.start, operand.end, operand)
        return Unary(sign.start, operand.end, operand) if sign.text == "-" else operand

    def prefixed(self) -> bool:
        if self.token.text == "not" and self.token.kind == "name":
            return self.following.kind in {"name", "number"} or self.following.text in _BEGINNINGS
        return self.sees("-", "+", "~")

    def power(self) -> Expression:
        base = self.postfix()
        if self.sees("**", "^"):
            self.advance()
            self.deeper("write the power with brackets, or as several nodes")
            exponent = self.unary()  # right-associative, and -x**2 is -(x**2)
            self.depth -= 1
            return Binary(base.start, exponent.end, "**", base, exponent)
        return base

    # what follows an operand ─────────────────────────────────────────────────────────────────────

    def postfix(self) -> Expression:
        value = self.atom()
        while True:
            if self.token.kind == "raised":
                value = self.raised(value)
            elif self.accept("."):
                value = self.attribute(value)
            elif self.sees("[") and self.tokens[self.at - 1].kind != "number":
                value = self.index(value)
            else:
                return value

    def raised(self, base: Expression) -> Expression:
        """A superscript: `xᵀ`, `A⁻¹`, `x²`."""
        sign = self.advance()
        if len(sign.text) > MAX_EXPONENT:
            raise error("E010", "the exponent is out of range", self.text, sign.start, sign.end)
        return _raised(base, sign)

    def index(self, value: Expression) -> Expression:
        self.advance()
        state = self.bracket()
        subscripts = self.sequence("]", self.subscript)
        self.bars, self.listed = state
        end = self.expect("]", "to close the index").end
        if not subscripts:
            raise error("E010", "empty index", self.text, value.end, end, "write x[0] or x[1:3, :]")
        return Indexed(value.start, end, value, subscripts)

    def attribute(self, value: Expression) -> Expression:
        """`x.T`, `x.sum(0)`, `np.exp(x)`, `x.shape`."""
        if self.token.kind != "name":
            raise self.unexpected("expected T or a method after '.'")
        name = self.advance()
        if name.text in {"T", "mT"}:
            return Transposed(value.start, name.end, value, name.text == "mT")
        from backprop_cli.language.spelling import respelled  # most expressions have none

        return respelled(self, value, name)

    def bracket(self) -> tuple[int, bool]:
        """Go into a bracket, where neither |...| nor [...] around it matter; what mattered before."""
        before = self.bars, self.listed
        self.bars, self.listed = 0, False
        return before

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
                parts[position] = self.expression()
            else:
                raise self.unexpected("expected ',', ':' or ']' in the index")
        if not colons:
            if parts[0] is None:
                raise self.unexpected("expected an index")
            return parts[0]
        return Slice(start, self.tokens[self.at - 1].end, *parts)

    # operands ────────────────────────────────────────────────────────────────────────────────────

    def atom(self) -> Expression:
        token = self.token
        if token.kind == "number":
            return self.number(self.advance())
        if token.kind == "string":
            self.advance()
            return String(token.start, token.end, token.text[1:-1])
        if token.kind == "name":
            self.advance()
            return self.named(token)
        if token.kind == "operator" and token.text in _ATOMS:
            self.advance()
            return _ATOMS[token.text](self, token)
        raise self.unexpected("expected a value")

    def named(self, name: Token) -> Expression:
        """A name, a call, or `log σ(x)`."""
        if self.sees("("):
            arguments, end = self.arguments(name.text)
            return Call(name.start, end, name.text, arguments, name.end)
        if name.text == "log" and self.token.kind == "name" and self.following.text == "(":
            inner = self.named(self.advance())
            if isinstance(inner, Call) and inner.function in _OF_LOG:
                return Call(name.start, inner.end, _OF_LOG[inner.function], inner.arguments, inner.name_end)
            return _call("log", name.start, inner.end, inner)
        if name.text.startswith("Σ") and self.summed():
            inner = self.infix(PRODUCT)
            argument = Argument(None, inner, inner.start, inner.end)
            return Call(name.start, inner.end, name.text, (argument,), name.end)
        return Name(name.start, name.end, name.text)

    def summed(self) -> bool:
        """Whether a product stands after a Σ: `Σ_n x·y`, which a bracket would end no later."""
        return self.token.kind in {"name", "number"} or self.token.text in _BEGINNINGS - {"|", "["}

    def number(self, token: Token) -> Number:
        if token.text in FRACTIONS:
            value = Fraction(unicodedata.numeric(token.text)).limit_denominator(100)
            return Number(token.start, token.end, value, token.text)
        _, _, exponent = token.text.lower().partition("e")
        # a float says cheaply what an exact power of ten of a thousand digits would take long to say
        if math.isinf(float(token.text)) or len(token.text) > MAX_EXPONENT or abs(int(exponent or 0)) > MAX_EXPONENT:
            raise error("E010", f"the number {token.text[:40]} is out of range", self.text, token.start, token.end,
                         "numbers are float64: at most about 1.8e308")
        return Number(token.start, token.end, Fraction(token.text), token.text)

    def parenthesis(self, opening: Token) -> Expression:
        """`(a)` groups; `()`, `(a,)` and `(a, b)` are tuples."""
        state = self.bracket()
        items = self.sequence(")", self.element)
        self.bars, self.listed = state
        is_tuple = not items or len(items) > 1 or self.tokens[self.at - 1].text == ","
        end = self.expect(")", "to close the bracket").end
        if is_tuple or isinstance(items[0], Starred):
            return Sequence(opening.start, end, items, "(")
        return _moved(items[0], opening.start, end)

    def element(self) -> Expression:
        """An element of a tuple, or several: `(2, *x.shape)`."""
        token = self.token
        starred = self.accept("*")
        value = self.expression()
        return Starred(token.start, value.end, value) if starred else value

    def list(self, opening: Token) -> Expression:
        """`[a, b]`, and the mask `[a = b]`."""
        state = self.bracket()
        items = self.sequence("]", self.item)
        self.bars, self.listed = state
        end = self.expect("]", "to close the list").end
        return Sequence(opening.start, end, items, "[")

    def item(self) -> Expression:
        self.listed = True
        return self.expression()

    def paired(self, opening: Token) -> Expression:
        """`|x|`, `‖x‖`, `⌊x⌋`, `⌈x⌉`."""
        closing, function = _PAIRED[opening.text]
        self.bars, bars = self.bars + (closing == "|"), self.bars
        inner = self.expression()
        self.bars = bars
        return _call(function, opening.start, self.expect(closing, "to close it").end, inner)

    def root(self, sign: Token) -> Expression:
        """`√x`."""
        self.deeper("write the root with brackets, or as several nodes")
        operand = self.postfix()
        self.depth -= 1
        return _call("sqrt", sign.start, operand.end, operand)

    def partial(self, sign: Token) -> Expression:
        """`∂loss/∂w`, the gradient of `w`."""
        output = self.differentiated("expected the output after '∂'")
        self.expect("/", "in a derivative ∂output/∂node")
        self.expect("∂", "in a derivative ∂output/∂node")
        node = self.differentiated("expected a node after '∂'")
        of = node.operand if isinstance(node, Indexed) else node  # an entry of a gradient: ∂loss/∂W[0, 1]
        found = Partial(sign.start, of.end, "grad", (Argument(None, of, of.start, of.end),), sign.end,
                        output=self.text.text[output.start : output.end])  # fmt: skip
        return replace(node, start=sign.start, operand=found) if isinstance(node, Indexed) else found

    def differentiated(self, expected: str) -> Expression:
        """A name, an entry `p[0]`, or anything in brackets."""
        opening = self.token
        if self.accept("("):
            return self.parenthesis(opening)
        if opening.kind != "name":
            raise self.unexpected(expected)
        self.advance()
        name = Name(opening.start, opening.end, opening.text)
        return self.index(name) if self.sees("[") else name

    def infinity(self, sign: Token) -> Expression:
        return Name(sign.start, sign.end, "inf")

    def arguments(self, function: str) -> tuple[tuple[Argument, ...], int]:
        """The arguments of a call, and where it ends."""
        self.advance()
        state = self.bracket()
        arguments = self.sequence(")", self.argument)
        self.bars, self.listed = state
        return arguments, self.expect(")", f"to close the call of {function!r}").end

    def argument(self) -> Argument:
        token, keyword = self.token, None
        if token.kind == "name" and self.following.kind == "operator" and self.following.text == "=":
            keyword = token.text
            self.at += 2
        value = self.expression() if keyword else self.element()
        return Argument(keyword, value, token.start, value.end)


_ATOMS: dict[str, Callable[[_Parser, Token], Expression]] = {
    "(": _Parser.parenthesis, "[": _Parser.list, "√": _Parser.root, "∂": _Parser.partial, "∞": _Parser.infinity,
    **dict.fromkeys(_PAIRED, _Parser.paired),
}  # fmt: skip


def _call(function: str, start: int, end: int, *operands: Expression) -> Call:
    arguments = tuple(Argument(None, operand, operand.start, operand.end) for operand in operands)
    return Call(start, end, function, arguments, start, library="own")


def _raised(base: Expression, sign: Token) -> Expression:
    """`xᵀ`, `A⁻¹`, `A⁻ᵀ`, `X⁺`, `x²`."""
    start, end = base.start, sign.end
    if sign.text == "ᵀ":
        return Transposed(start, end, base, matrix=True)
    if sign.text == "⁻¹":
        return Inverted(start, end, base)
    if sign.text == "⁻ᵀ":
        return Transposed(start, end, Inverted(start, end, base), matrix=True)
    if sign.text.startswith("⁺"):
        inverse = _call("pinv", start, end, base)
        return inverse if sign.text == "⁺" else Transposed(start, end, inverse, matrix=True)
    digits = sign.text.translate(_DIGITS)
    number = Number(sign.start + digits.startswith("-"), end, Fraction(digits.lstrip("-")), digits.lstrip("-"))
    exponent: Expression = Unary(sign.start, end, number) if digits.startswith("-") else number
    return Binary(start, end, "**", base, exponent)


def _moved(expression: Expression, start: int, end: int) -> Expression:
    """The same expression with its brackets counted in, so that a caret covers them."""
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
