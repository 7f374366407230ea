"""Choosing the form of a formula: of several equal ones, the cheapest to read (Y1), folded by definitions (D2).

Only the pointwise skeleton is ever simplified: operators are replaced by dummies first, because sympy's
simplifiers would walk into their arguments.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Dummy, Expr, Mul, Pow, S, cancel, expand_mul, factor, factor_terms
from sympy.polys.polyerrors import PolynomialError

from backprop_cli.algebra.expr import Apply, SizeSymbol, TensorSymbol, shape_of, size, tree_size
from backprop_cli.algebra.facts import Facts
from backprop_cli.algebra.rules import _chain, _sum_kept, split_scalar
from backprop_cli.ops.base import axes_of
from backprop_cli.spec.model import Shape

MAX_NODES = 80  # above, sympy's polynomial routines take longer than a reader would
REDUCTIONS = {"sum", "mean"}


def tidy(expr: Expr, facts: Facts) -> Expr:
    """The same expression in the form that is cheapest to read."""
    if not isinstance(expr, (Add, Mul)):
        return expr
    expr = _merged_products(expr)
    if not isinstance(expr, (Add, Mul)) or not _worth_trying(expr) or tree_size(expr) > 4 * MAX_NODES:
        return expr
    skeleton, operators = _skeleton(expr)
    if tree_size(skeleton) > MAX_NODES:
        return expr
    best = min(_candidates(skeleton, facts, expr.atoms(TensorSymbol)), key=lambda e: (reading_cost(e), tree_size(e)))
    return best.xreplace(operators) if best != skeleton else expr


def _worth_trying(expr: Expr) -> bool:
    """An Add that meets a negative power, or terms with a common factor."""
    return any(isinstance(e, Add) for e in _pointwise_parts(expr)) and (
        any(isinstance(e, Pow) and e.exp.could_extract_minus_sign() for e in _pointwise_parts(expr)) or _common_factors(expr)
    )


def _pointwise_parts(expr: Expr) -> Iterator[Expr]:
    stack = [expr]
    while stack:
        part = stack.pop()
        yield part
        if not isinstance(part, Apply):
            stack.extend(part.args)


def _common_factors(expr: Expr) -> bool:
    """Whether some sum has terms that share a factor."""
    for part in _pointwise_parts(expr):
        if isinstance(part, Add):
            factors = [set(t.args if isinstance(t, Mul) else (t,)) for t in part.args]
            if any(not f.is_number for f in set.intersection(*factors)):
                return True
    return False


def _skeleton(expr: Expr) -> tuple[Expr, dict[Expr, Expr]]:
    """The expression with every operator replaced by a dummy, and the way back."""
    operators = {part: Dummy(real=True) for part in _pointwise_parts(expr) if isinstance(part, Apply)}
    if not operators:
        return expr, {}
    return expr.xreplace(operators), {dummy: operator for operator, dummy in operators.items()}


def _candidates(expr: Expr, facts: Facts, symbols: set[TensorSymbol]) -> Iterator[Expr]:
    yield expr
    for simplify in (factor_terms, cancel, lambda e: factor_terms(cancel(e)), expand_mul, factor):
        try:
            yield simplify(expr)
        except (PolynomialError, NotImplementedError):
            continue
    yield from _folded(expr, facts, symbols)


def _folded(expr: Expr, facts: Facts, symbols: set[TensorSymbol]) -> Iterator[Expr]:
    """With p = e/s, e may be written p·s (D2)."""
    for symbol in sorted(symbols, key=lambda s: s.position):
        definition = facts.definitions.get(symbol)
        if not isinstance(definition, Mul):
            continue
        for part in definition.args:
            if isinstance(part, TensorSymbol) and part in symbols and part is not symbol and not part.leaf:
                try:
                    yield factor_terms(cancel(expr.xreplace({part: symbol * part / definition})))
                except PolynomialError:
                    continue


def recognised(expr: Expr) -> Expr:
    """Two idioms by their names: exp x / Σ exp x is a softmax, Σ x / n a mean."""
    if isinstance(expr, Mul):
        for rule in (_softmax, _mean):
            found = rule(expr)
            if found is not None:
                return recognised(found)
    if isinstance(expr, (Add, Mul, Pow)):
        parts = [recognised(a) for a in expr.args]
        return expr if all(a is b for a, b in zip(parts, expr.args, strict=True)) else expr.func(*parts)
    return expr


def _kept_sums(factors: tuple[Expr, ...]) -> list[Apply]:
    return [a for a in factors if isinstance(a, Apply) and a.name == "sum" and a.parameters["keepdims"]]


def _softmax(expr: Mul) -> Expr | None:
    for total in _kept_sums(tuple(1 / a for a in expr.args if isinstance(a, Pow) and a.exp == -1)):
        top = total.args[0]
        if isinstance(top, Apply) and top.name == "exp" and top in expr.args:
            softmax = Apply("softmax", top.args, {"axis": total.parameters["axis"]}, top.shape)
            return expr * total / top * softmax
    return None


def _mean(expr: Mul) -> Expr | None:
    """Of a sum that keeps its axes, as normalisations use them."""
    for total in _kept_sums(expr.args):
        shape = shape_of(total.args[0])
        n = Mul(*[size(shape[a]) for a in axes_of(total.parameters["axis"], len(shape))])
        number, rest = expr.as_coeff_Mul()
        named = not n.is_number and rest.as_powers_dict().get(n) == -1
        if named or n.is_number and n > 1 and (number * n).is_integer:
            mean = Apply("mean", total.args, total.parameters, total.shape)
            return Mul(*[a for a in expr.args if a is not total], n, mean)
    return None


def reading_cost(expr: Expr) -> int:
    """How much there is to read: a sign is free, a division by a sum dear."""
    if expr.is_number or isinstance(expr, SizeSymbol):
        return 0 if expr == -1 else 1
    if isinstance(expr, Add):
        return sum(map(reading_cost, expr.args)) + len(expr.args) - 1
    if isinstance(expr, Mul):
        return sum(map(reading_cost, expr.args)) + sum(1 for a in expr.args if a != -1) - 1
    if isinstance(expr, Pow):
        return reading_cost(expr.base) + _exponent_cost(expr)
    return 1


def _exponent_cost(expr: Pow) -> int:
    negative = expr.exp.could_extract_minus_sign()
    magnitude = -expr.exp if negative else expr.exp
    cost = 0 if magnitude == 1 else 1 if magnitude.is_Integer else 2
    if not negative:
        return cost
    return cost + (6 if isinstance(expr.base, Add) else 1 if not shape_of(expr.base) else 3)


# ── sums of products that share a factor ─────────────────────────────────────────────────────────


def _merged_products(expr: Expr) -> Expr:
    """A·x + B·x = (A + B)·x, for chains and outer products."""
    if isinstance(expr, Mul):
        return Mul(*[_merged_products(a) if isinstance(a, Add) else a for a in expr.args])
    terms = list(expr.args)
    merged = True
    while merged and len(terms) > 1:
        merged = False
        for i, one in enumerate(terms):
            for j in range(i + 1, len(terms)):
                joined = _joined_terms(one, terms[j])
                if joined is not None:
                    terms[i] = joined
                    del terms[j]
                    merged = True
                    break
            if merged:
                break
    return Add(*terms)


def _joined_terms(a: Expr, b: Expr) -> Expr | None:
    (coefficient_a, one), (coefficient_b, two) = split_scalar(a), split_scalar(b)
    if not (isinstance(one, Apply) and isinstance(two, Apply) and one.name == two.name == "matmul") or one.shape != two.shape:
        return None
    if len(shape_of(one.args[0])) < 2 or abs(coefficient_a) != abs(coefficient_b):
        return None
    suffix = _common_suffix(one.args, two.args)
    prefix = _common_suffix(one.args[::-1], two.args[::-1])
    sign = S.One if coefficient_a == coefficient_b else S.NegativeOne
    for count, side in ((suffix, -1), (prefix, 1)):
        if 0 < count < min(len(one.args), len(two.args)):
            return Mul(coefficient_a, _factored(one.args, two.args, count * -side, sign))
    return None


def _common_suffix(a: tuple[Expr, ...], b: tuple[Expr, ...]) -> int:
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count


def _factored(a: tuple[Expr, ...], b: tuple[Expr, ...], shared: int, sign: Expr) -> Expr:
    """`shared` > 0: that many last factors are common; < 0: that many first ones."""
    if shared > 0:
        inner = Add(_chain(list(a[:-shared])), sign * _chain(list(b[:-shared])))
        return _chain([inner, *a[-shared:]])
    inner = Add(_chain(list(a[-shared:])), sign * _chain(list(b[-shared:])))
    return _chain([*a[:-shared], inner])


# ── proving facts ────────────────────────────────────────────────────────────────────────────────


def sum_of_definition(definition: Expr, shape: Shape, axes: tuple[int, ...], facts: Facts) -> Expr | None:
    """Σ over axes of a definition, with the reductions it is made of written out (D1); None if that is no help."""
    expanded = _unfolded(definition, facts)
    if tree_size(expanded) > 4 * MAX_NODES:
        return None
    try:
        return cancel(_skeleton_sum(expand_mul(expanded), shape, axes))
    except (PolynomialError, NotImplementedError):
        return None


def _skeleton_sum(expr: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    result = Add(*[_sum_kept(term, shape, axes) for term in Add.make_args(expr)])
    skeleton, _ = _skeleton(result)
    return skeleton


def _unfolded(definition: Expr, facts: Facts) -> Expr:
    """Symbols that stand for a sum or a mean, replaced by it; a mean is a sum divided by its size."""
    replacements: dict[Expr, Expr] = {}
    for symbol in definition.atoms(TensorSymbol):
        made = facts.definitions.get(symbol)
        if isinstance(made, Apply) and made.name in REDUCTIONS:
            replacements[symbol] = _as_sum(made)
        elif made is not None and getattr(symbol, "anonymous", False):
            replacements[symbol] = _unfolded(made, facts)
    expanded = definition.xreplace(replacements) if replacements else definition
    means = {a: _as_sum(a) for a in expanded.atoms(Apply) if a.name == "mean"}
    return expanded.xreplace(means) if means else expanded


def _as_sum(made: Apply) -> Expr:
    inner = made.args[0]
    axes = axes_of(made.parameters["axis"], len(shape_of(inner)))
    if not made.parameters["keepdims"] and axes != tuple(range(len(axes))):
        return made  # the axes it dropped are not leading: it does not broadcast against its operand
    total = _sum_kept(inner, shape_of(inner), tuple(a - len(shape_of(inner)) for a in axes))
    if made.name == "sum":
        return total
    return total / Mul(*[size(shape_of(inner)[a]) for a in axes])


__all__ = ["reading_cost", "sum_of_definition", "tidy"]

