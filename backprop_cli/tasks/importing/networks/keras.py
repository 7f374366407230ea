"""Keras: layers, losses and models as the programs of `keras_layers`, and what every one of them has."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.records import dataclass
from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.networks import walk
from backprop_cli.tasks.importing.networks.keras_graph import Later, layers_of, traced
from backprop_cli.tasks.importing.networks.keras_layers import KERAS
from backprop_cli.tasks.importing.networks.written_out import definition_of, is_written, refused
from backprop_cli.tasks.importing.state.objects import WRITTEN, Function, Instance, Layer
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import Builtin, Library, Opaque, Part, Tensor, Unknown, Unread, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_UNSAID: Final = frozenset({"name", "dtype", "input_shape", "input_dim", "batch_input_shape", "batch_size", "seed",
                           "implementation", "unroll"})  # fmt: skip
"""Arguments of a layer that change no number."""
_MERGES: Final = frozenset({"add", "subtract", "multiply", "average", "maximum", "concatenate", "dot"})
_ASKED: Final = {"constant": ("value",), "random_normal": ("mean", "stddev"), "truncated_normal": ("mean", "stddev"),
                 "random_uniform": ("minval", "maxval")}  # fmt: skip
"""What the laws are told that params start from."""
LAWS: Final = "the params of layers start from Keras's laws, drawn here with seed 0"
BATCH: Final = 32


@dataclass(frozen=True, slots=True)
class _Law:
    """A law that is told its numbers: `RandomNormal(stddev=0.1)`."""

    name: str
    options: Mapping[str, float]


def made(machine: Machine, path: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """A layer, a loss or a model of Keras; None where it is none that is written out.

    Raises:
        Unread: a layer that is not known.
    """
    name = path.rpartition(".")[2]
    if ".initializers." in path or name.endswith("_initializer"):
        law = _snake(name.removesuffix("_initializer"))
        asked = dict(zip(_ASKED.get(law, ()), given, strict=False)) | named
        options = {key: float(plain(asked[key])) for key in _ASKED.get(law, ()) if key in asked}
        return _Law(law, options) if options else law
    if name == "Input":
        return Later(None, [], {})
    if name in _MERGES:  # `layers.concatenate([a, b], axis=-1)`
        return machine.called(made(machine, name.capitalize(), [], named, node), given, {}, node)
    if is_written(KERAS, name):
        words = {key: one for key, one in named.items() if key not in _UNSAID}
        return machine.called(definition_of(machine, KERAS, name, NAMES, node), given, words, node)
    if name[:1].isupper() and path.startswith("tensorflow.keras."):
        raise machine.record.unread(node, f"{name} of Keras is not read", "write its forward pass out")
    return None


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def one_hot_rows(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    """`to_categorical([1, 0], 3)`.

    Raises:
        Unread: the labels are not known here.
    """
    labels = data_of(given[0]) if isinstance(given[0], Tensor) else [plain(one) for one in given[0]]
    if not isinstance(labels, list) or not all(isinstance(one, int) for one in labels):
        raise machine.record.unread(node, "the labels are not known here")
    count = int(plain([*given, named.get("num_classes")][1]) or max(labels) + 1)
    return leaf_of((len(labels), count), data=[[float(k == one) for k in range(count)] for one in labels])


def method(machine: Machine, owner: Instance, name: str) -> object:
    """A method or property that Keras gives to every layer and model; None for none."""
    if name in _VARIABLES:
        return [one for _, one in walk.params(machine, owner, owner.kind.node)]
    if name in _KERAS:
        return Builtin(name, lambda m, a, k, n: _KERAS[name](m, owner, a, k, n))
    return None


def ready(machine: Machine, owner: Instance, given: list[object], node: ast.AST) -> None:
    """A layer before it is called: one with a `build` is built when it first sees what goes in."""
    x = given[0] if given else None
    build = owner.kind.find("build")
    if isinstance(build, Function) and isinstance(x, Tensor) and " built" not in owner.names:
        owner.names[" built"] = True
        machine.called(build, [owner, tensors.dims(machine, x, node)], {}, node)


_VARIABLES: Final = frozenset({"trainable_variables", "trainable_weights", "variables", "weights"})
_LOSSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mse", "mean_squared_error", "MSE"), "MeanSquaredError"),
    **dict.fromkeys(("mae", "mean_absolute_error", "MAE"), "MeanAbsoluteError"),
    "binary_crossentropy": "BinaryCrossentropy", "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    **dict.fromkeys(("huber", "huber_loss"), "Huber"), **dict.fromkeys(("log_cosh", "logcosh"), "LogCosh"),
}  # fmt: skip


def _compiled(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    owner.names[" loss"] = named.get("loss", given[1] if len(given) > 1 else None)


def _fitted(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`model.fit(X, y)`: the loss of all the data, and the way back from it."""
    values = dict(zip(("x", "y"), given, strict=False)) | named
    weighed = next((name for name in ("class_weight", "sample_weight") if named.get(name) is not None), None)
    if weighed is not None:
        raise machine.record.unread(node, f"fit with {weighed} is not read", "write the loss out")
    rule = owner.names.get(" loss")
    if isinstance(rule, Library) and rule.last in _LOSSES:
        rule = rule.last
    if isinstance(rule, str):
        if rule not in _LOSSES:
            raise machine.record.unread(node, f"the loss {rule!r} is not read", "write the loss out")
        rule = machine.called(definition_of(machine, KERAS, _LOSSES[rule], NAMES, node), [], {}, node)
    target = values.get("y")
    predicted = machine.called(owner, [values.get("x")], {}, node)
    for part in (rule, predicted):
        if isinstance(part, Unknown):
            raise Unread(part.error)
    if not isinstance(rule, Instance | Function | Library) or not isinstance(predicted, Tensor):
        raise machine.record.unread(node, "what this model is compiled with is not known")
    size = machine.record.shape(predicted, node)[:1]
    if size and size[0] > int(plain(values.get("batch_size", BATCH)) or BATCH):
        machine.record.note(node, "fit goes through batches; all the data are read as one")
    loss = machine.called(rule, [target, machine.named(predicted, "y_pred", node)], {}, node)
    if isinstance(loss, Tensor) and machine.record.shape(loss, node):  # one of each example
        loss = machine.called(Library("tensorflow.reduce_mean"), [loss], {}, node)
    training.backward(machine, machine.named(loss, "loss", node), None, None, node)
    return Opaque("a history")


