"""One command over many specs: results in order, errors told as they come, one exit code."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING

import click

from backprop_cli.cli.problems import Manner, error_document, say, tell
from backprop_cli.cli.process import interruptible, tidy
from backprop_cli.cli.records import Answer, Limits, Output, Spread, Work, answer
from backprop_cli.cli.streams import AtomicFile, Sink, write_file
from backprop_cli.errors import UsageError
from backprop_cli.notices import heard
from backprop_cli.records import dataclass, field

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Series:
    """How outputs follow each other: before the first, between two, and whether an error is an output too.

    `pages` are the files of a spec's own that its page is written to; `of` is what the tally calls all of them.
    """

    prologue: str = ""
    between: str = ""
    goes_on: bool = False
    ascii: bool = False
    pages: Mapping[str, Path] = field(default_factory=dict)
    of: str = "specs"


def over(specs: Sequence[str], work: Work, sink: Sink, series: Series, limits: Limits, manner: Manner,
         warm: Callable[[], None]) -> int:  # fmt: skip
    """Work on every spec and write what comes out, in order.

    Args:
        specs: paths, or `-`.
        work: what is done to each; runs in a process of its own where `limits` ask for that.
        sink: where outputs go; committed only when all are written.
        series: how they follow each other.
        limits: processes and seconds.
        manner: how errors are told.
        warm: imports what the work needs, once, before processes are forked.

    Returns:
        0, or the highest code of a result; 1 where some specs failed, their own exit code where all did.
    """
    source = _source(specs, limits)
    writer = Writer(sink, series, manner, len(specs))
    with (
        heard(partial(warn, manner)),
        nullcontext() if source is _here and not isinstance(sink, AtomicFile) else interruptible(),
    ):
        try:
            with closing(source(specs, work, limits, warm)) as answers:
                for one in answers:
                    writer.take(one)
            sink.commit()
        except BaseException:
            sink.discard()
            raise
    return writer.finish()


def warn(manner: Manner, text: str) -> None:
    """Tell on stderr, in words, what is said while work goes on; where errors are data the result alone says it."""
    if manner.form == "text":
        say(f"warning: {text}", manner)


# ── where answers come from: one way to say so ───────────────────────────────────────────────────

Source = Callable[[Sequence[str], Work, Limits, Callable[[], None]], Generator[Answer]]


def _source(specs: Sequence[str], limits: Limits) -> Source:
    """Where the answers come from, in order: this process, processes of their own, or a cluster.

    Raises:
        UsageError: E026, standard input is asked for twice, or from elsewhere.
    """
    if list(specs).count("-") > 1:
        raise UsageError("E026", "'-' can be given once: there is one standard input")
    if isinstance(limits, Spread) and limits.cluster is not None:
        if "-" in specs:
            raise UsageError("E026", "'-' cannot be sent to a cluster", hint="write it to a file")
        return _spread
    return _apart if limits.timeout is not None or (limits.jobs != 1 and len(specs) > 1) else _here


def _here(specs: Sequence[str], work: Work, limits: Limits, warm: Callable[[], None]) -> Generator[Answer]:
    for position, spec in enumerate(specs, 1):
        yield answer(spec, work, whole=False)
        tidy(position)


def _apart(specs: Sequence[str], work: Work, limits: Limits, warm: Callable[[], None]) -> Generator[Answer]:
    if not hasattr(os, "fork"):
        raise UsageError("E026", "--jobs and --timeout need processes that this platform does not have")
    from backprop_cli.cli.workers import in_order

    return in_order(specs, lambda spec: answer(spec, work), limits, warm)


def _spread(specs: Sequence[str], work: Work, limits: Limits, warm: Callable[[], None]) -> Generator[Answer]:
    if not hasattr(os, "fork"):
        raise UsageError("E026", "--cluster needs processes that this platform does not have")
    from backprop_cli.cli.cluster import in_order

    assert isinstance(limits, Spread)
    return in_order(specs, work, limits, warm, limits.cluster or "local")


# ── where they go ────────────────────────────────────────────────────────────────────────────────


class Writer:
    """Writes answers as they come and keeps the tally."""

    def __init__(self, sink: Sink, series: Series, manner: Manner, count: int) -> None:
        self.sink = sink
        self.series = series
        self.manner = manner
        self.many = count > 1
        self.progress = Progress(count, manner)
        self.started = False
        self.codes: list[int] = []
        self.failures: list[int] = []

    def take(self, one: Answer) -> None:
        """Write an answer: its output to the sink, its problems to stderr (or as a line of the output)."""
        self.progress.clear()
        if one.page:
            write_file(str(self.series.pages[one.spec]), one.page)
        if one.problems:
            self.failures.append(max(problem.exit_code for problem in one.problems))
            self._problems(one)
        else:
            self.codes.append(one.code)
            self._output(one.output)
        self.progress.step()

    def _problems(self, one: Answer) -> None:
        if not self.series.goes_on:
            if self.manner.form == "text" and len(self.failures) > 1:
                say("", self.manner)
            tell(one.problems, one.spec, self.manner)
            return
        from backprop_cli.report.json_ import compact
        from backprop_cli.report.view import View

        self._output(compact(error_document(one.problems, one.spec), View(ascii=self.series.ascii)) + "\n")

    def _output(self, output: Output) -> None:
        if output:
            before = self.series.between if self.started else self.series.prologue
            self.started = True
            if isinstance(output, bytes):
                self.sink.write(output)
                return
            for piece in (output,) if isinstance(output, str) else output:
                self.sink.write(before + piece)
                before = ""

    def finish(self) -> int:
        """The exit code; a tally on stderr where there were many and some failed."""
        self.progress.clear()
        if self.failures and self.many and self.manner.form == "text":
            start = "" if self.series.goes_on else "\n"
            every = len(self.failures) + len(self.codes)
            say(f"{start}{len(self.failures)} of {every} {self.series.of} failed", self.manner)
        if not self.failures:
            return max(self.codes, default=0)
        return 1 if self.codes else max(self.failures)


def _write_page(path: Path, page: str | bytes) -> None:
    sink = AtomicFile(str(path))
    sink.write(page)
    sink.commit()


class Progress:
    """A line on a terminal that says how far many files have come, now and then; it makes way for what is written."""

    EVERY = 0.5  # seconds

    def __init__(self, count: int, manner: Manner) -> None:
        self.count = count
        self.done = 0
        self.shown = False
        self.seen = time.monotonic()
        self.wanted = count > 1 and manner.form == "text" and sys.stderr is not None and sys.stderr.isatty()

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if self.wanted and time.monotonic() - self.seen >= self.EVERY:
            self.seen, self.shown = time.monotonic(), True
            _to_terminal(f"\r{self.done} of {self.count}")

    def clear(self) -> None:
        """Take the line away."""
        if self.shown:
            self.shown = False
            _to_terminal("\r\x1b[K")


def _to_terminal(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()


def manner_now() -> Manner:
    """How the command line that is being run wants errors told."""
    return Manner.of(click.get_current_context().find_root().obj or (), sys.stderr)
