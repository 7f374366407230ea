"""What the further draws of a key keep of the spec's numbers, and what the numbers have by accident alone."""

from __future__ import annotations

import json

import pytest

from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.results import Marked
from backprop_cli.tasks.grading.sheets import sheet_of
from tests.grade import corpus

KERNEL = "[[2.0, 1.0, 0.5], [1.0, 3.0, 0.2], [0.5, 0.2, 1.0]]"
BATCH = "[[[2.0, 1.0], [1.0, 3.0]], [[1.0, 0.4], [0.4, 2.0]]]"


def marked(spec: str, item: str, answer: str) -> Marked:
    """The mark of one answer to a spec."""
    key = corpus.key_named(spec)
    sheet = sheet_of(json.dumps({"answers": {f"{item}.formula": answer}}).encode(), "a.json", key.names)
    (found,) = grade(key, sheet, Scheme()).items
    return found


def layer(matrix: str, weights: bool = False) -> str:
    """A matrix beside a vector, which only one of its sides meets; the matrix is data, or weights."""
    size = matrix.count("], [") + 1
    leaves = [f"A: {matrix}", f"x: {[0.3, -0.7, 0.4][:size]}"]
    data, param = reversed(leaves) if weights else leaves
    target = f"t: {[0.5] * size}"
    return f"inputs: {{{target}, {data}}}\nparams: {{{param}}}\nnodes: {{z: A @ x, y: sum((z - t)**2)}}\nwrt: all"


@pytest.mark.parametrize(("spec", "item", "answer"), [
    (layer("[[0.0, 1.0], [1.0, 1.0]]"), "x", "A dz"), (layer("[[1.0, 0.0], [0.0, 1.0]]"), "x", "A dz"),
    (layer("[[2.0, 1.0], [1.0, 3.0]]"), "x", "A dz"), (layer("[[2.0, 1.0], [1.0, 3.0]]", weights=True), "x", "A dz"),
    (layer("[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]"), "x", "A dz"),
    (layer("[[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]"), "x", "A dz"),
    ("inputs: {x: [0.4, -0.2]}\nparams: {w: [0.7, 0.3]}\nnodes: {s: w * x, y: sum(s) / sum(w)}", "s", "[1, 1]"),
    ("inputs: {x: [0.4, 0.2]}\nparams: {b: 1.5}\nnodes: {h: relu(x), y: sum(b * h)}\nwrt: all", "x", "dh"),
], ids=["ones and zeros", "identity", "data of two rows", "weights", "constant", "labels", "weights that sum to one",
        "one side of a kink"])  # fmt: skip
def test_what_the_numbers_have_by_accident_proves_nothing(spec: str, item: str, answer: str) -> None:
    """Right at the spec's own numbers alone is wrong, and said to be."""
    mark = marked(spec, item, answer)
    assert (mark.status, mark.mistake) == ("wrong", "by_accident")


@pytest.mark.parametrize(("spec", "item", "answer"), [
    (layer(KERNEL), "x", "A dz"),
    (layer("{value: [[2.0, 1.0], [1.0, 3.0]], symmetric: true}"), "x", "A dz"),
    ("inputs: {A: [[2.0, 1.0], [1.0, 3.0]]}\nparams: {x: [0.3, -0.7]}\nnodes: {y: x @ A @ x}", "x", "2 A x"),
    (("inputs: {x: [0.3, -0.7]}\nparams: {S: [[2.0, 0.5], [0.5, 1.0]]}\n"
     "nodes: {d: 2 * x, y: logdet(S) + d @ inv(S) @ d}\nwrt: all"), "d", "2 S^{-1} d"),
    ("inputs: {P: [[2.0, 1.0], [1.0, 3.0]]}\nparams: {H: [[0.3, -0.7]]}\nnodes: {y: sum(H @ P @ H.T)}", "H", "2 H P"),
    ((f"inputs: {{A: {{value: {BATCH}, symmetric: true}}}}\nparams: {{x: [[[0.3], [0.2]], [[0.1], [-0.4]]]}}\n"
     "nodes: {z: A @ x, y: sum(z**2)}"), "x", "A @ dz"),
    ("inputs: {t: [0.7, 0.3]}\nparams: {z: [0.4, 0.1]}\nnodes: {p: softmax(z), y: -sum(t * log(p))}", "z", "p - t"),
    (("inputs: {x: [0.3, -0.7]}\nparams: {t: {value: [0.7, 0.3], sums_to_one: 0}, z: [0.4, 0.1]}\n"
     "nodes: {p: softmax(z), y: -sum(t * log(p)) + sum(x)}"), "z", "p - t"),
], ids=["kernel", "stated", "quadratic form", "covariance", "form of two rows", "stated of each matrix", "distribution",
        "stated distribution"])  # fmt: skip
def test_what_the_numbers_are_on_purpose_may_be_used(spec: str, item: str, answer: str) -> None:
    """Stated, hardly by chance, or taken by the network for what it is: at every draw it stays so."""
    mark = marked(spec, item, answer)
    assert mark.status == "right", mark.reason
