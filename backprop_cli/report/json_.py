"""The machine-readable contract `backprop.run/1`: strict JSON, laid out so that a person can read it too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from backprop_cli.formulas.printed import NOTATIONS, Named, Omitted, Printed
from backprop_cli.report.arrays import strict
from backprop_cli.report.plain import json_safe
from backprop_cli.report.view import EVERYTHING, View
from backprop_cli.tasks.result import Gradient, NodeResult, PassResult, Result, Tangent, Warned

SCHEMA = "backprop.run/1"

Encoder = Callable[[Any], str]


def document(result: Result, view: View) -> dict[str, Any]:
    """A result as plain data, with the keys in the order of the contract."""
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "spec": result.spec,
        "title": result.title,
        "dtype": result.dtype,
        "output": result.output,
        "grad_output": strict(result.grad_output, view.precision),
        "dims": dict(result.dims),
        "nodes": {node.name: _node(node, view) for node in result.nodes},
    }
    if result.passes:
        found["passes"] = [_pass(one, result.nodes, view) for one in result.passes]
    found["where"] = where_document(result.where, view)
    return found | {"warnings": [_warning(warning) for warning in result.warnings]}


def _node(node: NodeResult, view: View) -> dict[str, Any]:
    return {
        "kind": node.kind,
        "op": node.op,
        "inputs": list(node.inputs),
        "expression": node.expression,
        "shape": list(node.shape),
        "value": strict(node.value, view.precision),
        "requires_grad": node.requires_grad,
        "gradient": _gradient(node.gradient, view),
    } | ({} if node.tangent is None else {"tangent": _tangent(node.tangent, view)})


def _tangent(tangent: Tangent, view: View) -> dict[str, Any]:
    formula = None if tangent.formula is None else dict(tangent.formula)
    return {"value": strict(tangent.value, view.precision), "formula": formula}


def _gradient(gradient: Gradient | None, view: View) -> dict[str, Any] | None:
    if gradient is None:
        return None
    shown = {terms: _formula(gradient.formula[terms]) for terms in view.terms if terms in gradient.formula}
    return {"value": strict(gradient.value, view.precision), "formula": shown}


def _formula(formula: Printed | Omitted) -> dict[str, str]:
    if isinstance(formula, Omitted):
        return {"omitted": formula.why}
    return {notation: formula[notation] for notation in NOTATIONS}


def _pass(one: PassResult, nodes: Iterable[NodeResult], view: View) -> dict[str, Any]:
    gradients = {node.name: {"gradient": _gradient(one.gradients.get(node.name), view)} for node in nodes}
    return {"output": one.output, "grad_output": strict(one.grad_output, view.precision), "nodes": gradients,
            "where": where_document(one.where, view)}  # fmt: skip


def where_document(where: Iterable[Named], view: View) -> dict[str, Any]:
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


def _warning(warning: Warned) -> dict[str, Any]:
    found: dict[str, Any] = {"code": warning.code, "node": warning.node, "message": warning.message}
    return found | {"entries": [list(entry) for entry in warning.entries]} if warning.entries else found


# ── layout ───────────────────────────────────────────────────────────────────────────────────────


def compact(data: Any, view: View) -> str:
    """JSON on one line."""
    return json_safe(_encoder(view)(data))


def pretty(data: Any, view: View) -> str:
    """JSON with objects over several lines and arrays of numbers on one.

    The standard encoder's `indent` puts each number on a line of its own, and is slow in doing so.
    """
    pieces: list[str] = []
    _lay_out(data, _encoder(view), "\n", pieces.append)
    return json_safe("".join(pieces))


def _encoder(view: View) -> Encoder:
    return json.JSONEncoder(ensure_ascii=view.ascii, allow_nan=False).encode


def _lay_out(data: Any, encode: Encoder, line: str, put: Callable[[str], None]) -> None:
    """Put the pieces of an object; `line` is a new line with the indent of what surrounds it."""
    inner = line + "  "
    if isinstance(data, dict) and data:
        before = "{"
        for key, value in data.items():
            put(f"{before}{inner}{encode(key)}: ")
            before = ","
            if isinstance(value, (dict, list)):
                _lay_out(value, encode, inner, put)
            else:
                put(encode(value))
        put(line + "}")
    elif isinstance(data, list) and any(isinstance(entry, dict) for entry in data):
        before = "["
        for entry in data:
            put(before + inner)
            before = ","
            _lay_out(entry, encode, inner, put)
        put(line + "]")
    else:
        put(encode(data))


def render(result: Result, view: View = EVERYTHING) -> str:
    """One object over several lines."""
    return pretty(document(result, view), view) + "\n"
