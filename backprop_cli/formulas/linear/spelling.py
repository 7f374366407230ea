"""How entries are written: letters in brackets, sums over letters, a whole tensor as an einsum."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, count
from string import ascii_letters

from sympy import Expr

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of
from backprop_cli.formulas.linear.deltas import TRIANGLES
from backprop_cli.formulas.linear.letters import Affine, Letter, Letters, Number, affine, letters_in, parts_of, reaches
from backprop_cli.formulas.linear.symbols import EntrySymbol, RangeSymbol, SumSymbol
from backprop_cli.formulas.linear.terms import Entries, Term
from backprop_cli.formulas.notation import Layout, notation_of
from backprop_cli.formulas.notation.piece import ATOM, CALL, MUL, Piece
from backprop_cli.formulas.symbols import Symbols
from backprop_cli.records import dataclass, field

ORDER = "ijklmnabcpqrstuv"
LONGEST_PLACE, MARKUP = 20, re.compile(r"<[^>]*>|\\[a-z]+|[\\{}]")
"""Characters of a place that is set as an index, without those of LaTeX and MathML."""

MIRRORED = {"greater_equal": "less_equal", "less_equal": "greater_equal", "less": "greater", "greater": "less"}


class IndexLayout(Layout):
    """A layout that writes entries and sums over letters."""

    names: Mapping[Letter, str]
    called: Mapping[Expr, str]

    def walk(self, expr: Expr) -> Piece:
        """A part of the formula; one that has a letter by that."""
        name = self.called.get(expr)
        return super().walk(expr) if name is None else Piece(self.notation.name(name), ATOM)

    def entry(self, shared: Expr, rest: Expr) -> str:
        """An entry: `p[i] (δ[i,j] - p[j])`."""
        if shared == 1:
            return self(rest)
        return f"{self.within(shared, MUL)} {self.notation.bracket(self(rest))}"

    def symbol(self, expr: TensorSymbol) -> Piece:
        """An entry by its letters; any other symbol by its name."""
        if isinstance(expr, EntrySymbol):
            letters = self.written_letters(expr)
            if expr.base is not None and not expr.whole and (said := self.said(expr, expr.base)):
                return said
            if not letters and expr.base is not None:
                return self.walk(expr.base)
            if expr.base is None:
                return self.same(*letters)
            return Piece(self.notation.entry(self.within(expr.base, CALL), letters), ATOM)
        if isinstance(expr, SumSymbol):
            return self.summed(expr)
        if isinstance(expr, RangeSymbol):
            return self.within_range(expr.letter, expr.size)
        return Layout.symbol(self, expr)

    def within_range(self, place: Letter, size: int) -> Piece:
        """`[0 ≤ j-2i < 2]`; of a letter that passes one end only `[i ≥ 1]`, `[i < 2]`."""
        (low, high), (parts, offset) = reaches(place), parts_of(place)
        if [c for c, _ in parts] != [1] or low < 0 and high >= size:
            return Piece(self.notation.between("0", self.name_of(place), str(size)), ATOM)
        letter = parts[0][1]
        name, end = ("greater_equal", -offset) if low < 0 else ("less", size - offset)
        return self.compared(name, letter, Number(end))

    def compared(self, name: str, left: Letter, right: Letter | None) -> Piece:
        """A comparison of places, each letter where it has no minus, the first one in front: 2-j ≤ 2-i is i ≤ j."""
        parts, offset = parts_of(affine([(1, left), (-1, right or Number(0))]))
        ends = [affine([(abs(c), a) for c, a in parts if c * sign > 0], max(0, offset * sign)) for sign in (1, -1)]
        first = min((a for _, a in parts), key=list(self.names).index)
        if first in letters_in(ends[1]):
            ends.reverse()
            name = MIRRORED[name]
        sides = TensorSymbol("", (), 0), TensorSymbol("", (), 1)
        for symbol, letter in zip(sides, ends, strict=True):
            self.memo[symbol] = Piece(self.notation.place(self.place(letter)), ATOM)
        return self.piece(Apply(name, sides, {}, ()))

    def said(self, expr: EntrySymbol, base: Expr) -> Piece | None:
        """What an entry says: of slices p[t[i],j], of a row of one_hot(t) δ[t[i],j], of a triangle of ones [i ≥ j]."""
        if is_op(base, "take") and base.parameters["axis"] is not None:
            x, labels = base.args
            return self.of_slices(expr.letters, x, labels, base.parameters["axis"] % len(shape_of(x)))
        *own, last = expr.letters or (None,)
        if is_op(base, "one_hot"):
            picked = self.symbol(EntrySymbol.of(base.args[0], tuple(own)))
            return self.same(picked.text, self.place(last))
        if is_op(base, "roll") and is_op(base.args[0], "eye"):
            moved = self.place(affine([(1, own[0] or Number(0))], -base.parameters["shift"]))
            return self.notation.kronecker(self.place(last), f"({moved}) mod {int(base.args[0].shape[0])}")
        if isinstance(base, Apply) and base.name in TRIANGLES and is_op(base.args[0], "ones") and len(own) == 1:
            row = affine([(1, own[0] or Number(0))], base.parameters["k"])
            return self.compared(TRIANGLES[base.name], row, last)
        return None

    def same(self, left: str, right: str) -> Piece:
        """δ; in brackets what is too long to be its index, where no line ends."""
        if max(len(MARKUP.sub("", one)) for one in (left, right)) > LONGEST_PLACE:
            return Piece(self.notation.iverson(left, right), CALL)
        return self.notation.kronecker(left, right)

    def of_slices(self, letters: Letters, x: Expr, labels: Expr, axis: int) -> Piece:
        """An entry of the slices of x that the labels pick."""
        end = axis + len(shape_of(labels))
        label = self.symbol(EntrySymbol.of(labels, letters[axis:end])).text
        places = [*map(self.place, letters[:axis]), label, *map(self.place, letters[end:])]
        return Piece(self.notation.entry(self.within(x, CALL), places), ATOM)

    def place(self, letter: Letter | None) -> str:
        """A place as it is written."""
        return "0" if letter is None else self.name_of(letter)

    def written_letters(self, expr: EntrySymbol) -> list[str]:
        """The letters in the brackets; none where the tensor is meant whole.

        A column counts as a vector; of a matrix with one row it is said which.
        """
        is_row = len(expr.letters) == 2 and expr.letters[0] is None and expr.letters[1] in expr.whole
        if self.notation.slices or is_row or not set(expr.letters) <= {None, *expr.whole}:
            letters = ["0" if a is None else ":" if a in expr.whole else self.name_of(a) for a in expr.letters]
            while letters and letters[-1] == ":":
                letters.pop()
            return letters
        return []

    def name_of(self, letter: Letter) -> str:
        """A letter's name, or its number."""
        if isinstance(letter, Affine):
            return letter.written(self.names)
        return str(letter.size) if isinstance(letter, Number) else self.names[letter]

    def summed(self, expr: SumSymbol) -> Piece:
        """Σ_n of a product."""
        letters = [self.names[a] for a in expr.letters if a is not None]
        return Piece(self.notation.sum_over(letters, self.within(expr.inner, MUL)), MUL)


