"""`backprop run`: every node's value, gradient formula and gradient value."""

from __future__ import annotations

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.completing import paths
from backprop_cli.cli.folders import SPECS, files_of
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import (
    Memory,
    Page,
    ReportChoice,
    SpecChoice,
    format_option,
    specs_argument,
    takes,
    terms_option,
)
from backprop_cli.cli.records import Done, Spread
from backprop_cli.cli.streams import refuse_overwriting, sink_for, suffixed
from backprop_cli.errors import UsageError
from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.printed import NOTATIONS
from backprop_cli.records import dataclass, replace
from backprop_cli.report.formats import FORMATS, SUFFIXES, renderer, streamed
from backprop_cli.report.view import View

TINY = b"params: {w: [[1.0]]}\nnodes: {y: tanh(w @ w), loss: sum(y)}\n"


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with each spec."""

    choice: SpecChoice
    form: str
    view: View
    terms: tuple[str, ...]  # computed; the view's are shown
    anonymous: bool
    max_bytes: int
    get: str | None = None
    notations: tuple[str, ...] = NOTATIONS
    tangents: tuple[str, ...] = ()

    def __call__(self, path: str) -> Done:
        """Run a spec and render what came out."""
        spec = load(path, self.choice)
        from backprop_cli.tasks.calculate import Settings, run

        if self.tangents:
            from backprop_cli.tasks.forward import directions, with_forward_mode, with_seed

            spec = with_seed(spec)
        result = run(spec, Settings(self.terms, self.notations, self.anonymous, self.max_bytes))
        if self.tangents:
            given = directions(spec, self.tangents)
            result = with_forward_mode(result, spec, given, bool(self.terms), self.max_bytes,
                                       self.notations)  # fmt: skip
        if self.get is None:
            return Done(streamed(self.form)(result, self.view))
        from backprop_cli.cli.get import find

        return Done(find(result, self.get, self.view) + "\n")

    def warm(self) -> None:
        """Import all that running and rendering need, and fill caches, by running a tiny spec."""
        one_thread()
        from backprop_cli.language.reader import read_spec
        from backprop_cli.tasks.calculate import Settings, run

        result = run(read_spec(TINY, "tiny", folder=None), Settings(self.terms, self.notations))
        renderer(self.form)(result, self.view)


@click.command(short_help="values and gradients")
@specs_argument
@format_option(FORMATS)
@terms_option()
@click.option("--get", metavar="PATH", shell_complete=paths,
              help="Print one thing only: loss, w1.grad, 'w1.grad[0,0]', w1.formula.latex.")
@click.option("--all", "anonymous", is_flag=True, help="Show the parts of inline expressions as nodes too.")
@click.option("--tangent", "tangents", multiple=True, metavar="NAME=VALUE",
              help="Forward mode too: every node's tangent as this leaf moves so (repeatable).")
@takes(choice=SpecChoice, report=ReportChoice, page=Page, memory=Memory, limits=Spread)
def command(specs: tuple[str, ...], form: str | None, terms: tuple[str, ...], get: str | None, anonymous: bool,
            tangents: tuple[str, ...], choice: SpecChoice, report: ReportChoice, page: Page, memory: Memory,
            limits: Spread) -> int:  # fmt: skip
    """Run specs forward and back.

    Prints the value of every node, then the gradient of every node, as a formula and as a number, in the order
    in which the reverse pass finds them.
    """
    specs = files_of(specs, SPECS)
    refuse_overwriting(report.out, specs)
    chosen = form or suffixed(report.out, SUFFIXES) or "text"
    if FORMATS[chosen].single and (len(specs) > 1 or get):
        raise UsageError("E026", f"--format {chosen} holds one whole result", hint="give one spec, and no --get")
    view = page.of(report.view(()), report.out, chosen)
    base = Job(choice, chosen, view, (), anonymous, memory.max_bytes, tangents=tangents)
    job = _job(chosen, terms, get, base)
    if len(specs) > 1:
        one_thread()
    return over(specs, job, sink_for(report.out), _series(job), limits, manner_now(), job.warm)


def _job(form: str, terms: tuple[str, ...], get: str | None, base: Job) -> Job:
    """The job with the formulas that are needed: those shown, or the one that `--get` asks for."""
    if get is not None:
        from backprop_cli.cli.get import parse

        path = parse(get)
        if path.part == "formula" and path.wanted is None and terms and terms[0] != "none":
            path = parse(f"{get}.{terms[0]}")  # the terms asked for, not those shown by default
        notations = MARKED["text"], MARKED.get(path.notation, path.notation)
        return replace(base, get=path.text, terms=path.terms, anonymous=True, notations=notations)
    shown = tuple(t for t in terms if t != "none") if terms else FORMATS[form].terms
    return replace(base, terms=shown, view=replace(base.view, terms=shown), notations=FORMATS[form].notations)


def _series(job: Job) -> Series:
    row = FORMATS[job.form]
    if job.get is not None:
        return Series()
    prologue = f"{row.prologue[:-1]},tangent\n" if job.form == "csv" and job.tangents else row.prologue
    return Series(prologue, row.between, row.goes_on, job.view.ascii)
