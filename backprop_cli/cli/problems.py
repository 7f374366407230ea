"""Errors as the user sees them: text with a caret, one line of JSON, or annotations for GitHub."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, TextIO

from backprop_cli.cli.streams import ascii_only, color_wanted
from backprop_cli.errors import BackpropError, Failures, Place
from backprop_cli.records import dataclass
from backprop_cli.report.plain import json_safe, safe, to_ascii
from backprop_cli.report.view import paint

SCHEMA = "backprop.error/1"
INTERNAL = "E030"


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as plain data: what crosses from a worker, and all that is shown."""

    code: str
    message: str
    exit_code: int
    at: Place | None = None
    hint: str | None = None


def problems_of(error: Exception) -> tuple[Problem, ...]:
    """The problems an exception stands for; one we did not foresee is an internal error."""
    if os.environ.get("BACKPROP_DEBUG", "0") not in {"", "0"}:
        import traceback

        traceback.print_exception(error)
    if isinstance(error, Failures):
        return tuple(_problem(one) for one in error.errors)
    if isinstance(error, BackpropError):
        return (_problem(error),)
    if isinstance(error, MemoryError):
        return (Problem("E021", "out of memory", 3, hint="a smaller --max-bytes refuses a spec before it is run"),)
    if isinstance(error, RecursionError):
        return (Problem("E016", "expressions nest too deep", 3, hint="name some of their parts as nodes"),)
    if isinstance(error, ImportError):
        return (Problem(INTERNAL, _unimported(error), 3, hint=_INSTALLED),)
    return (Problem(INTERNAL, _internal(error), 3),)


_INSTALLED = "install it anew: pip install --force-reinstall; with little memory (ulimit -v) it cannot be loaded"


def _unimported(error: ImportError) -> str:
    """A library that is damaged, or larger than the memory: what it says first is advice, what failed comes last."""
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    return f"a library cannot be imported: {' '.join(str(root).split())[:300]}"


LONGEST = 1000
"""Characters of a message, which repeats what the user wrote."""


def _problem(error: BackpropError) -> Problem:
    return Problem(error.code, abridged(error.message), error.exit_code, error.at, error.hint and abridged(error.hint))


def abridged(text: str) -> str:
    """The beginning and the end of a message that is longer than anybody reads."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 200]} … {text[-200:]}"


def _internal(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return f"internal error: {type(error).__name__}{': ' if text else ''}{text} (BACKPROP_DEBUG=1 shows where)"


def late(timeout: float) -> Problem:
    """A spec took too long."""
    return Problem("E031", f"took longer than {timeout:g} s (--timeout)", 3)


def death(code: int) -> Problem:
    """The process working on a spec died: its exit code, or minus the signal."""
    import signal

    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return Problem("E032", f"the process working on it {how}", 3, hint="it may have run out of memory")


# ── how they are told ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Manner:
    """How errors are written: a row of FORMS, colours, ASCII only."""

    form: str = "text"
    color: bool = False
    ascii: bool = False

    @classmethod
    def of(cls, argv: Sequence[str], stream: TextIO | None) -> Manner:
        """What a command line asks for; it is read here, since a wrong one has no parsed options.

        `--format json` alone asks for errors in JSON too.
        """
        form = peek(argv, "--error-format") or ("json" if peek(argv, "--format") == "json" else "text")
        color = color_wanted(peek(argv, "--color") or "auto", stream)
        return cls(form if form in FORMS else "text", color, "--ascii" in argv or ascii_only(stream))


def peek(argv: Sequence[str], option: str) -> str | None:
    """The value of an option as typed."""
    found = None
    for position, word in enumerate(argv):
        if word == "--":
            break
        if word == option and position + 1 < len(argv):
            found = argv[position + 1]
        elif word.startswith(f"{option}="):
            found = word.partition("=")[2]
    return found


def tell(problems: Sequence[Problem], spec: str | None, manner: Manner) -> None:
    """Write the problems of a spec (None: of the command line) to stderr."""
    say(FORMS[manner.form](problems, spec, manner), manner)


def say(text: str, manner: Manner) -> None:
    """Write to stderr; where even that fails there is nobody left to tell."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write((to_ascii(text) if manner.ascii else text) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass


def as_text(problems: Sequence[Problem], spec: str | None, manner: Manner) -> str:
    """Each problem with its source line and a caret; more than one are counted."""
    blocks = [_block(problem, manner) for problem in problems]
    if len(problems) > 1:
        blocks.append(f"{len(problems)} errors")
    return "\n\n".join(blocks)


