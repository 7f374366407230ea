"""What each key of a spec means: one handler a key, all of the form (reading, key, value)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from backprop_cli.errors import SpecError
from backprop_cli.language.arrays import numbers, read_size
from backprop_cli.language.expression import Expression, notes
from backprop_cli.language.model import Function, NodeSpec, Pass, Size
from backprop_cli.language.names import check_name
from backprop_cli.language.reading import (
    Reading,
    expression,
    known,
    mapping,
    name_list,
    scalar,
    unknown_key,
    wrong_type,
)
from backprop_cli.language.source import Text
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.language.tree import Mapping, Node, Scalar, Sequence
from backprop_cli.language.values import read_leaf

if TYPE_CHECKING:
    from numpy.typing import NDArray

DTYPES = ("float64", "float32")
_OTHER_DTYPES = {"double": "float64", "float": "float64", "f8": "float64", "single": "float32", "f4": "float32",
                 "torch.float32": "float32", "torch.float64": "float64", "fp32": "float32", "fp64": "float64"}


def title(reading: Reading, key: Scalar, value: Node) -> None:
    """`title` and `description`: text for reports."""
    reading.settings[key.raw] = scalar(value, f"{key.raw!r} is text").raw


def dims(reading: Reading, key: Scalar, value: Node) -> None:
    """`dims`: named sizes."""

    def entry(name: Scalar, size: Node) -> None:
        defined = reading.define(name.text, "dims")
        reading.dims[defined] = Size(1, defined)  # stands in where the size is wrong, so shapes do not fail too
        reading.dims[defined] = Size(read_size(size), defined)

    reading.each(value, "dims", entry)


def inputs(reading: Reading, key: Scalar, value: Node) -> None:
    """`inputs`: leaves that are data."""
    _leaves(reading, "inputs", "input", value)


def params(reading: Reading, key: Scalar, value: Node) -> None:
    """`params`: leaves whose gradient is wanted."""
    _leaves(reading, "params", "param", value)


def _leaves(reading: Reading, section: str, kind: Literal["input", "param"], value: Node) -> None:
    def entry(name: Scalar, given: Node) -> None:
        reading.define(name.text, section)
        reading.leaves.append(read_leaf(reading, name.text, kind, given))

    reading.each(value, section, entry)


def nodes(reading: Reading, key: Scalar, value: Node) -> None:
    """`nodes`: one expression each."""

    def entry(name: Scalar, given: Node) -> None:
        at = name.text
        defined = reading.define(at, "nodes")
        written, text = expression(given, f"node {defined!r}")
        for note in notes(written) if "." in text.text else ():  # only a word behind a dot is read as another
            reading.warn("spelling", defined, note)
        reading.nodes.append(NodeSpec(defined, written, text, at))

    reading.each(value, "nodes", entry)


# ── functions ────────────────────────────────────────────────────────────────────────────────────

_FUNCTION_KEYS = ("args", "body", "grads")
_OTHER_FUNCTION_KEYS = {"arguments": "args", "inputs": "args", "params": "args", "expr": "body", "value": "body",
                        "grad": "grads", "gradients": "grads", "backward": "grads", "forward": "body"}


def functions(reading: Reading, key: Scalar, value: Node) -> None:
    """`functions`: the user's own."""

    def entry(name: Scalar, given: Node) -> None:
        defined = check_name(name.text, "function name")
        reading.functions[defined] = _function(reading, name.text, given)

    reading.each(value, "functions", entry)


def _function(reading: Reading, name: Text, given: Node) -> Function:
    what = f"function {name.text!r}"
    fields = known(mapping(given, f"{what} holds args and body"), _FUNCTION_KEYS, what, _OTHER_FUNCTION_KEYS)
    for wanted in ("args", "body"):
        if wanted not in fields:
            hint = "{args: [x], body: x * sigmoid(x)}"
            raise SpecError("E008", f"{what} needs {wanted!r}", at=name.place(), hint=hint)
    args = _args(fields["args"], what)
    body, text = expression(fields["body"], f"the body of {what}")
    grads = _grads(reading, fields["grads"], args, what) if "grads" in fields else {}
    return Function(name.text, args, body, text, grads, name)


def _args(node: Node, what: str) -> tuple[str, ...]:
    args: list[str] = []
    for text in name_list(node, "args"):
        if check_name(text, "argument name") in args:
            raise SpecError("E006", f"{what} has the argument {text.text!r} twice", at=text.place())
        args.append(text.text)
    return tuple(args)


def _grads(reading: Reading, node: Node, args: tuple[str, ...], what: str) -> dict[str, tuple[Expression, Text]]:
    grads: dict[str, tuple[Expression, Text]] = {}

    def entry(name: Scalar, given: Node) -> None:
        if name.raw not in args:
            raise unknown_key(name, args, f"the grads of {what}")
        grads[name.raw] = expression(given, f"the gradient of {name.raw!r}")

    reading.each(node, "grads", entry)
    return grads


