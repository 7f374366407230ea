"""What a run should warn of: kinks and ties, the first value that is not finite, a chain its formula contradicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.engine.graph import Graph, Node
from backprop_cli.errors import SpecError
from backprop_cli.formulas.printed import Omitted, Printed, partial
from backprop_cli.tasks.result import Warned

if TYPE_CHECKING:
    from backprop_cli.tasks.calculate import Computed

LISTED = 5
UNSTABLE = {"float64": 1e-6, "float32": 1e-2}
"""A formula this far from the gradient is no matter of rounding."""

Formulas = Mapping[int, Mapping[str, Printed | Omitted]]


def warnings_of(graph: Graph, computed: Computed, formulas: Sequence[Formulas] = ()) -> tuple[Warned, ...]:
    """What the user should know about the numbers of a run; `formulas` are each pass's, where they were evaluated."""
    found = list(_kinks(graph, computed.values))
    found += _nonfinite(graph, computed)
    for gradients, texts in zip(computed.passes, formulas, strict=False):
        found += _unstable(graph, gradients, texts)
    return tuple(found)


def named_user(graph: Graph, index: int) -> str:
    """The name of a node, or of the first named node that uses an anonymous one."""
    wanted = {index}
    for node in graph.nodes[index:]:
        if node.index == index or not wanted.isdisjoint(node.inputs):
            if not node.anonymous and node.kind != "constant":
                return node.name
            wanted.add(node.index)
    return graph.output_name


def _entry(index: Sequence[int]) -> str:
    return f"[{', '.join(map(str, index))}]" if len(index) else ""


def listed(indices: Sequence[tuple[int, ...]]) -> str:
    """` at [0], [2] and 3 more`; nothing for a scalar."""
    if not indices or indices[0] == ():
        return ""
    more = f" and {len(indices) - LISTED} more" if len(indices) > LISTED else ""
    return f" at {', '.join(map(_entry, indices[:LISTED]))}{more}"


def _where(mask: Any) -> list[tuple[int, ...]]:
    return [tuple(map(int, index)) for index in np.argwhere(mask)]


# ── labels, positions and masks ──────────────────────────────────────────────────────────────────

ALONG_AXIS = ("take", "index_add", "take_along_axis", "scatter_add")
IGNORED = -100
"""The label that PyTorch leaves out unless told otherwise."""


def check_leaves(graph: Graph, leaves: Mapping[int, Any]) -> None:
    """Labels and positions are whole numbers in range, and an attention mask is 0/1, where they are leaves.

    Raises:
        SpecError: E008 for the first entry that is not.
    """
    for node in graph.nodes:
        if node.op is None:
            continue
        if node.op.name == "one_hot" or node.op.name in ALONG_AXIS:
            _check_positions(graph, node, leaves)
        elif node.op.masks:
            _check_mask(graph, node, leaves)


def _check_positions(graph: Graph, node: Node, leaves: Mapping[int, Any]) -> None:
    assert node.op is not None
    labels = node.op.name == "one_hot"
    index, ignored = _unmasked(graph, node.inputs[0 if labels else 1])
    if index not in leaves:
        return
    size = int(node.parameters["n"]) if labels else _length(graph, node)
    low, given = 0 if labels else -size, np.asarray(leaves[index])
    wrong = ~((given == np.floor(given)) & (given >= low) & (given < size))
    if ignored is not None:
        wrong &= given != ignored
    if wrong.any():
        hint = None
        if labels and (given[wrong] == IGNORED).any():
            hint = f"to leave such labels out of cross_entropy or nll_loss, pass ignore_index={IGNORED}"
        raise _refused(graph, node, index, given, wrong, f"whole numbers from {low} to {size - 1}", hint)


def _length(graph: Graph, node: Node) -> int:
    """How many positions there are: along the axis, or in all."""
    shape = tuple(map(int, graph.nodes[node.inputs[0]].shape))
    axis = node.parameters.get("axis")
    return math.prod(shape) if axis is None else shape[axis]


