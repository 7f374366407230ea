"""A rule's lines on paper: parameters as the numbers they are, the user's names, values put in.

The order of a rule is how people write it, so it is printed as it stands; nothing is simplified but numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from fractions import Fraction

from backprop_cli.formulas import marks
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.expression import Binary, Call, Expression, Name, Number, Unary, parse
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass

SIGNED, SUM, PRODUCT, POWER, ATOM = range(-1, 4)  # signed: a negative number in a name's place
_LEVELS = {"+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT, "**": POWER}
_SUPERSCRIPTS = str.maketrans("0123456789-t", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵗ")


def shown(value: Fraction) -> str:
    """A parameter as one writes it: 0.5, 0.999, 1e-8."""
    if value.denominator == 1 and abs(value) < 10**15:
        return str(value.numerator)
    text = repr(float(value))
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent)}" if mark else text


# ── numbers put in ───────────────────────────────────────────────────────────────────────────────


def with_numbers(part: Expression, values: Mapping[str, Fraction]) -> Expression:
    """With parameters in place of their names, and arithmetic of numbers alone done."""
    if isinstance(part, Name):
        return _number(values[part.name]) if part.name in values else part
    part = rebuilt(part, lambda inner: with_numbers(inner, values))
    if isinstance(part, Binary) and isinstance(part.left, Number) and isinstance(part.right, Number):
        return _number(_COMPUTED[part.operator](part.left.value, part.right.value))
    return part


def _number(value: Fraction) -> Number:
    return Number(0, 0, value, shown(value))


_COMPUTED: Mapping[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "**": lambda a, b: a ** int(b),
}  # fmt: skip


# ── the walk ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Notation:
    """How a formula is set: signs between operands, what stands for a name, and the shapes that are not in a row."""

    times: str
    name: Callable[[str], str]
    power: Callable[[str, str], str]
    divide: Callable[[str, str], str] | None  # None: in a row
    root: Callable[[str], str]
    call: Callable[[str], str] = str
    number: Callable[[str], str] = str
    sign: Callable[[str], str] = "{}".format  # of an operator
    between: Callable[[str], str] = "{}".format  # of one with an operand on either side
    gap: str = " "  # on both sides of a sign


def written(part: Expression, notation: Notation) -> str:
    """The text of a formula."""
    return _piece(part, notation)[0]


def _piece(part: Expression, notation: Notation) -> tuple[str, int]:
    match part:
        case Number():
            return notation.number(part.text), SUM if part.text.startswith("-") else ATOM
        case Name():
            text = notation.name(part.name)
            return text, SIGNED if text.startswith(notation.sign("-")) else ATOM
        case Call() if part.function == "sqrt":
            return notation.root(written(part.arguments[0].value, notation)), ATOM
        case Call():
            comma = notation.between(",") + notation.gap
            inner = comma.join(written(argument.value, notation) for argument in part.arguments)
            return notation.call(part.function) + _bracketed(inner, notation), ATOM
        case Unary():
            return notation.sign("-") + _within(part.operand, PRODUCT, notation), SUM
        case Binary():
            return _binary(part, notation)
    raise AssertionError(f"no rule is written with {part}")


def _binary(part: Binary, notation: Notation) -> tuple[str, int]:
    level = _LEVELS[part.operator]
    if part.operator == "**":
        return notation.power(_within(part.left, ATOM, notation), written(part.right, notation)), ATOM
    if part.operator == "/" and notation.divide:
        return notation.divide(written(part.left, notation), written(part.right, notation)), ATOM
    gap = notation.gap
    sign = notation.times if part.operator == "*" else gap + notation.between(part.operator) + gap
    right = _within(part.right, level + (part.operator in "-/*"), notation)
    return _within(part.left, level, notation) + sign + right, level


def _within(part: Expression, level: int, notation: Notation) -> str:
    text, own = _piece(part, notation)
    return text if own >= level else _bracketed(text, notation)


def _bracketed(text: str, notation: Notation) -> str:
    return notation.sign("(") + text + notation.sign(")")


def text_notation(name: Callable[[str], str]) -> Notation:
    """Unicode text."""
    return Notation(" · ", name, _text_power, None, lambda inner: f"√{inner}" if _is_short(inner) else f"√({inner})")


def _text_power(base: str, exponent: str) -> str:
    base = f"({base})" if "/" in base else base  # (∂L/∂w)²
    small = exponent.translate(_SUPERSCRIPTS)
    return f"{base}{small}" if not set(small) & set(exponent) else f"{base}^{exponent}"


def _is_short(text: str) -> bool:
    return text.replace("_", "").replace("\u0302", "").replace(".", "").isalnum()


def latex_notation(name: Callable[[str], str]) -> Notation:
    """LaTeX."""
    return Notation(r" \, ", name, _latex_power, lambda a, b: rf"\frac{{{a}}}{{{b}}}",
                    lambda inner: rf"\sqrt{{{inner}}}", lambda name: rf"\operatorname{{{name}}}",
                    latex_number)  # fmt: skip


def _latex_power(base: str, exponent: str) -> str:
    base = rf"\left({base}\right)" if base.startswith(r"\frac") or _TEN.match(base) else base
    return f"{base}^{{{exponent}}}"


_TEN = re.compile(r"[\d.]+ \\cdot 10|<mn>[\d.]+</mn><mo>·</mo>")
"""A number with a power of ten."""


def latex_number(text: str) -> str:
    """1.5 · 10^{-8} for 1.5e-8."""
    mantissa, mark, exponent = text.partition("e")
    if not mark:
        return text
    power = f"10^{{{exponent}}}"
    return power if mantissa == "1" else rf"{mantissa} \cdot {power}"


def mathml_notation(name: Callable[[str], str]) -> Notation:
    """Elements of MathML."""
    return Notation(between_operands("\u2062"), name, _mathml_power, lambda a, b: _mathml("mfrac", a, b),
                    lambda inner: f"<msqrt>{inner}</msqrt>", lambda name: f"<mi>{name}</mi>", mathml_number,
                    _mo, between_operands, "")  # fmt: skip


def _mo(sign: str) -> str:
    return f"<mo>{sign.replace('-', chr(0x2212))}</mo>"


BREAKS = {"+": marks.SUM, "-": marks.SUM}
_MARKS = {**BREAKS, ",": marks.COMMA}


def between_operands(sign: str) -> str:
    """A sign in MathML, with a mark: a line may end there."""
    return _mo(sign).replace("<mo>", f'<mo data-break="{marks.PLACES[_MARKS.get(sign, marks.PRODUCT)]}">')


def _mathml(kind: str, base: str, other: str) -> str:
    return f"<{kind}><mrow>{base}</mrow><mrow>{other}</mrow></{kind}>"


def _mathml_power(base: str, exponent: str) -> str:
    closed = base.startswith("<mfrac") or _TEN.match(base)
    return _mathml("msup", _mo("(") + base + _mo(")") if closed else base, exponent)


def mathml_number(text: str) -> str:
    """The same in MathML."""
    mantissa, mark, exponent = text.removeprefix("-").partition("e")
    power = _mathml("msup", "<mn>10</mn>", mathml_number(exponent)) if mark else ""
    first = "" if mark and mantissa == "1" else f"<mn>{mantissa}</mn>"
    return (_mo("-") if text.startswith("-") else "") + first + (_mo("·") if first and power else "") + power


# ── formulas ─────────────────────────────────────────────────────────────────────────────────────


def printed(text: str, code: str, latex: str, mathml: str) -> Printed:
    """A formula in the notations that every result holds, and for a page."""
    return Printed({"text": text, "code": code, "latex": latex, marks.MARKED["mathml"]: mathml})


def formula(code: str, values: Mapping[str, Fraction], names: Mapping[str, Printed]) -> Printed:
    """A line's formula: parameters by number, `w` and `g` by what the spec calls them."""
    tree = with_numbers(parse(inline(code, "<rule>")), values)

    def spoken(word: str) -> Printed:
        return names.get(word) or letter(word)

    return printed(
        written(tree, text_notation(lambda word: spoken(word).text)),
        unparse(_renamed(tree, names)),
        written(tree, latex_notation(lambda word: spoken(word)["latex"])),
        written(tree, mathml_notation(lambda word: spoken(word).marked("mathml"))),
    )


