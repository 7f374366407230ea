"""The documentation of the functions is what the registry says, and its rules are what the program finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.language.expression import Call, parse
from backprop_cli.language.functions import walk
from backprop_cli.language.source import inline
from backprop_cli.report import functions
from backprop_cli.report.functions import markdown
from backprop_cli.tasks import opdoc
from backprop_cli.tasks.opdoc import OpDoc, describe, names

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def docs() -> Iterator[dict[str, OpDoc]]:
    """Every function's documentation; while this lasts each is described once, for the command too."""
    once = cache(opdoc.describe)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opdoc, "describe", once)
        patch.setattr(functions, "describe", once)
        yield {doc.name: doc for doc in functions.everything()}


def test_every_function_is_described(docs: dict[str, OpDoc]) -> None:
    """Each function of the registry has a page, and each alias leads to one."""
    assert set(docs) == set(names()) == {*OPS, *COMPOSITES}
    assert {alias for doc in docs.values() for alias in doc.aliases} == set(ALIASES)
    assert all(doc.doc.endswith((".", "]")) and doc.shapes for doc in docs.values())


def test_every_differentiable_operand_has_a_rule(docs: dict[str, OpDoc]) -> None:
    """An op's rules are those that its VJPs are there for."""
    for name, op in OPS.items():
        found = {rule.operand for rule in docs[name].rules}
        if not op.signature.variadic:
            ruled = {o for o, vjp in zip(op.signature.operands, op.vjps, strict=True) if vjp is not None}
            assert found <= ruled, name
            assert found or not ruled & set(docs[name].call.replace("(", " ").replace(",", " ").split()), name


def test_rules_are_expressions_of_the_language(docs: dict[str, OpDoc]) -> None:
    """Every rule's code parses, and calls only functions that are described."""
    for doc in docs.values():
        for rule in doc.rules:
            parts = walk(parse(inline(rule.code)))
            assert {part.function for part in parts if isinstance(part, Call)} <= docs.keys() | ALIASES.keys(), doc.name


@pytest.mark.parametrize(("name", "operand", "text"), [
    ("sigmoid", "x", "g ⊙ y ⊙ (1 - y)"), ("tanh", "x", "g ⊙ (1 - y²)"), ("exp", "x", "g ⊙ y"),
    ("multiply", "a", "g ⊙ b"),
    ("matmul", "a", "g · bᵀ"), ("matmul", "b", "aᵀ · g"), ("inv", "x", "-yᵀ · g · yᵀ"), ("logdet", "x", "g · x⁻ᵀ"),
    ("softmax", "x", "(g - Σ_m(g ⊙ y)) ⊙ y"), ("linear", "W", "gᵀ · x"), ("conv2d", "x", "g ∗ w"),
    ("cross_entropy", "input", "g · (softmax(input) - one_hot(target, m)) / n"),
])  # fmt: skip
def test_rules_read_like_a_textbook(name: str, operand: str, text: str) -> None:
    """The rules that everybody knows."""
    assert {rule.operand: rule.text for rule in describe(name).rules}[operand] == text


def test_page_is_up_to_date(docs: dict[str, OpDoc]) -> None:
    """docs/functions.md is what the program prints: python -m backprop_cli.report.functions > docs/functions.md."""
    assert (ROOT / "docs" / "functions.md").read_text(encoding="utf-8") == markdown(docs.values())


@pytest.mark.usefixtures("docs")
def test_command(backprop: Callable[..., Any]) -> None:
    """`backprop ops` lists, says all about one, follows aliases, and suggests."""
    assert "∂L/∂x = g ⊙ y ⊙ (1 - y)" in backprop("ops").out
    page = backprop("ops", "gelu").out
    assert page.startswith("gelu(x, approximate='none')\n")
    assert "latex" in page
    assert backprop("ops", "detach").out == backprop("ops", "stop_gradient").out
    assert backprop("ops", "relu", "--ascii").out.isascii()
    assert "at kinks" in backprop("ops", "relu").out
    assert "written as" in backprop("ops", "mse_loss").out
    found = json.loads(backprop("ops", "--format", "json").out)
    assert set(found["functions"]) == {*OPS, *COMPOSITES}
    wrong = backprop("ops", "sigmod")
    assert (wrong.code, wrong.out) == (2, "")
    assert "did you mean 'sigmoid'?" in wrong.err
