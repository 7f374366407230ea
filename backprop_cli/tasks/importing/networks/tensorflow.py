"""TensorFlow's own: variables, tapes that gradients go back through, and what Keras's layers are made of."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.literals import literal_or_stack
from backprop_cli.tasks.importing.data.drawn import drawn
from backprop_cli.tasks.importing.data.starts import Row, sizes_of, start_of
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.networks import walk
from backprop_cli.tasks.importing.networks.keras_layers import KERAS
from backprop_cli.tasks.importing.networks.written_out import class_of, is_written, refused
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import (
    WRITTEN,
    Builtin,
    Function,
    Instance,
    Layer,
    Library,
    Opaque,
    Part,
    Tensor,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_OLD: Final = ("tensorflow.compat.v1.", "tensorflow.python.")
LAWS: Final = "the params of layers start from Keras's laws, drawn here with seed 0"
BATCH: Final = 32


@dataclass(eq=False, slots=True)
class Tape:
    """`tf.GradientTape()`."""


def modern(path: str) -> str:
    """A path as it is today: `keras.layers.Dense`, `tensorflow.compat.v1.placeholder`."""
    for old in _OLD:
        path = f"tensorflow.{path.removeprefix(old)}" if path.startswith(old) else path
    return f"tensorflow.{path}" if path.startswith("keras.") else path


# ── tapes ────────────────────────────────────────────────────────────────────────────────────────


def tape_method(machine: Machine, name: str, node: ast.AST) -> object:
    """`tape.watch(x)`, `tape.gradient(loss, [w, b])`.

    Raises:
        Unread: it has no such method here.
    """
    if name not in _TAPE:
        raise machine.record.unread(node, f"{name} of a tape is not read", "write tape.gradient(loss, variables)")
    return Builtin(name, _TAPE[name])


def _watched(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    for one in _flat(given):
        if isinstance(one, Tensor):
            training.require(machine, one, True, node)


def _gradient(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    slots = dict(zip(("target", "sources", "output_gradients"), given, strict=False)) | named
    target, sources, seed = slots.get("target"), slots.get("sources"), slots.get("output_gradients")
    if isinstance(target, list | tuple) and len(target) == 1:
        target = target[0]
    wanted = [one for one in _flat([sources]) if isinstance(one, Tensor)]
    if isinstance(target, Opaque):
        return _like(sources, {})
    if not isinstance(target, Tensor):
        raise machine.record.unread(node, "a tape goes back from one tensor here")
    shape = machine.record.shape(target, node)
    if seed is None and math.prod(shape) != 1:
        seed = leaf_of(shape, rule="ones")
    if machine.taping:  # another tape goes back through these
        found = {id(one): training.gradient(machine, target, seed, one, node) for one in wanted}
        return _like(sources, found)
    passes = machine.record.passes
    if passes and passes[-1].output is target and passes[-1].wrt is not None:
        passes[-1] = replace(passes[-1], wrt=(*passes[-1].wrt, *wanted))
    else:
        training.backward(machine, target, seed, tuple(wanted), node)
    return _like(sources, {})


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _flat(one)
    else:
        yield value


def _like(value: object, found: Mapping[int, object]) -> object:
    """The gradients in the shape that the variables were given in."""
    if isinstance(value, list | tuple):
        return [_like(one, found) for one in value]
    if isinstance(value, dict):
        return {key: _like(one, found) for key, one in value.items()}
    return found.get(id(value), Opaque("a gradient"))


_TAPE: Final[Mapping[str, Row]] = {
    "watch": _watched, "gradient": _gradient, "stop_recording": lambda m, g, k, n: Opaque("no_grad"),
    "reset": lambda m, g, k, n: None,
}  # fmt: skip


# ── variables and numbers ────────────────────────────────────────────────────────────────────────


def _variable(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    value = given[0] if given else named.get("initial_value")
    made = value if isinstance(value, Tensor) else literal_or_stack(machine, value, node)
    made.kind = "float" if named.get("trainable", True) else made.kind
    if named.get("trainable", True):
        training.require(machine, made, True, node)
    return made


def _constant(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    values = dict(zip(("value", "dtype", "shape"), given, strict=False)) | named
    value, shape = values.get("value"), values.get("shape")
    if shape is not None and is_number(value):
        return start_of(machine, sizes_of(machine, [], {"shape": shape}, node), "constant",
                        {"value": float(plain(value))})  # fmt: skip
    made = literal_or_stack(machine, value, node)
    return made if shape is None else tensors.reshaped(machine, made, shape, node)


def _random(law: str, slots: tuple[str, str], usual: tuple[float, float]) -> Row:
    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
        values = dict(zip(("shape", *slots), given, strict=False)) | named
        first, second = (float(plain(values.get(slot, one))) for slot, one in zip(slots, usual, strict=True))
        shape = sizes_of(machine, [], {"shape": values.get("shape", ())}, node)
        return drawn(machine, law, shape, (first, second), {"generator": None}, node, torch=True)

    return row


def _placeholder(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    raise machine.record.unread(node, "what is fed into a placeholder is not known here",
                                "give its name a shape or a value: --shape x=4,2")  # fmt: skip


def _get_variable(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    shape = named.get("shape", given[1] if len(given) > 1 else ())
    return _weight(machine, [shape, named.get("initializer")], {}, node)


def _gradients(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return _gradient(machine, given[:2], {}, node)


_NORMAL: Final = _random("normal", ("mean", "stddev"), (0.0, 1.0))
_UNIFORM: Final = _random("uniform", ("minval", "maxval"), (0.0, 1.0))
TENSORFLOW: Final[Mapping[str, Row]] = {
    "tensorflow.Variable": _variable, "tensorflow.GradientTape": lambda m, g, k, n: Tape(),
    "tensorflow.constant": _constant, "tensorflow.convert_to_tensor": _constant, "tensorflow.fill":
    lambda m, g, k, n: _constant(m, [g[1], None, g[0]], {}, n),
    **dict.fromkeys(("tensorflow.random.normal", "tensorflow.random_normal", "tensorflow.random.truncated_normal",
                     "tensorflow.truncated_normal"), _NORMAL),
    **dict.fromkeys(("tensorflow.random.uniform", "tensorflow.random_uniform"), _UNIFORM),
    "tensorflow.placeholder": _placeholder, "tensorflow.get_variable": _get_variable,
    "tensorflow.gradients": _gradients, "tensorflow.function": lambda m, g, k, n: g[0] if g else Opaque("a decorator"),
}  # fmt: skip
"""What is more than a function of tensors."""


# ── Keras ────────────────────────────────────────────────────────────────────────────────────────


def made(machine: Machine, path: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """A layer, a loss or a model of Keras; None where it is none that is written out.

    Raises:
        Unread: a layer that is not known.
    """
    name = path.rpartition(".")[2]
    if ".initializers." in path or name.endswith("_initializer"):
        return _snake(name.removesuffix("_initializer"))
    if is_written(KERAS, name):
        return machine.called(class_of(machine, KERAS, name, NAMES, node), given, named, node)
    if name[:1].isupper() and path.startswith("tensorflow.keras."):
        raise machine.record.unread(node, f"{name} of Keras is not read", "write its forward pass out")
    return None


def _snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


def keras_method(machine: Machine, owner: Instance, name: str) -> object:
    """A method or property that Keras gives to every layer and model; None for none."""
    if name in _VARIABLES:
        return [one for _, one in walk.params(machine, owner, owner.kind.node)]
    if name in _KERAS:
        return Builtin(name, lambda m, a, k, n: _KERAS[name](m, owner, a, k, n))
    return None


_VARIABLES: Final = frozenset({"trainable_variables", "trainable_weights", "variables", "weights"})
_LOSSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("mse", "mean_squared_error", "MSE"), "MeanSquaredError"),
    **dict.fromkeys(("mae", "mean_absolute_error", "MAE"), "MeanAbsoluteError"),
    "binary_crossentropy": "BinaryCrossentropy", "categorical_crossentropy": "CategoricalCrossentropy",
    "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
}  # fmt: skip


def _compiled(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    owner.names[" loss"] = named.get("loss", given[1] if len(given) > 1 else None)


def _fitted(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`model.fit(X, y)`: the loss of all the data, and the way back from it."""
    values = dict(zip(("x", "y"), given, strict=False)) | named
    rule = owner.names.get(" loss")
    if isinstance(rule, str):
        if rule not in _LOSSES:
            raise machine.record.unread(node, f"the loss {rule!r} is not read", "write the loss out")
        rule = machine.called(class_of(machine, KERAS, _LOSSES[rule], NAMES, node), [], {}, node)
    target = values.get("y")
    predicted = machine.called(owner, [values.get("x")], {}, node)
    if not isinstance(rule, Instance | Function | Library) or not isinstance(predicted, Tensor):
        raise machine.record.unread(node, "what this model is compiled with is not known")
    size = machine.record.shape(predicted, node)[:1]
    if size and size[0] > int(plain(values.get("batch_size", BATCH)) or BATCH):
        machine.record.note(node, "fit goes through batches; all the data are read as one")
    loss = machine.called(rule, [target, machine.named(predicted, "y_pred", node)], {}, node)
    if isinstance(rule, Library) and isinstance(loss, Tensor):
        loss = machine.called(Library("tensorflow.reduce_mean"), [loss], {}, node)
    training.backward(machine, machine.named(loss, "loss", node), None, None, node)
    return Opaque("a history")


