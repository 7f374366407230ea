"""`backprop new`: a spec to start from."""

from __future__ import annotations

from pathlib import Path

import click

from backprop_cli.cli.streams import sink_for
from backprop_cli.cli.templates import MODELINE, TEMPLATES
from backprop_cli.errors import FileError

DEFAULT = "mlp"
MARK = " (default)"


@click.command(short_help="a spec to start from")
@click.argument("template", default=DEFAULT, type=click.Choice(list(TEMPLATES)), metavar="[TEMPLATE]")
@click.option("--list", "listed", is_flag=True, help="List the templates.")
@click.option("-o", "--out", metavar="FILE", type=click.Path(), help="Write to a new file.")
def command(template: str, listed: bool, out: str | None) -> int:
    """Print a spec to start from; it runs as it stands.

    Its first line tells an editor where the schema lies: beside the spec, written there once by
    'backprop schema -o backprop.schema.json'.  Without it the line does nothing.
    """
    if out not in {None, "-"} and Path(str(out)).exists():
        raise FileError("E025", f"cannot write {out!r}: it exists", hint="a template is written to a new file only")
    sink = sink_for(out)
    sink.write(listing() if listed else MODELINE + TEMPLATES[template].text)
    sink.commit()
    return 0


def listing() -> str:
    """Each template and what it is."""
    width = max(map(len, TEMPLATES))
    return "".join(f"{name:{width}}  {one.title}{MARK * (name == DEFAULT)}\n" for name, one in TEMPLATES.items())
