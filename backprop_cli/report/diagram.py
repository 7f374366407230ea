"""A graph as something to draw: boxes in topological order, arrows between them, all of it text and plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from backprop_cli.engine.ops.arithmetic import OPERATORS
from backprop_cli.records import dataclass, field, replace
from backprop_cli.report.arrays import abridged, count, lines, summary

if TYPE_CHECKING:
    from backprop_cli.engine.graph import Graph, Node
    from backprop_cli.engine.ops import Op

INFIX = {name: sign for sign, name in OPERATORS.items()}


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is drawn; the texts are the user's, not yet made safe for any format."""

    name: str
    kind: str  # input, param or node
    expression: str  # '' for a leaf
    shape: str  # '(2, 1)' or 'scalar'
    active: bool  # a gradient arrives here
    output: bool = False  # a backward pass starts here
    hooked: bool = False  # a hook replaces its gradient
    value: tuple[str, ...] = ()  # its lines, with `--values`
    gradient: tuple[str, ...] = ()
    again: bool = False  # a leaf that many nodes use, drawn once more beside one of them

    @property
    def gradient_lines(self) -> tuple[str, ...]:
        """The gradient with its sign in front, its lines under each other."""
        return tuple(("∂ " if i == 0 else "  ") + line for i, line in enumerate(self.gradient))


@dataclass(frozen=True, slots=True)
class Arrow:
    """An operand and who uses it, as positions in the list of boxes; the value flows along, the gradient back."""

    source: int
    target: int
    active: bool  # the gradient comes back along it
    label: str = ""  # '×2': it comes back on two ways, which add up; 'broadcast': it is summed over what was repeated


@dataclass(frozen=True, slots=True)
class Diagram:
    """A whole graph; an arrow's source stands before its target."""

    spec: str
    title: str | None
    outputs: tuple[str, ...]
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    @property
    def heading(self) -> str:
        """What the drawing is called."""
        return self.title or self.spec

    @property
    def numbers(self) -> dict[str, int]:
        """A number for each name, for a page in which text and picture light the same node."""
        return {name: number for number, name in enumerate(dict.fromkeys(box.name for box in self.boxes))}

    @property
    def beside_users(self) -> Diagram:
        """The same for a picture: a leaf that many nodes use is drawn beside each, instead of as many long lines."""
        uses: dict[int, list[int]] = {}
        for position, arrow in enumerate(self.arrows):
            uses.setdefault(arrow.source, []).append(position)
        most = SHARED if len(self.arrows) <= MANY else 1
        shared = {source for source, found in uses.items() if self.boxes[source].kind != "node" and len(found) > most}
        return _redrawn(self, {position for source in shared for position in uses[source][1:]}) if shared else self


SHARED, MANY = 3, 24
"""A leaf that more nodes use than this is drawn beside each; in a graph of many arrows, any that several use."""


def _redrawn(whole: Diagram, apart: set[int]) -> Diagram:
    """With a box of its own, in front of its target, for the source of each of the arrows `apart`."""
    boxes: list[Box] = []
    place: dict[int, int] = {}
    copies: dict[int, int] = {}
    into: dict[int, list[int]] = {}
    for position in sorted(apart):
        into.setdefault(whole.arrows[position].target, []).append(position)
    for index, box in enumerate(whole.boxes):
        for position in into.get(index, ()):
            copies[position] = len(boxes)
            boxes.append(replace(whole.boxes[whole.arrows[position].source], again=True))
        place[index] = len(boxes)
        boxes.append(box)
    arrows = tuple(replace(arrow, source=copies.get(position, place[arrow.source]), target=place[arrow.target])
                   for position, arrow in enumerate(whole.arrows))  # fmt: skip
    return replace(whole, boxes=tuple(boxes), arrows=arrows)


@dataclass(frozen=True, slots=True)
class Numbers:
    """What `--values` writes into the boxes and, on request, on the arrows."""

    values: Sequence[Any]
    gradients: Sequence[Any]
    digits: int
    local: Mapping[tuple[str, str], str] = field(default_factory=dict)  # (operand, consumer): ∂consumer/∂operand

    def shown(self, value: object) -> tuple[str, ...]:
        """A scalar or small array whole, of a larger one what its entries are like."""
        if value is None:
            return ()
        whole = () if abridged(value) else tuple(lines(value, self.digits))
        fits = 0 < len(whole) <= MOST_LINES and max(map(len, whole)) <= WIDEST_VALUE
        return whole if fits else tuple(summary(value, self.digits).split(", "))


MOST_LINES, WIDEST_VALUE, LONGEST_LABEL = 4, 44, 30


def diagram(graph: Graph, anonymous: bool = False, numbers: Numbers | None = None) -> Diagram:
    """The named nodes of a graph, and the outputs; with `anonymous` the parts of their expressions too."""
    names = {run.output: run.name for run in graph.passes}
    shown = [n for n in graph.nodes if n.kind != "constant" and (anonymous or not n.anonymous or n.index in names)]
    place = {node.index: position for position, node in enumerate(shown)}
    boxes = tuple(_box(graph, node, names, anonymous) for node in shown)
    arrows = tuple(arrow for node in shown for arrow in _arrows(graph, node, place))
    if numbers is not None:
        boxes = tuple(replace(box, value=numbers.shown(numbers.values[node.index]),
                              gradient=numbers.shown(numbers.gradients[node.index]))
                      for box, node in zip(boxes, shown, strict=True))  # fmt: skip
        arrows = tuple(_with_local(arrow, boxes, numbers.local) for arrow in arrows)
    outputs = tuple(dict.fromkeys(run.name for run in graph.passes))
    return Diagram(graph.spec.source.file, graph.spec.title, outputs, boxes, arrows)


