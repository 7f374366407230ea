"""The algebra between a substituted line and what it simplifies to, part by part, each with the law that it follows.

The step is built again from the inside out, with the formula of the gradient above in place of δ.  Wherever the algebra
makes something else of a part than what stands there, the part as it stands and what it becomes are one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce

from sympy import Add, Expr, Mul, Pow

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
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import Formula, build
from backprop_cli.formulas.algebra.laws import FOUND, LAWS, Law
from backprop_cli.formulas.algebra.matching import matches
from backprop_cli.formulas.algebra.patterns import pattern_of, shapes_of
from backprop_cli.formulas.algebra.work import Work, at_work
from backprop_cli.formulas.notation import TEXT, Layout
from backprop_cli.records import dataclass, field

SPELLED = (("2*", "2 * "), ("**2", "²"), (".T", "ᵀ"), (" * ", " · "), (" @ ", " · "), ("sum(", "Σ("))
EYE = re.compile(r"\beye\(\w\)")
DOT = re.compile(r"\b([xyz]) @ ([xyz])\b")
PLAIN = {"sum": "S2", "matmul": "M1a", "outer": "M1a", "transpose": "M1b"}
"""What an operator does where no other law is seen: a factor comes out of it."""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A part as it stands, with what its symbols stand for, what it becomes, and the law."""

    before: Expr
    meant: dict[TensorSymbol, Expr]
    after: Expr
    law: str


def spelled(law: Law) -> str:
    """A law as people write it."""
    text = EYE.sub("I", _dotted(law.text))
    for code, sign in SPELLED:
        text = text.replace(code, sign)
    return text


def _dotted(text: str) -> str:
    """A product of two vectors with the first as a row."""
    return DOT.sub(r"\1.T @ \2", text)


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


def closing(total: Expr, final: Expr, facts: Facts) -> str:
    """Why what the parts add up to is the final form: a definition folded back, else what terms share in front."""
    lost = symbols_of(total) - symbols_of(final)
    for symbol in sorted(symbols_of(total), key=lambda s: s.position):
        definition = facts.definitions.get(symbol)
        if definition is not None and isinstance(definition, Mul) and lost & symbols_of(definition):
            return f"{symbol.name} = {Layout(TEXT, style=facts.style)(definition)}"
    if _means(final) - _means(total):
        return "Σ(x)/n = mean(x)"
    for symbol in sorted(symbols_of(final), key=lambda s: s.position):
        definition = facts.definitions.get(symbol)
        if isinstance(definition, Apply) and _takes_place(symbol, definition, total, final):
            return f"{symbol.name} = {Layout(TEXT, style=facts.style)(definition)}"
    if _divisors(total) - _divisors(final):
        return spelled(LAWS["A1"])
    if _quotient_sums(total) and not _quotient_sums(final):
        return "x/a + y/b = (x · b + y · a)/(a · b)"
    if _sums_times(final) - _sums_times(total):
        return spelled(LAWS["F1a"])
    if _squares(final) - _squares(total):
        return spelled(LAWS["F1n"])
    return spelled(LAWS["F1d"]) if total.has(Add) else ""


def _divisors(expr: Expr) -> set[Expr]:
    """What divides somewhere in a formula."""
    return {power.base for power in expr.atoms(Pow) if power.exp.could_extract_minus_sign() and symbols_of(power.base)}


def _quotient_sums(expr: Expr) -> set[Expr]:
    """The sums of terms that are divided by different things."""
    return {total for total in expr.atoms(Add) if len({frozenset(_divisors(term)) for term in total.args}) > 1}


def _sums_times(expr: Expr) -> set[Expr]:
    """The products of matrices, or of two vectors, of which one is a sum."""
    products = (part for part in expr.atoms(Apply) if part.name in {"matmul", "outer"})
    return {part for part in products if any(isinstance(a, Add) for a in part.args)}


