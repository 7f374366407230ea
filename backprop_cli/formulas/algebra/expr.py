"""The tensor algebra's atoms: symbols with shapes, and operators that mix positions.

sympy's own commutative Add, Mul and Pow are the elementwise, broadcasting algebra, because an identity of real
scalars holds at every position.  Everything else (matmul, sums over axes, inverses, but also pointwise functions
such as the sigmoid) is an `Apply`: a commutative atom of that algebra, built from an op of the registry.

An expression has a *physical* shape, the broadcast of its atoms' shapes.  It may be smaller than the true shape
of what it stands for (`x/x` is 1), which a `Formula` keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from operator import is_
from typing import Any, Self, TypeGuard, TypeVar
from weakref import ReferenceType

from sympy import Add, Dummy, Expr, Float, Integer, Mul, Pow, Rational, S, Symbol, nan, oo
from sympy.core.basic import Basic

from backprop_cli.engine.ops.base import broadcast
from backprop_cli.formulas.algebra.work import grown_from, parts_of, remembered_of_parts, the_one
from backprop_cli.language.model import Shape

E = TypeVar("E", bound=Basic)

ASSUMPTIONS = (
    "algebraic", "antihermitian", "complex", "composite", "even", "extended_negative", "extended_nonnegative",
    "extended_nonpositive", "extended_nonzero", "extended_positive", "extended_real", "finite", "hermitian",
    "imaginary", "infinite", "integer", "irrational", "negative", "noninteger", "nonnegative", "nonpositive",
    "nonzero", "odd", "polar", "positive", "prime", "rational", "real", "transcendental", "zero",
)  # fmt: skip
"""What sympy asks of an expression, but whether it commutes."""


def unassuming(kind: type[E]) -> type[E]:
    """A class of which nothing is assumed, said at once: sympy would ask rule after rule, for each object anew."""
    for fact in ASSUMPTIONS:
        setattr(kind, f"is_{fact}", None)
    return kind


_COUNTER: Any = Dummy
_SLOTS = sorted({"_assumptions", *vars(Symbol)["__slots__"]} - {"name"})
_ASSUMED = [(slot, getattr(Dummy("plain"), slot)) for slot in _SLOTS]
"""What sympy works out anew for each symbol from what is assumed of it: the same for all of which nothing is."""


@unassuming
class TensorSymbol(Dummy):
    """The value of a node.  Two graphs never share one: a Dummy is equal to itself alone.

    `position` is the node's place in topological order; `leaf` whether it is an input or a param.
    """

    shape: Shape
    position: int
    leaf: bool
    index: int
    content: tuple[str, int]
    graph: ReferenceType[Any] | None = None  # what is known of its graph; a symbol does not keep a run alive
    place = 0  # in a product, where it is a number but stands behind numbers: an entry where its tensor would
    __eq__ = object.__eq__  # to itself alone, and that is known without asking sympy
    __hash__ = object.__hash__

    def __new__(cls, name: str, shape: Shape, position: int, leaf: bool = False) -> Self:
        """A symbol of its own, equal to no other.

        It is not declared real: sympy would write √(x²) with an Abs of its own, which no notation knows.
        """
        symbol: Self = Expr.__new__(cls)
        for slot, value in _ASSUMED:
            setattr(symbol, slot, value)
        symbol.name, symbol.dummy_index = name, _COUNTER._base_dummy_index + _COUNTER._count
        _COUNTER._count += 1
        symbol.shape, symbol.position, symbol.leaf, symbol.index = shape, position, leaf, position
        symbol.content = name, symbol.dummy_index
        return symbol

    def _hashable_content(self) -> tuple[object, ...]:
        """What tells two of them apart, kept: sympy asks for it whenever it sorts a sum."""
        return self.content


class GradSymbol(TensorSymbol):
    """∂output/∂node, as a symbol; `output` is what the output is called."""

    output: str


class Delta(TensorSymbol):
    """The gradient of a part that has no name, by its `definition`: δ_h of the part in h's expression.

    `number` tells several of one node apart; `mark` is added where the spec has a node of that name.
    """

    owner: str
    definition: Expr
    is_part: bool  # of an expression that the user wrote; else of a formula alone
    number: int
    mark: str

    def __new__(cls, owner: str, shape: Shape, index: int, definition: Expr, is_part: bool = False) -> Self:
        """A symbol of its own; like any gradient it is later than every node."""
        symbol = TensorSymbol.__new__(cls, "δ", shape, 1_000_000 + index)
        symbol.index, symbol.owner, symbol.definition, symbol.is_part = index, owner, definition, is_part
        symbol.number, symbol.mark = 0, ""
        symbol.graph = next((s.graph for s in symbols_of(definition) if s.graph), None)
        return symbol

    @property
    def tail(self) -> str:
        """What follows the letter: _h, _h_1."""
        return f"_{self.owner}" + (f"_{self.number}" if self.number else "") + self.mark

    @property
    def text(self) -> str:
        """As people write it."""
        return f"δ{self.tail}"

    @property
    def code(self) -> str:
        """As the language writes it."""
        return f"delta{self.tail}"


class SizeSymbol(Symbol):
    """A named size of an axis, such as N."""

    shape: Shape = ()
    value: int

    def __new__(cls, name: str, value: int) -> Self:
        """A size by its name and number."""
        symbol = Symbol.__xnew__(cls, name, positive=True, integer=True)
        symbol.value = value
        return symbol

    def _hashable_content(self) -> tuple[object, ...]:
        return (*super()._hashable_content(), str(self.value))


def size(n: int) -> Expr:
    """A number of entries: a letter where the axis is named."""
    factors = getattr(n, "factors", ())
    if factors:
        return Mul(*map(size, factors))
    name = getattr(n, "name", None)
    return SizeSymbol(name, int(n)) if name else Integer(int(n))


@unassuming
class Apply(Expr):
    """An op of the registry applied to expressions; `parameters` are its static ones, as sorted pairs."""

    __slots__ = ("key", "name", "parameters", "shape")
    is_commutative = True
    is_number = False  # sympy would take ones((3,)) or e[0] for one, since their arguments are
    name: str
    parameters: Mapping[str, Any]
    shape: Shape
    key: str

    def __new__(cls, name: str, args: tuple[Expr, ...], parameters: Mapping[str, object], shape: Shape) -> Self:
        """The operator on its arguments, with the shape they give it."""
        made = Basic.__new__(cls, *args)
        made.name, made.parameters, made.shape = name, parameters, shape
        named = [getattr(s, "name", None) or int(s) for s in shape]
        made.key = f"{name}|{sorted(parameters.items(), key=lambda p: p[0])!r}|{named}"
        return the_one(made)

    def _hashable_content(self) -> tuple[object, ...]:
        return (self.key, *self.args)

    @property
    def func(self) -> Callable[..., Expr]:
        """How it is made again from changed arguments: by the rules, so that substitution simplifies."""
        return partial(_rebuild, self)

    def _eval_power(self, exponent: Any) -> Expr | None:
        """What is 0 or 1 everywhere is its own power."""
        return self if self.name in MASKS and exponent.is_Integer and exponent > 0 else None

    def _eval_derivative(self, symbol: object) -> Expr:
        raise TypeError("sympy cannot differentiate a tensor operator; the reverse pass does")

    def sort_key(self, order: object = None) -> Any:
        """sympy's canonical order, by op and parameters first."""
        return (5, 0, self.key), (len(self.args), tuple(map(sort_key, self.args))), S.One.sort_key(), S.One

    def _sympystr(self, printer: object) -> str:
        return f"{self.name}({', '.join(map(str, self.args))})"


