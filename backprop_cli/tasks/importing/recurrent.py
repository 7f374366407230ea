"""RNN, LSTM and GRU of torch.nn, step by step, with the gates as nodes of their own."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backprop_cli.language.expression import Expression
from backprop_cli.tasks.importing import tensors
from backprop_cli.tasks.importing.codes import ELLIPSIS, binary, call, cut, indexed, listed, number, whole
from backprop_cli.tasks.importing.indexing import pick
from backprop_cli.tasks.importing.params import param, size_of
from backprop_cli.tasks.importing.values import Layer, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.machine import Machine


def _cell(machine: Machine, kind: str, x: Expression, state: list[Expression], weights: list[Expression], hidden: int,
          steps: Callable[[Tensor, str], Expression], tanh: str) -> list[Expression]:  # fmt: skip
    """One step of a recurrent layer: the new states."""
    w, u, b, c = weights
    joined = [call("linear", x, w, b), call("linear", state[0], u, c)]

    def gate(code: Expression, number_: int) -> Expression:
        return indexed(code, ELLIPSIS, cut(number_ * hidden, (number_ + 1) * hidden))

    if kind == "R":
        return [steps(tensors.made(call(tanh, binary(joined[0], "+", joined[1]))), "h")]
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


def recurrent(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    """RNN, LSTM, GRU over a sequence, step by step; one step of their cells."""
    if layer.given.get("bidirectional") or plain(layer.given.get("dropout", 0)):
        raise machine.record.unread(node, f"nn.{layer.kind} in two directions, or with dropout, is not read")
    hidden, prefix = size_of(layer, "hidden_size"), layer.path.replace(".", "_") or layer.kind.lower()

    def steps(value: Tensor, name: str) -> Expression:
        value.grad = True
        machine.record.name(value, f"{prefix}_{name}", node)
        assert value.code is not None
        return value.code

    x = given[0]
    shape = machine.record.shape(x, node)
    is_cell = layer.kind.endswith("Cell")
    first = bool(layer.given.get("batch_first")) and len(shape) == 3
    time = 1 if first else 0
    batch = shape[:-1] if is_cell else (shape[1 - time],) if len(shape) == 3 else ()
    count = 2 if layer.kind.startswith("LSTM") else 1
    before = (
        (given[1] if isinstance(given[1], tuple | list) else [given[1]])
        if len(given) > 1 and given[1] is not None
        else []
    )
    sequence: list[Expression] = (
        [tensors.tensor_code(machine, x, node)]
        if is_cell
        else [
            tensors.tensor_code(machine, pick(machine, x, (slice(None),) * time + (t,), node), node)
            for t in range(shape[time])
        ]
    )
    ends: list[list[Expression]] = []
    for level in range(1 if is_cell else int(plain(layer.given.get("num_layers", 1)))):
        tail = "" if is_cell else f"_l{level}"
        weights = [tensors.code_of(machine, param(machine, layer, name + tail, node), node)
                   for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]  # fmt: skip
        state = [_state(machine, one, level, is_cell, node) for one in before] or [
            call("zeros", whole(*batch, hidden)) for _ in range(count)
        ]
        outputs = []
        for one in sequence:
            state = _cell(
                machine, layer.kind[0], one, state, weights, hidden, steps, str(layer.given.get("nonlinearity", "tanh"))
            )
            outputs.append(state[0])
        sequence = outputs
        ends.append(state)
    final = [Tensor(e, grad=True) for e in ends[0]]
    if is_cell:
        return tuple(final) if count == 2 else final[0]
    every = Tensor(call("stack", listed(*sequence), axis=number(time)), grad=True)
    last = [Tensor(call("stack", listed(*(end[k] for end in ends))), grad=True) for k in range(count)]
    return every, (tuple(last) if count == 2 else last[0])


def _state(machine: Machine, value: Any, level: int, is_cell: bool, node: ast.AST) -> Expression:
    part = value if is_cell else pick(machine, value, (level,), node)
    return tensors.tensor_code(machine, part, node)


