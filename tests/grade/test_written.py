"""What students write and a fair instructor accepts: other separators and notations, rounded numbers; and what not."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.grading.grids import gridded
from backprop_cli.tasks.grading.key import Key, key_of
from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.results import Marked
from backprop_cli.tasks.grading.sheets import sheet_of
from tests.grade import corpus

SPEC = """\
inputs: {X: [[0.5, -0.3], [1.1, 0.4], [-0.6, 0.9]], t: [[1.0], [0.0], [1.0]]}
params:
  W1: [[0.7, -0.2, 0.3], [0.4, 0.9, -0.5]]
  b1: [0.1, -0.2, 0.05]
  W2: [[0.6], [-1.2], [0.8]]
  b2: [0.3]
nodes: {z1: X @ W1 + b1, h: tanh(z1), z2: h @ W2 + b2, p: sigmoid(z2), loss: mean((p - t)**2)}
"""


@pytest.fixture(scope="module")
def key() -> Key:
    """A batch of three through two layers."""
    return key_of(read_spec(SPEC.encode(), "net.yaml", folder=None))


def marks(key: Key, content: str, ending: str = "yaml") -> dict[str, Marked]:
    """The marks of what was answered, by item."""
    graded = grade(key, sheet_of(content.encode(), f"a.{ending}", key.names), Scheme(other=1.0, partial=True))
    return {f"{one.node} {one.what}": one for one in graded.items if one.status != "missing"}


W2 = "[[0,0637],[-0,0557],[0,0611]]"


@pytest.mark.parametrize(("content", "ending"), [
    (f"item;answer\nW2.grad;{W2}\nb2.grad;-0,0234\n", "csv"), ("b2.grad;-0,0234\nW2.grad;h.T @ dz2\n", "csv"),
    ("item\tanswer\nW2.grad\t[[0.0637],[-0.0557],[0.0611]]\nb2.grad\t-0.0234\n", "csv"),
    ("W2.grad,[[0.0637],[-0.0557],[0.0611]]\nb2.grad,-0.0234\n", "csv"),
    ("Item;Answer;Student\nW2.grad;[0,0637; -0,0557; 0,0611];Ann\nb2.grad;-0,0234;Ann\n", "csv"),
    (f"answers: {{W2.grad: {W2}, b2.grad: '-0,0234'}}", "yaml"),
    ("W2: {grad: '[0,0637; -0,0557; 0,0611]'}\nb2: {formula: '1ᵀ dz2'}\n", "yaml"),
    ("∂L/∂W2 = hᵀ · ∂L/∂z2\n∂L/∂b2 ≈ −0.0234\n", "txt"),
    ("dW^{[2]}: 'h^T dz^{[2]}'\ndb^{[2]}: '1^T dz^{[2]}'\n", "yaml"),
])  # fmt: skip
def test_a_sheet_is_read(key: Key, content: str, ending: str) -> None:
    """Whatever stands between columns, digits, name and answer: both answers are found, and right."""
    found = marks(key, content, ending)
    assert {name: one.status for name, one in found.items()} == {"W2 gradient": "right", "b2 gradient": "right"}


@pytest.mark.parametrize(("item", "answer"), [
    ("z1", "dh .* (1 - h.^2)"), ("z1", "(dz2*W2').*(1 - tanh(z1).^2)"), ("W1", "X'*(dz2*W2'.*(1-h.*h))"),
    ("z1", "dh * (1 - tanh²(z1))"), ("z1", "dh ⊙ (1 - tanh^2(z1))"), ("z1", "dh * sech²(z1)"),
    ("z1", "dh ⊙ sech(z1)^2"),
    ("b1", "1^T (dh ⊙ (1 - h²))"), ("b1", "𝟏ᵀ ∂L/∂z1"), ("b2", "1ᵀ·δ_z2"),
    ("p", "2/3 (p - t)"), ("p", "-2/3 (t − p)"), ("p", "2(p - t)/N"), ("p", "2/m * (p - t)"),
    ("p", "0.667 (p - t)"), ("p", "2/3 (p - t) = 0.6667 (p - t)"), ("z2", "δ2 = dp * p * (1 - p)"),
    ("W2", "h^T dz^{[2]}"), ("h", "dz^{[2]} W^{[2]T}"),
])  # fmt: skip
def test_a_formula_by_hand_is_right(key: Key, item: str, answer: str) -> None:
    """MATLAB's operators, powers of functions, the row of ones, layers as exponents, the size of the batch, a chain."""
    (found,) = marks(key, f'answers:\n  {item}.formula: "{answer}"\n').values()
    assert found.status == "right", found.reason