TURNED = {"equal": "equal", "greater": "less", "less": "greater", "greater_equal": "less_equal",
          "less_equal": "greater_equal", "not_equal": "not_equal"}  # fmt: skip
"""What a comparison is with its sides exchanged."""

MASKS = frozenset(("eye", "one_hot", *TURNED))
"""Operators whose entries are 0 or 1."""

NONE = Symbol("none")
"""Stands for an operand left out."""


REBUILD: dict[str, Callable[..., Expr]] = {}
"""Filled by the rules: how an operator is made again from changed arguments."""


def _rebuild(before: Apply, *args: Expr) -> Expr:
    return REBUILD["*"](before, args)


def made_of(expr: Expr, parts: Sequence[Expr]) -> Expr:
    """An expression with these in place of its arguments; itself, where they are the same."""
    return expr if all(map(is_, parts, expr.args)) else expr.func(*parts)


KINDS = (TensorSymbol, SizeSymbol, Apply, Add, Mul, Pow, Rational, Float)
CONSTANTS = frozenset((S.Pi, S.Exp1, S.Infinity, S.NegativeInfinity, S.NaN, NONE))
"""With the kinds above, all that a formula is made of: what every printer and the evaluator know."""


def foreign(expr: Expr) -> set[Expr]:
    """What an expression holds that no notation knows, such as a function of sympy's own; always empty."""
    own = set() if isinstance(expr, KINDS) or expr in CONSTANTS else {expr}
    return own.union(*map(foreign, expr.args))