def _squares(expr: Expr) -> set[Expr]:
    """The sums that a formula has a power of."""
    return {power.base for power in expr.atoms(Pow) if isinstance(power.base, Add) and power.exp.is_Integer}


def _takes_place(symbol: TensorSymbol, definition: Expr, total: Expr, final: Expr) -> bool:
    """Whether a node is said more often, and all that it is made of less often."""
    less = all(_times(final, part) < _times(total, part) for part in symbols_of(definition))
    return less and _times(final, symbol) > _times(total, symbol)


def _times(expr: Expr, symbol: TensorSymbol) -> int:
    """How often a formula says a node."""
    return int(expr == symbol) + sum(_times(a, symbol) for a in expr.args)


def _means(expr: Expr) -> set[Expr]:
    return {part for part in expr.atoms(Apply) if part.name == "mean"}


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
        law = self.law(expr, values, after)
        if law is not None:
            self.found.append(Rewriting(_standing(expr, values, meant), meant, after, law))
        return after

    def rebuilt(self, expr: Expr, values: list[Expr]) -> Expr:
        """An operator or a sum of values, by the rules of the algebra."""
        if not isinstance(expr, Apply):
            return expr.func(*values)
        operands = [None if a == NONE else Formula(v, shape_of(a)) for a, v in zip(expr.args, values, strict=True)]
        if expr.name == "matmul":  # a chain of products, two at a time
            return reduce(lambda a, b: build("matmul", {}, (a, b)), operands).expr  # type: ignore[union-attr]
        return build(expr.name, expr.parameters, tuple(operands)).expr

    def law(self, expr: Expr, values: list[Expr], after: Expr) -> str | None:
        """The law by which a part became another; None where it stays what stands there."""
        if isinstance(expr, Apply):
            raw = Apply(expr.name, tuple(values), expr.parameters, expr.shape)
            if after == raw:
                return None
            return next(self.seen(raw, after), None)
        if isinstance(expr, Mul):
            return spelled(LAWS["A1"]) if _cancels(values) else None
        shorter = isinstance(expr, Add) and tree_size(after) < _stands(expr, values)
        return spelled(LAWS["A2"]) if shorter else None

    def seen(self, raw: Apply, after: Expr) -> Iterator[str]:
        """The facts and laws that were used, else those that it is an instance of, else the operator's own."""
        yield from self.facts.used.values()
        yield from self.vanished(raw, after)
        yield from (spelled(LAWS[name]) for name in self.work.fired if name in LAWS)
        has_product = any(part.name == "matmul" for part in after.atoms(Apply))
        for law in FOUND:
            pattern = pattern_of(law)
            if "@" in law.right and not has_product:
                continue
            if pattern.op == raw.name and any(True for _ in matches(pattern, raw, {}, shapes_of(law))):
                yield spelled(law)
        if raw.name in PLAIN and any(isinstance(a, (Add, Mul)) for a in raw.args):
            yield spelled(LAWS[PLAIN[raw.name]])

    def vanished(self, raw: Apply, after: Expr) -> Iterator[str]:
        """The sums that are known of nodes that a sum has lost: Σ x̂ = 0."""
        if raw.name != "sum":
            return
        rank = len(shape_of(raw.args[0]))
        for symbol in sorted(symbols_of(raw) - symbols_of(after), key=lambda s: s.position):
            axes = tuple(a - rank for a in axes_of(raw.parameters["axis"], rank))
            known = self.facts.sum(symbol, axes)
            if known is not None and known.is_number:
                yield f"Σ {symbol.name} = {known}, by the definition of {symbol.name}"


def _cancels(values: list[Expr]) -> bool:
    """Whether something divides what it is multiplied by."""
    signs: dict[Expr, set[bool]] = {}
    for value in values:
        for base, exponent in value.as_powers_dict().items():
            if not base.is_number:
                signs.setdefault(base, set()).add(exponent.could_extract_minus_sign())
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
