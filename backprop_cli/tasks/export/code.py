"""The meaning 'Python code' of the language: an expression as the text of a Python expression.

What an op is called in a library is a row of that library's table; operators and brackets are the same everywhere.
"""

from __future__ import annotations

import builtins
import keyword
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from backprop_cli.engine.graph.builder import numbers_of
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.ops import OPS, Op
from backprop_cli.errors import UsageError
from backprop_cli.language.expression import Expression
from backprop_cli.language.model import Leaf, Shape, Size, Spec
from backprop_cli.language.source import Text
from backprop_cli.language.unparse import ATOM, POSTFIX, POWER, PRODUCT, SUM, UNARY
from backprop_cli.records import dataclass, field

COMPARE = 0  # binds loosest
_INFIX = {
    "add": ("+", SUM, SUM, PRODUCT), "subtract": ("-", SUM, SUM, PRODUCT), "multiply": ("*", PRODUCT, PRODUCT, UNARY),
    "divide": ("/", PRODUCT, PRODUCT, UNARY), "matmul": ("@", PRODUCT, PRODUCT, UNARY),
    "power": ("**", POWER, POSTFIX, UNARY),
}  # fmt: skip
KEEPS_NUMBERS = {"clip"}  # its bounds are all numbers or all tensors
COMPARISONS = {"greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=", "equal": "==", "not_equal": "!="}

LONGEST = 200_000
"""Characters of one expression: a function that uses its argument twice doubles it each time it is put into itself."""

LARGEST_WHOLE = 1 << 63
"""Whole numbers that arrays do not hold are written as floats."""


@dataclass(frozen=True, slots=True)
class Code:
    """A Python expression, how tightly it binds, and the shape of its value; None stands for an operand left out."""

    text: str
    level: int
    shape: Shape | None
    number: bool = False  # a number of Python's own, no array

    def within(self, level: int) -> str:
        """The text where something binds at `level`."""
        return self.text if self.level >= level else f"({self.text})"


Row = Callable[["Speech", tuple[Code, ...], Mapping[str, Any]], str]
"""What an op is in a library: its call as text, from the operands and all parameters."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A library: its table, its name in scripts, and what compares as 0/1 numbers."""

    name: str  # the module in a script: np, torch, jnp
    table: Mapping[str, Row]
    mask: str  # '{}' is a comparison
    fallback: Row | None = None
    array: str | None = None  # makes an array of a number where functions take arrays alone: torch.tensor


