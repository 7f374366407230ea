"""Operands, the tightest rows of the grammar: names, calls, brackets, and what follows each of them."""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

from backprop_cli.language.expression import tree as ast
from backprop_cli.language.expression.cursor import Cursor
from backprop_cli.language.expression.lexer import FRACTIONS, Token, error
from backprop_cli.records import replace

MAX_EXPONENT = 400  # of a literal: 1e400 has no float

_PAIRED = {"|": ("|", "abs"), "‖": ("‖", "norm"), "⌊": ("⌋", "floor"), "⌈": ("⌉", "ceil")}
"""What stands around an operand: the sign that closes it, and the function it is."""
_OF_LOG = {"sigmoid": "logsigmoid", "σ": "logsigmoid", "det": "logdet", "softmax": "log_softmax"}
"""`log σ(x)`, as formulas print it."""
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_FOLLOWING = frozenset((".", "["))
BEGINNINGS = frozenset("(√∂‖|⌊⌈[∞")
"""Signs that an operand begins with."""


class Operands(Cursor, ABC):
    """One pass over the tokens; each method reads one row of the grammar."""

    bars = 0  # how many |...| are open
    listed = False  # directly inside [...], where `=` compares

    @abstractmethod
    def expression(self) -> ast.Expression:
        """All of an expression, up to what ends it."""

    @abstractmethod
    def product(self) -> ast.Expression:
        """The factors that stand together."""

    @abstractmethod
    def dotted(self, value: ast.Expression, name: Token) -> ast.Expression:
        """`value.name`, where that is no transpose."""

    # what follows an operand ─────────────────────────────────────────────────────────────────────

    def postfix(self) -> ast.Expression:
        """An operand and what follows it."""
        value = self.atom()
        while True:
            if self.token.kind == "raised":
                value = self.raised(value)
            elif self.token.text not in _FOLLOWING:
                return value
            elif self.accept("."):
                value = self.attribute(value)
            elif self.sees("[") and self.tokens[self.at - 1].kind != "number":
                value = self.index(value)
            else:
                return value

    def raised(self, base: ast.Expression) -> ast.Expression:
        """A superscript: `xᵀ`, `A⁻¹`, `x²`."""
        sign = self.advance()
        if len(sign.text) > MAX_EXPONENT:
            raise error("E010", "the exponent is out of range", self.text, sign.start, sign.end)
        return _raised(base, sign)

    def index(self, value: ast.Expression) -> ast.Expression:
        """`x[0]`, `x[1:3, :]`."""
        self.advance()
        state = self.bracket()
        subscripts = self.sequence("]", self.subscript)
        self.bars, self.listed = state
        end = self.expect("]", "to close the index").end
        if not subscripts:
            raise error("E010", "empty index", self.text, value.end, end, "write x[0] or x[1:3, :]")
        return ast.Indexed(value.start, end, value, subscripts)

    def attribute(self, value: ast.Expression) -> ast.Expression:
        """`x.T`, `x.sum(0)`, `np.exp(x)`, `x.shape`."""
        if self.token.kind != "name":
            raise self.unexpected("expected T or a method after '.'")
        name = self.advance()
        if name.text in {"T", "mT"}:
            return ast.Transposed(value.start, name.end, value, name.text == "mT")
        return self.dotted(value, name)

    def bracket(self) -> tuple[int, bool]:
        """Go into a bracket, where neither |...| nor [...] around it matter; what mattered before."""
        before = self.bars, self.listed
        self.bars, self.listed = 0, False
        return before

    def subscript(self) -> ast.Expression:
        """An index, a slice, or `...`."""
        start = self.token.start
        if self.sees("..."):
            return ast.Ellipsis_(start, self.advance().end)
        parts: list[ast.Expression | None] = [None, None, None]
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
        return ast.Slice(start, self.tokens[self.at - 1].end, *parts)

    # operands ────────────────────────────────────────────────────────────────────────────────────

    def atom(self) -> ast.Expression:
        """A number, a string, a name, a call, or what a bracket holds."""
        token = self.token
        if token.kind == "number":
            return self.number(self.advance())
        if token.kind == "string":
            self.advance()
            return ast.String(token.start, token.end, token.text[1:-1])
        if token.kind == "name":
            self.advance()
            return self.named(token)
        if token.kind == "operator" and token.text in _ATOMS:
            self.advance()
            return _ATOMS[token.text](self, token)
        raise self.unexpected("expected a value")

    def named(self, name: Token) -> ast.Expression:
        """A name, a call, or `log σ(x)`."""
        if self.sees("("):
            arguments, end = self.arguments(name.text)
            return ast.Call(name.start, end, name.text, arguments, name.end)
        if name.text == "log" and self.token.kind == "name" and self.following.text == "(":
            inner = self.named(self.advance())
            if isinstance(inner, ast.Call) and inner.function in _OF_LOG:
                return ast.Call(name.start, inner.end, _OF_LOG[inner.function], inner.arguments, inner.name_end)
            return own_call("log", name.start, inner.end, inner)
        if name.text.startswith("Σ") and self.summed():
            self.deeper("write one sum over all, or several nodes")
            inner = self.product()
            self.depth -= 1
            argument = ast.Argument(None, inner, inner.start, inner.end)
            return ast.Call(name.start, inner.end, name.text, (argument,), name.end)
        return ast.Name(name.start, name.end, name.text)

    def summed(self) -> bool:
        """Whether a product stands after a Σ: `Σ_n x·y`, which a bracket would end no later."""
        return self.token.kind in {"name", "number"} or self.token.text in BEGINNINGS - {"|", "["}

    def number(self, token: Token) -> ast.Number:
        """A literal, exactly."""
        if token.text in FRACTIONS:
            value = Fraction(unicodedata.numeric(token.text)).limit_denominator(100)
            return ast.Number(token.start, token.end, value, token.text)
        _, _, exponent = token.text.lower().partition("e")
        # a float says cheaply what an exact power of ten of a thousand digits would take long to say
        if math.isinf(float(token.text)) or len(token.text) > MAX_EXPONENT or abs(int(exponent or 0)) > MAX_EXPONENT:
            raise error("E010", f"the number {token.text[:40]} is out of range", self.text, token.start, token.end,
                         "numbers are float64: at most about 1.8e308")
        return ast.Number(token.start, token.end, Fraction(token.text), token.text)

    def parenthesis(self, opening: Token) -> ast.Expression:
        """`(a)` groups; `()`, `(a,)` and `(a, b)` are tuples."""
        state = self.bracket()
        items = self.sequence(")", self.element)
        self.bars, self.listed = state
        is_tuple = not items or len(items) > 1 or self.tokens[self.at - 1].text == ","
        end = self.expect(")", "to close the bracket").end
        if is_tuple or isinstance(items[0], ast.Starred):
            return ast.Sequence(opening.start, end, items, "(")
        return _moved(items[0], opening.start, end)

    def element(self) -> ast.Expression:
        """An element of a tuple, or several: `(2, *x.shape)`."""
        token = self.token
        starred = self.accept("*")
        value = self.expression()
        return ast.Starred(token.start, value.end, value) if starred else value

    def list(self, opening: Token) -> ast.Expression:
        """`[a, b]`, and the mask `[a = b]`."""
        state = self.bracket()
        items = self.sequence("]", self.item)
        self.bars, self.listed = state
        end = self.expect("]", "to close the list").end
        return ast.Sequence(opening.start, end, items, "[")

    def item(self) -> ast.Expression:
        """An element of a list; `=` compares there."""
        self.listed = True
        return self.expression()

    def paired(self, opening: Token) -> ast.Expression:
        """`|x|`, `‖x‖`, `⌊x⌋`, `⌈x⌉`."""
        closing, function = _PAIRED[opening.text]
        self.bars, bars = self.bars + (closing == "|"), self.bars
        inner = self.expression()
        self.bars = bars
        end = self.expect(closing, "to close it").end
        written = self.text.text
        doubled = inner.start == opening.end and inner.end == end - 1 and written[inner.start] == "|"
        if doubled and isinstance(inner, ast.Call) and closing == "|":  # ||x||: no value is made absolute twice
            return own_call("norm", opening.start, end, inner.arguments[0].value)
        return own_call(function, opening.start, end, inner)

    def root(self, sign: Token) -> ast.Expression:
        """`√x`."""
        self.deeper("write the root with brackets, or as several nodes")
        operand = self.postfix()
        self.depth -= 1
        return own_call("sqrt", sign.start, operand.end, operand)

    def partial(self, sign: Token) -> ast.Expression:
        """`∂loss/∂w`, the gradient of `w`."""
        output = self.differentiated("expected the output after '∂'")
        self.expect("/", "in a derivative ∂output/∂node")
        self.expect("∂", "in a derivative ∂output/∂node")
        node = self.differentiated("expected a node after '∂'")
        of = node.operand if isinstance(node, ast.Indexed) else node  # an entry of a gradient: ∂loss/∂W[0, 1]
        found = ast.Partial(sign.start, of.end, "grad", (ast.Argument(None, of, of.start, of.end),), sign.end,
                        output=self.text.text[output.start : output.end])  # fmt: skip
        return replace(node, start=sign.start, operand=found) if isinstance(node, ast.Indexed) else found

    def differentiated(self, expected: str) -> ast.Expression:
        """A name, an entry `p[0]`, or anything in brackets."""
        opening = self.token
        if self.accept("("):
            return self.parenthesis(opening)
        if opening.kind != "name":
            raise self.unexpected(expected)
        self.advance()
        name = ast.Name(opening.start, opening.end, opening.text)
        return self.index(name) if self.sees("[") else name

    def infinity(self, sign: Token) -> ast.Expression:
        """`∞`."""
        return ast.Name(sign.start, sign.end, "inf")

    def arguments(self, function: str) -> tuple[tuple[ast.Argument, ...], int]:
        """The arguments of a call, and where it ends."""
        self.advance()
        state = self.bracket()
        arguments = self.sequence(")", self.argument)
        self.bars, self.listed = state
        return arguments, self.expect(")", f"to close the call of {function!r}").end

    def argument(self) -> ast.Argument:
        """An argument of a call, with its keyword if it has one."""
        token, keyword = self.token, None
        if token.kind == "name" and (following := self.following).kind == "operator" and following.text == "=":
            keyword = token.text
            self.skip(2)
        value = self.expression() if keyword else self.element()
        return ast.Argument(keyword, value, token.start, value.end)


