"""Convolutions, pools and patches, entry by entry: a window is an equation of indices along each axis of space.

An entry p of the wide tensor is the entry a of window i where p = stride · i + dilation · a - padding.  With that a
convolution, its transpose and its gradient by the filters are one sum of products of three tensors, read three ways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import prod
from typing import Any

import numpy as np
from sympy import Expr, Integer, S

from backprop_cli.engine.ops.averaging import divisors
from backprop_cli.engine.ops.pooling import pool_geometry
from backprop_cli.engine.ops.resampling import patch_geometry
from backprop_cli.engine.ops.windows import SPACES, Geometry, geometry
from backprop_cli.formulas.algebra.expr import NONE, Apply, exact, shape_of
from backprop_cli.formulas.linear.deltas import equation
from backprop_cli.formulas.linear.letters import Factor, Letter, Letters, Product, letters_for
from backprop_cli.formulas.linear.selecting import counted


def along(wide: Letters, narrow: Letters, window: Letters, where: Geometry) -> list[Factor]:
    """Along each of the last axes, where p = stride · i + dilation · a - padding."""
    space = len(where.kernel)
    return [equation([(1, p)], [(s, i), (d, a)], -before) for p, i, a, s, d, before in zip(
        wide[-space:], narrow[-space:], window[-space:], where.stride, where.dilation, where.padding, strict=True)]


# ── convolutions ─────────────────────────────────────────────────────────────────────────────────


def _channels(wide: Letter | None, narrow: Letter | None, filters: Letters, shape: tuple[int, ...],
              groups: int) -> list[Factor]:  # fmt: skip
    """A filter's own channels; of several groups, those of its group."""
    if groups == 1:
        return [equation([(1, narrow)], [(1, filters[0])]), equation([(1, wide)], [(1, filters[1])])]
    each = int(shape[0]) // groups
    group, inside = letters_for((groups, each))
    return [equation([(1, narrow)], [(1, filters[0])]), equation([(1, narrow)], [(each, group), (1, inside)]),
            equation([(1, wide)], [(int(shape[1]), group), (1, filters[1])])]  # fmt: skip


def _convolution(space: int, expr: Apply, letters: Letters, *, wide: int, narrow: int,
                 filters: int) -> list[Product]:  # fmt: skip
    """Which tensor each of the three is: an operand by its number, the result -1."""
    shapes = {0: shape_of(expr.args[0]), 1: shape_of(expr.args[1]), -1: expr.shape}
    own = {-1: letters, 0: letters_for(shapes[0]), 1: letters_for(shapes[1])}
    if len(shapes[wide]) == space + 2:
        batch = own[wide if filters == -1 else -1][0]
        own |= {which: (batch, *own[which][1:]) for which in (wide, narrow)}
    given = expr.parameters
    where = geometry(tuple(map(int, shapes[filters][2:])), given["stride"], given["padding"], given["dilation"])
    constants = [*along(own[wide], own[narrow], own[filters], where),
                 *_channels(own[wide][-space - 1], own[narrow][-space - 1], own[filters], shapes[filters],
                            given["groups"])]  # fmt: skip
    found = [Product(tuple((expr.args[which], own[which]) for which in (0, 1)), tuple(constants))]
    bias = expr.args[2] if len(expr.args) > 2 else NONE
    return found if bias == NONE else [*found, Product(((bias, (letters[-space - 1],)),))]


# ── pools and patches ────────────────────────────────────────────────────────────────────────────


def _pool(space: int, expr: Apply, letters: Letters) -> list[Product]:
    """The sum of each window, divided by how many entries it counts."""
    x = expr.args[0]
    own = (*letters[:-space], *letters_for(shape_of(x)[-space:]))
    return _averaged((x, own), own, letters, shape_of(x)[-space:], expr.parameters)


def _unpool(space: int, expr: Apply, letters: Letters) -> list[Product]:
    """Each entry's share, given to all entries of its window."""
    x = expr.args[0]
    own = (*letters[:-space], *letters_for(shape_of(x)[-space:]))
    return _averaged((x, own), letters, own, expr.shape[-space:], expr.parameters)


def _averaged(operand: Factor, wide: Letters, narrow: Letters, size: tuple[int, ...],
              given: Mapping[str, Any]) -> list[Product]:  # fmt: skip
    where = pool_geometry(len(size), given["kernel_size"], given["stride"], given["padding"])
    constants = along(wide, narrow, letters_for(where.kernel), where)
    if given["divisor_override"] is not None:
        return [Product((operand,), tuple(constants), 1 / exact(given["divisor_override"]))]
    coefficient: Expr = S.One
    for axis, n in enumerate(size):
        one = Geometry((where.kernel[axis],), (where.stride[axis],), (where.padding[axis],), (1,))
        each = divisors(1, (int(n),), one, given["ceil_mode"], given["count_include_pad"], None)
        counts = np.asarray(each).astype(int)
        if counts.min() == counts.max():
            coefficient /= int(counts[0])
        else:
            listed = Apply("stack", tuple(map(Integer, map(int, counts))), {"axis": 0}, counts.shape)
            constants.append((1 / listed, (narrow[axis - len(size)],)))
    return [Product((operand,), tuple(constants), coefficient)]


def _patches(wide: Letters, narrow: Letters, size: tuple[int, ...], given: Mapping[str, Any]) -> list[Factor]:
    """Channels and entries of a window counted as rows, windows as columns."""
    where = patch_geometry(given["kernel_size"], given["dilation"], given["padding"], given["stride"])
    windows, inside = letters_for(where.outputs(tuple(map(int, size[-2:])))), letters_for(where.kernel)
    return [*along(wide[-2:], windows, inside, where),
            equation([(1, narrow[-2])], counted((wide[-3], *inside))),
            equation([(1, narrow[-1])], counted(windows))]  # fmt: skip


def _unfold(expr: Apply, letters: Letters) -> list[Product]:
    x = expr.args[0]
    own = (*letters[:-2], *letters_for(shape_of(x)[-3:]))
    return [Product(((x, own),), tuple(_patches(own, letters, shape_of(x), expr.parameters)))]


def _fold(expr: Apply, letters: Letters) -> list[Product]:
    x = expr.args[0]
    own = (*letters[:-3], *letters_for(shape_of(x)[-2:]))
    return [Product(((x, own),), tuple(_patches(letters, own, expr.shape, expr.parameters)))]


def _max_unpool(space: int, expr: Apply, letters: Letters) -> list[Product]:
    """Each value at its position, counted row by row."""
    x, indices = expr.args
    size = tuple(map(int, expr.shape[-space:]))
    own = (*letters[:-space], *letters_for(shape_of(x)[-space:]))
    (flat,) = letters_for((prod(size),))
    labels = Apply("one_hot", (indices,), {"n": prod(size)}, (*shape_of(indices), prod(size)))
    return [Product(((x, own),), ((labels, (*own, flat)), equation([(1, flat)], counted(letters[-space:]))))]


WINDOWS: Mapping[str, Callable[[Apply, Letters], list[Product]]] = {
    "unfold": _unfold, "fold": _fold,
    **{name.format(space): partial(rule, space) for space in SPACES for name, rule in (
        ("conv{}d", partial(_convolution, wide=0, narrow=-1, filters=1)),
        ("conv_transpose{}d", partial(_convolution, wide=-1, narrow=0, filters=1)),
        ("conv{}d_weight", partial(_convolution, wide=0, narrow=1, filters=-1)),
        ("avg_pool{}d", _pool), ("avg_unpool{}d", _unpool), ("max_unpool{}d", _max_unpool),
    )},
}  # fmt: skip
