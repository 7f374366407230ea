"""Leaf values: a number or nested list, or a mapping that gives a shape, a random start or a data file.

Shapes are known when a leaf is read; the numbers are made later, by its `load`, so that memory can be estimated
before anything is allocated.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from backprop_cli.errors import SpecError
from backprop_cli.spec.datafiles import data_file
from backprop_cli.spec.initial import INITS, OTHER_INITS, Init, init_load
from backprop_cli.spec.model import Leaf, Shape, Size
from backprop_cli.spec.reading import Reading, describe, known, mapping, scalar, wrong_type
from backprop_cli.spec.source import Text
from backprop_cli.spec.suggest import did_you_mean
from backprop_cli.spec.tree import Mapping, Node, Scalar, Sequence

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_RANK = 8
MAX_SIZE = 2**31 - 1
EXACT = 2**53  # above it, float64 skips whole numbers

Load = Callable[[], "NDArray[Any]"]
Fields = dict[str, Node]


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
    if not node.items:
        raise SpecError("E008", f"{_entry(what, index)} is an empty list", at=node.at.place())
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


def _agree(actual: Shape, fields: Fields, reading: Reading, what: str) -> Shape:
    """The shape written beside a value, which names its sizes and must be the value's."""
    if "shape" not in fields:
        return actual
    written = read_shape(fields["shape"], reading.dims)
    if written != actual:
        hint = "to fill an array with one number: {shape: [...], init: constant, value: 3}" if not actual else None
        message = f"{what} has shape {plain(actual)}, but its 'shape' says {plain(written)}"
        raise SpecError("E014", message, at=fields["shape"].at.place(), hint=hint)
    return written


def plain(shape: Shape) -> str:
    """A shape as numpy prints it, with the names of its sizes: `(N=5, 3)`."""
    sizes = [f"{size.name}={int(size)}" if isinstance(size, Size) and size.name else str(size) for size in shape]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


# ── leaves ───────────────────────────────────────────────────────────────────────────────────────


def read_leaf(reading: Reading, name: Text, kind: Literal["input", "param"], node: Node) -> Leaf:
    """An input or param from its value in the spec.

    Raises:
        SpecError: E007, E008, E014 or E024 at the place.
        FileError: E001 or E020 for a data file.
    """
    form = _form(node) if isinstance(node, Mapping) else FORMS["value"]
    fields = _fields(node, form) if isinstance(node, Mapping) else {"value": node}
    shape, load = form.read(reading, name, fields)
    return Leaf(name.text, kind, shape, load, name)


def _from_value(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, Load]:
    if isinstance(fields["value"], Scalar) and fields["value"].value is None:
        hint = "write a number, a list, or {shape: [2, 3]}"
        raise SpecError("E008", f"{name.text!r} has no value", at=name.place(), hint=hint)
    found = numbers(fields["value"], name.text)
    for entry in found.rounded[:1]:
        reading.warn("rounded", name.text, f"{entry.raw[:40]} is above 2**53 and is rounded to {float(entry.raw):.17g}")
    return _agree(found.shape, fields, reading, name.text), found.load


def _from_shape(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, None]:
    return read_shape(fields["shape"], reading.dims), None


def _from_file(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, Load]:
    file = scalar(fields["file"], "'file' is the name of a file").text
    key = scalar(fields["key"], "'key' is a name in the .npz file").text if "key" in fields else None
    written = read_shape(fields["shape"], reading.dims) if "shape" in fields else None
    data = data_file(reading.folder, file, key, confined=reading.confined)
    if written is not None and data.loose and _without_ones(written) == _without_ones(data.shape):
        data = replace(data, shape=tuple(map(int, written)))
    return _agree(data.shape, fields, reading, file.text), data.load


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _from_init(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, Load]:
    kind = scalar(fields["init"], "'init' names a kind of start, such as normal").text
    init = INITS.get(kind.text)
    if init is None:
        hint = did_you_mean(kind.text, INITS, OTHER_INITS) or f"the kinds are {', '.join(INITS)}"
        raise SpecError("E008", f"unknown init {kind.text!r}", at=kind.place(), hint=hint)
    if "shape" not in fields:
        raise SpecError("E008", "an initial value needs a 'shape'", at=kind.place(),
                        hint=f"{{shape: [2, 3], init: {kind.text}}}")
    options = _init_options(init, kind, fields)
    shape = read_shape(fields["shape"], reading.dims)
    if init.problem(shape, options):
        raise SpecError("E008", f"init {kind.text!r} {init.problem(shape, options)}", at=kind.place())
    return shape, init_load(init, name.text, tuple(map(int, shape)), options)


