"""Arrays as a reader of mathematics sees them: axes with names, rows, and what takes its shape from what it meets.

Shares nothing with the project but the numbers of its less usual functions, which have tests of their own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop_cli.engine.numbers import Words, plain
from backprop_cli.engine.ops import OPS

Labels = tuple[str, ...]


class UnclearError(Exception):
    """A formula that a reader may take for another."""


@dataclass(frozen=True)
class Value:
    """An array; `labels` name its axes (or are empty), `row`: a vector that was transposed."""

    array: Any
    labels: Labels
    row: bool = False

    @property
    def rank(self) -> int:
        """How many axes it has."""
        return int(np.ndim(self.array))


@dataclass(frozen=True)
class Pending:
    """A value whose shape is that of what it meets: a sum that may keep its axis, I, e[k]; `vector`: e[k] or e[k]ᵀ."""

    settle: Callable[[tuple[int, ...] | None], Value]
    sized: bool
    vector: bool = False
    row: bool = False


Any_ = Value | Pending


def value(array: Any, labels: Sequence[str] = (), row: bool = False) -> Value:
    """An array with the names of its axes."""
    array = np.asarray(array, dtype=float)
    return Value(array, tuple(labels) if len(labels) == array.ndim else ("",) * array.ndim, row)


def settled(one: Any_, met: tuple[int, ...] | None = None) -> Value:
    """The value, once it is known what it meets."""
    return one.settle(met) if isinstance(one, Pending) else one


def pointwise(function: Callable[..., Any], *operands: Any_) -> Any_:
    """Entry by entry, with numpy's broadcasting."""
    shapes = [np.shape(o.array) for o in operands if isinstance(o, Value) and o.rank]
    if any(isinstance(o, Pending) for o in operands) and not shapes:
        waiting = [o for o in operands if isinstance(o, Pending)]
        return Pending(lambda met: _applied(function, [settled(o, met) for o in operands]),
                       any(o.sized for o in waiting), all(o.vector for o in waiting), all(o.row for o in waiting))
    met = np.broadcast_shapes(*shapes)
    return _applied(function, [settled(o, met) for o in operands])


def _applied(function: Callable[..., Any], operands: list[Value]) -> Value:
    with np.errstate(all="ignore"):
        made = np.asarray(function(*(o.array for o in operands)), dtype=float)
    labels = [""] * made.ndim
    for operand in operands:
        for place, label in enumerate(reversed(operand.labels), 1):
            if operand.array.shape[-place] == made.shape[-place]:
                labels[-place] = labels[-place] or label
    rows = [o.row for o in operands if o.rank]
    if len({o.row for o in operands if o.rank == 1}) > 1 and all(o.rank < 2 for o in operands):
        raise UnclearError("a row meets a column entry by entry")
    return Value(made, tuple(labels), bool(rows) and all(rows))


def turned(one: Any_) -> Any_:
    """The transpose; of what is as large as what it meets, as large as that turned."""
    if isinstance(one, Pending) and one.sized:
        return Pending(lambda met: transposed(one.settle(met and met[::-1])), True, one.vector, row=one.vector)
    return transposed(settled(one))


def transposed(one: Value) -> Value:
    """The last two axes exchanged; a vector becomes a row."""
    if one.rank < 2:
        return Value(one.array, one.labels, row=one.rank == 1)
    return Value(np.swapaxes(one.array, -1, -2), (*one.labels[:-2], *one.labels[:-3:-1]))


def product(left: Any_, right: Any_) -> Any_:
    """Two factors side by side: a multiple, an inner, an outer or a matrix product, by the shapes."""
    if isinstance(left, Pending) or isinstance(right, Pending):
        return _waiting(left, right)
    assert isinstance(left, Value)
    assert isinstance(right, Value)
    ranks = left.rank, right.rank
    if 0 in ranks:
        return pointwise(np.multiply, left, right)
    if ranks == (1, 1):
        if left.row == right.row:
            raise UnclearError("two columns, or two rows, side by side")
        if left.row:
            return value(left.array @ right.array)
        return value(np.outer(left.array, right.array), left.labels + right.labels)
    if ranks[0] == 1 and not left.row:
        if right.array.shape[-2] != 1:
            raise UnclearError("a column before a matrix")
        return value(left.array[:, None] * right.array, (left.labels[0], right.labels[-1]))
    if ranks[1] == 1 and right.row:
        if left.array.shape[-1] != 1:
            raise UnclearError("a matrix before a row")
        return value(left.array * right.array, (left.labels[0], right.labels[0]))
    labels = (*left.labels[:-1], *(right.labels[-1:] if ranks[1] > 1 else ()))
    return value(np.matmul(left.array, right.array), labels, row=ranks[0] == 1)


