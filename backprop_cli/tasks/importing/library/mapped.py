"""`vmap`: a function of each part along an axis; the gradients of each example; and `tree_map`, of each value held."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.indexing import pick
from backprop_cli.tasks.importing.arrays.literals import MAX_ROWS, literal_or_stack
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.state.codes import call, whole
from backprop_cli.tasks.importing.state.nested import each
from backprop_cli.tasks.importing.state.objects import Differentiator, Function
from backprop_cli.tasks.importing.state.values import Builtin, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def mapped(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`vmap(f, in_axes=(None, 0))`: f of each part along an axis, what comes out stacked.

    Raises:
        Unread: what comes out is stacked along another axis than the first.
    """
    if plain(named.get("out_axes", named.get("out_dims", 0))) != 0:
        raise machine.record.unread(node, "vmap with another axis out is not read", "move the axis: swapaxes(y, 0, 1)")
    axes: Any = named.get("in_axes", named.get("in_dims", given[1] if len(given) > 1 else 0))
    of = given[0]

    def run(m: Machine, values: list[Any], words: dict[str, object], at: ast.AST) -> object:
        along = [plain(one) for one in axes] if isinstance(axes, list | tuple) else [plain(axes)] * len(values)
        count = _count(m, values, along, at)
        if isinstance(of, Differentiator):
            return _gradients(m, of, along, values, count, at)
        return _parts(m, of, along, values, count, at)

    return Builtin("vmap", run)


def _count(machine: Machine, given: list[Any], along: list[Any], node: ast.AST) -> int:
    """How many parts there are."""
    sizes = {machine.record.shape(machine.named(one, "data", node), node)[axis]
             for one, axis in zip(given, along, strict=True) if axis is not None}  # fmt: skip
    if len(sizes) != 1 or max(sizes) > MAX_ROWS:
        raise machine.record.unread(node, "what vmap goes over is not known here")
    return int(sizes.pop())


def _parts(machine: Machine, function: object, along: list[Any], given: list[Any], count: int, node: ast.AST) -> Any:
    results = [machine.called(function, [_row(machine, one, axis, row, node)
                                         for one, axis in zip(given, along, strict=True)], {}, node)
               for row in range(count)]  # fmt: skip
    if isinstance(results[0], tuple):
        return tuple(literal_or_stack(machine, list(part), node) for part in zip(*results, strict=True))
    return literal_or_stack(machine, results, node)


def _row(machine: Machine, value: Any, axis: Any, row: int, node: ast.AST) -> Any:
    if axis is None:
        return value
    return each(lambda _, one: pick(machine, one, ((slice(None),) * axis + (row,)), node), value)


def _gradients(machine: Machine, of: Differentiator, along: list[Any], given: list[Any], count: int,
               node: ast.AST) -> object:  # fmt: skip
    """`vmap(grad(f))`: each example has a copy of its own of what all share, so that one pass gives its gradient."""
    values, axes, wanted = list(given), list(along), []
    slots = [a.arg for a in of.function.node.args.args] if isinstance(of.function, Function) else []
    for position in of.positions:
        base = slots[position] if position < len(slots) else "x"
        own = partial(_copy, machine, axes[position], count, node)
        values[position] = each(own, given[position], name=base)
        axes[position] = axes[position] or 0
        wanted.append(values[position])
    losses = _parts(machine, of.function, axes, values, count, node)
    losses = losses[0] if isinstance(losses, tuple) else losses
    total = tensors.tensor_from(call("sum", tensors.tensor_code(machine, losses, node)), losses)
    machine.named(total, "total", node)
    found = each(lambda _, one: training.gradient(machine, total, None, one, node), tuple(wanted))
    return found if len(found) > 1 else found[0]


def _copy(machine: Machine, axis: object, count: int, node: ast.AST, base: str, value: Tensor) -> Tensor:
    machine.named(value, base, node)
    training.require(machine, value, True, node)
    if axis is not None:
        return value
    shape = machine.record.shape(value, node)
    code = call("broadcast_to", tensors.tensor_code(machine, value, node), whole(count, *shape))
    made = tensors.tensor_from(code, value)
    machine.named(made, f"{base}_each", node)
    return made


def tree_mapped(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`jax.tree.map(f, params, grads)`: f of each value in lists, tuples and dicts, of several that are alike.

    Raises:
        Unread: they are not alike.
    """
    try:
        return each(lambda _, *parts: machine.called(given[0], list(parts), {}, node), *given[1:])
    except (IndexError, KeyError, TypeError, ValueError):
        raise machine.record.unread(node, "what tree_map goes over is not alike") from None