def _added(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    slots = dict(zip(("name", "shape"), given, strict=False)) if given and isinstance(given[0], str) else \
        dict(zip(("shape",), given, strict=False))
    values = slots | named
    return _weight(machine, [values.get("shape", ()), values.get("initializer")], {}, node)


def _quiet(machine: Machine, owner: Instance, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return Opaque("nothing")


_KERAS: Final[Mapping[str, Callable[..., object]]] = {
    "compile": _compiled, "fit": _fitted, "add_weight": _added, "add_variable": _added,
    **dict.fromkeys(("summary", "predict", "evaluate", "save", "save_weights", "count_params", "get_weights"), _quiet),
}  # fmt: skip


def _weight(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """A param by the name of a law of Keras."""
    shape = tuple(int(plain(one)) for one in (given[0] if isinstance(given[0], list | tuple) else [given[0]]))
    law = given[1] if len(given) > 1 and isinstance(given[1], str) else "glorot_uniform"
    inner = math.prod(shape[:-2])
    fans = (inner * shape[-2], inner * shape[-1]) if len(shape) > 1 else (math.prod(shape), math.prod(shape))
    scale = {"glorot": sum(fans) / 2, "he": fans[0] / 2, "lecun": fans[0]}.get(law.partition("_")[0])
    std = 0.05 if scale is None else 1 / math.sqrt(scale or 1)
    reach = 0.05 if scale is None else math.sqrt(3) * std
    rule = "normal" if law.endswith("normal") else law if law in {"zeros", "ones"} else "uniform"
    options = {"normal": {"mean": 0.0, "std": round(std, 6), "seed": 0},
               "uniform": {"low": round(-reach, 6), "high": round(reach, 6), "seed": 0}}.get(rule, {})  # fmt: skip
    found = leaf_of(shape, rule=rule, options=options)
    found.param, found.grad = True, True
    if options:
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


def _placed(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> None:
    owner, layer, position = given
    if isinstance(layer, Instance):
        layer.place(owner, f"{layer.kind.name.lower()}_{plain(position)}")
    elif isinstance(layer, Part | Layer):
        layer.place(owner, str(plain(position)))


NAMES: Final[dict[str, object]] = {
    "tf": Library("tensorflow"), "Layer": Library("tensorflow.keras.layers.Layer"),
    **{name: Builtin(name, run) for name, run in (("weight", _weight), ("activated", _activated), ("unread", _unread),
                                                  ("note", _noted), ("place", _placed))},
    WRITTEN: True,
}  # fmt: skip
