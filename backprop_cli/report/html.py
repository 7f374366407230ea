"""A run as a page that one steps through: the graph beside the worked solution, forward and then back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property

from backprop_cli.formulas.notation import Notation
from backprop_cli.formulas.printed import Named, Omitted, Printed
from backprop_cli.records import dataclass, replace
from backprop_cli.report.arrays import count
from backprop_cli.report.diagram import Arrow, Box, Diagram, Numbers
from backprop_cli.report.graph_svg import render as picture
from backprop_cli.report.lit import EQUALS, Lit, value_of
from backprop_cli.report.page import listed, navigation, page, step, text, wide
from backprop_cli.report.text import legend_of, terms_shown, verdict, with_definitions
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.result import Gradient, NodeResult, Result

DRAWN = 150
"""A graph of more boxes than this is no picture any more."""

BOX_DIGITS = 4

WHOLE = '<button type="button" class="whole" hidden aria-pressed="false">Whole graph</button>'


def render(result: Result, view: View = READING) -> str:
    """The page of one spec."""
    sheet = _Sheet(result, view)
    return page(result.title or result.spec, sheet.body())


@dataclass(frozen=True)
class _Sheet:
    """One result, being written."""

    result: Result
    view: View

    @cached_property
    def numbers(self) -> dict[str, int]:
        """A number for each node, the same in text and picture."""
        return self.diagram.numbers

    @cached_property
    def diagram(self) -> Diagram:
        """What is drawn."""
        return diagram_of(self.result, self.view)

    def body(self) -> Iterator[str]:
        """Head, buttons, picture, solution, and what there is to know."""
        result = self.result
        yield f"<header><h1>{text(result.title or result.spec)}</h1>"
        if result.description:
            yield f"<p>{text(result.description)}</p>"
        dims = "".join(f", {text(name)} = {size}" for name, size in result.dims.items())
        yield f'<p class="soft">{text(result.spec)}{dims}</p></header>'
        yield navigation()
        yield '<main class="two">'
        yield f'<div class="beside">{drawn(self.diagram, self.view)}'
        yield from listed(result.listing, self.numbers)
        yield "</div>"
        yield '<div class="solution">'
        yield from self.forward()
        yield from self.tangents()
        yield from self.passes()
        yield from self.remarks()
        yield "</div></main>"

    # passes ──────────────────────────────────────────────────────────────────────────────────────

    def forward(self) -> Iterator[str]:
        """Every node's value, as it is computed."""
        yield '<section aria-labelledby="forward"><h2 id="forward">Forward pass</h2><ol class="steps">'
        for node in self.result.nodes:
            yield self.value_step(node)
        yield "</ol></section>"

    def value_step(self, node: NodeResult) -> str:
        name = f"<strong>{self.math(self.notation.name(node.name))}</strong>"
        kind = node.kind if node.kind != "node" else f"<code>{text(node.expression or node.op or '')}</code>"
        head = f'<div class="row">{name}<span class="soft">{kind}, {count(node.shape)}</span></div>'
        written = [wide(self.math(f"<mo>=</mo>{node.definition['marked_mathml']}"))] if node.definition else []
        content = [head, *written, self.value(node.value)]
        return step("on", self.numbers.get(node.name), f"forward, {node.name}", content)

    def tangents(self) -> Iterator[str]:
        """Forward mode, where it was asked for: each node's tangent, in the order of the one pass."""
        moving = [(node, node.tangent) for node in self.result.nodes if node.tangent is not None]
        if not moving:
            return
        yield '<section><h2>Forward mode</h2><ol class="steps">'
        for node, tangent in moving:
            name = self.notation.name(node.name)
            dotted = self.math(f'<mover accent="true">{name}<mo>˙</mo></mover>')
            written = [wide(self.math(f"<mo>=</mo>{tangent.formula.marked('mathml')}"))] if tangent.formula else []
            content = [f'<div class="row"><strong>{dotted}</strong></div>', *written, self.value(tangent.value)]
            yield step("on", self.numbers.get(node.name), f"forward, tangent of {node.name}", content)
        yield "</ol></section>"

    def passes(self) -> Iterator[str]:
        """Every gradient, in the order of the reverse pass; of several passes each, and their sum."""
        result = self.result
        if not result.passes:
            found = {node.name: node.gradient for node in result.nodes if node.gradient is not None}
            yield from self.reverse("Reverse pass", result.output, found, result.where)
        for position, one in enumerate(result.passes, 1):
            yield from self.reverse(f"Reverse pass {position} of {len(result.passes)}", one.output, one.gradients,
                                    one.where)  # fmt: skip
        if result.passes:
            yield from self.total()

    def reverse(
        self, heading: str, output: str, gradients: Mapping[str, Gradient], where: tuple[Named, ...]
    ) -> Iterator[str]:
        """One pass; each δ is defined before its first use."""
        yield f"<section><h2>{heading}, from {text(output)} back</h2>" + '<ol class="steps">'
        order = [node.name for node in reversed(self.result.nodes) if node.name in gradients]
        nodes = self.result.by_name
        for name, defined in with_definitions(order, gradients, where, self.view):
            yield from map(self.definition_step, defined)
            yield self.gradient_step(output, nodes[name], gradients[name])
        yield "</ol></section>"

    def definition_step(self, named: Named) -> str:
        """A δ: the gradient of a part that has no name."""
        at = f'<span class="soft">at <code>{text(named.at)}</code></span>' if named.at else ""
        equation = self.math(f"{named.name['marked_mathml']}{EQUALS}{named.formula.marked('mathml')}")
        head = f'<div class="row">{wide(equation)}{at}</div>'
        said = f"back, definition of {named.name['text']}"
        return step("back", self.numbers.get(named.node), said, [head, self.value(named.value)])

    def gradient_step(self, output: str, node: NodeResult, gradient: Gradient) -> str:
        left = self.notation.gradient(output, node.name)
        head = f'<div class="row"><strong>{self.math(left)}</strong><span class="soft">{count(node.shape)}</span></div>'
        said = f"back, gradient of {node.name}"
        content = [head, *self.formulas(gradient), self.value(gradient.value)]
        return step("back", self.numbers.get(node.name), said, content)

    def total(self) -> Iterator[str]:
        """What leaves have after all passes."""
        yield '<section><h2>Sum of the passes</h2><ol class="steps">'
        for node in self.result.nodes:
            if node.kind != "node" and node.gradient is not None:
                head = f"<strong>{self.math(self.notation.name(node.name))}</strong>"
                said = f"sum of the gradients of {node.name}"
                yield step("back", self.numbers.get(node.name), said, [head, self.value(node.gradient.value)])
        yield "</ol></section>"

    # parts ───────────────────────────────────────────────────────────────────────────────────────

    def formulas(self, gradient: Gradient) -> Iterator[str]:
        """Each different formula once, a line each."""
        seen: dict[str, None] = {}
        for terms in terms_shown(gradient, self.view):
            formula = gradient.formula.get(terms)
            if isinstance(formula, Printed):
                seen[self.math(f"<mo>=</mo>{formula.marked('mathml')}")] = None
            elif isinstance(formula, Omitted):
                seen[f'<span class="soft">({terms}: {text(formula.why)})</span>'] = None
        yield from map(wide, seen)

    @cached_property
    def notation(self) -> Notation:
        """Writes names."""
        return self.result.notation("mathml")

    @cached_property
    def math(self) -> Lit:
        """Writes formulas."""
        return Lit(self.numbers)

    def value(self, value: object) -> str:
        """A value in rows."""
        return value_of(value, self.view)

    def remarks(self) -> Iterator[str]:
        """Warnings, facts relied on, how far formulas are from values."""
        result = self.result
        for warning in result.warnings:
            where = f"{text(warning.node)}: " if warning.node else ""
            yield f'<p class="warning">{where}{text(warning.message)}</p>'
        yield from (f'<p class="soft">notation: {text(one)}</p>' for one in legend_of(result, self.view))
        yield from (f'<p class="soft">used: {text(fact)}</p>' for fact in result.facts)
        known = [node.gradient for node in result.nodes if node.gradient is not None]
        yield f'<p class="soft">{text(verdict(known))}</p>'


