"""A spec from the command line alone: `-e 'z = W @ x' -e 'sum(z**2)' --shape W=n,m --shape x=m`.

It is written out as a spec and read as one, so that what is wrong is told in the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from backprop_cli.errors import UsageError
from backprop_cli.language.expression import Expression, names, parse
from backprop_cli.language.expression.lettered import index_letters
from backprop_cli.language.model import Spec
from backprop_cli.language.names import UNIT_LETTERS
from backprop_cli.language.reader import read_spec
from backprop_cli.language.source import COMMAND_LINE, Source, Text, inline
from backprop_cli.records import replace

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
    used = dict.fromkeys(name for text in nodes.values() for name in _used(parse(text)))
    sizes = {name: _sizes(text) for name, text in given.items()}
    letters = dict.fromkeys(size for name in sizes for size in sizes[name] if not size.isdigit())
    leaves = [name for name in {**used, **given, **values} if name not in nodes and (
        name in given or name in values or name not in _CONSTANTS and name not in letters)]  # fmt: skip
    numbers = {letter: SMALLEST + i for i, letter in enumerate(letters)}
    lines = [f"dims: {json.dumps(numbers, ensure_ascii=False)}", "params:" if leaves else "params: {}"]
    lines += [f"  {json.dumps(name, ensure_ascii=False)}: {_leaf(sizes.get(name, []), values.get(name))}"
              for name in leaves]  # fmt: skip
    lines += ["nodes:", *(f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(text.text, ensure_ascii=False)}"
                          for name, text in nodes.items())]  # fmt: skip
    spec = read_spec("\n".join(lines).encode(), COMMAND_LINE, folder=None)
    typed = tuple(replace(node, text=nodes[node.name]) for node in spec.nodes)
    return replace(spec, nodes=typed, title=_title(nodes))


def _used(expression: Expression) -> Iterator[str]:
    """The names that need a value: not the letters of `p[n, y[n]]`."""
    letters = index_letters(expression)
    return (name.name for name in names(expression) if name.name not in letters)


def _title(nodes: Mapping[str, Text]) -> str:
    """What a report is headed by: the expression that is differentiated, as it was typed."""
    text = " ".join([*nodes.values()][-1].text.split())
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…"


def _nodes(expressions: Iterable[str]) -> Mapping[str, Text]:
    """The expressions by name, where they were typed; one without a name is called out."""
    found: dict[str, Text] = {}
    for one in expressions:
        source = inline(one, COMMAND_LINE).source
        match = _NODE.fullmatch(source.text)
        name = match[1] if match else next(n for n in ("out", *(f"out_{i}" for i in range(2, 999))) if n not in found)
        found[name] = _stripped(source, match.start(2) if match else 0)
    return found


def _stripped(source: Source, start: int) -> Text:
    """The text from `start` on, without the spaces around it."""
    text = source.text[start:]
    start += len(text) - len(text.lstrip())
    return Text(text.strip(), source, start, start + len(text.strip()))


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip() or not value.strip():
        at = inline(text, option).place()
        raise UsageError("E022", f"{option} needs NAME=..., found {text[:64]!r}", at=at, hint=f"{option} {example}")
    return name.strip(), value.strip()


def _sizes(text: str) -> list[str]:
    return [size.strip() for size in text.strip("()[]").split(",") if size.strip()]


def _leaf(sizes: list[str], value: str | None) -> str:
    shape = f"shape: [{', '.join(sizes)}]"
    if value is None:
        return f"{{{shape}}}"
    said = all(map(str.isdigit, sizes)) and sizes and not value.startswith("{")  # a letter has no number here
    return f"{{value: {value}, {shape}}}" if said else value
