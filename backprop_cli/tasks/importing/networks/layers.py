"""Forward passes of torch.nn's layers that have params, or need more than a function of that name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.arrays import functions
from backprop_cli.tasks.importing.networks.params import param, params
from backprop_cli.tasks.importing.networks.recurrent import recurrent
from backprop_cli.tasks.importing.state.values import Layer, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Run = Callable[["Machine", Layer, list[object], ast.AST], object]


def _linear(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    weight, bias = params(machine, layer, ("weight", "bias"), node)
    return functions.emit(machine, "linear", [given[0], weight, *([bias] if bias else [])], {}, node)


def _conv(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    weight, bias = params(machine, layer, ("weight", "bias"), node)
    words: dict[str, object] = {
        w: layer.given[w] for w in ("stride", "padding", "dilation", "groups", "output_padding") if w in layer.given
    }
    words = {w: one for w, one in words.items() if one is not None and one != (0 if "padding" in w else 1)}
    name = layer.kind.lower().replace("transpose", "_transpose")
    return functions.emit(machine, name, [given[0], weight, *([bias] if bias else [])], words, node)


def _embedding(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.emit(machine, "embedding", [given[0], param(machine, layer, "weight", node)], {}, node)


def _layer_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    names = ("weight",) if layer.kind == "RMSNorm" else ("weight", "bias")
    words = dict(zip(names, params(machine, layer, names, node), strict=True))
    if layer.given.get("elementwise_affine", True) is False:
        words = {}
    if layer.given.get("eps") is not None:
        words["eps"] = layer.given["eps"]
    size = layer.given["normalized_shape"]
    if isinstance(size, list | tuple) and len(size) > 1:
        words["normalized_shape"] = tuple(map(plain, size))
    return functions.emit(machine, "rms_norm" if layer.kind == "RMSNorm" else "layer_norm", [given[0]], words, node)


def _group_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    weight, bias = params(machine, layer, ("weight", "bias"), node)
    return functions.emit(machine, "group_norm", [given[0]], {"num_groups": layer.given["num_groups"], "weight": weight,
                                                              "bias": bias}, node)  # fmt: skip


def _batch_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    weight, bias = params(machine, layer, ("weight", "bias"), node)
    machine.record.note(node, "batch norm is read as it is in training: with the batch's own mean and variance")
    words = (
        {"weight": weight, "bias": bias, "training": True} if layer.given.get("affine", True) else {"training": True}
    )
    return functions.emit(machine, "batch_norm", [given[0]], words, node)


def _flatten(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    first = layer.given.get("start_dim", 1)
    return functions.emit(machine, "flatten", [given[0], first], {}, node)


def _prelu(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.emit(machine, "prelu", [given[0], param(machine, layer, "weight", node)], {}, node)


def _upsample(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.apply(machine, "torch", "nn.functional.interpolate", given, dict(layer.given), node)


def _unflatten(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> object:
    shape, dim = machine.record.shape(given[0], node), int(plain(layer.given["dim"]))
    sizes = tuple(layer.given.get("sizes", layer.given.get("unflattened_size", ())))
    return functions.emit(machine, "reshape", [given[0], (*shape[:dim], *sizes, *shape[dim % len(shape) + 1 :])], {},
                          node)  # fmt: skip


def _zero_pad(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    width = layer.given["padding"]
    pairs = width if isinstance(width, list | tuple) else (width,) * (2 * int(layer.kind[-2]))
    return functions.apply(machine, "torch", "nn.functional.pad", [given[0], tuple(pairs)], {}, node)


def _identity(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    if layer.kind.startswith("Dropout"):
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    return given[0]


RUNS: Mapping[str, Run] = {
    "Linear": _linear,
    **{name.format(n): _conv for n in (1, 2, 3) for name in ("Conv{}d", "ConvTranspose{}d")},
    "Embedding": _embedding, "PReLU": _prelu, "Upsample": _upsample, "Unflatten": _unflatten,
    **dict.fromkeys(("ZeroPad1d", "ZeroPad2d"), _zero_pad),
    "LayerNorm": _layer_norm, "RMSNorm": _layer_norm, "GroupNorm": _group_norm,
    **{f"BatchNorm{n}d": _batch_norm for n in (1, 2, 3)},
    "Flatten": _flatten, "Identity": _identity, "Dropout": _identity,
    "Dropout2d": _identity, "Dropout3d": _identity,
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), recurrent),
}  # fmt: skip