def _added(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    names = ("name", "shape") if given and isinstance(given[0], str) else ("shape",)
    values = dict(zip(names, given, strict=False)) | named
    return weight(machine, [values.get("shape", ()), values.get("initializer")], {}, node)


def _quiet(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return Opaque("nothing")


_KERAS: Final[Mapping[str, Callable[..., object]]] = {
    "compile": _compiled, "fit": _fitted, "add_weight": _added, "add_variable": _added,
    **dict.fromkeys(("summary", "predict", "evaluate", "save", "save_weights", "count_params", "get_weights"), _quiet),
}  # fmt: skip


def weight(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """A param by the name of a law of Keras."""
    shape = tuple(int(plain(one)) for one in (given[0] if isinstance(given[0], list | tuple) else [given[0]]))
    law = given[1] if len(given) > 1 else None
    told = law.options if isinstance(law, _Law) else {}
    law = law.name if isinstance(law, _Law) else law if isinstance(law, str) else "glorot_uniform"
    inner = math.prod(shape[:-2])
    fans = (inner * shape[-2], inner * shape[-1]) if len(shape) > 1 else (math.prod(shape), math.prod(shape))
    scale = {"glorot": sum(fans) / 2, "he": fans[0] / 2, "lecun": fans[0]}.get(law.partition("_")[0])
    std = 0.05 if scale is None else 1 / math.sqrt(scale or 1)
    reach = 0.05 if scale is None else math.sqrt(3) * std
    rule = "normal" if law.endswith("normal") else law if law in {"zeros", "ones", "constant"} else "uniform"
    options = {"normal": {"mean": told.get("mean", 0.0), "std": told.get("stddev", round(std, 6)), "seed": 0},
               "uniform": {"low": told.get("minval", round(-reach, 6)), "high": told.get("maxval", round(reach, 6)),
                           "seed": 0},
               "constant": {"value": told.get("value", 0.0)}}.get(rule, {})  # fmt: skip
    found = leaf_of(shape, rule=rule, options=options)
    found.param, found.grad = True, True
    if "seed" in options:
        machine.record.note(None, LAWS)
    return found


def _activated(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    kind, value = given
    if kind is None or kind == "linear":
        return value
    function = Library(f"tensorflow.nn.{kind}") if isinstance(kind, str) else kind
    return machine.called(function, [value], {}, node)


def _unread(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    refused(machine, f"{given[0]} of Keras is not read", node)


def _noted(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    machine.record.note(node, str(given[0]))


def _is_input(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    return isinstance(given[0], Later)


def _filled(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> None:
    """Some entries of a param start from a number."""
    tensor, first, stop, number = given
    start = tensor.begins
    start.data = [number if first <= k < stop else 0.0 for k in range(start.shape[0])]
    start.rule, start.options = None, {}


def _placed(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> None:
    owner, layer, position = given
    if isinstance(layer, Instance):
        layer.place(owner, f"{layer.kind.name.lower()}_{plain(position)}")
    elif isinstance(layer, Part | Layer):
        layer.place(owner, str(plain(position)))


NAMES: Final[dict[str, object]] = {
    "tf": Library("tensorflow"), "Layer": Library("tensorflow.keras.layers.Layer"),
    **{name: Builtin(name, run) for name, run in (("weight", weight), ("activated", _activated), ("unread", _unread),
                                                  ("note", _noted), ("place", _placed), ("is_input", _is_input),
                                                  ("layers_of", layers_of), ("traced", traced), ("fill", _filled))},
    WRITTEN: True,
}  # fmt: skip