def _unmasked(graph: Graph, index: int) -> tuple[int, float | None]:
    """Labels and the one that is ignored, as the losses write it: where(labels != ignored, labels, 0)."""
    node = graph.nodes[index]
    if node.op is not None and node.op.name == "where" and node.anonymous:
        kept = graph.nodes[node.inputs[0]]
        if kept.op is not None and kept.op.name == "not_equal" and kept.inputs[0] == node.inputs[1]:
            ignored = _literal(graph, kept.inputs[1])
            if ignored is not None:
                return node.inputs[1], ignored
    return index, None


def _literal(graph: Graph, index: int) -> float | None:
    """The number of a literal, or of minus one."""
    node = graph.nodes[index]
    if node.op is not None and node.op.name == "negative":
        number = _literal(graph, node.inputs[0])
        return None if number is None else -number
    return None if node.kind != "constant" or node.value is None else float(node.value)


def _check_mask(graph: Graph, node: Node, leaves: Mapping[int, Any]) -> None:
    """An operand that the op declares a mask: one that is added to scores would hide all of them."""
    assert node.op is not None
    for name, index in zip(node.op.signature.operands, node.inputs, strict=True):
        if name in node.op.masks and index in leaves:
            given = np.asarray(leaves[index])
            wrong = (given != 0) & (given != 1)
            if wrong.any():
                raise _refused(graph, node, index, given, wrong, "a mask of 0 and 1", ADDED_MASKS)


ADDED_MASKS = "1 says that a position is seen; add other masks to the scores: softmax(q @ k.mT / sqrt(d) + mask) @ v"


def _refused(graph: Graph, node: Node, index: int, given: Any, wrong: Any, wanted: str, hint: str | None) -> SpecError:
    leaf = graph.nodes[index].leaf
    assert node.op is not None
    assert leaf is not None
    at = _where(wrong)[0]
    what = "scaled_dot_product_attention" if node.op.masks else node.op.name
    user = named_user(graph, node.index)
    message = f"{leaf.name}{_entry(at)} is {_number(given, at)}; {what} in {user!r} takes {wanted}"
    return SpecError("E008", message, at=leaf.at.place(), hint=hint)


# ── kinks and ties ───────────────────────────────────────────────────────────────────────────────


def _kinks(graph: Graph, values: Sequence[Any]) -> list[Warned]:
    """The nodes that have no derivative where they are, with the convention that was used."""
    found = []
    for node in graph.nodes:
        if node.index in graph.active:
            hit = on_kink(node, values)
            if hit:
                found.append(_kink(graph, node, hit))
    return found


def on_kink(node: Node, values: Sequence[Any]) -> list[tuple[int, ...]]:
    """The entries at which an op lies on a kink of its own."""
    if node.op is None or node.op.kink is None:
        return []
    operands = [values[i] for i in node.inputs]
    with np.errstate(all="ignore"):
        mask = np.asarray(node.op.kink(*operands, **node.parameters))
    return _where(mask) if mask.any() else []


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


def _not_finite(arrays: Sequence[Any], indices: Iterable[int]) -> int | None:
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


def _origin(graph: Graph, values: Sequence[Any]) -> Node | None:
    """The node where a value stops being finite on the way to the first named one that is not.

    An intermediate value may be infinite without harm: exp(800) in 1/(1 + exp(800)), which is 0.
    """
    index = _not_finite(values, graph.names.values())
    first = None if index is None else graph.nodes[index]
    while first is not None:
        culprits = [i for i in first.inputs if graph.nodes[i].kind != "constant" and not is_finite(values[i])]
        if not culprits:
            return first
        first = graph.nodes[min(culprits, key=lambda i: (not np.isnan(values[i]).any(), i))]
    return None


def _nonfinite_value(graph: Graph, node: Node, values: Sequence[Any]) -> Warned:
    hit = _where(~np.isfinite(values[node.index]))
    what = f"{_op(node)} gives" if node.anonymous else f"{_op(node)} is" if node.op else "the value given is"
    found = f"{what} {_number(values[node.index], hit[0])}{listed(hit)}"
    message = f"{found}{_operands(graph, node, hit[0], values)}{_hint(node)}"
    return Warned("nonfinite", named_user(graph, node.index), message, tuple(hit[:LISTED]))


