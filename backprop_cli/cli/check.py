"""`backprop check`: independent answers for every gradient, and whether they agree."""

from __future__ import annotations

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.derivatives import asked_for, unseeded, whole
from backprop_cli.cli.folders import SPECS, files_of
from backprop_cli.cli.loading import load, one_thread, threads_for
from backprop_cli.cli.options import Memory, ReportChoice, SpecChoice, Width, format_option, specs_argument, takes
from backprop_cli.cli.progress import progress
from backprop_cli.cli.records import Done, Spread
from backprop_cli.cli.streams import refuse_overwriting, sink_for, suffixed
from backprop_cli.errors import UsageError
from backprop_cli.formulas.printed import TERMS
from backprop_cli.records import dataclass
from backprop_cli.report.checked_formats import RENDERERS, SUFFIXES
from backprop_cli.report.view import View

TINY = b"params: {w: [[1.0]]}\nnodes: {y: tanh(w @ w), loss: sum(y)}\n"


@dataclass(frozen=True, slots=True)
class Job:
    """What to do with each spec."""

    choice: SpecChoice
    form: str
    view: View
    terms: tuple[str, ...]
    max_bytes: int
    kind: str | None = None  # jacobian or hessian
    bar: bool = False

    def __call__(self, path: str) -> Done:
        """Check a spec and render what came out; code 1 where answers disagree."""
        if self.kind is not None:
            return self.of_tensor(path, self.kind)
        spec = load(path, self.choice)
        threads_for(spec)
        from backprop_cli.tasks.checks import CheckSettings, check

        with progress(self.bar) as bar:
            report = check(spec, CheckSettings(terms=self.terms, max_bytes=self.max_bytes, progress=bar))
        return Done(RENDERERS[self.form](report, self.view), 0 if report.ok else 1)

    def of_tensor(self, path: str, kind: str) -> Done:
        """Check a Jacobian or a Hessian, row by row."""
        names, choice = asked_for(self.choice)
        spec = load(path, choice)
        threads_for(spec)
        from backprop_cli.tasks.jacobian.checked import check_hessian, check_jacobian
        from backprop_cli.tasks.jacobian.jacobian import Wanted

        wanted = Wanted(names, bool(self.terms), self.max_bytes)
        report = (check_jacobian if kind == "jacobian" else check_hessian)(whole(spec, names), wanted)
        return Done(RENDERERS[self.form](report, self.view), 0 if report.ok else 1)

    def warm(self) -> None:
        """Import all that checking needs, and fill caches, by checking a tiny spec."""
        one_thread()
        from backprop_cli.language.reader import read_spec
        from backprop_cli.tasks.checks import check

        check(read_spec(TINY, "tiny", folder=None))


@click.command(short_help="independent answers for each gradient")
@specs_argument
@format_option(RENDERERS)
@click.option("--terms", multiple=True, type=click.Choice([*TERMS, "none"]),
              help="Which formulas are evaluated (repeatable; default all; none: no formula).")  # fmt: skip
@click.option("--jacobian", "kind", flag_value="jacobian", help="Check the Jacobian of the output by --wrt instead.")
@click.option("--hessian", "kind", flag_value="hessian", help="Check the Hessian of the output by --wrt instead.")
@takes(choice=SpecChoice, report=ReportChoice, page=Width, memory=Memory, limits=Spread)
def command(specs: tuple[str, ...], form: str | None, terms: tuple[str, ...], kind: str | None, choice: SpecChoice,
            report: ReportChoice, page: Width, memory: Memory, limits: Spread) -> int:  # fmt: skip
    """Check every gradient of specs.

    Compares the reverse pass with its printed formulas, read back and evaluated; with central differences, entry by
    entry; and with sympy's derivatives: of the explicit output where that is short, else of each step, put together by
    the chain rule.  Exit code 1 where they disagree.  An entry on a kink has no derivative to compare with: it is
    listed, and is not an error.
    """
    if kind is not None:
        unseeded(choice, kind.capitalize())
    specs = files_of(specs, SPECS)
    refuse_overwriting(report.out, specs)
    chosen = form or suffixed(report.out, SUFFIXES) or "text"
    if chosen == "html" and len(specs) > 1:
        raise UsageError("E026", "--format html holds one whole result", hint="give one spec")
    wanted = tuple(t for t in TERMS if t in terms) if terms else TERMS
    view = page.of(report.view(()), report.out)
    job = Job(choice, chosen, view, wanted, memory.max_bytes, kind, len(specs) == 1)
    if len(specs) > 1:
        one_thread()
    goes_on = chosen == "ndjson"
    series = Series(between="\n" if chosen == "text" else "", goes_on=goes_on, ascii=job.view.ascii)
    return over(specs, job, sink_for(report.out), series, limits, manner_now(), job.warm)
