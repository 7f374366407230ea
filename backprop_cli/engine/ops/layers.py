"""The layers of networks, written in the spec language itself."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, composite, show
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.tensor import Axes, Real, Wholes
from backprop_cli.engine.ops.validate import flag, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]

MACHINE_EPSILON = "(1/4503599627370496)"
"""2⁻⁵², PyTorch's eps of rms_norm where none is given."""


def _scaled(core: str, shapes: Shapes, place: str = "") -> str:
    """`core * weight + bias`, as far as they are given; `place` is an index that aligns them."""
    scaled = f"{core} * weight{place}" if "weight" in shapes else core
    return f"{scaled} + bias{place}" if "bias" in shapes else scaled


# ── affine maps and look-ups ─────────────────────────────────────────────────────────────────────


def _linear(shapes: Shapes) -> str:
    x, w = shapes["x"], shapes["W"]
    if len(w) not in (1, 2):
        raise ShapeError(f"linear takes a matrix (out, in), not {show(w)}", 1)
    if not x or x[-1] != w[-1]:
        raise ShapeError(f"linear(x, W) is x @ W.T: W {show(w)} takes {w[-1]} features, x is {show(x)}", 1,
                         "W has one row an output; for a W of (in, out) write x @ W + b")
    return "x @ W.T + b" if "b" in shapes else "x @ W.T"


composite("linear(x, W, b=none)", "PyTorch's affine layer: x @ W.T + b, W of shape (out, in).", _linear,
          group="networks",
          samples=(Sample(((2, 3), (4, 3), (4,))), Sample(((3,), (4, 3), (4,))), Sample(((2, 2, 3), (4, 3), None)),
                   Sample(((2, 3), (3,), None))))
def _embedding(shapes: Shapes, padding_idx: int | None) -> str:
    if padding_idx is None:
        return "take(W, indices, axis=0)"
    rows = shapes["W"][0]
    if not -rows <= padding_idx < rows:
        raise ParameterError("padding_idx", f"padding_idx is a row of W, which has {rows}")
    return f"take(where(expand_dims(arange({rows}), 1) == {padding_idx % rows}, stop_gradient(W), W), indices, axis=0)"


composite("embedding(indices, W; padding_idx=none)",
          "The rows of W at `indices`; no gradient reaches the row padding_idx.", _embedding, group="networks",
          integer_operands=frozenset({"indices"}),
          samples=(Sample(((4,), (5, 3)), {}, ("labels:5",)), Sample(((), (5, 3)), {}, ("labels:5",)),
                   Sample(((2, 3), (4, 2)), {}, ("labels:4",))))


def _dropout(shapes: Shapes, p: Real) -> str:
    text = scalar("p", p, 0)
    if p >= 1:
        raise ParameterError("p", "p, the probability of dropping an entry, is below 1")
    return f"x * mask / (1 - {text})"


composite("dropout(x, mask; p=0.5)",
          "x * mask / (1 - p): the 0/1 mask says what was kept, so that the gradient is known.", _dropout,
          group="networks",
          samples=(Sample(((2, 3), (2, 3)), {}, ("real", "mask")),
                   Sample(((2, 3), (3,)), {"p": 0.25}, ("real", "mask"))))

# ── normalization ────────────────────────────────────────────────────────────────────────────────


def _last_axes(shapes: Shapes, normalized_shape: Wholes | None) -> tuple[int, ...]:
    """The axes of PyTorch's normalized_shape: those of the weight, or the last one."""
    rank = len(shapes["x"])
    listed = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    given = tuple(listed) if listed is not None else tuple(shapes.get("weight") or shapes.get("bias") or ())
    n = max(1, len(given))
    if n > rank or given and shapes["x"][rank - n :] != given:
        raise ShapeError(f"normalized over {show(given)}, but x has shape {show(shapes['x'])}", 0)
    for position, name in ((1, "weight"), (2, "bias")):
        if name in shapes and shapes[name] not in ((), shapes["x"][rank - n :]):
            wanted = show(shapes["x"][rank - n :])
            raise ShapeError(f"a {name} of shape {show(shapes[name])} for normalized axes {wanted}", position)
    return tuple(range(-n, 0))


def _axis(axes: tuple[int, ...]) -> str:
    return spell(axes[0] if len(axes) == 1 else axes)


def _layer_norm(shapes: Shapes, eps: Real | None, normalized_shape: Wholes | None) -> str:
    axes = _last_axes(shapes, normalized_shape)
    return _scaled(f"standardize(x, axis={_axis(axes)}, eps={scalar('eps', eps)})", shapes)


