"""The records of many specs: what is done to each, what became of it, and within which limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backprop_cli.cli.problems import Problem, problems_of
from backprop_cli.records import dataclass

Output = str | bytes | Iterator[str]
"""Whole, or in pieces that are made when they are written."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command made of a spec: its output, 1 where a check came out wrong, and a page for a file of its own."""

    output: Output
    code: int = 0
    page: str | bytes = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a spec: done, or its problems."""

    spec: str
    output: Output = ""
    code: int = 0
    problems: tuple[Problem, ...] = ()
    page: str | bytes = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many processes work at once, and for how many seconds at most on a spec."""

    timeout: float | None = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Spread(Limits):
    """The same where the files may go to a cluster: the address of its scheduler, or `local`."""

    cluster: str | None = None


Work = Callable[[str], Done]


def answer(spec: str, work: Work, *, whole: bool = True) -> Answer:
    """Do the work on a spec, whatever it runs into; `whole` where the output goes to another process."""
    try:
        done = work(spec)
        output = "".join(done.output) if whole and isinstance(done.output, Iterator) else done.output
    except BrokenPipeError:
        raise
    except Exception as caught:  # noqa: BLE001 - one spec's failure is not the others'
        return Answer(name_of(spec), problems=problems_of(caught))
    return Answer(name_of(spec), output, done.code, page=done.page)


def name_of(spec: str) -> str:
    """What a spec is called in reports."""
    return "<stdin>" if spec == "-" else spec
