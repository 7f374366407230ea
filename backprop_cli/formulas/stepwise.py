"""The algebra between a substituted line and what it simplifies to, part by part, each with the law that it follows.

The step is built again from the inside out, with the formula of the gradient above in place of δ.  Wherever the algebra
makes something else of a part than what stands there, the part as it stands and what it becomes are one line.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from itertools import islice, product
from operator import mul

from sympy import Add, Expr, Mul

from backprop_cli.engine.ops.base import ParameterError, ShapeError, axes_of
from backprop_cli.formulas.algebra.expr import (
    NONE,
    Apply,
    GradSymbol,
    TensorSymbol,
    shape_of,
    symbols_of,
    tree_size,
)
from backprop_cli.formulas.algebra.facts import Facts, sums_to_one
from backprop_cli.formulas.algebra.formula import Formula, build
from backprop_cli.formulas.algebra.idioms import content_out
from backprop_cli.formulas.algebra.laws import FOUND, LAWS
from backprop_cli.formulas.algebra.matching import matches
from backprop_cli.formulas.algebra.patterns import pattern_of, shapes_of
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.work import Work, at_work
from backprop_cli.formulas.closing import known_sum
from backprop_cli.formulas.laws_in_words import spelled
from backprop_cli.records import dataclass, field

PLAIN = {"sum": "S2", "matmul": "M1a", "outer": "M1a", "transpose": "M1b", "trace": "C2f"}
"""What an operator does where no other law is seen: a factor comes out of it."""
LINEAR = "f(c · x) = c · f(x): f is linear"


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A part as it stands, with what its symbols stand for, what it becomes, and the laws."""

    before: Expr
    meant: dict[TensorSymbol, Expr]
    after: Expr
    laws: tuple[str, ...]


def rewritings(expr: Expr, delta: GradSymbol, chained: Expr, facts: Facts) -> tuple[list[Rewriting], Expr | None]:
    """What the algebra does on the way from the step of δ to the same with `chained` for it, and what it gets."""
    work, used = Work(), dict(facts.used)
    steps = Steps(delta, chained, facts, work)
    try:
        with at_work(work):
            return steps.found, steps.value(expr)
    except (ShapeError, ParameterError):
        return [], None
    finally:
        facts.used.update(used)


