"""What derived gradients call and no forward pass does, in PyTorch: rows of the table, and their functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.engine.ops.windows import SPACES
from backprop_cli.tasks.export.code import Code, Dialect, Row, Speech, call, template
from backprop_cli.tasks.export.numpy_table import pool_space
from backprop_cli.tasks.export.torch_table import TORCH

if TYPE_CHECKING:
    import torch
    import torch.nn.functional as F  # noqa: N812 - its name in every script of the world


# ── functions, whose source a script carries ─────────────────────────────────────────────────────


def scatter(x: Any, index: Any, shape: object) -> object:
    """Zeros with x added at an index; repeated places add up."""
    y: Any = torch.zeros(shape)
    places = torch.arange(y.numel()).reshape(y.shape)[index]
    added = torch.as_tensor(x, dtype=y.dtype).expand(places.shape)
    return y.reshape(-1).index_add(0, places.reshape(-1), added.reshape(-1)).reshape(y.shape)


def max_unpool(x: Any, indices: Any, size: Any) -> object:
    """Zeros of `size` with the entries of x added where `indices` say."""
    lead = x.shape[: x.ndim - len(size)]
    y: Any = torch.zeros((*lead, int(torch.tensor(size).prod())))
    y = y.scatter_add(-1, indices.reshape((*lead, -1)).long(), x.reshape((*lead, -1)))
    return y.reshape((*lead, *size))


def avg_unpool(x: Any, size: Any, kernel: Any, stride: object, padding: object) -> object:
    """Every entry of x spread evenly over its window of a tensor of `size`: a transposed convolution with a mean."""
    channels = x.shape[-len(size) - 1]
    weight = torch.ones((channels, 1, *kernel)) / int(torch.tensor(kernel).prod())
    turned = getattr(F, f"conv_transpose{len(size)}d")
    y: Any = turned(x, weight, None, stride, padding, groups=channels)
    missing: Any = []
    for had, wanted in zip(reversed(y.shape[-len(size) :]), reversed(size), strict=True):
        missing += [0, wanted - had]
    return F.pad(y, missing)


def cofactor(x: Any) -> object:
    """The matrix of cofactors from the singular values, so that it exists for a singular x."""
    u, s, vh = torch.linalg.svd(x)
    left_out = torch.where(torch.eye(s.shape[-1], dtype=torch.bool), 1.0, s[..., None, :]).prod(-1)
    turn = torch.sign(torch.linalg.det(u) * torch.linalg.det(vh))[..., None, None]
    return (u * left_out[..., None, :]) @ vh * turn


def cofactor_along(x: Any, v: Any) -> object:
    """How the cofactors move with x along v, by products of the singular values, also where x is singular."""
    u, s, vh = torch.linalg.svd(x)
    n = s.shape[-1]
    eye = torch.eye(n, dtype=torch.bool)
    kept = ~(eye[:, None, :] | eye[None, :, :])
    rest = torch.where(kept, s[..., None, None, :], 1.0).prod(-1) * ~eye
    turned = u.mT @ v @ vh.mT
    own = (rest * torch.diagonal(turned, dim1=-2, dim2=-1)[..., :, None]).sum(-2)
    back = torch.diag_embed(own) - (turned * rest).mT
    turn = torch.sign(torch.linalg.det(u) * torch.linalg.det(vh))[..., None, None]
    return u @ back @ vh * turn


def polar(x: Any) -> object:
    """The matrix with orthonormal columns (or rows) nearest to x."""
    u, _, vh = torch.linalg.svd(x, full_matrices=False)
    return u @ vh


def lyapunov(a: Any, c: Any) -> object:
    """The X with a @ X + X @ a = c, of a symmetric a."""
    s, v = torch.linalg.eigh((a + a.mT) / 2)
    return v @ ((v.mT @ c @ v) / (s[..., :, None] + s[..., None, :])) @ v.mT


def prod_others(x: Any, axis: Any = None) -> object:
    """For each entry the product of all the others over axes: of what lies before and what lies after it."""
    axes = tuple(range(x.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not x.ndim:
        return torch.ones_like(x)
    last = tuple(range(-len(axes), 0))
    moved = x.movedim(axes, last)
    rows = moved.flatten(-len(axes))
    one = torch.ones_like(rows[..., :1])
    before = torch.cumprod(torch.cat([one, rows[..., :-1]], -1), -1)
    after = torch.cumprod(torch.cat([one, rows.flip(-1)[..., :-1]], -1), -1).flip(-1)
    return (before * after).reshape(moved.shape).movedim(last, axes)


def cumprod_others(x: Any, g: Any, axis: int) -> object:
    """For each entry the sum of g times the running products, each without that entry."""
    if not x.ndim:
        return g
    rows, back = x.movedim(axis, -1), g.expand(x.shape).movedim(axis, -1)
    before = torch.cat([torch.ones_like(rows[..., :1]), torch.cumprod(rows[..., :-1], -1)], -1)
    sums = [back[..., -1]]
    for i in range(rows.shape[-1] - 2, -1, -1):
        sums.append(back[..., i] + rows[..., i + 1] * sums[-1])
    return (before * torch.stack(sums[::-1], -1)).movedim(-1, axis)


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────


def _sizes(value: Any, space: int) -> tuple[int, ...]:
    found = tuple(map(int, value)) if isinstance(value, tuple) else (int(value),)
    return found if len(found) == space else found * space


def _conv_weight(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, g = operands
    assert x.shape is not None
    assert g.shape is not None
    groups = int(parameters["groups"])
    space = pool_space(parameters)
    size = (int(g.shape[1]), int(x.shape[1]) // groups, *_sizes(parameters["kernel_size"], space))
    rest = ", ".join(speech.value(parameters[key]) for key in ("stride", "padding", "dilation"))
    return f"torch.nn.grad.conv{space}d_weight({x.text}, {size}, {g.text}, {rest}, {groups})"


def _max_pool_indices(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    keys = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    given = ", ".join(speech.value(parameters[key]) for key in keys)
    return f"F.max_pool{pool_space(parameters)}d({operands[0].text}, {given}, return_indices=True)[1]"


def _max_unpool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    size = _sizes(parameters["output_size"], pool_space(parameters))
    return f"{speech.helper('max_unpool')}({operands[0].text}, {operands[1].text}, {size})"


def _avg_unpool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    space = pool_space(parameters)
    kernel = _sizes(parameters["kernel_size"], space)
    stride = kernel if parameters["stride"] is None else _sizes(parameters["stride"], space)
    size, padding = _sizes(parameters["output_size"], space), _sizes(parameters["padding"], space)
    return f"{speech.helper('avg_unpool')}({operands[0].text}, {size}, {kernel}, {stride}, {padding})"


def _scatter(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    inner = "".join(f"{_subscript(part)}, " for part in parameters["index"])
    return f"{speech.helper('scatter')}({operands[0].text}, ({inner}), {speech.value(parameters['shape'])})"


def _subscript(part: object) -> str:
    if isinstance(part, Span):
        return f"slice({part.first}, {part.stop}, {part.step})"
    return "..." if part is Ellipsis else repr(list(part)) if isinstance(part, tuple) else repr(part)


TABLE: Mapping[str, Row] = {
    **TORCH.table,
    **{f"conv{n}d_weight": _conv_weight for n in SPACES},
    **{f"max_pool{n}d_indices": _max_pool_indices for n in SPACES},
    **{f"max_unpool{n}d": _max_unpool for n in SPACES},
    **{f"avg_unpool{n}d": _avg_unpool for n in SPACES},
    "scatter": _scatter, "cofactor": call("cofactor"), "cofactor_along": call("cofactor_along"),
    "prod_others": call("prod_others", "axis"),
    "cumprod_others": call("cumprod_others", "axis"),
    "svd_u": template("torch.linalg.svd({0}, full_matrices=False)[0]"),
    "svd_vh": template("torch.linalg.svd({0}, full_matrices=False)[2]"),
    "polar": call("polar"), "lyapunov": call("lyapunov"),
    "eigvecsh": template("torch.linalg.eigh({0}, {uplo})[1]"),
}  # fmt: skip

TORCH_WITH_GRADIENTS = Dialect("torch", TABLE, "mask", array="torch.tensor")
