"""What a YAML syntax error means to somebody who writes a spec: PyYAML's and libyaml's words as one sentence."""

from __future__ import annotations

import re

from backprop_cli.errors import SpecError
from backprop_cli.language.source import Source
from backprop_cli.records import dataclass

QUOTE = "quote the expression: name: '...'"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A syntax error as the parser tells it, with offsets: where it stopped, and what it was reading since when."""

    problem: str
    context: str
    at: int
    since: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A pattern over 'context: problem', and what to say; `opening`: the place is where the construct began."""

    pattern: str
    message: str
    hint: str | None = None
    opening: bool = False


ROWS = (
    Row("flow sequence: ", "a list is not continued with ',' or closed with ']' here",
        "quote an expression that holds brackets or commas"),
    Row("flow mapping: ", "a mapping in { } is not continued with ',' or closed with '}' here",
        "inside { } quote an expression that holds , : [ ] { or }"),
    Row("flow node|node content", "expected a value here", "a list needs a value between commas: [1, 2]"),
    Row("quoted scalar: .*(end of stream|document)", "a quote is opened here and never closed",
        "close the quote on the same line", opening=True),
    Row("quoted scalar: ", "not an escape that YAML knows in double quotes", "use single quotes: 'like this'"),
    Row("(double-quoted|quoted) scalar|escape", "not an escape that YAML knows in double quotes",
        "use single quotes: 'like this'"),
    Row("mapping values", "a second ': ' on one line",
        "quote text that holds ': '; write slices without spaces: x[1:3]"),
    Row("(sequence entries|'-' indicator)", "a list item '- ' is not allowed here",
        "begin the list on a line of its own, write [a, b], or quote an expression that begins with '- '"),
    Row("unexpected ':'", "inside { } and [ ] YAML takes this ':' for the end of a key",
        "quote text that holds ':': '[a: b]'"),
    Row("mapping keys", "a key beginning with '? ' is not allowed here", QUOTE),
    Row("simple key: ", "expected 'name: value', found no ': ' on this line",
        "write 'name: value' with a space after the colon, and indent continued lines", opening=True),
    Row("(alias|anchor)", "'*' and '&' at the beginning of a value mean aliases in YAML", QUOTE),
    Row("(tag|URI)", "'!' at the beginning of a value means a tag in YAML", QUOTE),
    Row("block scalar", "'|' and '>' at the beginning of a value start a block of text on the next line", QUOTE,
        opening=True),
    Row("(directive|YAML document)", "'%' at the beginning of a line means a directive in YAML", QUOTE, opening=True),
    Row("document start", "the text goes on where the document should have ended",
        "write every line as 'name: value'"),
    Row("(block end|expected key|block mapping|block collection)", "text after a value that is complete",
        "quote an expression that begins with [, { or a quote: name: '[a, b][0]'"),
)

BY_LINE_START = (  # the same complaints where the line has no 'name: ' before them: it is the line that is wrong
    Row("mapping values", "this line goes on with the value begun above, where no ': ' belongs",
        "write 'name: value' on the line above too, or indent the lines of a section equally"),
    Row("(block end|expected key|block mapping|block collection)", "this line does not belong to the section above",
        "indent the lines of a section equally, and write each as 'name: value'"),
)

STARTS = {
    "\t": ("a tab begins this line or value", "indent with spaces: YAML does not allow tabs"),
    "@": ("'@' cannot begin a value in YAML", QUOTE),
    "`": ("'`' cannot begin a value in YAML", QUOTE),
    "%": ("'%' cannot begin a value in YAML", QUOTE),
}


def syntax_error(trouble: Trouble, source: Source) -> SpecError:
    """The E003 for a parser's complaint."""
    at = min(trouble.at, len(source.text))
    if "tab" in trouble.problem or "start any token" in trouble.problem:
        character = source.text[at : at + 1]
        message, hint = STARTS.get(character, (f"{character!r} cannot begin a value in YAML", QUOTE))
        return error(source, at, message, hint)
    row = _row(f"{trouble.context}: {trouble.problem}", _before(source, at)) or Row("", trouble.problem or "not YAML")
    start = trouble.since if row.opening and trouble.since is not None else at
    return error(source, start, row.message, _tab_hint(source, start) or row.hint)


def _row(told: str, before: str) -> Row | None:
    rows = BY_LINE_START if ": " not in before and "{" not in before else ()
    return next((row for row in (*rows, *ROWS) if re.search(row.pattern, told)), None)


def _before(source: Source, offset: int) -> str:
    """What stands before an offset on its line."""
    line, column = source.position(offset)
    return source.lines[line - 1][: column - 1]


def _tab_hint(source: Source, offset: int) -> str | None:
    """A tab in the indentation is the usual reason for any complaint about a line."""
    line, _ = source.position(offset)
    indentation = re.match(r"\s*", source.lines[line - 1])
    return "indent with spaces: YAML does not allow tabs" if indentation and "\t" in indentation.group() else None


def error(source: Source, offset: int, message: str, hint: str | None = None) -> SpecError:
    """An E003 at an offset."""
    return SpecError("E003", message, at=source.between(offset, offset + 1), hint=hint)
