"""Write the formulas that the shipped specs print today to tests/data/specs_formulas.json; then read the difference."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from backprop_cli.cli.boundary import invoke
from backprop_cli.engine.graph import build
from backprop_cli.formulas.formulate import formulate
from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.language.reader import load_spec
from backprop_cli.report.text import with_definitions
from backprop_cli.report.view import View
from backprop_cli.tasks.result import Gradient, Result
from tests.shipped import by_entry, shipped

ROOT = Path(__file__).resolve().parents[2]


SPECS = ROOT / "specs"


def key(path: Path) -> str:
    """What a spec is called in the golden files: mazur, shapes/linear_layer."""
    return path.relative_to(SPECS).with_suffix("").as_posix()


def printed(path: Path) -> Mapping[str, Mapping[str, Printed | Omitted]]:
    """Each node's formulas, with numbers where the spec has them."""
    spec = load_spec(str(path))
    if all(leaf.load is not None for leaf in spec.leaves):
        return {node.name: node.gradient.formula for node in shipped(path).result.nodes if node.gradient}
    graph = build(spec)
    _, total, _ = formulate(graph, None, None, ("local", "nodes"))
    return {graph.nodes[index].name: found for index, found in total.items()}


def written(found: Mapping[str, Mapping[str, Printed | Omitted]], notation: str) -> dict[str, dict[str, str]]:
    """Each node's formulas in one notation."""
    return {name: {terms: f[notation] if isinstance(f := formulas[terms], Printed) else "omitted"
                   for terms in ("local", "nodes")} for name, formulas in found.items()}  # fmt: skip


def formulas(path: Path, notation: str = "text") -> dict[str, dict[str, str]]:
    """The formulas of a spec in one notation."""
    return written(printed(path), notation)


def page(path: Path) -> list[str]:
    """What a reader meets in the reverse pass of a spec: each δ where it is first used, each compact formula."""
    result = shipped(path).result
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
    return [formula["index"] for node in by_entry(path).nodes if node.gradient
            and isinstance(formula := node.gradient.formula["local"], Printed)]  # fmt: skip


def derived(path: Path) -> list[str]:
    """The worked solution."""
    written = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(written, encoding="utf-8", write_through=True)):
        assert invoke(["derive", str(path), "--width", "100"]) == 0
        return written.getvalue().decode().splitlines()


GOLDEN: dict[str, Callable[[Path], Any]] = {
    "specs_formulas": formulas,
    "specs_latex": partial(formulas, notation="latex"),
    "specs_compact": page,
    "specs_index": entries,
    "specs_derive": derived,
}
"""The files of tests/data, and what of a spec each holds."""


EVERYWHERE = ("specs_formulas", "specs_latex")
"""Those that take the specs in folders too, of layers and of shapes alone."""


if __name__ == "__main__":
    for name, made in GOLDEN.items():
        paths = SPECS.rglob("*.yaml") if name in EVERYWHERE else SPECS.glob("*.yaml")
        golden = {key(path): made(path) for path in sorted(paths)}
        target = ROOT / "tests" / "data" / f"{name}.json"
        target.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