# ── what to differentiate ────────────────────────────────────────────────────────────────────────


def output(reading: Reading, key: Scalar, value: Node) -> None:
    """`output`: the expression to go back from."""
    reading.settings["output"] = expression(value, "'output'")


def grad_output(reading: Reading, key: Scalar, value: Node) -> None:
    """`grad_output`: the seed."""
    reading.settings["grad_output"] = read_seed(value)
    reading.settings["grad_output_at"] = value.at


def read_seed(node: Node) -> NDArray[Any] | Literal["ones"]:
    """A number, an array or `ones`."""
    if isinstance(node, Scalar) and node.raw == "ones":
        return "ones"
    if isinstance(node, Mapping) or (isinstance(node, Scalar) and type(node.value) not in {int, float}):
        raise wrong_type(node, "'grad_output' is a number, an array or 'ones'")
    return numbers(node, "grad_output").load()


def wrt(reading: Reading, key: Scalar, value: Node) -> None:
    """`wrt`: which leaves to differentiate."""
    named = name_list(value, "wrt")
    alone = len(named) == 1 and named[0].text == "all" and isinstance(value, Scalar)
    reading.settings["wrt"] = "all" if alone else named


def check_wrt(named: tuple[Text, ...], leaves: list[str], nodes: list[str]) -> list[SpecError]:
    """An error for each name that is no leaf."""
    errors = []
    for text in named:
        if text.text in nodes:
            hint = "every node's gradient is computed anyway; wrt chooses inputs and params"
            errors.append(SpecError("E008", f"{text.text!r} is a node, not a leaf", at=text.place(), hint=hint))
        elif text.text not in leaves:
            hint_ = did_you_mean(text.text, leaves) or (f"the leaves are {', '.join(leaves[:8])}" if leaves else None)
            errors.append(SpecError("E011", f"unknown leaf {text.text[:64]!r}", at=text.place(), hint=hint_))
    return errors


def hooks(reading: Reading, key: Scalar, value: Node) -> None:
    """`hooks`: what replaces the gradient that arrives at a node."""
    found: dict[str, tuple[Expression, Text]] = reading.settings.setdefault("hooks", {})

    def entry(name: Scalar, given: Node) -> None:
        if name.raw not in reading.defined or name.raw in reading.dims:
            names = [known for known in reading.defined if known not in reading.dims]
            raise SpecError("E011", f"unknown node {name.raw[:64]!r} in hooks", at=name.text.place(),
                            hint=did_you_mean(name.raw, names))
        found[name.raw] = expression(given, f"the hook of {name.raw!r}")

    reading.each(value, "hooks", entry)


MOST_PASSES = 500
"""Each is gone back over, printed and kept, and nobody reads so many."""


def backward(reading: Reading, key: Scalar, value: Node) -> None:
    """`backward`: several passes whose gradients add up."""
    if not isinstance(value, Sequence) or not value.items:
        raise wrong_type(value, "'backward' is a list of passes", "backward: [{output: a}, {output: b}]")
    if len(value.items) > MOST_PASSES:
        many = f"'backward' lists {len(value.items):,} passes, more than {MOST_PASSES:,}"
        raise SpecError("E005", many, at=value.at.place(), hint=f"specs of {MOST_PASSES:,} each would do")
    passes: list[Pass] = []
    for item in value.items:
        with reading.collecting():
            passes.append(_pass(item))
    reading.settings["backward"] = tuple(passes)


def _pass(item: Node) -> Pass:
    if isinstance(item, Scalar):
        return Pass(*expression(item, "a pass"), None, item.text)
    fields = known(mapping(item, "a pass holds output and grad_output"), ("output", "grad_output"), "a pass")
    if "output" not in fields:
        raise SpecError("E008", "a pass needs an 'output'", at=item.at.place(), hint="{output: loss, grad_output: 1}")
    seed = read_seed(fields["grad_output"]) if "grad_output" in fields else None
    return Pass(*expression(fields["output"], "'output'"), seed, item.at)


def dtype(reading: Reading, key: Scalar, value: Node) -> None:
    """`dtype`: float64 or float32."""
    reading.settings["dtype"] = read_dtype(scalar(value, "'dtype' is float64 or float32").text)


def read_dtype(text: Text) -> str:
    """One of the two dtypes."""
    if text.text not in DTYPES:
        hint = did_you_mean(text.text, DTYPES, _OTHER_DTYPES) or "the dtypes are float64 and float32"
        raise SpecError("E008", f"unknown dtype {text.text[:64]!r}", at=text.place(), hint=hint)
    return text.text
