"""The update rules, each in one block: its parameters, its state, and its lines in the spec language itself.

A line is read twice: planned as a graph it computes the update, printed it is the formula.  The names in it are `w`
(the param), `g` (its gradient), `lr`, `t` (the step, from 1), the rule's parameters, its state and the lines before.
Definitions and defaults are those of `torch.optim`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from backprop_cli.records import dataclass

Parameters = Mapping[str, Fraction]


@dataclass(frozen=True, slots=True)
class Line:
    """`name ← code`; at the first step `first`, where the state begins with it instead of from 0."""

    name: str
    code: str
    first: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How a param moves; `lines` of the given parameters leaves out what they switch off, and ends with `w`.

    `seeded`: the lines where the reverse pass began with `lr`, so that `g` is lr times the gradient; without
    weight decay.
    """

    name: str
    doc: str
    defaults: Parameters
    state: tuple[str, ...]
    lines: Callable[[Parameters], tuple[Line, ...]]
    seeded: tuple[Line, ...] = ()


RULES: dict[str, Rule] = {}


def rule(name: str, doc: str, defaults: Mapping[str, str], state: tuple[str, ...],
         lines: Callable[[Parameters], tuple[Line, ...]], seeded: tuple[Line, ...] = ()) -> None:  # fmt: skip
    """Enter a rule in the table; `weight_decay` adds its share to the gradient first, in every rule."""

    def decayed(p: Parameters) -> tuple[Line, ...]:
        return (*((Line("g", "g + weight_decay * w"),) if p["weight_decay"] else ()), *lines(p))

    exact = {key: Fraction(value) for key, value in {**defaults, "weight_decay": "0"}.items()}
    RULES[name] = Rule(name, doc, exact, state, decayed, seeded)


rule("sgd", "Gradient descent.", {"lr": "1e-3"}, (), lambda p: (Line("w", "w - lr * g"),),
     seeded=(Line("w", "w - g"),))

rule("momentum", "Gradient descent with momentum: the step goes on in the direction of the steps before.",
     {"lr": "1e-3", "momentum": "0.9", "dampening": "0"}, ("b",),
     lambda p: (
         Line("b", "momentum * b + (1 - dampening) * g", first="g") if p["dampening"] else
         Line("b", "momentum * b + g"),
         Line("w", "w - lr * b"),
     ))  # fmt: skip

rule("nesterov", "Momentum after Nesterov: the gradient is added where the momentum will have led.",
     {"lr": "1e-3", "momentum": "0.9"}, ("b",),
     lambda p: (
         Line("b", "momentum * b + g"),
         Line("w", "w - lr * (g + momentum * b)"),
     ))  # fmt: skip

rule("adam", "Adam (Kingma and Ba, 2015): means of the gradient and of its square, corrected for starting at 0.",
     {"lr": "1e-3", "beta1": "0.9", "beta2": "0.999", "eps": "1e-8", "amsgrad": "0"}, ("m", "v", "u"),
     lambda p: (
         Line("m", "beta1 * m + (1 - beta1) * g"),
         Line("v", "beta2 * v + (1 - beta2) * g**2"),
         Line("m_hat", "m / (1 - beta1**t)"),
         *((Line("u", "maximum(u, v)"), Line("v_hat", "u / (1 - beta2**t)")) if p["amsgrad"] else
           (Line("v_hat", "v / (1 - beta2**t)"),)),
         Line("w", "w - lr * m_hat / (sqrt(v_hat) + eps)"),
     ))  # fmt: skip

rule("rmsprop", "RMSprop (Hinton, 2012): the gradient over the root of the mean of its square.",
     {"lr": "1e-2", "alpha": "0.99", "eps": "1e-8", "momentum": "0", "centered": "0"}, ("v", "a", "b"),
     lambda p: (
         Line("v", "alpha * v + (1 - alpha) * g**2"),
         *((Line("a", "alpha * a + (1 - alpha) * g"),) if p["centered"] else ()),
         Line("d", "g / (sqrt(v - a**2) + eps)" if p["centered"] else "g / (sqrt(v) + eps)"),
         *((Line("b", "momentum * b + d"), Line("w", "w - lr * b")) if p["momentum"] else (Line("w", "w - lr * d"),)),
     ))  # fmt: skip