def _waiting(left: Any_, right: Any_) -> Any_:
    """A product with a factor whose size is that of what it meets."""
    if _spans(left, right):
        return Pending(lambda met: product(*(settled(one, _side(met, i)) for i, one in enumerate((left, right)))), True)
    swapped = not isinstance(left, Pending)
    one, other = (right, left) if swapped else (left, right)
    assert isinstance(one, Pending)
    if isinstance(other, Value) and other.rank == 0:
        return pointwise(np.multiply, one, other)
    beside = np.shape(settled(other).array) if isinstance(other, Value) else None
    fixed = one.settle(_beside(beside, swapped) if one.sized and beside is not None else None)
    return product(*((other, fixed) if swapped else (fixed, other)))


def _spans(left: Any_, right: Any_) -> bool:
    """Whether a column stands before a row: together they are a matrix."""
    vectors = [one.vector if isinstance(one, Pending) else one.rank == 1 for one in (left, right)]
    return all(vectors) and not left.row and right.row


def _side(met: tuple[int, ...] | None, place: int) -> tuple[int, ...] | None:
    """How long a factor of a product is that is as large as a matrix."""
    return (met[place - 2],) if met and len(met) > 1 else None


def _beside(shape: tuple[int, ...], swapped: bool) -> tuple[int, ...]:
    """How large what stands beside something of this shape in a product is."""
    return (shape[-1],) if swapped or len(shape) == 1 else (shape[-2],)


def reduction(name: str, operand: Value, axes: tuple[int, ...] | None) -> Any_:
    """A sum, a mean, ... over axes; it keeps them where it meets a tensor that has them still."""
    function = REDUCTIONS[name]
    if axes is None:
        return value(function(operand.array, axis=None, keepdims=False))
    shape = operand.array.shape
    over = tuple(a % operand.rank for a in axes)

    def settle(met: tuple[int, ...] | None) -> Value:
        keep = met is not None and len(met) >= len(shape) and _still_there(shape, over, met)
        made = function(operand.array, axis=over, keepdims=keep)
        return value(made, operand.labels if keep else
                     [label for i, label in enumerate(operand.labels) if i not in over])

    return settle(None) if len(over) == operand.rank else Pending(settle, sized=False)


def _still_there(shape: tuple[int, ...], over: tuple[int, ...], met: tuple[int, ...]) -> bool:
    """Whether what a sum meets has the axes of what it is a sum of, as long (or 1); the one summed over any length.

    `P - Σ_d(δ ⊙ o)` subtracts the sum of row t from row t of P, however many columns P has.
    """
    tail = met[len(met) - len(shape) :]
    return all(i in over or a in (b, 1) or b == 1 for i, (a, b) in enumerate(zip(shape, tail, strict=True)))


def _logsumexp(x: Any, axis: Any, keepdims: bool) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": np.sum, "mean": np.mean, "var": np.var, "std": np.std, "max": np.max, "min": np.min, "prod": np.prod,
    "logsumexp": _logsumexp,
}  # fmt: skip

WORDS = Words()


