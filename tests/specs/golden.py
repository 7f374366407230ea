"""Write the formulas that the shipped specs print today to tests/data/specs_formulas.json; then read the difference."""

from __future__ import annotations

import json
from pathlib import Path

from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.calculate import Settings, run

ROOT = Path(__file__).resolve().parents[2]


def formulas(path: Path) -> dict[str, dict[str, str]]:
    """Each node's formulas, as text."""
    result = run(load_spec(str(path)), Settings(terms=("local", "nodes")))
    return {node.name: {terms: getattr(formula, "text", "omitted") for terms, formula in node.gradient.formula.items()}
            for node in result.nodes if node.gradient}  # fmt: skip


if __name__ == "__main__":
    golden = {path.stem: formulas(path) for path in sorted((ROOT / "specs").glob("*.yaml"))}
    target = ROOT / "tests" / "data" / "specs_formulas.json"
    target.write_text(json.dumps(golden, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
