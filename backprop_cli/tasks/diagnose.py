"""What a run should warn of: kinks and ties, the first value that is not finite, a chain its formula contradicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.engine.ops.tensor import Array, Mask
from backprop_cli.formulas.printed import Omitted, Printed, partial, worst
from backprop_cli.tasks.computed import Computed
from backprop_cli.tasks.places import LISTED, entry_text, listed, named_user, number_text, where
from backprop_cli.tasks.result import Warned

UNSTABLE = {"float64": 1e-6, "float32": 1e-2}
"""A formula this far from the gradient is no matter of rounding."""

Formulas = Mapping[int, Mapping[str, Printed | Omitted]]


def warnings_of(graph: Graph, computed: Computed, formulas: Sequence[Formulas] = ()) -> tuple[Warned, ...]:
    """What the user should know about the numbers of a run; `formulas` are each pass's, where they were evaluated."""
    found = list(kinks_of(graph, computed.values))
    found += _nonfinite(graph, computed)
    for gradients, texts in zip(computed.passes, formulas, strict=False):
        found += _unstable(graph, gradients, texts)
    return tuple(dict.fromkeys(found))  # four norms in one node say the same


# ── kinks and ties ───────────────────────────────────────────────────────────────────────────────


def kinks_of(graph: Graph, values: Sequence[Array]) -> list[Warned]:
    """The nodes that have no derivative where they are, with the convention that was used."""
    found = []
    for node in graph.nodes:
        if node.index in graph.active:
            hit = on_kink(node, values)
            if hit:
                found.append(_kink(graph, node, hit))
    return found


def on_kink(node: Node, values: Sequence[Array]) -> list[tuple[int, ...]]:
    """The entries at which an op lies on a kink of its own."""
    return _where(node.op.kink if node.op else None, node, values)


def departing(node: Node, values: Sequence[Array]) -> bool:
    """Whether the gradient is somewhere, on purpose, not that of the function, so that no difference could show it."""
    return bool(_where(node.op.departs if node.op else None, node, values))


def _where(rule: Callable[..., Mask] | None, node: Node, values: Sequence[Array]) -> list[tuple[int, ...]]:
    if rule is None:
        return []
    with np.errstate(all="ignore"):
        mask = np.asarray(rule(*(values[i] for i in node.inputs), **node.parameters))
    return where(mask) if mask.any() else []


def _kink(graph: Graph, node: Node, hit: list[tuple[int, ...]]) -> Warned:
    assert node.op is not None
    if node.op.masks:
        return _hidden(graph, node, hit)
    peer = "" if "PyTorch" in node.op.convention else ", as in PyTorch"
    convention = f"; {node.op.convention}{peer}" if node.op.convention else ""
    tie = "has a tie" if "tie" in node.op.convention else "has no derivative"
    message = f"{node.op.name} {tie}{listed(hit)}{convention}"
    return Warned("kink", named_user(graph, node.index), message, tuple(hit[:LISTED]))


def _hidden(graph: Graph, node: Node, hit: list[tuple[int, ...]]) -> Warned:
    """Rows of a softmax that its mask hides as a whole."""
    assert node.op is not None
    axis = int(node.parameters.get("axis", -1)) % len(node.shape)
    rows = list(dict.fromkeys((*at[:axis], *at[axis + 1 :]) for at in hit))
    mask = graph.nodes[node.inputs[node.op.signature.operands.index("mask")]]
    named = "the mask" if mask.anonymous else f"the mask {mask.name}"
    message = f"{named} hides every position of row{'s' if len(rows) > 1 else ''}{listed(rows).removeprefix(' at')}"
    return Warned("kink", named_user(graph, node.index), f"{message}; {node.op.convention}, as in PyTorch",
                  tuple(rows[:LISTED]))


# ── values that are not finite ───────────────────────────────────────────────────────────────────


def is_finite(value: Any) -> bool:
    """Whether every entry is finite."""
    return value is None or bool(np.isfinite(value).all())


def _not_finite(arrays: Sequence[object], indices: Iterable[int]) -> int | None:
    """The first index at which an array is not finite.  Scalars take the short way: a long chain has many."""
    finite = math.isfinite
    for index in indices:
        value = arrays[index]
        if isinstance(value, float):  # numpy's float64 is one
            if not finite(value):
                return index
        elif not is_finite(value):
            return index
    return None


def _nonfinite(graph: Graph, computed: Computed) -> list[Warned]:
    """Where the first named value that is not finite comes from; where all are, the first such gradient."""
    origin = _origin(graph, computed.values)
    if origin is not None:
        return [_nonfinite_value(graph, origin, computed.values)]
    for run, gradients in zip(graph.passes, computed.passes, strict=True):
        index = _not_finite(gradients, range(len(gradients) - 1, -1, -1))
        if index is not None:
            return [_nonfinite_gradient(graph, graph.nodes[index], run.name, gradients, computed.values)]
    return []


def _origin(graph: Graph, values: Sequence[Array]) -> Node | None:
    """The node where a value stops being finite on the way to the first named one that is not.

    An intermediate value may be infinite without harm: exp(800) in 1/(1 + exp(800)), which is 0.  An infinity that is
    written, as -inf behind a mask, is meant: of a NaN that comes of it, the op that made it NaN is named.
    """
    index = _not_finite(values, graph.names.values())
    if index is None:
        return None
    node, lost = graph.nodes[index], None
    while True:
        if np.isnan(values[node.index]).any():
            lost = node
        written = [i for i in node.inputs if _is_written(graph, graph.nodes[i]) and not is_finite(values[i])]
        culprits = [i for i in node.inputs if i not in written and not is_finite(values[i])]
        if not culprits:
            return lost or node if written else node
        node = graph.nodes[min(culprits, key=lambda i: (not np.isnan(values[i]).any(), i))]