_ATOMS: dict[str, Callable[[Operands, Token], ast.Expression]] = {
    "(": Operands.parenthesis, "[": Operands.list, "√": Operands.root, "∂": Operands.partial, "∞": Operands.infinity,
    **dict.fromkeys(_PAIRED, Operands.paired),
}  # fmt: skip


def own_call(function: str, start: int, end: int, *operands: ast.Expression) -> ast.Call:
    """A call of a function of the language that no author wrote as one."""
    arguments = tuple(ast.Argument(None, operand, operand.start, operand.end) for operand in operands)
    return ast.Call(start, end, function, arguments, start, library="own")


def _raised(base: ast.Expression, sign: Token) -> ast.Expression:
    """`xᵀ`, `A⁻¹`, `A⁻ᵀ`, `X⁺`, `x²`."""
    start, end = base.start, sign.end
    if sign.text == "ᵀ":
        return ast.Transposed(start, end, base, matrix=True)
    if sign.text == "⁻¹":
        return ast.Inverted(start, end, base)
    if sign.text == "⁻ᵀ":
        return ast.Transposed(start, end, ast.Inverted(start, end, base), matrix=True)
    if sign.text.startswith("⁺"):
        inverse = own_call("pinv", start, end, base)
        return inverse if sign.text == "⁺" else ast.Transposed(start, end, inverse, matrix=True)
    digits = sign.text.translate(_DIGITS)
    number = ast.Number(sign.start + digits.startswith("-"), end, Fraction(digits.lstrip("-")), digits.lstrip("-"))
    exponent: ast.Expression = ast.Unary(sign.start, end, number) if digits.startswith("-") else number
    return ast.Binary(start, end, "**", base, exponent)


def _moved(expression: ast.Expression, start: int, end: int) -> ast.Expression:
    """The same expression with its brackets counted in, so that a caret covers them."""
    return replace(expression, start=start, end=end)
