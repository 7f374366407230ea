"""Borders: constants, mirror images, the nearest entry, the other end; a negative width cuts off."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, composite, op, show
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.engine.ops.tensor import Array, Real, Tensor, Whole, Words
from backprop_cli.engine.ops.validate import choice, number, shown, whole, wholes
from backprop_cli.language.model import Shape

Pairs = tuple[tuple[int, int], ...]


def _one_pair(item: object) -> tuple[int, int]:
    before, after = wholes("pad_width", item, 2)
    return before, after


def widths(pad_width: object, rank: int) -> Pairs:
    """(before, after) for each axis, from numpy's forms: n, (before, after), or one pair an axis.

    Raises:
        ParameterError: it is none of these.
    """
    listed = pad_width if isinstance(pad_width, tuple) else (pad_width,)
    if not all(isinstance(item, tuple) for item in listed):
        return (_one_pair(pad_width),) * rank
    if len(listed) not in (1, rank):
        raise ParameterError("pad_width", f"{len(listed)} pairs of widths for {rank} axes")
    pairs = tuple(map(_one_pair, listed))
    return pairs if len(pairs) == rank else pairs * rank


# ── which entry stands where ─────────────────────────────────────────────────────────────────────


Place = Callable[[Whole, int], Whole]
MODES: Mapping[str, Place] = {
    "edge": lambda j, n: np.clip(j, 0, n - 1),
    "reflect": lambda j, n: np.minimum(j % (2 * n - 2), -j % (2 * n - 2)) if n > 1 else np.zeros_like(j),
    "symmetric": lambda j, n: np.minimum(j % (2 * n), (-1 - j) % (2 * n)),
    "wrap": lambda j, n: j % n,
}
"""The positions within n entries that stand for positions j, by numpy's names."""
TORCH = {"replicate": "edge", "circular": "wrap"}
NAMES = ("constant", *MODES, *TORCH)
MAX_PLACES = 1 << 22
"""Of an axis with copied borders: its places are listed wherever the rule is run, on shapes alone too."""


def positions(mode: str, n: int, before: int, after: int) -> tuple[int, ...]:
    """The entries of an axis with its borders, as positions in it.

    What a negative width cuts off is seen by 'edge' and 'reflect', not by 'wrap': as in PyTorch.
    """
    name = TORCH.get(mode, mode)
    first, end = (max(0, -before), n - max(0, -after)) if name == "wrap" else (0, n)
    start, stop = (-max(0, before), end - first + max(0, after)) if name == "wrap" else (-before, n + after)
    if start >= stop:
        return ()
    return tuple((first + MODES[name](np.arange(start, stop), end - first)).tolist())


def _pad_shape(x: Shape, *, pad_width: object, mode: str, constant_values: Real) -> Shape:
    choice("mode", mode, NAMES)
    number("constant_values", constant_values)
    sizes = tuple(size if a + b == 0 else size + a + b
                  for size, (a, b) in zip(x, widths(pad_width, len(x)), strict=True))  # fmt: skip
    if any(size < 0 for size in sizes):
        raise ShapeError(f"pad_width {shown(pad_width)} cuts off more than {show(x)} has", 0)
    if mode != "constant" and any(size > 0 == int(n) for size, n in zip(sizes, x, strict=True)):
        raise ShapeError(f"there is nothing in {show(x)} to fill a border with", 0)
    if mode != "constant" and any(size != n and size > MAX_PLACES for size, n in zip(sizes, x, strict=True)):
        raise ShapeError(f"a border of copies makes axes of at most {MAX_PLACES:,} entries", 0)
    return sizes


def _constant(x: Array, pairs: Pairs, value: Real) -> Array:
    inside = tuple(slice(max(0, -a), int(n) - max(0, -b)) for (a, b), n in zip(pairs, np.shape(x), strict=True))
    return np.pad(x[inside], [(max(0, a), max(0, b)) for a, b in pairs], constant_values=value)