def as_json(problems: Sequence[Problem], spec: str | None, manner: Manner) -> str:
    """One line of the contract `backprop.error/1`."""
    import json

    return json_safe(json.dumps(error_document(problems, spec), ensure_ascii=manner.ascii))


def error_document(problems: Sequence[Problem], spec: str | None) -> dict[str, Any]:
    """The problems of a spec as plain data: the first one, and all where there are several."""
    errors = [_entry(problem) for problem in problems]
    found = {"schema": SCHEMA, "spec": spec, "error": errors[0]}
    return found | {"errors": errors} if len(errors) > 1 else found


def _entry(problem: Problem) -> dict[str, Any]:
    at = problem.at
    line, column, file = (at.line, at.column, at.file) if at else (None, None, None)
    return {"code": problem.code, "message": problem.message, "line": line, "column": column, "file": file,
            "hint": problem.hint}  # fmt: skip


def as_github(problems: Sequence[Problem], spec: str | None, manner: Manner) -> str:
    """Workflow commands: GitHub shows them at the line of the file."""
    return "\n".join(_annotation(problem, spec) for problem in problems)


def _annotation(problem: Problem, spec: str | None) -> str:
    at = problem.at
    where = {"file": spec} if spec else {}
    if at:
        where = {"file": at.file, "line": str(at.line), "col": str(at.column), "endColumn": str(at.column + at.length)}
    properties = ",".join(f"{key}={_escaped(value, '%:,')}" for key, value in {**where, "title": problem.code}.items())
    text = problem.message + (f" ({problem.hint})" if problem.hint else "")
    return f"::error {properties}::{_escaped(text, '%')}"


def _escaped(text: str, marks: str) -> str:
    return "".join(f"%{ord(c):02X}" if c in f"{marks}\r\n" else c if c.isprintable() else safe(c) for c in text)


FORMS: dict[str, Callable[[Sequence[Problem], str | None, Manner], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_github,
}


# ── source lines ─────────────────────────────────────────────────────────────────────────────────

BEFORE, AFTER = 60, 40  # characters of a long line shown around the caret
TAB = "    "


def _block(problem: Problem, manner: Manner) -> str:
    color = paint if manner.color else _unpainted
    head = f"{color(f'error[{problem.code}]', 'error')}: {color(safe(problem.message), 'heading')}"
    hints = [safe(line) for line in problem.hint.splitlines()] if problem.hint else []
    if problem.at is None:
        return "\n".join([head, *(f"  = {hint}" for hint in hints)])
    at = problem.at
    gutter = len(str(at.line)) + 2
    arrow = f"{color('-->'.rjust(gutter + 2), 'faint')} {safe(at.file)}:{at.line}:{at.column}"
    bar = color("|", "faint")
    if not at.source_line.strip():
        return "\n".join([head, arrow, *(f"{' ' * gutter}= {hint}" for hint in hints)])
    source, before, width = _window(at, manner)
    first, *rest = hints or [""]
    margin = f"{' ' * gutter}{bar} {' ' * before}"
    caret = f"{margin}{color('^' * width, 'error')} {first}".rstrip()
    more = [f"{margin}{' ' * width} {hint}" for hint in rest]
    return "\n".join([head, arrow, f"{' ' * gutter}{bar}", f" {at.line} {bar} {source}", caret, *more])


def _unpainted(text: str, style: str) -> str:
    return text


def _window(at: Place, manner: Manner) -> tuple[str, int, int]:
    """The part of the source line to show, and in columns of the terminal where the caret starts and how long it is."""
    start = at.column - 1
    low = max(0, start - BEFORE)
    high = start + max(AFTER, min(at.length, AFTER))
    shown = [_shown(c, manner) for c in at.source_line[low:high]]
    left, right = "…" if low else "", "…" if high < len(at.source_line) else ""
    before = len(left) + sum(_width(cell) for cell in shown[: start - low])
    under = sum(_width(cell) for cell in shown[start - low : start - low + at.length])
    return f"{left}{''.join(shown)}{right}".rstrip(), before, max(1, under)


def _shown(char: str, manner: Manner) -> str:
    return TAB if char == "\t" else to_ascii(safe(char)) if manner.ascii else safe(char)


def _width(text: str) -> int:
    """Columns of the terminal: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in {"W", "F"} else 1 for c in text)
