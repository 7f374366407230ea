"""Labels, positions and masks that are leaves, or lists of numbers, are checked before anything runs."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from backprop_cli.errors import SpecError
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result


def ran(expression: str, i: str) -> Result:
    """Run an expression of z, 3x3, and the input i."""
    text = (f"inputs:\n  i: {i}\nparams:\n  z: [[1, 2, 0.5], [0.3, 1, 2], [0.1, 0.7, 1]]\n"
            f"nodes:\n  l: sum({expression})\noutput: l\n")  # fmt: skip
    return run(read_spec(text.encode(), "net.yaml", folder=None), Settings(terms=()))


@pytest.mark.parametrize(("expression", "i", "said"), [
    ("cross_entropy(z, i)", "[0, 7, 1]", "i[1] is 7; one_hot in 'l' takes whole numbers from 0 to 2"),
    ("cross_entropy(z, i)", "[0, -1, 1]", "i[1] is -1"), ("cross_entropy(z, i)", "[0, 1.5, 1]", "i[1] is 1.5"),
    ("nll_loss(z, i)", "[3, 0, 1]", "i[0] is 3"), ("nll_loss(z, i, ignore_index=3)", "[3, 0, 4]", "i[2] is 4"),
    ("one_hot(i, 3) @ z", "[0, 3]", "from 0 to 2"), ("take(z, i, axis=0)", "[0, 3]", "take in 'l' takes"),
    ("take(z, i)", "[-10, 0]", "from -9 to 8"), ("embedding(i, z)", "[0, 0.5]", "i[1] is 0.5"),
    ("take_along_axis(z, i, axis=1)", "[[0], [1], [3]]", "i[2, 0] is 3"),
    ("cross_entropy(z, [0, -100, 1])", "0", "the labels[1] is -100; one_hot in 'l' takes whole numbers from 0 to 2"),
    ("take(z, [0, 9])", "0", "the indices[1] is 9"), ("index_add(z, 0, [0, 3], z[:2])", "0", "the indices[1] is 3"),
    ("max_unpool1d(z, i, 5)", "[[0, 1, 4], [4, 5, 3], [0, 1, 2]]", "i[1, 1] is 5; max_unpool1d in 'l' takes whole"),
])  # fmt: skip
def test_labels_out_of_range_are_refused(expression: str, i: str, said: str) -> None:
    """A label or position that is out of range, or no whole number, is an error that names it and the range."""
    with pytest.raises(SpecError) as caught:
        ran(expression, i)
    assert caught.value.code == "E008"
    assert said in caught.value.message


def test_minus_100_is_left_out() -> None:
    """The label that PyTorch ignores by default is left out where the data hold it, and the others are averaged."""
    ignored = ran("cross_entropy(z, i)", "[0, -100, 1]").by_name
    written = ran("cross_entropy(z, i, ignore_index=-100)", "[0, -100, 1]").by_name
    without = ran("cross_entropy(concat([z[:1], z[2:]], axis=0), i)", "[0, 1]").by_name
    loss = list(ignored)[-1]
    assert float(ignored[loss].value) == float(written[loss].value) == pytest.approx(float(without[loss].value))


@pytest.mark.parametrize(("expression", "i"), [
    ("cross_entropy(z, i, ignore_index=-100)", "[0, -100, 1]"), ("nll_loss(z, i, ignore_index=7)", "[0, 7, 1]"),
    ("take(z, i, axis=0)", "[0, -3]"), ("embedding(i, z)", "[0, -1]"), ("one_hot(i, 3) @ z", "2"),
    ("scaled_dot_product_attention(z, z, z, mask=i)", "[[1, 0, 0], [1, 1, 0], [1, 1, 1]]"),
    ("softmax(where(i > 0, z, -inf))", "[5, 2, 0]"),
])  # fmt: skip
def test_labels_in_range_are_accepted(expression: str, i: str) -> None:
    """Ignored labels, positions from the end, 0/1 masks, and conditions written by hand are all fine."""
    assert not [w for w in ran(expression, i).warnings if "nan" in w.message]


@pytest.mark.parametrize("mask", ["[0, -1000000000.0, 0]", "[1, 0.5, 1]"])
def test_masks_to_add_are_refused(mask: str) -> None:
    """Attention takes a mask of 0 and 1; one to be added to the scores is an error."""
    with pytest.raises(SpecError, match="a mask of 0 and 1") as caught:
        ran("scaled_dot_product_attention(z, z, z, mask=i)", mask)
    assert "add other masks to the scores" in (caught.value.hint or "")


@pytest.mark.parametrize("mask", ["where(i > 0, 0, -inf)", "(i - 1) * 1e9", "2 * i"])
def test_computed_masks_to_add_are_refused(mask: str) -> None:
    """A mask is 0/1 where it is computed, too: one to be added would silently hide other positions."""
    with pytest.raises(SpecError, match=r"the mask.* takes a mask of 0 and 1"):
        ran(f"scaled_dot_product_attention(z, z, z, mask={mask})", "[[1, 0, 0], [1, 1, 0], [1, 1, 1]]")


@pytest.mark.parametrize(("expression", "wanted"), [
    ("cross_entropy(z, i + 2)", r"the labels\[1\] is 3; one_hot in '.*' takes whole numbers from 0 to 2"),
    ("nll_loss(z, argmax(z, axis=1) - 4)", "whole numbers from 0 to 2"),
    ("take(z, 5*i, axis=0)", r"the indices\[1\] is 5"), ("embedding(i/2, z)", r"\[1\] is 0.5"),
])  # fmt: skip
def test_computed_labels_are_checked_once_they_are_known(expression: str, wanted: str) -> None:
    """Out of range they would be NaN in a mask, which is true, and a loss of other labels would come out."""
    with pytest.raises(SpecError, match=wanted) as caught:
        ran(expression, "[0, 1, 2]")
    assert caught.value.code == "E008"


@pytest.mark.parametrize("expression", ["cross_entropy(z, argmax(z, axis=1))", "take(z, 2 - i, axis=0)",
                                        "cross_entropy(z, where(i > 1, -7, i), ignore_index=-7)"])
def test_computed_labels_in_range_are_accepted(expression: str) -> None:
    """Positions of extremes, of a sum, and labels that are ignored."""
    found = ran(expression, "[0, 1, 2]")
    assert all(np.isfinite(node.value).all() for node in found.by_name.values())


CUBE = np.arange(24.0).reshape(2, 3, 4) / 7


@pytest.mark.parametrize("picked", [
    "x[i, j]", "x[i, -1]", "x[1, i]", "x[arange(2), j]", "x[arange(2), j, i]", "x[-1, i, j]", "x[..., j]", "x[j, ...]",
    "x[i, j, ...]", "x[:, j]", "x[k, m, :]", "x[arange(2), c]", "x[c, j]", "x[j, c]", "x[..., i, j, j]",
])  # fmt: skip
def test_pairs_of_labels_pick_as_numpy_does(picked: str) -> None:
    """Each label counts along its own axis, from the end too, and labels of several shapes broadcast."""
    labels = {"i": np.array([0, -2]), "j": np.array([-1, 0]), "k": np.array(-1), "m": np.array(-3),
              "c": np.array([[1], [-1], [0]])}  # fmt: skip
    inputs = {name: one.tolist() for name, one in labels.items()}
    nodes = {"p": picked, "l": "sum(p**2)"}
    spec = yaml.safe_dump({"inputs": inputs, "params": {"x": CUBE.tolist()}, "nodes": nodes, "output": "l"})
    found = run(read_spec(spec.encode(), "net.yaml", folder=None), Settings(terms=())).by_name
    at = eval(picked.replace("x[", "index[").replace("arange", "np.arange"), {"np": np, "index": np.s_, **labels})
    wanted = np.zeros_like(CUBE)
    np.add.at(wanted, at, 2 * CUBE[at])
    np.testing.assert_allclose(found["p"].value, CUBE[at])
    np.testing.assert_allclose(found["x"].gradient.value, wanted)  # type: ignore[union-attr]


def test_a_label_of_a_pair_is_out_of_range_by_itself() -> None:
    """A column beyond the last is no entry of the next row."""
    with pytest.raises(SpecError, match="from -3 to 2"):
        ran("z[0, i]", "3")
    with pytest.raises(SpecError, match="3 subscripts for a tensor of rank 2"):
        ran("z[i, i, i]", "0")
