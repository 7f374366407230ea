"""`backprop derive`: the worked solution."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.completing import of_spec
from backprop_cli.cli.loading import load, one_thread, threads_for
from backprop_cli.cli.options import Memory, Page, ReportChoice, SpecChoice, format_option, spec_argument, takes
from backprop_cli.cli.progress import progress
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import refuse_overwriting, sink_for, suffixed
from backprop_cli.errors import UsageError
from backprop_cli.formulas.marks import MARKED
from backprop_cli.records import dataclass, replace
from backprop_cli.report.derived import FORMATS, SUFFIXES, renderer
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.engine.graph import Graph
    from backprop_cli.engine.ops.tensor import Array
    from backprop_cli.language.model import Spec
    from backprop_cli.report.diagram import Diagram
    from backprop_cli.tasks.result import Piece

Values: TypeAlias = "list[Array] | None"
Passes: TypeAlias = "list[list[Array]] | None"
BOX_DIGITS = 4



@dataclass(frozen=True, slots=True)
class Job:
    """Work out a spec's gradients and render the steps."""

    choice: SpecChoice
    form: str
    view: View
    nodes: tuple[str, ...]
    max_bytes: int
    entry: tuple[int, ...] | None = None

    def __call__(self, path: str) -> Done:
        """The worked solution of one spec."""
        spec = load(path, self.choice)
        threads_for(spec)
        from backprop_cli.engine.graph import build
        from backprop_cli.formulas.derivation import definitions, in_all, work_out
        from backprop_cli.formulas.derivation.apart import taken, taken_apart, with_letters
        from backprop_cli.language.steps import lettered
        from backprop_cli.report.derived.solution import Solution

        whole = build(spec)  # before its parts are: what is wrong is told of what was written
        parts = lettered(spec) if self.view.full else spec
        plain = whole if parts is spec else build(parts)
        graph = taken_apart(plain)
        _known(graph, self.nodes)
        values, passes = _numbers(graph, self.max_bytes)
        _has_entry(graph, self.nodes, self.entry)
        notations = FORMATS[self.form].notations
        with progress() as bar:
            asked = with_letters(self.nodes, plain, graph)
            worked = work_out(graph, asked, values, passes, self.entry, self.view.digits, notations, bar)
        letters = definitions(graph, notations) if parts is not spec else ()
        if letters:
            worked = in_all(worked, whole, notations)
        title = spec.source.file, spec.title, graph.output_name
        apart = taken(plain, graph, notations)
        solution = Solution(*title, worked, letters, apart, self.diagram(graph, values, passes), self.listing(spec))
        return Done(renderer(self.form)(solution, self.view))

    def diagram(self, graph: Graph, values: Values, passes: Passes) -> Diagram | None:
        """The graph, for a format with pictures, with the numbers that there are."""
        if MARKED["mathml"] not in FORMATS[self.form].notations:
            return None
        from backprop_cli.report.diagram import Numbers, diagram

        return diagram(graph, numbers=Numbers(values, passes[-1], BOX_DIGITS) if values and passes else None)

    def listing(self, spec: Spec) -> tuple[tuple[Piece, ...], ...]:
        """The text of the spec, for a format that shows it."""
        from backprop_cli.tasks.listing import listing

        return listing(spec) if MARKED["mathml"] in FORMATS[self.form].notations else ()

    def warm(self) -> None:
        """One spec at a time: there is nothing to prepare."""


def _numbers(graph: Graph, max_bytes: int) -> tuple[Values, Passes]:
    """The values and gradients of the spec, where every leaf has numbers."""
    from backprop_cli.tasks.calculate import compute
    from backprop_cli.tasks.leaves import load_leaves

    if any(node.leaf is not None and node.leaf.load is None for node in graph.nodes):
        return None, None
    computed = compute(graph, load_leaves(graph, max_bytes))
    return list(computed.values), [list(p) for p in computed.passes]


def _has_entry(graph: Graph, names: tuple[str, ...], entry: tuple[int, ...] | None) -> None:
    """The entry asked for lies in one of the arrays."""
    if entry is None:
        return
    shown = [graph.nodes[graph.names[name]] for name in names] or [n for n in graph.named() if n.index in graph.active]
    shapes = [tuple(map(int, node.shape)) for node in shown]
    if any(len(entry) == len(s) and all(-n <= i < n for i, n in zip(entry, s, strict=True)) for s in shapes):
        return
    places = ", ".join(f"{node.name} {shape}" for node, shape in zip(shown, shapes, strict=True) if shape)
    listed = ",".join(map(str, entry))
    raise UsageError("E023", f"no gradient has an entry [{listed}]", hint=f"the arrays are {places or 'all scalars'}")


def _entry(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """An entry: `0,1`, `[0, 1]`."""
    if value is None:
        return None
    words = value.strip().strip("[]()").split(",")
    if not all(word.strip().lstrip("-").isdecimal() and len(word) < 12 for word in words):
        raise click.BadParameter(f"{value!r} is no entry; write its index: 0,1", ctx, param)
    return tuple(map(int, words))


def _known(graph: Graph, names: tuple[str, ...]) -> None:
    """Every asked node exists and has a gradient."""
    from backprop_cli.language.suggest import suggest

    for name in names:
        if name not in graph.names:
            near = suggest(name, graph.names)
            raise UsageError("E023", f"no node is called {name!r}", hint=f"did you mean {near!r}?" if near else None)
        if graph.names[name] not in graph.active:
            raise UsageError("E023", f"{name!r} has no gradient: {_why(graph, name)}", hint=f"ask for it: --wrt {name}")


def _why(graph: Graph, name: str) -> str:
    node = graph.nodes[graph.names[name]]
    return (
        "it is an input, which is data"
        if node.is_leaf
        else f"{graph.output_name} does not depend on it, or it on no param"
    )


@click.command(short_help="the worked solution")
@spec_argument
@click.argument("nodes", nargs=-1, metavar="[NODE]...", shell_complete=of_spec())
@format_option(FORMATS)
@click.option("--steps", type=click.Choice(["full", "brief"]), default="full",
              help="full: with reasons, shapes, one entry, numbers; brief: the key steps alone.")
@click.option("--entry", metavar="I,J", callback=_entry,
              help="The entry whose numbers are put in: 0,1 (default: the first).")
@takes(choice=SpecChoice, report=ReportChoice, page=Page, memory=Memory, limits=Limits)
def command(spec: str, nodes: tuple[str, ...], form: str | None, steps: str, entry: tuple[int, ...] | None,
            choice: SpecChoice, report: ReportChoice, page: Page, memory: Memory, limits: Limits) -> int:  # fmt: skip
    """Derive gradients step by step.

    For each node (by default every one, the output first): what its consumers contribute, why, the local derivative,
    the chain rule, the shapes, the step for one entry, what is substituted, what it simplifies to and, where the spec
    has numbers, the step with its numbers and the value.  The parts of a spec that is one long expression get letters.
    A spec with shapes alone will do.
    """
    suffix = suffixed(report.out, SUFFIXES)
    chosen = form or suffix or "text"
    refuse_overwriting(report.out, (spec,))
    one_thread()
    view = replace(page.of(report.view(()), report.out, chosen), full=steps == "full")
    job = Job(choice, chosen, view, nodes, memory.max_bytes, entry)
    return over((spec,), job, sink_for(report.out), Series(), limits, manner_now(), job.warm)
