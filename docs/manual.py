"""The manual, made from the commands themselves: the page docs/cli.md and the man page docs/backprop.1.

`python docs/manual.py --write` writes the man page and the schema anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parent.parent
MAN = ROOT / "docs" / "backprop.1"
SCHEMA = ROOT / "backprop_cli" / "tasks" / "schema" / "schema.json"

WIDTH = 100

EXIT_CODES = (
    ("0", "Success."),
    ("1", "A check or a grade came out wrong, or some of several specs failed."),
    ("2", "Bad usage, spec or file."),
    ("3", "An internal error, or a limit was reached."),
    ("130, 141", "Interrupted; the reader of a pipe went away (as the signals themselves)."),
)

ENVIRONMENT = (
    ("NO_COLOR", "Set to anything: no colours."),
    ("FORCE_COLOR", "Set to anything but 0: colours also where the output is no terminal."),
    ("LC_ALL", "With C or POSIX formulas are spelt in ASCII, as with --ascii."),
    ("BACKPROP_DEBUG", "Set to 1: an error shows where in the program it was raised."),
    ("OPENBLAS_NUM_THREADS", "How many threads numpy may use; by default one for small specs."),
)


def commands() -> Iterator[tuple[str, click.Context, click.Command]]:
    """Every command with a context of 100 columns to print its help in."""
    from backprop_cli.cli.app import SETTINGS, app
    from backprop_cli.cli.table import COMMANDS

    root = click.Context(app, info_name="backprop", terminal_width=WIDTH, max_content_width=WIDTH,
                         help_option_names=SETTINGS["help_option_names"])  # fmt: skip
    for name in COMMANDS:
        found = app.get_command(root, name)
        assert found is not None
        context = click.Context(found, parent=root, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
        yield name, context, found


def cli_page() -> list[str]:
    """Each command and its help."""
    lines: list[str] = []
    for name, context, command in commands():
        text = command.get_help(context)
        lines += [f"## backprop {name}", "", "```text", *text.rstrip().split("\n"), "```", ""]
    return lines[:-1]


# ── the man page ─────────────────────────────────────────────────────────────────────────────────


def roff(text: str) -> str:
    """A text as roff reads it: one line, nothing taken for a request."""
    plain = " ".join(text.split()).replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", plain)


def paragraphs(text: str) -> Iterator[str]:
    """The paragraphs of a help text."""
    for paragraph in re.split(r"\n\s*\n", text.strip()):
        yield from (".PP", roff(paragraph))


def entries(rows: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> Iterator[str]:
    """A list of terms."""
    for term, text in rows:
        yield from (".TP", rf"\fB{roff(term)}\fR", roff(text))


def man() -> str:
    """The man page."""
    from backprop_cli import __version__
    from backprop_cli.cli.app import EPILOG, app
    from backprop_cli.cli.table import COMMANDS

    lines = [
        ".\\\" Made by `make docs` from the commands; do not edit.",
        f'.TH BACKPROP 1 "" "backprop {__version__}" "User Commands"',
        ".SH NAME", r"backprop \- " + roff((app.help or "").strip().rstrip(".")),
        ".SH SYNOPSIS", r"\fBbackprop\fR \fICOMMAND\fR [\fIOPTIONS\fR] [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION", roff(EPILOG),
        ".SH COMMANDS", *entries((name, row.help) for name, row in COMMANDS.items()),
    ]  # fmt: skip
    for name, context, command in commands():
        usage = roff(command.get_usage(context).removeprefix("Usage: "))
        lines += [f'.SH "BACKPROP {name.upper()}"', rf"\fB{usage}\fR", *paragraphs(command.help or "")]
        lines += entries(_options(command, context))
    lines += [".SH EXIT STATUS", *entries(EXIT_CODES), ".SH ENVIRONMENT", *entries(ENVIRONMENT)]
    return "\n".join(lines) + "\n"


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    """The options; arguments stand in the usage, and only newer versions of click list them too."""
    for parameter in filter(lambda one: isinstance(one, click.Option), command.get_params(context)):
        record = parameter.get_help_record(context)
        if record is not None:
            yield record


def write() -> None:
    """Bring the man page and the schema up to date."""
    from backprop_cli.tasks.schema.build import text

    MAN.write_text(man(), encoding="utf-8", newline="\n")
    SCHEMA.write_text(text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        print(man(), end="")