def drawn(diagram: Diagram, view: View) -> str:
    """A graph as a picture in a page, or how to see one that is too large.

    On a small screen the picture shows what is around the node in work, and a button the whole of it.
    """
    boxes = len(diagram.boxes)
    if boxes > DRAWN:
        content = (f'<p class="soft">A graph of {boxes} boxes is not drawn here; <code>backprop graph '
                   f"{text(diagram.spec)} -o graph.svg</code> draws it.</p>")  # fmt: skip
    else:
        content = WHOLE + picture(diagram, replace(view, ascii=False), embedded=True)
    return f'<section class="picture" aria-label="Computation graph">{content}</section>'


def diagram_of(result: Result, view: View) -> Diagram:
    """The graph of a result, with its numbers."""
    place = {node.name: position for position, node in enumerate(result.nodes)}
    outputs = tuple(dict.fromkeys(one.output for one in result.passes)) or (result.output,)
    shown = Numbers([], [], view.precision or BOX_DIGITS).shown
    boxes = tuple(
        Box(node.name, node.kind, node.expression or "", count(node.shape), node.requires_grad, node.name in outputs,
            value=shown(node.value), gradient=shown(node.gradient.value) if node.gradient else ())
        for node in result.nodes
    )  # fmt: skip
    arrows = tuple(
        Arrow(place[name], place[node.name], bool(node.gradient and result.nodes[place[name]].gradient))
        for node in result.nodes for name in dict.fromkeys(node.inputs) if name in place
    )  # fmt: skip
    return Diagram(result.spec, None, outputs, boxes, arrows)

