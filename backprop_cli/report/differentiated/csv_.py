"""One line an entry: output, wrt, index, value."""

from __future__ import annotations

from collections.abc import Sequence

from backprop_cli.report.arrays import entries
from backprop_cli.report.view import READING, View
from backprop_cli.tasks.jacobian.results import Differentiated


def render(results: Sequence[Differentiated], view: View = READING) -> str:
    """The lines of every derivative."""
    lines = ["output,wrt,index,value"]
    for one in results:
        for index, value in entries(one.value) if one.value is not None else ():
            at = f'"[{",".join(map(str, index))}]"' if index else ""
            number = repr(value) if view.precision is None else f"{value:.{view.precision}g}"
            lines.append(f'"{view.safe(one.output)}",{view.safe(one.wrt)},{at},{number}')
    return "\n".join(lines) + "\n"
