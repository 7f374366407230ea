"""Norms and distances of vectors, and the losses made of them, written in the spec language itself."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops.base import Sample, ShapeError, axes_of, composite, show
from backprop_cli.engine.ops.library import reduced, scalar, spell
from backprop_cli.engine.ops.losses import over, unalike
from backprop_cli.engine.ops.tensor import Axes, Real
from backprop_cli.engine.ops.validate import flag, number
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]


def last(shape: Shape, axes: tuple[int, ...]) -> str:
    """`x` with some axes at the end."""
    order = (*(i for i in range(len(shape)) if i not in axes), *axes)
    return "x" if order == tuple(range(len(shape))) else f"transpose(x, axes={order})"


def _vector_norm(shapes: Shapes, ord: Real | str, axis: Axes, keepdims: bool) -> str:  # noqa: A002 (numpy's name)
    x, axes = shapes["x"], axes_of(axis, len(shapes["x"]))
    order = f"ord={scalar('ord', ord)}, "
    if ord == 2:
        return f"norm(x, axis={spell(axis)}, keepdims={spell(flag('keepdims', keepdims))})"
    if len(axes) == 1:
        return f"norm(x, {order}axis={axes[0]}, keepdims={spell(flag('keepdims', keepdims))})"
    joined = (*(size for i, size in enumerate(x) if i not in axes), -1)
    total = f"norm(reshape({last(x, axes)}, {spell(joined)}), {order}axis=-1)"
    return f"expand_dims({total}, axis={spell(axes)})" if flag("keepdims", keepdims) and axes else total


composite("vector_norm(x; ord=2, axis=none, keepdims=false)",
          "(Σ|x|^ord)^(1/ord) over axes (default: all), the tensor taken as one vector.", _vector_norm,
          group="reductions",
          samples=(Sample(((4,),)), Sample(((2, 3),), {"ord": 3}), Sample(((2, 3, 2),), {"ord": 1, "axis": (0, 2)}),
                   Sample(((2, 3),), {"ord": 3, "axis": (0, 1), "keepdims": True})))


def _matrix_norm(shapes: Shapes, ord: Real | str, axis: Axes, keepdims: bool) -> str:  # noqa: A002 (numpy's name)
    x = shapes["x"]
    if len(x) < 2:
        raise ShapeError(f"matrix_norm takes a matrix, not {show(x)}", 0)
    axes = tuple(a % len(x) for a in axis) if axes_of(axis, len(x)) and isinstance(axis, tuple) else (axis,)
    if len(axes) != 2:
        raise ShapeError("a norm of matrices is taken over two axes", 0)
    total = f"norm({last(x, axes)}, ord={spell(ord)}, axis=(-2, -1))"
    return f"expand_dims({total}, axis={spell(tuple(sorted(axes)))})" if flag("keepdims", keepdims) else total


composite("matrix_norm(x; ord='fro', axis=(-2, -1), keepdims=false)",
          "A norm of matrices, over two axes (default: the last two); `ord` as in numpy.linalg.norm.", _matrix_norm,
          group="reductions",
          samples=(Sample(((2, 3),)), Sample(((3, 3),), {"ord": "nuc"}), Sample(((2, 3, 2),), {"ord": 1}),
                   Sample(((2, 3, 2),), {"ord": 2, "axis": (2, 0), "keepdims": True})))

# ── distances ────────────────────────────────────────────────────────────────────────────────────


def _order(p: object) -> str:
    return "" if p == 2 else f"ord={scalar('p', p)}, "


composite("pairwise_distance(x1, x2; p=2, eps=1e-6, keepdims=false)",
          "The p-norm of x1 - x2 + eps along the last axis.",
          lambda shapes, p, eps, keepdims:
          f"norm(x1 - x2 + {scalar('eps', eps)}, {_order(p)}axis=-1, keepdims={spell(flag('keepdims', keepdims))})",
          group="losses", samples=(Sample(((2, 3), (2, 3))), Sample(((3,), (3,)), {"p": 3}),
                                   Sample(((2, 3), (3,)), {"p": 1, "keepdims": True})))


def _cdist(shapes: Shapes, p: object) -> str:
    a, b = shapes["x1"], shapes["x2"]
    for position, shape in enumerate((a, b)):
        if len(shape) < 2:
            raise ShapeError(f"cdist takes rows of vectors, not {show(shape)}", position)
    if a[-1] != b[-1]:
        raise ShapeError(f"the vectors of {show(a)} and {show(b)} differ in length", 1)
    return f"norm(x1[..., :, None, :] - x2[..., None, :, :], {_order(p)}axis=-1)"


composite("cdist(x1, x2; p=2)", "The p-norm of the difference of every row of x1 and every row of x2.", _cdist,
          group="losses", samples=(Sample(((2, 3), (4, 3))), Sample(((2, 2, 3), (2, 1, 3)), {"p": 3})))

# ── losses of pairs ──────────────────────────────────────────────────────────────────────────────

COSINE_EPSILON = "1e-12"
"""What PyTorch's cosine_embedding_loss adds to each squared norm."""