composite("layer_norm(x, weight=none, bias=none; eps=1e-5, normalized_shape=none)",
          "standardize(x) * weight + bias over the weight's axes (default: the last).", _layer_norm, group="networks",
          samples=(Sample(((2, 4), (4,), (4,))), Sample(((2, 4), None, None)), Sample(((3, 2, 4), (2, 4), None)),
                   Sample(((2, 3, 4), None, None), {"normalized_shape": (3, 4), "eps": 0.1})))


def _rms_norm(shapes: Shapes, eps: Real | None, normalized_shape: Wholes | None) -> str:
    axes = _last_axes(shapes, normalized_shape)
    small = MACHINE_EPSILON if eps is None else scalar("eps", eps)
    return _scaled(f"x / sqrt(mean(x**2, axis={_axis(axes)}, keepdims=true) + {small})", shapes)


composite("rms_norm(x, weight=none; eps=none, normalized_shape=none)",
          "x/√(mean(x²) + eps) * weight over the weight's axes (default: the last); eps is 2⁻⁵² unless given.",
          _rms_norm,
          group="networks", samples=(Sample(((2, 4), (4,))), Sample(((2, 4), None), {"eps": 0.1}),
                                     Sample(((3, 2, 4), (2, 4)))))


def _channels(name: str, shapes: Shapes) -> int:
    """How many channels x has on axis 1; everything else given has one entry for each.

    Raises:
        ShapeError: it has another number.
    """
    x = shapes["x"]
    if len(x) < 2:
        raise ShapeError(f"{name} takes (batch, channels, ...), not {show(x)}", 0)
    for position, (operand, shape) in enumerate(shapes.items()):
        if operand != "x" and shape != (x[1],):
            raise ShapeError(f"{name}: {operand} has shape {show(shape)}; there are {x[1]} channels", position)
    return x[1]


def _aligned(rank: int) -> str:
    """The index that puts a vector of channels on axis 1."""
    return f"[:, {', '.join(['None'] * (rank - 2))}]" if rank > 2 else ""


def _batch_norm(shapes: Shapes, training: bool | None, momentum: Real, eps: Real | None) -> str:
    _channels("batch_norm", shapes)
    rank, small = len(shapes["x"]), scalar("eps", eps)
    running = {"running_mean", "running_var"} & shapes.keys()
    if len(running) == 1:
        raise ParameterError("training", "batch_norm takes both running_mean and running_var, or neither")
    scalar("momentum", momentum)
    use_batch = not running if training is None else flag("training", training)
    if not use_batch and not running:
        raise ParameterError("training", "without running_mean and running_var batch_norm uses those of the batch")
    place = _aligned(rank)
    batch = f"standardize(x, axis={_axis((0, *range(2, rank)))}, eps={small})"
    stored = f"(x - running_mean{place}) / sqrt(running_var{place} + {small})"
    return _scaled(batch if use_batch else stored, shapes, place)


composite("batch_norm(x, running_mean=none, running_var=none, weight=none, bias=none; "
          "training=none, momentum=0.1, eps=1e-5)",
          "Each channel (axis 1) standardized over the batch, or by running statistics where they are given, "
          "times weight plus bias.", _batch_norm, group="networks", example="batch_norm(x, weight=gamma, bias=beta)",
          samples=(Sample(((4, 3), None, None, (3,), (3,))), Sample(((3, 2, 4), None, None, (2,), None)),
                   Sample(((2, 2, 3, 2), None, None, None, None), {"eps": 0.1}),
                   Sample(((3, 2, 4), (2,), (2,), (2,), (2,)), {"training": False}, ("real", "real", "positive")),
                   Sample(((4, 3), (3,), (3,), None, None), {"training": True}, ("real", "real", "positive"))))


def _instance_norm(shapes: Shapes, use_input_stats: bool, momentum: Real, eps: Real | None) -> str:
    _channels("instance_norm", shapes)
    rank, small, place = len(shapes["x"]), scalar("eps", eps), _aligned(len(shapes["x"]))
    scalar("momentum", momentum)
    if flag("use_input_stats", use_input_stats):
        axes = tuple(range(2, rank))
        return _scaled(f"standardize(x, axis={_axis(axes)}, eps={small})" if axes else "0 * x", shapes, place)
    if not {"running_mean", "running_var"} <= shapes.keys():
        raise ParameterError("use_input_stats", "without its own statistics instance_norm takes running ones")
    return _scaled(f"(x - running_mean{place}) / sqrt(running_var{place} + {small})", shapes, place)


