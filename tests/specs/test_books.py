"""Side by side with Nielsen, Goodfellow, CS231n and Mazur: what they explain about a network, its derivation says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests import quick_yaml

ROOT = Path(__file__).resolve().parents[2]
BOOKS: Any = quick_yaml.cases("books.yaml")
WORKED: dict[str, dict[str, str]] = {}
"""By spec and node what is read; under '' the whole."""


def worked(name: str, backprop: Any, folder: Path) -> dict[str, str]:
    """What a student reads of each gradient, line breaks aside, with what was said before it."""
    if name not in WORKED:
        path = ROOT / "specs" / f"{name}.yaml"
        if name in BOOKS["specs"]:
            path = folder / f"{name}.yaml"
            path.write_text(BOOKS["specs"][name], encoding="utf-8")
        done = backprop("derive", path, "--width", 200)
        assert done.code == 0, done.err
        WORKED[name] = _sections(done.out)
    return WORKED[name]


def _sections(out: str) -> dict[str, str]:
    """Up to and with each gradient: a reader goes from top to bottom, and nothing is explained twice."""
    found, read = {"": " ".join(out.split())}, ""
    for block in out.split("\n\n"):
        read += " " + " ".join(block.split())
        head = re.match(r"∂\S+/∂(\w+)", block)
        if head:
            found[head[1]] = read
    return found


@pytest.mark.parametrize("statement", BOOKS["statements"], ids=lambda one: f"{one['book']}: {one['explains']}")
def test_what_a_book_explains_is_said(statement: Any, backprop: Any, tmp_path: Path) -> None:
    """Each statement of a book about the network stands in the derivation, by the time its node is reached."""
    read = worked(statement["spec"], backprop, tmp_path)
    text = read[statement.get("node", "")]
    assert [said for said in statement["says"] if said not in text] == []


def test_the_table_names_each_book_and_network() -> None:
    """No book and no network that the table is about has been dropped from it."""
    books = {one["book"].split()[0].rstrip(",") for one in BOOKS["statements"]}
    assert books == {"Nielsen", "Goodfellow", "CS231n", "Mazur"}
    shipped = {"mazur", "two_layer", "softmax_regression", "batch_norm", "attention", "rnn"}
    assert {one["spec"] for one in BOOKS["statements"]} == {*shipped, *BOOKS["specs"]}
    assert {m for one in BOOKS["statements"] for m in re.findall(r"BP\d", one["book"])} == {"BP1", "BP2", "BP3", "BP4"}
