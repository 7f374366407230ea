"""The functions of the language for people: a page for one, a list of all, a table for the documentation.

`python -m backprop_cli.report.functions` prints docs/functions.md.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby

from backprop_cli.formulas.marks import COMMA, of_source
from backprop_cli.report.fitting import Row, broken, fitted
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.opdoc import OpDoc, Rule, describe, names

Docs = Iterable[OpDoc]
LONGEST = 72  # a longer rule stands on the function's own page only

# ── one function ─────────────────────────────────────────────────────────────────────────────────


def page(doc: OpDoc, view: View = READING) -> str:
    """All that is known of a function."""
    facts = [(label, text) for label, text in _rows(doc) if text]
    width = max(len(label) for label, _ in facts)
    written = [f"written a {doc.sign} b"] if doc.sign else []
    rows: list[Row | str] = [*_painted(of_source(doc.usage), "heading", view), *written, doc.doc, ""]
    rows += [Row(f"{label:{width}}  ", text, sign="") for label, text in facts]
    return _fitted([*rows, *_rules(doc, view)], view)


def _painted(marked: str, style: str, view: View, indent: str = "") -> list[str]:
    """A heading that may be broken inside a call."""
    room = (view.width or sys.maxsize) - len(indent)
    return [indent + view.paint(line, style) for line in broken(marked, room)]


def _fitted(rows: Iterable[Row | str], view: View) -> str:
    return view.plain("\n".join(line.rstrip() for line in fitted(rows, view.width))) + "\n"


def _rows(doc: OpDoc) -> Iterator[tuple[str, str]]:
    yield "group", doc.group
    yield "also called", ", ".join(doc.aliases)
    yield "shapes", f"{of_source(doc.call)}:{COMMA} {doc.shapes}"
    yield "written as", of_source(doc.body or "")
    yield "at kinks", doc.convention
    yield "beware", doc.domain
    yield "no gradient for", ", ".join(doc.not_differentiable)
    yield "example", f"y: {of_source(doc.example)}"


def _rules(doc: OpDoc, view: View) -> list[Row | str]:
    if not doc.rules:
        return []
    y, g = doc.output, doc.upstream
    heading = f"Gradients of {y} = {of_source(doc.call)},{COMMA} where {g} = ∂L/∂{y}"
    rows: list[Row | str] = ["", *_painted(heading, "heading", view)]
    for rule in doc.rules:
        rows += ["", _gradient(rule.operand, rule.text, view), Row("  code   ", of_source(rule.code), sign=""),
                 Row("  latex  ", rule.latex, sign="")]  # fmt: skip
    return rows


def _gradient(operand: str, rule: str, view: View, indent: str = "  ") -> Row:
    return Row(indent + view.paint(f"∂L/∂{operand}", "gradient"), of_source(rule))


# ── all of them ──────────────────────────────────────────────────────────────────────────────────


def listing(docs: Docs, view: View = READING) -> str:
    """Every function with its sentence and its derivative rules, by group."""
    rows: list[Row | str] = [
        "y is the value, g = ∂L/∂y the upstream gradient; 'backprop ops NAME' says more about one."]
    for group, members in groupby(docs, key=lambda doc: doc.group):
        rows += ["", view.paint(group.capitalize(), "heading")]
        for doc in members:
            rows += ["", *_painted(of_source(doc.usage), "name", view, "  "), f"    {doc.doc}"]
            rows += [_gradient(rule.operand, shown, view, "    ") for rule, shown in _short(doc)]
    return _fitted(rows, view)


def _short(doc: OpDoc) -> Iterator[tuple[Rule, str]]:
    for rule in doc.rules:
        yield rule, rule.text if len(rule.text) <= LONGEST else f"...  (backprop ops {doc.name})"


def tables(docs: Docs) -> list[str]:
    """The lines of a Markdown table for each group."""
    lines: list[str] = []
    for group, members in groupby(docs, key=lambda doc: doc.group):
        lines += [f"### {group.capitalize()}", "", "| call | is | gradient, given g = ∂L/∂y |", "| --- | --- | --- |"]
        for doc in members:
            cells = (f"`{doc.usage}`", f"{doc.doc} {_sentence(doc.convention)}".strip(), _gradient_cell(doc))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return lines[:-1]


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _gradient_cell(doc: OpDoc) -> str:
    parts = [f"{rule.operand}: `{rule.text}`" for rule in doc.rules if len(rule.text) <= LONGEST]
    return "<br>".join(parts) or ("see `backprop ops " + doc.name + "`" if doc.rules else "none")


HEAD = """# Functions

Names and argument names are numpy's where numpy has the function, and those of `torch.nn.functional` where only that
has it. `dim` and `keepdim` are accepted for `axis` and `keepdims`. What stands after a name and `=` may be left out.

The gradients are what the program's own reverse pass finds for `y = call` given the upstream gradient `g`, for operands
of the shapes that `backprop ops NAME` shows.

<!-- made: functions -->
"""


def markdown(docs: Docs, view: View = READING) -> str:
    """The page of the documentation."""
    return "\n".join([HEAD, *tables(docs), "", "<!-- end -->"]) + "\n"


def as_json(docs: Docs, view: View = READING) -> str:
    """Everything, for scripts."""
    found = {doc.name: {key: value for key, value in asdict(doc).items() if key != "name"} for doc in docs}
    return json.dumps({"schema": "backprop.ops/1", "functions": found}, ensure_ascii=False, indent=1) + "\n"


def everything() -> list[OpDoc]:
    """Every function, in the order of the documentation."""
    return [describe(name) for name in names()]


FORMATS: Mapping[str, Callable[[Docs, View], str]] = {"text": listing, "json": as_json, "markdown": markdown}

if __name__ == "__main__":
    sys.stdout.write(markdown(everything()))
