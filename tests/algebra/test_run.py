"""What a run remembers is the run's: no state of the module outlives it, and none says what a constructor returns."""

from __future__ import annotations

import ast
import gc
from pathlib import Path
from typing import Any

import numpy as np

import backprop_cli
from backprop_cli.formulas.algebra.expr import TensorSymbol
from backprop_cli.tasks.calculate import Settings, run

PACKAGE = Path(backprop_cli.__file__).parent
CACHES = {"cache", "lru_cache"}
CLOSED = {
    "formulas/algebra/patterns.py": "the laws of the table",
    "language/loader/events.py": "the one class of PyYAML's own parser",
    "language/spelling/rows.py": "the rows of the table, and the last 1024 spellings asked for",
    "engine/ops/contraction.py": "the last 512 subscripts of einsum, as plain text",
    "engine/interpret/composites.py": "the last 512 functions of the library, read",
    "engine/ops/errorfunction.py": "the one table of the series",
    "formulas/notation/latex_words.py": "the last 4096 names, typeset",
    "formulas/notation/__init__.py": "the last 16 notations of a set of names",
    "tasks/grading/items.py": "the last 10,000 names, as they are compared",
    "tasks/importing/networks/written_out.py": "the layers of two libraries that are written out, as text",
}
"""Modules that remember something for the process, and what: a closed set, or so many and no more; no expression."""

SPEC = "inputs:\n  x: [1, 2]\nparams:\n  W: [[1, 2], [3, 4]]\nnodes:\n  z: W @ x\n  a: tanh(z)\n  loss: sum(a)\n"


def decorated(path: Path) -> set[str]:
    """The names of what remembers calls for the process, as decorators of a module.

    A function inside another is gone with its call, and so is what it remembers.
    """
    text = path.read_text(encoding="utf-8")
    if not any(name in text for name in CACHES):
        return set()
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inner = {id(node) for one in functions for node in ast.walk(one) if node is not one}
    return {ast.unparse(d).partition("(")[0].rpartition(".")[2]
            for one in functions if id(one) not in inner for d in one.decorator_list} & CACHES  # fmt: skip


def test_caches_of_the_process_are_closed() -> None:
    """What is remembered beyond a run is a table over a closed set, or bounded and no expression: those of the list."""
    assert {str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if decorated(path)} == set(CLOSED)


def alive() -> int:
    """How many symbols of nodes there are."""
    gc.collect()
    return sum(1 for thing in gc.get_objects() if isinstance(thing, TensorSymbol))


def test_a_run_takes_its_expressions_along(spec_of: Any) -> None:
    """After many runs no more symbols are alive than after a few; sympy's own caches hold a bounded number."""
    from sympy.core.cache import clear_cache

    counts = []
    for runs in (2, 12):
        for _ in range(runs):
            run(spec_of(SPEC), Settings())
        clear_cache()
        counts.append(alive())
    assert counts[1] <= counts[0]


def test_no_entries_have_a_gradient_of_none_and_a_mean_that_is_no_number(spec_of: Any) -> None:
    """A mean of no entries is printed as one, never as a division by 0; a softmax of none does not sum to one."""
    text = ("params: {w: 2, x: {shape: [0], value: []}}\n"
            "nodes: {m: mean(x) * w, s: w * sum(softmax(x)), loss: m + s}\n")  # fmt: skip
    found = run(spec_of(text), Settings(terms=("nodes",), notations=("text", "code", "index"))).by_name
    printed = {name: found[name].gradient.formula["nodes"] for name in "wx"}
    assert printed["x"].text == "zeros((0,))"
    assert printed["w"].text == "mean(x) + Σ(softmax(x))"
    assert printed["w"]["index"] == "∂loss/∂w = nan + Σ_i exp(x[i]) / Σ_j exp(x[j])"


def test_the_formula_of_a_singular_determinant_has_its_value(spec_of: Any) -> None:
    """Where det is 0 the gradient is printed by its cofactors, in a run; without numbers as a textbook does."""
    text = "params: {B: [[1, 2], [2, 4]]}\nnodes: {loss: 3 * det(B)}\n"
    gradient = run(spec_of(text), Settings()).by_name["B"].gradient
    assert gradient is not None
    shown = gradient.formula["compact"]
    assert (shown.text, shown.deviation) == ("3 cofactor(B)", 0.0)
    np.testing.assert_allclose(gradient.value, [[12, -6], [-6, 3]], atol=1e-12)
