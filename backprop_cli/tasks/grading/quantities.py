"""Quantities beyond values and gradients: a param after a step, a Jacobian or a Hessian, a tangent.

    w5.new                 after one step of the scheme's rule: `step: {lr: 0.5}`, or `step: {rule: adam, lr: 0.1}`
    y.jacobian[0, 1]       an entry, or without brackets the whole; `y.jacobian(x)` by any leaf or node
    loss.hessian(w)[0, 0]  the second derivative of a number by one of these
    y.tangent              how y moves as the leaves move along the scheme's `tangents: {x: [1.0, 0.0]}`

Each is a function of the values and the gradients of a view, so what follows from a student's own is known as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph, build, plain
from backprop_cli.engine.graph.nodes import activity
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.engine.passes import forward
from backprop_cli.errors import SpecError
from backprop_cli.language.expression import parse
from backprop_cli.language.model import NodeSpec
from backprop_cli.language.source import inline
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.calculate import seed_of
from backprop_cli.tasks.grading.chain import Chain
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.operands import View
from backprop_cli.tasks.stepping.rules import RULES
from backprop_cli.tasks.stepping.step import parameters_of
from backprop_cli.tasks.stepping.updates import mover_for

KINDS = ("new", "jacobian", "hessian", "tangent")
MAX_ROWS = 256
"""Entries of an output up to which a whole Jacobian is asked for."""

_PARTS = re.compile(r"\.(?P<kind>\w+)(?:\((?P<by>\w+)\))?(?:\[(?P<entry>[\d, ]+)\])?")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a scheme says about them: the step that is taken, and the tangents of leaves."""

    step: Mapping[str, str] | None = None
    tangents: Mapping[str, Array] = field(default_factory=dict)


class Impossible(Exception):
    """An item that a key cannot say anything about, and why."""


