"""Numbers separated by commas.  `np.loadtxt` is not used: it fetches addresses and unpacks archives.

Blank lines and lines beginning with '#' are skipped, and so is a first line without any number (column names).
One column or one row makes a vector, a single number a scalar, as with `np.loadtxt`.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from backprop_cli.language.model import Shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBER = re.compile(r"\s*[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf|nan|Inf|NaN|NAN|INF)\s*", re.ASCII)


def csv_shape(text: str) -> Shape:
    """The shape by the count of lines and of the first line's commas; the numbers are not read.

    Raises:
        ValueError: there is no number.
    """
    lines = _data_lines(text)
    first = next(lines, None)
    if first is None:
        raise ValueError("it holds no numbers")
    return _squeezed(1 + sum(1 for _ in lines), first[1].count(",") + 1)


def csv_array(text: str) -> NDArray[Any]:
    """The float64 array.

    Raises:
        ValueError: an entry that is no number, or lines of unequal length; the text names line and column.
    """
    import numpy as np

    flat = array("d")
    columns = 0
    rows = 0
    for number, line in _data_lines(text):
        before = len(flat)
        _append(flat, number, line)
        columns = columns or len(flat)
        rows += 1
        if len(flat) - before != columns:
            raise ValueError(f"line {number} has {len(flat) - before} entries, the first has {columns}")
    return np.array(flat, dtype=np.float64).reshape(_squeezed(rows, columns))


def _append(flat: array[float], number: int, line: str) -> None:
    fields = line.split(",")
    if not all(map(_NUMBER.fullmatch, fields)):
        raise ValueError(_first_wrong(fields, number))
    numbers = list(map(float, fields))
    if (math.inf in numbers or -math.inf in numbers) and "n" not in line.lower():
        raise ValueError(f"line {number}: a number is out of range")
    flat.extend(numbers)


def _first_wrong(fields: list[str], number: int) -> str:
    column, field = next((i, field) for i, field in enumerate(fields, 1) if not _NUMBER.fullmatch(field))
    what = f"{field.strip()[:40]!r} is not a number" if field.strip() else "is empty"
    hint = "; separate numbers with commas" if ";" in field or "\t" in field.strip() else ""
    return f"line {number}, column {column}: {what}{hint}"


def _data_lines(text: str) -> Iterator[tuple[int, str]]:
    """(Line number, line) of each line with data."""
    first = True
    for number, line in _numbered(text):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if first and not any(_NUMBER.fullmatch(field) for field in line.split(",")) and line.strip(", \t"):
            first = False
            continue
        first = False
        yield number, line


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    start, number = 0, 1
    for match in re.finditer(r"\r\n|\n|\r|\Z", text):
        yield number, text[start : match.start()]
        start, number = match.end(), number + 1


def _squeezed(rows: int, columns: int) -> Shape:
    return tuple(size for size in (rows, columns) if size != 1)
