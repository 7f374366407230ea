"""The contract `backprop.run/1`, one line a spec."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from backprop_cli.report.json_ import LATER, Later, compact, document, later, numbers
from backprop_cli.report.view import EVERYTHING, View
from backprop_cli.tasks.result import Result


def pieces(result: Result, view: View = EVERYTHING) -> Iterator[str]:
    """The same, the numbers of large arrays a block at a time."""
    arrays: list[Any] = []

    def listed(value: Any, precision: int | None) -> object:
        found = later(value, precision)
        if isinstance(found, Later):
            arrays.append(value)
            return LATER
        return found

    parts = (compact(document(result, view, listed), view) + "\n").split(compact(LATER, view))
    if len(parts) != len(arrays) + 1:  # a text of the user's that is the mark itself
        yield render(result, view)
        return
    for part, array in zip_longest(parts, arrays):
        yield part
        if array is not None:
            yield from numbers(array, view)


def render(result: Result, view: View = EVERYTHING) -> str:
    """One object on one line."""
    return compact(document(result, view), view) + "\n"
