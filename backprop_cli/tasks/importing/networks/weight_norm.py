"""`weight_norm(layer)`: a weight that is worked out from a length and a direction, which are the params."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from backprop_cli.tasks.importing.arrays.tensors import tensor_code, tensor_from
from backprop_cli.tasks.importing.state.codes import binary, call, number, whole
from backprop_cli.tasks.importing.state.objects import Layer
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def normed(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`weight_norm(module, name='weight', dim=0)`.

    Raises:
        Unread: it is no layer, or another axis than the first is kept.
    """
    layer = given[0] if given else named.get("module")
    name, dim = [*given[1:], named.get("name", "weight"), named.get("dim", 0)][:2] if len(given) < 3 else given[1:3]
    if not isinstance(layer, Layer) or plain(dim) != 0 or name != "weight":
        raise machine.record.unread(node, "weight_norm of this is not read", "write its forward pass out")
    layer.normed = True
    return layer


def work_out(machine: Machine, layer: Layer, direction: Tensor, node: ast.AST) -> None:
    """The weight, `g * v / ‖v‖` row by row; the params are called `weight_v` and `weight_g`.

    Raises:
        Unread: what the direction starts from is not known here.
    """
    from backprop_cli.tasks.importing.arrays.known import numbers_of

    direction.home = (layer, "weight_v", node)
    v = tensor_code(machine, machine.named(direction, "weight_v", node), node)
    rank = len(machine.record.shape(direction, node))
    axes = whole(*range(1, rank))
    length = call("sqrt", call("sum", binary(v, "**", number(2)), axis=axes, keepdims=number(True)))
    numbers = numbers_of(machine, tensor_from(length, direction), node)
    if numbers is None:
        raise machine.record.unread(node, "what the weight starts from is not known here")
    g = leaf_of(numbers.shape, data=numbers.tolist())
    g.param, g.grad, g.home = True, True, (layer, "weight_g", node)
    machine.named(g, "weight_g", node)
    made = tensor_from(binary(binary(v, "*", tensor_code(machine, g, node)), "/", length), direction, g)
    machine.named(made, f"{layer.path}.weight".lstrip(".").replace(".", "_"), node)
    layer.params |= {"weight": made, "weight_g": g, "weight_v": direction}
