"""Expressions as text again: parsing the text gives the same tree, with as few brackets as that takes."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from backprop_cli.language.unparse import parsed, unparse
from backprop_cli.language.writer import quoted

LEAVES = ("x", "w_1", "2", "0.5", "1e-3", "x[0]", "x[..., None]", "x[1:3, ::-1]", "x[[0, 2]]", "sum(x, axis=(0, 1))",
          "einsum('ij,jk->ik', x, w)", "concat([x, w], axis=0)", "reshape(x, (3,))", "f(g(x), k=-1)", "x.T")
WHOLES = ("-{a}", "({a})", "{a} + {b}", "{a} - {b}", "{a} * {b}", "{a} / {b}", "{a} @ {b}", "({a})**({b})", "{a} > {b}",
          "({a}).T", "({a})[0]", "f({a}, {b})", "-({a})", "({a}).mT")  # fmt: skip


def written(draw: random.Random, depth: int) -> str:
    """A random expression with more brackets than it needs."""
    if depth == 0 or draw.random() < 0.15:
        return draw.choice(LEAVES)
    form = draw.choice(WHOLES)
    return form.format(a=f"({written(draw, depth - 1)})", b=f"({written(draw, depth - 1)})")


def bare(part: Any) -> Any:
    """A tree without its places."""
    if dataclasses.is_dataclass(part):
        fields = [field.name for field in dataclasses.fields(part) if field.name not in {"start", "end", "name_end"}]
        return type(part).__name__, *(bare(getattr(part, name)) for name in fields)
    return tuple(map(bare, part)) if isinstance(part, tuple) else part


@pytest.mark.parametrize("seed", range(300))
def test_text_parses_to_the_same_tree(seed: int) -> None:
    """For random trees of every kind of part."""
    expression, _ = parsed(written(random.Random(seed), 4))
    text = unparse(expression)
    assert bare(parsed(text)[0]) == bare(expression), text
    assert unparse(parsed(text)[0]) == text


@pytest.mark.parametrize(("text", "plain"), [
    ("((a + b)) + c", "a + b + c"), ("a + (b + c)", "a + (b + c)"), ("a - (b - c)", "a - (b - c)"),
    ("(a*b)@c", "a * b @ c"), ("a*(b@c)", "a * (b @ c)"), ("-(a**2)", "-a**2"), ("(-a)**2", "(-a)**2"),
    ("2**(-a)", "2**-a"), ("a**(b**c)", "a**b**c"),
    ("(a**b)**c", "(a**b)**c"), ("a + (-b)", "a + (-b)"), ("1/2*a", "1/2 * a"), ("(a + b).T[0]", "(a + b).T[0]"),
    ("(2).T", "(2).T"), ("f(a,k=(1,))", "f(a, k=(1,))"), ("(a > b)*c", "(a > b) * c"), ("--a", "--a"),
])  # fmt: skip
def test_as_few_brackets_as_it_takes(text: str, plain: str) -> None:
    """The brackets of the grammar's precedences, no others."""
    assert unparse(parsed(text)[0]) == plain


@pytest.mark.parametrize(("text", "block", "flow"), [
    ("a + b", "a + b", "a + b"), ("-x", "-x", "-x"), ("f(a, b)", "f(a, b)", "'f(a, b)'"), ("x[0]", "x[0]", "'x[0]'"),
    ("[a][0]", "'[a][0]'", "'[a][0]'"), ("", "''", "''"), ("yes: no", "'yes: no'", "'yes: no'"),
    ("a #b", "'a #b'", "'a #b'"),
    ("it's", "it's", "it's"), ("'", "''''", "''''"), ("true", "'true'", "'true'"), ("12", "12", "12"),
    ("a\nb", '"a\\nb"', '"a\\nb"'), ("\u2028", '"\\u2028"', '"\\u2028"'), ("- a", "'- a'", "'- a'"),
])  # fmt: skip
def test_quoting(text: str, block: str, flow: str) -> None:
    """YAML text is plain where that is safe, outside and inside of { }."""
    assert (quoted(text), quoted(text, flow=True)) == (block, flow)
