"""RNN, LSTM and GRU of torch.nn, step by step, with the gates as nodes of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Expression
from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.indexing import pick
from backprop_cli.tasks.importing.networks.params import param, size_of, ways
from backprop_cli.tasks.importing.state.codes import ELLIPSIS, binary, call, cut, indexed, listed, number, whole
from backprop_cli.tasks.importing.state.objects import Layer
from backprop_cli.tasks.importing.state.values import Sizes, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


Weights = list[Expression | None]
"""By the input and by the state, and the biases of both: None for a layer without."""


def _cell(machine: Machine, kind: str, x: Expression, state: list[Expression], weights: Weights, hidden: int,
          steps: Callable[[Tensor, str], Expression], tanh: str) -> list[Expression]:  # fmt: skip
    """One step of a recurrent layer: the new states."""
    w, u, b, c = weights
    joined = [call("linear", *(one for one in row if one is not None)) for row in ((x, w, b), (state[0], u, c))]

    def gate(code: Expression, number_: int) -> Expression:
        return indexed(code, ELLIPSIS, cut(number_ * hidden, (number_ + 1) * hidden))

    if kind == "R":
        return [steps(tensors.tensor_from(call(tanh, binary(joined[0], "+", joined[1]))), "h")]
    if kind == "L":
        z = steps(Tensor(binary(joined[0], "+", joined[1])), "gates")
        i, f, g, o = (
            steps(Tensor(call(name, gate(z, k))), letter)
            for k, (letter, name) in enumerate((("i", "sigmoid"), ("f", "sigmoid"), ("g", "tanh"), ("o", "sigmoid")))
        )
        cell = steps(Tensor(binary(binary(f, "*", state[1]), "+", binary(i, "*", g))), "c")
        return [steps(Tensor(binary(o, "*", call("tanh", cell))), "h"), cell]
    ours, theirs = steps(Tensor(joined[0]), "gi"), steps(Tensor(joined[1]), "gh")
    r, z = (
        steps(Tensor(call("sigmoid", binary(gate(ours, k), "+", gate(theirs, k)))), "rz"[k]) for k in range(2)
    )
    n = steps(Tensor(call("tanh", binary(gate(ours, 2), "+", binary(r, "*", gate(theirs, 2))))), "n")
    one = binary(number(1), "-", z)
    return [steps(Tensor(binary(binary(one, "*", n), "+", binary(z, "*", state[0]))), "h")]


def recurrent(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> object:
    """RNN, LSTM, GRU over a sequence, step by step; one step of their cells."""
    if plain(layer.given.get("dropout", 0)):
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    is_cell = layer.kind.endswith("Cell")
    shape = machine.record.shape(given[0], node)
    time = 1 if layer.given.get("batch_first") and len(shape) == 3 else 0
    batch = shape[:-1] if is_cell else (shape[1 - time],) if len(shape) == 3 else ()
    before = given[1] if len(given) > 1 and given[1] is not None else []
    starts = list(before) if isinstance(before, tuple | list) else [before]
    sequence = _sequence(machine, given[0], is_cell, time, node)
    ends: list[list[Expression]] = []
    for level in range(1 if is_cell else int(plain(layer.given.get("num_layers", 1)))):
        sides = []
        for tail in ways(layer):
            state = [_state(machine, one, len(ends), is_cell, node) for one in starts] or _zeros(layer, batch)
            back = tail.endswith("reverse")
            found, end = _level(machine, layer, sequence[::-1] if back else sequence, state, tail.format(level), node)
            sides.append(found[::-1] if back else found)
            ends.append(end)
        joined = (call("concat", listed(*both), axis=number(-1)) for both in zip(*sides, strict=True))
        sequence = sides[0] if len(sides) == 1 else list(joined)
    return _cell_result(ends[0]) if is_cell else _whole_result(sequence, ends, time)


def _sequence(machine: Machine, x: Any, is_cell: bool, time: int, node: ast.AST) -> list[Expression]:
    """The input of each step."""
    if is_cell:
        return [tensors.tensor_code(machine, x, node)]
    count = machine.record.shape(x, node)[time]
    steps = (pick(machine, x, (slice(None),) * time + (t,), node) for t in range(count))
    return [tensors.tensor_code(machine, step, node) for step in steps]


def _zeros(layer: Layer, batch: Sizes) -> list[Expression]:
    """The state that PyTorch starts from; an LSTM has two."""
    zeros = call("zeros", whole(*batch, size_of(layer, "hidden_size")))
    return [zeros] * (2 if layer.kind.startswith("LSTM") else 1)


def _level(
    machine: Machine, layer: Layer, sequence: list[Expression], state: list[Expression], tail: str, node: ast.AST
) -> tuple[list[Expression], list[Expression]]:
    """One level over the sequence: what it puts out at each step, and the state at its end."""
    prefix = layer.path.replace(".", "_") or layer.kind.lower()

    def named(value: Tensor, name: str) -> Expression:
        value.grad = True
        machine.record.name(value, f"{prefix}_{name}", node)
        assert value.code is not None
        return value.code

    found = (param(machine, layer, name + tail, node) for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    weights = [None if one is None else tensors.code_of(machine, one, node) for one in found]
    hidden, tanh = size_of(layer, "hidden_size"), str(layer.given.get("nonlinearity", "tanh"))
    outputs = []
    for one in sequence:
        state = _cell(machine, layer.kind[0], one, state, weights, hidden, named, tanh)
        outputs.append(state[0])
    return outputs, state


def _cell_result(state: list[Expression]) -> object:
    final = [Tensor(part, grad=True) for part in state]
    return tuple(final) if len(final) == 2 else final[0]


def _whole_result(sequence: list[Expression], ends: list[list[Expression]], time: int) -> object:
    """The outputs of the last level, and the state at the end of each."""
    every = Tensor(call("stack", listed(*sequence), axis=number(time)), grad=True)
    last = [Tensor(call("stack", listed(*parts)), grad=True) for parts in zip(*ends, strict=True)]
    return every, (tuple(last) if len(last) == 2 else last[0])


def _state(machine: Machine, value: Any, level: int, is_cell: bool, node: ast.AST) -> Expression:
    part = value if is_cell else pick(machine, value, (level,), node)
    return tensors.tensor_code(machine, part, node)