# ── what is known of an expression ───────────────────────────────────────────────────────────────


def shape_of(expr: Expr) -> Shape:
    """The physical shape of an expression."""
    if isinstance(expr, (Apply, TensorSymbol)):
        return expr.shape
    return _broadcast_shape(expr) if expr.args else ()


@remembered_of_parts
def _broadcast_shape(expr: Expr) -> Shape:
    shapes = [*map(shape_of, parts_of(expr))]
    return broadcast(*shapes) if any(shapes) else ()  # of scalars alone, as most of a long chain is


@remembered_of_parts
def tree_size(expr: Expr) -> int:
    """How many nodes the expression has, written out."""
    grown = grown_from(expr)
    if grown is None:
        return 1 + sum(map(tree_size, expr.args))
    before, factor = grown
    return tree_size(before) + (not isinstance(before, Mul)) + tree_size(factor)


@remembered_of_parts
def symbols_of(expr: Expr) -> frozenset[TensorSymbol]:
    """The nodes and upstream gradients an expression names."""
    if isinstance(expr, TensorSymbol):
        return frozenset((expr,))
    return frozenset().union(*map(symbols_of, parts_of(expr)))


@remembered_of_parts
def gradients_of(expr: Expr) -> frozenset[GradSymbol]:
    """The upstream gradients an expression names."""
    found = [s for s in symbols_of(expr) if isinstance(s, GradSymbol)]
    return frozenset(found) if found else NO_GRADIENTS


NO_GRADIENTS = frozenset[GradSymbol]()


@remembered_of_parts
def depth(expr: Expr) -> int:
    """How deeply the expression nests."""
    grown = grown_from(expr)
    if grown is None:
        return 1 + max(map(depth, expr.args), default=0)
    before, factor = grown
    return max(depth(before) + (not isinstance(before, Mul)), 1 + depth(factor))


FIRST_GRADIENT = 1_000_000
"""Later than any node."""


@remembered_of_parts
def position_of(expr: Expr) -> int:
    """How late in the graph the latest node of an expression stands; an upstream gradient is later than any node."""
    if isinstance(expr, GradSymbol):
        return FIRST_GRADIENT + expr.position
    if isinstance(expr, TensorSymbol):
        return -1_000_000 + expr.position if expr.leaf else expr.position
    return max(map(position_of, expr.args), default=-2_000_000)


LONG_SUM = 24
"""More terms than that are not put in sympy's order: each has an exponent for each of the others there."""


@remembered_of_parts
def sort_key(expr: Expr) -> Any:
    """sympy's canonical order, in time that is linear in the terms of a long sum."""
    if tree_size(expr) < LONG_SUM or not _has_long_sum(expr):
        return expr.sort_key()
    coefficient, rest = expr.as_coeff_Mul()
    return rest.class_key(), (len(rest.args), tuple(map(sort_key, rest.args))), S.One.sort_key(), coefficient


@remembered_of_parts
def _has_long_sum(expr: Expr) -> bool:
    return isinstance(expr, Add) and len(expr.args) > LONG_SUM or any(map(_has_long_sum, expr.args))


def later_is_negative(expr: Expr) -> bool:
    """Whether the latest term of a sum has a minus: y - y_2, where y_2 - y reads better."""
    latest = max(expr.args, key=lambda t: (position_of(t), -tree_size(t), sort_key(t)))
    return bool(latest.as_coeff_Mul()[0].is_negative)


def exact(value: Any) -> Expr:
    """A literal as an exact sympy number."""
    if isinstance(value, Fraction):
        return Rational(value.numerator, value.denominator)
    if isinstance(value, int):
        return size(value)
    if math.isnan(value):
        return nan
    if value in (float("inf"), float("-inf")):
        return oo if value > 0 else -oo
    known = {3.141592653589793: S.Pi, 2.718281828459045: S.Exp1}
    return known.get(value) or Float(value, 17)


def is_op(expr: Basic, name: str) -> TypeGuard[Apply]:
    """Whether an expression is a certain operator."""
    return isinstance(expr, Apply) and expr.name == name


def is_one(s: int) -> bool:
    """Whether a size is a 1 that means nothing; an axis of a *named* size 1 is an axis like any other."""
    return s == 1 and not getattr(s, "name", None)
