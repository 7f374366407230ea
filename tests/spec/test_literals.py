"""Long lists of numbers are read without YAML, and nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language import loader
from backprop_cli.language.arrays import numbers
from backprop_cli.language.literals import Literal
from backprop_cli.language.loader import composer
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence

LONG = ", ".join(f"{k}.25" for k in range(12))

SAME = [
    f"w: [{LONG}]\nv: 3\n",
    f"w: [[{LONG}],\n    [{LONG}]]\n",
    f"w:\n- [{LONG}]\n- [{LONG}]\n",
    f"w: {{value: [[[{LONG}]], [[{LONG}]]], shape: [2, 1, 12]}}\n",
    f"a: [1, 2]\nw: [ -1e-3 , 017, 5,\n\n  2E+5, -0, {LONG} ]\nb: [3]\n",
    f"[{LONG}]\n",
    f"w: [[{LONG}],\r\n    [{LONG}]]\r\nv: 3\r\n",
    f"- [[{LONG}], 1]\n- {{x: [{LONG}], y: [-1, {LONG}]}}\n",
]
"""Texts whose lists are plain, or nearly so."""

LEFT = [
    f"w: '[{LONG}]'\n",
    f"w: 3 # [{LONG}]\n",
    f"w: x[{LONG}]\nv: [{LONG}]\n",
    f"w: |\n  [{LONG}]\n",
    f"w: [{LONG},]\n",
    f"w: [{LONG}, [1]]\n",
    f"w: [[{LONG}], [{LONG}, 1]]\n",
    f"w: [{LONG}, # no\n  1]\n",
    f"w: [{LONG}, 1 2]\n",
    f"w: [{LONG}, +1, .5, 1., 0x10, .inf]\n",
    f"w: [{LONG}, 9007199254740993]\n",
    f"w: [{LONG}, 1e999]\n",
    f"w: [[], [], [], [], [], [], [{LONG}]]\n",
    f"é: [{LONG}]\n\u2028: [{LONG}]\n",
]
"""Texts in which something is not."""

WRONG = [
    f"w: [{LONG}\nv: 3\n",
    f"w: [{LONG}]]\n",
    f"w: [{LONG}] 3\n",
    f"w: &a [{LONG}]\n",
    f"w: !t [{LONG}]\n",
    f"w: [{LONG}]\nw: [{LONG}]\n",
    f"? [{LONG}]\n: 3\n",
    "[" * 31 + f"[[{LONG}]]" + "]" * 31,
    "{a: " * 31 + f"[[{LONG}]]" + "}" * 31,
    "[" * 5000,
    "[" * 200 + "1, 2",
]


def read(text: str) -> Any:
    """The tree as plain data, or the error with its place."""
    try:
        document = loader.load_document(text.encode(), "t")
    except BackpropError as caught:
        return str(caught), getattr(caught, "at", None)
    return plain(document.root), [(str(problem), problem.at) for problem in document.problems]


def plain(node: Node | None) -> Any:
    """A tree with every place and every value as written."""
    if isinstance(node, Scalar):
        return node.start, node.end, node.raw, repr(node.value), node.style
    if isinstance(node, Sequence):
        return node.start, node.end, [plain(item) for item in node.items]
    assert isinstance(node, Mapping)
    return node.start, node.end, [(plain(key), plain(value)) for key, value in node.items]


@pytest.fixture
def by_yaml(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read a text with YAML alone."""

    def reader(text: str) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(loader, "long_lists", lambda *_: iter(()))
            return read(text)

    return reader


@pytest.mark.parametrize("text", [*SAME, *LEFT, *WRONG])
def test_the_tree_and_the_errors_are_those_of_yaml(text: str, by_yaml: Any) -> None:
    """Every place, every value, every error."""
    assert read(text) == by_yaml(text)


def literals(node: Node | None) -> Iterator[Literal]:
    """The lists of a tree that YAML has not seen."""
    if isinstance(node, Literal):
        yield node
    elif isinstance(node, Mapping | Sequence):
        for item in node.items:
            yield from literals(item[1] if isinstance(item, tuple) else item)


@pytest.mark.parametrize("text", SAME[:4])
def test_plain_lists_are_no_events_of_yaml(text: str) -> None:
    """They are taken whole, and their numbers and shape are those of the nodes."""
    root = loader.load_document(text.encode(), "t").root
    found = [*literals(root)]
    assert found
    for one in found:
        nodes = numbers(Sequence(one.source, one.start, one.end, one.items), "w")
        taken = numbers(one, "w")
        assert (taken.shape, taken.flat) == (nodes.shape, nodes.flat)


@pytest.mark.parametrize("text", LEFT[:9])
def test_what_is_not_plain_is_left_to_yaml(text: str) -> None:
    """In quotes, in a comment, ragged, with a comment in it: YAML reads it."""
    assert not [*literals(loader.load_document(text.encode(), "t").root)]


def test_too_many_numbers_are_refused_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts what YAML would have made, and names the first number above it."""
    monkeypatch.setattr(composer, "MAX_NODES", 20)
    text = f"w: [{LONG}]\nv: [{LONG}]\n"
    with pytest.raises(SpecError, match="more than 20 values") as caught:
        loader.load(text.encode(), "t")
    assert caught.value.at is not None
    assert caught.value.at.line == 2