@pytest.mark.parametrize(("item", "answer"), [
    ("p", "0.7 (p - t)"), ("p", "0.660 (p - t)"), ("p", "0.001e30 * (p - t)"), ("p", "2(p - t)/(N + 1)"),
    ("p", "-1e30 + 0*p"), ("p", "p * nan"), ("p", "(p - t)/0"), ("z1", "dh * sech(z1)"), ("z1", "dh .* (1 - h)"),
    ("b1", "1ᵀ dh"), ("z1", "dz2*W2'"),
])  # fmt: skip
def test_what_is_wrong_stays_wrong(key: Key, item: str, answer: str) -> None:
    """A decimal forgives its own last digit and no more; other notations are read, not forgiven."""
    (found,) = marks(key, f'answers:\n  {item}.formula: "{answer}"\n').values()
    assert (found.status, found.points) == ("wrong", 0.0)


@pytest.mark.parametrize("escaped", [True, False])
def test_signs_beyond_the_basic_plane_in_json(key: Key, escaped: bool) -> None:
    """What a program writes as a pair of escapes is the sign itself; a backslash that is one stays."""
    text = json.dumps({"b1.formula": "𝟏ᵀ dz1", "student": "\\ud835 A\\"}, ensure_ascii=escaped)
    found = grade(key, sheet_of(text.encode(), "a.json", key.names), Scheme())
    assert found.student == "\\ud835 A\\"
    assert [one.status for one in found.items] == ["right"]


@pytest.mark.parametrize("number", ["nan", ".nan", "NaN", "inf", "-.inf", "1e308", "-1e30"])
def test_a_number_that_is_none_costs_its_entry(key: Key, number: str) -> None:
    """The others count."""
    (found,) = marks(key, f"answers: {{W2.grad: [[0.0637], [{number}], [0.0611]]}}").values()
    assert found.status == "wrong"
    np.testing.assert_allclose(found.points, 2 / 3)


@pytest.mark.parametrize(("written", "read"), [
    ("[100,200]", "[100, 200]"), ("[[100,200],[300,400]]", "[[100, 200], [300, 400]]"), ("0,333", "0.333"),
    ("[0,062; 0,125]", "[[0.062], [0.125]]"), ("[[0,05],[1,25]]", "[[0.05], [1.25]]"),
    ("[1,2; 3,4]", "[[1, 2], [3, 4]]"),
])  # fmt: skip
def test_a_comma_is_decimal_where_it_can_be_nothing_else(written: str, read: str) -> None:
    """Two whole numbers in brackets are two numbers."""
    assert gridded(written) == read


@pytest.mark.parametrize(("spec", "item", "answer"), [
    ("two_layer", "z2", "dL/da2 * a2"), ("two_layer", "z2", "-dL/da2 * da2/dz2"),
    ("two_layer", "a1", "dL/dz2 * dz2/dx"), ("two_layer", "z2", "dL_da2 * da2_dz1"),
    ("two_layer", "W2", "dL/dz2 * dz2/da1"), ("two_layer", "z2", "da2/dz2"),
    ("two_layer", "z2", "(y - a2) dsigmoid(z2)"),
    ("softmax_reg", "b", "rowsum(dZ)"), ("softmax_reg", "b", "column sums of P"), ("rnn3", "W", "Σ_t da_t h_t^T"),
    ("rnn3", "b", "Σ_{t=1}^{2} da_t"), ("relu_batch", "W1", "sum_n dz1_n x_n^T"), ("attention", "Q", "dS K √d_k"),
])  # fmt: skip
def test_what_is_read_is_not_right_for_that(spec: str, item: str, answer: str) -> None:
    """Rule: a product of derivatives, a sum over steps or a sum of rows that is another one's is wrong."""
    key = corpus.key_named(f"{spec}.key.yaml")
    found = grade(key, sheet_of(json.dumps({f"{item}.formula": answer}).encode(), "a.json", key.names), Scheme())
    assert [one.status for one in found.items if one.node == item] in (["wrong"], ["not readable"])
