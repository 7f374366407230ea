"""Leaf values: a number or nested list, or a mapping that gives a shape, a random start or a data file.

Shapes are known when a leaf is read; the numbers are made later, by its `load`, so that memory can be estimated
before anything is allocated.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, Literal

from backprop_cli.errors import SpecError
from backprop_cli.language.arrays import numbers, plain, read_shape
from backprop_cli.language.claims import CLAIMS, read_claims
from backprop_cli.language.initial import INITS, OTHER_INITS, Init, init_load
from backprop_cli.language.model import Leaf, Shape
from backprop_cli.language.reading import Reading, known, mapping, scalar, wrong_type
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Mapping, Node, Scalar
from backprop_cli.records import dataclass, replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

Load = Callable[[], "NDArray[Any]"]
Fields = dict[str, Node]


def read_leaf(reading: Reading, name: Text, kind: Literal["input", "param"], node: Node) -> Leaf:
    """An input or param from its value in the spec.

    Raises:
        SpecError: E007, E008, E014 or E024 at the place.
        FileError: E001 or E020 for a data file.
    """
    form = _form(node) if isinstance(node, Mapping) else FORMS["value"]
    given = _fields(node, form) if isinstance(node, Mapping) else {"value": node}
    fields = {key: value for key, value in given.items() if key not in CLAIMS}
    shape, load = form.read(reading, name, fields)
    claims = read_claims(name.text, shape, {key: value for key, value in given.items() if key in CLAIMS})
    return Leaf(name.text, kind, shape, load, name, _written(form, fields), claims)


def _written(form: Form, fields: Fields) -> dict[str, object] | None:
    """What a leaf's mapping says beside its shape; None where it holds the numbers themselves."""
    if form is FORMS["value"]:
        return None
    return {key: value.value for key, value in fields.items() if key != "shape" and isinstance(value, Scalar)}


def _from_value(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, Load]:
    if isinstance(fields["value"], Scalar) and fields["value"].value is None:
        hint = "write a number, a list, or {shape: [2, 3]}"
        raise SpecError("E008", f"{name.text!r} has no value", at=name.place(), hint=hint)
    found = numbers(fields["value"], name.text)
    for entry in found.rounded[:1]:
        rounded = float(entry.value or 0)
        reading.warn("rounded", name.text, f"{entry.raw[:40]} is above 2**53 and is rounded to {rounded:.17g}")
    if "shape" in fields and 0 in found.shape and 0 in (empty := read_shape(fields["shape"], reading.dims)):
        return empty, lambda: found.load().reshape(tuple(map(int, empty)))  # a list of nothing shows no sizes behind
    return _agree(found.shape, fields, reading, name.text), found.load


def _from_shape(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, None]:
    return read_shape(fields["shape"], reading.dims), None


def _from_file(reading: Reading, name: Text, fields: Fields) -> tuple[Shape, Load]:
    file = scalar(fields["file"], "'file' is the name of a file").text
    key = scalar(fields["key"], "'key' is a name in the .npz file").text if "key" in fields else None
    written = read_shape(fields["shape"], reading.dims) if "shape" in fields else None
    from backprop_cli.language.datafiles import data_file

    data = data_file(reading.folder, file, key, confined=reading.confined)
    reading.files.append(os.path.join(reading.folder or "", file.text))
    if written is not None and data.loose and _without_ones(written) == _without_ones(data.shape):
        data = replace(data, shape=tuple(map(int, written)))
    return _agree(data.shape, fields, reading, file.text), data.load


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


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
    known(node, (*_KEYS, *CLAIMS), "a leaf", _OTHER_KEYS)
    found = {key.raw for key, _ in node.items}
    form = next((form for name, form in FORMS.items() if name in found), None)
    if form is None:
        hint = "write {value: ...}, {shape: [2, 3]}, {shape: [2, 3], init: normal} or {file: w.npy}"
        raise SpecError("E008", "a leaf's mapping needs one of value, shape, init, file", at=node.at.place(), hint=hint)
    return form


def _fields(node: Mapping, form: Form) -> Fields:
    for key, _ in node.items:
        if key.raw not in form.keys and key.raw not in CLAIMS:
            main = next(name for name, row in FORMS.items() if row is form)
            hint = f"beside {main!r} stand {', '.join(name for name in form.keys if name != main)}"
            if main == "shape":
                hint = f"{key.raw!r} goes with 'init'" if key.raw in _INIT_KEYS else f"{key.raw!r} goes with 'file'"
            raise SpecError("E007", f"{key.raw!r} does not go with {main!r}", at=key.at.place(), hint=hint)
    return {key.raw: value for key, value in mapping(node, "").items}
