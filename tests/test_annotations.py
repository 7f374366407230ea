"""Types mean something: how many annotations hold `Any`, which a checker takes for everything."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backprop_cli"
FILES = sorted(PACKAGE.rglob("*.py"))

MOST = 0.05
"""The share of annotations that may hold `Any`: it only goes down."""


def _named(part: ast.AST) -> Iterator[str]:
    """Every name in an annotation, also inside one that is quoted; of `a.B` it is B."""
    for node in ast.walk(part):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                yield from _named(ast.parse(node.value, mode="eval"))
            except (SyntaxError, ValueError):  # a Literal's text
                continue


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _aliases(path: Path) -> tuple[tuple[str, frozenset[str]], ...]:
    """What a module may use as another name of a type: Capitalised names that are assigned, and the names in that."""
    return tuple((name, frozenset(_named(value))) for name, value in _assigned(_tree(path)))


def _assigned(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for part in tree.body:
        target = part.targets[0] if isinstance(part, ast.Assign) else getattr(part, "target", None)
        named = isinstance(target, ast.Name) and target.id[0].isupper() and not target.id.isupper()
        if isinstance(part, ast.Assign | ast.AnnAssign) and named and part.value:
            yield target.id, part.value


@cache
def _imports(path: Path) -> tuple[tuple[str, str, str], ...]:
    """Module, name there, name here."""
    return tuple((part.module or "", alias.name, alias.asname or alias.name) for part in _stated(_tree(path))
                 if isinstance(part, ast.ImportFrom) for alias in part.names)  # fmt: skip


def _stated(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements at the top of a module and under an `if` there."""
    for part in tree.body:
        yield from part.body if isinstance(part, ast.If) else (part,)


def _module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def vague() -> dict[str, set[str]]:
    """The names, by module, that are `Any` or an alias that holds it."""
    found = {_module(path): {"Any"} for path in FILES}
    grows = True
    while grows:
        before = sum(map(len, found.values()))
        for path in FILES:
            here = found[_module(path)]
            here.update(name for module, there, name in _imports(path) if there in found.get(module, ()))
            here.update(name for name, names in _aliases(path) if not here.isdisjoint(names))
        grows = sum(map(len, found.values())) > before
    return found


def annotations(tree: ast.Module) -> Iterator[ast.expr]:
    """Each argument's, result's and variable's."""
    for node in ast.walk(tree):
        given = node.returns if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else \
            node.annotation if isinstance(node, ast.arg | ast.AnnAssign) else None  # fmt: skip
        if given is not None:
            yield given


def counted(path: Path) -> tuple[int, int]:
    """How many annotations of a file hold Any, and how many there are."""
    listed = list(annotations(_tree(path)))
    return sum(not vague()[_module(path)].isdisjoint(_named(part)) for part in listed), len(listed)


def test_few_annotations_hold_any(record_property: pytest.RecordProperty) -> None:
    """An annotation says what a thing is; those that name Any, or an alias that holds it, are few."""
    by_file = {str(path.relative_to(ROOT)): counted(path) for path in FILES}
    holds, total = (sum(column) for column in zip(*by_file.values(), strict=True))
    worst = sorted(by_file.items(), key=lambda entry: -entry[1][0])[:20]
    record_property("annotations with Any", f"{holds} of {total}")
    assert holds <= MOST * total, f"{holds} of {total} hold Any; most: {worst}"


@pytest.mark.parametrize(("text", "holds"), [
    ("def f(a: int) -> str: ...", 0), ("def f(a: Any, *b: Any) -> list[Any]: ...", 3),
    ("x: 'dict[str, Any]'", 1), ("import typing\nx: typing.Any", 1), ("def f(a: Literal['Any more']) -> None: ...", 0),
])  # fmt: skip
def test_any_is_found(text: str, holds: int) -> None:
    """Wherever an annotation stands, quoted or qualified."""
    assert sum("Any" in _named(part) for part in annotations(ast.parse(text))) == holds
