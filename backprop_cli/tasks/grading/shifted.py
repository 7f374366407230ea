r"""Indices that are sums of letters: `x_{i+j}`, `dz_{k-j}`, `h_{t-1}`, in whole tensors.

Along an axis with such an index stand the entries that it runs over, an axis for each of its letters; what lies outside
is zero, as in a convolution at the border.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import product

from backprop_cli.language import expression as ast
from backprop_cli.records import dataclass

MAX_PLACES = 4_096
"""Entries along one axis that such an index may run over."""


@dataclass(frozen=True, slots=True)
class Shifted:
    """The index `Σ times·letter + by` of an axis."""

    times: tuple[tuple[str, int], ...]
    by: int

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters, in order."""
        return tuple(letter for letter, _ in self.times)

    def size(self, whole: int, letter: str, sizes: Mapping[str, int]) -> int | None:
        """How far a letter may run inside an axis, where those beside it are known; None where they are not."""
        others = [abs(times) * (sizes.get(one, 0) - 1) for one, times in self.times if one != letter]
        known = all(one in sizes for one in self.letters if one != letter)
        found = (whole - 1 - sum(others)) // max(1, abs(dict(self.times)[letter])) + 1
        return found if known and found > 0 else None

    def places(self, sizes: Mapping[str, int], first: int) -> list[int]:
        """The entry for each choice of the letters, the last running first; all count from `first`, as entries do."""
        factors = [times for _, times in self.times]
        shift = self.by + first * (sum(factors) - 1)
        ranges = [range(sizes[letter]) for letter in self.letters]
        return [sum(a * b for a, b in zip(factors, one, strict=True)) + shift for one in product(*ranges)]


def shifted(part: ast.Expression) -> Shifted | None:
    """An index as a sum of single letters; None where it is none, or one letter alone."""
    times: dict[str, int] = {}
    by = _added(part, 1, times)
    if by is None or not times or (list(times.values()) == [1] and by == 0):
        return None
    return Shifted(tuple(times.items()), by)


def _added(part: ast.Expression, sign: int, times: dict[str, int]) -> int | None:
    """The constant of an index, its letters noted with their factors."""
    match part:
        case ast.Number() if part.value.denominator == 1:
            return sign * int(part.value)
        case ast.Name() if len(part.name) == 1:
            times[part.name] = times.get(part.name, 0) + sign
            return 0
        case ast.Unary():
            return _added(part.operand, -sign, times)
        case ast.Binary(operator="+" | "-"):
            one = _added(part.left, sign, times)
            other = _added(part.right, sign if part.operator == "+" else -sign, times)
            return None if one is None or other is None else one + other
        case ast.Binary(operator="*" | "·", left=ast.Number() as number) if number.value.denominator == 1:
            return _added(part.right, sign * int(number.value), times)
    return None


def taken(operand: ast.Expression, axis: int, whole: int, places: Sequence[int], shape: Sequence[int],
          rank: int) -> ast.Expression:  # fmt: skip
    """The entries of an axis at places, arranged in a shape; zero where a place is none."""
    start, end = operand.start, operand.end

    def number(value: int) -> ast.Expression:
        return ast.Number(start, end, Fraction(value), str(value))

    def row(items: Sequence[ast.Expression], bracket: str = "[") -> ast.Expression:
        return ast.Sequence(start, end, tuple(items), bracket)

    def called(function: str, *arguments: tuple[str | None, ast.Expression]) -> ast.Expression:
        made = tuple(ast.Argument(name, value, start, end) for name, value in arguments)
        return ast.Call(start, end, function, made, start, library="own")

    if not all(0 <= one < whole for one in places):
        border = [row([number(0), number(int(at == axis))], "(") for at in range(rank)]
        operand = called("pad", (None, operand), (None, row(border, "(")))
    found = row([number(one if 0 <= one < whole else whole) for one in places])
    for size in reversed(shape[1:]):
        items = found.items if isinstance(found, ast.Sequence) else ()
        found = row([row(items[at : at + size]) for at in range(0, len(items), size)])
    return called("take", (None, operand), (None, found), ("axis", number(axis)))
