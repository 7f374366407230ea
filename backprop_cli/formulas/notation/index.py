"""Index notation: one entry of a gradient, Einstein style: `∂loss/∂w2[i,j] = ∂loss/∂z_2[i] · y_1[j]`.

The same expression, read for one entry: a product of matrices sums over the index between its factors, what is
elementwise keeps its index, a transpose swaps the two, a sum over an axis sums it, and an axis along which an operand
is repeated is left away, as is any axis of size 1.  `entrywise` has a row for each operator whose entry a book writes
by entries of its operands; any other is written whole, and its entry picked: `(A⁻¹)[j,i]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from sympy import Expr, Pow, S

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.expr import TURNED, Apply, GradSymbol, TensorSymbol, is_one, shape_of, symbols_of
from backprop_cli.formulas.algebra.for_print import Factors, Negative, Terms, Transposed, for_print
from backprop_cli.formulas.marks import plain
from backprop_cli.formulas.notation.arguments import spell_static
from backprop_cli.formulas.notation.entrywise import places
from backprop_cli.formulas.notation.entrywise.axes import Axes
from backprop_cli.formulas.notation.entrywise.rows import ROWS
from backprop_cli.formulas.notation.entrywise.walker import Along, Index, Run
from backprop_cli.formulas.notation.layout import Layout
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, GRADIENT, MUL, NEGATIVE, POWER, Piece
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass, field

RUNNING = ("Σ_", "Π_", "max_", "min_")
PRODUCT = GRADIENT
"""A product of numbers needs no brackets in another; a Σ or a quotient does."""


def own_indices(expr: Expr, indices: Index) -> Index:
    """Of indices the last as many as a part has axes; an axis of size 1 has none."""
    shape = shape_of(expr)
    last = indices[len(indices) - len(shape) :]
    return tuple("" if is_one(s) else i or "0" for s, i in zip(shape, last, strict=True))


class TooLongError(Exception):
    """What is written out is too long to be read."""


@dataclass(slots=True)
class EntryLayout(Layout):
    """Prints one entry of an expression; `axes` knows the letters of the spec.

    One entry of a softmax holds three of what is in it: of softmaxes in one another it grows without bound.
    """

    axes: Axes = field(default_factory=Axes)
    scope: list[str] = field(default_factory=list)  # letters that stand for something, where the walk is
    spoken: dict[str, int] = field(default_factory=dict)  # how far each letter runs
    alone: set[str] = field(default_factory=set)  # letters that a name has as an index, so that this is seen
    short: set[str] = field(default_factory=set)  # of these, what does not run as far as the name's axis
    parts: dict[Expr, Callable[[Index], Piece]] = field(default_factory=dict)  # what stands for parts of a user's words
    longest: int | None = None  # characters of a part, in whatever notation, beyond which nobody reads on

    def whole(self, expr: Expr, left: TensorSymbol | None = None) -> str:
        """The entry of a gradient as an equation; without a left side the entry alone."""
        return " = ".join(self.sides(expr, left)) if left is not None else self.begun(expr, expr)[1].text

    def sides(self, expr: Expr, left: TensorSymbol) -> tuple[str, str]:
        """The entry of a gradient, left and right of the sign of equality."""
        indices, right = self.begun(expr, left)
        return self.entry(left, indices).text, right.text

    def begun(self, expr: Expr, like: Expr) -> tuple[Index, Piece]:
        """An entry at the letters of another expression, and these."""
        self.axes.taken |= {s.name for s in symbols_of(expr) | symbols_of(like)}
        indices = self.start(self.axes.of(like), shape_of(like))
        return indices, self.entry(expr, indices)

    def start(self, run: Run, shape: Shape) -> Index:
        """A new formula, for one entry of what has these axes: their letters."""
        self.memo, self.alone, self.short = {}, set(), set()
        indices = self.axes.index(run, shape)
        self.scope = [*filter(None, indices)]
        self.spoken = {i: size for i, size in zip(indices, shape, strict=True) if i}
        return indices

    # one entry ───────────────────────────────────────────────────────────────────────────────────

    def entry(self, expr: Expr, indices: Index) -> Piece:
        """The entry of a part at indices, of which it takes the last as many as it has axes.

        Raises:
            TooLongError: it is longer than the longest.
        """
        found = self.entry_of(expr, own_indices(expr, indices))
        if self.longest is not None and len(found.text) > self.longest:
            raise TooLongError
        return found

    def entry_of(self, expr: Expr, own: Index) -> Piece:
        """The entry of a part, by its kind."""
        if isinstance(expr, TensorSymbol):
            if expr in self.parts:
                return self.parts[expr](own)
            definition = self.resolve(expr)
            return self.picked(expr, own) if definition is None else self.entry(definition, own)
        if expr.is_Rational:
            return self.picked(expr, own)
        arranged = for_print(expr, self.style)
        if isinstance(arranged, Terms):
            return self.terms(arranged, own)
        if isinstance(arranged, Factors):
            return self.factors(arranged, own)
        if isinstance(arranged, Negative):
            return Piece(self.notation.minus_sign + self.closed(self.entry(arranged.of, own), MUL), NEGATIVE)
        if isinstance(arranged, Transposed):
            return self.entry(arranged.of, own[::-1])
        if isinstance(arranged, Pow):
            return self.powers(arranged, own)
        if isinstance(arranged, Apply):
            return self.operator_entry(arranged, own)
        return self.picked(expr, own)

    def operator_entry(self, expr: Apply, indices: Index) -> Piece:
        """By its row; a function of each entry by its operands' entries; any other is written whole."""
        row = ROWS.get(expr.name)
        found = row(self, expr, indices) if row else None
        if found is None and OPS[expr.name].pointwise:
            return self.function(expr.name, [self.entry(a, indices) for a in expr.args], expr.args, expr.parameters)
        return self.picked(expr, indices) if found is None else found

    def function(
        self, name: str, pieces: Sequence[Piece], operands: Sequence[Expr] = (), parameters: object = None
    ) -> Piece:
        """A function of numbers that are written already; `operands` tell a number, or one left out, from a tensor."""
        inner = Layout(self.notation, taken=self.taken, style=self.style)
        stand_ins = []
        for piece, operand in zip(pieces, operands or pieces, strict=True):
            is_plain = isinstance(operand, Expr) and not operand.args and not isinstance(operand, TensorSymbol | Apply)
            symbol = operand if is_plain and isinstance(operand, Expr) else TensorSymbol("", (), 0)
            if not is_plain:
                inner.memo[symbol] = piece
            stand_ins.append(symbol)
        return inner.walk(Apply(name, tuple(stand_ins), parameters or {}, ()))  # type: ignore[arg-type]

    def picked(self, expr: Expr, indices: Index) -> Piece:
        """The entry of something that is written whole."""
        if not isinstance(expr, TensorSymbol):
            self(expr)  # finds what would be unclear in it
        piece, letters = self.walk(expr), [*filter(None, indices)]
        self.alone.update(letters)
        sizes = zip(indices, shape_of(expr), strict=True)
        self.short.update(i for i, size in sizes if size != self.spoken.get(i, size))
        if not letters:
            return piece
        if isinstance(expr, GradSymbol):
            return Piece(self.notation.gradient_at(expr.output, expr.name, letters), CALL)
        return Piece(self.notation.at(self.closed(piece, CALL), letters), CALL)

    def zero_outside(self, expr: Expr, indices: Index) -> Piece:
        """The entry at an index that may lie outside, where a function of what is there need not be 0."""
        definition = self.resolve(expr) if isinstance(expr, TensorSymbol) else None
        if definition is not None:
            return self.zero_outside(definition, indices)
        last = indices[len(indices) - len(shape_of(expr)) :]
        moved = [i for s, i in zip(shape_of(expr), last, strict=True) if is_one(s) and places.number(i) != 0]
        own = own_indices(expr, indices)
        piece = self.picked(expr, own) if any(own) else self.entry(expr, own)
        return self.selected(moved, [""] * len(moved), piece) if moved else piece

    @property
    def between(self) -> str:
        """Between the factors of a product of entries."""
        return self.notation.beside

    def named_by(self, labels: Expr, indices: Index) -> str:
        """An entry of labels, written closely as places are: t[n], p+l-1."""
        found = plain(self.entry(labels, indices).text)
        for sign in map(plain, (self.notation.plus, self.notation.minus, self.between)):
            found = found.replace(sign, sign.strip()) if sign.strip() else found
        return found

    def closed(self, piece: Piece, level: int) -> str:
        """A part inside another that binds at `level`."""
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    def count(self, size: int) -> str:
        """How many entries an axis has."""
        return spell_static(size)

    # sums, products, powers ──────────────────────────────────────────────────────────────────────

    def terms(self, terms: Terms, indices: Index) -> Piece:
        """A sum, term by term."""
        return self.added((minus, self.entry(term, indices)) for minus, term in terms.terms)

    def added(self, terms: Iterable[tuple[bool, Piece]]) -> Piece:
        """Terms that are written already, each with whether it has a minus."""
        text = ""
        for minus, term in terms:
            sign = self.notation.minus if minus else self.notation.plus
            text += (sign if text else "") + self.closed(term, ADD + 1)
        return Piece(text, ADD)

    def factors(self, parts: Factors, indices: Index) -> Piece:
        """A product, and a quotient where something divides."""
        divided = bool(parts.below or parts.denominator != 1)
        stacked = divided and self.notation.gradients_apart
        apart = [f for f in parts.above if stacked and isinstance(f, GradSymbol)]
        above = self.side_by_side(parts.number, [f for f in parts.above if f not in apart], indices)
        if divided:
            below = self.side_by_side(parts.denominator, parts.below, indices)
            above = self.quotient(above, below)
        if apart:
            above = self.multiplied([*(self.entry(f, indices) for f in apart), above])
        return Piece(self.notation.minus_sign + self.closed(above, MUL), NEGATIVE) if parts.sign < 0 else above

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """One entry divided by another."""
        if self.notation.stacks:
            return Piece(*self.notation.fraction(above, below))
        bottom = below.text if below.reaches else self.closed(below, POWER)
        is_own = above.reaches and any(sign in bottom for sign in RUNNING)  # each has letters of its own
        top = self.notation.bracket(above.text) if is_own else self.closed(above, MUL)
        return Piece(top + self.notation.over_bar + bottom, MUL)

    def side_by_side(self, number: Expr, factors: list[Expr], indices: Index) -> Piece:
        """Factors side by side, each at its own indices."""
        pieces = [self.entry(f, indices) for f in factors]
        if number != 1 or not pieces:
            pieces = [Piece(self.notation.number(number), ATOM), *pieces]
        return self.multiplied(pieces)

    def multiplied(self, pieces: Sequence[Piece]) -> Piece:
        """Numbers multiplied; one that is 1 is not written."""
        one = self.notation.number(S.One)
        pieces = [piece for piece in pieces if piece.text != one] or list(pieces[:1])
        if len(pieces) == 1:
            return pieces[0]
        return Piece(self.between.join(self.closed(piece, PRODUCT) for piece in pieces), PRODUCT)

    def powers(self, expr: Pow, indices: Index) -> Piece:
        """A power of an entry, or a root."""
        base = self.entry(expr.base, indices)
        if expr.exp == S.Half:
            return self.notation.root(base)
        whole = int(expr.exp) if expr.exp.is_Integer else None
        return Piece(self.notation.superscript(base, self.entry(expr.exp, indices), whole), POWER)

    # what rows are made of ───────────────────────────────────────────────────────────────────────

    def along(self, expr: Expr, axis: int) -> Along:
        """An axis of an operand, to run over."""
        return Along(shape_of(expr)[axis], self.axes.of(expr)[axis])

    def over(self, runs: Sequence[Along], body: Callable[[Index], Piece], sign: str = "Σ") -> Piece:
        """Σ, Π, max over new indices of what the body makes of them."""
        letters: list[str] = []
        outside = len(self.scope)
        for size, axis in runs:
            letters.append("" if is_one(size) else self.axes.letter(axis, size, self.scope))
            self.scope += [*filter(None, letters[-1:])]
            self.spoken.setdefault(letters[-1], size)
        piece = self.forward(body(tuple(letters)), runs, letters, body)
        del self.scope[outside:]
        seen = self.alone.intersection(re.findall(r"\w+", piece.text))  # not in a label of which nothing is left
        seen -= self.short
        listed = [letter if letter in seen else f"{letter}<{self.count(run.size)}"
                  for letter, run in zip(letters, runs, strict=True) if letter]  # fmt: skip
        self.alone.difference_update(letters)
        self.short.difference_update(letters)
        if not listed:
            return piece
        level = MUL if sign == "Σ" else ADD  # a factor may go into a sum
        return Piece(self.notation.over(listed, sign) + self.closed(piece, MUL), level, reaches=True)

    def forward(
        self, piece: Piece, runs: Sequence[Along], letters: Sequence[str], body: Callable[[Index], Piece]
    ) -> Piece:
        """What is summed; letters of which names have only the place from the end, z[2-j], count from there.

        So do letters that no name has, where what is compared with them reads shorter then: [b ≤ a] for [b ≤ 3-a].
        """
        ends = {j: places.less(str(int(run.size) - 1), j) for j, run in zip(letters, runs, strict=True) if j}
        backward = {j for j, end in ends.items() if end in self.alone and j not in self.alone}
        self.alone.difference_update(ends.values())
        hidden = set() if backward else {j for j in ends if j not in self.alone and f"-{j}" in piece.text}
        if hidden:
            turned = body(tuple(ends[j] if j in hidden else j for j in letters))
            return min(piece, turned, key=lambda one: len(one.text))
        if not backward:
            return piece
        again = body(tuple(ends[j] if j in backward else j for j in letters))
        self.alone.difference_update(ends.values())
        return again

    def selected(self, left: Sequence[str], right: Sequence[str], piece: Piece) -> Piece:
        """[i = j] times something: that where indices are the same, else 0."""
        pairs = [(a or "0", b or "0") for a, b in zip(left, right, strict=True) if (a or "0") != (b or "0")]
        return self.multiplied([*(Piece(self.notation.iverson(a, b), CALL) for a, b in pairs), piece])

    def compared(self, name: str, left: str, right: str, piece: Piece) -> Piece:
        """[i ≤ j] times something."""
        return self.multiplied([self.comparison(name, left, right), piece])

    def comparison(self, name: str, left: str, right: str) -> Piece:
        """[i ≤ j]; where the left counts from an end, what it counts is compared: [j ≥ i] for [2-j ≤ 2-i]."""
        back = places.turned(left)
        if back is not None:
            name, left, right = TURNED[name], back[1], places.less(str(back[0]), right)
        return self.notation.comparison(name, self.notation.place(left), self.notation.place(right))

    def raised(self, conditions: Sequence[tuple[str, str, str]], piece: Piece) -> Piece:
        """x[k]^([k ≤ i] · [k ≠ j]): something where indices compare so, else 1."""
        one = self.entry(S.One, ())
        if any(name == "not_equal" and left == right for name, left, right in conditions):
            return one
        brackets = [self.comparison(name, left, right) for name, left, right in conditions if left != right]
        if not brackets:
            return piece
        power = Piece(brackets[0].text, ATOM) if len(brackets) == 1 else self.multiplied(brackets)
        return Piece(self.notation.superscript(piece, power, None), POWER)

    def at_largest(self, here: str, found: Apply, indices: Index, piece: Piece) -> Piece:
        """[(i,j) = argmax(a, 2)[n,c,l,m]] times something: that at the place of the largest entry of a window."""
        call = self.notation.named_call("argmax", self.notation.arguments([self.walk(found.args[0])], found))
        place = self.notation.at(call.text, [*filter(None, indices)]) if any(indices) else call.text
        return self.multiplied([Piece(self.notation.iverson(here, place), CALL), piece])


NOTATION, WALK = Notation(), EntryLayout
