"""`backprop graph`: the computation graph, as text or as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import Memory, ReportChoice, SpecChoice, Width, format_option, spec_argument, takes
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import refuse_overwriting, sink_for, suffixed
from backprop_cli.records import dataclass
from backprop_cli.report.graph_formats import FORMATS, SUFFIXES, renderer
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.engine.graph import Graph
    from backprop_cli.report.diagram import Numbers


DIGITS = 4
"""Significant digits in a box, where no precision is asked for."""


@dataclass(frozen=True, slots=True)
class Job:
    """Draw the graph of a spec."""

    choice: SpecChoice
    form: str
    view: View
    anonymous: bool
    values: bool
    local: bool
    max_bytes: int

    def __call__(self, path: str) -> Done:
        """The drawing of one spec; shapes are enough."""
        spec = load(path, self.choice)
        one_thread()
        from backprop_cli.engine.graph import build
        from backprop_cli.report.diagram import diagram

        graph = build(spec)
        numbers = self.numbers(graph) if self.values or self.local else None
        return Done(renderer(self.form)(diagram(graph, self.anonymous, numbers), self.view))

    def numbers(self, graph: Graph) -> Numbers:
        """What a run gives, for the boxes; the local derivatives, for the arrows."""
        from backprop_cli.report.diagram import Numbers
        from backprop_cli.tasks.calculate import compute
        from backprop_cli.tasks.leaves import load_leaves

        computed = compute(graph, load_leaves(graph, self.max_bytes))
        local: dict[tuple[str, str], str] = {}
        if self.local:
            from backprop_cli.formulas.derivation import local_derivatives

            local = local_derivatives(graph)
        gradients = [computed.gradient(node.index) for node in graph.nodes]
        return Numbers(computed.values, gradients, self.view.precision or DIGITS, local)

    def warm(self) -> None:
        """One spec: there is nothing to prepare."""


@click.command(short_help="the computation graph")
@spec_argument
@format_option(FORMATS)
@click.option("--all", "anonymous", is_flag=True, help="Show the parts of inline expressions as nodes too.")
@click.option("--values", is_flag=True, help="Write each node's value and gradient into its box.")
@click.option("--local", is_flag=True, help="With the values, write the local derivative on each edge.")
@takes(choice=SpecChoice, report=ReportChoice, page=Width, memory=Memory, limits=Limits)
def command(spec: str, form: str | None, anonymous: bool, values: bool, local: bool, choice: SpecChoice,
            report: ReportChoice, page: Width, memory: Memory, limits: Limits) -> int:  # fmt: skip
    """Show the computation graph of a spec.

    Every node in topological order with its shape, its operands and its consumers, and which way the gradient
    comes back.  'text' is for a terminal, 'svg' a picture, 'dot' for Graphviz, 'mermaid' for a Markdown page.
    A spec with shapes alone will do, unless --values asks for numbers.
    """
    refuse_overwriting(report.out, (spec,))
    form = form or suffixed(report.out, SUFFIXES) or "text"
    view = page.of(report.view(()), report.out)
    job = Job(choice, form, view, anonymous, values, local, memory.max_bytes)
    return over((spec,), job, sink_for(report.out), Series(), limits, manner_now(), job.warm)