@dataclass(frozen=True)
class Quantities:
    """The further quantities of one key."""

    graph: Graph
    chain: Chain
    settings: Settings
    known: dict[Any, Any] = field(default_factory=dict, repr=False)

    def of(self, item: Item, view: View) -> Any:
        """What is right, from the numbers of a view.

        Raises:
            Impossible: the scheme or the network has no such thing.
        """
        kind, by, entry = _parts(item)
        index, whole = self.graph.names[item.node], item.suffix.partition("[")[0]
        if entry is not None and (whole, index) in view.further:
            return view.further[whole, index][entry]
        found = np.array(_KINDS[kind](self, index, by, entry, view), dtype=float)
        if entry is None:
            for (suffix, i), one in view.further.items():
                if i == index and suffix.startswith(f"{whole}["):
                    found[_parts(replace(item, suffix=suffix))[2]] = one
        if entry is None or kind == "jacobian":
            return found
        if len(entry) != found.ndim or any(i >= n for i, n in zip(entry, found.shape, strict=True)):
            raise Impossible(f"{item.node}.{kind} has shape {found.shape}".replace(",)", ")"))
        return found[entry]

    def new(self, index: int, by: str | None, entry: tuple[int, ...] | None, view: View) -> Any:
        """A param after the step."""
        if self.settings.step is None:
            raise Impossible("the scheme says nothing of a step: step: {lr: 0.5}")
        gradient = view.gradients[index] if index in self.graph.wrt else self._gradient(index, view)
        if gradient is None:
            raise Impossible(f"{self.graph.nodes[index].name} is no leaf that a step would move")
        rule = RULES[self.settings.step.get("rule", "sgd")]
        given = {name: text for name, text in self.settings.step.items() if name != "rule"}
        mover = mover_for(self.graph.spec, rule, parameters_of(rule, given), self.graph.nodes[index].shape)
        return mover.move(view.values[index], gradient)["w"]

    def jacobian(self, index: int, by: str | None, entry: tuple[int, ...] | None, view: View) -> Array:
        """The derivative of a node by a leaf: whole, or one entry, for which one row is enough."""
        leaf, shape = self._asked(by, index), self._shape(index)
        inner = self._shape(leaf)
        if entry is None:
            if prod(shape) > MAX_ROWS:
                raise Impossible("it is too large to be asked for as a whole; ask for an entry")
            rows = [self._row(index, leaf, place, view) for place in np.ndindex(*shape)]
            return np.reshape(np.asarray(rows), (*shape, *inner))
        if len(entry) != len(shape) + len(inner) or any(i >= n for i, n in zip(entry, (*shape, *inner), strict=True)):
            raise Impossible(f"the Jacobian has shape {(*shape, *inner)}")
        found: Array = self._row(index, leaf, entry[: len(shape)], view)[entry[len(shape) :]]
        return found

    def hessian(self, index: int, by: str | None, entry: tuple[int, ...] | None, view: View) -> Array:
        """The Jacobian of a gradient, in the network that computes it too."""
        if self._shape(index) or index != self.graph.output.index:
            raise Impossible("a Hessian is that of the output, which is a number")
        leaf = self.graph.nodes[self._asked(by, index, "hessian")]
        if leaf.name not in self.known:
            spec = self.graph.spec
            text = inline(f"grad({leaf.name})")
            name = inline(_free(self.graph))
            node = NodeSpec(name.text, parse(text), text, name)
            nodes = sorted(spec.nodes, key=lambda one: one.name == self.graph.output_name)  # it is the gradient of that
            made = replace(spec, nodes=(*nodes, node), output=(parse(name), name), grad_output="ones", wrt="all")
            try:
                self.known[leaf.name] = build(plain(made))
            except SpecError as error:
                if error.code != "E017":
                    raise
                self.known[leaf.name] = None  # a gradient that is constant
        twice: Graph | None = self.known[leaf.name]
        if twice is None or twice.names[leaf.name] not in self._onto(twice, twice.output.index).active:
            return np.zeros(self._shape(self.graph.names[leaf.name]) * 2)
        chain = Chain(twice, Numbers(twice))
        leaves = {twice.names[one.name]: view.values[self.graph.names[one.name]] for one in self.graph.spec.leaves}
        with np.errstate(all="ignore"):
            values = forward(twice, chain.forward_steps, chain.meaning, leaves)
        both = (one for one in self.graph.named() if not one.is_leaf and one.name in twice.names)
        values = chain.forward(values, {twice.names[one.name]: view.values[one.index] for one in both})
        inner = Quantities(twice, chain, self.settings)
        return inner.jacobian(twice.output.index, leaf.name, None, View(values, ()))

    def tangent(self, index: int, by: str | None, entry: tuple[int, ...] | None, view: View) -> Array:
        """How a node moves as the leaves do."""
        if not self.settings.tangents:
            raise Impossible("the scheme gives no leaf a tangent: tangents: {x: 1.0}")
        own = sorted(i for suffix, i in view.further if suffix == ".tangent" and i < index)
        off: dict[int, Array] = {}  # how far an own tangent is from what follows from those before it
        for one in own:
            off[one] = view.further[".tangent", one] - self._moved(one, off, view)
        return self._moved(index, off, view)

    def _moved(self, index: int, off: Mapping[int, Array], view: View) -> Array:
        """A node's tangent, as the leaves move and as nodes before it are off."""
        total: Array = np.zeros(self._shape(index))
        for name, direction in self.settings.tangents.items():
            leaf = self.graph.names.get(name)
            if leaf is None or not self.graph.nodes[leaf].is_leaf:
                raise Impossible(f"{name} is no leaf")
            if leaf not in self._back(index).graph.active:
                continue  # it moves, and the node does not
            total = total + self._along(index, leaf, np.asarray(direction, dtype=float), view)
        for node, one in off.items():
            if node in self._back(index).graph.active:
                total = total + self._along(index, node, one, view)
        return total

    def _along(self, index: int, by: int, direction: Array, view: View) -> Any:
        """The Jacobian times how what it is by moves."""
        whole = self.jacobian(index, self.graph.nodes[by].name, None, view)
        return np.tensordot(whole, direction, np.ndim(direction))

    def _row(self, index: int, leaf: int, place: tuple[int, ...], view: View) -> Array:
        seed = np.zeros(self._shape(index))
        seed[place] = 1.0
        found = self._back(index).back_from(index, view.values, seed)[leaf]
        return np.zeros(self._shape(leaf)) if found is None else np.asarray(found)

    def _shape(self, index: int) -> tuple[int, ...]:
        return tuple(map(int, self.graph.nodes[index].shape))

    def _asked(self, by: str | None, output: int, kind: str = "jacobian") -> int:
        """The leaf or node that an output is differentiated by, a param or not."""
        if by is None and len(self.graph.wrt) != 1:
            node, leaf = (self.graph.nodes[i].name for i in (output, min(self.graph.wrt, default=0)))
            raise Impossible(f"by which leaf? write {node}.{kind}({leaf})")
        found = next(iter(self.graph.wrt)) if by is None else self.graph.names.get(by)
        if found is None:
            raise Impossible(f"no node is called {by}")
        if found not in self._back(output).graph.active:
            name, other = (self.graph.nodes[i].name for i in (output, found))
            raise Impossible(f"{name} does not depend on {other} through anything differentiable")
        return found

    def _back(self, output: int) -> Chain:
        """The edges on which derivatives of a node come back to everything below it, without hooks."""
        if output not in self.known:
            graph = self._onto(self.graph, output)
            self.known[output] = Chain(graph, Numbers(graph))
        found: Chain = self.known[output]
        return found

    def _gradient(self, index: int, view: View) -> Any:
        """The gradient of a leaf that is no param, through hooks and over all passes; None where it has none."""
        graph = self._onto(self.graph, *(one.output for one in self.graph.passes))
        if index not in graph.active or not graph.nodes[index].is_leaf:
            return None
        graph = replace(graph, hooks=self.graph.hooks, passes=self.graph.passes)
        seeds: list[Any] = [seed_of(graph, one) for one in graph.passes]
        return Chain(graph, Numbers(graph)).reverse(view.values, seeds, {})[index]

    @staticmethod
    def _onto(graph: Graph, *outputs: int) -> Graph:
        """The same nodes, of which all below these outputs are differentiated by."""
        leaves = frozenset(range(len(graph.nodes)))
        active = activity(graph.nodes, leaves, outputs)
        return replace(graph, wrt=leaves, active=active, hooks={}, passes=graph.passes[-1:])


_KINDS: Mapping[str, Callable[[Quantities, int, str | None, Any, View], Any]] = {
    "new": Quantities.new, "jacobian": Quantities.jacobian, "hessian": Quantities.hessian,
    "tangent": Quantities.tangent,
}  # fmt: skip


def _parts(item: Item) -> tuple[str, str | None, tuple[int, ...] | None]:
    found = _PARTS.fullmatch(item.suffix)
    assert found is not None
    entry = found["entry"]
    return found["kind"], found["by"], None if entry is None else tuple(map(int, entry.replace(" ", "").split(",")))


def _free(graph: Graph) -> str:
    return next(name for name in ("slope", "slope_", "slope__") if name not in graph.names)
