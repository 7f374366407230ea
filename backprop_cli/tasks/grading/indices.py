r"""Formulas entry by entry, in whole tensors: `\sum_n X_{nd} δ_{nk}` is a matrix product, whichever way its axes lie.

A letter names an axis; what has fewer letters than axes keeps the rest, a column (`x_n` is a row of X, stood up) or a
matrix.  Every part is an expression of the language and the names of its axes in order: letters, `ROW`, `COL`.  Two
parts meet where their axes have the same name, and nowhere else, so that no rule is needed for any product but one:
the columns of a factor meet the rows of the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import prod

from backprop_cli.engine.ops import OPS
from backprop_cli.errors import Place, SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.source import Text
from backprop_cli.records import replace
from backprop_cli.tasks.grading.axes import (
    COL,
    ROW,
    Part,
    aligned,
    called,
    identity,
    listed,
    permuted,
    reshaped,
    squared_sum,
    summed,
    without_ones,
)
from backprop_cli.tasks.grading.bounds import UPTO, numbers
from backprop_cli.tasks.grading.factors import PRODUCTS, factors, letter_of_sum, times
from backprop_cli.tasks.grading.functions import PRIME
from backprop_cli.tasks.grading.letters import IDENTITY, SUM, Placed, is_identity, reaches, single
from backprop_cli.tasks.grading.shifted import MAX_PLACES, Shifted, taken

MOST_TERMS = 50

class Indexed:
    """A formula with letters for axes, read to whole tensors.

    Args:
        text: where it stands, for errors.
        operand: what a name or an index stands for: the operand and its letters; None for anything without letters.
        shape: the shape of an expression without letters.
        implicit: a letter that stands twice in a product of entries is summed over, as in Einstein's convention.
        meets: the columns of a factor meet the rows of the next; else only those on both sides of an @.
        first: the number of the first entry, where indices are sums: 0, or 1.
        named: the sizes that have names.
        shared: a vector without a letter has that letter of the answer which runs as far, `s` of `r_{nk}/s`.
    """

    def __init__(self, text: Text, operand: Callable[[ast.Expression], Placed | None],
                 shape: Callable[[ast.Expression], tuple[int, ...]], *, implicit: bool = False,
                 meets: bool = True, first: int = 0, shared: bool = False,
                 named: Mapping[str, int] | None = None) -> None:  # fmt: skip
        self.text = text
        self.operand = operand
        self.shape = shape
        self.implicit = implicit
        self.matmul = frozenset({"·", "@"} if meets else {"@"})
        self.first = first
        self.shared = shared
        self.named = named or {}
        self.sizes: dict[str, int] = {}
        self.far: dict[str, int] = {}  # how far each letter runs, by what is around
        self.free: set[str] = set()
        self.known: dict[int, Part] = {}

    def whole(self, expression: ast.Expression, letters: Sequence[str],
              wanted: tuple[int, ...]) -> Iterator[ast.Expression]:  # fmt: skip
        """The formula in the arrangement of the answer: letters in the order of the left side, else of the alphabet.

        Raises:
            SpecError: E014 where a letter runs over two sizes, E015 for what has no meaning with letters.
        """
        sums = sum(isinstance(one, ast.Binary) and one.operator in "+-" for one in ast.parts(expression))
        if sums > MOST_TERMS:
            message = f"a formula with indices has at most {MOST_TERMS} terms"
            raise SpecError("E016", message, at=self._place(expression))
        self.free, self.far = reaches(expression, letters, wanted, self.operand, self.shape)
        found = self.part(expression)
        free = [axis for axis in found.axes if axis not in {ROW, COL}]
        rest = [axis for axis in (ROW, COL) if axis in found.axes]
        orders = [list(letters)] if {*letters} == {*free} else [sorted(free), free]
        shapes = {(*order, *rest): tuple(found.sizes[axis] for axis in (*order, *rest)) for order in orders}
        fitting = [order for order, shape in shapes.items() if without_ones(shape) == without_ones(wanted)]
        for order in fitting or [*shapes][:1]:
            made = permuted(found, order)
            yield reshaped(made, wanted) if fitting and shapes[order] != wanted else made

    # parts ───────────────────────────────────────────────────────────────────────────────────────

    def part(self, part: ast.Expression) -> Part:
        """A part of the formula."""
        if id(part) not in self.known:
            self.known[id(part)] = self._part(part)
        return self.known[id(part)]

    def _part(self, part: ast.Expression) -> Part:
        placed = self.operand(part)
        if placed is not None:
            found = self._placed(part, *placed)
            if self.implicit and {ROW, COL} & {*found.axes}:
                raise self._refused("no single entry", part)
            return found
        if isinstance(part, ast.Call) and part.function == UPTO and len(part.arguments) == 3:
            return self._upto(part)
        if not self._has_letters(part):
            found = self._placed(part, part, ())
            is_row = isinstance(part, ast.Transposed) and len(self.shape(part)) == 1
            return found.renamed({ROW: COL}) if is_row else found
        match part:
            case ast.Transposed():
                return self._turned(part)
            case ast.Unary():
                inner = self.part(part.operand)
                return replace(inner, expression=replace(part, operand=inner.expression))
            case ast.Binary() if part.operator in {*PRODUCTS, "/"}:
                return self._product(part)
            case ast.Binary():
                return self._compared(part)
            case ast.Call():
                return self._function(part)
        raise self._refused("no product, sum or function of entries", part)

    def _function(self, part: ast.Call) -> Part:
        """A sum, a function entry by entry, the length of a row `‖a_i‖`, the matrix `diag(a_i)`."""
        inner = part.arguments[0].value if len(part.arguments) == 1 else None
        if inner is not None and (letter := SUM.fullmatch(part.function)):
            return self._summed(self.part(inner), letter[1], part)
        if _is_pointwise(part.function):
            return self._call(part)
        if inner is not None and part.function == "norm":
            squares = squared_sum(self.part(inner))
            return replace(squares, expression=called("sqrt", squares.expression))
        if inner is not None and part.function == "diag" and {ROW, COL} & {*self.part(inner).axes} == {ROW}:
            both = [self.part(inner), identity(ROW, COL, self.part(inner).sizes[ROW], part)]
            return aligned(both, lambda two: ast.Binary(part.start, part.end, "*", two[0], two[1]))
        raise self._refused("a function of the whole", part)

    def _has_letters(self, part: ast.Expression) -> bool:
        return any(self.operand(one) is not None or isinstance(one, ast.Name) and one.name in self.far
                   for one in ast.parts(part))  # fmt: skip

    def _placed(self, part: ast.Expression, operand: ast.Expression, letters: tuple[str | Shifted, ...]) -> Part:
        """A tensor with letters at its first axes; axes of one entry need none."""
        if is_identity(operand):
            return self._identity(part, *letters)
        shape, bare = self.shape(operand), without_ones(self.shape(operand))
        is_row = not letters and len(bare) == 1 and shape[0] == 1 < len(shape)
        if shape != bare and len(letters) <= len(bare):
            operand, shape = reshaped(operand, bare), bare
        plain = single(letters)
        if len(letters) > len(shape) or len({*plain} - {":"}) + plain.count(":") != len(plain):
            message = f"{self._spelled(part)!r} has {len(letters)} indices, and {len(shape)} axes"
            raise SpecError("E015", message, at=self._place(part))
        rest = [COL] if is_row else [ROW, COL]
        names = [*letters, *[":"] * (len(shape) - len(letters))]
        if names.count(":") > len(rest):
            raise self._refused("an operand of so many axes", part)
        if self.shared and not letters and len(shape) == 1:
            same = [letter for letter in self.free if self.far.get(letter) == shape[0]]
            names = [*same] if len(same) == 1 and not is_row else names
        operand, axis_names, shape = self._spread(part, operand, names, shape)
        axes = dict(zip((rest.pop(0) if name == ":" else name for name in axis_names), shape, strict=True))
        for axis in {*axes} - {ROW, COL}:
            if self.sizes.setdefault(axis, axes[axis]) != axes[axis]:
                sizes = f"{self.sizes[axis]} entries, and over {axes[axis]} in {self._spelled(part)}"
                raise SpecError("E014", f"the index {axis} runs over {sizes}", at=self._place(part))
        return Part(operand, axes)

    def _spread(self, part: ast.Expression, operand: ast.Expression, names: Sequence[str | Shifted],
                shape: tuple[int, ...]) -> tuple[ast.Expression, list[str], tuple[int, ...]]:  # fmt: skip
        """An operand with an axis for each letter of an index that is a sum."""
        made: list[str] = []
        for name, whole in zip(names, shape, strict=True):
            if not isinstance(name, Shifted):
                made.append(name)
                continue
            if not self.far.keys() >= {*name.letters}:
                raise self._refused("an index of which nothing says how far it runs", part)
            sizes = [self.far[letter] for letter in name.letters]
            places = name.places(self.far, self.first) if prod(sizes) <= MAX_PLACES else []
            if not places:
                message = f"an index that is a sum runs over at most {MAX_PLACES} entries"
                raise SpecError("E016", message, at=self._place(part))
            operand = taken(operand, len(made), whole, places, sizes, len(shape))
            shape = (*shape[: len(made)], *sizes, *shape[len(made) + 1 :])
            made += name.letters
        return operand, made, shape

    def _identity(self, part: ast.Expression, one: str | Shifted, other: str | Shifted) -> Part:
        """`δ_{ij}`: 1 where both are the same."""
        size = next((self.far[name] for name in (one, other) if isinstance(name, str) and name in self.far), None)
        if size is None or not isinstance(one, str) or not isinstance(other, str) or one == other:
            raise self._refused("1 where both are the same, and nothing says how far they run", part)
        return identity(one, other, size, part)

    def _compared(self, part: ast.Binary) -> Part:
        """`y_n = k`: a letter stands for its number."""
        known = {id(side): self._counted(side) for side in (part.left, part.right)
                 if isinstance(side, ast.Name) and side.name in self.far}  # fmt: skip
        for side, other in ((part.left, part.right), (part.right, part.left)):
            if isinstance(side, ast.Name) and side.name == IDENTITY and self._has_letters(other):  # I - u_i u_iᵀ
                sizes = self.part(other).sizes
                known |= {id(side): identity(ROW, COL, sizes[ROW], side)} if {ROW, COL} <= sizes.keys() else {}
        self.known |= known
        return self._elementwise(part, (part.left, part.right), lambda both: replace(part, left=both[0], right=both[1]))

    def _counted(self, part: ast.Name) -> Part:
        return listed(range(self.first, self.far[part.name] + self.first), part.name, part)

    def _upto(self, part: ast.Call) -> Part:
        """`upto(n, 1, 4)`: 1 at these numbers; where it is 1 at all of them, or nothing is known of them, just that."""
        letter, asked = part.arguments[0].value, numbers(part, self.named)
        size = self.far.get(letter.name) if isinstance(letter, ast.Name) else None
        whole = size and asked is not None and asked == range(self.first, self.first + size)
        if not isinstance(letter, ast.Name) or asked is None or not size or whole:
            return Part(ast.Number(part.start, part.end, Fraction(1), "1"), {})
        if len(asked) > size:
            message = f"the sum goes over {len(asked)} numbers, and the axis of {letter.name} has {size}"
            raise SpecError("E015", message, at=self._place(part))
        return listed([int(one + self.first in asked) for one in range(size)], letter.name, part)

    def _turned(self, part: ast.Transposed) -> Part:
        """`x_nᵀ`: a row; of an entry with two letters the other one."""
        placed = self.operand(part.operand)
        if placed is not None and ":" not in placed[1] and len(placed[1]) == len(self.shape(placed[0])):
            return self._placed(part, placed[0], placed[1][::-1])
        return self.part(part.operand).renamed({ROW: COL, COL: ROW})

    def _elementwise(self, part: ast.Expression, operands: Sequence[ast.Expression],
                     made: Callable[[list[ast.Expression]], ast.Expression]) -> Part:  # fmt: skip
        """Operands entry by entry: each axis meets the one of its name."""
        found = [self.part(one) for one in operands]
        return aligned(found, made)

    def _call(self, part: ast.Call) -> Part:
        def made(operands: list[ast.Expression]) -> ast.Expression:
            new = tuple(replace(one, value=value) for one, value in zip(part.arguments, operands, strict=True))
            return replace(part, arguments=new)

        return self._elementwise(part, [one.value for one in part.arguments], made)

    def _summed(self, inner: Part, letter: str, part: ast.Expression) -> Part:
        if letter not in inner.axes:
            message = f"nothing under the sum over {letter} has this index"
            raise SpecError("E015", message, at=self._place(part))
        return summed(inner, letter)

    # products ────────────────────────────────────────────────────────────────────────────────────

    def _product(self, part: ast.Binary) -> Part:
        row = list(factors(part))
        found = self._chain(row, part)
        if self.implicit:
            met = Counter(letter for _, factor in row for letter in {*self.part(factor).axes} - {ROW, COL})
            for letter in sorted(one for one, times in met.items() if times > 1 and one in found.axes):
                found = self._summed(found, letter, part)
        return found

    def _chain(self, row: Sequence[tuple[str, ast.Expression]], part: ast.Expression) -> Part:
        """Factors from left to right; a sum reaches as far as what bears its letter."""
        found: Part | None = None
        for at, (sign, factor) in enumerate(row):
            letter = letter_of_sum(factor)
            rest = row[at + 1 :]
            if letter and any(letter in self.part(one).axes for _, one in rest):
                call = factor.operand if isinstance(factor, ast.Unary) else factor  # -Σ_n (..) x_n
                assert isinstance(call, ast.Call)
                inner = self._summed(self._chain([("*", call.arguments[0].value), *rest], part), letter, call)
                if isinstance(factor, ast.Unary):
                    inner = replace(inner, expression=replace(factor, operand=inner.expression))
                return times(found, sign, inner, self.matmul)
            found = times(found, sign, self.part(factor), self.matmul)
        assert found is not None
        return found

    # errors ──────────────────────────────────────────────────────────────────────────────────────

    def _spelled(self, part: ast.Expression) -> str:
        return " ".join(self.text.text[part.start : part.end].split())

    def _place(self, part: ast.Expression) -> Place:
        return self.text.place(part.start, part.end)

    def _refused(self, what: str, part: ast.Expression) -> SpecError:
        message = f"{self._spelled(part)!r} is {what}; with indices write sums and products of entries"
        return SpecError("E015", message, at=self._place(part))


def _is_pointwise(function: str) -> bool:
    return function.endswith(PRIME) or (function in OPS and OPS[function].pointwise)
