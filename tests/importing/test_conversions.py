"""Conversions of tensors in imported code: what changes the numbers is in the spec, what does not is left out."""

from __future__ import annotations

import pytest

from tests.conftest import Backprop

HEAD = "import torch\nx = torch.tensor([1.0, 2.7])\nw = torch.tensor([0.1, -0.3], requires_grad=True)\n"

WRITTEN = {
    "(w * x).long()": "trunc(w * x)", "(w * x).to(torch.int64)": "trunc(w * x)", "x.int()": "trunc(x)",
    "(w * x).type('torch.LongTensor')": "trunc(w * x)", "(w > x).long()": "w > x", "(w * x).float()": "w * x",
    "(w * x).round().int()": "round(w * x)", "(w * x).to(dtype=torch.bool)": "w * x != 0", "(w * x).double()": "w * x",
    "torch.tensor([1.0, 2.0]).long()[0]": "[1, 2]", "(w * x).to('cuda')": "w * x",
}  # fmt: skip


@pytest.mark.parametrize("code", WRITTEN)
def test_what_changes_numbers_is_written(code: str, backprop: Backprop) -> None:
    """Whole numbers are cut off, unless they are whole already; a device or a width changes nothing."""
    done = backprop("import", "-", stdin=f"{HEAD}y = {code}\nloss = (y * w).sum()\nloss.backward()\n")
    assert done.code == 0, done.err
    assert WRITTEN[code] in done.out
    assert ("trunc" in done.out) == ("trunc" in WRITTEN[code])


def test_numpys_conversion(backprop: Backprop) -> None:
    """`astype(int)` is one, too; no gradient comes back through it."""
    text = "import numpy as np\nw = np.array([0.5, 2.7])\ny = (w * 2).astype(int)\nloss = np.sum(y * w)\n"
    assert "trunc(w * 2)" in backprop("import", "-", stdin=text).out


def test_labels_stay_labels(backprop: Backprop) -> None:
    """Labels that the program does not show are whole: nothing is written of their conversion."""
    text = ("import torch.nn.functional as F\ndef f(x, y, W):\n"
            "    return F.cross_entropy(x @ W, y.view(-1).long())\n")  # fmt: skip
    shapes = ("--shape", "x=4,3", "--shape", "y=4,1", "--shape", "W=3,5")
    assert "cross_entropy(x @ W, reshape(y, (-1,)))" in backprop("import", "-", "f", *shapes, stdin=text).out


@pytest.mark.parametrize("name", ["half()", "bfloat16()", "to(torch.float16)", "type(torch.HalfTensor)"])
def test_sixteen_bits_are_named(name: str, backprop: Backprop) -> None:
    """A spec has no such numbers: what they would round away is told in a comment with its line."""
    done = backprop("import", "-", stdin=f"{HEAD}y = (w * x).{name}\nloss = y.sum()\nloss.backward()\n")
    assert "# Note: line 4: 16-bit numbers are left out" in done.out
