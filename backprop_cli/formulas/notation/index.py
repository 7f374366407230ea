"""Index notation: one entry of a gradient, Einstein style: `∂loss/∂w2[i,j] = ∂loss/∂z_2[i] · y_1[j]`.

The same expression, read for one entry: a product of matrices sums over the index between its factors, what is
elementwise keeps its index, a transpose swaps the two, a sum over an axis sums it, and an axis along which an operand
is repeated is left away, as is any axis of size 1.  An operator without a row of its own is written whole, and its
entry picked: `softmax(z)[n,k]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from sympy import Expr, Pow, Rational

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import Apply, GradSymbol, TensorSymbol, is_one, is_op, shape_of, symbols_of
from backprop_cli.formulas.algebra.for_print import Factors, Negative, Terms, Transposed, for_print
from backprop_cli.formulas.notation.arguments import spell_static
from backprop_cli.formulas.notation.layout import Layout
from backprop_cli.formulas.notation.piece import ADD, ATOM, CALL, GRADIENT, MUL, NEGATIVE, POWER, Piece
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.language.model import Shape

Index = tuple[str, ...]
"""A letter for each axis; empty for an axis of size 1."""

LETTERS = "ijklmnpqrsabcd"
PRODUCT = GRADIENT
"""A product of numbers needs no brackets in another; a Σ or a quotient does."""


@dataclass(slots=True)
class EntryLayout(Layout):
    """Prints one entry of an expression."""

    used: set[str] = field(default_factory=set)

    def whole(self, expr: Expr, left: TensorSymbol | None = None) -> str:
        """The entry of a gradient as an equation; without a left side the entry alone."""
        if left is not None:
            return " = ".join(self.sides(expr, left))
        self.used = {s.name for s in symbols_of(expr)}
        self.memo = {}
        return self.entry(expr, self.letters(shape_of(expr))).text

    def sides(self, expr: Expr, left: TensorSymbol) -> tuple[str, str]:
        """The entry of a gradient, left and right of the sign of equality."""
        self.used = {s.name for s in symbols_of(expr)} | {left.name}
        self.memo = {}
        indices = self.letters(shape_of(expr))
        right = self.entry(expr, indices).text
        return self.entry(left, indices).text, right

    def letters(self, shape: Shape) -> Index:
        """A new letter for each axis: that of its name, if it has one and it is free."""
        return tuple("" if is_one(size) else self.letter(size) for size in shape)

    def letter(self, size: int) -> str:
        """A letter that nothing else has."""
        name = str(getattr(size, "name", None) or "").lower()
        own = [name] if len(name) == 1 and name.isalpha() else []
        numbered = (f"{letter}{n}" for n in range(1, 100) for letter in LETTERS)
        found = next(letter for letter in chain(own, LETTERS, numbered) if letter not in self.used)
        self.used.add(found)
        return found

    # one entry ───────────────────────────────────────────────────────────────────────────────────

    def entry(self, expr: Expr, indices: Index) -> Piece:
        """The entry of a part at indices, of which it takes the last as many as it has axes."""
        shape = shape_of(expr)
        own = tuple("" if is_one(s) else i for s, i in zip(shape, indices[len(indices) - len(shape) :], strict=True))
        if isinstance(expr, TensorSymbol) or expr.is_Rational:
            return self.picked(expr, own)
        arranged = for_print(expr, self.decimals)
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
            return ROWS.get(arranged.name, elementwise_or_picked)(self, arranged, own)
        return self.picked(expr, own)

    def picked(self, expr: Expr, indices: Index) -> Piece:
        """The entry of something that is written whole."""
        piece, letters = self.walk(expr), [*filter(None, indices)]
        if not letters:
            return piece
        if isinstance(expr, GradSymbol):
            return Piece(self.notation.gradient_at(expr.output, expr.name, letters), CALL)
        return Piece(self.notation.at(self.closed(piece, CALL), letters), CALL)

    @property
    def between(self) -> str:
        """Between the factors of a product of entries."""
        return self.notation.beside

    def closed(self, piece: Piece, level: int) -> str:
        """A part inside another that binds at `level`."""
        return piece.text if piece.level >= level else self.notation.bracket(piece.text)

    def count(self, size: int) -> str:
        """How many entries an axis has."""
        return spell_static(size)

    def terms(self, terms: Terms, indices: Index) -> Piece:
        """A sum, term by term."""
        text = ""
        for minus, term in terms.terms:
            sign = self.notation.minus if minus else self.notation.plus
            text += (sign if text else "") + self.closed(self.entry(term, indices), ADD + 1)
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
            texts = [*(self.entry(f, indices).text for f in apart), above.text]
            above = Piece(self.between.join(texts), PRODUCT)
        return Piece(self.notation.minus_sign + self.closed(above, MUL), NEGATIVE) if parts.sign < 0 else above

    def quotient(self, above: Piece, below: Piece) -> Piece:
        """One entry divided by another."""
        if self.notation.stacks:
            return Piece(*self.notation.fraction(above, below))
        return Piece(f"{self.closed(above, MUL)} / {self.closed(below, POWER)}", MUL)

    def side_by_side(self, number: Expr, factors: list[Expr], indices: Index) -> Piece:
        """Factors side by side, each at its own indices."""
        pieces = without_ones([self.entry(f, indices) for f in factors])
        texts = [self.notation.number(number)] if number != 1 or not pieces else []
        if not texts and len(pieces) == 1:
            return pieces[0]
        texts += [self.closed(piece, PRODUCT) for piece in pieces]
        return Piece(self.between.join(texts), PRODUCT if len(texts) > 1 else ATOM)

    def powers(self, expr: Pow, indices: Index) -> Piece:
        """A power of an entry, or a root."""
        base = self.entry(expr.base, indices)
        if isinstance(expr.exp, Rational) and expr.exp.q == 2 and expr.exp.p == 1:
            return self.notation.root(base)
        whole = int(expr.exp) if expr.exp.is_Integer else None
        return Piece(self.notation.superscript(base, self.entry(expr.exp, indices), whole), POWER)

    def over(self, sizes: Shape, body: Callable[[Index], Piece]) -> Piece:
        """Σ over new indices of what the body makes of them."""
        letters = self.letters(sizes)
        listed = [*filter(None, letters)]
        piece = body(letters)
        return Piece(self.notation.over(listed) + self.closed(piece, MUL), MUL) if listed else piece


ONE = Piece("1", ATOM)


def without_ones(pieces: list[Piece]) -> list[Piece]:
    """Factors of a product; an entry of ones is not worth writing, unless it is all there is."""
    return [piece for piece in pieces if piece is not ONE] or pieces[:1]


# ── rows: how an operator's entry is made of its operands' ───────────────────────────────────────


def elementwise_or_picked(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """A function of each entry; of any other operator the entry is picked."""
    if not OPS[expr.name].pointwise:
        return layout.picked(expr, indices)
    inner = Layout(layout.notation, decimals=layout.decimals)
    stand_ins = []
    for operand in expr.args:
        symbol = TensorSymbol("", (), 0)
        inner.memo[symbol] = layout.entry(operand, indices)
        stand_ins.append(symbol if operand.args or isinstance(operand, TensorSymbol) else operand)
    return inner.walk(Apply(expr.name, tuple(stand_ins), expr.parameters, ()))


def chained(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """A product of matrices: Σ_k A[i,k] · B[k,j]."""
    shapes = [shape_of(a) for a in expr.args]
    last = len(shapes) - 1
    rows, columns = len(shapes[0]) > 1, len(shapes[-1]) > 1
    batch = indices[: len(indices) - rows - columns]
    left, right = indices[len(batch)] if rows else "", indices[-1] if columns else ""

    def body(between: Index) -> Piece:
        ends = (left, *between, right)
        pieces = []
        for position, (factor, shape) in enumerate(zip(expr.args, shapes, strict=True)):
            pair = ends[position : position + 2] if len(shape) > 1 else (ends[1] if position == 0 else ends[position],)
            pieces.append(layout.entry(factor, (*batch, *pair)))
        return Piece(layout.between.join(layout.closed(p, PRODUCT) for p in without_ones(pieces)), PRODUCT)

    return layout.over(tuple(shape[-1] for shape in shapes[:last]), body)


def outer(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """x[i] · y[j]."""
    left, right = expr.args
    texts = [layout.closed(layout.entry(a, (i,)), PRODUCT) for a, i in ((left, indices[0]), (right, indices[1]))]
    return Piece(layout.between.join(texts), PRODUCT)


def transposed(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """The indices in another order."""
    order = expr.parameters["axes"]
    back = dict(zip(order, indices, strict=True))
    return layout.entry(expr.args[0], tuple(back[axis] for axis in range(len(order))))


def reduced(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """Σ over the axes that a reduction runs over; a mean divides by how many there are."""
    shape = shape_of(expr.args[0])
    axes = axes_of(expr.parameters["axis"], len(shape))
    kept = [i for axis, i in enumerate(indices) if axis not in axes] if expr.parameters["keepdims"] else list(indices)

    def body(letters: Index) -> Piece:
        rest, summed = iter(kept), iter(letters)
        inner = tuple(next(summed) if axis in axes else next(rest) for axis in range(len(shape)))
        return layout.entry(expr.args[0], inner)

    total = layout.over(tuple(shape[a] for a in axes), body)
    if expr.name == "sum":
        return total
    counts = [layout.count(shape[a]) for a in axes if not is_one(shape[a])]
    if not counts:
        return total
    below = Piece(layout.notation.beside.join(counts), ATOM if len(counts) == 1 else MUL)
    one, _ = layout.notation.fraction(Piece("1", ATOM), below)
    return Piece(one + layout.between + layout.notation.bracket(total.text), MUL)


def expanded(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """New axes have no index."""
    axes = {a % len(expr.shape) for a in _listed(expr.parameters["axis"])}
    return layout.entry(expr.args[0], tuple(i for axis, i in enumerate(indices) if axis not in axes))


def reshaped(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """Axes of size 1 come and go; any other reshape is written whole."""
    before, after = shape_of(expr.args[0]), expr.shape
    if [s for s in before if not is_one(s)] != [s for s in after if not is_one(s)]:
        return layout.picked(expr, indices)
    rest = iter([i for s, i in zip(after, indices, strict=True) if not is_one(s)])
    return layout.entry(expr.args[0], tuple("" if is_one(s) else next(rest) for s in before))


def broadcast(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """What is repeated is the same at every index."""
    return layout.entry(expr.args[0], indices)


def unit(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """e[k] is [i = k]; what else is scattered is written whole."""
    where = expr.parameters["index"]
    if expr.args[0] == 1 and len(where) == 1 and isinstance(where[0], int) and indices[0]:
        return Piece(layout.notation.iverson(indices[0], str(where[0])), CALL)
    return layout.picked(expr, indices)


def added_at(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """Σ_i [t[i] = v] · δ[i,d]: what rows picked by labels get back."""
    base, labels, source = expr.args
    if not is_op(base, "zeros") or expr.parameters["axis"] != 0 or len(shape_of(labels)) != 1 or not indices[0]:
        return layout.picked(expr, indices)

    def body(letters: Index) -> Piece:
        here = layout.notation.iverson(layout.entry(labels, letters).text, indices[0])
        given = layout.closed(layout.entry(source, (*letters, *indices[1:])), PRODUCT)
        return Piece(here + layout.between + given, PRODUCT)

    return layout.over(shape_of(labels), body)


def identity(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """I is [i = j]."""
    return Piece(layout.notation.iverson(*indices), CALL) if all(indices) else layout.picked(expr, indices)


def convolved(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """Σ over channels and the window: x[n,c,i+a,j+b] · w[o,c,a,b]; only where nothing is padded, grouped or strided."""
    if not _is_plain(expr) or len(expr.args) > 2 and expr.args[2].args:
        return layout.picked(expr, indices)
    kernel = shape_of(expr.args[1])

    def body(letters: Index) -> Piece:
        channel, *window = letters
        moved = tuple(_moved(i, a) for i, a in zip(indices[2:], window, strict=True))
        texts = [layout.entry(expr.args[0], (indices[0], channel, *moved)).text,
                 layout.closed(layout.entry(expr.args[1], (indices[1], channel, *window)), PRODUCT)]  # fmt: skip
        return Piece(layout.between.join(texts), PRODUCT)

    return layout.over(kernel[1:], body)


def kernel_gradient(layout: EntryLayout, expr: Apply, indices: Index) -> Piece:
    """Σ over images and positions: x[n,c,i+a,j+b] · δ[n,o,i,j]."""
    if not _is_plain(expr):
        return layout.picked(expr, indices)
    upstream = shape_of(expr.args[1])

    def body(letters: Index) -> Piece:
        image, *places = letters
        moved = tuple(_moved(i, a) for i, a in zip(places, indices[2:], strict=True))
        texts = [layout.entry(expr.args[0], (image, indices[1], *moved)).text,
                 layout.closed(layout.entry(expr.args[1], (image, indices[0], *places)), PRODUCT)]  # fmt: skip
        return Piece(layout.between.join(texts), PRODUCT)

    return layout.over((*upstream[:1], *upstream[2:]), body)


def _moved(place: str, step: str) -> str:
    return "+".join(filter(None, (place, step)))


def _is_plain(expr: Apply) -> bool:
    """Whether a convolution of a batch neither pads, strides nor groups."""
    plain = {"stride": (1, (1, 1)), "padding": (0, (0, 0), "valid"), "dilation": (1, (1, 1)), "groups": (1,)}
    ranks = {len(shape_of(a)) for a in (expr, *expr.args[:2])}
    is_of_batch = isinstance(expr.args[0], TensorSymbol) and len(ranks) == 1
    return is_of_batch and all(expr.parameters.get(name, allowed[0]) in allowed for name, allowed in plain.items())


def _listed(axes: int | tuple[int, ...]) -> Iterator[int]:
    return iter((axes,) if isinstance(axes, int) else axes)


ROWS: Mapping[str, Callable[[EntryLayout, Apply, Index], Piece]] = {
    "matmul": chained, "outer": outer, "transpose": transposed, "sum": reduced, "mean": reduced,
    "expand_dims": expanded, "reshape": reshaped, "broadcast_to": broadcast, "scatter": unit,
    "index_add": added_at, "eye": identity,
    "ones": lambda layout, expr, indices: ONE, "zeros": lambda layout, expr, indices: Piece("0", ATOM),
    "conv1d": convolved, "conv2d": convolved,
    "conv1d_weight": kernel_gradient, "conv2d_weight": kernel_gradient,
}  # fmt: skip
"""The operators whose entries are made of their operands' entries."""


NOTATION, WALK = Notation(), EntryLayout
