"""Laws applied: one small matcher for the rows of `laws.APPLIED`.

`matches` walks a pattern along an expression and yields the ways to bind its names.  A name in a chain of matrix
products may stand for several factors, one in an elementwise product for what the other factors leave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from sympy import Expr, Mul, Pow

from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.normal import normal_parameters
from backprop_cli.engine.ops import Op
from backprop_cli.formulas.algebra.expr import Apply, exact, is_op, shape_of
from backprop_cli.formulas.algebra.facts import Facts, facts_of
from backprop_cli.formulas.algebra.formula import LAWFUL, Formula, build, materialize
from backprop_cli.formulas.algebra.laws import APPLIED, Law
from backprop_cli.formulas.algebra.patterns import Pattern, factors_of, parsed, pattern_of, shape_letters, shapes_of
from backprop_cli.formulas.algebra.positive import is_positive
from backprop_cli.formulas.algebra.products import PAIRS, TAILS
from backprop_cli.formulas.algebra.scalars import powers_of
from backprop_cli.formulas.algebra.symmetry import is_symmetric
from backprop_cli.formulas.algebra.transposes import swap
from backprop_cli.formulas.algebra.work import never_twice, note
from backprop_cli.language.model import Shape, Size

Bound = Mapping[str, Any]
"""What the names of a law stand for; the letters of sizes too."""

MAX_FACTORS = 12
"""Products longer than this are not searched for pairs."""


def matches(pattern: Pattern, expr: Expr, bound: Bound, names: Mapping[str, tuple[str, ...]]) -> Iterator[Bound]:
    """The ways in which an expression is an instance of a pattern."""
    if pattern.op == "name":
        yield from _name(pattern, expr, bound, names)
    elif pattern.op == "number":
        if expr.is_number and expr == exact(pattern.value):
            yield bound
    elif pattern.op in {"multiply", "divide"}:
        yield from _product(pattern, expr, bound, names)
    elif isinstance(expr, Apply) and expr.name == pattern.op:
        for fitting in _parameters(pattern, expr, bound):
            yield from _arguments(pattern, expr.args, fitting, names)
    elif pattern.op == "transpose" and pattern.parts[0].value in bound:
        known = bound[pattern.parts[0].value]
        if swap(known) == expr:
            yield bound


def _name(pattern: Pattern, expr: Expr, bound: Bound, names: Mapping[str, tuple[str, ...]]) -> Iterator[Bound]:
    if pattern.value in bound:
        if bound[pattern.value] == expr:
            yield bound
        return
    letters = shape_letters(names[pattern.value])
    fitting = bound if letters is None else _sizes(letters, shape_of(expr), bound)
    if fitting is not None:
        yield {**fitting, pattern.value: expr}


def _sizes(letters: Sequence[str], shape: Shape, bound: Bound) -> Bound | None:
    """The letters of a shape as these sizes, or None where they are others already."""
    if len(letters) != len(shape):
        return None
    found = dict(bound)
    for letter, size in zip(letters, shape, strict=True):
        if found.setdefault(letter, size) != size:
            return None
    return found


def _parameters(pattern: Pattern, expr: Apply, bound: Bound) -> Iterator[Bound]:
    """Static parameters are equal, or letters of sizes."""
    rank = len(pattern.parts[0].shape) if pattern.parts else 0
    wanted = normal_parameters(pattern.op, dict(pattern.parameters), rank)
    found: Bound | None = bound
    defaults = _DEFAULTS[expr.name](expr) if expr.name in _DEFAULTS else {}
    for name, value in wanted.items():
        actual = defaults.get(name, expr.parameters.get(name))
        sizes = value if isinstance(value, tuple) else (value,)
        if found is not None and sizes and all(isinstance(s, Size) for s in sizes):
            actuals = actual if isinstance(actual, tuple) else (actual,)
            found = _sizes([str(s.name) for s in sizes], actuals, found)
        elif actual != value:
            return
    if found is not None:
        yield found


_DEFAULTS: Mapping[str, Callable[[Apply], Mapping[str, object]]] = {
    "eye": lambda e: {"m": None} if e.parameters["m"] == e.parameters["n"] else {},
    "transpose": lambda e: {"axes": None} if e.parameters["axes"] == (1, 0) else {},
}
"""Parameters that say what leaving them out says."""


def _arguments(pattern: Pattern, args: Sequence[Expr], bound: Bound, names: Mapping[str, object]) -> Iterator[Bound]:
    if pattern.op != "matmul":
        if len(args) == len(pattern.parts):
            yield from _each(list(zip(pattern.parts, args, strict=True)), bound, names)
        return
    for cuts in combinations(range(1, len(args)), len(pattern.parts) - 1):
        segments = [args[i:j] for i, j in zip((0, *cuts), (*cuts, len(args)), strict=True)]
        if all(len(s) == 1 or p.op == "name" for p, s in zip(pattern.parts, segments, strict=True)):
            pairs = [(p, s[0] if len(s) == 1 else _chained(s)) for p, s in zip(pattern.parts, segments, strict=True)]
            yield from _each(pairs, bound, names)


def _chained(factors: Sequence[Expr]) -> Expr:
    """Several factors of a chain, as a chain of their own."""
    *others, made = (Formula(f, shape_of(f)) for f in factors)
    for factor in reversed(others):
        made = factor @ made
    return made.expr


def _each(pairs: list[tuple[Pattern, Expr]], bound: Bound, names: Mapping[str, Any]) -> Iterator[Bound]:
    """Every pair matches; a transpose of a name waits until the name is bound."""
    if not pairs:
        yield bound
        return
    waiting = [p for p in pairs if p[0].op == "transpose" and not is_op(p[1], "transpose")]
    (pattern, expr), *rest = sorted(pairs, key=lambda p: p in waiting)
    for found in matches(pattern, expr, bound, names):
        yield from _each(rest, found, names)


def _product(pattern: Pattern, expr: Expr, bound: Bound, names: Mapping[str, Any]) -> Iterator[Bound]:
    """A whole elementwise product: one name takes what the other factors leave."""
    factors = factors_of(pattern)
    free = next((p for p, n in factors if p.op == "name" and n == 1), None)
    others = [f for f in factors if f[0] is not free]
    for found, rest in _taken(others, expr, bound, names):
        if free is None and rest == 1:
            yield found
        elif free is not None:
            yield from matches(free, rest, found, names)


def _taken(
    wanted: Sequence[tuple[Pattern, int]], expr: Expr, bound: Bound, names: Mapping[str, Any]
) -> Iterator[tuple[Bound, Expr]]:
    """Some factors of a product, matched to different ones of its own; and what is left of it."""
    if not wanted:
        yield bound, expr
        return
    (pattern, n), *others = wanted
    for base, exponent in powers_of(expr).items():
        if exponent.is_Integer and exponent * n > 0 and exponent % n == 0:
            for found in matches(pattern, base, bound, names):
                yield from _taken(others, expr / Pow(base, n), found, names)


# ── where laws are applied ───────────────────────────────────────────────────────────────────────


class OnFormulas:
    """The meaning 'formulas' of the language: sides of laws, textbook meanings of careful words."""

    def constant(self, value: object) -> Any:
        """A literal, exactly."""
        return None if value is None else Formula(exact(value), ())

    def shape(self, value: Formula) -> Shape:
        """The true shape."""
        return value.shape

    def apply(self, op: Op, operands: tuple[object, ...], parameters: Mapping[str, object]) -> Formula:
        """The formula of an op."""
        return build(op.name, parameters, operands)


def written(side: str, bound: Bound) -> Formula:
    """A side of a law, with what its names stand for."""
    text, tree = parsed(side)
    names = {name: Formula(value, shape_of(value)) for name, value in bound.items() if isinstance(value, Expr)}
    sizes = {n: s if isinstance(s, Size) else Size(s) for n, s in bound.items() if not isinstance(s, Expr)}
    return interpret(tree, Scope(text, names.get, dims=sizes, origin=text.place()), OnFormulas())  # type: ignore[no-any-return]


def holds(law: Law, bound: Bound, facts: Facts) -> bool:
    """Whether what a law asks of its names is known, or seen in this run."""
    return all(
        ("symmetric" not in words or looks_symmetric(bound[name], facts))
        and ("proved" not in words or is_symmetric(bound[name]))
        and ("nonzero" not in words or not facts.somewhere(written("x == 0", {"x": bound[name]}).expr))
        and ("positive" not in words or is_positive(bound[name], facts))
        for name, words in shapes_of(law).items()
    )


def looks_symmetric(expr: Expr, facts: Facts) -> bool:
    """Whether a matrix has the symmetry that a function asks for; without numbers it is taken for granted."""
    value = facts.evaluate(expr)
    return value is None or bool(np.allclose(value, np.swapaxes(value, -1, -2), rtol=1e-12, atol=0))


def applied(law: Law, bound: Bound) -> Formula | None:
    """The right side of a law whose left side was found; the law is noted."""
    facts = facts_of(*(value for value in bound.values() if isinstance(value, Expr)))
    if not holds(law, bound, facts):
        return None
    note(law.id)
    return written(law.right, bound)


def called(expr: Expr) -> Expr | None:
    """An operator by the first law about its operands that holds."""
    for law in _CALLS.get(getattr(expr, "name", ""), ()):
        for bound in matches(pattern_of(law), expr, {}, shapes_of(law)):
            found = applied(law, bound)
            if found is not None:
                return found.expr
    return None


def neighbours(a: Expr, b: Expr) -> Expr | None:
    """Two neighbours of a chain of matrix products as one, or None."""
    have = _operators(a) | _operators(b)
    for law, needed in _CHAINS:
        if not needed <= have:
            continue
        left, right = pattern_of(law).parts
        names = shapes_of(law)
        if not (_may_match(left, a) and _may_match(right, b)):
            continue
        for bound in _each([(left, a), (right, b)], {}, names):
            found = applied(law, bound)
            if found is not None:
                return materialize(found)
    return None


def _may_match(pattern: Pattern, expr: Expr) -> bool:
    """Whether an expression is of the kind that a pattern is; cheap, since every pair of neighbours is asked."""
    if pattern.op in {"multiply", "divide"}:
        return isinstance(expr, Mul)
    return pattern.op in {"name", "transpose"} or is_op(expr, pattern.op)


def three(factors: list[Expr]) -> tuple[int, Expr] | None:
    """The last three factors of a chain as one, or None: A A⁺ A is A."""
    found = _as_one(*factors[-3:]) if len(factors) > 2 else None
    return None if found is None else (3, found)


@never_twice
def _as_one(*last: Expr) -> Expr | None:
    """Three factors that follow each other as one, or None."""
    have = {f.name for f in (a.args[0] if is_op(a, "transpose") else a for a in last) if isinstance(f, Apply)}
    for law, needed in _THREES:
        if needed - {"transpose"} <= have:
            for bound in _each(list(zip(pattern_of(law).parts, last, strict=True)), {}, shapes_of(law)):
                found = applied(law, bound)
                if found is not None:
                    return materialize(found)
    return None


def _operators(expr: Expr) -> set[str]:
    """The names of an operator and of those right below it, under a transpose or a power too."""
    inside = (expr, *expr.args, *(b for a in expr.args if isinstance(a, Apply | Pow) for b in a.args))
    return {e.name for e in inside if isinstance(e, Apply)}


def paired(a: Expr, b: Expr) -> Expr | None:
    """The same, also for what is such a pair under a transpose: (A⁻¹)ᵀ Aᵀ."""
    found = neighbours(a, b)
    if found is None and any(is_op(f, "transpose") and isinstance(f.args[0], Apply) for f in (a, b)):
        found = neighbours(swap(b), swap(a))
        return None if found is None else swap(found)
    return found


def multiplied(expr: Expr) -> Expr | None:
    """An elementwise product, or what it is the reciprocal of, by the first law about its factors; or None."""
    factors = Mul.make_args(expr)
    have = {getattr(f.base if isinstance(f, Pow) else f, "name", "") for f in factors}
    laws = [law for law, needed in _PRODUCTS if needed <= have] if len(factors) <= MAX_FACTORS else []
    if not laws:
        return None
    found = _multiplied(expr, laws)
    below = any(isinstance(f, Pow) and f.exp.is_Integer and f.exp < -1 for f in factors)
    if found is None and below and (upended := _multiplied(1 / expr, laws)) is not None:
        while (more := _multiplied(upended, laws)) is not None:  # cos²/sin² is 1/tan², not cos/(sin tan)
            upended = more
        return 1 / upended
    return found


def _multiplied(expr: Expr, laws: Sequence[Law]) -> Expr | None:
    """An elementwise product by the first law about some of its factors, or None."""
    for law in laws:
        for bound, rest in _taken(factors_of(pattern_of(law)), expr, {}, shapes_of(law)):
            found = applied(law, bound)
            if found is not None:
                return rest * found.expr
    return None


_CALLS: dict[str, list[Law]] = {}
for _law in APPLIED["call"]:
    _CALLS.setdefault(_law.calls[0], []).append(_law)
PAIRS.append(paired)
LAWFUL.update(dict.fromkeys(_CALLS, called))
_CHAINS = [(law, frozenset(law.calls)) for law in APPLIED["chain"]]
_THREES = [(law, frozenset(law.calls)) for law in APPLIED["three"]]
TAILS.append(three)
_PRODUCTS = [(law, frozenset(law.calls)) for law in APPLIED["product"]]
