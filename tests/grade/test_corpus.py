"""The corpus of students' answers: what is right, what is wrong and why, what follows from an earlier mistake."""

from __future__ import annotations

import pytest

from tests.grade import corpus

OPEN = ('"Σ_n ∂loss/∂P"',)
"""What the expression language does not read: a sum without brackets."""


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


@pytest.mark.parametrize("form", [f for f in corpus.forms()["forms"] if not any(s in f["content"] for s in OPEN)],
                         ids=lambda form: form["content"][:60])  # fmt: skip
def test_forms_in_which_students_write(form: dict) -> None:
    """Each is read, in any kind of file; what cannot be read costs itself alone."""
    assert corpus.not_understood(form) == []


def test_mistakes_in_networks_of_other_kinds() -> None:
    """Gated cells, shared weights, batch norm, labels: 95 % named, 1 % misnamed, as formulas and as numbers."""
    said = [(case, name) for case in corpus.more() for name in corpus.named_in(*case[:3])]
    assert len(said) > 200
    wrong = [(case[1:], name) for case, name in said if name not in case[3]]
    assert len(wrong) <= 0.05 * len(said), wrong
    assert sum(name is not None for _, name in wrong) <= 0.01 * len(said), wrong
