"""Losses, written in the spec language itself; `reduction` is 'mean', 'sum' or 'none'."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, broadcast, composite, show
from backprop_cli.engine.ops.layers import _default_axis
from backprop_cli.engine.ops.library import product, reduced, scalar, spell
from backprop_cli.engine.ops.tensor import Array, Axes, Real
from backprop_cli.engine.ops.validate import choice, flag, number, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]


def over(*domains: str, **parameters: object) -> tuple[Sample, ...]:
    """The usual samples of a loss of two tensors."""
    return (Sample(((2, 3), (2, 3)), parameters, domains), Sample(((), ()), parameters, domains),
            Sample(((4,), (4,)), {**parameters, "reduction": "sum"}, domains),
            Sample(((2, 3), (2, 3)), {**parameters, "reduction": "none"}, domains))  # fmt: skip


def alike(name: str, shapes: Shapes) -> None:
    """The losses of probabilities take a target of the input's own shape, as in PyTorch.

    Raises:
        ShapeError: it has another one.
    """
    if shapes["input"] != shapes["target"]:
        raise ShapeError(f"{name} takes an input and a target of one shape, "
                         f"not {show(shapes['input'])} and {show(shapes['target'])}", 1,
                         "a silent broadcast would compare every entry with every other")


def unalike(shapes: Shapes) -> str | None:
    """What to say of a loss of tensors that differ in shape; None where they do not."""
    one, two = shapes["input"], shapes["target"]
    if one == two:
        return None
    return (f"the input has shape {show(one)}, the target {show(two)}: they are broadcast to "
            f"{show(broadcast(one, two))}, which is hardly what a loss means")


# ── distances ────────────────────────────────────────────────────────────────────────────────────

composite("mse_loss(input, target; reduction='mean')", "Mean squared error.", warns=unalike, body=
          lambda shapes, reduction: reduced("(input - target)**2", reduction), samples=over(), group="losses")
composite("l1_loss(input, target; reduction='mean')", "Mean absolute error.", warns=unalike, body=
          lambda shapes, reduction: reduced("abs(input - target)", reduction), samples=over(), group="losses")
composite("huber_loss(input, target; reduction='mean', delta=1)",
          "Mean of half the squared error where it is at most delta, of delta·(|error| - delta/2) elsewhere.",
          warns=unalike,
          body=lambda shapes, reduction, delta: reduced(
              f"huber(input - target, delta={scalar('delta', delta)})", reduction),
          samples=over() + over(delta=0.5), group="losses")


def _smooth_l1(shapes: Shapes, reduction: str | None, beta: Real) -> str:
    if number("beta", beta, 0) == 0:
        return reduced("abs(input - target)", reduction)
    terms = f"huber(input - target, delta={spell(beta)})"
    return reduced(terms if beta == 1 else f"{terms} / {spell(beta)}", reduction)


composite("smooth_l1_loss(input, target; reduction='mean', beta=1)", "huber_loss with delta = beta, divided by beta.",
          _smooth_l1, warns=unalike, samples=over() + over(beta=0.5) + over(beta=0), group="losses")


def _cosine(shapes: Shapes, axis: Axes, eps: Real) -> str:
    place = _default_axis(broadcast(shapes["x1"], shapes["x2"]), axis)
    wide = spell(broadcast(shapes["x1"], shapes["x2"]))
    full = [x if shapes["x1"] == shapes["x2"] else f"broadcast_to({x}, {wide})" for x in ("x1", "x2")]
    norms = (f"maximum(norm({x}, axis={place}), {scalar('eps', eps, 0)})" for x in full)
    return f"sum(x1 * x2, axis={place}) / ({' * '.join(norms)})"


composite("cosine_similarity(x1, x2; axis=none, eps=1e-8)",
          "The cosine of the angle between vectors along an axis (default: 1, or 0 of vectors).", _cosine,
          group="losses",
          samples=(Sample(((2, 3), (2, 3))), Sample(((4,), (4,))), Sample(((2, 3), (2, 3)), {"axis": 0}),
                   Sample(((1, 2, 3), (2, 1, 3)), {"axis": -2})))


def _triplet(shapes: Shapes, margin: Real, p: object, eps: Real, swap: bool, reduction: str | None) -> str:
    order = "" if p == 2 else f"ord={scalar('p', p)}, "

    def distance(a: str, b: str) -> str:
        return f"norm({a} - {b} + {scalar('eps', eps, 0)}, {order}axis=-1)"

    far = distance("anchor", "negative")
    if flag("swap", swap):
        far = f"minimum({far}, {distance('positive', 'negative')})"
    return reduced(f"clip({distance('anchor', 'positive')} - {far} + {scalar('margin', margin)}, min=0)", reduction)


TRIPLE = ((2, 3), (2, 3), (2, 3))
composite("triplet_margin_loss(anchor, positive, negative; margin=1, p=2, eps=1e-6, swap=false, reduction='mean')",
          "max(|anchor - positive| - |anchor - negative| + margin, 0), the distances p-norms along the last axis.",
          _triplet, group="losses",
          samples=(Sample(TRIPLE), Sample(TRIPLE, {"p": 3, "reduction": "sum"}),
                   Sample(TRIPLE, {"swap": True, "margin": 3, "reduction": "none"})))
composite("hinge_embedding_loss(input, target; margin=1, reduction='mean')",
          "The distance where the target is 1, max(margin - distance, 0) where it is -1; both where it is neither.",
          lambda shapes, margin, reduction: reduced(
              "where(target == -1, 0, input) + "
              f"where(target == 1, 0, clip({scalar('margin', margin)} - input, min=0))", reduction),
          warns=unalike, samples=over("positive", "sign"), group="losses")

# ── likelihoods ──────────────────────────────────────────────────────────────────────────────────


def _bce(shapes: Shapes, reduction: str | None) -> str:
    alike("binary_cross_entropy", shapes)
    return reduced(product("weight" if "weight" in shapes else None, "bce_probabilities(input, target)"), reduction)


composite("binary_cross_entropy(input, target, weight=none; reduction='mean')",
          "-t log p - (1 - t) log(1 - p) of probabilities; each logarithm at least -100.", _bce, group="losses",
          samples=(*(Sample((*s.shapes, None), s.parameters, s.domains) for s in over("unit", "unit")),
                   Sample(((2, 3), (2, 3), (3,)), {}, ("unit", "unit", "positive"))))


def _bce_with_logits(shapes: Shapes, reduction: str | None) -> str:
    alike("binary_cross_entropy_with_logits", shapes)
    terms = "bce_logits(input, target)"
    if "pos_weight" in shapes:
        terms = "(pos_weight * target * softplus(-input) + (1 - target) * softplus(input))"
    return reduced(product("weight" if "weight" in shapes else None, terms), reduction)


composite("binary_cross_entropy_with_logits(input, target, weight=none, pos_weight=none; reduction='mean')",
          "Binary cross-entropy of σ(input), without overflow; pos_weight multiplies the positive class.",
          _bce_with_logits,
          group="losses",
          samples=(*(Sample((*s.shapes, None, None), s.parameters, s.domains) for s in over("real", "unit")),
                   Sample(((2, 3), (2, 3), (3,), None), {}, ("real", "unit", "positive")),
                   Sample(((2, 3), (2, 3), None, (3,)), {}, ("real", "unit", "real", "positive"))))


def _kl(shapes: Shapes, reduction: str | None, log_target: bool) -> str:
    alike("kl_div", shapes)
    terms = "(-entr(target) - target * input)"
    if flag("log_target", log_target):
        terms = "exp(target) * (target - input)"
    if reduction != "batchmean":
        choice("reduction", "none" if reduction is None else reduction, ("mean", "sum", "none", "batchmean"))
        return reduced(terms, reduction)
    wide = broadcast(shapes["input"], shapes["target"])
    return f"sum({terms}) / {spell(wide[0]) if wide else 1}"


composite("kl_div(input, target; reduction='mean', log_target=false)",
          "Kullback-Leibler divergence of log-probabilities from target probabilities, entry by entry; "
          "'batchmean' divides the sum by the batch.", _kl, group="losses",
          samples=(*over("log", "unit"), *over("log", "log", log_target=True),
                   Sample(((2, 3), (2, 3)), {"reduction": "batchmean"}, ("log", "unit"))))


def _gaussian(shapes: Shapes, full: bool, eps: Real, reduction: str | None) -> str:
    lacking = len(shapes["input"]) > 1 and shapes["var"] == shapes["input"][:-1]  # one for each row, as in PyTorch
    var = "expand_dims(var, -1)" if lacking else "var"
    terms = f"gaussian_nll(input, target, {var}, eps={scalar('eps', eps, 0)})"
    return reduced(f"({terms} + log(2*pi)/2)" if flag("full", full) else terms, reduction)


composite("gaussian_nll_loss(input, target, var; full=false, eps=1e-6, reduction='mean')",
          "(log var + (input - target)²/var)/2, with log(2π)/2 where `full`; the variance is at least eps.", _gaussian,
          warns=unalike, group="losses",
          samples=tuple(Sample(((2, 3), (2, 3), shape), parameters, ("real", "real", "positive"))
                                        for shape, parameters in (((2, 3), {}), ((2, 1), {"full": True}),
                                                                  ((2, 3), {"reduction": "none"}), ((2,), {}))))

# ── classes ──────────────────────────────────────────────────────────────────────────────────────


def _class_axis(shape: Shape) -> int:
    """Axis 1, or 0 for a single sample."""
    if not shape:
        raise ShapeError("the input needs an axis of classes", 0)
    return min(1, len(shape) - 1)


def _check_target(input_shape: Shape, target: Shape, weight: Shape | None) -> None:
    axis = _class_axis(input_shape)
    if target != (*input_shape[:axis], *input_shape[axis + 1 :]):
        raise ShapeError(f"an input of shape {show(input_shape)} takes labels of shape "
                         f"{show((*input_shape[:axis], *input_shape[axis + 1 :]))}, not {show(target)}", 1)
    _check_weight(input_shape, weight)


def _check_weight(input_shape: Shape, weight: Shape | None) -> None:
    classes = input_shape[_class_axis(input_shape)]
    if weight is not None and weight != (classes,):
        raise ShapeError(f"a weight of shape {show(weight)} for {classes} classes", 2)


def _hot(shape: Shape, labels: str) -> str:
    """One-hot labels with the classes on their axis."""
    axis, rank = _class_axis(shape), len(shape)
    rows = f"one_hot({labels}, {spell(shape[axis])})"
    if axis == rank - 1:
        return rows
    return f"transpose({rows}, axes={(*range(axis), rank - 1, *range(axis, rank - 1))})"


def _along_classes(shape: Shape) -> str:
    """The class weights, aligned with the input."""
    after = len(shape) - _class_axis(shape) - 1
    return f"weight[:, {', '.join(['None'] * after)}]" if after else "weight"


IGNORED = -100
"""The label that PyTorch leaves out unless told otherwise."""


def _ignoring(data: Mapping[str, Callable[[], Array]], ignore_index: int | None, **rest: object) -> dict[str, object]:
    """PyTorch's default ignore_index, where the labels are known and hold it: else it would only lengthen formulas."""
    labels = data["target"]() if ignore_index is None else None
    holds = labels is not None and bool((labels == IGNORED).any())
    return {"ignore_index": IGNORED if holds else ignore_index, **rest}


