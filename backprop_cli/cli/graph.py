"""`backprop graph`: the computation graph, as text or as a picture."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click

from backprop_cli.cli.batch import Done, Limits, Series, manner_now, over
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import SpecChoice, format_option, spec_argument, takes
from backprop_cli.cli.streams import ascii_only, color_wanted, refuse_overwriting, sink_for
from backprop_cli.report.graph_formats import FORMATS, format_of, renderer
from backprop_cli.report.view import View


@dataclass(frozen=True, slots=True)
class Drawn:
    """How and where a graph is shown; it has no numbers, so no precision."""

    out: str | None = None
    ascii: bool = False
    color: str = "auto"
    error_format: str | None = None  # read by the boundary

    @property
    def view(self) -> View:
        """The view for the stream or file that is written to."""
        here = self.out in {None, "-"}
        color = color_wanted(self.color, sys.stdout) if here else self.color == "always"
        return View((), None, color, self.ascii or (here and ascii_only(sys.stdout)))


@dataclass(frozen=True, slots=True)
class Job:
    """Draw the graph of a spec."""

    choice: SpecChoice
    form: str
    view: View
    anonymous: bool

    def __call__(self, path: str) -> Done:
        """The drawing of one spec; shapes are enough."""
        spec = load(path, self.choice)
        one_thread()
        from backprop_cli.engine.graph import build
        from backprop_cli.report.diagram import diagram

        return Done(renderer(self.form)(diagram(build(spec), self.anonymous), self.view))

    def warm(self) -> None:
        """One spec: there is nothing to prepare."""


@click.command(short_help="the computation graph")
@spec_argument
@format_option(FORMATS)
@click.option("--all", "anonymous", is_flag=True, help="Show the parts of inline expressions as nodes too.")
@takes(choice=SpecChoice, drawn=Drawn, limits=Limits)
def command(spec: str, form: str | None, anonymous: bool, choice: SpecChoice, drawn: Drawn, limits: Limits) -> int:
    """Show the computation graph of a spec.

    Every node in topological order with its shape, its operands and its consumers, and which way the gradient
    comes back.  'text' is for a terminal, 'svg' a picture, 'dot' for Graphviz, 'mermaid' for a Markdown page.
    A spec with shapes alone will do.
    """
    refuse_overwriting(drawn.out, (spec,))
    job = Job(choice, form or format_of(drawn.out or "") or "text", drawn.view, anonymous)
    return over((spec,), job, sink_for(drawn.out), Series(), limits, manner_now(), job.warm)
