"""TensorFlow's own: variables, and tapes that gradients go back through."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.literals import literal_or_stack
from backprop_cli.tasks.importing.data.drawn import drawn
from backprop_cli.tasks.importing.data.starts import Row, sizes_of, start_of
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.networks.keras import weight
from backprop_cli.tasks.importing.state.nested import each
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import Builtin, Opaque, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_OLD: Final = ("tensorflow.compat.v1.", "tensorflow.python.")


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
        return each(lambda *_: Opaque("a gradient"), sources)
    if not isinstance(target, Tensor):
        raise machine.record.unread(node, "a tape goes back from one tensor here")
    shape = machine.record.shape(target, node)
    if seed is None and math.prod(shape) != 1:
        seed = leaf_of(shape, rule="ones")
    if machine.taping:  # another tape goes back through these
        found = {id(one): training.gradient(machine, target, seed, one, node) for one in wanted}
        return each(lambda _, one: found.get(id(one), Opaque("a gradient")), sources)
    passes = machine.record.passes
    if passes and passes[-1].output is target and passes[-1].wrt is not None:
        passes[-1] = replace(passes[-1], wrt=(*passes[-1].wrt, *wanted))
    else:
        training.backward(machine, target, seed, tuple(wanted), node)
    return each(lambda *_: Opaque("a gradient"), sources)


def _flat(value: object) -> Iterator[object]:
    if isinstance(value, list | tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _flat(one)
    else:
        yield value


_TAPE: Final[Mapping[str, Row]] = {
    "watch": _watched, "gradient": _gradient, "stop_recording": lambda m, g, k, n: Opaque("no_grad"),
    "reset": lambda m, g, k, n: None,
}  # fmt: skip


# ── variables and numbers ────────────────────────────────────────────────────────────────────────


def _variable(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    value = given[0] if given else named.get("initial_value")
    made = value if isinstance(value, Tensor) else literal_or_stack(machine, value, node)
    if named.get("trainable", True):
        made.kind = "float"
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
    return weight(machine, [shape, named.get("initializer")], {}, node)


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
