"""`backprop worksheet`: a question sheet with numbers of its own, the file of answers to fill in, and the key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import Memory, Plain, SpecChoice, Width, Written, format_option, takes
from backprop_cli.cli.records import Done, Limits
from backprop_cli.cli.streams import AtomicFile, folder_for, refuse_overwriting, sink_for, suffixed, write_file
from backprop_cli.errors import UsageError
from backprop_cli.records import dataclass
from backprop_cli.report.view import READING, View

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec
    from backprop_cli.tasks.grading.questions import Worksheet

FORMATS = {"text": (".txt",), "markdown": (".md", ".markdown"), "latex": (".tex",), "html": (".html", ".htm"),
           "answers": (".yaml", ".yml")}  # fmt: skip


@click.command(short_help="a question sheet, its answers and its key")
@click.argument("key", metavar="KEY", type=click.Path())
@format_option(FORMATS)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), help="Draw other numbers, as readable as the spec's own.")
@click.option("--points", multiple=True, metavar="ITEM=N", help="Ask for an item: w2.grad=2 (repeatable).")
@click.option("--key", "key_out", type=Written(dir_okay=False), metavar="FILE",
              help="Write the spec with these numbers: the key.")  # fmt: skip
@click.option("--students", type=click.Path(dir_okay=False), metavar="FILE",
              help="A sheet for each line of FILE, into the folder given by -o.")  # fmt: skip
@takes(choice=SpecChoice, plain=Plain, page=Width, memory=Memory, limits=Limits)
def command(key: str, form: str | None, seed: int | None, points: tuple[str, ...], key_out: str | None,
            students: str | None, choice: SpecChoice, plain: Plain, page: Width, memory: Memory,
            limits: Limits) -> int:  # fmt: skip
    """Write a question sheet for a spec or a marking scheme.

    With '--seed 7' its numbers are drawn, the same for the same seed; the sheet says which, and 'grade' takes the key's
    numbers from there.  '--format answers' is the file to fill in.  With '--students names.txt -o sheets' each student
    gets both, with a seed of their own: the seed (or 1) for the first line, and one more for each further.
    """
    refuse_overwriting(plain.out, (key,))
    refuse_overwriting(key_out, (key,), option="--key")
    refuse_overwriting(key_out, (plain.out or "-",), "what -o writes", "--key")
    one_thread()
    job: Job | ForAll
    if students is not None:
        if key_out is not None:
            raise UsageError("E026", "--key is the key of one sheet, and --students writes many",
                             hint="'grade' takes the numbers of each from the seed in its answers")  # fmt: skip
        if plain.out in {None, "-"}:
            raise UsageError("E026", "'--students' writes many files",
                             hint="name a folder: --students names.txt -o sheets")  # fmt: skip
        sheet = Sheet(form or "markdown", points, choice, memory, page.of(READING, plain.out))
        job = ForAll(sheet, 1 if seed is None else seed, students, str(plain.out))
    else:
        form = form or suffixed(plain.out, FORMATS) or "text"
        sheet = Sheet(form, points, choice, memory, page.of(READING, plain.out))
        job = Job(sheet, seed, key_out and AtomicFile(key_out).path)
    sink = sink_for(None if students is not None else plain.out)
    return over((key,), job, sink, Series(), limits, manner_now(), one_thread)


@dataclass(frozen=True, slots=True)
class Sheet:
    """What every sheet of a command line has in common."""

    form: str
    points: tuple[str, ...]
    choice: SpecChoice
    memory: Memory
    view: View

    def of(self, path: str, seed: int | None, student: str | None) -> tuple[Spec, Worksheet]:
        """The spec with its numbers, and the sheet."""
        return _sheet(path, seed, student, self.points, self.choice, self.memory)


@dataclass(frozen=True, slots=True)
class Job:
    """One sheet, and its key beside it."""

    sheet: Sheet
    seed: int | None
    key: str | None

    def __call__(self, path: str) -> Done:
        """The sheet's text."""
        spec, sheet = self.sheet.of(path, self.seed, None)
        text = _render(self.sheet.form, sheet, self.sheet.view)
        if self.key is not None:
            from backprop_cli.language.writer import write

            write_file(self.key, write(spec))
        return Done(text)


@dataclass(frozen=True, slots=True)
class ForAll:
    """A sheet and a file of answers for each student, named after them."""

    sheet: Sheet
    first: int
    students: str
    out: str

    def __call__(self, path: str) -> Done:
        """Write all of them, once it is known that none replaces what is read."""
        from backprop_cli.report.worksheet import SUFFIXES
        from backprop_cli.tasks.grading.scheme import key_file

        folder, read = folder_for(self.out), (path, key_file(path).spec, self.students)
        names = _names(self.students)
        forms = dict.fromkeys((self.sheet.form, "answers"))
        files = {stem: {one: str(folder / f"{stem}{SUFFIXES[one]}") for one in forms} for stem in names}
        for file in (file for row in files.values() for file in row.values()):
            refuse_overwriting(file, read, "a file that is read", "the sheet")
        for number, (stem, name) in enumerate(names.items()):
            _, sheet = self.sheet.of(path, self.first + number, name)
            for one, file in files[stem].items():
                write_file(file, _render(one, sheet, self.sheet.view))
        return Done("")


def _sheet(path: str, seed: int | None, student: str | None, points: tuple[str, ...], choice: SpecChoice,
           memory: Memory) -> tuple[Spec, Worksheet]:  # fmt: skip
    from backprop_cli.tasks.grading.drawn import drawn
    from backprop_cli.tasks.grading.key import key_of
    from backprop_cli.tasks.grading.questions import worksheet
    from backprop_cli.tasks.grading.scheme import key_file, points_of

    file = key_file(path)
    spec = load(file.spec, choice)
    spec = spec if seed is None else drawn(spec, seed, memory.max_bytes)
    found = key_of(spec, memory.max_bytes, file.settings)
    return spec, worksheet(found, points_of(found, file, points, asked=False), seed, student)


def _render(form: str, sheet: Worksheet, view: View) -> str:
    from backprop_cli.report.worksheet import RENDERERS

    return RENDERERS[form](sheet, view)


def _names(path: str) -> Mapping[str, str]:
    """The students of a file, one a line, by what their files are called."""
    from backprop_cli.language.reader import content_of

    found: dict[str, str] = {}
    for line in content_of(path).decode("utf-8", "replace").splitlines():
        name = " ".join(line.split())[:200]
        stem = re.sub(r"[^\w-]+", "_", name).strip("_").lower()
        if not stem:
            continue
        count = 2
        while stem in found:
            stem, count = f"{stem.rstrip('0123456789').rstrip('_')}_{count}", count + 1
        found[stem] = name
    return found