composite("instance_norm(x, running_mean=none, running_var=none, weight=none, bias=none; "
          "use_input_stats=true, momentum=0.1, eps=1e-5)",
          "Each channel (axis 1) of each sample standardized, times weight plus bias.", _instance_norm,
          group="networks", example="instance_norm(x, weight=gamma, bias=beta)",
          samples=(Sample(((2, 3, 4), None, None, (3,), (3,))),
                   Sample(((2, 2, 3, 2), None, None, None, None), {"eps": 0.1}),
                   Sample(((2, 3, 4), (3,), (3,), None, None), {"use_input_stats": False},
                          ("real", "real", "positive"))))


def _group_norm(shapes: Shapes, num_groups: int, eps: Real | None) -> str:
    channels = _channels("group_norm", shapes)
    groups = whole("num_groups", num_groups, 1)
    if channels % groups:
        raise ParameterError("num_groups", f"{channels} channels do not divide into {groups} groups")
    x = shapes["x"]
    apart = spell((x[0], groups, -1 if 0 not in x else math.prod(map(int, x[1:])) // groups))  # -1 of 0 is any number
    core = f"reshape(standardize(reshape(x, {apart}), axis=-1, eps={scalar('eps', eps)}), {spell(x)})"
    return _scaled(core, shapes, _aligned(len(x)))


composite("group_norm(x, weight=none, bias=none; num_groups, eps=1e-5)",
          "Each group of channels (axis 1) of each sample standardized, times weight plus bias.", _group_norm,
          group="networks", example="group_norm(x, num_groups=2)",
          samples=(Sample(((2, 4), (4,), (4,)), {"num_groups": 2}), Sample(((2, 4, 3), None, None), {"num_groups": 2}),
                   Sample(((1, 2, 2, 2), (2,), None), {"num_groups": 1, "eps": 0.1})))


def _default_axis(shape: Shape, axis: Axes) -> str:
    """PyTorch's dim=1; 0 for a vector, which has no axis 1."""
    return spell(min(1, len(shape) - 1) if axis is None else whole("axis", axis))


def _normalize(shapes: Shapes, p: object, axis: Axes, eps: Real | None) -> str:
    place = _default_axis(shapes["x"], axis)
    order = "" if p == 2 else f"ord={scalar('p', p)}, "
    return f"x / maximum(norm(x, {order}axis={place}, keepdims=true), {scalar('eps', eps)})"


composite("normalize(x; p=2, axis=none, eps=1e-12)",
          "x divided by its norm along an axis (default: 1, or 0 of a vector).",
          _normalize, group="networks",
          samples=(Sample(((2, 3),)), Sample(((4,),)), Sample(((2, 3),), {"axis": 0, "p": 1}),
                                                 Sample(((2, 3, 2),), {"p": 3, "axis": -1})))

# ── attention ────────────────────────────────────────────────────────────────────────────────────


def _attention(shapes: Shapes, is_causal: bool, scale: Real | None, dropout_p: Real) -> str:
    q, k, v = shapes["q"], shapes["k"], shapes["v"]
    for position, (name, shape) in enumerate((("q", q), ("k", k), ("v", v))):
        if len(shape) < 2:
            raise ShapeError(f"{name} has shape {show(shape)}; attention takes (..., positions, features)", position)
    if q[-1] != k[-1]:
        raise ShapeError(f"q {show(q)} and k {show(k)} need one number of features", 1)
    if k[-2] != v[-2]:
        raise ShapeError(f"k {show(k)} and v {show(v)} need one number of positions", 2)
    if dropout_p != 0:
        raise ParameterError("dropout_p", "dropout_p must be 0: a calculator draws no random numbers")
    scores = f"q @ k.mT / sqrt({spell(q[-1])})" if scale is None else f"{scalar('scale', scale)} * (q @ k.mT)"
    seen = ["mask"] if "mask" in shapes else []
    if flag("is_causal", is_causal):
        seen.append(f"tril(ones({spell((q[-2], k[-2]))}))")
    if not seen:
        return f"softmax({scores}, axis=-1) @ v"
    return f"masked_softmax({scores}, {' * '.join(seen)}, axis=-1) @ v"


composite("scaled_dot_product_attention(q, k, v, mask=none; is_causal=false, scale=none, dropout_p=0)",
          "softmax(q @ k.mT/√d) @ v; the 0/1 mask says which positions may be seen, is_causal hides those to come.",
          _attention, group="networks",
          samples=(Sample(((3, 2), (4, 2), (4, 3), None)),
                   Sample(((2, 3, 2), (2, 3, 2), (2, 3, 2), None), {"is_causal": True}),
                   Sample(((2, 3), (3, 3), (3, 2)), {"scale": 0.5})))
