"""The typed stub of sympy says what sympy has, and the types of rules what rules have."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.words import WORDS

ROOT = Path(__file__).resolve().parent.parent
STUBS = sorted((ROOT / "typings").rglob("*.pyi"))
ABSENT = {"Expr": {"func"}, "Dummy": {"dummy_index"}, "Symbol": {"name"}, "Rational": {"p", "q"},
          "Relational": {"rel_op"}}  # fmt: skip
"""Attributes of objects, which their classes do not show."""


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT / "typings").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _names(body: list[ast.stmt]) -> set[str]:
    """What a stub's body declares, but for its own helpers."""
    named = {part.name for part in body if isinstance(part, ast.ClassDef | ast.FunctionDef)}
    given = {part.target.id for part in body if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)}
    return {name for name in named | given if not name.startswith("_") or name.startswith("__")}


@pytest.mark.parametrize("path", STUBS, ids=_module)
def test_a_stub_declares_nothing_that_sympy_lacks(path: Path) -> None:
    """Every class, function and attribute of the stub exists under that name in the library."""
    module = import_module(_module(path))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [name for name in _names(tree.body) if not hasattr(module, name)]
    for kind in (part for part in tree.body if isinstance(part, ast.ClassDef) and not part.name.startswith("_")):
        own = _names(kind.body) - ABSENT.get(kind.name, set())
        assert not [name for name in own if not hasattr(getattr(module, kind.name), name)], kind.name


WRONG = {
    "swap('hello')": "arg-type",
    "shape_of(3)": "arg-type",
    "reading_cost(lift(2))": "arg-type",
    "Add('x', 1)": "arg-type",
    "S.One.is_lovely": "attr-defined",
    "swap(S.One) + 'x'": "operator",
}
RIGHT = ("swap(S.One)", "shape_of(lift(2).expr)", "Add(S.One, 1) * 2")


def test_what_is_no_expression_is_refused(tmp_path: Path) -> None:
    """mypy refuses a string, a number or a formula where a sympy expression is asked for, and takes an expression."""
    pytest.importorskip("mypy")
    imports = ("from sympy import Add, S\nfrom backprop_cli.formulas.algebra.cost import reading_cost\n"
               "from backprop_cli.formulas.algebra.expr import shape_of\n"
               "from backprop_cli.formulas.algebra.formula import lift\n"
               "from backprop_cli.formulas.algebra.transposes import swap\n")  # fmt: skip
    probe = tmp_path / "probe.py"
    probe.write_text(imports + "\n".join((*WRONG, *RIGHT)) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--cache-dir", str(ROOT / ".mypy_cache"), str(probe)]
    said = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT).stdout.splitlines()
    told = {int(line.split(":")[1]): line for line in said if ": error:" in line}
    first = len(imports.splitlines()) + 1
    for number, (text, code) in enumerate(WRONG.items(), first):
        assert told.pop(number, "").endswith(f"[{code}]"), text
    assert told == {}


def test_words_of_rules_are_words_of_the_language() -> None:
    """Each word that a rule is said to have is a function or a word of rules, and takes the keywords that it lists."""
    plain = {"pi", "number", "size", "array", "mask"}
    tree = ast.parse((ROOT / "backprop_cli" / "engine" / "ops" / "tensor.py").read_text(encoding="utf-8"))
    (words,) = (part for part in tree.body if isinstance(part, ast.ClassDef) and part.name == "Words")
    assert not _names(words.body) - set(OPS) - set(WORDS) - plain
    for method in (part for part in words.body if isinstance(part, ast.FunctionDef)):
        assert {arg.arg for arg in method.args.kwonlyargs} <= set(OPS[method.name].signature.parameters), method.name
