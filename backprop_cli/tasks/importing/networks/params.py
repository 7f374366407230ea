"""The params of torch.nn's layers: leaves with PyTorch's shapes, and the laws that they start from."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.networks import weight_norm
from backprop_cli.tasks.importing.state.objects import Layer
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

OWN: Final = "the params of layers are PyTorch's own for the seed that is set"
LAWS: Final = "the params of layers start from PyTorch's laws, drawn here with seed 0"
Shapes = Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]
"""Of each param its shape, the rule that it starts from, and that rule's options."""


def size_of(layer: Layer, name: str) -> int:
    """A size that a layer was made with."""
    return int(plain(layer.given[name]))


def pair(value: object, count: int) -> tuple[int, ...]:
    """A size for each axis: one that is given once holds for all."""
    raw = value if isinstance(value, list | tuple) else (value,) * count
    return tuple(int(plain(one)) for one in raw)


def _bound(fan: int) -> dict[str, float]:
    limit = 1 / math.sqrt(fan) if fan else 0.0
    return {"low": -limit, "high": limit, "seed": 0}


def _conv_shapes(layer: Layer) -> Shapes:
    space = int(layer.kind[-2])
    kernel = pair(layer.given["kernel_size"], space)
    first, second = size_of(layer, "in_channels"), size_of(layer, "out_channels")
    groups = int(plain(layer.given.get("groups", 1)))
    turned = layer.kind.startswith("ConvTranspose")
    shape = (first, second // groups, *kernel) if turned else (second, first // groups, *kernel)
    fan = shape[1] * math.prod(kernel)
    return {"weight": (shape, "uniform", _bound(fan)), "bias": ((second,), "uniform", _bound(fan))}


def _recurrent_shapes(layer: Layer) -> Shapes:
    gates = {"R": 1, "L": 4, "G": 3}[layer.kind[0]]
    size, hidden = size_of(layer, "input_size"), size_of(layer, "hidden_size")
    found = {}
    ends = ways(layer)
    for level in range(int(plain(layer.given.get("num_layers", 1)))):
        width = size if level == 0 else hidden * len(ends)
        for end in ends:
            for name, shape in (("weight_ih", (gates * hidden, width)), ("weight_hh", (gates * hidden, hidden)),
                                ("bias_ih", (gates * hidden,)), ("bias_hh", (gates * hidden,))):  # fmt: skip
                found[name + end.format(level)] = (shape, "uniform", _bound(hidden))
    return found


def ways(layer: Layer) -> tuple[str, ...]:
    """What the names of a recurrent layer's params end in, at each level: one set for each direction."""
    if layer.kind.endswith("Cell"):
        return ("",)
    return ("_l{}", "_l{}_reverse") if layer.given.get("bidirectional") else ("_l{}",)


def _norm_shapes(layer: Layer) -> Shapes:
    size = layer.given.get("normalized_shape", layer.given.get("num_features", layer.given.get("num_channels")))
    shape = pair(size, 1)
    weight: Shapes = {"weight": (shape, "ones", {})}
    return weight if layer.kind == "RMSNorm" else {**weight, "bias": (shape, "zeros", {})}


def _linear_shapes(layer: Layer) -> Shapes:
    fan, out = size_of(layer, "in_features"), size_of(layer, "out_features")
    return {"weight": ((out, fan), "uniform", _bound(fan)), "bias": ((out,), "uniform", _bound(fan))}


def _embedding_shapes(layer: Layer) -> Shapes:
    shape = (size_of(layer, "num_embeddings"), size_of(layer, "embedding_dim"))
    return {"weight": (shape, "normal", {"mean": 0.0, "std": 1.0, "seed": 0})}


def _bilinear_shapes(layer: Layer) -> Shapes:
    fan, second, out = (size_of(layer, name) for name in ("in1_features", "in2_features", "out_features"))
    return {"weight": ((out, fan, second), "uniform", _bound(fan)), "bias": ((out,), "uniform", _bound(fan))}


def _slope_shapes(layer: Layer) -> Shapes:
    """PReLU's slopes: one, or one a channel."""
    start = float(plain(layer.given.get("init", 0.25)))
    return {"weight": ((int(plain(layer.given.get("num_parameters", 1))),), "constant", {"value": start})}


_SHAPES: Mapping[str, Callable[[Layer], Shapes]] = {
    "Linear": _linear_shapes, "Bilinear": _bilinear_shapes, "Embedding": _embedding_shapes, "PReLU": _slope_shapes,
    **{name.format(n): _conv_shapes for n in (1, 2, 3) for name in ("Conv{}d", "ConvTranspose{}d")},
    **dict.fromkeys(("LayerNorm", "RMSNorm", "GroupNorm"), _norm_shapes),
    **{f"{kind}Norm{n}d": _norm_shapes for n in (1, 2, 3) for kind in ("Batch", "Instance")},
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _recurrent_shapes),
}  # fmt: skip


