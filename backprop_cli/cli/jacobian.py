"""`backprop jacobian`: the derivative of an output by a leaf, entry by entry, and its formula."""

from __future__ import annotations

import click

from backprop_cli.cli.derivatives import FORMATS, Job, begin, form_of
from backprop_cli.cli.options import Memory, Page, ReportChoice, SpecChoice, format_option, spec_argument, takes
from backprop_cli.cli.records import Limits


@click.command(short_help="an output by a leaf, entry by entry")
@spec_argument
@format_option(FORMATS)
@click.option("--get", metavar="PATH", help="Print one thing only: value, 'value[0,1]', formula, formula.latex, shape.")
@click.option("--to", type=click.Choice(["spec"]), help="Write a spec whose last nodes are the Jacobians.")
@click.option("--terms", type=click.Choice(["none"]), help="none: numbers alone.")
@takes(choice=SpecChoice, report=ReportChoice, page=Page, memory=Memory, limits=Limits)
def command(spec: str, form: str | None, get: str | None, to: str | None, terms: str | None, choice: SpecChoice,
            report: ReportChoice, page: Page, memory: Memory, limits: Limits) -> int:  # fmt: skip
    """Differentiate an output of any shape.

    Prints the Jacobian of --output by --wrt (an input, a param or a node; by default every param): its formula as
    one tensor, its entries in index notation, and its numbers, of the output's shape followed by the leaf's.
    """
    chosen = form_of(spec, form, to, report)
    view = page.of(report.view(()), report.out, chosen)
    job = Job("jacobian", choice, chosen, view, terms != "none", memory.max_bytes, get, to)
    return begin(spec, job, report, limits)
