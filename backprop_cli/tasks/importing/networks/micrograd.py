"""micrograd's own neurons, as they are read: scalars, each with a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from backprop_cli.tasks.importing.networks.written_out import definition_of
from backprop_cli.tasks.importing.state.values import Library

if TYPE_CHECKING:
    import ast

    from backprop_cli.tasks.importing.data.starts import Row
    from backprop_cli.tasks.importing.state.machine import Machine

SOURCE: Final = '''
class Module:
    def zero_grad(self):
        for p in self.parameters():
            p.grad = 0

    def parameters(self):
        return []


class Neuron(Module):
    def __init__(self, nin, nonlin=True):
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x):
        act = sum((w * one for w, one in zip(self.w, x)), self.b)
        return act.relu() if self.nonlin else act

    def parameters(self):
        return [*self.w, self.b]


class Layer(Module):
    def __init__(self, nin, nout, **options):
        self.neurons = [Neuron(nin, **options) for _ in range(nout)]

    def __call__(self, x):
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self):
        return [p for neuron in self.neurons for p in neuron.parameters()]


class MLP(Module):
    def __init__(self, nin, nouts):
        sizes = [nin, *nouts]
        self.layers = [Layer(m, n, nonlin=k != len(nouts) - 1) for k, (m, n) in enumerate(zip(sizes[:-1], sizes[1:]))]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [p for layer in self.layers for p in layer.parameters()]
'''
_ORDER: Final = ("Module", "Neuron", "Layer", "MLP")


def _defined(name: str) -> Row:
    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
        names: dict[str, object] = {"Value": Library("micrograd.engine.Value"), "random": Library("random")}
        for one in _ORDER:
            names[one] = definition_of(machine, SOURCE, one, names, node)
        return machine.called(names[name], given, named, node)

    return row


MICROGRAD: Final[Mapping[str, Row]] = {f"micrograd.nn.{name}": _defined(name) for name in _ORDER[1:]}
"""The classes of micrograd.nn."""