@dataclass(slots=True)
class Speech:
    """The language as code; `used` collects the helpers that the code calls."""

    dialect: Dialect
    names: Mapping[str, str]  # of named sizes
    used: dict[str, None] = field(default_factory=dict)
    leaves: Mapping[str, Leaf] = field(default_factory=dict)  # of the spec at work, by their names in the code

    def constant(self, value: object) -> Code:
        """A literal, exactly where Python can."""
        if value is None:
            return Code("None", ATOM, None)
        if isinstance(value, Size) and value.name:
            return Code(self.names[value.name], ATOM, (), number=True)
        if isinstance(value, Fraction) and value.denominator != 1 and value.denominator < 100:
            sign, level = ("-", UNARY) if value < 0 else ("", PRODUCT)
            return Code(f"{sign}{abs(value.numerator)} / {value.denominator}", min(level, PRODUCT), (), number=True)
        text = self.number(value)
        return Code(text, UNARY if text.startswith("-") else ATOM, (), number=True)

    def number(self, value: Any) -> str:
        """A number as Python writes it."""
        is_whole = isinstance(value, int) or isinstance(value, Fraction) and value.denominator == 1
        if is_whole and abs(value) < LARGEST_WHOLE:
            return str(int(value))
        found = float(value)
        named = {math.pi: "pi", math.e: "e", math.inf: "inf"}
        if math.isnan(found) or abs(found) in named:
            sign = "-" if found < 0 else ""
            return f"{sign}math.{'nan' if math.isnan(found) else named[abs(found)]}"
        return repr(found)

    def value(self, value: object) -> str:
        """A static parameter as Python writes it."""
        if isinstance(value, Size) and value.name:
            return self.names[value.name]
        if isinstance(value, tuple | list):
            inner = ", ".join(map(self.value, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if value is None or isinstance(value, bool | str):
            return repr(value)
        return self.number(value)

    def shape(self, value: Code) -> Shape:
        """The shape of a value (None for an operand left out)."""
        return value.shape  # type: ignore[return-value]

    def apply(self, op: Op, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> Code:
        """An op: an operator, or a call.

        Raises:
            UsageError: E022 for one that the library lacks, or that functions in functions make endlessly long.
        """
        found = self.applied(op, operands, parameters)
        if len(found.text) > LONGEST:
            raise UsageError("E022", f"written out, an expression would have more than {LONGEST:,} characters",
                             hint="give what functions are called with names of its own, as nodes")  # fmt: skip
        return found

    def applied(self, op: Op, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> Code:
        """The same, however long."""
        shape = op.shape(*(o.shape for o in operands), **parameters)
        if op.name in _INFIX:
            sign, level, left, right = _INFIX[op.name]
            number = all(o.number for o in operands)
            return Code(f"{operands[0].within(left)} {sign} {operands[1].within(right)}", level, shape, number)
        if op.name == "negative":
            return Code(f"-{operands[0].within(UNARY)}", UNARY, shape, operands[0].number)
        if op.name in COMPARISONS:
            compared = f"{operands[0].within(SUM)} {COMPARISONS[op.name]} {operands[1].within(SUM)}"
            self.helper(self.dialect.mask)
            return Code(f"{self.dialect.mask}({compared})", POSTFIX, shape)
        row = self.dialect.table.get(op.name) or self.dialect.fallback
        if row is None:
            raise UsageError("E022", f"export does not know {op.name!r} in {self.dialect.name}",
                             hint="--to numpy writes every function")
        operands = tuple(self.lifted(o) for o in operands) if op.name not in KEEPS_NUMBERS else operands
        return Code(row(self, operands, {"": op.name, **parameters}), POSTFIX, shape)

    def lifted(self, code: Code) -> Code:
        """An operand as the library takes it."""
        if self.dialect.array is None or not code.number:
            return code
        return Code(f"{self.dialect.array}(float({code.text}))", POSTFIX, code.shape)

    def numbers_of(self, value: Code) -> object:
        """The numbers of an input, where a function's form rests on them."""
        return numbers_of(self.leaves.get(value.text))

    def masks_of(self, value: Code) -> object:
        """The numbers of an input that is stated to be a mask."""
        leaf = self.leaves.get(value.text)
        return numbers_of(leaf) if leaf is not None and "mask" in leaf.claims else None

    def helper(self, name: str) -> str:
        """A function that the script has to define; its name."""
        self.used[name] = None
        return name


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


def call(target: str, *given: str, **renamed: str) -> Row:
    """`target(operands, parameters)`: the parameters by the library's names, those at their default left out."""
    names = {**{name: name for name in given}, **renamed}

    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
        signature = OPS[parameters[""]].signature
        texts = [o.text for o in operands]
        while texts and texts[-1] == "None":
            texts.pop()
        inner = [f"[{', '.join(texts)}]"] if signature.variadic else texts
        inner += [f"{theirs}={speech.value(parameters[ours])}" for ours, theirs in names.items()
                  if ours in parameters and not _is_default(parameters[ours], signature.parameters[ours])]  # fmt: skip
        name = target if "." in target else speech.helper(target)
        return f"{name}({', '.join(inner)})"

    return row


def _is_default(value: object, default: object) -> bool:
    return type(value) is type(default) and bool(value == default)


def template(text: str) -> Row:
    """Operands in the places {0}, {1}, bracketed unless they are atoms or calls."""

    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
        shown = {name: speech.value(value) for name, value in parameters.items() if name}
        return text.format(*(o.within(POSTFIX) for o in operands), **shown)

    return row


# ── names ────────────────────────────────────────────────────────────────────────────────────────


def python_names(wanted: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """A Python name for each name: its own unless Python, or the script, has another use for it."""
    used = {*taken, *keyword.kwlist, *keyword.softkwlist, *dir(builtins)}
    found: dict[str, str] = {}
    for name in wanted:
        plain = unicodedata.normalize("NFKC", name)  # as Python reads it
        plain = f"own{plain}" if plain.startswith("__") else plain  # __builtins__, and what a class would mangle
        new, count = plain, 1
        while new in used or not new.isidentifier():
            count += 1
            new = f"{plain}_" if count == 2 else f"{plain}_{count}"
        used.add(new)
        found[name] = new
    return found


def spoken(expression: Expression, text: Text, spec: Spec, shapes: Mapping[str, Shape], names: Mapping[str, str],
           speech: Speech) -> Code:
    """An expression of a spec as code."""

    def lookup(name: str) -> Code | None:
        return Code(names[name], ATOM, shapes[name]) if name in shapes else None

    scope = Scope(text, lookup, dims=spec.dims, functions=spec.functions)
    speech.leaves = {names[leaf.name]: leaf for leaf in spec.leaves if leaf.name in names}
    found: Code = interpret(expression, scope, speech)
    return found