def lettered(entries: Entries, shown: Iterable[Letter], taken: Iterable[str]) -> dict[Letter, str]:
    """Names of the letters: i, j, ... for an entry's own, a named size's own letter for what is summed.

    Those that are `shown` come before what no sum is left over.
    """
    used, free = set(taken), entries.free
    found: dict[Letter, str] = {}
    own = [a for a in entries.letters if a in free]
    for letter in dict.fromkeys((*own, *shown, *entries.letters)):
        wanted = [] if letter in free else [str(getattr(letter.size, "name", None) or "").lower()]
        name = next(n for n in chain(wanted, ORDER, (f"i{k}" for k in count())) if n and n not in used)
        used.add(name)
        found[letter] = name
    return found


def layout(notation: str, names: Mapping[Letter, str], symbols: Symbols, called: Mapping[Expr, str]) -> IndexLayout:
    """A layout in a notation, with names for the letters, and for the parts that have one."""
    taken = tuple(symbols.graph.names)
    made = IndexLayout(notation_of(notation, taken), unit=symbols.unit, taken=taken, style=symbols.facts.style)
    made.names, made.called = names, called
    return made


def code_of(entries: Entries, code: Layout) -> str:
    """The whole tensor in the language: an einsum a term, with eye(n) where letters are equal."""
    parts = [_einsum(term, entries, code) for term in entries.terms]
    text = "".join((" - " if sign < 0 else " + " if i else "") + part if i or sign > 0 else f"-{part}"
                   for i, (sign, part) in enumerate(parts))  # fmt: skip
    return text or f"zeros({_shape((*entries.output, *entries.leaf))})"


def _shape(letters: Letters) -> str:
    sizes = [str(int(a.size)) if a is not None else "1" for a in letters]
    return f"({', '.join(sizes)}{',' if len(sizes) == 1 else ''})"


@dataclass(slots=True)
class _Spelling:
    """The letters of an einsum: one an index, and a new one for each axis of size 1."""

    names: dict[Letter, str] = field(default_factory=dict)
    spare: Iterator[str] = field(default_factory=lambda: iter(ascii_letters))

    def __call__(self, letters: Letters) -> str:
        return "".join(map(self.one, letters))

    def one(self, letter: Letter | None) -> str:
        if letter is None:
            return next(self.spare)
        if letter not in self.names:
            self.names[letter] = next(self.spare)
        return self.names[letter]


def _einsum(term: Term, entries: Entries, code: Layout) -> tuple[int, str]:
    """A term as its sign and a product."""
    spelled = _Spelling()
    operands = [(spelled(letters), code(expr)) for expr, letters in term.factors]
    operands += [(spelled(pair), f"eye({int(pair[0].size)})") for pair in term.equal]
    free = [a for a in (*entries.output, *entries.leaf) if a is not None]
    operands += [(spelled((a,)), f"ones(({int(a.size)},))") for a in free if a not in spelled.names]
    negative = term.coefficient.could_extract_minus_sign()
    coefficient, sign = (-term.coefficient, -1) if negative else (term.coefficient, 1)
    if not operands:
        return sign, code.within(coefficient, MUL)
    subscripts = f"{','.join(letters for letters, _ in operands)}->{spelled(tuple(free))}"
    text = f"einsum('{subscripts}', {', '.join(operand for _, operand in operands)})"
    return sign, text if coefficient == 1 else f"{code.within(coefficient, MUL)} * {text}"