def _is_written(graph: Graph, node: Node) -> bool:
    """Whether a node is a number as it stands in the spec, with its sign."""
    if node.op is None:
        return node.kind == "constant"
    return node.anonymous and node.op.name == "negative" and _is_written(graph, graph.nodes[node.inputs[0]])


def _nonfinite_value(graph: Graph, node: Node, values: Sequence[Array]) -> Warned:
    hit = where(~np.isfinite(values[node.index]))
    what = f"{_op(node)} gives" if node.anonymous else f"{_op(node)} is" if node.op else "the value given is"
    found = f"{what} {number_text(values[node.index], hit[0])}{listed(hit)}"
    message = f"{found}{_operands(graph, node, hit[0], values)}{_hint(node)}"
    return Warned("nonfinite", named_user(graph, node.index), message, tuple(hit[:LISTED]))


def _nonfinite_gradient(graph: Graph, node: Node, output: str, gradients: Sequence[Array],
                        values: Sequence[Array]) -> Warned:  # fmt: skip
    """The gradient of `node` is the first one that is not finite; the op that made it is one of its users'."""
    hit = where(~np.isfinite(gradients[node.index]))
    blame = [user for user in graph.nodes if node.index in user.inputs and gradients[user.index] is not None]
    hint = next((_hint(user) for user in blame if _hint(user)), "")
    ops = ", ".join(dict.fromkeys(user.op.name for user in blame if user.op))
    through = f", through {ops}" if ops else ""
    at = values[node.index]
    value = f" where the value is {number_text(at, hit[0])}" if np.shape(at) == np.shape(gradients[node.index]) else ""
    name = "…" if node.anonymous else node.name
    message = f"{partial(output, name)} is {number_text(gradients[node.index], hit[0])}{listed(hit)}"
    return Warned("nonfinite", named_user(graph, node.index), f"{message}{value}{through}{hint}", tuple(hit[:LISTED]))


def _op(node: Node) -> str:
    return node.op.name if node.op else ""


def _hint(node: Node) -> str:
    return f"; {node.op.domain}" if node.op is not None and node.op.domain else ""


def _operands(graph: Graph, node: Node, index: tuple[int, ...], values: Sequence[Array]) -> str:
    """The operands, by what they hold at the entry: ` of z = -1`."""
    parts = []
    for i in dict.fromkeys(node.inputs):
        operand, value = graph.nodes[i], values[i]
        if operand.kind == "constant" or value is None:
            continue
        place = _aligned(np.shape(value), np.shape(values[node.index]), index)
        if place is None:
            parts.append(_range("entries" if operand.anonymous else operand.name, value))
        else:
            start = "" if operand.anonymous else f"{operand.name}{entry_text(place)} = "
            parts.append(f"{start}{number_text(value, place)}")
    return f" of {' and '.join(parts)}" if parts else ""


def _aligned(shape: tuple[int, ...], whole: tuple[int, ...], index: tuple[int, ...]) -> tuple[int, ...] | None:
    """The operand's entry that went into an entry of the result, if it broadcasts against it."""
    start = len(whole) - len(shape)
    if start < 0 or any(s not in {1, w} for s, w in zip(shape, whole[start:], strict=True)):
        return None
    return tuple(0 if s == 1 else i for s, i in zip(shape, index[start:], strict=True))


def _range(name: str, value: Array) -> str:
    """Entries of an operand of another shape, as a range."""
    finite = np.asarray(value)[np.isfinite(value)]
    if finite.size:
        return f"{name} between {finite.min():.6g} and {finite.max():.6g}"
    return f"{name} without a finite one" if np.size(value) else f"{name}, of which there are none"


def first_nonfinite(graph: Graph, values: Sequence[Array]) -> str | None:
    """Where the first named value that is not finite comes from, in a sentence."""
    origin = _origin(graph, values)
    if origin is None:
        return None
    warned = _nonfinite_value(graph, origin, values)
    return f"{warned.node}: {warned.message}"


# ── formulas that disagree ───────────────────────────────────────────────────────────────────────


def _unstable(graph: Graph, gradients: Sequence[Array], formulas: Formulas) -> list[Warned]:
    """The first gradient, in the reverse pass, that its simplified formula contradicts."""
    bound = UNSTABLE[graph.spec.dtype]
    for index in sorted(formulas, reverse=True):
        off = worst([one.deviation for one in formulas[index].values()
                     if isinstance(one, Printed) and one.deviation is not None])  # fmt: skip
        if not off <= bound:
            return [Warned("unstable", graph.nodes[index].name, _contradiction(gradients[index], off))]
    return []


def _contradiction(gradient: Array, deviation: float) -> str:
    start = "the composition is numerically unstable here"
    if not is_finite(gradient):
        return f"{start}: computed step by step the gradient is not finite, its simplified formula is"
    if math.isfinite(deviation):
        return f"{start}: the gradient computed step by step and its simplified formula differ by {deviation:.2g}"
    return ("the simplified formula has no value at these numbers (0/0, ∞ - ∞, or the inverse of a singular matrix); "
            "the gradient computed step by step is its limit")  # fmt: skip
