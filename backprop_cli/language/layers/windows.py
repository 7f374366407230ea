"""Layers of windows: convolutions and pooling, in one and two dimensions."""

from __future__ import annotations

import math

from backprop_cli.language.layers.layer import ZEROS, Layer
from backprop_cli.language.layers.plain import follow
from backprop_cli.language.model import Shape
from backprop_cli.language.tree import Scalar

AXES = {1: "(batch, channels, length)", 2: "(batch, channels, height, width)"}


def _space(layer: Layer) -> int:
    """How many axes the windows have, once what flows in is known to fit."""
    space = int(layer.kind[-2])
    layer.needs_rank(space + 1, space + 2, axes=AXES[space])
    return space


def _outputs(layer: Layer, sizes: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> Shape:
    """How many windows there are along each axis."""
    counts = []
    for n, k, s, p, d in zip(sizes, kernel, stride, padding, dilation, strict=True):
        room = n + 2 * p - d * (k - 1) - 1
        if room < 0:
            entries = f"{n} + 2·{p} entries of {layer.stack.value!r}"
            raise layer.error("E014", f"a kernel of {k} (with dilation {d}) does not fit into {entries}", "kernel")
        counts.append(n if (new := room // s + 1) == n else new)  # an unchanged size keeps its name
    return tuple(counts)


def _shown(values: Shape) -> str:
    return str(values[0]) if len(set(values)) == 1 else str(tuple(values))


def _options(**given: tuple[Shape, int]) -> str:
    """Parameters that differ from their defaults."""
    return "".join(f", {name}={_shown(value)}" for name, (value, default) in given.items() if set(value) != {default})


def convolution(layer: Layer) -> None:
    """z_1 = conv2d(x, W_1, b_1), W_1 of shape (out, in/groups, height, width), and a_1 = activation(z_1)."""
    layer.begin()
    space = _space(layer)
    value, shape = layer.stack.value, layer.stack.shape
    channels, out, groups = shape[-space - 1], layer.size("out"), layer.size("groups", 1)
    if channels % groups or out % groups:
        message = f"{channels} input and {out} output channels do not divide into {groups} groups"
        raise layer.error("E015", message, "groups")
    kernel = layer.windows("kernel", space, None, 1)
    stride, dilation = (layer.windows(key, space, (1,) * space, 1) for key in ("stride", "dilation"))
    padding = _padding(layer, space, kernel, stride, dilation)
    counts = _outputs(layer, shape[-space:], kernel, stride, padding, dilation)
    area = math.prod(kernel)
    inputs = int(channels) // groups
    arguments = [value, layer.param("W", (out, inputs, *kernel), inputs * area, int(out) * area)]
    if layer.flag("bias", True):
        arguments.append(layer.param("b", (out,), start=ZEROS))
    given = _options(stride=(stride, 1), padding=(padding, 0), dilation=(dilation, 1), groups=((groups,), 1))
    layer.node("z", f"{layer.kind}({', '.join(arguments)}{given})", (*shape[: -space - 1], out, *counts))
    follow(layer)


def _padding(layer: Layer, space: int, kernel: Shape, stride: Shape, dilation: Shape) -> Shape:
    """`padding`: whole numbers, or `same`, which keeps the size."""
    node = layer.fields.get("padding")
    if not isinstance(node, Scalar) or node.raw != "same":
        return layer.windows("padding", space, (0,) * space, 0)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if set(stride) != {1} or any(r % 2 for r in reach):
        raise layer.error("E015", "padding 'same' needs stride 1 and windows of odd size", "padding")
    return tuple(r // 2 for r in reach)


def pooling(layer: Layer) -> None:
    """p_1 = max_pool2d(a_1, 2): the windows step by their own size unless `stride` says otherwise."""
    space = _space(layer)
    value, shape = layer.stack.value, layer.stack.shape
    kernel = layer.windows("kernel", space, None, 1)
    stride = layer.windows("stride", space, kernel, 1)
    padding = layer.windows("padding", space, (0,) * space, 0)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise layer.error("E015", "the padding is at most half the kernel", "padding")
    counts = _outputs(layer, shape[-space:], kernel, stride, padding, (1,) * space)
    steps = "" if stride == kernel else f", stride={_shown(stride)}"
    text = f"{layer.kind}({value}, {_shown(kernel)}{steps}{_options(padding=(padding, 0))})"
    layer.node("p", text, (*shape[: -space - 1], shape[-space - 1], *counts))