def _cosine_embedding(shapes: Shapes, margin: Real, reduction: str) -> str:
    squares = (f"(sum({x}**2, axis=-1) + {COSINE_EPSILON})" for x in ("input1", "input2"))
    cosine = f"sum(input1 * input2, axis=-1) / sqrt({' * '.join(squares)})"
    apart = f"clip({cosine} - {scalar('margin', margin)}, min=0)" if margin else f"clip({cosine}, min=0)"
    return reduced(f"where(target == 1, 1 - {cosine}, where(target == -1, {apart}, 0))", reduction)


PAIR = ((4, 3), (4, 3), (4,))
composite("cosine_embedding_loss(input1, input2, target; margin=0, reduction='mean')",
          "1 - cos of the angle where the target is 1, max(cos - margin, 0) where it is -1.", _cosine_embedding,
          group="losses", integer_operands=frozenset({"target"}),
          samples=(Sample(PAIR, {}, ("real", "real", "sign")), Sample(((3,), (3,), ()), {}, ("real", "real", "sign")),
                   Sample(PAIR, {"margin": 0.3, "reduction": "none"}, ("real", "real", "sign"))))
composite("margin_ranking_loss(input1, input2, target; margin=0, reduction='mean')",
          "max(-target·(input1 - input2) + margin, 0): which of two should rank higher.",
          lambda shapes, margin, reduction: reduced(
              f"clip(-target * (input1 - input2) + {scalar('margin', margin)}, min=0)" if margin else
              "clip(-target * (input1 - input2), min=0)", reduction),
          group="losses", integer_operands=frozenset({"target"}),
          samples=(Sample(((4,), (4,), (4,)), {}, ("real", "real", "sign")),
                   Sample(((2, 3), (2, 3), (3,)), {"margin": 0.5, "reduction": "sum"}, ("real", "real", "sign"))))
composite("soft_margin_loss(input, target; reduction='mean')", "log(1 + exp(-target·input)), target 1 or -1.",
          lambda shapes, reduction: reduced("softplus(-target * input)", reduction), group="losses",
          integer_operands=frozenset({"target"}), warns=unalike, samples=over("real", "sign"))


def _poisson(shapes: Shapes, log_input: bool, full: bool, eps: Real, reduction: str) -> str:
    small = scalar("eps", eps, 0)
    terms = "exp(input) - target * input"
    if not flag("log_input", log_input):
        terms = f"input - target * log(input + {small})" if number("eps", eps) else "input - xlogy(target, input)"
    if flag("full", full):
        stirling = "target * log(target) - target + log(2 * pi * target) / 2"
        terms = f"({terms} + where(target > 1, {stirling}, 0))"
    return reduced(terms, reduction)


composite("poisson_nll_loss(input, target; log_input=true, full=false, eps=1e-8, reduction='mean')",
          "exp(input) - target·input, of a rate given by its logarithm; `full` adds Stirling's log target!.", _poisson,
          warns=unalike, group="losses",
          samples=(*over("real", "positive"), Sample(((2, 3), (2, 3)), {"full": True}, ("real", "positive")),
                   Sample(((4,), (4,)), {"log_input": False, "full": True}, ("positive", "positive"))))
