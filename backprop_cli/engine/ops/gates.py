"""Further nonlinearities, written in the spec language itself."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, composite, normalize_axis, show
from backprop_cli.engine.ops.elementwise import REAL, within
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.tensor import Axes, Real
from backprop_cli.engine.ops.validate import number, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]
WIDE = within("wide")


def _celu(shapes: Shapes, alpha: Real) -> str:
    if number("alpha", alpha) == 0:
        raise ParameterError("alpha", "alpha must not be 0")
    return "elu(x)" if alpha == 1 else f"{spell(alpha)} * elu(x / {spell(alpha)})"


composite("celu(x; alpha=1)", "alpha·elu(x/alpha): x where positive, alpha·(exp(x/alpha) - 1) elsewhere.", _celu,
          group="elementwise", samples=(*REAL, Sample(((2, 3),), {"alpha": 2})))
composite("softmin(x; axis=-1)", "exp(-x) / Σ exp(-x) along an axis.",
          lambda shapes, axis: f"softmax(-x, axis={spell(axis)})", group="networks",
          samples=(Sample(((2, 3),)), Sample(((4,),)), Sample(((2, 3),), {"axis": 0})))
composite("tanhshrink(x)", "x - tanh(x).", "x - tanh(x)", group="elementwise", samples=REAL)
composite("softshrink(x; lambd=0.5)", "x moved towards 0 by lambd, and 0 within [-lambd, lambd].",
          lambda shapes, lambd: f"x - clip(x, -{scalar('lambd', lambd, 0)}, {spell(lambd)})", group="elementwise",
          samples=(*WIDE, Sample(((2, 3),), {"lambd": 0})))
composite("hardshrink(x; lambd=0.5)", "x, and 0 within [-lambd, lambd].",
          lambda shapes, lambd: f"where(abs(x) > {scalar('lambd', lambd)}, x, 0)", group="elementwise",
          samples=(*WIDE, Sample(((2, 3),), {"lambd": 0.2})))
composite("threshold(x; threshold, value)", "x above the threshold, `value` elsewhere.",
          lambda shapes, threshold, value:
          f"where(x > {scalar('threshold', threshold)}, x, {scalar('value', value)})",
          group="elementwise", samples=(Sample(((2, 3),), {"threshold": 0.1, "value": 20}),
                                        Sample(((),), {"threshold": 0, "value": -1})))  # fmt: skip


def halves(shapes: Shapes, axis: Axes) -> tuple[str, str]:
    """`x` cut in two along an axis, as two expressions."""
    shape = shapes["x"]
    place = normalize_axis(whole("axis", axis), len(shape))
    half, odd = divmod(int(shape[place]), 2)
    if odd:
        raise ParameterError("axis", f"axis {axis} of {show(shape)} has an odd size: it does not divide into halves")
    lead = ":, " * place
    return f"x[{lead}:{half}]", f"x[{lead}{half}:]"


composite("glu(x; axis=-1)", "The first half of x times σ of the second half, along an axis.",
          lambda shapes, axis: "{} * sigmoid({})".format(*halves(shapes, axis)), group="networks",
          samples=(Sample(((2, 4),)), Sample(((2, 3),), {"axis": 0}), Sample(((2, 2, 3),), {"axis": 1})))


def _prelu(shapes: Shapes) -> str:
    x, weight = shapes["x"], shapes["weight"]
    channels = x[min(1, len(x) - 1)] if x else 1
    if weight not in ((), (1,), (channels,)):
        raise ShapeError(f"prelu: a weight of shape {show(weight)} for {channels} channels", 1)
    after = len(x) - 2 if weight and weight != (1,) else 0
    aligned = f"weight[:, {', '.join(['None'] * after)}]" if after > 0 else "weight"
    if not x and weight:
        aligned = "weight[0]"
    return f"where(x > 0, x, {aligned} * x)"


composite("prelu(x, weight)", "x where positive, weight·x elsewhere: one weight, or one a channel (axis 1).", _prelu,
          group="networks", samples=(Sample(((2, 3), ())), Sample(((2, 3, 4), (3,))), Sample(((2, 3), (3,))),
                                     Sample(((), (1,)))))
