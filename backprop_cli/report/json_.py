"""The machine-readable contract `backprop.run/1`: strict JSON, laid out so that a person can read it too."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
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

PLAIN = frozenset((str, int, float, bool, type(None)))
OPENED = len("\n  ")
PIECE = 1 << 16  # characters
BLOCK = 4096  # numbers
FEW = 4  # entries of a list


def document(result: Result, view: View, listed: Listing = strict) -> dict[str, object]:
    """A result as plain data, with the keys in the order of the contract."""
    found: dict[str, object] = {
        "schema": SCHEMA,
        "spec": result.spec,
        "title": result.title,
        "dtype": result.dtype,
        "output": result.output,
        "grad_output": listed(result.grad_output, view.precision),
        "dims": dict(result.dims),
        "nodes": {node.name: _node(node, view, listed) for node in result.nodes},
    }
    if result.passes:
        found["passes"] = [_pass(one, result.nodes, view, listed) for one in result.passes]
    found["where"] = where_document(result.where, view)
    return found | {"warnings": [_warning(warning) for warning in result.warnings]}


def _node(node: NodeResult, view: View, listed: Listing) -> dict[str, object]:
    return {
        "kind": node.kind,
        "op": node.op,
        "inputs": list(node.inputs),
        "expression": node.expression,
        "shape": list(node.shape),
        "value": listed(node.value, view.precision),
        "requires_grad": node.requires_grad,
        "gradient": _gradient(node.gradient, view, listed),
    } | ({} if node.tangent is None else {"tangent": _tangent(node.tangent, view, listed)})


def _tangent(tangent: Tangent, view: View, listed: Listing) -> dict[str, object]:
    formula = None if tangent.formula is None else dict(tangent.formula)
    return {"value": listed(tangent.value, view.precision), "formula": formula}


def _gradient(gradient: Gradient | None, view: View, listed: Listing) -> dict[str, object] | None:
    if gradient is None:
        return None
    shown = {terms: _formula(gradient.formula[terms]) for terms in view.terms if terms in gradient.formula}
    return {"value": listed(gradient.value, view.precision), "formula": shown}


def _formula(formula: Printed | Omitted) -> dict[str, str]:
    if isinstance(formula, Omitted):
        return {"omitted": formula.why}
    return {notation: formula[notation] for notation in NOTATIONS}


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


def _warning(warning: Warned) -> dict[str, object]:
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
    return "".join(_laid_out(data, _encoder(view), "\n"))


def _encoder(view: View) -> Encoder:
    """Any data on one line; the plain kinds, of which most of a document is made, go past the standard encoder."""
    standard = json.JSONEncoder(ensure_ascii=view.ascii, allow_nan=False).encode
    words: dict[Any, str] = {False: "false", True: "true", None: "null"}
    kinds: dict[type, Encoder] = {str: _quoter(view.ascii), int: int.__repr__, float: _finite,
                                  bool: words.__getitem__, type(None): words.__getitem__}  # fmt: skip

    def encode(data: Any) -> str:
        known = kinds.get(type(data))
        if known is not None:
            return known(data)
        if type(data) is list and len(data) <= FEW:  # the standard encoder takes longer to begin
            return f"[{', '.join(map(encode, data))}]"
        return json_safe(standard(data))

    return encode


def _quoter(ascii_only: bool) -> Encoder:
    if ascii_only:
        return json.encoder.encode_basestring_ascii
    quoted = json.encoder.encode_basestring
    return lambda text: quoted(text) if text.isascii() or text.isprintable() else json_safe(quoted(text))


def _finite(number: float) -> str:
    if not math.isfinite(number):
        raise ValueError("JSON has no numbers that are not finite")
    return float.__repr__(number)


def _laid_out(data: Any, encode: Encoder, line: str) -> Iterator[str]:
    """The pieces of an object; `line` is a new line with the indent of what surrounds it.

    One by one come what it holds and what that holds: a node is made when it is written, and made at once.
    """
    if isinstance(data, dict) and data and len(line) <= OPENED:
        inner = line + "  "
        before = "{" + inner
        for key, value in data.items():
            yield f"{before}{encode(key)}: "
            before = "," + inner
            yield from _laid_out(value, encode, inner)
        yield line + "}"
        return
    made: list[str | Later] = []
    _lay_out(data, encode, line, made)
    text = ""
    for piece in made:
        if isinstance(piece, str):
            text += piece
        else:
            yield text
            text = ""
            yield from piece.encoded(encode)
    yield text


def _lay_out(data: Any, encode: Encoder, line: str, made: list[str | Later]) -> None:
    """Add the pieces of any data; long arrays as they are."""
    inner = line + "  "
    if isinstance(data, dict) and data:
        before = "{" + inner
        for key, value in data.items():
            if type(value) in PLAIN:
                made.append(f"{before}{encode(key)}: {encode(value)}")
            else:
                made.append(f"{before}{encode(key)}: ")
                _lay_out(value, encode, inner, made)
            before = "," + inner
        made.append(line + "}")
    elif isinstance(data, list) and any(isinstance(entry, dict) for entry in data):
        before = "["
        for entry in data:
            made.append(before + inner)
            before = ","
            _lay_out(entry, encode, inner, made)
        made.append(line + "]")
    else:
        made.append(data if isinstance(data, Later) else encode(data))


def later(value: Any, precision: int | None) -> object:
    """An array as it stands in a document that is written piece by piece: numbers where they are few."""
    return strict(value, precision) if value is None or value.size <= BLOCK else Later(value, precision)


class Later(NamedTuple):
    """An array whose numbers become lists and text only while they are written: lists take four times its memory."""

    value: Any
    precision: int | None

    def encoded(self, encode: Encoder) -> Iterator[str]:
        """What `encode(strict(value))` is, a block of numbers at a time."""
        value = self.value
        rows = max(1, BLOCK * len(value) // value.size)
        before = "["
        for start in range(0, len(value), rows):
            yield before
            before = ", "
            if rows == 1:
                yield from _laid_out(later(value[start], self.precision), encode, "")
            else:
                yield encode(strict(value[start : start + rows], self.precision))[1:-1]
        yield "]"


def pieces(result: Result, view: View = EVERYTHING) -> Iterator[str]:
    """One object over several lines, of which only a small part is ever held."""
    some: list[str] = []
    size = 0
    for piece in _laid_out(document(result, view, later), _encoder(view), "\n"):
        some.append(piece)
        size += len(piece)
        if size > PIECE:
            yield "".join(some)
            some, size = [], 0
    yield "".join(some) + "\n"


def render(result: Result, view: View = EVERYTHING) -> str:
    """One object over several lines."""
    return "".join(pieces(result, view))
