"""The exception tree, each class with its exit code, and the catalogue of error codes.

    BackpropError            exit code 3  something we did not foresee, or a limit
    ├── SpecError            exit code 2  a fact about a spec, at a place in its file
    ├── UsageError           exit code 2  a fact about the command line
    ├── FileError            exit code 2  a file that is missing, unreadable or unsafe
    ├── LimitError           exit code 3  a time or size limit was reached
    └── Failures             (its worst)  several of the above, reported in one go

Inner code raises the short fact; the outermost place that knows more adds it with `at` (never by
catching and wrapping text).  Conversion to an exit code and to text happens once, in the CLI.
"""

from __future__ import annotations

from collections.abc import Iterable

from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file an error stands; `line` and `column` count from 1, in characters."""

    file: str
    line: int
    column: int
    length: int = 1
    source_line: str = ""


class BackpropError(Exception):
    """An error with a stable code, the short fact, where it stands, and what to do about it."""

    exit_code = 3

    def __init__(self, code: str, message: str, *, at: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.at = at
        self.hint = hint


class SpecError(BackpropError):
    """Something in a spec is wrong."""

    exit_code = 2


class UsageError(BackpropError):
    """Something on the command line is wrong."""

    exit_code = 2


class FileError(BackpropError):
    """A file is missing, unreadable or unsafe."""

    exit_code = 2


class LimitError(BackpropError):
    """A limit on time or size was reached."""

    exit_code = 3


TOLD = 50
"""Errors of one spec that are told; nobody mends more before the next run."""


class Failures(BackpropError):
    """Several errors of one spec, in the order they stand in the file: the first `TOLD`, and that more follow.

    Read as one error it is the first of them.
    """

    def __init__(self, errors: Iterable[BackpropError]) -> None:
        found = tuple(errors)
        first = found[0]
        more = SpecError("E005", "more errors follow", at=first.at, hint=f"mend the first {TOLD}, then run it again")
        self.errors = found if len(found) <= TOLD else (*found[:TOLD], more)
        super().__init__(first.code, first.message, at=first.at, hint=first.hint)
        self.exit_code = max(error.exit_code for error in self.errors)


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the catalogue: what an error code means and a spec (or call) that provokes it."""

    title: str
    meaning: str


CATALOGUE: dict[str, Kind] = {
    "E001": Kind("file not found", "The spec, or a data file it names, does not exist or cannot be read."),
    "E002": Kind("not UTF-8 text", "A spec is UTF-8 text (a byte-order mark is allowed)."),
    "E003": Kind("YAML syntax", "The file is not well-formed YAML."),
    "E004": Kind("YAML feature refused", "Aliases, anchors, merge keys and tags are not part of the spec language."),
    "E005": Kind("too large or too deep", "The file exceeds a size, depth or count limit."),
    "E006": Kind("duplicate key", "A key or a name is written twice."),
    "E007": Kind("unknown key", "A section or mapping has a key the language does not know."),
    "E008": Kind("wrong type of value", "A value is not of the type its key asks for."),
    "E009": Kind("bad name", "A name does not follow the grammar, or is reserved."),
    "E010": Kind("expression syntax", "An expression does not parse."),
    "E011": Kind("unknown name", "An expression uses a name that no section defines."),
    "E012": Kind("unknown function", "An expression calls a function that does not exist."),
    "E013": Kind("cycle", "Nodes depend on each other in a circle."),
    "E014": Kind("shape mismatch", "The shapes of the operands do not fit together."),
    "E015": Kind("wrong arguments", "A function got the wrong number, name, type or range of arguments."),
    "E016": Kind("expression too large", "An expression is too long, too deep or has too many tokens."),
    "E017": Kind("nothing to differentiate", "The output depends on no parameter."),
    "E018": Kind("output is not a scalar", "A non-scalar output needs `grad_output`."),
    "E019": Kind("a leaf without numbers", "A leaf has a shape but no value, so there is nothing to run."),
    "E020": Kind("bad data file", "A data file is outside the spec's folder, unsafe, too large or malformed."),
    "E021": Kind("too much memory", "The arrays of the spec, or its many nodes, would exceed --max-bytes."),
    "E022": Kind("bad option value", "A command-line option has a value that does not fit the spec."),
    "E023": Kind("bad path", "`--get` names something the result does not hold."),
    "E024": Kind("unknown size", "A shape uses a name that `dims` does not define."),
    "E025": Kind("cannot write", "The output file or stream cannot be written."),
    "E026": Kind("bad usage", "A command or option is unknown, missing, or does not go with another."),
    "E030": Kind("internal error", "A defect of this program; please report it."),
    "E031": Kind("out of time", "A spec took longer than --timeout."),
    "E032": Kind("worker died", "The process working on a spec was killed or ran out of memory."),
    "E040": Kind("Python that is not read", "The output of a program depends on something that `import` cannot read."),
}
