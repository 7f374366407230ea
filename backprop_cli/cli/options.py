"""The options that commands share: one row each, handed to a command in groups.

A command names the groups it takes, `@takes(choice=SpecChoice, report=ReportChoice)`, and gets one frozen object a
group under these names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

import click

from backprop_cli.cli.completing import of_spec
from backprop_cli.cli.streams import ascii_only, color_wanted
from backprop_cli.errors import UsageError
from backprop_cli.formulas.printed import TERMS
from backprop_cli.records import dataclass, fields, replace
from backprop_cli.report.fitting import DEFAULT, NARROWEST
from backprop_cli.report.view import View

Option = Callable[[Callable[..., Any]], Callable[..., Any]]


class Written(click.Path):
    """The type of an option that names a file to write: none that the command reads (`loading.load`)."""


UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}  # powers of two


def seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """A time: `10`, `0.5s`, `2m`."""
    if value is None:
        return None
    text = value.strip().lower().removesuffix("s")
    try:
        found = float(text.removesuffix("m")) * (60 if text.endswith("m") else 1)
    except ValueError:
        found = 0.0
    if not 0 < found < 1e9:
        raise click.BadParameter(f"{value!r} is not a time; write seconds: 10", ctx, param)
    return found


def size(ctx: click.Context, param: click.Parameter, value: str) -> int:
    """A size in memory: `500000000`, `500M`, `2G`."""
    text = value.strip().lower().removesuffix("b").removesuffix("i")
    shift = UNITS.get(text[-1:], 0)
    digits = text[:-1] if shift else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise click.BadParameter(f"{value!r} is not a size; write bytes, or 500M, 2G", ctx, param)
    return int(digits) << shift


def page_width(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    """Columns that a formula fits into."""
    if value is not None and not NARROWEST <= value <= WIDEST:
        limit = f"at least {NARROWEST}" if value < NARROWEST else f"at most {WIDEST}"
        raise click.BadParameter(f"a page of formulas takes {limit} columns, not {value}", ctx, param)
    return value


WIDEST = 10_000

OPTIONS: dict[str, Option] = {
    "sets": click.option("--set", "sets", multiple=True, metavar="NAME=VALUE",
                         shell_complete=of_spec(nodes=False, suffix="="),
                         help="Give an input or param another value (repeatable)."),
    "which": click.option("--pass", "which", type=click.IntRange(1), metavar="N",
                          help="Of a Python file with several backward passes, the N-th."),
    "expressions": click.option("-e", "--expression", "expressions", multiple=True, metavar="EXPR",
                                help="In place of a file: an expression, or NAME = EXPR (repeatable)."),
    "shapes": click.option("--shape", "shapes", multiple=True, metavar="NAME=N,M",
                           help="The shape of a name in -e; a letter is a size of its own (repeatable)."),
    "output": click.option("--output", metavar="EXPR", shell_complete=of_spec(leaves=False),
                           help="Go back from another node or entry: loss, 'p[0]'."),
    "grad_output": click.option("--grad-output", metavar="VALUE",
                                help="The seed: a number, an array such as [1, 0], or 'ones'."),
    "wrt": click.option("--wrt", multiple=True, metavar="NAME", shell_complete=of_spec(nodes=False),
                        help="Differentiate these leaves (repeatable; 'all')."),
    "dtype": click.option("--dtype", type=click.Choice(["float64", "float32"]), help="Compute in this precision."),
    "out": click.option("-o", "--out", metavar="FILE", type=Written(), help="Write to a file, whole or not at all."),
    "precision": click.option("--precision", type=click.IntRange(1, 17), metavar="N", help="Significant digits shown."),
    "ascii": click.option("--ascii", is_flag=True, help="Spell formulas in ASCII."),
    "color": click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto",
                          help="Colours (auto: in a terminal, unless NO_COLOR is set)."),
    "width": click.option("--width", type=click.INT, callback=page_width, metavar="N",
                          help="Break text to this width, at least 40 (default: the terminal's, else 100)."),
    "standalone": click.option("--standalone", is_flag=True, help="With --format latex: a whole document."),
    "error_format": click.option("--error-format", type=click.Choice(["text", "json", "github"]),
                                 help="How errors are written on stderr (default: text; json with --format json)."),
    "timeout": click.option("--timeout", callback=seconds, metavar="SECONDS",
                            help="Give up on a spec after this long."),
    "jobs": click.option("--jobs", type=click.IntRange(0, 1024), default=1, metavar="N",
                         help="Work on N specs at once (0: one a processor)."),
    "cluster": click.option("--cluster", metavar="ADDRESS",
                            help="Work on a dask.distributed cluster: its scheduler's address, or 'local'."),
    "max_bytes": click.option("--max-bytes", callback=size, default="1G", metavar="N",
                              help="Refuse a spec whose arrays take more (default 1G)."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SpecChoice:
    """What the command line changes in a spec."""

    sets: tuple[str, ...] = ()
    output: str | None = None
    grad_output: str | None = None
    wrt: tuple[str, ...] = ()
    dtype: str | None = None
    which: int | None = None
    expressions: tuple[str, ...] = ()
    shapes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportChoice:
    """How and where a result is shown."""

    out: str | None = None
    precision: int | None = None
    ascii: bool = False
    color: str = "auto"
    error_format: str | None = None  # read by the boundary, before anything else can fail

    def view(self, terms: tuple[str, ...]) -> View:
        """The view for the stream or file that is written to."""
        here = self.out in {None, "-"}
        color = color_wanted(self.color, sys.stdout) if here else self.color == "always"
        return View(terms, self.precision, color, self.ascii or (here and ascii_only(sys.stdout)))


@dataclass(frozen=True, slots=True)
class Width:
    """How wide the page is."""

    width: int | None = None

    def of(self, view: View, out: str | None) -> View:
        """The view with its width: as asked for, else the terminal's, else that of a file."""
        if self.width is not None:
            return replace(view, width=self.width)
        terminal = out in {None, "-"} and sys.stdout is not None and sys.stdout.isatty()
        if not terminal:
            return replace(view, width=DEFAULT)
        from shutil import get_terminal_size

        return replace(view, width=max(NARROWEST, get_terminal_size().columns))


