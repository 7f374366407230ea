"""`torch.func.functional_call(model, params, args)`: the model with other tensors in place of its params."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.networks import walk
from backprop_cli.tasks.importing.state.objects import Layer
from backprop_cli.tasks.importing.state.values import Part

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def functional_call(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """The params are the model's own again afterwards.

    Raises:
        Unread: it is no model, or what it is called with is not known.
    """
    slots = dict(zip(("module", "params", "args", "kwargs"), given, strict=False)) | named
    model, values = slots.get("module"), slots.get("params")
    args, words = slots.get("args", ()), slots.get("kwargs") or {}
    if not isinstance(model, Part) or not isinstance(values, dict) or not isinstance(words, dict):
        raise machine.record.unread(node, "what is called here is not known", "call the model itself")
    args = list(args) if isinstance(args, list | tuple) else [args]
    own = dict(walk.params(machine, model, node))
    _put(machine, model, {**own, **values}, node)
    try:
        return machine.called(model, args, words, node)
    finally:
        _put(machine, model, own, node)


def _put(machine: Machine, model: Part, values: dict[str, Any], node: ast.AST) -> None:
    for prefix, one in walk.modules(model):
        names = one.params if isinstance(one, Layer) else walk.held(one)
        for name in list(names):
            found = values.get(f"{prefix}.{name}".lstrip("."))
            if found is not None:
                names[name] = found
