"""`backprop new`: a spec to start from, or all that come with the program."""

from __future__ import annotations

from pathlib import Path

import click

from backprop_cli.cli.completing import shipped_names
from backprop_cli.cli.shipped import Shipped, folder, shipped
from backprop_cli.cli.streams import sink_for
from backprop_cli.errors import FileError, UsageError

DEFAULT = "mlp"
MARK = " (default)"
MODELINE = """\
# yaml-language-server: $schema=backprop.schema.json
# (an editor completes keys and functions after: backprop schema -o backprop.schema.json)
"""


@click.command(short_help="a spec to start from")
@click.argument("spec", default=DEFAULT, metavar="[SPEC]", shell_complete=shipped_names)
@click.option("--list", "listed", is_flag=True, help="List the specs that come with the program.")
@click.option("--all", "everything", is_flag=True, help="Write all of them into the folder given by -o.")
@click.option("-o", "--out", metavar="FILE", type=click.Path(), help="Write to a new file.")
def command(spec: str, listed: bool, everything: bool, out: str | None) -> int:
    """Print a spec to start from; it runs as it stands.

    Every spec that comes with the program can be had: 'backprop new lstm -o lstm.yaml' writes one, 'backprop new --all
    -o specs' all of them.

    Its first line tells an editor where the schema lies: beside the spec, written there once by
    'backprop schema -o backprop.schema.json'.  Without it the line does nothing.
    """
    if out not in {None, "-"} and Path(str(out)).exists():
        raise FileError("E025", f"cannot write {out!r}: it exists", hint="a spec is written to a new file only")
    if everything:
        return write_all(out)
    sink = sink_for(out)
    sink.write(listing() if listed else MODELINE + find(spec).text)
    sink.commit()
    return 0


def find(name: str) -> Shipped:
    """The spec of a name.

    Raises:
        UsageError: there is none; what is near is suggested.
    """
    known = shipped()
    if name in known:
        return known[name]
    from backprop_cli.language.suggest import suggest

    near = suggest(name, tuple(known))
    hint = f"did you mean {near!r}?" if near else "'backprop new --list' lists them"
    raise UsageError("E026", f"no spec called {name!r} comes with the program", hint=hint)


def listing() -> str:
    """Each spec and what it is."""
    known = shipped()
    width = max(map(len, known))
    return "".join(f"{name:{width}}  {one.title}{MARK * (name == DEFAULT)}\n" for name, one in known.items())


def write_all(out: str | None) -> int:
    """The whole folder of specs, copied to a new place.

    Raises:
        UsageError: no folder is named.
        FileError: it cannot be written.
    """
    if out in {None, "-"}:
        raise UsageError("E026", "'--all' writes many files", hint="name a new folder: backprop new --all -o specs")
    from shutil import copytree

    try:
        copytree(folder(), str(out))
    except OSError as error:
        raise FileError("E025", f"cannot write {out!r}: {error.strerror or error}") from None
    return 0
