"""`backprop grade`: answers of students, marked item by item."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.batch import Series, manner_now, over
from backprop_cli.cli.completing import items
from backprop_cli.cli.folders import ANSWERS, files_of
from backprop_cli.cli.loading import load, one_thread
from backprop_cli.cli.options import Memory, ReportChoice, SpecChoice, Width, format_option, takes
from backprop_cli.cli.records import Done, Spread
from backprop_cli.cli.streams import Sink, folder_for, refuse_overwriting, sink_for, suffixed
from backprop_cli.errors import BackpropError, UsageError
from backprop_cli.records import dataclass, replace
from backprop_cli.report.graded import HEADERS, RENDERERS
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec
    from backprop_cli.report.graded_items import Tally
    from backprop_cli.tasks.grading.key import Key
    from backprop_cli.tasks.grading.mark import Scheme
    from backprop_cli.tasks.grading.results import Graded

SUFFIXES = {"html": ".html", "markdown": ".md", "json": ".json", "gradescope": ".json", "csv": ".csv", "totals": ".csv"}


@dataclass(frozen=True, slots=True)
class Job:
    """Mark files of answers against one key, which was worked out once.

    With `page_form`, what is written about each file is made as a page of its own too.
    """

    keys: Keys
    form: str
    view: View
    with_key: bool = False
    rows: bool = False  # a file that cannot be read is a row of its own, and no error
    page_form: str | None = None

    def __call__(self, path: str) -> Done:
        """The marks of one file; code 1 where anything is not right."""
        graded = self._graded(path)
        page = RENDERERS[self.page_form](graded, self.view) if self.page_form else ""
        return Done(RENDERERS[self.form](graded, self.view), 0 if graded.ok else 1, page)

    def _graded(self, path: str) -> Graded:
        from backprop_cli.tasks.grading.mark import grade, unread
        from backprop_cli.tasks.grading.sheets import read_sheet

        key, scheme = self.keys.own
        try:
            sheet = read_sheet(path, key.names, key.graph)
        except BackpropError as caught:
            if not self.rows:
                raise
            return unread(key, path, scheme, caught)
        if sheet.answers:  # an empty one needs no numbers of its own
            key, scheme = self.keys.of(sheet.further.get("seed"))
        graded = grade(key, sheet, scheme)
        if self.with_key:
            return graded
        return replace(graded, items=tuple(replace(one, expected=None) for one in graded.items))

    def warm(self) -> None:
        """Work out the key, where that is still to be done."""
        one_thread()
        self.keys.ready()


class Counting:
    """A sink for lines of NDJSON that keeps counts alone, and writes them in the end."""

    def __init__(self, sink: Sink, tally: Tally, view: View) -> None:
        self.sink = sink
        self.tally = tally
        self.view = view

    def write(self, data: str | bytes) -> None:
        """Count a line."""
        self.tally.add_line(data if isinstance(data, str) else data.decode())

    def commit(self) -> None:
        """Write the counts."""
        self.sink.write(self.tally.text(self.view))
        self.sink.commit()

    def discard(self) -> None:
        """Write nothing."""
        self.sink.discard()


Policy = Mapping[str, float | str | bool]

ANSWERS_READ = "a file of answers"
KEPT = 8
"""Keys of seeds that are kept for the sheets after them."""

SHARE = click.FloatRange(0, 1)
FORMS = [*RENDERERS, "items"]
BY_SUFFIX = {"text": (".txt",), "json": (".json",), "ndjson": (".ndjson", ".jsonl"), "csv": (".csv",),
             "markdown": (".md", ".markdown"), "html": (".html", ".htm")}  # fmt: skip


@click.command(short_help="mark answers against a spec")
@click.argument("key", metavar="KEY", type=click.Path())
@click.argument("answers", nargs=-1, required=True, metavar="ANSWERS...", type=click.Path())
@format_option(FORMS)
@click.option("--points", multiple=True, metavar="ITEM=N", shell_complete=items,
              help="What an item is worth: w2.grad=2 (repeatable).")
@click.option("--rtol", type=SHARE, help="How near numbers must be, relatively (default: to the digits written).")
@click.option("--atol", type=click.FloatRange(0), help="How near numbers must be, absolutely.")
@click.option("--digits", type=click.IntRange(0, 6), metavar="N", help="Significant digits that are asked for.")
@click.option("--allow", type=click.Choice(["later", "forward", "all"]),
              help="Gradients that a formula may use: those already worked out (default), none, or any.")  # fmt: skip
@click.option("--partial/--no-partial", default=None, help="An array earns the share of its right entries.")
@click.option("--carried", type=SHARE, metavar="SHARE", help="Of the points, right from an own earlier answer (1).")
@click.option("--constant", type=SHARE, metavar="SHARE", help="Of the points, a constant times the right one (0).")
@click.option("--pages", type=click.Path(file_okay=False), metavar="FOLDER",
              help="Also write a page of feedback for each file of answers.")  # fmt: skip
@click.option("--page-format", type=click.Choice(list(RENDERERS)), help="The form of these pages.")
@click.option("--with-key", is_flag=True, help="Show the key's numbers, for staff.")
@takes(choice=SpecChoice, report=ReportChoice, page=Width, memory=Memory, limits=Spread)
def command(key: str, answers: tuple[str, ...], form: str | None, points: tuple[str, ...], pages: str | None,
            page_format: str | None, with_key: bool, choice: SpecChoice, report: ReportChoice, page: Width,
            memory: Memory, limits: Spread, **policy: float | str | bool | None) -> int:  # fmt: skip
    """Mark answers node by node.

    KEY is a spec, or a marking scheme: 'spec: net.yaml' and 'points:'.  ANSWERS are YAML, JSON, CSV, Markdown, Python
    files or notebooks with lines such as 'loss: 0.4999', 'w2.grad: [[...]]', 'w1.formula: grad(z_1) @ x.T'.  Numbers
    are right when they round to what was written; formulas when they give the right value, at the spec's numbers and
    at others.  What is right from an own earlier answer is credited, and the first mistake is marked and named.
    """
    answers = files_of(answers, ANSWERS)
    refuse_overwriting(report.out, (key,))
    refuse_overwriting(report.out, answers, ANSWERS_READ)
    form = form or suffixed(report.out, BY_SUFFIX) or "text"
    if page_format is not None and pages is None:
        raise UsageError("E026", "--page-format is the form of the pages that --pages writes", hint="--pages FOLDER")
    page_format = page_format or "html"
    if key == "-" and "-" in answers:
        raise UsageError("E026", "'-' can be given once: there is one standard input")
    one_thread()
    view = page.of(report.view(()), report.out)
    job = _job(key, points, policy, choice, memory, "ndjson" if form == "items" else form, view)
    job = replace(job, with_key=with_key, rows=len(answers) > 1 and form not in {"ndjson", "items"},
                  page_form=page_format if pages else None)  # fmt: skip
    sink = sink_for(report.out)
    if form == "items":
        from backprop_cli.report.graded_items import Tally

        sink = Counting(sink, Tally(), view)
    lines = form in {"ndjson", "items"}
    series = Series(HEADERS.get(form, ""), "\n" if form in {"text", "markdown"} else "", lines, job.view.ascii,
                    _pages(pages, answers, SUFFIXES.get(page_format, ".txt"), job.keys.read),
                    "files of answers")  # fmt: skip
    return over(answers, job, sink, series, limits, manner_now(), job.warm)


class Keys:
    """The key of a spec, and those of the seeds that sheets name, the last few of them kept.

    Sent to another process, it is worked out anew there: what it is made from is all that is sent.
    """

    def __init__(self, path: str, choice: SpecChoice, points: tuple[str, ...], policy: Policy, max_bytes: int) -> None:
        self.made_from = (path, choice, points, policy, max_bytes)
        self.known: dict[int, tuple[Key, Scheme]] = {}
        self._own: tuple[Key, Scheme] | None = None

    def __reduce__(self) -> tuple[type[Keys], tuple[object, ...]]:
        return Keys, self.made_from

    def ready(self) -> None:
        """Work out the key.

        Raises:
            BackpropError: what is wrong with it.
        """
        _ = self.own

    @property
    def own(self) -> tuple[Key, Scheme]:
        """The key at the spec's own numbers, and what is asked for."""
        if self._own is None:
            from backprop_cli.tasks.grading.scheme import key_file

            path, choice, *_ = self.made_from
            self.file = key_file(path)
            self.spec = load(self.file.spec, choice)
            self._own = self._made(self.spec)
        return self._own

    @property
    def read(self) -> tuple[str, ...]:
        """The files that the key was read from."""
        self.ready()
        return (self.made_from[0], self.file.spec, *self.spec.files)

    def of(self, seed: str | None) -> tuple[Key, Scheme]:
        """The key whose numbers a sheet was given."""
        if seed is None or not (seed.isascii() and seed.isdigit() and len(seed) < 10):
            return self.own
        from backprop_cli.tasks.grading.drawn import drawn

        number = int(seed)
        if number not in self.known:
            self.ready()
            while len(self.known) >= KEPT:
                del self.known[next(iter(self.known))]
            self.known[number] = self._made(drawn(self.spec, number, self.made_from[-1]))
        return self.known[number]

    def _made(self, spec: Spec) -> tuple[Key, Scheme]:
        from backprop_cli.tasks.grading.key import key_of
        from backprop_cli.tasks.grading.scheme import scheme_of

        _, _, points, policy, max_bytes = self.made_from
        key = key_of(spec, max_bytes, self.file.settings)
        return key, scheme_of(key, self.file, points, policy)


