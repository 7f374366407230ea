"""The notations as data: one class with the shared shape, one instance each for text, code and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from sympy import E, Expr, Float, Integer, Rational, S

from backprop_cli.algebra.expr import NONE, Apply, shape_of
from backprop_cli.interpret import KEYWORDS
from backprop_cli.ops import OPS
from backprop_cli.ops.base import REQUIRED, axes_of
from backprop_cli.ops.shaping import index_text

if TYPE_CHECKING:
    from backprop_cli.notation.layout import Piece

ADD, NEGATIVE, MUL, MATMUL, GRADIENT, POWER, CALL, ATOM = 1, 1, 2, 2, 3, 4, 5, 6

_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_SIGNS = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}


def _make(text: str, level: int) -> Any:
    from backprop_cli.notation.layout import Piece

    return Piece(text, level)


def decimal(value: Expr) -> str:
    """An exact number as it is written: 2, 1e-5, 0.01."""
    if isinstance(value, Integer):
        return str(value)
    if isinstance(value, Rational):
        text = repr(float(Fraction(int(value.p), int(value.q))))
        return re.sub(r"e([+-])0*(\d+)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text.removesuffix(".0"))
    if isinstance(value, Float):
        return repr(float(value))
    return str(value)


@dataclass(frozen=True)
class Notation:
    """Text: Unicode, one line, what a student would write by hand."""

    plus: str = " + "
    minus: str = " - "
    minus_sign: str = "-"
    matmul: str = " · "
    gradient_level: int = GRADIENT
    scalar_joins_chain: bool = True
    gradients_apart: bool = False

    def name(self, name: str) -> str:
        """The name of a node."""
        return name

    def gradient(self, output: str, name: str) -> str:
        """∂output/∂node."""
        return f"∂{output}/∂{name}"

    def bracket(self, text: str) -> str:
        """Brackets."""
        return f"({text})"

    def number(self, value: Expr) -> str:
        """An exact number."""
        return {S.Pi: "π", E: "e", S.Infinity: "∞", S.NegativeInfinity: "-∞"}.get(value) or decimal(value)

    def times(self, left: Expr, right: Expr) -> str:
        """Between two factors: ⊙ for tensors, · where one is a scalar."""
        return " ⊙ " if shape_of(left) and shape_of(right) else " · "

    def scaled(self, number: str, text: str) -> str:
        """A number in front of a product."""
        return f"{number} {text}" if text[0] != "(" else f"{number}{text}"

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        """A quotient on one line."""
        top = above.text if above.level >= MUL and above.level != ADD else self.bracket(above.text)
        bottom = below.text if below.level > GRADIENT else self.bracket(below.text)
        tight = above.level > GRADIENT or above.level == ADD or " " not in top and "/" not in top
        return (f"{top}/{bottom}" if tight else f"{top} / {bottom}"), MUL

    def root(self, base: Piece) -> Piece:
        """A square root."""
        return _make(f"√{base.text}" if base.level == ATOM else f"√({base.text})", POWER)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        """A power; small integers as superscripts."""
        inner = self._base(base)
        if integer is not None:
            return inner + str(integer).translate(_SUPERSCRIPTS)
        return f"{inner}^{exponent.text}" if exponent.level == ATOM else f"{inner}^({exponent.text})"

    def row(self, text: str) -> str:
        """A vector as a row."""
        return text + "ᵀ"

    def outer(self, left: str, right: str) -> str:
        """x yᵀ."""
        return f"{left} · {right}ᵀ"

    def _base(self, base: Piece) -> str:
        return base.text if base.level >= CALL else self.bracket(base.text)

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        """Aᵀ."""
        return self._base(base) + "ᵀ"

    def inverse(self, base: Piece) -> str:
        """A⁻¹."""
        return self._base(base) + "⁻¹"

    def inverse_transpose(self, base: Piece) -> str:
        """A⁻ᵀ."""
        return self._base(base) + "⁻ᵀ"

    def summation(self, base: Piece, expr: Apply) -> Piece:
        """Σ over everything, over a named axis (Σ_n) or over a numbered one."""
        letters = summed_names(expr)
        if expr.parameters["axis"] is None:
            return _make(f"Σ({base.text})", CALL)
        if letters:
            return _make(f"Σ_{letters}({base.text})", CALL)
        return _make(f"Σ({base.text}, axis={spell_static(expr.parameters['axis'])})", CALL)

    def unit_vector(self, expr: Apply) -> Piece:
        """e[k]."""
        return _make(f"e[{expr.parameters['index'][0]}]", CALL)

    def index(self, base: str, expr: Apply) -> str:
        """x[...]."""
        return f"{base}[{index_text(expr.parameters['index'])}]"

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        """x with new axes, as an index."""
        axes = expr.parameters["axis"]
        listed = {a % len(expr.shape) for a in ((axes,) if isinstance(axes, int) else axes)}
        marks = ", ".join("None" if i in listed else ":" for i in range(len(expr.shape)))
        return _make(f"{self._base(base)}[{marks}]", CALL)

    def comparison(self, name: str, left: str, right: str) -> Piece:
        """Iverson brackets: 1 where it holds, else 0."""
        sign = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}.get(_SIGNS[name], _SIGNS[name])
        return _make(f"[{left} {sign} {right}]", CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply) -> Piece:
        """A function, by its template or as a call."""
        template = OPS[name].text if name in OPS else None
        if template is not None:
            return _make(template.format(*("" if o is None else o.text for o in operands)), CALL)
        return _make(f"{name}({', '.join(self.arguments(operands, expr))})", CALL)

    def arguments(self, operands: list[Piece | None], expr: Apply) -> list[str]:
        """Operands in order, then the parameters that differ from their defaults."""
        return written_arguments([None if o is None else o.text for o in operands], expr, quiet=True)


def spell_static(value: Any) -> str:
    """A static parameter as the language writes it."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        inner = ", ".join(map(spell_static, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Fraction):
        return decimal(Rational(value.numerator, value.denominator))
    return getattr(value, "name", None) or str(value)


