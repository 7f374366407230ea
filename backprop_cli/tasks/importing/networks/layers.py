"""Forward passes of torch.nn's layers that have params, or need more than a function of that name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.arrays import functions
from backprop_cli.tasks.importing.networks.params import pair, param, params
from backprop_cli.tasks.importing.networks.recurrent import recurrent
from backprop_cli.tasks.importing.state.objects import Layer
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import plain

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
    x, name = given[0], layer.kind.lower().replace("transpose", "_transpose")
    if layer.given.get("padding_mode", "zeros") != "zeros":
        x = _bordered(machine, layer, x, words.pop("padding", 0), node)
    return functions.emit(machine, name, [x, weight, *([bias] if bias else [])], words, node)


def _bordered(machine: Machine, layer: Layer, x: object, padding: Any, node: ast.AST) -> object:
    """`padding_mode='circular'`: the border is put around first."""
    space = int(layer.kind[-2])
    widths = [(width, width) for width in pair(padding, space)] if padding != "same" else [
        (reach // 2, reach - reach // 2)
        for size, step in zip(pair(layer.given["kernel_size"], space), pair(layer.given.get("dilation", 1), space),
                              strict=True) for reach in [step * (size - 1)]]  # fmt: skip
    ends = tuple(end for both in reversed(widths) for end in both)
    return functions.apply(machine, "torch", "nn.functional.pad", [x, ends, layer.given["padding_mode"]], {}, node)


def _bilinear(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    weight, bias = params(machine, layer, ("weight", "bias"), node)
    return functions.apply(machine, "torch", "nn.functional.bilinear", [*given[:2], weight, bias], {}, node)


def _embedding(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    spared = layer.given.get("padding_idx")
    words: dict[str, object] = {} if spared is None else {"padding_idx": spared}
    return functions.emit(machine, "embedding", [given[0], param(machine, layer, "weight", node)], words, node)


def _layer_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    names = ("weight",) if layer.kind == "RMSNorm" else ("weight", "bias")
    affine = layer.given.get("elementwise_affine", True) is not False
    words = _given(dict(zip(names, params(machine, layer, names, node), strict=True)) if affine else {})
    if layer.given.get("eps") is not None:
        words["eps"] = layer.given["eps"]
    size = layer.given["normalized_shape"]
    if isinstance(size, list | tuple) and len(size) > 1:
        words["normalized_shape"] = tuple(map(plain, size))
    return functions.emit(machine, "rms_norm" if layer.kind == "RMSNorm" else "layer_norm", [given[0]], words, node)


def _given(words: dict[str, object]) -> dict[str, object]:
    """What there is: a layer made with `bias=False` has none."""
    return {word: one for word, one in words.items() if one is not None}


def _channels(machine: Machine, layer: Layer, node: ast.AST, *, affine: bool = True) -> dict[str, object]:
    """The params of a norm by channels, where it has some, and an eps of its own."""
    names = ("weight", "bias") if layer.given.get("affine", affine) else ()
    words = dict(zip(names, params(machine, layer, names, node), strict=True))
    return _given({**words, "eps": layer.given.get("eps")})


def _group_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    words = {"num_groups": layer.given["num_groups"], **_channels(machine, layer, node)}
    return functions.emit(machine, "group_norm", [given[0]], words, node)


def _batch_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    words = _channels(machine, layer, node)
    if layer.training or layer.given.get("track_running_stats") is False:
        machine.record.note(node, "batch norm is read as it is in training: with the batch's own mean and variance")
        layer.more.append("moved")
        return functions.emit(machine, "batch_norm", [given[0]], {**words, "training": True}, node)
    if layer.more:
        raise machine.record.unread(node, "the running mean that batches have moved is not known here",
                                    "call eval() before the first batch, or not at all")  # fmt: skip
    size = (int(plain(layer.given["num_features"])),)
    running = {"running_mean": leaf_of(size, rule="zeros"), "running_var": leaf_of(size, rule="ones")}
    for name, leaf in running.items():
        machine.named(leaf, f"{layer.path}_{name}".replace(".", "_"), node)
    return functions.emit(machine, "batch_norm", [given[0]], {**running, **words}, node)


def _instance_norm(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.emit(machine, "instance_norm", [given[0]], _channels(machine, layer, node, affine=False), node)


def _flatten(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    ends = [layer.given.get("start_dim", 1), *([layer.given["end_dim"]] if "end_dim" in layer.given else [])]
    return functions.emit(machine, "flatten", [given[0], *ends], {}, node)


def _prelu(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.emit(machine, "prelu", [given[0], param(machine, layer, "weight", node)], {}, node)


def _upsample(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.apply(machine, "torch", "nn.functional.interpolate", given, dict(layer.given), node)


def _unflatten(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> object:
    shape, dim = machine.record.shape(given[0], node), int(plain(layer.given["dim"]))
    sizes = tuple(layer.given["unflattened_size"])
    return functions.emit(machine, "reshape", [given[0], (*shape[:dim], *sizes, *shape[dim % len(shape) + 1 :])], {},
                          node)  # fmt: skip


def _pad(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    """`nn.ReflectionPad2d(1)`, `nn.ZeroPad2d((1, 0, 2, 0))`."""
    ends = pair(layer.given["padding"], 2 * int(layer.kind[-2]))
    words = _given({"mode": PADS.get(layer.kind[:-5]), "value": layer.given.get("value")})
    return functions.apply(machine, "torch", "nn.functional.pad", [given[0], ends], words, node)


def _softmax_2d(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    return functions.emit(machine, "softmax", [given[0]], {"axis": -3}, node)


def _identity(machine: Machine, layer: Layer, given: list[object], node: ast.AST) -> object:
    if layer.kind.startswith("Dropout"):
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    return given[0]


PADS: Mapping[str, str] = {"Zero": "constant", "Reflection": "reflect", "Replication": "replicate",
                           "Circular": "circular"}  # fmt: skip
"""The modes of the layers that pad, by the word in front of theirs."""
RUNS: Mapping[str, Run] = {
    "Linear": _linear,
    **{name.format(n): _conv for n in (1, 2, 3) for name in ("Conv{}d", "ConvTranspose{}d")},
    "Embedding": _embedding, "PReLU": _prelu, "Upsample": _upsample, "Unflatten": _unflatten,
    "Bilinear": _bilinear, "Softmax2d": _softmax_2d,
    **{f"{kind}Pad{n}d": _pad for n in (1, 2, 3) for kind in (*PADS, "Constant")},
    "LayerNorm": _layer_norm, "RMSNorm": _layer_norm, "GroupNorm": _group_norm,
    **{f"BatchNorm{n}d": _batch_norm for n in (1, 2, 3)}, **{f"InstanceNorm{n}d": _instance_norm for n in (1, 2, 3)},
    "Flatten": _flatten, "Identity": _identity, **{f"Dropout{n}": _identity for n in ("", "1d", "2d", "3d")},
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), recurrent),
}  # fmt: skip