def _nonfinite_gradient(graph: Graph, node: Node, output: str, gradients: Sequence[Any],
                        values: Sequence[Any]) -> Warned:  # fmt: skip
    """The gradient of `node` is the first one that is not finite; the op that made it is one of its users'."""
    hit = _where(~np.isfinite(gradients[node.index]))
    blame = [user for user in graph.nodes if node.index in user.inputs and gradients[user.index] is not None]
    hint = next((_hint(user) for user in blame if _hint(user)), "")
    ops = ", ".join(dict.fromkeys(user.op.name for user in blame if user.op))
    through = f", through {ops}" if ops else ""
    at = values[node.index]
    value = f" where the value is {_number(at, hit[0])}" if np.shape(at) == np.shape(gradients[node.index]) else ""
    name = "…" if node.anonymous else node.name
    message = f"{partial(output, name)} is {_number(gradients[node.index], hit[0])}{listed(hit)}"
    return Warned("nonfinite", named_user(graph, node.index), f"{message}{value}{through}{hint}", tuple(hit[:LISTED]))


def _op(node: Node) -> str:
    return node.op.name if node.op else ""


def _hint(node: Node) -> str:
    return f"; {node.op.domain}" if node.op is not None and node.op.domain else ""


def _number(value: Any, index: tuple[int, ...]) -> str:
    return f"{float(np.asarray(value)[index]):.6g}"


def _operands(graph: Graph, node: Node, index: tuple[int, ...], values: Sequence[Any]) -> str:
    """The operands, by what they hold at the entry: ` of z = -1`."""
    parts = []
    for i in dict.fromkeys(node.inputs):
        operand, value = graph.nodes[i], values[i]
        if operand.kind == "constant" or value is None:
            continue
        place = _aligned(np.shape(value), np.shape(values[node.index]), index)
        start = "" if operand.anonymous else operand.name if place is None else f"{operand.name}{_entry(place)} = "
        parts.append(f"{start}{_range(value) if place is None else _number(value, place)}")
    return f" of {' and '.join(parts)}" if parts else ""


def _aligned(shape: tuple[int, ...], whole: tuple[int, ...], index: tuple[int, ...]) -> tuple[int, ...] | None:
    """The operand's entry that went into an entry of the result, if it broadcasts against it."""
    start = len(whole) - len(shape)
    if start < 0 or any(s not in {1, w} for s, w in zip(shape, whole[start:], strict=True)):
        return None
    return tuple(0 if s == 1 else i for s, i in zip(shape, index[start:], strict=True))


def _range(value: Any) -> str:
    """Entries of an operand of another shape, as a range."""
    finite = np.asarray(value)[np.isfinite(value)]
    return f" between {finite.min():.6g} and {finite.max():.6g}" if finite.size else " without a finite entry"


def first_nonfinite(graph: Graph, values: Sequence[Any]) -> str | None:
    """Where the first named value that is not finite comes from, in a sentence."""
    origin = _origin(graph, values)
    if origin is None:
        return None
    warned = _nonfinite_value(graph, origin, values)
    return f"{warned.node}: {warned.message}"


# ── formulas that disagree ───────────────────────────────────────────────────────────────────────


def _unstable(graph: Graph, gradients: Sequence[Any], formulas: Formulas) -> list[Warned]:
    """The first gradient, in the reverse pass, that its simplified formula contradicts."""
    bound = UNSTABLE[graph.spec.dtype]
    for index in sorted(formulas, reverse=True):
        printed = [one for one in formulas[index].values() if isinstance(one, Printed)]
        worst = max((one.deviation for one in printed if one.deviation is not None), default=0.0)
        if not worst <= bound:
            return [Warned("unstable", graph.nodes[index].name, _contradiction(gradients[index], worst))]
    return []


def _contradiction(gradient: Any, deviation: float) -> str:
    start = "the composition is numerically unstable here"
    if not is_finite(gradient):
        return f"{start}: computed step by step the gradient is not finite, its simplified formula is"
    if math.isfinite(deviation):
        return f"{start}: the gradient computed step by step and its simplified formula differ by {deviation:.2g}"
    return f"{start}: the simplified formula is not finite, the gradient computed step by step is"