def written_arguments(operands: list[str | None], expr: Apply, quiet: bool) -> list[str]:
    """The arguments of a call; `quiet` drops what only matters to a machine (keepdims, an axis that is the last)."""
    op = OPS[expr.name]
    signature = op.signature
    parameters = dict(expr.parameters)
    if expr.name in {"scatter", "index"}:
        parameters["index"] = f"{index_text(parameters['index'])}"
    listed = [text for text in operands if text is not None]
    if signature.variadic:
        first = next(iter(signature.parameters), "")
        if isinstance(parameters.get(first), str):
            return [f"'{parameters[first]}'", *listed]
        arguments = [f"[{', '.join(listed)}]"]
    else:
        arguments = _operands(operands, signature.operands)
    for name, default in signature.parameters.items():
        value = parameters.get(name, default)
        if default is not REQUIRED and value == default and type(value) is type(default) or quiet and name == "keepdims":
            continue
        if name == "axis" and default == -1 and expr.args and value == len(shape_of(expr.args[0])) - 1:
            continue  # the last axis, however the user counted it
        spelled = spell_static(value)
        arguments.append(spelled if default is REQUIRED else f"{name}={spelled}")
    return arguments


def _operands(operands: list[str | None], names: tuple[str, ...]) -> list[str]:
    """Operands by position; after one left out, by keyword."""
    arguments: list[str] = []
    gap = False
    for name, text in zip(names, operands, strict=False):
        if text is None:
            gap = True
        else:
            arguments.append(f"{name}={text}" if gap else text)
    return arguments


def summed_names(expr: Apply) -> str:
    """The lower-case names of the axes a sum runs over; empty unless all have one."""
    shape = shape_of(expr.args[0])
    names = [getattr(shape[a], "name", None) for a in axes_of(expr.parameters["axis"], len(shape))]
    return "".join(n.lower() for n in names if n) if all(n and len(n) == 1 for n in names) else ""


