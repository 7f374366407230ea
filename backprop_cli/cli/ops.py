"""`backprop ops`: the functions of the language, with their derivative rules."""

from __future__ import annotations

import click

from backprop_cli.cli.completing import function_names
from backprop_cli.cli.loading import one_thread
from backprop_cli.cli.options import ReportChoice, Width, format_option, takes
from backprop_cli.cli.streams import sink_for, suffixed
from backprop_cli.errors import UsageError

FORMATS = {"text": (".txt",), "json": (".json",), "markdown": (".md", ".markdown")}


@click.command(short_help="functions and their derivatives")
@click.argument("name", required=False, metavar="[NAME]", shell_complete=function_names)
@format_option(FORMATS)
@takes(report=ReportChoice, page=Width)
def command(name: str | None, form: str | None, report: ReportChoice, page: Width) -> int:
    """List every function with its derivative rule, or say all about one.

    The rules are found by the program's own reverse pass, for a call y = f(x) and an upstream gradient g.
    """
    one_thread()
    if name is not None:
        _check(name)
    from backprop_cli.report import functions
    from backprop_cli.tasks.opdoc import describe

    form = form or suffixed(report.out, FORMATS) or "text"
    view = page.of(report.view(()), report.out)
    if name is not None and form == "text":
        text = functions.page(describe(name), view)
    else:
        docs = [describe(name)] if name is not None else functions.everything()
        text = functions.FORMATS[form](docs, view)
    sink = sink_for(report.out)
    sink.write(text)
    sink.commit()
    return 0


def _check(name: str) -> None:
    """The name is a function's or an alias.

    Raises:
        UsageError: E012, with the name that was probably meant.
    """
    from backprop_cli.engine.interpret import FUNCTION_SYNONYMS
    from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
    from backprop_cli.language.suggest import did_you_mean

    known = {*OPS, *COMPOSITES, *ALIASES}
    if name not in known:
        hint = did_you_mean(name, sorted(known), FUNCTION_SYNONYMS) or "'backprop ops' lists them"
        raise UsageError("E012", f"unknown function {name[:64]!r}", hint=hint)
