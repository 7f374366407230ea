"""Reading `layers`: one stack, or several by name, each a list of layers."""

from __future__ import annotations

from backprop_cli.errors import SpecError
from backprop_cli.language.arrays import read_shape
from backprop_cli.language.layers.attention import around
from backprop_cli.language.layers.kinds import KINDS, OTHER_KEYS, OTHER_KINDS, RESIDUAL
from backprop_cli.language.layers.layer import INIT_KEYS, Layer, Naming, Stack, Start, read_start
from backprop_cli.language.model import NodeSpec, Shape
from backprop_cli.language.reading import Reading, known, mapping, scalar, wrong_type
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence

EXAMPLE = "layers: [{linear: 4}, sigmoid, {linear: 3}]"
STACK_KEYS = ("input", "shape", "stack", *INIT_KEYS)
MAX_NESTING = 8  # of residual connections


def layers(reading: Reading, key: Scalar, value: Node) -> None:
    """`layers`: expanded into leaves and nodes, which come before those of `nodes`."""
    made: list[NodeSpec] = []
    shapes: dict[str, Shape] = {leaf.name: leaf.shape for leaf in reading.leaves}
    naming = Naming()
    for name, stack in _stacks(value):
        with reading.collecting():
            _expand(Stack(reading, made, naming, Start(), "", (), shapes), name, stack)
    reading.nodes[:0] = made


def _stacks(value: Node) -> list[tuple[Scalar | None, Node]]:
    """The stacks with their names; a stack alone has none."""
    if isinstance(value, Sequence) or isinstance(value, Mapping) and any(key.raw == "stack" for key, _ in value.items):
        return [(None, value)]
    return [*mapping(value, "'layers' is a list of layers, or stacks by name").items]


def _expand(stack: Stack, name: Scalar | None, value: Node) -> None:
    """Expand one stack; a named one gives its name to its last node."""
    alone = isinstance(value, Sequence)
    fields = {} if alone else known(mapping(value, "a stack is a list of layers"), STACK_KEYS, "a stack")
    listed = value if alone else fields.get("stack")
    if listed is None:
        raise SpecError("E008", "a stack needs 'stack', the list of its layers", at=value.at.place(), hint=EXAMPLE)
    stack.start = read_start(fields, Start())
    _input(stack, fields, value)
    before = len(stack.nodes)
    _run(stack, listed, 0)
    if name is not None and len(stack.nodes) > before:
        _rename_last(stack, name)


def _rename_last(stack: Stack, name: Scalar) -> None:
    last = stack.nodes[-1]
    stack.reading.define(name.text, "layers")
    del stack.reading.defined[last.name]
    stack.nodes[-1] = NodeSpec(name.raw, last.expression, last.text, name.text)
    stack.shapes[name.raw] = stack.shapes.pop(last.name)


def _input(stack: Stack, fields: dict[str, Node], value: Node) -> None:
    """What flows in: the leaf or node that `input` names, by default the first input."""
    reading = stack.reading
    if "input" in fields:
        text = scalar(fields["input"], "'input' names an input or node").text
        name, at = text.text, text
    else:
        leaf = next((leaf for leaf in reading.leaves if leaf.kind == "input"), None)
        if leaf is None:
            raise SpecError("E011", "layers without an input", at=value.at.place(),
                            hint="add a section 'inputs', or name what flows in: layers: {input: x, stack: [...]}")
        name, at = leaf.name, leaf.at
    if name not in reading.defined:
        raise SpecError("E011", f"unknown name {name[:64]!r}", at=at.place(), hint=did_you_mean(name, reading.defined))
    stack.value = name
    stack.shape = _input_shape(stack, name, at, fields)


def _input_shape(stack: Stack, name: str, at: Text, fields: dict[str, Node]) -> Shape:
    if "shape" in fields:
        shape = read_shape(fields["shape"], stack.reading.dims)
        if stack.shapes.get(name, shape) != shape:
            message = f"{name!r} has shape {tuple(stack.shapes[name])}, not {tuple(shape)}"
            raise SpecError("E014", message, at=fields["shape"].at.place())
        return shape
    if name not in stack.shapes:
        hint = f"write it beside 'input': {{input: {name}, shape: [N, 4], stack: [...]}}"
        raise SpecError("E014", f"layers have to know the shape of the node {name!r}", at=at.place(), hint=hint)
    return stack.shapes[name]


def _run(stack: Stack, listed: Node, depth: int) -> None:
    if not isinstance(listed, Sequence) or not listed.items:
        raise wrong_type(listed, "a stack is a list of layers", EXAMPLE)
    for item in listed.items:
        _layer(stack, item, depth)


def _layer(stack: Stack, item: Node, depth: int) -> None:
    """One layer: a word, or a word with its options."""
    if isinstance(item, Mapping) and len(item.items) == 1:
        word, value = item.items[0]
    elif isinstance(item, Mapping):
        raise wrong_type(item, "a layer is a word with its options", "write {linear: {out: 4, bias: false}}")
    else:
        word, value = scalar(item, "a layer is a word, or a word with its options", "{linear: 4}"), None
    if word.raw == RESIDUAL:
        _residual(stack, word, value, depth)
        return
    kind = KINDS.get(word.raw)
    if kind is None:
        names = [*KINDS, RESIDUAL]
        hint = did_you_mean(word.raw, names, OTHER_KINDS) or f"the layers are {', '.join(names)}"
        raise SpecError("E012", f"unknown layer {word.raw[:64]!r}", at=word.at.place(), hint=hint)
    fields = _fields(word, value, kind.options, bool(kind.keys))
    label = scalar(fields["name"], "'name' is a name").raw if "name" in fields else None
    start = read_start(fields, stack.start) if kind.weights else stack.start
    kind.expand(Layer(stack, word.raw, word.text, fields, label, start))


def _fields(word: Scalar, value: Node | None, keys: tuple[str, ...], short: bool) -> dict[str, Node]:
    """The options of a layer; `short`: a value alone stands for the first."""
    if value is None or isinstance(value, Scalar) and value.value is None:
        return {}
    if isinstance(value, Mapping):
        return known(value, keys, f"layer {word.raw!r}", {k: v for k, v in OTHER_KEYS.items() if v in keys})
    if not short:
        raise wrong_type(value, f"{word.raw!r} takes no value", f"write {word.raw} alone")
    return {keys[0]: value}


def _residual(stack: Stack, word: Scalar, value: Node | None, depth: int) -> None:
    """The layers inside, and what flowed in added to what comes out."""
    if value is None or depth >= MAX_NESTING:
        if value is None:
            raise SpecError("E008", "residual needs layers", at=word.at.place(), hint="residual: [{linear: 4}, relu]")
        raise SpecError("E005", f"residual connections nest more than {MAX_NESTING} deep", at=word.at.place())
    inside = value
    around(Layer(stack, RESIDUAL, word.text, {}, None, stack.start), lambda: _run(stack, inside, depth + 1))
