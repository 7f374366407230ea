"""Rows that say what a call of another library is: its signature there, and an expression of our own.

    transpose(input, dim0, dim1) = swapaxes(input, dim0, dim1)
    std(input, dim:axes=none, unbiased:false, keepdim=false) = std(input, axis=dim, keepdims=keepdim)
    view(input, *shape) = reshape(input, shape)

A name may have several rows; the first whose parameters fit the arguments is taken.  An indented line goes on with the
one before it.  A call with several results has an expression for each, and ` & ` between them.  `name:kind` takes only
arguments that look like it (see `KINDS`), `*name` all positional arguments that are left, as a tuple.  What stands
behind `!` is a note for the user.  An argument is put into the expression as a tree, never as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache

from backprop_cli.language.expression.parser import parse_own
from backprop_cli.language.expression.tree import (
    Argument,
    Call,
    Expression,
    Indexed,
    Name,
    Number,
    Starred,
    String,
    Unary,
    rebuilt,
)
from backprop_cli.language.expression.tree import Binary as Infix
from backprop_cli.language.expression.tree import Sequence as Listed
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, replace

_NONE, _TRUE, _FALSE = ({word, word.capitalize()} for word in ("none", "true", "false"))
IGNORED = frozenset({
    "dtype", "device", "inplace", "out", "layout", "requires_grad", "memory_format", "copy", "return_indices",
    "_stacklevel", "momentum", "non_blocking",
})  # fmt: skip
"""Arguments that change nothing about the numbers in exact arithmetic."""
_LEGACY = ("reduce", "size_average")
"""How PyTorch's losses were told their reduction before 0.4.1: `size_average=False` is a sum, `reduce=False` none."""
_OTHER = {
    "axis": ("dim",), "keepdims": ("keepdim",), "dim": ("axis",), "keepdim": ("keepdims",), "x": ("input", "a"),
    "a": ("input", "x"), "input": ("a", "x", "A"), "y": ("other",), "correction": ("ddof",), "A": ("input",),
    "dims": ("dim", "axis"), "target": ("dim",),
}  # fmt: skip
"""Keywords that the libraries take for one another's."""


# ── kinds of arguments ───────────────────────────────────────────────────────────────────────────


def _is_word(words: set[str]) -> Callable[[Expression], bool]:
    return lambda part: isinstance(part, Name) and part.name in words


def is_number(part: Expression) -> bool:
    """A number as it is written, with its sign."""
    return isinstance(part, Number) or isinstance(part, Unary) and is_number(part.operand)


def is_size(part: Expression) -> bool:
    """A whole number, or a size taken from a shape."""
    if isinstance(part, Infix):
        return is_size(part.left) and is_size(part.right)
    if isinstance(part, Indexed):
        return isinstance(part.operand, Call) and part.operand.function == "shape"
    return isinstance(part, Number) and part.is_integer or isinstance(part, Unary) and is_size(part.operand)


def _is_dtype(*words: str) -> Callable[[Expression], bool]:
    """`float`, `'int64'`, `np.bool_`: the name or the text begins so."""

    def matches(part: Expression) -> bool:
        name = part.name if isinstance(part, Name) else part.value if isinstance(part, String) else ""
        return name.lower().rstrip("0123456789_") in words

    return matches


def _is_axes(part: Expression) -> bool:
    return is_size(part) or isinstance(part, Listed) and all(map(is_size, part.items)) or _is_word(_NONE)(part)


KINDS: Mapping[str, Callable[[Expression], bool]] = {
    "int": is_size, "axes": _is_axes, "true": _is_word(_TRUE), "false": _is_word(_FALSE), "none": _is_word(_NONE),
    "text": lambda part: isinstance(part, String), "list": lambda part: isinstance(part, Listed),
    "number": is_number, "zero": lambda part: isinstance(part, Number) and part.value == 0,
    "one": lambda part: isinstance(part, Number) and part.value == 1,
    "minus": lambda part: isinstance(part, Unary) and isinstance(part.operand, Number),  # -0.0, too
    "tensor": lambda part: not (_is_axes(part) or isinstance(part, String)),
    "floats": _is_dtype("float", "double", "half", "bfloat", "floattensor", "torch.floattensor"),
    "ints": _is_dtype("int", "long", "short", "uint", "longtensor"), "bools": _is_dtype("bool"),
    "mask": lambda part: isinstance(part, Infix) and part.operator in {">", ">=", "<", "<=", "==", "!=", "and", "or"},
}  # fmt: skip


