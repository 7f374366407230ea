"""The commands: a new one is one file, with a `command` in it, and one row."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """Where a command lives, and what the list of commands says about it."""

    module: str
    help: str


COMMANDS: dict[str, Row] = {
    "run": Row("run", "Every node's value, gradient formula and gradient value."),
    "check": Row("check", "Independent answers for each gradient, and whether they agree."),
    "derive": Row("derive", "The chain-rule derivation, step by step; needs shapes, not numbers."),
    "show": Row("show", "The spec after layers and functions are expanded."),
    "graph": Row("graph", "The computation graph: text, SVG, Graphviz, Mermaid."),
    "step": Row("step", "The update of every param, as a formula and in numbers; the new loss."),
    "jacobian": Row("jacobian", "An output of any shape by a leaf: every entry, and one formula."),
    "hessian": Row("hessian", "The second derivatives of a number: every entry, and one formula."),
    "worksheet": Row("worksheet", "A question sheet with numbers of its own, its answers and its key."),
    "grade": Row("grade", "Answers in numbers or formulas, marked against a spec."),
    "import": Row("import_", "A spec from numpy or PyTorch code, read and never run."),
    "export": Row("export", "Runnable code, or the gradient as a spec."),
    "ops": Row("ops", "Every function with its derivative rule."),
    "new": Row("new", "A spec to start from."),
    "schema": Row("schema", "The language as JSON Schema, for editors."),
    "completion": Row("completion", "A script that completes commands and options in your shell."),
}
