"""Answers of many hands on networks and models, whose marks were decided before anything was run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import pytest

from backprop_cli.report.graded_items import Tally
from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.results import Marked
from backprop_cli.tasks.grading.sheets import sheet_of
from tests import quick_yaml
from tests.grade import corpus

FILES_OF_NETWORKS = ("grading/fresh.yaml", "grading/hands.yaml", "grading/homework.yaml")
NETWORKS: dict[str, Any] = {
    name: one for file in FILES_OF_NETWORKS for name, one in quick_yaml.cases(file)["networks"].items()}  # fmt: skip


def rows(network: str) -> Iterator[tuple[str, list[str], str]]:
    """The item, the keys that may name its mistake (none: it is right) and the answer."""
    for row in NETWORKS[network]["answers"]:
        ((head, answer),) = row.items()
        item, *mistakes = head.split()
        yield item, mistakes, answer


@lru_cache
def marked(network: str) -> list[tuple[str, list[str], str, Marked]]:
    """Every answer to a network with its mark."""
    key = corpus.key_named(NETWORKS[network]["spec"])
    found = []
    for item, mistakes, answer in rows(network):
        sheet = sheet_of(json.dumps({"answers": {f"{item}.formula": answer}}).encode(), "a.json", key.names)
        (mark,) = grade(key, sheet, Scheme()).items
        found.append((item, mistakes, answer, mark))
    return found


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_right_is_marked_right(network: str) -> None:
    """In whatever notation: indices, ones, hats, definitions beside it, code, LaTeX, prose with an equation in it."""
    right = [(item, answer, mark) for item, mistakes, answer, mark in marked(network) if not mistakes]
    assert [(item, answer, mark.reason) for item, answer, mark in right if mark.status != "right"] == []
    assert len(right) > 5


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_wrong_is_never_accepted(network: str) -> None:
    """It has a reason, whichever notation it is written in, and none of another mistake."""
    wrong = [(item, mistakes, answer, mark) for item, mistakes, answer, mark in marked(network) if mistakes]
    assert [(item, answer) for item, _, answer, mark in wrong if mark.status == "right" or not mark.reason] == []
    told = [(item, answer, mark.mistake) for item, mistakes, answer, mark in wrong
            if mark.mistake not in {None, *mistakes} and "wrong" not in mistakes]  # fmt: skip
    assert told == []
    assert len(wrong) > 2


def test_the_slip_is_named() -> None:
    """Of nineteen in twenty wrong answers that can be read."""
    wrong = [(network, row) for network in NETWORKS for row in marked(network) if row[1] and "wrong" not in row[1]]
    unnamed = [(network, row[0], row[2], row[3].reason) for network, row in wrong if row[3].mistake is None]
    assert len(wrong) > 100
    assert len(unnamed) <= 0.05 * len(wrong), unnamed


# ── whole files ──────────────────────────────────────────────────────────────────────────────────

FILES: dict[str, Any] = quick_yaml.cases("grading/sheets.yaml")


@pytest.mark.parametrize("sheet", FILES["sheets"], ids=lambda sheet: sheet["file"])
def test_a_file_of_answers(sheet: dict[str, Any]) -> None:
    """Text, tables, CSV, JSON, Python, LaTeX, half-finished: each line counts for itself, a slip costs itself."""
    key = corpus.key_named(FILES["key"])
    graded = grade(key, sheet_of(sheet["content"].encode(), sheet["file"], key.names, key.graph), Scheme())
    marks = {f"{one.node}.grad" if one.what == "gradient" else one.item: one for one in graded.items}
    said = {name: (one.status, one.mistake, one.reason) for name, one in marks.items()}
    assert [name for name in sheet.get("right", ()) if said[name][0] != "right"] == [], said
    credited = [name for name in sheet.get("credited", ()) if said[name][0] == "right" or marks[name].carried_forward]
    assert credited == sheet.get("credited", []), said
    assert [name for name in sheet.get("unread", ()) if said[name][0] != "not readable"] == [], said
    for name, mistakes in sheet.get("wrong", {}).items():
        assert said[name][0] == "wrong"
        assert said[name][1] in mistakes, said


def test_a_table_of_items_keeps_further_quantities_apart() -> None:
    """A param after a step, a tangent and a Hessian's entry are items of their own, and not their node's value."""
    tally = Tally()
    kinds = {"w": "value", "w.formula": "gradient", "w.new": "new", "w.tangent": "tangent"}
    items = [{"item": name, "node": "w", "what": what, "status": "right", "carried_forward": False}
             for name, what in kinds.items()]  # fmt: skip
    tally.add({"points": 4.0, "of": 4.0, "items": items})
    assert list(tally.items) == ["w", "w.grad", "w.new", "w.tangent"]
