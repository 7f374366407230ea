"""Tensors with their first two axes exchanged: x[:, None] - x is then its own negative, its square what it was."""

from __future__ import annotations

from collections.abc import Callable

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, shape_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.for_print.signs import EVEN, ODD
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.records import dataclass, field

MAX_NODES = 60  # of what is looked into
MAX_DEPTH = 30  # of it, and of the definitions of its names
MAX_STEPS = 300


@dataclass(frozen=True, slots=True)
class Exchange:
    """What is known of matrices, and what was found of parts, those of definitions too."""

    facts: Facts
    symmetric: Callable[[Expr], bool]
    known: dict[Expr, Expr | None] = field(default_factory=dict)

    def sign(self, expr: Expr, rank: int, depth: int = 0) -> Expr | None:
        """1 or -1 where a tensor of a rank is itself, or its negative, with its first two axes exchanged; else None."""
        if len(shape_of(expr)) <= rank - 2:
            return S.One
        if len(shape_of(expr)) < rank:  # the same part may stand for a row, or for columns
            return self._found(expr, rank, depth)
        if expr not in self.known:
            self.known[expr] = None
            if depth <= MAX_DEPTH and len(self.known) <= MAX_STEPS:
                self.known[expr] = self._found(expr, rank, depth)
        return self.known[expr]

    def _found(self, expr: Expr, rank: int, depth: int) -> Expr | None:
        if isinstance(expr, TensorSymbol):
            return self._of_symbol(expr, rank, depth)
        if isinstance(expr, (Add, Mul)):
            return self._of_parts(expr, rank, depth + 1)
        if isinstance(expr, Pow):
            sign = self.sign(expr.base, rank, depth + 1)
            return sign if sign == 1 else S.NegativeOne**expr.exp if sign is not None and expr.exp.is_Integer else None
        return self._of_operator(expr, rank, depth) if isinstance(expr, Apply) else None

    def _of_parts(self, expr: Add | Mul, rank: int, depth: int) -> Expr | None:
        """Of a sum or product; parts that are no such tensors may change places, as the row and the column of x do."""
        signs = {a: self.sign(a, rank, depth) for a in expr.args}
        if isinstance(expr, Add) and (len(set(signs.values())) > 1 or None in signs.values()):
            signs = dict.fromkeys(signs)
        others = [a for a, sign in signs.items() if sign is None]
        turned = [self._turned(a, rank, depth) for a in others]
        if None in turned:
            return None
        rest, whole = expr.func(*others), expr.func(*[t for t in turned if t is not None])
        known = [sign for sign in signs.values() if sign is not None]
        sign = Mul(*known) if isinstance(expr, Mul) else Mul(*set(known))
        return sign if whole == rest else -sign if whole == -rest else None

    def _of_symbol(self, symbol: TensorSymbol, rank: int, depth: int) -> Expr | None:
        if len(symbol.shape) == rank == 2 and self.symmetric(symbol):
            return S.One
        made = self.facts.definitions.get(symbol)
        if made is None or len(symbol.shape) != rank or tree_size(made) > MAX_NODES:
            return None
        return self.sign(made, rank, depth + 1)

    def _of_operator(self, expr: Apply, rank: int, depth: int) -> Expr | None:
        if OPS[expr.name].pointwise:
            signs = [self.sign(a, rank, depth + 1) for a in expr.args]
            if all(s == 1 for s in signs):
                return S.One
            if len(signs) > 1 or signs[0] is None:
                return None
            return S.NegativeOne if expr.name in ODD else S.One if expr.name in EVEN else None
        inner = shape_of(expr.args[0]) if expr.args else ()
        if expr.name == "expand_dims":
            axis = expr.parameters["axis"]
            inside = isinstance(axis, int) and axis > 1 and len(expr.shape) == rank
            return self.sign(expr.args[0], rank - 1, depth + 1) if inside else None
        if expr.name == "sum":
            inside = len(expr.shape) == rank and min(axes_of(expr.parameters["axis"], len(inner))) > 1
            return self.sign(expr.args[0], len(inner), depth + 1) if inside else None
        return S.One if rank == 2 == len(expr.shape) and self.symmetric(expr) else None

    def _turned(self, part: Expr, rank: int, depth: int) -> Expr | None:
        """A part with its first two axes exchanged: a vector as a row for a column, the rows of a matrix, or itself."""
        number, rest = part.as_coeff_Mul()
        if is_op(rest, "expand_dims") and len(rest.shape) == rank and rest.parameters["axis"] == 1:
            return number * rest.args[0]
        if len(shape_of(rest)) == rank - 1:
            return number * call("expand_dims", {"axis": 1}, rest)
        sign = self.sign(rest, rank, depth)
        return None if sign is None else number * sign * rest