def called(name: str, positional: list[Any], keywords: dict[str, Any]) -> Any_:
    """A function of tensors and static arguments, by the numbers of the project."""
    op = OPS[name]
    signature = op.signature
    statics = {key: plain(default) for key, default in signature.parameters.items()}
    if signature.variadic:
        first = next(iter(statics), "")
        if isinstance(positional[0], str):
            statics[first], operands, rest = positional[0], positional[1:], []
        else:
            operands, rest = positional[0], positional[1:]
    else:
        count = min(len(positional), len(signature.operands))
        operands, rest = positional[:count], positional[count:]
        for operand in signature.operands[count:]:
            operands.append(keywords.pop(operand, None))
    rest = [int(one.array) if isinstance(one, Value) and not one.rank else one for one in rest]
    statics |= dict(zip([key for key in statics if key not in keywords], rest, strict=False)) | keywords
    operands = [value(o) if isinstance(o, int | float) else o for o in operands]
    if not signature.variadic:
        operands = [value(np.array([settled(i).array for i in o])) if isinstance(o, list) else o for o in operands]
    if isinstance(statics.get("index"), str):
        index = eval(f"np.s_[{statics['index']}]", {"np": np})
        statics["index"] = index if isinstance(index, tuple) else (index,)
    if op.pointwise and not any(o is None for o in operands):
        return pointwise(lambda *xs: op.forward(WORDS, *xs, **statics), *operands)
    given = [None if o is None else settled(o) for o in operands]
    with np.errstate(all="ignore"):
        made = op.forward(WORDS, *[None if o is None else o.array for o in given], **statics)
    first_given = next((o for o in given if o is not None and np.shape(o.array) == np.shape(made)), None)
    return value(made, first_given.labels if first_given is not None else _kept(given, np.shape(made)))


def _kept(given: list[Value | None], shape: tuple[int, ...]) -> Labels:
    """Names of axes by their sizes, where a function changed the shape."""
    known = {size: label for o in given if o is not None for size, label in zip(o.array.shape, o.labels, strict=True)}
    return tuple(known.get(size, "") for size in shape)


def windowed(sign: str, left: Value, right: Value, given: dict[str, Any]) -> Any_:
    """x ⋆ δ, the gradient of a convolution's filters; δ ∗ w, which spreads w over every place.

    `given`: the kernel's size, the stride, the padding, the dilation, groups, what is added at the end, by letters.
    """
    words = {"s": "stride", "p": "padding", "d": "dilation", "g": "groups", "o": "output_padding"}
    named = {words[letter]: one for letter, one in given.items() if letter != "k"}
    if sign == "∗":
        return called(f"conv_transpose{right.rank - 2}d", [left, right], named)
    space = len(given["k"]) if isinstance(given.get("k"), tuple) else max(left.rank - 2, 1)
    size = given.get("k") or tuple(
        1 + (large + 2 * p - 1 - (small - 1) * s) // d
        for large, small, s, p, d in zip(left.array.shape[-space:], right.array.shape[-space:],
                                         *(each(given.get(letter, usual), space) for letter, usual in
                                           (("s", 1), ("p", 0), ("d", 1))), strict=True))  # fmt: skip
    return called(f"conv{space}d_weight", [left, right, size], named)


def each(one: Any, space: int) -> tuple[int, ...]:
    """One number for every axis, or a number an axis."""
    return one if isinstance(one, tuple) else (one,) * space


def to_max(put: Value, within: Value, window: list[Any], keywords: dict[str, Any]) -> Any_:
    """Each entry at the place of the largest one of its window."""
    space = len(window[0]) if isinstance(window[0], tuple) else max(within.rank - 2, 1)
    found = called(f"max_pool{space}d_indices", [within, *window], keywords)
    return called(f"max_unpool{space}d", [put, found, within.array.shape[-space:]], {})


def shared(put: Value, kernel: Any, size: Any = None, stride: Any = None, padding: Any = 0, **rest: Any) -> Any_:
    """Each entry of `put`, in equal shares at the places of its window."""
    space = len(kernel) if isinstance(kernel, tuple) else max(put.rank - 2, 1)
    steps = each(kernel if stride is None else stride, space)
    size = size or tuple((count - 1) * step + k - 2 * p for count, step, k, p in
                         zip(put.array.shape[-space:], steps, each(kernel, space), each(padding, space), strict=True))
    return called(f"avg_unpool{space}d", [put, size, kernel], {"stride": steps, "padding": padding, **rest})


def axes_named(letters: str, operand: Value) -> tuple[int, ...]:
    """The axes with these names, in small letters or, beside a node that is called so, in capitals."""
    found = []
    for letter in letters:
        places = [i for i, label in enumerate(operand.labels) if label == letter.lower()]
        if len(places) != 1:
            raise UnclearError(f"{len(places)} axes of {operand.labels} are called {letter}")
        found.append(places[0])
    return tuple(found)


def root(base: Any_) -> Any_:
    """A square root, entry by entry."""
    return pointwise(np.sqrt, base)


def number(text: str) -> Value:
    """A literal."""
    return value(math.inf if text == "∞" else float(text))