def _job(path: str, points: tuple[str, ...], policy: Mapping[str, float | str | bool | None], choice: SpecChoice,
         memory: Memory, form: str, view: View) -> Job:  # fmt: skip
    """Work out the key; what is wrong with it ends the command."""
    given = {name: value for name, value in policy.items() if value is not None}
    keys = Keys(path, choice, points, given, memory.max_bytes)
    keys.ready()
    return Job(keys, form, view)


def _pages(folder: str | None, answers: tuple[str, ...], suffix: str, read: tuple[str, ...]) -> dict[str, Path]:
    """A file in the folder for each file of answers, by its name and no more of its path.

    Raises:
        UsageError: E026 where one would replace a file of answers, or what the key was read from.
    """
    if folder is None:
        return {}
    into = folder_for(folder)
    found: dict[str, Path] = {}
    taken: set[str] = set()
    for path in answers:
        stem = re.sub(r"[^\w.-]", "_", PurePath(path).stem).lstrip(".") or "answers"
        name, count = stem, 1
        while name in taken:
            count += 1
            name = f"{stem}-{count}"
        taken.add(name)
        found[path] = into / f"{name}{suffix}"
    for page in found.values():
        refuse_overwriting(str(page), answers, ANSWERS_READ, "the page")
        refuse_overwriting(str(page), read, "a file of the key", "the page")
    return found
