"""Functions that JAX has in another form: exported scripts carry the source of those that they call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backprop_cli.language.model import Shape

if TYPE_CHECKING:
    import jax
    import jax.numpy as jnp


def mask(condition: jax.Array) -> jax.Array:
    """True and false as 1 and 0."""
    return jnp.asarray(condition, dtype=float)


def index_add(x: jax.Array, indices: jax.Array, source: jax.Array, axis: int) -> jax.Array:
    """x with slices added at indices; repeated ones add up."""
    return x.at[(*[slice(None)] * (axis % x.ndim), indices.astype(int))].add(source)


def scatter(x: jax.Array, index: tuple[Any, ...], shape: Shape) -> jax.Array:
    """Zeros with x added at an index."""
    places = tuple(jnp.array(part) if isinstance(part, list) else part for part in index)
    return jnp.zeros(shape).at[places].add(x)


def conv(x: jax.Array, w: jax.Array, b: jax.Array | None, stride: Shape, padding: Shape, dilation: Shape,
         groups: int) -> jax.Array:
    """The cross-correlation of x with the filters w."""
    n = len(stride)
    if x.ndim == n + 1:
        return conv(x[None], w, b, stride, padding, dilation, groups)[0]
    pads = [(p, p) for p in padding]
    y = jax.lax.conv_general_dilated(x, w, stride, pads, rhs_dilation=dilation, feature_group_count=groups)
    return y if b is None else y + jnp.reshape(b, (-1, *[1] * n))


def max_pool(x: jax.Array, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape) -> jax.Array:
    """The largest entry of every window."""
    ones = (1,) * (x.ndim - len(kernel))
    pads = [(0, 0)] * len(ones) + [(p, p) for p in padding]
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (*ones, *kernel), (*ones, *stride), pads,
                                 window_dilation=(*ones, *dilation))  # fmt: skip


def avg_pool(x: jax.Array, kernel: Shape, stride: Shape, padding: Shape) -> jax.Array:
    """The mean of every window, its padding counted."""
    ones = (1,) * (x.ndim - len(kernel))
    pads = [(0, 0)] * len(ones) + [(p, p) for p in padding]
    total = jax.lax.reduce_window(x, 0.0, jax.lax.add, (*ones, *kernel), (*ones, *stride), pads)
    return total / jnp.prod(jnp.array(kernel))
