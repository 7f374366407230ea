"""`backprop grade`: answers of students, marked item by item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Done, Limits, Series, manner_now, over
from backprop_cli.cli.completing import items
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import Memory, ReportChoice, SpecChoice, format_option, takes
from backprop_cli.cli.streams import refuse_overwriting, sink_for
from backprop_cli.errors import UsageError
from backprop_cli.report.graded import HEADER, RENDERERS
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.grading.key import Key
    from backprop_cli.tasks.grading.mark import Scheme


@dataclass(frozen=True, slots=True)
class Job:
    """Mark files of answers against one key, which was worked out once."""

    key: Key
    scheme: Scheme
    form: str
    view: View

    def __call__(self, path: str) -> Done:
        """The marks of one file; code 1 where anything is not right."""
        from backprop_cli.tasks.grading.mark import grade
        from backprop_cli.tasks.grading.sheets import read_sheet

        graded = grade(self.key, read_sheet(path), self.scheme)
        return Done(RENDERERS[self.form](graded, self.view), 0 if graded.ok else 1)

    def warm(self) -> None:
        """The key is worked out: there is nothing left to prepare."""


TOLERANCE = click.FloatRange(0, 1)


@click.command(short_help="mark answers against a spec")
@click.argument("key", metavar="KEY", type=click.Path())
@click.argument("answers", nargs=-1, required=True, metavar="ANSWERS...", type=click.Path())
@format_option(RENDERERS, "text")
@click.option("--points", multiple=True, metavar="ITEM=N", shell_complete=items,
              help="What an item is worth: w2.grad=2 (repeatable).")
@click.option("--rtol", type=TOLERANCE, help="How near numbers must be, relatively (default: to the digits written).")
@click.option("--atol", type=click.FloatRange(0), default=0.0, help="How near numbers must be, absolutely.")
@takes(choice=SpecChoice, report=ReportChoice, memory=Memory, limits=Limits)
def command(key: str, answers: tuple[str, ...], form: str, points: tuple[str, ...], rtol: float | None, atol: float,
            choice: SpecChoice, report: ReportChoice, memory: Memory, limits: Limits) -> int:  # fmt: skip
    """Mark answers node by node.

    KEY is a spec, or a marking scheme: 'spec: net.yaml' and 'points:'.  ANSWERS are YAML files with 'answers:' such
    as 'loss: 0.4999', 'w2.grad: [[...]]', 'w1.formula: grad(z_1) @ x.T'.  Numbers are right when they round to what
    was written; formulas when they give the right value, at the spec's numbers and at others.
    """
    refuse_overwriting(report.out, (key, *answers))
    if key == "-" and "-" in answers:
        raise UsageError("E026", "'-' can be given once: there is one standard input")
    one_thread()
    job = _job(key, points, rtol, atol, choice, memory, form, report.view(()))
    series = Series(HEADER if form == "csv" else "", "\n" if form == "text" else "", form == "ndjson", job.view.ascii)
    return over(answers, job, sink_for(report.out), series, limits, manner_now(), job.warm)


def _job(path: str, points: tuple[str, ...], rtol: float | None, atol: float, choice: SpecChoice, memory: Memory,
         form: str, view: View) -> Job:  # fmt: skip
    """Work out the key; what is wrong with it ends the command."""
    from backprop_cli.tasks.grading.agreement import Closeness
    from backprop_cli.tasks.grading.key import key_of
    from backprop_cli.tasks.grading.scheme import key_file, scheme_of

    file = key_file(path)
    key = key_of(load(file.spec, choice), memory.max_bytes)
    return Job(key, scheme_of(key, file, points, Closeness(rtol, atol)), form, view)
