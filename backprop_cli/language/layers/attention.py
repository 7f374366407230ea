"""Layers made of layers: multi-head attention, residual connections, the Transformer's encoder block."""

from __future__ import annotations

from collections.abc import Callable

from backprop_cli.language.layers.layer import Layer
from backprop_cli.language.layers.plain import affine, follow, normalisation, spelled
from backprop_cli.language.model import Shape
from backprop_cli.records import replace


def attention(layer: Layer) -> None:
    """Multi-head self-attention over (time, features) or (batch, time, features).

    Q_1, K_1, V_1 are x times W_Q_1, W_K_1, W_V_1; each head sees its share of the features; W_O_1 joins the heads in
    o_1.
    """
    layer.begin()
    layer.needs_rank(2, 3, axes="(time, features) or (batch, time, features)")
    x, shape = layer.stack.value, layer.stack.shape
    features, heads, bias = shape[-1], layer.size("heads", 1), layer.flag("bias", False)
    if features % heads:
        raise layer.error("E015", f"{features} features do not divide into {heads} heads", "heads")
    parts = [_projection(layer, letter, x, shape, heads, bias) for letter in "QKV"]
    mask, causal = layer.known("mask"), layer.flag("causal", False)
    given = (f", mask={mask}" if mask else "") + (", is_causal=true" if causal else "")
    apart = _split_shape(shape, heads) if heads > 1 else shape
    joined = layer.node("A", f"scaled_dot_product_attention({', '.join(parts)}{given})", apart)
    if heads > 1:
        joined = layer.node("C", f"reshape(transpose({joined}, {_swap(shape)}), {spelled(shape)})", shape)
    layer.node("o", affine(layer, ("W_O", "b_O"), features, bias), shape)


def _projection(layer: Layer, letter: str, x: str, shape: Shape, heads: int, bias: bool) -> str:
    """x @ W_Q, its features cut into heads."""
    layer.stack.value, layer.stack.shape = x, shape
    name = layer.node(letter, affine(layer, (f"W_{letter}", f"b_{letter}"), shape[-1], bias), shape)
    if heads == 1:
        return name
    cut = (*shape[:-1], heads, int(shape[-1]) // heads)
    text = f"transpose(reshape({name}, {spelled(cut)}), {_swap(shape)})"
    return layer.node(f"{letter}_h", text, _split_shape(shape, heads))


def _split_shape(shape: Shape, heads: int) -> Shape:
    """(batch, heads, time, features of a head)."""
    return (*shape[:-2], heads, shape[-2], int(shape[-1]) // heads)


def _swap(shape: Shape) -> str:
    """Heads and time change places."""
    return "(0, 2, 1, 3)" if len(shape) == 3 else "(1, 0, 2)"


def around(layer: Layer, inner: Callable[[], object]) -> None:
    """r_1 = x + what `inner` makes of x."""
    before, shape = layer.stack.value, layer.stack.shape
    inner()
    if layer.stack.shape != shape:
        found, wanted = tuple(layer.stack.shape), tuple(shape)
        raise layer.error("E014", f"its layers turn shape {wanted} into {found}, so that the input cannot be added",
                          hint="the last of them gives as many features as the first takes")
    layer.node("r", f"{before} + {layer.stack.value}", shape)


def encoder_block(layer: Layer) -> None:
    """A Transformer encoder block: attention and a two-layer network, each with a residual connection and a norm.

    `norm: post` (Vaswani et al., 2017) normalises after each addition, `norm: pre` before each part.
    """
    post = layer.choice("norm", "post", ("post", "pre")) == "post"
    inner = layer.size("ff", 4 * int(layer.stack.shape[-1]) if layer.stack.shape else 4)
    for part in (attention, lambda it: _feed_forward(it, inner)):
        _part(layer, part, post)


def _part(layer: Layer, part: Callable[[Layer], object], post: bool) -> None:
    def inside() -> None:
        if not post:
            _norm(layer)
        part(layer)

    around(layer, inside)
    if post:
        _norm(layer)


def _norm(layer: Layer) -> None:
    fields = {key: value for key, value in layer.fields.items() if key == "eps"}
    normalisation(replace(layer, kind="layer_norm", fields=fields))


def _feed_forward(layer: Layer, inner: int) -> None:
    """relu(x @ W_2 + b_2) @ W_3 + b_3."""
    for number, out in enumerate((inner, layer.stack.shape[-1]), start=1):
        own = layer if layer.label is None else replace(layer, label=f"{layer.label}_{number}")
        own.begin()
        own.node("z", affine(own, ("W", "b"), out, True), (*layer.stack.shape[:-1], out))
        if number == 1:
            follow(own, default="relu")
