"""`backprop hessian`: the second derivatives of a number, entry by entry, and their formula."""

from __future__ import annotations

import click

from backprop_cli.cli.derivatives import FORMATS, Job, begin, form_of
from backprop_cli.cli.options import Memory, Page, ReportChoice, SpecChoice, format_option, spec_argument, takes
from backprop_cli.cli.records import Limits


@click.command(short_help="second derivatives, entry by entry")
@spec_argument
@format_option(FORMATS)
@click.option("--get", metavar="PATH", help="Print one thing only: value, 'value[0,1]', formula, formula.latex, shape.")
@click.option("--vector", metavar="VALUE", help="The product of the Hessian with this array, without the Hessian.")
@click.option("--to", type=click.Choice(["spec"]), help="Write a spec whose last nodes are the Hessians.")
@click.option("--terms", type=click.Choice(["none"]), help="none: numbers alone.")
@takes(choice=SpecChoice, report=ReportChoice, page=Page, memory=Memory, limits=Limits)
def command(spec: str, form: str | None, get: str | None, vector: str | None, to: str | None, terms: str | None,
            choice: SpecChoice, report: ReportChoice, page: Page, memory: Memory, limits: Limits) -> int:  # fmt: skip
    """Differentiate a number twice.

    Prints the Hessian of the output by --wrt (by default every param, and every pair of them): its formula, its
    entries in index notation, and its numbers.
    """
    chosen = form_of(spec, form, to, report)
    view = page.of(report.view(()), report.out, chosen)
    job = Job("hessian", choice, chosen, view, terms != "none", memory.max_bytes, get, to, vector)
    return begin(spec, job, report, limits)