def _with_local(arrow: Arrow, boxes: Sequence[Box], local: Mapping[tuple[str, str], str]) -> Arrow:
    derivative = local.get((boxes[arrow.source].name, boxes[arrow.target].name))
    parts = [part for part in (arrow.label, derivative) if part]
    return replace(arrow, label=shortened("; ".join(parts), LONGEST_LABEL)) if derivative and arrow.active else arrow


def _box(graph: Graph, node: Node, outputs: Mapping[int, str], anonymous: bool) -> Box:
    written = " ".join(node.spec.text.text.split()) if node.spec and not anonymous else _applied(graph, node)
    name = outputs[node.index] if node.anonymous and node.index in outputs else node.name
    return Box(
        name=name,
        kind=node.kind,
        expression="" if node.is_leaf or written == name else written,
        shape=count(tuple(map(int, node.shape))),
        active=node.index in graph.active,
        output=node.index in outputs,
        hooked=node.index in graph.hooks,
    )


WIDEST = 48  # characters of an expression or a list of names


def shortened(text: str, width: int = WIDEST) -> str:
    """A text, its end left out where it is long."""
    return text if len(text) <= width else text[: width - 1] + "…"


# ── arrows ───────────────────────────────────────────────────────────────────────────────────────


def _arrows(graph: Graph, node: Node, place: Mapping[int, int]) -> Iterator[Arrow]:
    """From the shown operands of a node to it, each once, looking through what is not shown."""
    uses: dict[int, list[_Use]] = {}
    stack = [_Use(node.index, position, True) for position in range(len(node.inputs))]
    seen: set[_Use] = set()
    while stack:
        use = stack.pop()
        user = graph.nodes[use.user]
        operand = graph.nodes[user.inputs[use.position]]
        active = use.active and operand.index in graph.active and _has_rule(user, use.position)
        if operand.index in place:
            uses.setdefault(operand.index, []).append(_Use(use.user, use.position, active))
            continue
        steps = {_Use(operand.index, position, active) for position in range(len(operand.inputs))} - seen
        seen |= steps
        stack.extend(steps)
    for index in sorted(uses, key=lambda i: min((u.user, u.position) for u in uses[i])):
        yield Arrow(place[index], place[node.index], any(u.active for u in uses[index]),
                    _label(graph, graph.nodes[index], uses[index]))  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Use:
    """An operand of a node, and whether a gradient comes back from where we came down to it."""

    user: int
    position: int
    active: bool


def _has_rule(user: Node, position: int) -> bool:
    from backprop_cli.engine.graph import rule_of

    return user.index >= 0 and rule_of(user, position) is not None


def _label(graph: Graph, operand: Node, uses: list[_Use]) -> str:
    """How a gradient changes on its way back by the plumbing alone: several paths add up, a broadcast is summed."""
    back = [use for use in uses if use.active]
    users = [graph.nodes[use.user] for use in back]
    summed = any(u.op is not None and u.op.pointwise and tuple(u.shape) != tuple(operand.shape) for u in users)
    parts = [f"×{len(back)}"] if len(back) > 1 else []
    return ", ".join([*parts, *(["broadcast"] if summed else [])])


# ── what a node applies ──────────────────────────────────────────────────────────────────────────


def _applied(graph: Graph, node: Node) -> str:
    """The one op of a node, on the names of its operands."""
    if node.op is None:
        return ""
    operands = [_operand(graph.nodes[i]) for i in node.inputs]
    if node.op.name in INFIX and len(operands) == 2:
        return f"{operands[0]} {INFIX[node.op.name]} {operands[1]}"
    if node.op.name == "identity":
        return operands[0]
    if node.op.name == "index":
        return f"{operands[0]}[{', '.join(map(_subscript, node.parameters['index']))}]"
    return f"{node.op.name}({', '.join([*operands, *_settings(node.op, node.parameters)])})"


def _operand(node: Node) -> str:
    if node.kind != "constant":
        return node.name
    return _value(node.value)


def _settings(op: Op, parameters: Mapping[str, object]) -> list[str]:
    """The parameters that are not at their defaults."""
    usual = op.signature.parameters
    return [f"{name}={_value(value)}" for name, value in parameters.items() if value != usual.get(name)]


def _value(value: object) -> str:
    name = getattr(value, "name", None)
    if isinstance(name, str):  # a named size
        return name
    if isinstance(value, Fraction):
        return _number(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_value, value))}{',' if len(value) == 1 else ''})"
    return "none" if value is None else repr(value) if isinstance(value, str) else str(value)


def _number(value: Fraction) -> str:
    """A literal, short: 2, 1/2, 1e-05."""
    if value.denominator == 1 and abs(value) < 10**6:
        return str(value.numerator)
    short = value.denominator < 100 and abs(value.numerator) < 100
    return f"{value.numerator}/{value.denominator}" if short else f"{float(value):g}"


def _subscript(item: object) -> str:
    if isinstance(item, slice):
        ends = [item.start, item.stop, *([] if item.step is None else [item.step])]
        return ":".join("" if end is None else str(end) for end in ends)
    return "..." if item is Ellipsis else _value(item)
