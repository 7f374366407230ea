"""A layer while it is expanded: its options, and the params and nodes it adds to the spec."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

from backprop_cli.errors import SpecError
from backprop_cli.language.arrays import numbers, plain, read_size
from backprop_cli.language.expression import parse
from backprop_cli.language.initial import INITS, OTHER_INITS, fans, init_load
from backprop_cli.language.model import Leaf, NodeSpec, Shape
from backprop_cli.language.names import check_name
from backprop_cli.language.reading import Reading, scalar, wrong_type
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Node, Scalar, Sequence
from backprop_cli.records import dataclass, field

MAX_NODES = 20_000  # of one spec's layers: an unrolled cell makes several a step

INIT_KEYS = ("init", "seed", "std", "mean", "low", "high", "gain", "value")
_SCALED = {"xavier": lambda gain, fan_in, fan_out: gain * math.sqrt(2 / (fan_in + fan_out)),
           "kaiming": lambda gain, fan_in, fan_out: gain / math.sqrt(fan_in)}  # fmt: skip
"""Standard deviations that depend on the number of inputs and outputs of a layer."""


@dataclass(frozen=True, slots=True)
class Start:
    """How the weights of a layer begin."""

    kind: str = "xavier_uniform"
    options: Mapping[str, float] = field(default_factory=lambda: {"seed": 0})

    def written(self, shape: Shape, fan_in: int, fan_out: int) -> dict[str, object]:
        """The start as a leaf of the spec says it.

        A leaf's xavier and kaiming read the fans off a shape (out, in, ...), PyTorch's.  Weights of shape (in, out), as
        in x @ W, have other ones: where that makes a difference they are written as the plain draw that they are.
        """
        family, _, law = self.kind.partition("_")
        if family not in _SCALED:
            return {"init": self.kind, **self.options}
        gain = self.options.get("gain", INITS[self.kind].options["gain"])
        std = _SCALED[family](gain, fan_in, fan_out)
        if std == _SCALED[family](gain, *fans(shape)):
            return {"init": self.kind, **self.options}
        bounds = {"std": std} if law == "normal" else {"low": -math.sqrt(3) * std, "high": math.sqrt(3) * std}
        return {"init": law, **bounds, "seed": self.options.get("seed", 0)}


@dataclass(slots=True)
class Naming:
    """Textbook names: a layer with weights begins a new index, and what follows it shares the index."""

    index: int = 0
    used: dict[str, int] = field(default_factory=dict)

    def name(self, letter: str, label: str | None) -> str:
        """`W_1`; a second one of the same index is `W_1_2`."""
        name = f"{letter}_{label or max(1, self.index)}"
        self.used[name] = self.used.get(name, 0) + 1
        return name if self.used[name] == 1 else f"{name}_{self.used[name]}"


@dataclass(slots=True)
class Stack:
    """Layers one after the other: what flows (a name and its shape), and what all of them add to."""

    reading: Reading
    nodes: list[NodeSpec]
    naming: Naming
    start: Start
    value: str
    shape: Shape
    shapes: dict[str, Shape]  # of every leaf, and of every node made by layers
    label: str | None = None  # what the names of its parts end in, instead of a number


@dataclass(slots=True)
class Layer:
    """One layer: its word in the file, its options, its stack."""

    stack: Stack
    kind: str
    at: Text
    fields: Mapping[str, Node]
    label: str | None
    start: Start

    # errors ──────────────────────────────────────────────────────────────────────────────────────

    def error(self, code: str, message: str, key: str | None = None, hint: str | None = None) -> SpecError:
        """An error at an option, or at the layer's word."""
        at = self.at if key is None or key not in self.fields else self.fields[key].at
        return SpecError(code, f"{self.kind}: {message}", at=at.place(), hint=hint)

    def needs_rank(self, *ranks: int, axes: str) -> None:
        """What flows in has one of these ranks.

        Raises:
            SpecError: E014.
        """
        if len(self.stack.shape) not in ranks:
            raise self.error("E014", f"takes {axes}, but {self.stack.value!r} has shape {plain(self.stack.shape)}")

    # options ─────────────────────────────────────────────────────────────────────────────────────

    def size(self, key: str, default: int | None = None) -> int:
        """A size: a whole number from 1 or the name of one."""
        node = self.fields.get(key)
        if node is None:
            if default is None:
                raise self.error("E008", f"needs {key!r}", hint=f"{self.kind}: {{{key}: 4}}")
            return default
        named = self.stack.reading.dims.get(node.raw) if isinstance(node, Scalar) else None
        return named if named is not None else read_size(node)

    def whole(self, key: str, default: int) -> int:
        """A whole number from 0."""
        node = self.fields.get(key)
        if node is None:
            return default
        if not isinstance(node, Scalar) or type(node.value) is not int or node.value < 0:
            raise wrong_type(node, f"{key!r} is a whole number from 0")
        return node.value

    def number(self, key: str) -> str | None:
        """The text of a number; None where it is not given."""
        node = self.fields.get(key)
        if node is None:
            return None
        value = node.value if isinstance(node, Scalar) else None
        if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e300:
            raise wrong_type(node, f"{key!r} is a number")
        return repr(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        node = self.fields.get(key)
        if node is None:
            return default
        if not isinstance(node, Scalar) or not isinstance(node.value, bool):
            raise wrong_type(node, f"{key!r} is true or false")
        return node.value

    def choice(self, key: str, default: str, among: tuple[str, ...]) -> str:
        """One of some words."""
        node = self.fields.get(key)
        if node is None:
            return default
        text = scalar(node, f"{key!r} is {' or '.join(among)}").text
        if text.text not in among:
            hint = did_you_mean(text.text, among) or f"one of {', '.join(among)}"
            raise SpecError("E008", f"{self.kind}: unknown {key} {text.text[:64]!r}", at=text.place(), hint=hint)
        return text.text

    def known(self, key: str) -> str | None:
        """The name of a leaf or node; None where it is not given."""
        node = self.fields.get(key)
        if node is None:
            return None
        text = scalar(node, f"{key!r} is the name of an input or node").text
        if text.text not in self.stack.reading.defined:
            hint = did_you_mean(text.text, self.stack.reading.defined)
            raise SpecError("E011", f"{self.kind}: unknown name {text.text[:64]!r}", at=text.place(), hint=hint)
        return text.text

    def windows(self, key: str, space: int, default: tuple[int, ...] | None, least: int) -> tuple[int, ...]:
        """One whole number for all axes of the windows, or one an axis."""
        node = self.fields.get(key)
        if node is None:
            if default is None:
                raise self.error("E008", f"needs {key!r}", hint=f"{self.kind}: {{{key}: 2}}")
            return default
        items = node.items if isinstance(node, Sequence) else [node] * space
        wanted = f"{key!r} is a whole number from {least}" + (f", or {space} of them" if space > 1 else "")
        if len(items) != space:
            raise wrong_type(node, wanted)
        for item in items:
            if not isinstance(item, Scalar) or type(item.value) is not int or not least <= item.value < 2**31:
                raise wrong_type(item, wanted)
        return tuple(item.value for item in items if isinstance(item, Scalar) and isinstance(item.value, int))

    # what it adds ────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> None:
        """A layer with weights begins a new index."""
        self.stack.naming.index += 1

    def name(self, letter: str) -> str:
        """A new name."""
        return self.stack.naming.name(letter, self.label)

    def param(self, letter: str, shape: Shape, fan_in: int | None = None, fan_out: int | None = None,
              start: Start | None = None) -> str:
        """A param, or the one of that name that the spec gives itself.

        Weights need their fans; what has none begins with `start`.
        """
        name = self.name(letter)
        if self.stack.reading.defined.get(name, ("",))[0] == "params":
            return self._given(name, shape)
        begins = start or self.start
        written = begins.written(shape, fan_in or 1, fan_out or 1)
        return self.leaf(name, "param", shape, written)

    def _given(self, name: str, shape: Shape) -> str:
        found = self.stack.shapes[name]
        if found != shape:
            raise self.error("E014", f"{name!r} has shape {plain(found)}, the layer needs {plain(shape)}",
                             hint="give the param that shape, or the layer another name: {name: hidden}")
        return name

    def leaf(self, name: str, kind: Literal["input", "param"], shape: Shape, written: dict[str, Any]) -> str:
        """A leaf of the layer's own."""
        self._define(name)
        init = INITS[written["init"]]
        options = {**init.options, **{key: value for key, value in written.items() if key != "init"}}
        problem = init.problem(shape, options)
        if problem:
            raise self.error("E008", f"init {written['init']!r} {problem}", "init")
        load = init_load(init, name, tuple(map(int, shape)), options)
        self.stack.reading.leaves.append(Leaf(name, kind, shape, load, self.at.standing_for(name), written))
        self.stack.shapes[name] = shape
        return name

    def node(self, letter: str, expression: str, shape: Shape, name: str | None = None) -> str:
        """A node, from which the stack goes on."""
        name = name or self.name(letter)
        self._define(name)
        if len(self.stack.nodes) >= MAX_NODES:
            raise self.error("E005", f"the layers would make more than {MAX_NODES:,} nodes")
        text = self.at.standing_for(expression)
        self.stack.nodes.append(NodeSpec(name, parse(text), text, self.at.standing_for(name)))
        self.stack.value, self.stack.shape, self.stack.shapes[name] = name, shape, shape
        return name

    def _define(self, name: str) -> None:
        check_name(self.at.standing_for(name))
        if name in self.stack.reading.defined:
            section, _ = self.stack.reading.defined[name]
            message = f"makes {name!r}, a name already taken by {section!r}"
            raise self.error("E006", message, "name", "give the layer a name of its own: {name: hidden} makes z_hidden")
        self.stack.reading.defined[name] = ("layers", self.at)


Expand = Callable[[Layer], None]

ZEROS, ONES = Start("zeros", {}), Start("ones", {})


def read_start(fields: Mapping[str, Node], default: Start) -> Start:
    """`init` and its options.

    Raises:
        SpecError: E008 for an unknown kind, E007 for an option it does not have.
    """
    given = {key: fields[key] for key in INIT_KEYS if key in fields}
    kind = default.kind
    if "init" in given:
        text = scalar(given["init"], "'init' names a kind of start, such as xavier_uniform").text
        if text.text not in INITS:
            hint = did_you_mean(text.text, INITS, OTHER_INITS) or f"the kinds are {', '.join(INITS)}"
            raise SpecError("E008", f"unknown init {text.text[:64]!r}", at=text.place(), hint=hint)
        kind = text.text
    takes = INITS[kind].options
    shared = default.options if kind == default.kind else {"seed": default.options.get("seed", 0)}
    options = {key: value for key, value in shared.items() if key in takes}
    for key, node in given.items():
        if key != "init":
            if key not in takes:
                hint = f"it takes {', '.join(takes)}" if takes else "it takes no options"
                raise SpecError("E007", f"init {kind!r} has no option {key!r}", at=node.at.place(), hint=hint)
            options[key] = _option(key, node)
    return Start(kind, options)


def _option(key: str, node: Node) -> float:
    found = numbers(node, f"'{key}'")
    if found.shape or not math.isfinite(found.flat[0]):
        raise wrong_type(node, f"{key!r} is a finite number")
    if key != "seed":
        return found.flat[0]
    if not isinstance(node, Scalar) or type(node.value) is not int or not 0 <= node.value < 2**64:
        raise wrong_type(node, "'seed' is a whole number from 0")
    return node.value


__all__ = ["INIT_KEYS", "MAX_NODES", "ONES", "ZEROS", "Expand", "Layer", "Naming", "Stack", "Start", "read_start"]