def _labelled(shapes: Shapes, logs: str, reduction: str | None, ignore_index: int | None, smoothing: object = 0) -> str:
    """-Σ over the classes of (one-hot labels) · logs, and the weighted mean of that.

    `where` and not a product, so that an impossible class (log 0 = -inf) of another label costs nothing.
    """
    shape, axis = shapes["input"], _class_axis(shapes["input"])
    kept = None if ignore_index is None else f"(target != {spell(whole('ignore_index', ignore_index))})"
    labels = "target" if kept is None else f"where({kept}, target, 0)"
    weight = _along_classes(shape) if "weight" in shapes else None
    hot = _hot(shape, labels)
    loss = f"-sum({product(weight, f'where({hot}, {logs}, 0)')}, axis={axis})"
    if smoothing:
        s, n = spell(smoothing), spell(shape[axis])
        loss = f"((1 - {s}) * ({loss}) - {s}/{n} * sum({product(weight, logs)}, axis={axis}))"
    counted = product(kept, f"take(weight, {labels}, axis=0)" if weight else None)
    terms = f"where({kept}, {loss}, 0)" if kept else loss
    if counted and reduction == "mean":
        return f"sum({terms}) / sum({counted})"
    return reduced(terms, reduction)


def _cross_entropy(shapes: Shapes, reduction: str | None, label_smoothing: Real, ignore_index: int | None) -> str:
    shape, target = shapes["input"], shapes["target"]
    if not 0 <= number("label_smoothing", label_smoothing) <= 1:
        raise ParameterError("label_smoothing", "label_smoothing lies between 0 and 1")
    axis = _class_axis(shape)
    logs = f"log_softmax(input, axis={axis})"
    if len(target) != len(shape):
        _check_target(shape, target, shapes.get("weight"))
        return _labelled(shapes, logs, reduction, ignore_index, label_smoothing)
    if target != shape:
        raise ShapeError(f"class probabilities of shape {show(target)} for an input of shape {show(shape)}", 1)
    if ignore_index is not None:
        raise ParameterError("ignore_index", "ignore_index is for labels; these are class probabilities")
    _check_weight(shape, shapes.get("weight"))
    s, n = spell(label_smoothing), spell(shape[axis])
    smooth = f"((1 - {s}) * target + {s}/{n})" if label_smoothing else "target"
    weight = _along_classes(shape) if "weight" in shapes else None
    return reduced(f"-sum({product(weight, smooth, logs)}, axis={axis})", reduction)


