"""What convolutions and pools share: their parameters, and views of a tensor window by window.

Tensors are (batch, channels, *space); a tensor without its batch axis is a batch of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop_cli.engine.ops.base import ParameterError, ShapeError, show
from backprop_cli.engine.ops.tensor import Array, Padding, Wholes
from backprop_cli.engine.ops.validate import wholes
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """Windows of size `kernel` at every `stride`, over a tensor with `padding` on both sides."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    after: tuple[int, ...] = ()  # what padding='same' adds at the end of an axis where the window is even

    @property
    def ends(self) -> tuple[tuple[int, int], ...]:
        """The padding before and after each axis."""
        return tuple((p, p + a) for p, a in zip(self.padding, self.after or (0,) * len(self.padding), strict=True))

    @property
    def reach(self) -> tuple[int, ...]:
        """How far a window extends, its gaps included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def outputs(self, space: Sequence[int], ceil: bool = False) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        return tuple(self._count(axis, int(size), ceil) for axis, size in enumerate(space))

    def _count(self, axis: int, size: int, ceil: bool) -> int:
        stride, (pad, end) = self.stride[axis], self.ends[axis]
        room = size + pad + end - self.reach[axis]
        n = (-(-room // stride) if ceil else room // stride) + 1
        return n - 1 if ceil and (n - 1) * stride >= size + pad else n  # a window begins inside, as in PyTorch

    def source(self, window: Sequence[int], count: Sequence[int]) -> tuple[slice, ...]:
        """Where the entry `window` of all windows lies in the padded tensor."""
        return tuple(slice(w * d, w * d + s * (n - 1) + 1, s)
                     for w, d, s, n in zip(window, self.dilation, self.stride, count, strict=True))  # fmt: skip


def geometry(kernel: Sequence[int], stride: Wholes, padding: Padding, dilation: Wholes) -> Geometry:
    """The parameters of a convolution, checked.

    Raises:
        ParameterError: one is of the wrong type or range.
    """
    space = len(kernel)
    sizes = tuple(map(int, kernel))
    gaps = wholes("dilation", dilation, space, 1)
    steps = wholes("stride", stride, space, 1)
    if padding == "same":
        return _same(sizes, steps, gaps)
    return Geometry(sizes, steps, _padding(padding, space), gaps)


def met(over: Shape, by: Shape, where: Geometry) -> tuple[int, ...]:
    """The largest windows of which there are as many as `by` says over `over`; the kernel of `where` is not asked."""
    sides = zip(over, by, where.stride, where.ends, where.dilation, strict=True)
    return tuple((int(a) + sum(ends) - 1 - (int(b) - 1) * s) // d + 1 for a, b, s, ends, d in sides)


def unmet(counts: Shape, where: Geometry) -> tuple[int, ...]:
    """The size that so many windows reach over, to its end."""
    sides = zip(counts, where.kernel, where.stride, where.ends, strict=True)
    return tuple((int(n) - 1) * s + k - sum(ends) for n, k, s, ends in sides)


def _same(kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]) -> Geometry:
    """As many windows as entries; an even window needs one more entry after than before, as in PyTorch."""
    if any(s != 1 for s in stride):
        raise ParameterError("padding", "'same' needs stride 1; use pad(x, ...) first")
    total = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    return Geometry(kernel, stride, tuple(t // 2 for t in total), dilation, tuple(t % 2 for t in total))


def _padding(padding: Padding, space: int) -> tuple[int, ...]:
    if padding == "valid":
        return (0,) * space
    if isinstance(padding, str):
        raise ParameterError("padding", f"padding is a whole number, one an axis, 'valid' or 'same', not {padding!r}")
    return wholes("padding", padding, space, 0)


SPACES = (1, 2, 3)
"""Over how many axes the windows of convolutions and pools go: signals, images, volumes."""


def axes_of_space(space: int) -> str:
    """What the axes of space are called."""
    return "length" if space == 1 else ", ".join(("depth", "height", "width")[-space:])


def check_rank(name: str, x: Shape, space: int) -> None:
    """A tensor of (batch, channels, *space), or without the batch.

    Raises:
        ShapeError: it has another rank.
    """
    if len(x) not in (space + 1, space + 2):
        axes = axes_of_space(space)
        raise ShapeError(f"{name} takes (batch, channels, {axes}) or (channels, {axes}), not {show(x)}", 0)


def check_fit(name: str, x: Shape, windows: Geometry, counts: Sequence[int]) -> None:
    """At least one window fits.

    Raises:
        ShapeError: a window is larger than the padded tensor.
    """
    if any(n < 1 for n in counts):
        space = x[-len(windows.kernel) :]
        padded = tuple(int(s) + 2 * p for s, p in zip(space, windows.padding, strict=True))
        raise ShapeError(f"{name}: a window that reaches over {show(windows.reach)} does not fit into {show(padded)}",
                         0)


def batched(x: Array, space: int) -> Array:
    """With a batch axis."""
    return x if np.ndim(x) == space + 2 else x[None]


def unbatched(y: Array, x: Array, space: int) -> Array:
    """Without the batch axis that `x` did not have."""
    return y if np.ndim(x) == space + 2 else y[0]


def padded(x: Array, padding: Sequence[int], value: float = 0.0, extra: Sequence[int] | None = None) -> Array:
    """Constants around the space axes; `extra` more at their ends."""
    more = extra or (0,) * len(padding)  # at the end only
    if not any(padding) and not any(more):
        return x
    pairs = [(p, p + e) for p, e in zip(padding, more, strict=True)]
    return np.pad(x, [(0, 0)] * (np.ndim(x) - len(pairs)) + pairs, constant_values=value)


def windows_of(x: Array, where: Geometry, counts: Sequence[int]) -> Array:
    """A view (*lead, *counts, *kernel) of a padded tensor."""
    space = len(where.kernel)
    lead, steps = x.strides[:-space], x.strides[-space:]
    jumps = tuple(step * s for step, s in zip(steps, where.stride, strict=True))
    inside = tuple(step * d for step, d in zip(steps, where.dilation, strict=True))
    return np.lib.stride_tricks.as_strided(x, (*x.shape[:-space], *counts, *where.kernel), (*lead, *jumps, *inside),
                                           writeable=False)  # fmt: skip
