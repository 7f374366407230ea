"""A question sheet: what is given, the network, and what is asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.stepping.printing import listed

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array


@dataclass(frozen=True, slots=True)
class Question:
    """One item that is asked for."""

    item: Item
    shape: tuple[int, ...]
    points: float


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A sheet for one seed; `student` where it is somebody's own."""

    title: str
    description: str | None
    seed: int | None
    student: str | None
    output: str
    given: tuple[tuple[str, Array], ...]
    network: tuple[tuple[str, str], ...]
    questions: tuple[Question, ...]


def worksheet(key: Key, points: Mapping[Item, float], seed: int | None = None,
              student: str | None = None) -> Worksheet:  # fmt: skip
    """The sheet of a key; where `points` is empty, the output and every gradient on the way back are asked for."""
    graph = key.graph
    asked = points or dict.fromkeys(everything(key), 1.0)
    questions = [Question(item, key.shape(item), worth)
                 for item, worth in sorted(asked.items(), key=lambda one: key.place(one[0]))]  # fmt: skip
    values = key.draws[0].values
    given = tuple((leaf.name, values[key.names[leaf.name]]) for leaf in graph.spec.leaves)
    network = tuple((node.name, " ".join(node.text.text.split())) for node in graph.spec.nodes)
    title = graph.spec.title or "Backpropagation"
    description = " ".join(filter(None, [graph.spec.description, *_told(key, {one.item.what for one in questions})]))
    return Worksheet(title, description or None, seed, student, graph.output_name, given, network, tuple(questions))


def everything(key: Key) -> list[Item]:
    """The output, and the gradient of each node and each param."""
    graph = key.graph
    output = [Item(graph.output.name, "")] if not graph.output.anonymous else []
    wanted = [node for node in graph.named() if key.has_gradient(node.index) and node.index != graph.output.index]
    return output + [Item(node.name, ".grad") for node in wanted if not node.is_leaf or node.index in graph.wrt]


def _told(key: Key, kinds: Collection[str]) -> Iterator[str]:
    """What a student must know of the further quantities: the step that is taken, the tangents of the leaves."""
    settings = key.further.settings
    if "new" in kinds and settings.step is not None:
        rest = ", ".join(f"{name} = {text}" for name, text in settings.step.items() if name != "rule")
        rule = settings.step.get("rule", "sgd")
        yield f"A param's .new is its value after one step of {rule} from there{f', with {rest}' if rest else ''}."
    if "tangent" in kinds:
        moves = ", ".join(f"{name} along {listed(np.asarray(one), 15)}" for name, one in settings.tangents.items())
        yield f"A .tangent is how a node moves at first as the leaves do: {moves}."