def names_of(layer: Layer) -> list[str]:
    """The names of a layer's params, in PyTorch's order."""
    names = list(_SHAPES[layer.kind](layer)) if layer.kind in _SHAPES else []
    plain_ = layer.given.get("affine", not layer.kind.startswith("Instance")) is False
    if plain_ or layer.given.get("elementwise_affine", True) is False:
        return []
    if layer.normed:
        names = ["weight_g", "weight_v", *(name for name in names if name != "weight")]
    return [name for name in names if not (name.startswith("bias") and layer.given.get("bias", True) is False)]


def param(machine: Machine, layer: Layer, name: str, node: ast.AST) -> Tensor | None:
    """A param of a layer, made when it is first used, when its place in the model is known; None where it has none."""
    if name.startswith("bias") and layer.given.get("bias", True) is False:
        return None
    if layer.normed and name.startswith("weight"):
        if "weight_g" not in layer.params:
            direction = layer.params.get("weight") or _start(*_SHAPES[layer.kind](layer)["weight"])
            weight_norm.work_out(machine, layer, direction, node)
        return layer.params[name]
    if name not in layer.params:
        shapes = _SHAPES[layer.kind](layer) if layer.kind in _SHAPES else {}
        if name not in shapes:
            raise machine.record.unread(node, f"nn.{layer.kind} has no param {name!r}")
        layer.params[name] = _start(*shapes[name])
    found = layer.params[name]
    if found.fresh:
        found.home = (layer, name, node)
        if found.start is not None and found.start.data is not None:
            machine.record.note(None, OWN)
        elif found.start is not None and found.start.rule in {"uniform", "normal"}:
            machine.record.note(None, LAWS)
    return found


def _start(shape: tuple[int, ...], rule: str, options: Mapping[str, float], data: object = None) -> Tensor:
    found = leaf_of(shape, rule=rule, options={key: round(one, 6) for key, one in options.items()}, data=data)
    found.param, found.grad = True, True
    return found


def drawn_params(machine: Machine, layer: Layer) -> None:
    """Where PyTorch's seed is known, the params of a layer are drawn when it is made, as PyTorch does."""
    shapes = _SHAPES[layer.kind](layer) if layer.kind in _SHAPES and machine.torch.known else {}
    for name, (shape, rule, options) in shapes.items():
        if rule in _NUMBERS and not (name.startswith("bias") and layer.given.get("bias", True) is False):
            first, second = (options[key] for key in _NUMBERS[rule])
            data: Any = machine.torch.draw(rule, shape, first, second)
            spared = layer.given.get("padding_idx")
            if data is not None and spared is not None:  # PyTorch starts that row from zeros
                data[int(plain(spared))] = [0.0] * shape[1]
            layer.params[name] = _start(shape, rule, options, data)


_NUMBERS: Mapping[str, tuple[str, str]] = {"uniform": ("low", "high"), "normal": ("mean", "std")}


def params(machine: Machine, layer: Layer, names: tuple[str, ...], node: ast.AST) -> list[object]:
    """Several params of a layer."""
    return [param(machine, layer, name, node) for name in names]


