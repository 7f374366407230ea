"""torch.nn.init: what a param starts from anew; PyTorch's own numbers where its seed is known."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from backprop_cli.language.initial import fans
from backprop_cli.tasks.importing.networks.params import LAWS, OWN
from backprop_cli.tasks.importing.state.values import Sizes, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Law = tuple[str, float, float]
"""`normal` with mean and std, or `uniform` with its ends."""
Rule = Callable[[Sizes, Mapping[str, object]], Law]
"""A rule's law for a shape and options."""
_KAIMING: Final = ("a", "mode", "nonlinearity")
_SLOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "normal": ("mean", "std"), "trunc_normal": ("mean", "std"), "uniform": ("a", "b"), "zeros": (), "ones": (),
    "constant": ("val",), "eye": (), "xavier_uniform": ("gain",), "xavier_normal": ("gain",),
    "kaiming_uniform": _KAIMING, "kaiming_normal": _KAIMING,
}  # fmt: skip
"""The rules that are read, and their arguments."""
_GAINS: Final[Mapping[str, float]] = {
    "linear": 1.0, "sigmoid": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2),
    "selu": 3 / 4,
}  # fmt: skip


def initialised(machine: Machine, name: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`nn.init.xavier_uniform_(w)`.

    Raises:
        Unread: the rule is not known, or what is filled is no leaf.
    """
    target, rule = given[0] if given else named.get("tensor"), name.rstrip("_")
    if name == "calculate_gain":
        words = {k: v for k, v in named.items() if k != "nonlinearity"}
        return _gain(str(plain(given[0] if given else named["nonlinearity"])), [*given[1:], *words.values()])
    start = target.begins if isinstance(target, Tensor) else None
    if start is None or rule not in _SLOTS:
        what = "of what is no leaf " if start is None else ""
        raise machine.record.unread(node, f"the start {what}by nn.init.{name} is not read")
    options = dict(zip(_SLOTS[rule], given[1:], strict=False)) | named
    if rule not in _LAWS:
        start.rule, start.data = rule, None
        start.options = dict(zip(("value",), (float(plain(one)) for one in options.values()), strict=False))
        return target
    given_ = {key: plain(one) for key, one in options.items()}
    law, first, second = _LAWS[rule](start.shape, given_)
    start.rule, start.options = law, {**dict(zip(_ENDS[law], (first, second), strict=True)), "seed": 0}
    if rule == "trunc_normal":
        machine.torch.forget()
    start.data = machine.torch.draw(law, start.shape, first, second)
    if start.data is None and rule.startswith(("xavier", "kaiming")) and given_.get("mode", "fan_in") == "fan_in":
        gain = given_.get("gain", 1.0) if rule.startswith("xavier") else _kaiming_gain(given_)
        start.rule, start.options = rule, {"gain": float(str(gain)), "seed": 0}
    machine.record.note(None, LAWS if start.data is None else OWN)
    return target


def _kaiming_gain(options: Mapping[str, object]) -> float:
    return _gain(str(options.get("nonlinearity", "leaky_relu")), [options.get("a", 0)])


def _gain(kind: str, more: list[object]) -> float:
    """`calculate_gain('leaky_relu', 0.2)`."""
    slope = next((float(plain(one)) for one in more if is_number(one)), 0.01)
    return _GAINS.get(kind, math.sqrt(2 / (1 + slope * slope)))


def _xavier(law: str) -> Rule:
    def of(shape: Sizes, options: Mapping[str, object]) -> Law:
        return _spread(law, float(str(options.get("gain", 1.0))) * math.sqrt(2 / sum(fans(shape))))

    return of


def _kaiming(law: str) -> Rule:
    def of(shape: Sizes, options: Mapping[str, object]) -> Law:
        fan = fans(shape)[options.get("mode", "fan_in") == "fan_out"]
        return _spread(law, _kaiming_gain(options) / math.sqrt(fan))

    return of


def _spread(law: str, std: float) -> Law:
    """A law around 0 with this standard deviation."""
    reach = math.sqrt(3) * std
    return ("normal", 0.0, std) if law == "normal" else ("uniform", -reach, reach)


def _plain(law: str, names: tuple[str, str], usual: tuple[float, float]) -> Rule:
    def of(shape: Sizes, options: Mapping[str, object]) -> Law:
        first, second = (float(str(options.get(name, one))) for name, one in zip(names, usual, strict=True))
        return law, first, second

    return of


_ENDS: Final[Mapping[str, tuple[str, str]]] = {"normal": ("mean", "std"), "uniform": ("low", "high")}
_LAWS: Final[Mapping[str, Rule]] = {
    "normal": _plain("normal", ("mean", "std"), (0.0, 1.0)),
    "trunc_normal": _plain("normal", ("mean", "std"), (0.0, 1.0)),
    "uniform": _plain("uniform", ("a", "b"), (0.0, 1.0)),
    **{f"xavier_{law}": _xavier(law) for law in ("normal", "uniform")},
    **{f"kaiming_{law}": _kaiming(law) for law in ("normal", "uniform")},
}  # fmt: skip
"""The laws of the rules that draw."""
