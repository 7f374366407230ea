"""Comments and the order of sections, where a spec is written anew."""

from __future__ import annotations

from tests.conftest import Backprop

SPEC = """# A header
# of two lines

title: Commented  # a title
params:
  # the slope

  w: 2.0  # start here
  b: [1, 2]   # two of them
# data
inputs: {x: 3.0, t: 1.0} # flow
nodes:
  z: w * x + sum(b)   # linear part
  y: "tanh(z)"  # squash
  l: |
    (y - t)**2
output: l  # the old output
"""


def test_comments_and_order_stay(backprop: Backprop) -> None:
    """A gradient as a spec keeps each comment of its author once, above or beside the entry where it stood."""
    out = backprop("export", "-", "--to", "spec", stdin=SPEC).out
    for line in ("# A header\n# of two lines\ntitle: ", "params:\n  # the slope\n  w: 2  # start here\n",
                 "# data\ninputs:  # flow\n  x: 3\n  t: 1\n", "z: w * x + sum(b)  # linear part\n"):  # fmt: skip
        assert out.count(line) == 1, out
    assert out.index("params:") < out.index("inputs:")
    assert "the old output" not in out  # it goes back from another


def test_what_is_written_is_read_again(backprop: Backprop) -> None:
    """`show` and `jacobian --to spec` write specs that give the same numbers, and that `show` leaves as they are."""
    shown = backprop("show", "-", stdin=SPEC).out
    assert "output: l  # the old output" in shown
    assert backprop("show", "-", stdin=shown).out == shown
    for text in (shown, backprop("jacobian", "-", "--wrt", "x", "--to", "spec", stdin=SPEC).out):
        assert backprop("run", "-", "--get", "l", stdin=text).out == backprop("run", "-", "--get", "l", stdin=SPEC).out


def test_a_sign_in_quotes_is_no_comment(backprop: Backprop) -> None:
    """`#` inside quotes belongs to the text."""
    out = backprop("show", "-", stdin="title: 'no # comment'  # but this\nnodes: {y: 2 * 3}\n").out
    assert out.startswith("title: 'no # comment'  # but this\n")


def test_sections_that_are_made_come_in_the_usual_order(backprop: Backprop) -> None:
    """Where layers alone make params, these follow the inputs."""
    spec = "inputs: {x: [1, 2]}\nlayers: [{linear: 2}]\nnodes: {loss: sum(z_1**2)}\n"
    out = backprop("show", "-", stdin=spec).out
    assert out.index("inputs:") < out.index("params:") < out.index("nodes:")
