"""Write the formulas that the shipped specs print today to tests/data/specs_formulas.json; then read the difference."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from backprop_cli.cli.boundary import invoke
from backprop_cli.formulas.printed import Named, Printed
from backprop_cli.language.reader import load_spec
from backprop_cli.report.text import with_definitions
from backprop_cli.report.view import View
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Gradient, Result

ROOT = Path(__file__).resolve().parents[2]


def formulas(path: Path) -> dict[str, dict[str, str]]:
    """Each node's formulas, as text."""
    result = run(load_spec(str(path)), Settings(terms=("local", "nodes")))
    return {node.name: {terms: getattr(formula, "text", "omitted") for terms, formula in node.gradient.formula.items()}
            for node in result.nodes if node.gradient}  # fmt: skip


def page(path: Path) -> list[str]:
    """What a reader meets in the reverse pass of a spec: each δ where it is first used, each compact formula."""
    result = run(load_spec(str(path)), Settings(terms=("compact",)))
    if result.passes:
        return [line for one in result.passes for line in lines(one.gradients, one.where, result)]
    return lines({node.name: node.gradient for node in result.nodes if node.gradient}, result.where, result)


def lines(gradients: Mapping[str, Gradient], where: Iterable[Named], result: Result) -> list[str]:
    """The formulas of one pass from top to bottom."""
    order = [node.name for node in reversed(result.nodes) if node.name in gradients]
    found: list[str] = []
    for name, defined in with_definitions(order, gradients, where, View(terms=("compact",))):
        found += [f"let {named.equation('text')}" for named in defined]
        found.append(f"∂{name} = {getattr(gradients[name].formula['compact'], 'text', 'omitted')}")
    return found


def entries(path: Path) -> list[str]:
    """One step of each gradient in index notation."""
    result = run(load_spec(str(path)), Settings(terms=("local",), notations=("index",)))
    return [formula["index"] for node in result.nodes if node.gradient
            and isinstance(formula := node.gradient.formula["local"], Printed)]  # fmt: skip


def derived(path: Path) -> list[str]:
    """The worked solution."""
    written = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(written, encoding="utf-8", write_through=True)):
        assert invoke(["derive", str(path), "--width", "100"]) == 0
        return written.getvalue().decode().splitlines()


GOLDEN: dict[str, Callable[[Path], Any]] = {
    "specs_formulas": formulas,
    "specs_compact": page,
    "specs_index": entries,
    "specs_derive": derived,
}
"""The files of tests/data, and what of a spec each holds."""


if __name__ == "__main__":
    for name, printed in GOLDEN.items():
        golden = {path.stem: printed(path) for path in sorted((ROOT / "specs").glob("*.yaml"))}
        target = ROOT / "tests" / "data" / f"{name}.json"
        target.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
