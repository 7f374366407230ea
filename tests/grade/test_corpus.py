"""The corpus of students' answers: what is right, what is wrong and why, what follows from an earlier mistake."""

from __future__ import annotations

import json

import pytest

from backprop_cli.tasks.grading.grids import gridded
from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.sheets import sheet_of
from tests.grade import corpus


@pytest.fixture(scope="module")
def measured() -> corpus.Measured:
    """Every case, marked once."""
    return corpus.measure(corpus.cases())


@pytest.mark.parametrize(("what", "most"), [
    ("right", 0.003), ("wrong", 0.0), ("named, factor", 0.05), ("named, numeric", 0.05), ("named, structural", 0.05),
    ("misnamed", 0.01), ("carried", 0.05), ("own mistake", 0.0), ("first", 0.05), ("no points", 0.0),
])  # fmt: skip
def test_the_bars_of_the_corpus(measured: corpus.Measured, what: str, most: float) -> None:
    """No right answer refused, no wrong one accepted; 95 % named; what follows is credited; the first is marked."""
    assert measured.counts[what] > 20
    assert measured.failed(what) <= most, [line for line in measured.failures if line.startswith(what)]


def test_a_planted_error_in_the_corpus_is_seen() -> None:
    """A right answer called wrong, and a wrong one called right, fail their bars."""
    right = {"key": "two_layer.key.yaml", "item": "a2.formula", "answer": "2*(a2 - y)", "status": "right"}
    wrong = {"key": "two_layer.key.yaml", "item": "a2.formula", "answer": "a2 - y", "mistake": ["sign"], "kind": ""}
    found = corpus.measure([right, wrong])
    assert found.failed("right") == found.failed("wrong") == 1.0


@pytest.mark.parametrize("form", corpus.forms()["forms"], ids=lambda form: form["content"][:60])
def test_forms_in_which_students_write(form: dict) -> None:
    """Each is read, in any kind of file; what cannot be read costs itself alone."""
    assert corpus.not_understood(form) == []


def test_right_answers_in_networks_of_other_kinds() -> None:
    """Recurrent, convolutional, normalised, attending, two-headed, with shared weights: each spelling is right."""
    wrong = []
    for spec, node, formula in corpus.more_right():
        key = corpus.key_named(spec)
        sheet = sheet_of(json.dumps({"answers": {f"{node}.formula": formula}}).encode(), "a.json", key.names)
        wrong += [(node, formula, m.reason) for m in grade(key, sheet, Scheme()).items if m.status != "right"]
    assert wrong == []


def test_mistakes_in_networks_of_other_kinds() -> None:
    """Gated cells, shared weights, batch norm, labels: 95 % named, 1 % misnamed, as formulas and as numbers."""
    said = [(case, name) for case in corpus.more() for name in corpus.named_in(*case[:3])]
    assert len(said) > 200
    wrong = [(case[1:], name) for case, name in said if name not in case[3]]
    assert len(wrong) <= 0.05 * len(said), wrong
    assert sum(name is not None for _, name in wrong) <= 0.01 * len(said), wrong


def test_more_forms_in_which_students_write() -> None:
    """Signs, scripts, subscripts, matrices of any kind, remarks: read, or refused with a reason; no other item pays."""
    found = [(form["content"], said) for form in corpus.more_forms() if (said := corpus.not_understood(form))]
    assert len(corpus.more_forms()) > 200
    assert sum("refused" in form for form in corpus.more_forms()) < 20
    assert found == []
    for form in corpus.more_forms():
        if form["key"] == "two_layer" and "ext" not in form:
            graded = corpus.written({**form, "content": form["content"] + "  a1: sigmoid(z1)\n"})
            assert not isinstance(graded, str)
            assert [m.status for m in graded.items if m.node == "a1" and m.what == "value"] == ["right"], form


@pytest.mark.parametrize("form", corpus.forms()["printed"], ids=lambda form: " ".join(form.values()))
def test_what_is_printed_is_an_answer(form: dict) -> None:
    """Each formula that the program prints for a key, in these terms and this notation, is a right answer there."""
    key, lines = corpus.printed(form)
    answers = {"answers": {f"{name}.formula": text for name, text in lines.items()}}
    found = grade(key, sheet_of(json.dumps(answers).encode(), "a.json", key.names), Scheme())
    assert len(lines) > 3
    assert [(m.item, lines[m.node], m.reason) for m in found.items if m.form and m.status != "right"] == []


@pytest.mark.parametrize(("written", "read"), [
    ("[1,2; 3,4]", "[[1, 2], [3, 4]]"), ("[0,062; 0,125]", "[[0.062], [0.125]]"), ("[1 2; 3 4]", "[[1, 2], [3, 4]]"),
    ("0,333", "0.333"), ("0,5 1,25", "[0.5, 1.25]"), ("[[-0,6; 0,3]; [0,1; 0,6]]", "[[-0.6, 0.3], [0.1, 0.6]]"),
    ("[1, 2]ᵀ", "[[1], [2]]"), ("{{1, 2}, {3, 4}}^T", "[[1, 3], [2, 4]]"), ("[1 2; 3]", None), ("a; b", None),
])  # fmt: skip
def test_numbers_in_rows(written: str, read: str | None) -> None:
    """Rows and columns as people write them; a comma is a decimal one only where it can be nothing else."""
    assert gridded(written) == read


@pytest.mark.parametrize("bomb", [
    "\\frac{" * 600, "\\begin{bmatrix}" * 600, "{" * 1900, "σ'(" * 600, "I(" * 600, "1" + ";" * 90_000,
    "1" + " (rounded)" * 900, "a2 " * 30_000, "dL/" * 600, "0,0;" * 2400,
    "a_i " * 490, "a2 1 " * 390, "q " * 990, "a2 if " * 330, "where a = b " * 160, "(a = b) " * 240,
], ids=lambda bomb: bomb[:8])  # fmt: skip
def test_what_is_written_to_do_harm_costs_itself(bomb: str) -> None:
    """Nested, endless, repeated: it is not readable, with a reason, and the answer beside it counts."""
    key = corpus.key_named("two_layer.key.yaml")
    for item in ("W2.grad", "z2.formula"):
        sheet = sheet_of(json.dumps({"answers": {item: bomb, "a2.formula": "a2 - y"}}).encode(), "a.json", key.names)
        marks = {m.item: m for m in grade(key, sheet, Scheme()).items}
        assert marks["a2.formula"].status == "right"
        assert marks[item].status != "right"
        assert marks[item].reason