@dataclass(slots=True)
class Steps:
    """Evaluates from the inside out, and notes where something happens."""

    delta: GradSymbol
    chained: Expr
    facts: Facts
    work: Work
    found: list[Rewriting] = field(default_factory=list)

    def value(self, expr: Expr) -> Expr:
        """The expression with the formula in place of δ, as the algebra has it."""
        if expr == self.delta:
            return self.chained
        if not expr.has(self.delta):
            return expr
        values = [self.value(a) for a in expr.args]
        self.work.fired.clear()
        self.facts.used.clear()
        after = self.rebuilt(expr, values)
        meant = {TensorSymbol(f"\\0{i}", shape_of(a), 10**6 + i): v
                 for i, (a, v) in enumerate(zip(expr.args, values, strict=True)) if v != a}  # fmt: skip
        laws = self.laws(expr, values, after)
        if laws is not None:
            self.found.append(Rewriting(_standing(expr, values, meant), meant, after, laws))
        return after

    def rebuilt(self, expr: Expr, values: list[Expr]) -> Expr:
        """An operator or a sum of values, by the rules of the algebra."""
        if isinstance(expr, Mul) and _cancels(values):  # sympy lets 1 - p over p - 1 stand
            return content_out(Mul(*values))
        if not isinstance(expr, Apply):
            return expr.func(*values)
        operands = [None if a == NONE else Formula(v, shape_of(a)) for a, v in zip(expr.args, values, strict=True)]
        if expr.name == "matmul":  # a chain of products, two at a time
            return reduce(lambda a, b: build("matmul", {}, (a, b)), operands).expr  # type: ignore[union-attr]
        return build(expr.name, expr.parameters, tuple(operands)).expr

    def laws(self, expr: Expr, values: list[Expr], after: Expr) -> tuple[str, ...] | None:
        """The laws by which a part became another; None where it stays what stands there."""
        if isinstance(expr, Apply):
            raw = Apply(expr.name, tuple(values), expr.parameters, expr.shape)
            if after == raw:
                return None
            known = tuple(self.facts.used.values()) or tuple(dict.fromkeys(self.vanished(raw, after)))
            return known or tuple(islice(self.seen(raw, after), 1)) or None
        if isinstance(expr, Mul):
            return (spelled(LAWS["A1"]),) if _cancels(values) else None
        shorter = isinstance(expr, Add) and tree_size(after) < _stands(expr, values)
        return (spelled(LAWS["A2"]),) if shorter else None

    def seen(self, raw: Apply, after: Expr) -> Iterator[str]:
        """That a scalar was moved, where nothing else was done; else laws of the operator, of others in it, its own.

        One that was used comes before one that it is an instance of; it may have led to a form that was not taken.
        """
        bare = Apply(raw.name, tuple(split_scalar(a)[1] for a in raw.args), raw.parameters, raw.shape)
        if after == reduce(mul, (split_scalar(a)[0] for a in raw.args), bare):
            yield spelled(LAWS[PLAIN[raw.name]]) if raw.name in PLAIN else LINEAR
        fired = [LAWS[name] for name in self.work.fired if name in LAWS]
        yield from (spelled(law) for law in fired if pattern_of(law).op == raw.name)
        has_product = any(part.name == "matmul" for part in after.atoms(Apply))
        for form, law in product(dict.fromkeys((raw, bare)), FOUND):
            pattern = pattern_of(law)
            if "@" in law.right and not has_product:
                continue
            if pattern.op == raw.name and any(True for _ in matches(pattern, form, {}, shapes_of(law))):
                yield spelled(law)
        yield from map(spelled, fired)
        if raw.name == "trace" and _transposes(raw) - _transposes(after):
            yield spelled(LAWS["C2a"])
        if raw.name in PLAIN and any(isinstance(a, (Add, Mul)) for a in raw.args):
            yield spelled(LAWS[PLAIN[raw.name]])

    def vanished(self, raw: Apply, after: Expr) -> Iterator[str]:
        """The sums that are known of nodes that a sum has lost: Σ x̂ = 0."""
        if raw.name != "sum":
            return
        rank = len(shape_of(raw.args[0]))
        over = tuple(a - rank for a in axes_of(raw.parameters["axis"], rank))
        for part in raw.atoms(Apply) - after.atoms(Apply):
            if sums_to_one(part, over):
                yield f"Σ {part.name}({'t, K' if part.name == 'one_hot' else 'x'}) = 1"
        for symbol in sorted(symbols_of(raw) - symbols_of(after), key=lambda s: s.position):
            known = self.facts.sum(symbol, over)
            if known is not None and known.is_number:
                yield known_sum(symbol, known)


def _transposes(expr: Expr) -> set[Apply]:
    return {part for part in expr.atoms(Apply) if part.name == "transpose"}


def _cancels(values: list[Expr]) -> bool:
    """Whether something divides what it is multiplied by."""
    signs: dict[Expr, set[bool]] = {}
    for value in map(content_out, values):
        for base, exponent in value.as_powers_dict().items():
            if not base.is_number:
                one = -base if base.could_extract_minus_sign() else base
                signs.setdefault(one, set()).add(exponent.could_extract_minus_sign())
    return any(len(both) > 1 for both in signs.values())


def _standing(expr: Expr, values: list[Expr], meant: dict[TensorSymbol, Expr]) -> Expr:
    """A part as it stands, with a symbol for each value in it; nothing is evaluated."""
    symbol_of = {value: symbol for symbol, value in meant.items()}
    args = [a if v == a else symbol_of[v] for a, v in zip(expr.args, values, strict=True)]
    if isinstance(expr, Apply):
        return Apply(expr.name, tuple(args), expr.parameters, expr.shape)
    return expr.func(*args, evaluate=False)


def _stands(expr: Expr, values: list[Expr]) -> int:
    """How large a sum or a product is if nothing happens in it."""
    inner = sum(tree_size(v) - isinstance(v, type(expr)) for v in values)
    return 1 + inner
