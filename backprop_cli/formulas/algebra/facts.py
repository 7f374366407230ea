"""Facts: equations that hold in one graph, and let a sum disappear.

A fact is declared by an op (a softmax sums to one), proved from a definition (Σ(x - mean x) = 0), or seen in the
data, in which case it is announced and checked on every run.  Without it the honest, longer formula is printed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.formulas.algebra import seen
from backprop_cli.formulas.algebra.budget import Budget
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, symbols_of
from backprop_cli.formulas.algebra.style import PLAIN_STYLE, Style
from backprop_cli.formulas.algebra.work import Work
from backprop_cli.records import dataclass, field

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

REDUCTIONS = frozenset({"sum", "mean"})
MAX_TERMS = 4  # of a difference from a mean

MAX_PROOF = 4  # a fact may rest on facts about what it is made of, but not on a whole network


@dataclass(slots=True, weakref_slot=True, eq=False)
class Facts:
    """What is known of the symbols of one graph; `data` gives an input's array, or None."""

    data: Callable[[TensorSymbol], Array | None] = field(default=lambda symbol: None)
    params: Callable[[TensorSymbol], Array | None] = field(default=lambda symbol: None)  # the array of any other leaf
    claims: Callable[[TensorSymbol], Mapping[str, Any]] = field(default=lambda symbol: {})  # stated of a leaf
    evaluate: Callable[[Expr], Array | None] = field(default=lambda expr: None)  # the value of a formula in this run
    trial: Callable[[Expr], Array | None] = field(default=lambda expr: None)
    """Its value at the numbers at which a formula has to be right, whatever else it is evaluated at."""
    again: bool = False  # whether the formulas will be differentiated again
    infinite: Callable[[], bool] = field(default=lambda: False)  # whether a gradient is not finite there
    reached: Callable[[TensorSymbol], Expr | None] = field(default=lambda symbol: None)
    """The mask outside of which the gradient of a node is 0."""
    labels: Callable[[Expr], Array | None] = field(default=lambda expr: None)  # of positions, also without a run
    definitions: dict[Expr, Expr] = field(default_factory=dict)
    factors: dict[Expr, list[tuple[Expr, Expr]]] = field(default_factory=dict)  # see definitions
    divided: set[frozenset[TensorSymbol]] = field(default_factory=set)  # what the sums among the factors name
    wholes: dict[Expr, Expr] = field(default_factory=dict)  # the named node that an operator or a sum is
    naming: set[frozenset[TensorSymbol]] = field(default_factory=set)  # what each of those names
    longest_chain: int = 3  # factors of the longest product of matrices among them, or a short one in another form
    added: set[frozenset[TensorSymbol]] = field(default_factory=set)  # what the sums among them name
    solved: dict[Expr, tuple[Expr, Expr]] = field(default_factory=dict)  # a part by a node, over what must not be 0
    related: dict[Expr, list[tuple[Expr, Expr]]] = field(default_factory=dict)  # by node: terms of the sum that it is
    solving: set[Expr] = field(default_factory=set)  # the nodes that those are in terms of
    unturned: dict[frozenset[TensorSymbol], list[tuple[Expr, Expr]]] = field(default_factory=dict)
    """Named sums by what they name, until one is met: then it is a whole with its sign turned, too."""
    opened: dict[Expr, Expr] = field(default_factory=dict)  # definitions with quotients in them written out
    folded: dict[Expr, Expr] = field(default_factory=dict)  # remembered by folding
    declared: dict[tuple[Expr, tuple[int, ...]], Expr] = field(default_factory=dict)
    used: dict[str, str] = field(default_factory=dict)  # announcement by key, in order of use
    prover: Callable[..., Expr | None] = field(default=lambda *_: None)  # sums a definition; set by who has the rules
    style: Style = PLAIN_STYLE  # how the spec writes, so that its formulas do
    work: Work = field(default_factory=Work)
    effort: int = 0  # spent on choosing forms; see tidy
    tidied: dict[Expr, Expr] = field(default_factory=dict)  # remembered by tidy
    forms: dict[Any, list[tuple[int, Expr]]] = field(default_factory=dict)
    """Of a skeleton, whatever its symbols, each with what it costs to read at the least; see tidy."""
    stand_ins: dict[tuple[int, bool | None], Expr] = field(default_factory=dict)  # the symbols of those
    mirrored: dict[Expr, Expr] = field(default_factory=dict)  # remembered by the rules of symmetry
    transposes: dict[Expr, bool] = field(default_factory=dict)
    defined_symmetric: dict[str, dict[Expr, bool]] = field(default_factory=dict)  # remembered by the rules of symmetry
    _symmetric: dict[Expr, bool] = field(default_factory=dict)
    _proving: set[object] = field(default_factory=set)

    @property
    def budget(self) -> Budget:
        """What is left of the run's."""
        return self.work.budget

    def sum(self, expr: Expr, axes: tuple[int, ...], data: bool = True) -> Expr | None:
        """The value of Σ expr over negative axes (size-1 axes kept), if it is known; `data`: seeing it will do."""
        if 0 in shape_of(expr):
            return None
        expr = _value(expr)
        if isinstance(expr, Apply) and sums_to_one(expr, axes):
            return S.One
        if isinstance(expr, Apply) and expr.name == "equal":
            return S.One if self._meets_once(expr, axes) else None
        if isinstance(expr, Add):
            return self._sum_of_differences(expr, axes)
        if isinstance(expr, Pow) and expr.exp == 2 and self.is_unit(expr.base, axes):
            return S.One
        if not isinstance(expr, TensorSymbol):
            return None
        if expr.leaf and self._is_claimed(expr, axes):
            return S.One
        if expr.leaf and not data:
            return None
        key = (expr, axes)
        if key not in self.declared:
            if len(self._proving) >= MAX_PROOF:
                return None
            self.declared[key] = self._find(expr, axes)
        found = self.declared[key]
        if found is S.NaN:
            return None
        self._announce(expr, axes)
        return found

    def is_unit(self, expr: Expr, axes: tuple[int, ...]) -> bool:
        """Whether a node is of length 1 along an axis: something over its own norm, by definition."""
        made = self.definitions.get(expr)
        if not isinstance(made, Mul) or len(made.args) != 2:
            return False
        below = next((f.base for f in made.args if isinstance(f, Pow) and f.exp == -1), expr)
        norm = self.definitions.get(below, below)
        if not isinstance(norm, Apply) or norm.name != "norm" or norm.args[0] * below**-1 != made:
            return False
        rank, axis = len(shape_of(norm.args[0])), norm.parameters["axis"]
        along = tuple(range(-rank, 0)) if axis is None else (axis % rank - rank,) if isinstance(axis, int) else ()
        return norm.parameters["ord"] in {None, 2} and along == axes

    def _meets_once(self, expr: Apply, axes: tuple[int, ...]) -> bool:
        """Whether x = max x in one entry along the axes that the max is taken over, as seen in this run; it is said."""
        x, y = expr.args
        base = y.args[0] if isinstance(y, Apply) and y.name in {"expand_dims", "reshape"} else y
        made = self.definitions.get(base, base)
        if not isinstance(made, Apply) or made.name not in {"max", "min"} or made.args[0] != x:
            return False
        rank, axis = len(shape_of(x)), made.parameters["axis"]
        along = range(rank) if axis is None else (axis,) if isinstance(axis, int) else axis
        found = self.evaluate(expr) if sorted(a % rank - rank for a in along) == sorted(axes) else None
        if found is None or not (found.sum(axis=axes) == 1).all():
            return False
        self.used["ties of max"] = "no two entries tie for a max or min (checked on the data)"
        return True

    def _is_claimed(self, symbol: TensorSymbol, axes: tuple[int, ...]) -> bool:
        """Whether the spec states that a leaf sums to one over these axes."""
        claims = self.claims(symbol)
        rank = len(symbol.shape)
        stated = [claims[key].value % rank - rank for key in ("sums_to_one", "one_hot") if key in claims]
        return any(axes == (axis,) for axis in stated)

    def is_mask(self, symbol: Expr) -> bool:
        """Whether the spec states that a leaf's entries are 0 or 1."""
        return isinstance(symbol, TensorSymbol) and bool({"mask", "one_hot"} & set(self.claims(symbol)))

    def seen_mask(self, symbol: TensorSymbol) -> bool:
        """Whether an input is a mask, and hardly by chance: a matrix of some zeros and some ones; it is said."""
        array = self.data(symbol)
        if array is None or not seen.is_mask(array):
            return False
        self.used[f"mask {symbol.name}"] = f"{symbol.name} is 0 or 1 (checked on the data)"
        return True

    def is_one_hot(self, symbol: TensorSymbol) -> bool:
        """Whether a vector, or each row of a matrix, has one 1 and else 0: as stated, or as seen, which is said."""
        claim = self.claims(symbol).get("one_hot")
        if claim is not None:
            return bool(claim.value % len(symbol.shape) == len(symbol.shape) - 1)
        array = self.data(symbol)
        if array is None or not seen.is_one_hot(array):
            return False
        self.used[f"one-hot {symbol.name}"] = f"{symbol.name} is one-hot (checked on the data)"
        return True

    def is_sign(self, symbol: Expr) -> bool:
        """Whether an input's entries are 1 or -1, as labels are; seen in the data, and said."""
        if not isinstance(symbol, TensorSymbol) or not symbol.leaf or not symbol.shape:
            return False
        array = self.data(symbol)
        if array is None or not seen.is_sign(array):
            return False
        self.used[f"signs {symbol.name}"] = f"{symbol.name}² = 1 (checked on the data)"
        return True

    def _sum_of_differences(self, expr: Expr, axes: tuple[int, ...]) -> Expr | None:
        """Σ(x - m) where m is the mean of x, which needs no name."""
        key = (expr, axes)
        if len(expr.args) > MAX_TERMS or len(self._proving) >= MAX_PROOF or not any(map(self._reduces, expr.args)):
            return None
        if key not in self.declared:
            self.declared[key] = S.NaN  # while it is being proved
            self.declared[key] = self._prove(expr, expr, axes)
        return None if self.declared[key] is S.NaN else self.declared[key]

    def _reduces(self, term: Expr) -> bool:
        """Whether a term of a sum is a mean or a sum, or a node that is defined as one."""
        factor = term.as_coeff_Mul()[1]
        made = self.definitions.get(factor, factor)
        return any(isinstance(f, Apply) and f.name in REDUCTIONS for f in Mul.make_args(made))

    def _announce(self, symbol: TensorSymbol, axes: tuple[int, ...]) -> None:
        """Say, wherever it is relied on, that a fact about an input was only seen in its data."""
        if symbol.leaf:
            where = ", ".join(str(len(symbol.shape) + a) for a in axes)
            self.used[f"sum {symbol.name} {axes}"] = f"Σ {symbol.name} = 1 over axis {where} (checked on the data)"

    def _find(self, symbol: TensorSymbol, axes: tuple[int, ...]) -> Expr:
        definition = self.definitions.get(symbol)
        if definition is not None:
            return self._prove(symbol, definition, axes)
        array = self.data(symbol)
        return S.One if array is not None and seen.is_distribution(array, axes) else S.NaN

    def _prove(self, symbol: Expr, definition: Expr, axes: tuple[int, ...]) -> Expr:
        """Sum the definition: a number is a fact (D1)."""
        definition = _value(self.softmax_of(definition) or definition)
        if isinstance(definition, Apply) and sums_to_one(definition, axes):
            return S.One
        if symbol in self._proving:
            return S.NaN
        self._proving.add(symbol)
        try:
            result = self.prover(definition, shape_of(symbol), axes, self)
        finally:
            self._proving.discard(symbol)
        return result if result is not None and result.is_number else S.NaN

    def softmax_of(self, definition: Expr) -> Expr | None:
        """softmax(z) for the exponential of a node that is defined as log_softmax(z)."""
        if not isinstance(definition, Apply) or definition.name != "exp":
            return None
        log = self.definitions.get(definition.args[0])
        if not isinstance(log, Apply) or log.name != "log_softmax":
            return None
        return Apply("softmax", log.args, log.parameters, log.shape)

    def symmetric(self, symbol: TensorSymbol) -> bool:
        """Whether a matrix equals its transpose: stated by the spec, or as seen in the data."""
        if "symmetric" in self.claims(symbol):
            return True
        if symbol not in self._symmetric:
            self._symmetric[symbol] = self._looks_symmetric(symbol)
        return self._symmetric[symbol]

    def _looks_symmetric(self, symbol: TensorSymbol) -> bool:
        array = self.data(symbol)
        if array is not None:
            return seen.is_symmetric(array)
        array = self.params(symbol)
        return array is not None and seen.is_covariance(array)

    def symmetric_on_purpose(self, symbol: TensorSymbol) -> bool:
        """Whether a symmetric matrix is hardly so by chance: it is larger than 2×2, and not diagonal."""
        if "symmetric" in self.claims(symbol):
            return True
        if not self.symmetric(symbol):
            return False
        array = self.data(symbol)
        return array is None or len(array) > 2 and seen.is_off_diagonal(array)

    def never_equal(self, a: Expr, b: Expr) -> bool:
        """Whether two formulas differ in every entry, as seen in this run."""
        one, two = self.evaluate(a), self.evaluate(b)
        if one is None or two is None or (one == two).any():
            return False
        self.used["ties"] = "no two operands of a maximum or minimum are equal (checked on the data)"
        return True

    def never_zero(self, expr: Expr) -> bool:
        """Whether no entry of a formula is 0, as seen in this run; it is said."""
        found = self.evaluate(expr)
        if found is None or not (found != 0).all():
            return False
        names = ", ".join(sorted(s.name for s in symbols_of(expr)))
        self.used[f"nonzero {names}"] = f"no entry of {names} is 0 (checked on the data)"
        return True

    def seen_positive(self, symbol: TensorSymbol) -> bool:
        """Whether a scalar input is above 0 in this run; it is said."""
        array = None if symbol.shape or not symbol.leaf else self.data(symbol)
        if array is None or not array > 0:
            return False
        self.used[f"positive {symbol.name}"] = f"{symbol.name} > 0 (checked on the data)"
        return True

    def somewhere(self, condition: Expr) -> bool:
        """Whether a 0/1 condition holds in an entry, as seen at the numbers that there are."""
        found = self.trial(condition)
        return found is not None and bool((found != 0).any())

    def has_nan(self, expr: Expr) -> bool:
        """Whether an entry of a formula is no number, as seen at the numbers that there are."""
        found = self.trial(expr)
        return found is not None and not bool((found == found).all())  # noqa: PLR0124 (NaN alone differs from itself)

    def announce_symmetric(self, symbol: TensorSymbol) -> None:
        """Say that the symmetry of a leaf was only seen in its data."""
        if "symmetric" in self.claims(symbol):
            return
        self.used[f"symmetric {symbol.name}"] = f"{symbol.name} = {symbol.name}ᵀ (checked on the data)"


def _value(expr: Expr) -> Expr:
    """What an expression has the value of: x of stop_gradient(x)."""
    return _value(expr.args[0]) if isinstance(expr, Apply) and expr.name == "stop_gradient" else expr


def sums_to_one(expr: Apply, axes: tuple[int, ...]) -> bool:
    """Whether an op declares that its output sums to one over these axes."""
    from backprop_cli.engine.ops import OPS

    if expr.name not in OPS or not OPS[expr.name].sums_to_one:
        return False
    axis = expr.parameters.get("axis", -1)
    rank = len(expr.shape)
    listed = tuple(range(rank)) if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
    return tuple(sorted(a - rank if a >= 0 else a for a in listed)) == tuple(sorted(axes))


def facts_of(*exprs: Expr) -> Facts:
    """What is known of the graph that expressions belong to: their symbols lead to it."""
    for expr in exprs:
        for symbol in symbols_of(expr):
            known = symbol.graph and symbol.graph()
            if isinstance(known, Facts):
                return known
    return Facts()