@dataclass(frozen=True, slots=True)
class Page(Width):
    """How wide the page is, and whether it is a whole document."""

    standalone: bool = False

    def of(self, view: View, out: str | None, form: str = "text") -> View:
        """The view of the page in a format.

        Raises:
            UsageError: E026 for a document of another format than LaTeX.
        """
        if self.standalone and form != "latex":
            raise UsageError("E026", "--standalone goes with --format latex", hint=f"--format {form} is whole as it is")
        return Width.of(self, replace(view, standalone=self.standalone), out)


@dataclass(frozen=True, slots=True)
class Plain:
    """Where a text that has no view is written."""

    out: str | None = None
    error_format: str | None = None  # read by the boundary


@dataclass(frozen=True, slots=True)
class Memory:
    """How much a spec may take."""

    max_bytes: int = 1 << 30


def _aimed(given: dict[str, Any], made: dict[str, object]) -> dict[str, object]:
    """The arguments of a command whose spec may stand in `-e`; what stands in its place is then the first node.

    Raises:
        UsageError: neither a spec nor an expression.
    """
    name = next((one for one in ("spec", "specs") if one in given), None)
    choice = next((group for group in made.values() if isinstance(group, SpecChoice)), SpecChoice())
    if name is None or given[name] and not choice.expressions:
        return given
    if not choice.expressions:
        raise click.UsageError(f"Missing argument '{name.upper().removesuffix('S')}': a file, '-', or -e EXPR.")
    if not given[name]:
        return {**given, name: "-e" if name == "spec" else ("-e",)}
    if "nodes" in given:  # derive -e EXPR W: W is no file
        return {**given, "spec": "-e", "nodes": (given["spec"], *given["nodes"])}
    raise click.UsageError("A file or -e EXPR, not both.")


def takes(**groups: type[Any]) -> Option:
    """Add the options of some groups to a command, which gets one object a group."""

    def decorate(body: Callable[..., object]) -> Callable[..., object]:
        @wraps(body)
        def command(**given: Any) -> object:
            made = {name: group(**{f.name: given.pop(f.name) for f in fields(group)}) for name, group in groups.items()}
            return body(**_aimed(given, made), **made)

        shared = [f.name for group in groups.values() for f in fields(group)]
        for name in reversed(shared):
            OPTIONS[name](command)
        return command

    return decorate


specs_argument = click.argument("specs", nargs=-1, required=False, metavar="SPEC...", type=click.Path())
spec_argument = click.argument("spec", required=False, metavar="SPEC", type=click.Path())


def format_option(names: Collection[str]) -> Option:
    """`--format`, among the formats that a command knows."""
    text = "The form of the result (default: by the suffix of -o, else text)."
    return click.option("--format", "form", type=click.Choice(list(names)), help=text)


def terms_option() -> Option:
    """`--terms`."""
    choice = click.Choice([*TERMS, "none"])
    return click.option("--terms", multiple=True, type=choice,
                        help="What formulas are written in (repeatable; none: numbers alone).")  # fmt: skip