@dataclass(frozen=True)
class Code(Notation):
    """The spec language itself: pasted back, it gives the printed value."""

    matmul: str = " @ "

    def gradient(self, output: str, name: str) -> str:
        return f"grad({name})"

    def number(self, value: Expr) -> str:
        return {S.Pi: "pi", E: "e", S.Infinity: "inf", S.NegativeInfinity: "-inf", S.NaN: "nan"}.get(value) or decimal(value)

    def times(self, left: Expr, right: Expr) -> str:
        return " * "

    def scaled(self, number: str, text: str) -> str:
        return f"{number} * {text}"

    gradient_level: int = ATOM
    scalar_joins_chain: bool = False

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        top = above.text if above.level > MUL or above.level == MUL and "@" not in above.text else self.bracket(above.text)
        bottom = below.text if below.level > MUL else self.bracket(below.text)
        return f"{top} / {bottom}" if " " in top and not top.startswith("(") else f"{top}/{bottom}", MUL

    def root(self, base: Piece) -> Piece:
        return _make(f"sqrt({base.text})", CALL)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        inner = base.text if base.level >= CALL else self.bracket(base.text)
        return f"{inner}**{exponent.text}" if exponent.level >= CALL else f"{inner}**({exponent.text})"

    def row(self, text: str) -> str:
        return text

    outer: Any = None

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        if len(order) == 2:
            return self._base(base) + ".T"
        return f"transpose({base.text}, {spell_static(order)})"

    def inverse(self, base: Piece) -> str:
        return f"inv({base.text})"

    def inverse_transpose(self, base: Piece) -> str:
        return f"inv({base.text}).T"

    def summation(self, base: Piece, expr: Apply) -> Piece:
        return self.call("sum", [base], expr)

    def unit_vector(self, expr: Apply) -> Piece:
        n = spell_static(expr.shape[0])
        return _make(f"scatter(1, '{expr.parameters['index'][0]}', ({n},))", CALL)

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        return self.call("expand_dims", [base], expr)

    def comparison(self, name: str, left: str, right: str) -> Piece:
        return _make(f"({left} {_SIGNS[name]} {right})", CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply) -> Piece:
        texts = [None if o is None else o.text for o in operands]
        return _make(f"{name}({', '.join(written_arguments(texts, expr, quiet=False))})", CALL)


_GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split())  # fmt: skip
_GREEK_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega").split(), strict=True))  # fmt: skip


def latex_name(name: str) -> str:
    r"""A node's name in LaTeX: y_1 is y_{1}, w2 is w_{2}, alpha is \alpha, loss is \mathrm{loss}."""
    match = re.fullmatch(r"([^\W\d_]+)_?(\w*)", name)
    if match is None or match[2] and "_" in match[2] or not match[1]:
        return rf"\mathrm{{{_escaped(name)}}}"
    base, index = match.groups()
    if index and not name.startswith(f"{base}_") and not index.isdigit():
        return rf"\mathrm{{{_escaped(name)}}}"
    subscript = "" if not index else f"_{{{index}}}" if index.isdigit() or len(index) == 1 else rf"_{{\mathrm{{{_escaped(index)}}}}}"
    return _latex_word(base) + subscript


def _latex_word(base: str) -> str:
    if base in _GREEK:
        return "\\" + base
    if len(base) == 1:
        return "\\" + _GREEK_LETTERS[base] + " " if base in _GREEK_LETTERS else base if base.isascii() else rf"\mathrm{{{base}}}"
    return rf"\mathrm{{{_escaped(base)}}}"


def _escaped(text: str) -> str:
    spelled = "".join(rf"\{_GREEK_LETTERS[c]} " if c in _GREEK_LETTERS else c for c in text)
    return re.sub(r"(?<!\\)([_#%&$])", r"\\\1", spelled)


