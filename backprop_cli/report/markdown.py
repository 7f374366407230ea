"""Tables for a page: the forward pass, then the reverse pass, one row a node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from backprop_cli.formulas.marks import MARKED, plain, unmarked
from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.report.arrays import abridged, count, one_line, summary
from backprop_cli.report.plain import safe
from backprop_cli.report.tangents import symbol_of
from backprop_cli.report.text import legend_of, partial, terms_shown, verdict, with_definitions
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import Gradient, NodeResult, Result


def render(result: Result, view: View = READING) -> str:
    """The page of one spec."""
    parts = [[f"# {prose(result.title or result.spec, view)}"], *_paragraphs(result, view), _forward(result, view)]
    parts += _tangents(result, view)
    if not result.passes:
        gradients = {node.name: node.gradient for node in result.nodes if node.gradient is not None}
        parts += _pass("Reverse pass", result.output, gradients, result.where, result, view)
    for position, one in enumerate(result.passes, 1):
        heading = f"Reverse pass {position} of {len(result.passes)}"
        parts += _pass(heading, one.output, one.gradients, one.where, result, view)
    if result.passes:
        parts.append(_sum(result, view))
    said = [prose(one, view) for one in legend_of(result, view)]
    parts += [[f"To know: {'; '.join(said)}."]] if said else []
    parts += [[f"> {prose(warning.node, view)}: {prose(warning.message, view)}"] for warning in result.warnings]
    parts.append([prose(verdict(node.gradient for node in result.nodes if node.gradient is not None), view) + "."])
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _paragraphs(result: Result, view: View) -> list[list[str]]:
    found = [[prose(result.description, view)]] if result.description else []
    sizes = [f"{code(f'{name} = {size}', view)}" for name, size in result.dims.items()]
    return [*found, [", ".join(sizes)]] if sizes else found


def _forward(result: Result, view: View) -> list[str]:
    name = result.notation("latex").name
    rows = [(math(name(node.name), node.name, view), _definition(node, view), count(node.shape),
             _value(node.value, view)) for node in result.nodes]  # fmt: skip
    return ["## Forward pass", "", *table(("node", "expression", "shape", "value"), rows)]


def _definition(node: NodeResult, view: View) -> str:
    """What the user wrote, as mathematics; of a leaf what it is."""
    if node.expression is None:
        return node.kind
    written = node.definition.get(MARKED["latex"])
    return code(node.expression, view) if written is None else math(written, node.expression, view)


def _tangents(result: Result, view: View) -> list[list[str]]:
    """Forward mode: each node's tangent beside its value."""
    if result.direction is None:
        return []
    start = ", ".join(code(f"{symbol_of(result.by_name[name])} = {one_line(value, view.digits)}", view)
                      for name, value in result.direction.items())  # fmt: skip
    name = result.notation("latex").name
    rows = [(math(name(node.name), node.name, view), _value(node.value, view),
             math(rf"\dot{{{name(node.name)}}}", node.tangent.symbol, view),
             formula(node.tangent.formula, view) if node.tangent.formula else "", _value(node.tangent.value, view))
            for node in result.nodes if node.tangent is not None]  # fmt: skip
    return [["## Forward mode", "", f"Along {start}:", "",
             *table(("node", "value", "tangent", "formula", "value"), rows)]]  # fmt: skip


def _pass(heading: str, output: str, gradients: Mapping[str, Gradient], where: Iterable[Named], result: Result,
          view: View) -> list[list[str]]:  # fmt: skip
    order = [node.name for node in reversed(result.nodes) if node.name in gradients]
    rows, set_in = [], result.notation("latex")
    for name, defined in with_definitions(order, gradients, where, view):
        rows += [(formula(n.name, view), formula(n.formula, view), _value(n.value, view)) for n in defined]
        left = math(set_in.gradient(output, name), partial(output, name, view), view)
        rows.append((left, _formulas(gradients[name], left, view), _value(gradients[name].value, view)))
    return [[f"## {heading}", "", *table(("gradient", "formula", "value"), rows)]]


def _sum(result: Result, view: View) -> list[str]:
    rows = [(code(f"{node.name}.grad", view), _value(node.gradient.value, view))
            for node in result.nodes if node.kind != "node" and node.gradient is not None]  # fmt: skip
    return ["## Sum of the passes", "", *table(("gradient", "value"), rows)]


def _formulas(gradient: Gradient, left: str, view: View) -> str:
    """Each different formula once, and why one is left out."""
    found: dict[str, None] = {}
    for terms in terms_shown(gradient, view):
        match gradient.formula.get(terms):
            case Printed() as printed:
                found[formula(printed, view)] = None
            case Omitted(why=why):
                found[prose(f"({terms}: {why})", view)] = None
    return "<br>= ".join(text for text in found if text != left)


def _value(value: object, view: View) -> str:
    if value is None:
        return ""
    shown = code(one_line(value, view.digits), view)
    return f"{shown} {summary(value, view.digits)}" if abridged(value) else shown


# ── Markdown ─────────────────────────────────────────────────────────────────────────────────────


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table; cells are Markdown already."""
    return [_line(head), _line(tuple("---" for _ in head)), *map(_line, rows)]


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def code(text: str, view: View) -> str:
    """Literal text in a code span, also inside a table (where a bar would end the cell)."""
    shown = view.safe(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if "`" in shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}".replace("|", "\\|")


_SPACED = {r"\,": r"\thinspace ", r"\ ": r"\space ", r"\|": r"\Vert ", "|": r"\vert ", r"\{": r"\lbrace ",
           r"\}": r"\rbrace ", r"\\": r"\cr "}  # fmt: skip
_WRITTEN = re.compile("|".join(map(re.escape, _SPACED)))
_LOST = re.compile(r"\\[^A-Za-z]|[$`]")
_NAME = re.compile(r"\\(?:mathrm|operatorname)\{[^{}]*\}")
_UNDERSCORE = r"\rule{0.4em}{0.05em}"
r"""Drawn: of \_ Markdown leaves a bare _, which is an index."""


def math(tex: str, text: str, view: View) -> str:
    """Mathematics in a line or a cell; as code where a sign of it would be taken for Markdown's own."""
    drawn = _NAME.sub(lambda name: name[0].replace(r"\_", _UNDERSCORE), plain(tex))
    shown = " ".join(_WRITTEN.sub(lambda found: _SPACED[found[0]], drawn).split())
    return code(text, view) if _LOST.search(shown) else f"${shown}$"


def formula(written: Mapping[str, str], view: View) -> str:
    """A formula as mathematics."""
    return math(unmarked(written, "latex"), written["text"], view)


_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$&]|^[-+=]|(?<=^\d)[.)]")


def prose(text: str, view: View) -> str:
    """User text in which nothing is markup."""
    return _MARKUP.sub(r"\\\g<0>", view.plain(" ".join(safe(line) for line in text.splitlines())))
