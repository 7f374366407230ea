"""Layers that take one value to the next: affine maps, activations, normalisation, shapes, look-ups."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backprop_cli.errors import SpecError
from backprop_cli.language.layers.layer import ONES, ZEROS, Layer, Start
from backprop_cli.language.model import Shape
from backprop_cli.language.reading import known, scalar, wrong_type
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Mapping as Table
from backprop_cli.language.tree import Node, Scalar
from backprop_cli.records import replace

# ── activations ──────────────────────────────────────────────────────────────────────────────────

ACTIVATIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("relu", "relu6", "sigmoid", "logsigmoid", "tanh", "silu", "mish", "selu", "softsign", "exp", "sin",
                     "hardsigmoid", "hardswish", "identity", "square", "erf"), ()),
    "leaky_relu": ("negative_slope",), "elu": ("alpha",), "gelu": ("approximate",), "softplus": ("beta",),
    "hardtanh": ("min_val", "max_val"), "softmax": ("axis",), "log_softmax": ("axis",),
}  # fmt: skip
"""Functions that can follow a layer, and their parameters."""

OTHER_ACTIVATIONS = {"swish": "silu", "leakyrelu": "leaky_relu", "logistic": "sigmoid", "linear": "identity",
                     "none": "identity", "logsoftmax": "log_softmax", "hard_tanh": "hardtanh"}


def activation(layer: Layer) -> None:
    """The function that the layer is called by, entry by entry: a_1."""
    apply_activation(layer, layer.kind, layer.fields)


def follow(layer: Layer, default: str | None = None) -> None:
    """The function in the option `activation`, if there is one."""
    node = layer.fields.get("activation")
    if node is None:
        if default is not None:
            apply_activation(layer, default, {})
        return
    word, fields = _named(node)
    apply_activation(layer, word, fields)


def _named(node: Node) -> tuple[str, Mapping[str, Node]]:
    """`relu`, `{leaky_relu: 0.2}` or `{leaky_relu: {negative_slope: 0.2}}`."""
    if isinstance(node, Table) and len(node.items) == 1:
        key, value = node.items[0]
    else:
        key, value = scalar(node, "'activation' names a function", "activation: relu"), None
    if key.raw not in ACTIVATIONS:
        hint = did_you_mean(key.raw, ACTIVATIONS, OTHER_ACTIVATIONS) or f"one of {', '.join(ACTIVATIONS)}"
        raise SpecError("E012", f"unknown activation {key.raw[:64]!r}", at=key.at.place(), hint=hint)
    return key.raw, options_of(key, value, ACTIVATIONS[key.raw])


def options_of(key: Scalar, value: Node | None, keys: tuple[str, ...]) -> Mapping[str, Node]:
    """The options behind a layer's word; a value alone is the first of `keys`."""
    if value is None or isinstance(value, Scalar) and value.value is None:
        return {}
    if isinstance(value, Table):
        return known(value, keys, key.raw)
    if not keys:
        raise wrong_type(value, f"{key.raw!r} takes no options", key.raw)
    return {keys[0]: value}


def apply_activation(layer: Layer, function: str, fields: Mapping[str, Node]) -> None:
    """A node `a_1: function(z_1)`."""
    inner = replace(layer, kind=function, fields=fields)
    arguments = [layer.stack.value]
    for key in ACTIVATIONS[function]:
        if key == "approximate" and key in fields:
            arguments.append(f"{key}='{inner.choice(key, 'none', ('none', 'tanh'))}'")
        elif key in fields:
            arguments.append(f"{key}={_parameter(inner, key)}")
    layer.node("a", f"{function}({', '.join(arguments)})", layer.stack.shape)


def _parameter(layer: Layer, key: str) -> str | None:
    if key == "axis":
        node = layer.fields[key]
        rank = len(layer.stack.shape)
        if not isinstance(node, Scalar) or type(node.value) is not int or not -rank <= node.value < rank:
            raise wrong_type(node, f"'axis' is a whole number from {-rank} to {rank - 1}")
    return layer.number(key)


# ── affine maps ──────────────────────────────────────────────────────────────────────────────────


