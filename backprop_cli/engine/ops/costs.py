"""What functions take on their way: numbers besides the result, and operations, from shapes alone.

Each is called as the shape rule is, with the result's shape first.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

from backprop_cli.language.model import Shape

Counted = Callable[..., int]


def size(shape: Shape | None) -> int:
    """How many numbers a tensor has."""
    return 0 if shape is None else prod(map(int, shape))


def plain(y: Shape, *xs: Shape | None, **_: object) -> int:
    """As many as are read and written: what most functions take, in both respects."""
    return size(y) + sum(map(size, xs))


CALL = 30_000
"""What calling a function takes, in operations of numpy's own loops; it is worked out for shapes too."""
STEP = 20_000
"""What a step of a loop in Python takes, in operations of numpy's own loops."""
MATRIX = 1_500
"""What LAPACK takes for a small matrix besides its work: as much as for one of 11 by 11."""


def nothing(y: Shape, *xs: Shape | None, **_: object) -> int:
    """No number besides the result."""
    return 0


def listed(positions: int) -> int:
    """Of positions in a tuple: each is a Python number, and an entry of arrays on its way there and back."""
    return 8 * int(positions)


def picked(y: Shape, x: Shape, indices: Shape, *source: Shape, **_: object) -> int:
    """Of entries at the positions that a tensor holds: these as whole numbers, and which of them are valid."""
    return 2 * size(y) + 3 * size(indices) + sum(map(size, source))


def times(n: int) -> Counted:
    """So many times what is read and written."""
    return lambda y, *xs, **_: n * plain(y, *xs)


def both(*parts: Counted) -> Counted:
    """What several take together."""
    return lambda y, *xs, **given: sum(part(y, *xs, **given) for part in parts)


def product(y: Shape, a: Shape, b: Shape, **_: object) -> int:
    """Of a product of matrices: an entry of the result is a sum along the rows of `a`."""
    return 2 * size(y) * int(a[-1] if a else 1)


def copies(n: int) -> Counted:
    """Of a decomposition of each matrix: what is read and written, and so many times one matrix for LAPACK's work."""

    def temporary(y: Shape, x: Shape, *rest: Shape | None, **_: object) -> int:
        return plain(y, x, *rest) + n * size(x[-2:])

    return temporary


def cubic(factor: int) -> Counted:
    """Of a decomposition of each matrix: rows times columns times the smaller of both, so many times.

    A product of square matrices takes 2 (`product`); the factors are measured beside it, of 40 to 150 rows.
    """

    def work(y: Shape, x: Shape, *rest: Shape | None, **_: object) -> int:
        each = prod(map(int, x[-2:])) * min(map(int, x[-2:])) + MATRIX
        return factor * prod(map(int, x[:-2])) * each + plain(y, x, *rest)

    return work