def _fits(kind: str, part: Expression) -> bool:
    if kind.startswith("'"):
        return isinstance(part, String) and part.value == kind.strip("'")
    return kind in KINDS and KINDS[kind](part) if kind else True


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of another library's function."""

    name: str
    kind: str = ""
    default: Expression | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A call of another library, and what it is."""

    usage: str
    parameters: tuple[Parameter, ...]
    rest: str
    leading: int  # parameters before the rest: those after it are keywords
    bodies: tuple[Expression, ...]
    note: str = ""

    def bound(self, arguments: Sequence[Argument], at: Expression) -> dict[str, Expression] | None:
        """The arguments by parameter; None where they do not fit."""
        given: dict[str, Expression] = {}
        names = [parameter.name for parameter in self.parameters]
        positional = [a.value for a in arguments if a.keyword is None]
        if any(isinstance(one, Starred) for one in positional[: self.leading]):
            return None
        if len(positional) > len(names) and not self.rest:
            return None
        placed = positional[: self.leading] if self.rest else positional
        given.update(zip(names, placed, strict=False))
        for argument in arguments:
            keyword = self.known(argument.keyword, names) if argument.keyword else None
            if keyword in given or keyword == "":
                return None
            if keyword is not None:
                given[keyword] = argument.value
        if self.rest and self.rest not in given:
            given[self.rest] = _together(positional[self.leading :])
        return self.filled(given, at)

    def known(self, keyword: str, names: Sequence[str]) -> str:
        """The parameter that a keyword names; "" for none."""
        if keyword in names or keyword == self.rest:
            return keyword
        return next((other for other in _OTHER.get(keyword, ()) if other in names), "")

    def filled(self, given: dict[str, Expression], at: Expression) -> dict[str, Expression] | None:
        """With the defaults; None where one is missing, or is of another kind."""
        for parameter in self.parameters:
            if parameter.name in given:
                if not _fits(parameter.kind, given[parameter.name]):
                    return None
            elif parameter.default is None:
                return None
            else:
                given[parameter.name] = filled(parameter.default, {}, at.start, at.end)
        return given


def _together(items: list[Expression]) -> Expression:
    """`(2, 3)`, `2, 3` and `[2, 3]` are one shape."""
    if len(items) == 1 and not is_number(items[0]):
        return items[0].operand if isinstance(items[0], Starred) else items[0]
    start, end = (items[0].start, items[-1].end) if items else (0, 0)
    return Listed(start, end, tuple(items), "(")


_SIGNATURE = r"([\w.]+)\((.*?)\) = (.*)"
_PARAMETER = r"(\w+)(?::('[^']*'|\w+))?(?:=(.*))?"


@cache
def rows_of(table: str) -> Mapping[str, tuple[str, ...]]:
    """The lines of a table by the name that they say something about."""
    found: dict[str, tuple[str, ...]] = {}
    for line in filter(None, re.sub(r"\n +", " ", table).splitlines()):
        name = line.partition("(")[0]
        found[name] = (*found.get(name, ()), line)
    return found


@lru_cache(maxsize=1024)
def row(line: str) -> Row:
    """A line of a table, read."""
    text, _, note = line.partition(" ! ")
    match = re.fullmatch(_SIGNATURE, text)
    assert match is not None, line
    written = [part.strip() for part in match[2].split(", ") if part]
    rest = next((part[1:] for part in written if part.startswith("*")), "")
    parameters = tuple(_parameter(part) for part in written if not part.startswith("*"))
    leading = next((i for i, part in enumerate(written) if part.startswith("*")), len(parameters))
    bodies = tuple(parse_own(inline(body, "<spelling>")) for body in match[3].split(" & "))
    return Row(f"{match[1]}({match[2]})", parameters, rest, leading, bodies, note)


def _parameter(written: str) -> Parameter:
    match = re.fullmatch(_PARAMETER, written)
    assert match is not None, written
    return Parameter(match[1], match[2] or "", parse_own(inline(match[3], "<spelling>")) if match[3] else None)


# ── a call, rewritten ────────────────────────────────────────────────────────────────────────────


def effective(arguments: Sequence[Argument]) -> tuple[Argument, ...]:
    """The arguments that change numbers; those of old that stand for a reduction as that reduction."""
    legacy = {a.keyword: a for a in arguments if a.keyword in _LEGACY and isinstance(a.value, Name)}
    off = [word for word in _LEGACY if word in legacy and _fits("false", legacy[word].value)]
    kept = (a for a in arguments if a.keyword not in IGNORED and a not in legacy.values() and not _is_usual_order(a))
    if not off:
        return tuple(kept)
    told = legacy[off[0]]
    text = String(told.value.start, told.value.end, "none" if off[0] == "reduce" else "sum")
    return (*(a for a in kept if a.keyword != "reduction"), replace(told, keyword="reduction", value=text))


def _is_usual_order(argument: Argument) -> bool:
    """`order='C'`: the entries row by row, as they are."""
    order = argument.value
    return argument.keyword == "order" and isinstance(order, String) and order.value in {"C", "A", "K"}


def rewritten(call: Call, lines: Sequence[str]) -> tuple[Expression, ...]:
    """The results of a call by the first of some rows that fits, most often one; none where no row does."""
    arguments = effective(call.arguments)
    for line in lines:
        found = row(line)
        values = found.bound(arguments, call)
        if values is not None:
            made = [filled(body, values, call.start, call.end) for body in found.bodies]
            return tuple(replace(one, note=found.note) if found.note and isinstance(one, Call) else one for one in made)
    return ()


def usages(lines: Sequence[str]) -> str:
    """The signatures of some rows, for an error message."""
    return " or ".join(dict.fromkeys(re.sub(r":('[^']*'|\w+)", "", row(line).usage) for line in lines))


def filled(part: Expression, values: Mapping[str, Expression], start: int, end: int) -> Expression:
    """A row's expression with arguments in place of names; an error in it points at the whole call."""
    if isinstance(part, Name) and part.name in values:
        return values[part.name]
    inner = rebuilt(part, lambda child: filled(child, values, start, end))
    if isinstance(inner, Call):
        kept = (a for a in inner.arguments if not _is_default(a))
        arguments = tuple(replace(a, start=a.value.start, end=a.value.end) for a in kept)
        return replace(inner, start=start, end=end, name_end=end, library="own", arguments=arguments)
    return replace(inner, start=start, end=end)


def _is_default(argument: Argument) -> bool:
    """`axis=none`, `keepdims=false`: what our functions take anyway."""
    words: set[str] = {"axis": _NONE, "keepdims": _FALSE}.get(argument.keyword or "", set())
    return isinstance(argument.value, Name) and argument.value.name in words
