"""The machine-readable contract `backprop.run/1`: strict JSON, laid out so that a person can read it too."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from backprop_cli.formulas.printed import NOTATIONS, Named, Omitted, Printed
from backprop_cli.report.arrays import strict
from backprop_cli.report.plain import json_safe
from backprop_cli.report.view import EVERYTHING, View
from backprop_cli.tasks.result import Gradient, NodeResult, PassResult, Result, Tangent, Warned

SCHEMA = "backprop.run/1"

Encoder = Callable[[Any], str]
Listing = Callable[[Any, int | None], object]
"""What stands for an array in a document: `strict`, its numbers in lists, or `later`."""

Objects = Callable[[Mapping[str, Any], Callable[[Any], object]], object]
"""What stands for objects in a document: `at_once`, or `One`, by which each is made when it is written."""

OPENED = len("\n  ")
PIECE = 1 << 16  # characters
BLOCK = 4096  # numbers
FEW = 4  # entries of a list
LATER = "\0"  # which no JSON holds as it is


def at_once(given: Mapping[str, Any], make: Callable[[Any], object]) -> dict[str, object]:
    """Objects by name, each made of what is given."""
    return {name: make(one) for name, one in given.items()}


class One(NamedTuple):
    """The same, one after the other: of a large result only one is ever held."""

    given: Mapping[str, Any]
    make: Callable[[object], object]

    def items(self) -> Iterator[tuple[str, object]]:
        """As a dictionary has them."""
        return ((name, self.make(one)) for name, one in self.given.items())


def document(result: Result, view: View, listed: Listing = strict, nodes: Objects = at_once) -> dict[str, object]:
    """A result as plain data, with the keys in the order of the contract."""
    found: dict[str, object] = {
        "schema": SCHEMA,
        "spec": result.spec,
        "title": result.title,
        "dtype": result.dtype,
        "output": result.output,
        "grad_output": listed(result.grad_output, view.precision),
        "dims": dict(result.dims),
        "nodes": nodes({node.name: node for node in result.nodes}, lambda node: _node(node, view, listed)),
    }
    if result.passes:
        found["passes"] = [_pass(one, result.nodes, view, listed) for one in result.passes]
    found["where"] = where_document(result.where, view)
    return found | {"warnings": [warning_of(warning) for warning in result.warnings]}


def _node(node: NodeResult, view: View, listed: Listing) -> dict[str, object]:
    found: dict[str, object] = {
        "kind": node.kind,
        "op": node.op,
        "inputs": list(node.inputs),
        "expression": node.expression,
        "shape": list(node.shape),
        "value": listed(node.value, view.precision),
        "requires_grad": node.requires_grad,
        "gradient": _gradient(node.gradient, view, listed),
    }
    if node.tangent is not None:
        found["tangent"] = _tangent(node.tangent, view, listed)
    return found


def _tangent(tangent: Tangent, view: View, listed: Listing) -> dict[str, object]:
    formula = None if tangent.formula is None else dict(tangent.formula)
    return {"value": listed(tangent.value, view.precision), "formula": formula}


def _gradient(gradient: Gradient | None, view: View, listed: Listing) -> dict[str, object] | None:
    if gradient is None:
        return None
    shown = {terms: _formula(gradient.formula[terms]) for terms in view.terms if terms in gradient.formula}
    return {"value": listed(gradient.value, view.precision), "formula": shown}


def _formula(formula: Printed | Omitted) -> Mapping[str, str]:
    if isinstance(formula, Omitted):
        return {"omitted": formula.why}
    written = formula.written
    return written if (*written,) == NOTATIONS else {notation: formula[notation] for notation in NOTATIONS}


def _pass(one: PassResult, nodes: Iterable[NodeResult], view: View, listed: Listing) -> dict[str, object]:
    found = one.gradients
    gradients = {node.name: {"gradient": _gradient(found.get(node.name), view, listed)} for node in nodes}
    return {"output": one.output, "grad_output": listed(one.grad_output, view.precision), "nodes": gradients,
            "where": where_document(one.where, view)}  # fmt: skip


def where_document(where: Iterable[Named], view: View) -> dict[str, object]:
    """The δ that compact formulas use; a person reads an equation, a program evaluates `code`."""
    return {
        named.name["code"]: {
            "text": named.equation("text"),
            "code": named.formula.code,
            "latex": named.equation("latex"),
            "value": strict(named.value, view.precision),
        }
        for named in where
    }


def warning_of(warning: Warned) -> dict[str, object]:
    """A warning as plain data, with the first entries that it is about."""
    found: dict[str, object] = {"code": warning.code, "node": warning.node, "message": warning.message}
    return found | {"entries": [list(entry) for entry in warning.entries]} if warning.entries else found


# ── layout ───────────────────────────────────────────────────────────────────────────────────────


def compact(data: Any, view: View) -> str:
    """JSON on one line."""
    return json_safe(json.JSONEncoder(ensure_ascii=view.ascii, allow_nan=False).encode(data))


def pretty(data: Any, view: View) -> str:
    """JSON with objects over several lines and arrays of numbers on one.

    The standard encoder's `indent` puts each number on a line of its own, and is slow in doing so.
    """
    return "".join(_Layout(view).pieces(data, "\n"))


class _Layout:
    """Any data as JSON, object by object; the plain kinds, of which most is made, go past the standard encoder."""

    def __init__(self, view: View) -> None:
        self.standard = json.JSONEncoder(ensure_ascii=view.ascii, allow_nan=False).encode
        self.quoted = json.encoder.encode_basestring_ascii if view.ascii else json.encoder.encode_basestring
        words: dict[Any, str] = {False: "false", True: "true", None: "null"}
        self.kinds: dict[type, Encoder] = {str: self.string, int: int.__repr__, float: _finite,
                                           bool: words.__getitem__, type(None): words.__getitem__}  # fmt: skip
        self.forms: dict[tuple[str, ...], str] = {}  # of objects, by the line that they stand on and their keys
        self.later: list[Later] = []  # for each `LATER` of a text
        self.laid: tuple[object, str, str] = None, "", ""  # the last object, where it stood, and its text

    def string(self, text: str) -> str:
        """A text in quotes."""
        return self.quoted(text) if text.isascii() else json_safe(self.quoted(text))

    def encode(self, data: Any) -> str:
        """Any data on one line."""
        known = self.kinds.get(type(data))
        if known is not None:
            return known(data)
        if type(data) is list and len(data) <= FEW:  # the standard encoder takes longer to begin
            return f"[{', '.join(map(self.encode, data))}]"
        return json_safe(self.standard(data))

    def pieces(self, data: Any, line: str) -> Iterator[str]:
        """The pieces of an object; `line` is a new line with the indent of what surrounds it.

        One by one come what it holds and what that holds: a node is made when it is written, and made at once.
        """
        if isinstance(data, (dict, One)) and data and len(line) <= OPENED:
            inner = line + "  "
            before = "{" + inner
            for key, value in data.items():
                yield f"{before}{self.encode(key)}: "
                before = "," + inner
                yield from self.pieces(value, inner)
            yield line + "}"
            return
        text = self.text(data, line)
        if not self.later:
            yield text
            return
        arrays, self.later = self.later, []
        for piece, array in zip(text.split(LATER), (*arrays, None), strict=True):
            yield piece
            if array is not None:
                yield from array.encoded(self)

    def text(self, data: Any, line: str) -> str:
        """Any data, with `LATER` where a long array stands."""
        known = self.kinds.get(type(data))
        if known is not None:
            return known(data)
        if isinstance(data, dict) and data:
            last, there, text = self.laid
            if last is data and there == line:  # one formula in several terms
                return text
            inner = line + "  "
            kind = line, *data
            form = self.forms.get(kind)
            if form is None:
                form = self.forms[kind] = self.form(data, line)
            quoted, encoded = self.quoted, self.text
            text = form % tuple([quoted(value) if type(value) is str and value.isprintable() else encoded(value, inner)
                                 for value in data.values()])  # fmt: skip
            if not self.later:
                self.laid = data, line, text
            return text
        if isinstance(data, list) and any(isinstance(entry, dict) for entry in data):
            inner = line + "  "
            return f"[{','.join([inner + self.text(entry, inner) for entry in data])}{line}]"
        if isinstance(data, Later):
            self.later.append(data)
            return LATER
        return self.encode(data)

    def form(self, keys: Iterable[str], line: str) -> str:
        """An object with room for its values: many have the same keys."""
        heads = [f"{line}  {self.encode(key)}: ".replace("%", "%%") for key in keys]
        return f"{{{','.join([head + '%s' for head in heads])}{line}}}"


def _finite(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError("JSON has no numbers that are not finite")
    return float.__repr__(number)


def later(value: Any, precision: int | None) -> object:
    """An array as it stands in a document that is written piece by piece: numbers where they are few."""
    return strict(value, precision) if value is None or value.size <= BLOCK else Later(value, precision)


class Later(NamedTuple):
    """An array whose numbers become lists and text only while they are written: lists take four times its memory."""

    value: Any
    precision: int | None

    def encoded(self, layout: _Layout) -> Iterator[str]:
        """What `encode(strict(value))` is, a block of numbers at a time."""
        value = self.value
        rows = max(1, BLOCK * len(value) // value.size)
        before = "["
        for start in range(0, len(value), rows):
            yield before
            before = ", "
            if rows == 1:
                yield from layout.pieces(later(value[start], self.precision), "")
            else:
                yield layout.encode(strict(value[start : start + rows], self.precision))[1:-1]
        yield "]"


def numbers(value: Any, view: View) -> Iterator[str]:
    """An array on one line, in pieces."""
    return _Layout(view).pieces(later(value, view.precision), "")


def pieces(result: Result, view: View = EVERYTHING) -> Iterator[str]:
    """One object over several lines, of which only a small part is ever held."""
    return laid_out(document(result, view, later, One), view)


def laid_out(data: Any, view: View) -> Iterator[str]:
    """What `pretty` makes of data with arrays that are written later, and a line's end, in pieces."""
    some: list[str] = []
    size = 0
    for piece in _Layout(view).pieces(data, "\n"):
        some.append(piece)
        size += len(piece)
        if size > PIECE:
            yield "".join(some)
            some, size = [], 0
    yield "".join(some) + "\n"


def render(result: Result, view: View = EVERYTHING) -> str:
    """One object over several lines."""
    return "".join(pieces(result, view))