def affine(layer: Layer, letters: tuple[str, str], out: int, bias: bool) -> str:
    """The text of `x @ W_1 + b_1`, its params made."""
    if not layer.stack.shape:
        raise layer.error("E014", f"takes features on the last axis, but {layer.stack.value!r} is a single number")
    features = layer.stack.shape[-1]
    text = f"{layer.stack.value} @ {layer.param(letters[0], (features, out), features, out)}"
    return f"{text} + {layer.param(letters[1], (out,), start=ZEROS)}" if bias else text


def linear(layer: Layer) -> None:
    """The affine map z_1: x @ W_1 + b_1, W_1 of shape (in, out), and a_1: activation(z_1)."""
    layer.begin()
    out = layer.size("out")
    text = affine(layer, ("W", "b"), out, layer.flag("bias", True))
    layer.node("z", text, (*layer.stack.shape[:-1], out))
    follow(layer)


def embedding(layer: Layer) -> None:
    """The rows of E_1, of shape (num, dim), at the indices: e_1."""
    layer.begin()
    num, dim = layer.size("num"), layer.size("dim")
    start = layer.start if "init" in layer.fields else Start("normal", {"std": 1.0, **_seed(layer)})
    table = layer.param("E", (num, dim), num, dim, start)
    layer.node("e", f"embedding({layer.stack.value}, {table})", (*layer.stack.shape, dim))


def _seed(layer: Layer) -> dict[str, float]:
    return {"seed": layer.start.options.get("seed", 0)}


# ── normalisation ────────────────────────────────────────────────────────────────────────────────


def normalisation(layer: Layer) -> None:
    """A node n_1: layer_norm(z_1, gamma_1, beta_1); gamma_1 begins as ones, beta_1 as zeros."""
    function = layer.kind
    axis = 1 if function in {"batch_norm", "group_norm"} else -1
    if len(layer.stack.shape) < (2 if axis == 1 else 1):
        raise layer.error("E014", f"{layer.stack.value!r} of shape {tuple(layer.stack.shape)} has no axis {axis}")
    features: Shape = (layer.stack.shape[axis],)
    arguments = [layer.stack.value]
    if layer.flag("affine", True):
        arguments.append(f"weight={layer.param('gamma', features, start=ONES)}")
        if function != "rms_norm":
            arguments.append(f"bias={layer.param('beta', features, start=ZEROS)}")
    if function == "group_norm":
        groups = layer.size("groups")
        if features[0] % groups:
            raise layer.error("E015", f"{features[0]} channels do not divide into {groups} groups", "groups")
        arguments.append(f"num_groups={int(groups)}")
    eps = layer.number("eps")
    arguments += [] if eps is None else [f"eps={eps}"]
    layer.node("n", f"{function}({', '.join(arguments)})", layer.stack.shape)
    follow(layer)


def dropout(layer: Layer) -> None:
    """Entries dropped by a 0/1 mask, which is an input so that the gradient is known: d_1."""
    mask = layer.known("mask")
    if mask is None:
        hint = "name an input of zeros and ones: {dropout: {mask: m, p: 0.5}}"
        raise layer.error("E008", "needs a 'mask'", hint=hint)
    p = layer.number("p")
    text = f"dropout({layer.stack.value}, {mask}" + (f", p={p})" if p else ")")
    layer.node("d", text, layer.stack.shape)


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def spelled(shape: Shape) -> str:
    """A shape as an argument: named sizes by name."""
    inner = ", ".join(str(getattr(size, "name", None) or int(size)) for size in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def flatten(layer: Layer) -> None:
    """All axes from `start` (default 1: a batch stays a batch) in one: f_1."""
    shape, start = layer.stack.shape, layer.whole("start", 1)
    if start >= len(shape):
        message = f"{layer.stack.value!r} of shape {tuple(shape)} has no axis {start} to flatten from"
        raise layer.error("E014", message, "start", "{flatten: {start: 0}} joins all axes")
    new: Shape = (*shape[:start], math.prod(map(int, shape[start:])))
    layer.node("f", f"reshape({layer.stack.value}, {spelled(new)})", new)
