"""`backprop import`: a spec from Python source, which is read and never run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import one_thread
from backprop_cli.cli.options import Plain, takes
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import folder_for, refuse_overwriting, sink_for
from backprop_cli.errors import UsageError
from backprop_cli.records import dataclass

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.reading import Asked, Imported


@dataclass(frozen=True, slots=True)
class Job:
    """Read a program; of several exercises one, or all into a folder."""

    asked: Asked
    which: int | None
    listed: bool
    folder: str | None

    def __call__(self, path: str) -> Done:
        """The spec, the list, or what was written."""
        from backprop_cli.tasks.importing.reading import import_python, outline

        one_thread()
        found = import_python(*_source(path), self.asked)
        if self.listed:
            return Done(outline(found))
        if self.folder is not None:
            return Done(_write_all(found, folder_for(self.folder), Path(path).stem if path != "-" else "spec"))
        from backprop_cli.tasks.importing.reading import chosen

        return Done(chosen(found, self.which).text)

    def warm(self) -> None:
        """One file: there is nothing to prepare."""


def _source(path: str) -> tuple[bytes, str]:
    from backprop_cli.language.reader import content_of

    return content_of(path), "<stdin>" if path == "-" else path


def _write_all(found: tuple[Imported, ...], folder: Path, stem: str) -> str:
    """Write every spec into a folder; the names of the files and what each holds."""
    told = []
    for number, one in enumerate(found, start=1):
        path = folder / (f"{stem}.yaml" if len(found) == 1 else f"{stem}_{number}.yaml")
        sink = sink_for(str(path))
        sink.write(one.text)
        sink.commit()
        told.append(f"{path}  {one.told}\n")
    return "".join(told)


def pairs(words: tuple[str, ...], option: str) -> dict[str, str]:
    """`NAME=VALUE` words as a mapping."""
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name.strip():
            raise UsageError("E022", f"{option} {word!r} is not NAME=VALUE", hint=f"{option} x=3,4")
        found[name.strip()] = value.strip()
    return found


@click.command(short_help="a spec from Python source")
@click.argument("file", metavar="FILE", type=click.Path())
@click.argument("function", required=False, metavar="[FUNCTION]")
@click.option("--pass", "which", type=click.IntRange(1), metavar="N", help="Of several backward passes, the N-th.")
@click.option("--list", "listed", is_flag=True, help="List the backward passes with their lines.")
@click.option(
    "--shape",
    "shapes",
    multiple=True,
    metavar="NAME=2,3",
    help="The shape of an argument, or of what a file would hold (repeatable).",
)
@click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of an argument or a name: a number, a list, text (repeatable).",
)
@takes(plain=Plain, limits=Limits)
def command(file: str, function: str | None, which: int | None, listed: bool, shapes: tuple[str, ...],
            sets: tuple[str, ...], plain: Plain, limits: Limits) -> int:  # fmt: skip
    """Read numpy or PyTorch code and print it as a spec.

    FILE is a .py file, a notebook (.ipynb) or '-'.  It is read and never run: loops over what is constant are unrolled,
    functions and modules are put in where they are called, and what is not needed for the output is left out.
    FUNCTION is one of its functions (or Class.method), for arguments that --shape and --set give.  A file with
    several backward passes gives a spec each: --list lists them, --pass chooses one, -o FOLDER/ writes all.
    """
    from backprop_cli.tasks.importing.reading import Asked

    refuse_overwriting(plain.out, (file,))
    folder = plain.out if plain.out and (plain.out.endswith("/") or Path(plain.out).is_dir()) else None
    if which is not None and (listed or folder):
        raise UsageError("E026", f"--pass is one of the passes, and {'--list' if listed else f'-o {folder}'} takes all",
                         hint="leave one of the two out")  # fmt: skip
    asked = Asked(function, pairs(sets, "--set"), pairs(shapes, "--shape"))
    job = Job(asked, which, listed, folder)
    return over((file,), job, sink_for(None if folder else plain.out), Series(), limits, manner_now(), job.warm)