def _init_options(init: Init, kind: Text, fields: Fields) -> dict[str, float]:
    """The options of an initial value: the defaults, with what the spec gives."""
    given = {key: value for key, value in fields.items() if key not in {"init", "shape"}}
    for key, value in given.items():
        if key not in init.options:
            takes = f"it takes {', '.join(init.options)}" if init.options else "it takes no options"
            raise SpecError("E007", f"init {kind.text!r} has no option {key!r}", at=value.at.place(), hint=takes)
    read = {key: _seed(value) if key == "seed" else _finite(key, value) for key, value in given.items()}
    return {**init.options, **read}


def _finite(key: str, node: Node) -> float:
    value = numbers(node, f"'{key}'")
    if value.shape or not math.isfinite(value.flat[0]):
        raise wrong_type(node, f"{key!r} is a finite number")
    return value.flat[0]


def _seed(node: Node) -> int:
    if not isinstance(node, Scalar) or type(node.value) is not int or not 0 <= node.value < 2**64:
        raise wrong_type(node, "'seed' is a whole number from 0")
    return node.value


@dataclass(frozen=True, slots=True)
class Form:
    """One way to write a leaf's mapping: the keys it may have, and how they are read."""

    keys: Collection[str]
    read: Callable[[Reading, Text, Fields], tuple[Shape, Load | None]]


_INIT_KEYS = tuple(dict.fromkeys(option for init in INITS.values() for option in init.options))

FORMS: dict[str, Form] = {  # the first whose name is a key of the mapping decides
    "file": Form(("file", "key", "shape"), _from_file),
    "init": Form(("init", "shape", *_INIT_KEYS), _from_init),
    "value": Form(("value", "shape"), _from_value),
    "shape": Form(("shape",), _from_shape),
}
_KEYS = tuple(dict.fromkeys(key for form in FORMS.values() for key in form.keys))
_OTHER_KEYS = {"values": "value", "data": "value", "size": "shape", "path": "file", "scale": "std", "sigma": "std",
               "mu": "mean", "loc": "mean", "initializer": "init", "random": "init", "min": "low", "max": "high"}


def _form(node: Mapping) -> Form:
    known(node, _KEYS, "a leaf", _OTHER_KEYS)
    found = {key.raw for key, _ in node.items}
    form = next((form for name, form in FORMS.items() if name in found), None)
    if form is None:
        hint = "write {value: ...}, {shape: [2, 3]}, {shape: [2, 3], init: normal} or {file: w.npy}"
        raise SpecError("E008", "a leaf's mapping needs one of value, shape, init, file", at=node.at.place(), hint=hint)
    return form


def _fields(node: Mapping, form: Form) -> Fields:
    for key, _ in node.items:
        if key.raw not in form.keys:
            main = next(name for name, row in FORMS.items() if row is form)
            hint = f"beside {main!r} stand {', '.join(name for name in form.keys if name != main)}"
            if main == "shape":
                hint = f"{key.raw!r} goes with 'init'" if key.raw in _INIT_KEYS else f"{key.raw!r} goes with 'file'"
            raise SpecError("E007", f"{key.raw!r} does not go with {main!r}", at=key.at.place(), hint=hint)
    return {key.raw: value for key, value in mapping(node, "").items}