@dataclass(frozen=True)
class Latex(Notation):
    """LaTeX mathematics: juxtaposition for products of matrices, ⊙ for elementwise ones."""

    matmul: str = r" "
    gradient_level: int = POWER
    gradients_apart: bool = True

    def name(self, name: str) -> str:
        return latex_name(name)

    def gradient(self, output: str, name: str) -> str:
        top = latex_name(output) if re.fullmatch(r"\w+", output) else rf"\mathrm{{{latex_text(output)}}}"
        return rf"\frac{{\partial {top}}}{{\partial {latex_name(name)}}}"

    def bracket(self, text: str) -> str:
        return rf"\left({text}\right)"

    def number(self, value: Expr) -> str:
        special = {S.Pi: r"\pi", E: "e", S.Infinity: r"\infty", S.NegativeInfinity: r"-\infty"}.get(value)
        if special:
            return special
        text = decimal(value)
        mantissa, _, exponent = text.partition("e")
        if not exponent:
            return text
        return rf"10^{{{exponent}}}" if mantissa == "1" else rf"{mantissa} \cdot 10^{{{exponent}}}"

    def times(self, left: Expr, right: Expr) -> str:
        return r" \odot " if shape_of(left) and shape_of(right) else r" \, "

    def scaled(self, number: str, text: str) -> str:
        return rf"{number} \, {text}" if text[:1].isdigit() else f"{number} {text}"

    def fraction(self, above: Piece, below: Piece) -> tuple[str, int]:
        return rf"\frac{{{above.text}}}{{{below.text}}}", POWER

    def root(self, base: Piece) -> Piece:
        return _make(rf"\sqrt{{{base.text}}}", CALL)

    def _base(self, base: Piece) -> str:
        return base.text if base.level >= CALL and not base.text.startswith(r"\frac") else self.bracket(base.text)

    def superscript(self, base: Piece, exponent: Piece, integer: int | None) -> str:
        return rf"{self._braced(self._base(base))}^{{{exponent.text}}}"

    def _braced(self, text: str) -> str:
        return f"{{{text}}}" if "^" in text else text

    def row(self, text: str) -> str:
        inner = self.bracket(text) if text.startswith(r"\frac") else text
        return rf"{self._braced(inner)}^\top"

    def outer(self, left: str, right: str) -> str:
        return f"{left} {self.row(right)}"

    def transpose(self, base: Piece, order: tuple[int, ...]) -> str:
        return rf"{self._braced(self._base(base))}^\top"

    def inverse(self, base: Piece) -> str:
        return rf"{self._braced(self._base(base))}^{{-1}}"

    def inverse_transpose(self, base: Piece) -> str:
        return rf"{self._braced(self._base(base))}^{{-\top}}"

    def summation(self, base: Piece, expr: Apply) -> Piece:
        letters = summed_names(expr)
        axis = expr.parameters["axis"]
        index = "" if axis is None else f"_{{{letters}}}" if letters else rf"_{{\mathrm{{axis}}\,{latex_text(spell_static(axis))}}}"
        inner = base.text if base.level > MUL else self.bracket(base.text)
        return _make(rf"\sum{index} {inner}", MUL)

    def unit_vector(self, expr: Apply) -> Piece:
        return _make(rf"\mathbf{{e}}_{{{expr.parameters['index'][0]}}}", CALL)

    def index(self, base: str, expr: Apply) -> str:
        return rf"{{{base}}}_{{[{latex_text(index_text(expr.parameters['index']))}]}}"

    def expanded(self, base: Piece, expr: Apply) -> Piece:
        return base

    def comparison(self, name: str, left: str, right: str) -> Piece:
        sign = {"greater": ">", "greater_equal": r"\ge", "less": "<", "less_equal": r"\le", "equal": "=", "not_equal": r"\ne"}[name]
        return _make(rf"\left[{left} {sign} {right}\right]", CALL)

    def call(self, name: str, operands: list[Piece | None], expr: Apply) -> Piece:
        if name == "ones":
            return _make(r"\mathbf{1}_{" + r" \times ".join(latex_text(spell_static(s)) for s in expr.shape) + "}", CALL)
        template = OPS[name].latex if name in OPS else None
        if template is not None:
            bare = template.endswith(" {0}")
            texts = ["" if o is None else self.bracket(o.text) if bare and o.level < CALL else o.text for o in operands]
            return _make(template.format(*texts), CALL)
        texts = [None if o is None else o.text for o in operands]
        parts = written_arguments([None if t is None else f"\0{i}\0" for i, t in enumerate(texts)], expr, quiet=True)
        filled = [re.sub("\0(\\d+)\0", lambda m: str(texts[int(m[1])]), latex_text(p)) for p in parts]
        return _make(rf"\operatorname{{{latex_text(name)}}}\left({', '.join(filled)}\right)", CALL)


def latex_text(text: str) -> str:
    """Literal text inside mathematics, escaped."""
    return re.sub(r"([_#%&${}])", r"\\\1", text.replace("\\", r"\backslash ").replace("^", r"\hat{} ").replace("~", r"\sim "))


TEXT, CODE, LATEX = Notation(), Code(), Latex()
NOTATIONS: dict[str, Notation] = {"text": TEXT, "code": CODE, "latex": LATEX}

__all__ = ["ADD", "ATOM", "CALL", "CODE", "KEYWORDS", "LATEX", "MATMUL", "MUL", "NEGATIVE", "NONE", "NOTATIONS", "POWER", "TEXT",
           "Callable", "Notation"]
