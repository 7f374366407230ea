"""Literal arrays and shapes of a spec, with errors at the very entry that is wrong."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.errors import SpecError
from backprop_cli.language.literals import EXACT, Literal
from backprop_cli.language.model import Shape, Size
from backprop_cli.language.reading import describe, scalar, wrong_type
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Node, Scalar, Sequence
from backprop_cli.records import dataclass

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_RANK: Final = 8
MAX_SIZE: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Numbers:
    """A literal array: its shape, its numbers in row order, and the whole numbers that float64 rounds."""

    shape: Shape
    flat: array[float]
    rounded: tuple[Scalar, ...] = ()

    def load(self) -> NDArray[Any]:
        """The float64 array."""
        import numpy as np

        return np.array(self.flat, dtype=np.float64).reshape(self.shape)


# ── literals ─────────────────────────────────────────────────────────────────────────────────────


def numbers(node: Node, what: str) -> Numbers:
    """Read a number or nested list; `what` is its name for errors.

    Raises:
        SpecError: E008 at an entry that is no number, E014 at a ragged list, E005 above rank 8.
    """
    flat = array("d")
    rounded: list[Scalar] = []
    shape = _gather(node, what, (), flat, rounded)
    return Numbers(shape, flat, tuple(rounded))


def _gather(node: Node, what: str, index: Shape, flat: array[float], rounded: list[Scalar]) -> Shape:
    """Append the numbers below `node`; its shape."""
    if not isinstance(node, Sequence):
        flat.append(_number(node, what, index, rounded))
        return ()
    if isinstance(node, Literal) and len(index) + len(node.shape) <= MAX_RANK:
        flat.extend(node.flat)
        return node.shape
    if not node.items:
        return (0,)
    if len(index) == MAX_RANK:
        raise SpecError("E005", f"{what} has more than {MAX_RANK} axes", at=node.at.place())
    if _plain_floats(node.items, flat):
        return (len(node.items),)
    shapes = [_gather(item, what, (*index, i), flat, rounded) for i, item in enumerate(node.items)]
    _check_equal(shapes, node, what, index)
    return (len(shapes), *shapes[0])


def _plain_floats(items: list[Node], flat: array[float]) -> bool:
    """The fast path: append a list of ordinary numbers at once, or do nothing."""
    values = [item.value for item in items if type(item) is Scalar]
    if len(values) < len(items) or not set(map(type, values)) <= {int, float}:
        return False
    if any(type(value) is int and not -EXACT <= value <= EXACT for value in values):
        return False
    if math.inf in values or -math.inf in values:
        return False
    flat.extend(values)  # type: ignore[arg-type]  # all int or float, by the line above
    return True


def _number(node: Node, what: str, index: Shape, rounded: list[Scalar]) -> float:
    if not isinstance(node, Scalar) or type(node.value) not in {int, float}:
        raise SpecError("E008", f"{_entry(what, index)} is {describe(node)}, not a number", at=node.at.place(),
                        hint=_number_hint(node))
    value = node.value
    if isinstance(value, int) and abs(value) > EXACT:
        rounded.append(node)
    try:
        number = float(value)  # type: ignore[arg-type]  # checked above
    except OverflowError:
        number = math.inf
    if math.isinf(number) and "inf" not in node.raw.lower():
        raise SpecError("E008", f"the number {node.raw[:40]} is out of range", at=node.at.place(),
                        hint="numbers are float64: at most about 1.8e308; infinity is .inf")
    return number


def _number_hint(node: Node) -> str | None:
    """What to write instead of a text where a number stands."""
    if not isinstance(node, Scalar):
        return None
    word = node.raw.strip().lower()
    if word.lstrip("+-") in {"inf", "infinity", "nan"}:
        return f"write {word.replace('infinity', 'inf').replace('inf', '.inf').replace('nan', '.nan')}"
    if isinstance(node.value, str) and node.style:
        return "write numbers without quotes"
    return "leaves are numbers; compute in nodes" if isinstance(node.value, str) else None


def _entry(what: str, index: Shape) -> str:
    return f"{what}{list(index)}" if index else what


def _check_equal(shapes: list[Shape], node: Sequence, what: str, index: Shape) -> None:
    """Every item of a list must have the shape of the first."""
    for i, shape in enumerate(shapes):
        if shape != shapes[0]:
            first, here = _entry(what, (*index, 0)), _entry(what, (*index, i))
            message = f"a ragged list: {here} {_size(shape)}, {first} {_size(shapes[0])}"
            raise SpecError("E014", message, at=node.items[i].at.place(), hint="rows of an array are equally long")


def _size(shape: Shape) -> str:
    if not shape:
        return "is a number"
    if len(shape) == 1:
        return f"has {shape[0]} {'entry' if shape[0] == 1 else 'entries'}"
    return f"has shape {shape}"


# ── shapes ───────────────────────────────────────────────────────────────────────────────────────


def read_shape(node: Node, dims: dict[str, Size]) -> Shape:
    """A shape of numbers and names of `dims`; one size alone is a shape of one axis.

    Raises:
        SpecError: E024 for an unknown name, E008 for what is no size, E005 above rank 8.
    """
    items = node.items if isinstance(node, Sequence) else [node]
    if len(items) > MAX_RANK:
        raise SpecError("E005", f"a shape of more than {MAX_RANK} axes", at=node.at.place())
    return tuple(_axis(item, dims) for item in items)


def _axis(node: Node, dims: dict[str, Size]) -> int:
    value = scalar(node, "a shape holds sizes, as in [N, 3]")
    if type(value.value) is int and value.value == 0:  # an axis without entries; sums over it are 0
        return 0
    if not isinstance(value.value, str):
        return read_size(value)
    if value.raw not in dims:
        hint = did_you_mean(value.raw, dims) or f"define it: dims: {{{value.raw}: 5}}"
        raise SpecError("E024", f"unknown size {value.raw!r}", at=value.at.place(), hint=hint)
    return dims[value.raw]


def read_size(node: Node) -> int:
    """A whole number from 1."""
    if not isinstance(node, Scalar) or type(node.value) is not int or node.value < 1:
        raise wrong_type(node, "a size is a whole number from 1")
    if node.value > MAX_SIZE:
        raise SpecError("E005", f"a size of more than {MAX_SIZE}", at=node.at.place())
    return node.value


def plain(shape: Shape) -> str:
    """A shape as numpy prints it, with the names of its sizes: `(N=5, 3)`."""
    sizes = [f"{size.name}={int(size)}" if isinstance(size, Size) and size.name else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"
