"""`backprop step`: the params moved against their gradients, as formulas and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import load, threads_for
from backprop_cli.cli.options import (
    Memory,
    Page,
    ReportChoice,
    SpecChoice,
    Written,
    format_option,
    spec_argument,
    takes,
)
from backprop_cli.cli.progress import Bar, progress
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import AtomicFile, refuse_overwriting, sink_for, suffixed, write_file
from backprop_cli.errors import UsageError
from backprop_cli.records import dataclass
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec
    from backprop_cli.tasks.stepping.results import Stepped

RULES = ("sgd", "momentum", "nesterov", "adam", "rmsprop")
SPEC_SUFFIXES = (".yaml", ".yml")
FORMATS = {"text": (".txt",), "json": (".json",), "csv": (".csv",), "markdown": (".md", ".markdown"),
           "latex": (".tex",), "html": (".html", ".htm")}  # fmt: skip
MOST_STEPS = 10_000_000


@dataclass(frozen=True, slots=True)
class Job:
    """Step one spec, and write what else was asked for."""

    choice: SpecChoice
    form: str
    view: View
    rule: str
    given: Mapping[str, str]
    steps: int
    every: int | None
    formulas: bool
    max_bytes: int
    new_spec: str | None = None
    plot: str | None = None
    bar: bool = False
    get: str | None = None

    def __call__(self, path: str) -> Done:
        """Step, write the new spec and the plot, render."""
        spec = load(path, self.choice)
        threads_for(spec)
        from backprop_cli.report.stepped import streamed
        from backprop_cli.tasks.stepping.step import StepSettings, step

        settings = StepSettings(self.rule, self.given, self.steps, self.every, self.view.digits, self.formulas,
                                self.max_bytes, self.new_spec is not None)  # fmt: skip
        with progress(self.bar) as bar:
            result = step(spec, settings, None if bar is None else partial(_told, bar, self.steps))
        if self.new_spec is not None:
            write_file(self.new_spec, _new_text(spec, result))
        if self.plot is not None:
            from backprop_cli.report.stepped import plot

            write_file(self.plot, plot.render(result))
        if self.get is not None:
            from backprop_cli.cli.step_get import value_at

            return Done(value_at(result, self.get, self.view) + "\n")
        return Done(streamed(self.form)(result, self.view))

    def warm(self) -> None:
        """One spec: there is nothing to prepare."""


def _told(bar: Bar, steps: int, done: int, loss: float) -> None:
    bar(done, steps, f"  loss {loss:.6g}")


def _new_text(spec: Spec, result: Stepped) -> str:
    """The spec's own text with the params of now, and with what `--set` changed."""
    import numpy as np

    from backprop_cli.language.patched import with_values
    from backprop_cli.tasks.claims import holds

    changed = {leaf.name: np.asarray(leaf.load()) for leaf in spec.leaves
               if leaf.load is not None and leaf.at.source is not spec.source}  # by --set
    return with_values(spec, {**changed, **{one.name: np.asarray(one.new) for one in result.params}}, holds)


PARAMETERS: dict[str, tuple[str, str]] = {
    "lr": ("NUMBER", "The learning rate (default: the rule's, as in PyTorch)."),
    "momentum": ("NUMBER", "momentum, nesterov, rmsprop: how much of the last step goes on."),
    "dampening": ("NUMBER", "momentum: how much of the gradient is held back."),
    "beta1": ("NUMBER", "adam: decay of the mean of the gradient (default 0.9)."),
    "beta2": ("NUMBER", "adam: decay of the mean of its square (default 0.999)."),
    "alpha": ("NUMBER", "rmsprop: decay of the mean of the square (default 0.99)."),
    "eps": ("NUMBER", "adam, rmsprop: added to the root (default 1e-8)."),
    "amsgrad": ("0|1", "adam: divide by the largest mean of the square so far."),
    "centered": ("0|1", "rmsprop: subtract the square of the mean."),
    "weight_decay": ("NUMBER", "Any rule: adds this times the param to its gradient."),
}
"""The parameters of the rules, as options; a rule refuses those it lacks."""


def _parameter_options(body: Callable[..., int]) -> Callable[..., int]:
    """An option for each parameter, handed over together as `given`."""

    @wraps(body)  # with the options added so far
    def command(**options: object) -> int:
        given = {name: str(value) for name in PARAMETERS if (value := options.pop(name)) is not None}
        return body(given=given, **options)

    made: Callable[..., int] = command
    for name, (metavar, text) in reversed(PARAMETERS.items()):
        made = click.option(f"--{name.replace('_', '-')}", name, metavar=metavar, help=text)(made)
    return made


@click.command(short_help="params moved against their gradients")
@spec_argument
@click.option("--rule", type=click.Choice(RULES), default="sgd", help="The rule of the update (default sgd).")
@_parameter_options
@click.option("--steps", type=click.IntRange(1, MOST_STEPS), default=1, metavar="N", help="How many steps (default 1).")
@click.option("--every", type=click.IntRange(1), metavar="N", help="Record the loss every N steps.")
@click.option("--plot", metavar="FILE.svg", type=Written(), help="Draw the loss over the steps.")
@click.option("--get", metavar="PATH", help="Print one thing and nothing else: w5.new, w5.new[0,1], the output's name.")
@click.option("--terms", type=click.Choice(["none"]), help="none: no formula of a gradient, and no wait for one.")
@format_option(FORMATS)
@takes(choice=SpecChoice, report=ReportChoice, page=Page, memory=Memory, limits=Limits)
def command(spec: str, rule: str, given: Mapping[str, str], steps: int, every: int | None, plot: str | None,
            terms: str | None, get: str | None, form: str | None, choice: SpecChoice, report: ReportChoice, page: Page,
            memory: Memory, limits: Limits) -> int:  # fmt: skip
    """Move the params of a spec against their gradients.

    Prints the update of every param as a formula, with its numbers put in, the new value, and the new loss beside
    the old; over many steps the loss as a table.  `--wrt` chooses what moves.  `-o NEW.yaml` writes the spec with the
    new numbers, its comments and order kept; `-o` of another suffix writes the report.
    """
    refuse_overwriting(report.out, (spec,))
    refuse_overwriting(plot, (spec,), option="--plot")
    new_spec = report.out if (report.out or "").endswith(SPEC_SUFFIXES) else None
    _check(report.out, plot, new_spec)
    out = None if new_spec else report.out
    chosen = form or suffixed(out, FORMATS) or "text"
    view = page.of(ReportChoice(out, report.precision, report.ascii, report.color).view(()), out, chosen)
    formulas = terms != "none" and get is None
    job = Job(choice, chosen, view, rule, given, steps, every, formulas, memory.max_bytes,
              new_spec, plot, bar=steps >= 100, get=get)  # fmt: skip
    return over((spec,), job, sink_for(out), Series(), limits, manner_now(), job.warm)


def _check(out: str | None, plot: str | None, new_spec: str | None) -> None:
    """What can be written where is plain before any step is taken.

    Raises:
        UsageError: E026 for a suffix that nothing has.
        FileError: E025.
    """
    suffixed(out, {"spec": SPEC_SUFFIXES, **FORMATS})
    if plot is not None and not plot.endswith(".svg"):
        raise UsageError("E026", f"--plot {plot}: the plot is an SVG", hint="--plot loss.svg")
    for path in (new_spec, plot):
        if path is not None:
            AtomicFile(path)