def _pad(x: Array, pad_width: object, mode: str, constant_values: Real) -> Array:
    pairs = widths(pad_width, np.ndim(x))
    if not pairs:
        return x
    if mode == "constant":
        return _constant(x, pairs, constant_values)
    for axis, (a, b) in enumerate(pairs):
        if a or b:
            x = np.take(x, positions(mode, np.shape(x)[axis], a, b), axis=axis)
    return x


def _copied(y: Shape, x: Shape, *, mode: str, **_: object) -> int:
    """What is read and written, and the positions of borders that are copied."""
    return costs.plain(y, x) + (0 if mode == "constant" else sum(map(costs.listed, y)))


def _pad_rule(xp: Words, g: Tensor, y: Tensor, x: Tensor, pad_width: object, mode: str,
              constant_values: Real) -> Tensor:
    pairs = widths(pad_width, len(x.shape))
    if mode != "constant":
        return _scattered(xp, g, x.shape, pairs, mode)
    if any(w < 0 for pair in pairs for w in pair):
        return xp.pad(g, pad_width=tuple((-a, -b) for a, b in pairs), mode="constant", constant_values=0)
    inside = tuple(Span(a or None, a + int(size) if b else None) for (a, b), size in zip(pairs, x.shape, strict=True))
    return xp.index(g, index=inside)


def _scattered(xp: Words, g: Tensor, shape: Shape, pairs: Pairs, mode: str) -> Tensor:
    """Each entry of a border goes back to the entry that it copied."""
    for axis, (a, b) in enumerate(pairs):
        if a or b:
            back = (*shape[: axis + 1], *g.shape[axis + 1 :])
            places = (*[Span()] * axis, positions(mode, int(shape[axis]), a, b))
            g = xp.scatter(g, index=places, shape=back)
    return g


op("pad(x; pad_width, mode='constant', constant_values=0)",
   "A border of constants, or as mode says: 'reflect', 'edge', 'wrap', 'symmetric'; "
   "pad_width is numpy's: n, (before, after), or one pair an axis; a negative width cuts off.",
   lambda xp, x, pad_width, mode="constant", constant_values=0: _pad(x, pad_width, mode, constant_values),
   shape=_pad_shape, temporary=_copied, vjps=_pad_rule, group="shape",
   samples=(Sample(((3,),), {"pad_width": 1}), Sample(((2, 3),), {"pad_width": (1, 2)}),
            Sample(((2, 3),), {"pad_width": ((0, 1), (2, 0)), "constant_values": 3}),
            Sample(((3, 4),), {"pad_width": ((-1, 1), (2, -1))}), Sample(((4,),), {"pad_width": 5, "mode": "reflect"}),
            Sample(((2, 3),), {"pad_width": ((1, 0), (1, -2)), "mode": "edge"}),
            Sample(((2, 3),), {"pad_width": (1, 2), "mode": "wrap"}),
            Sample(((2, 3),), {"pad_width": ((0, 0), (2, 3)), "mode": "symmetric"})), linear="x")


def _torch_pad(shapes: Mapping[str, Shape], pad: object, mode: str, value: object) -> str:
    rank, listed = len(shapes["x"]), pad if isinstance(pad, tuple) else (pad,)
    if len(listed) % 2 or len(listed) > 2 * rank:
        raise ParameterError("pad", f"pad is a pair of widths for each of the last axes, not {shown(pad)}")
    pairs = [(whole("pad", a), whole("pad", b)) for a, b in zip(listed[::2], listed[1::2], strict=True)]
    pairs = [(0, 0)] * (rank - len(pairs)) + pairs[::-1]
    filled = "" if value is None else f", constant_values={scalar('value', value)}"
    return f"pad(x, {spell(tuple(pairs))}, mode={spell(choice('mode', mode, NAMES))}{filled})" if pairs else "x"


composite("torch_pad(x; pad, mode='constant', value=none)",
          "PyTorch's F.pad: `pad` is (before, after) of the last axis, then of the one before it, and so on.",
          _torch_pad, group="shape",
          samples=(Sample(((2, 3),), {"pad": (1, 2)}), Sample(((2, 3),), {"pad": (0, 1, 1, -1)}),
                   Sample(((1, 2, 3),), {"pad": (1, 1, 2, 0), "mode": "replicate"})))
