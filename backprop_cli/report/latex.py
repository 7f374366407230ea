r"""The body of a LaTeX document (it needs amsmath): the forward pass and the reverse pass as align* lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.report.arrays import GAP, abridged, cells, one_line
from backprop_cli.report.plain import safe, to_ascii
from backprop_cli.report.text import terms_shown, with_definitions
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import Gradient, NodeResult, Result

_SPECIAL = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
            ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"}  # fmt: skip


def render(result: Result, view: View = READING) -> str:
    """The body for one spec."""
    parts = [rf"\section*{{{prose(result.title or result.spec)}}}"]
    parts += [prose(result.description)] if result.description else []
    parts.append(_aligned(_node(node, view) for node in result.nodes))
    if not result.passes:
        gradients = {node.name: node.gradient for node in result.nodes if node.gradient is not None}
        parts.append(_pass(result.output, gradients, result.where, result, view))
    parts += [_pass(one.output, one.gradients, one.where, result, view) for one in result.passes]
    return document("\n".join(part for part in parts if part) + "\n", view)


DOCUMENT = r"""\documentclass{article}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\begin{document}
%s\end{document}
"""


def document(body: str, view: View) -> str:
    """The body, as a whole document where that is asked for."""
    return DOCUMENT % body if view.standalone else body


def _pass(output: str, gradients: Mapping[str, Gradient], where: Iterable[Named], result: Result, view: View) -> str:
    from backprop_cli.formulas.notation import LATEX

    order = [node.name for node in reversed(result.nodes) if node.name in gradients]
    chains = []
    for name, defined in with_definitions(order, gradients, where, view):
        chains += [_definition(named, view) for named in defined]
        chains.append(_chain(LATEX.gradient(output, name), gradients[name], view))
    return _aligned(chains)


def _definition(named: Named, view: View) -> list[str]:
    value = [] if named.value is None else [_value(named.value, view)]
    return _steps(named.name["latex"], [named.formula["latex"], *value])


def _name(name: str) -> str:
    from backprop_cli.formulas.notation.latex import latex_name

    return latex_name(name)


def _chain(left: str, gradient: Gradient, view: View) -> list[str]:
    """`left &= formula`, then `&= ...` for each further step."""
    found: dict[str, None] = {}
    for terms in terms_shown(gradient, view):
        formula = gradient.formula.get(terms)
        if isinstance(formula, Printed) and formula["latex"] != left:
            found[formula["latex"]] = None
        elif isinstance(formula, Omitted):
            found[rf"\text{{({terms}: {prose(formula.why)})}}"] = None
    if gradient.value is not None:
        found[_value(gradient.value, view)] = None
    return _steps(left, found)


def _node(node: NodeResult, view: View) -> list[str]:
    steps = [rf"\texttt{{{prose(node.expression)}}}"] if node.expression is not None else []
    steps += [_value(node.value, view)] if node.value is not None else []
    return _steps(_name(node.name), steps or [r"\text{(no numbers)}"])


def _steps(left: str, steps: Iterable[str]) -> list[str]:
    return [f"{left if i == 0 else ''} &= {step}" for i, step in enumerate(steps)]


def _aligned(chains: Iterable[list[str]]) -> str:
    lines = [line for chain in chains for line in chain]
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}" if lines else ""


# ── values ───────────────────────────────────────────────────────────────────────────────────────

MATRIX = r"\begin{bmatrix} %s \end{bmatrix}"


def _value(value: Any, view: View) -> str:
    """A number, a column of numbers, or a matrix; arrays of higher rank on one line."""
    if value.ndim > 2:
        return rf"\text{{{prose(one_line(value, view.digits, '...'))}}}"
    shown = cells(value, view.digits)
    if value.ndim == 0:
        return _number(shown)
    rows = [_row(row, value) for row in shown]
    if not value.size:
        return r"\text{(empty)}"
    matrix = MATRIX % r" \\ ".join(" & ".join(row) for row in rows)
    return rf"{matrix} \quad \text{{({' by '.join(map(str, value.shape))})}}" if abridged(value) else matrix


def _row(row: Any, value: Any) -> list[str]:
    if isinstance(row, list):
        return [_number(cell) for cell in row]
    if value.ndim == 1:
        return [r"\vdots" if row == GAP else _number(row)]
    return [r"\vdots"] * min(value.shape[1], 7 if value.shape[1] > 10 else 10)


_EXPONENT = re.compile(r"(.*)e([+-])0*(\d+)")
_NAMES = {GAP: r"\cdots", "inf": r"\infty", "-inf": r"-\infty", "nan": r"\text{nan}"}


def _number(text: str) -> str:
    if found := _EXPONENT.fullmatch(text):
        sign = "-" if found[2] == "-" else ""
        return rf"{found[1]} \cdot 10^{{{sign}{found[3]}}}"
    return _NAMES.get(text, text)


def prose(text: str) -> str:
    """User text in which nothing is a command, in ASCII: which letters a document's fonts have is not known here."""
    plain = to_ascii(" ".join(safe(line) for line in text.splitlines()))
    return "".join(_SPECIAL.get(c) or (f"\\{c}" if c in "#$%&_{}" else c) for c in plain)