def _classes(domain: str = "real") -> tuple[Sample, ...]:
    labels = (domain, "labels:3", "positive")
    return (Sample(((4, 3), (4,), None), {}, labels), Sample(((3,), (), None), {}, labels),
            Sample(((4, 3), (4,), (3,)), {}, labels), Sample(((4, 3), (4,), (3,)), {"reduction": "none"}, labels),
            Sample(((2, 3, 2), (2, 2), (3,)), {}, labels), Sample(((5, 3), (5,), None), {"ignore_index": 1}, labels),
            Sample(((5, 3), (5,), (3,)), {"ignore_index": 1, "reduction": "sum"}, labels))  # fmt: skip


composite("cross_entropy(input, target, weight=none; reduction='mean', label_smoothing=0, ignore_index=none)",
          "-log softmax(input) at the target labels (or weighted by target probabilities); classes are on axis 1.",
          _cross_entropy, settle=_ignoring, group="losses", example="cross_entropy(logits, labels)",
          samples=(*_classes(),
                   Sample(((4, 3), (4,), (3,)), {"label_smoothing": 0.1}, ("real", "labels:3", "positive")),
                   Sample(((4, 3), (4, 3), None), {}, ("real", "unit")),
                   Sample(((2, 3, 2), (2, 3, 2), (3,)), {"label_smoothing": 0.1}, ("real", "unit", "positive"))))


def _nll(shapes: Shapes, reduction: str | None, ignore_index: int | None) -> str:
    _check_target(shapes["input"], shapes["target"], shapes.get("weight"))
    return _labelled(shapes, "input", reduction, ignore_index)


composite("nll_loss(input, target, weight=none; reduction='mean', ignore_index=none)",
          "Minus the log-probabilities `input` at the target labels; classes are on axis 1.", _nll, settle=_ignoring,
          group="losses",
          integer_operands=frozenset({"target"}), samples=_classes("log"))