def letter(word: str) -> Printed:
    """A name of a rule's own."""
    return printed(spelled(word), word, _LATEX.get(word, word), marked(word))


def told_apart(word: str, param: str, taken: Container[str]) -> Printed:
    """A rule's letter where the spec has that name too: with the param below it, m_W."""
    code = f"{word}_{param}"
    while code in taken:
        code += "_"
    latex = f"{_LATEX.get(word, word)}_{{{upright(param)}}}"
    text = code.replace(word, spelled(word), 1)
    return printed(text, code, latex, f"<msub>{marked(word)}<mi>{param}</mi></msub>")


def upright(name: str) -> str:
    """A name of the spec in LaTeX, whatever it holds."""
    return name if len(name) == 1 else rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"


_LATEX = {"m_hat": r"\hat{m}", "v_hat": r"\hat{v}", "lr": r"\mathrm{lr}"}


def _renamed(part: Expression, names: Mapping[str, Printed]) -> Expression:
    if isinstance(part, Name):
        return parse(inline(names[part.name].code, "<rule>")) if part.name in names else part
    return rebuilt(part, lambda inner: _renamed(inner, names))


def listed(value: object, digits: int) -> str:
    """A number or an array in so many significant digits."""
    if isinstance(value, list):
        return f"[{', '.join(listed(entry, digits) for entry in value)}]"
    return listed(value.tolist(), digits) if hasattr(value, "tolist") else f"{value or 0:.{digits}g}"


def spelled(word: str) -> str:
    """A name of a rule's own: m̂ for m_hat."""
    return f"{word.removesuffix('_hat')}\u0302" if word.endswith("_hat") else word


def marked(word: str) -> str:
    """A name of a rule's own, in MathML."""
    name = f"<mi>{word.removesuffix('_hat')}</mi>"
    return f'<mover accent="true">{name}<mo>^</mo></mover>' if word.endswith("_hat") else name
