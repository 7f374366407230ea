"""A spec from the command line alone: `-e 'z = W @ x' -e 'sum(z**2)' --shape W=n,m --shape x=m`.

It is written out as a spec and read as one, so that what is wrong is told in the same way.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping

from backprop_cli.errors import Place, SpecError, UsageError
from backprop_cli.language import reader
from backprop_cli.language.expression import names, parse
from backprop_cli.language.expression.hints import TRANSPOSE
from backprop_cli.language.expression.lettered import index_letters
from backprop_cli.language.loader import compose
from backprop_cli.language.model import Spec
from backprop_cli.language.names import UNIT_LETTERS
from backprop_cli.language.source import COMMAND_LINE, Source, Text, inline
from backprop_cli.records import dataclass, field, replace

Pair = tuple[Text, Text]
"""A name and what it is to be, where they were typed."""

LONGEST_TITLE = 80
SMALLEST = 3
"""What the first size that is a letter is; the next is one more, so that no two are equal by chance."""
_NODE = re.compile(r"\s*([^\W\d]\w*)\s*=(?!=)(.*)", re.DOTALL)
_CONSTANTS = {"pi", "π", "e", "inf", "nan", "none", "None", "true", "True", "false", "False", "I", *UNIT_LETTERS}


def spec_of(expressions: Iterable[str], shapes: Iterable[str], sets: Iterable[str]) -> Spec:
    """The spec of some expressions, the last of which is the output; every name without one is a param.

    Raises:
        UsageError: E022 for a `--shape` that is none.
        SpecError: what is wrong with an expression or a value.
    """
    nodes = _nodes(expressions)
    given = dict(_pair(text, "--shape", "W=2,3") for text in shapes)
    values = dict(_pair(text, "--set", "W=[[1, 2]]") for text in sets)
    used = _used(text for _, text in nodes.values())
    sizes = {name: _sizes(shape.text) for name, (_, shape) in given.items()}
    letters = dict.fromkeys(size for name in sizes for size in sizes[name] if not size.isdigit())
    leaves = [name for name in {**used, **given, **values} if name not in nodes and (
        name in given or name in values or name not in _CONSTANTS and name not in letters)]  # fmt: skip
    for name in leaves:
        if name == "T" and name not in {**given, **values} and _is_raised(at := used[name]):
            raise SpecError("E011", "unknown name 'T'", at=at.place(), hint=TRANSPOSE)
    numbers = {letter: SMALLEST + i for i, letter in enumerate(letters)}
    written = _Written()
    written.put("dims: ").put(json.dumps(numbers, ensure_ascii=False), *(shape for _, shape in given.values()))
    written.put("\nparams:" if leaves else "\nparams: {}")
    for name in leaves:
        written.named(name, used.get(name) or (values.get(name) or given[name])[0])
        _leaf(written, sizes.get(name, []), given.get(name), values.get(name))
    written.put("\nnodes:")
    for name, (at, text) in nodes.items():
        written.named(name, at)
        written.put(json.dumps(text.text, ensure_ascii=False), text)
    spec = reader.spec_of(compose(written.source()), folder=None)
    typed = tuple(replace(node, text=nodes[node.name][1]) for node in spec.nodes)
    return replace(spec, nodes=typed, title=_title(nodes))


@dataclass(frozen=True)
class _Typed(Source):
    """A text of pieces that were typed elsewhere: every place in it is one of theirs."""

    pieces: tuple[tuple[int, Text], ...] = ()

    def between(self, start: int, end: int) -> Place:
        """Where the piece was typed that `text[start:end]` begins in."""
        at = max(bisect_right(self.pieces, start, key=lambda piece: piece[0]) - 1, 0)
        begins, typed = self.pieces[at]
        last = len(typed.text)
        begin = min(max(start - begins, 0), max(last - 1, 0))
        return typed.place(begin, max(min(end - begins, last), begin + 1))

    def place(self, line: int, column: int, length: int = 1) -> Place:
        """The same of a 1-based line and column."""
        start = self.starts[line - 1] + column - 1
        return self.between(start, start + length)


@dataclass(slots=True)
class _Written:
    """A spec that is being written, and where its parts were typed."""

    parts: list[str] = field(default_factory=list)
    pieces: list[tuple[int, Text]] = field(default_factory=list)
    length: int = 0

    def put(self, text: str, *typed: Text) -> _Written:
        """Go on with a text, which stands for what was typed."""
        self.pieces += [(self.length, one) for one in typed[:1]]
        self.parts.append(text)
        self.length += len(text)
        return self

    def named(self, name: str, at: Text) -> None:
        """A new line for a name."""
        self.put('\n  "').put(json.dumps(name, ensure_ascii=False)[1:], at).put(": ")

    def source(self) -> _Typed:
        """What was written."""
        text = "".join(self.parts)
        return _Typed(COMMAND_LINE, text, tuple(text.split("\n")), tuple(self.pieces))


def _used(texts: Iterable[Text]) -> dict[str, Text]:
    """The names that need a value, where they stand first: not the letters of `p[n, y[n]]`."""
    found: dict[str, Text] = {}
    for text in texts:
        expression = parse(text)
        letters = index_letters(expression)
        for name in names(expression):
            if name.name not in letters:
                start = text.start + name.start
                found.setdefault(name.name, Text(name.name, text.source, start, start + len(name.name)))
    return found


def _is_raised(name: Text) -> bool:
    """Whether a name is an exponent."""
    return name.source.text[: name.start].rstrip().endswith(("^", "**"))


def _title(nodes: Mapping[str, Pair]) -> str:
    """What a report is headed by: the expression that is differentiated, as it was typed."""
    text = " ".join([*nodes.values()][-1][1].text.split())
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"


def _nodes(expressions: Iterable[str]) -> dict[str, Pair]:
    """Name and expression of each node, where they were typed; one without a name is called out."""
    found: dict[str, Pair] = {}
    for one in expressions:
        source = inline(one, COMMAND_LINE).source
        match = _NODE.fullmatch(source.text)
        name = match[1] if match else next(n for n in ("out", *(f"out_{i}" for i in range(2, 999))) if n not in found)
        text = _stripped(source, match.start(2) if match else 0)
        found[name] = (Text(name, source, *match.span(1)) if match else text), text
    return found


def _stripped(source: Source, start: int) -> Text:
    """The text from `start` on, without the spaces around it."""
    text = source.text[start:]
    start += len(text) - len(text.lstrip())
    return Text(text.strip(), source, start, start + len(text.strip()))


def _pair(given: str, option: str, example: str) -> tuple[str, Pair]:
    source = inline(given.replace("\n", " ").replace("\r", " "), option).source
    name, equals, value = source.text.partition("=")
    if not equals or not name.strip() or not value.strip():
        raise UsageError("E022", f"{option} needs NAME=..., found {given[:64]!r}", at=source.place(1, 1),
                         hint=f"{option} {example}")  # fmt: skip
    called, start = name.strip(), len(name) - len(name.lstrip())
    return called, (Text(called, source, start, start + len(called)), _stripped(source, len(name) + 1))


def _sizes(text: str) -> list[str]:
    return [size.strip() for size in text.strip("()[]").split(",") if size.strip()]


def _leaf(written: _Written, sizes: list[str], shape: Pair | None, value: Pair | None) -> None:
    """The numbers of a leaf, or its shape, or both where no size is a letter, which has no number here."""
    said = all(map(str.isdigit, sizes)) and sizes and not (value and value[1].text.startswith("{"))
    if value is not None and not said:
        written.put(value[1].text, value[1])
        return
    written.put("{")
    if value is not None:
        written.put("value: ").put(value[1].text, value[1]).put(", ")
    written.put("shape: [").put(", ".join(sizes), *shape[1:] if shape else ()).put("]}")
