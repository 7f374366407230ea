"""One line an entry: output, wrt, index, value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from backprop_cli.report.arrays import entries
from backprop_cli.report.csv_ import PIECE
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.jacobian.results import Differentiated


def render(results: Sequence[Differentiated], view: View = READING) -> str:
    """The lines of every derivative."""
    return "".join(pieces(results, view))


def pieces(results: Sequence[Differentiated], view: View = READING) -> Iterator[str]:
    """The same, some lines at a time."""
    lines = chain(("output,wrt,index,value",), *(_lines(one, view) for one in results))
    while some := list(islice(lines, PIECE)):
        yield "\n".join(some) + "\n"


def _lines(one: Differentiated, view: View) -> Iterator[str]:
    for index, value in entries(one.value) if one.value is not None else ():
        at = f'"[{",".join(map(str, index))}]"' if index else ""
        number = repr(value) if view.precision is None else f"{value:.{view.precision}g}"
        yield f'"{view.safe(one.output)}",{view.safe(one.wrt)},{at},{number}'
