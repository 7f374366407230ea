"""`backprop schema`: the language for editors."""

from __future__ import annotations

import click

from backprop_cli.cli.streams import sink_for


@click.command(short_help="the language as JSON Schema")
@click.option("-o", "--out", metavar="FILE", type=click.Path(), help="Write to a file, whole or not at all.")
def command(out: str | None) -> int:
    """Print the JSON Schema (2020-12) of a spec.

    An editor with a YAML language server completes keys and functions by it, and marks what is wrong.  A spec says
    where its schema lies in its first line: '# yaml-language-server: $schema=backprop.schema.json'.  So
    'backprop schema -o backprop.schema.json', once in a folder, serves the specs that 'backprop new' makes there.
    """
    from importlib.resources import files

    text = (files("backprop_cli.tasks.schema") / "schema.json").read_text(encoding="utf-8")
    sink = sink_for(out)
    sink.write(text)
    sink.commit()
    return 0
