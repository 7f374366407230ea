"""Recurrent cells unrolled over a sequence: every step uses the same weights, so their gradients add up.

A sequence has the shape (time, features), or (batch, time, features).  The equations are PyTorch's, with one bias a
gate instead of two (the GRU's candidate keeps both, of which one stands inside the reset gate's product).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from backprop_cli.language.layers.layer import ZEROS, Layer
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass


@dataclass(slots=True)
class Unrolled:
    """A cell while it is unrolled: its weights, and the names of the step's values."""

    layer: Layer
    hidden: int
    state: Shape  # the shape of h_t
    weights: dict[str, str]
    base: str  # what the names of this layer end in

    def step(self, letter: str, t: int) -> str:
        """The name of a value at a step: h_1_2 is h of layer 1 at step 2."""
        return f"{letter}_{self.base}_{t}"

    def node(self, letter: str, t: int, expression: str) -> str:
        """One value of a step."""
        return self.layer.node(letter, expression, self.state, self.step(letter, t))

    def mix(self, gate: str, t: int) -> str:
        """x_t @ W_xi + h_{t-1} @ W_hi + b_i."""
        w = self.weights
        text = f"{self.step('x', t)} @ {w['x' + gate]} + {self.step('h', t - 1)} @ {w['h' + gate]}"
        return f"{text} + {w['b' + gate]}" if "b" + gate in w else text

    def part(self, source: str, gate: str, value: str, bias: str) -> str:
        """One of the two summands, with a bias of its own."""
        w = self.weights
        return f"{value} @ {w[source + gate]}" + (f" + {w[bias + gate]}" if bias + gate in w else "")


def _rnn(cell: Unrolled, t: int) -> None:
    function = cell.layer.choice("activation", "tanh", ("tanh", "relu", "sigmoid"))
    z = cell.node("z", t, cell.mix("", t))
    cell.node("h", t, f"{function}({z})")


def _lstm(cell: Unrolled, t: int) -> None:
    for gate, function in (("i", "sigmoid"), ("f", "sigmoid"), ("g", "tanh"), ("o", "sigmoid")):
        cell.node(gate, t, f"{function}({cell.mix(gate, t)})")
    i, f, g, o = (cell.step(gate, t) for gate in "ifgo")
    c = cell.node("c", t, f"{f} * {cell.step('c', t - 1)} + {i} * {g}")
    cell.node("h", t, f"{o} * tanh({c})")


def _gru(cell: Unrolled, t: int) -> None:
    before = cell.step("h", t - 1)
    r, z = (cell.node(gate, t, f"sigmoid({cell.mix(gate, t)})") for gate in "rz")
    inner = cell.part("h", "n", before, "c")
    outer = cell.part("x", "n", cell.step("x", t), "b")
    n = cell.node("n", t, f"tanh({outer} + {r} * ({inner}))")
    cell.node("h", t, f"(1 - {z}) * {n} + {z} * {before}")


class Cell(NamedTuple):
    """A kind of cell: its gates, which of them have a second bias, what it carries on, and one step."""

    gates: tuple[str, ...]
    second: tuple[str, ...]
    states: tuple[str, ...]
    step: Callable[[Unrolled, int], None]


CELLS: Mapping[str, Cell] = {
    "rnn": Cell(("",), (), ("h",), _rnn),
    "lstm": Cell(("i", "f", "g", "o"), (), ("h", "c"), _lstm),
    "gru": Cell(("r", "z", "n"), ("n",), ("h",), _gru),
}


def recurrent(layer: Layer) -> None:
    """h_1_1, h_1_2, ...: one cell a step; goes on with the last h, or with all of them stacked (`return: all`)."""
    layer.begin()
    layer.needs_rank(2, 3, axes="(time, features) or (batch, time, features)")
    cell, hidden = CELLS[layer.kind], layer.size("hidden")
    sequence, shape = layer.stack.value, layer.stack.shape
    batch, steps, features = shape[:-2], shape[-2], shape[-1]
    base = layer.label or str(layer.stack.naming.index)
    unrolled = Unrolled(layer, hidden, (*batch, hidden), _weights(layer, cell, features, hidden), base)
    _begin(unrolled, cell)
    index = ":, " if batch else ""
    for t in range(1, int(steps) + 1):
        layer.node("x", f"{sequence}[{index}{t - 1}]", (*batch, features), unrolled.step("x", t))
        cell.step(unrolled, t)
    if layer.choice("return", "last", ("last", "all")) == "all":
        every = ", ".join(unrolled.step("h", t) for t in range(1, int(steps) + 1))
        layer.node("h", f"stack([{every}], axis={len(batch)})", (*batch, steps, hidden))


def _weights(layer: Layer, cell: Cell, features: int, hidden: int) -> dict[str, str]:
    made: dict[str, str] = {}
    bias = layer.flag("bias", True)
    for gate in cell.gates:
        made["x" + gate] = layer.param(f"W_x{gate}", (features, hidden), features, hidden)
        made["h" + gate] = layer.param(f"W_h{gate}", (hidden, hidden), hidden, hidden)
        if bias:
            made["b" + gate] = layer.param(f"b_{gate}" if gate else "b", (hidden,), start=ZEROS)
        if bias and gate in cell.second:
            made["c" + gate] = layer.param(f"b_h{gate}", (hidden,), start=ZEROS)
    return made


def _begin(cell: Unrolled, kind: Cell) -> None:
    """The states before the first step: inputs of zeros, unless the spec has a leaf or node of that name."""
    for letter in kind.states:
        name = cell.step(letter, 0)
        if name not in cell.layer.stack.reading.defined:
            cell.layer.leaf(name, "input", cell.state, {"init": "zeros"})
