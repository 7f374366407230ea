"""Why what the parts of a gradient add up to is its final form: the laws between the two, as people write them.

Each law is looked for by what it leaves behind: a node in place of its definition, a mean, a divisor that is gone.
What is equal once all is multiplied out is the same by taking factors out, or by multiplying out; nothing is said of
what is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sympy import Add, Dummy, Expr, Mul, Pow, expand_mul

from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, symbols_of
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.laws import LAWS
from backprop_cli.formulas.algebra.positions import is_unit
from backprop_cli.formulas.algebra.scalars import split_scalar
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.tidy import MAX_EXPANDED, expanded_terms
from backprop_cli.formulas.laws_in_words import spelled
from backprop_cli.formulas.notation import TEXT, Layout

MOST = 2
"""Laws that are told of one step."""
MEANT, AS_LARGE = "Σ(x)/n = mean(x)", "ones(s) ⊙ x repeats x to the shape s"
ONCE = "ones(s) ⊙ x = x, where x has the shape s"
NOTHING_LEFT, ONE_DIVISOR = "x - x = 0", "x/a + y/b = (x · b + y · a)/(a · b)"
FACTOR, DIVISOR, FACTOR_1 = "x · y + x · z = x · (y + z)", "x/n + y/n = (x + y)/n", spelled(LAWS["F1d"])
DIVIDED, MULTIPLIED = "(x + y)/z = x/z + y/z", "x · (y + z) = x · y + x · z"
TURNED, COMPLEMENT = "-(x - y) = y - x", "1 - σ(-x) = σ(x)"


def closing(total: Expr, final: Expr, facts: Facts) -> tuple[str, ...]:
    """The laws that lead from one form to the other, the more telling first."""
    found = dict.fromkeys(law for look in LOOKS for law in look(total, final, facts))
    return tuple(found)[:MOST] or tuple(islice(_inside(total, final, facts), MOST))


def cancelled(parts: Sequence[Expr], total: Expr) -> tuple[str, ...]:
    """What is told of nodes that are gone once the parts are added up."""
    return (NOTHING_LEFT,) if set().union(*map(symbols_of, parts)) - symbols_of(total) else ()


def known_sum(symbol: TensorSymbol, known: Expr) -> str:
    """What is known of a sum of a node, and how."""
    return f"Σ {symbol.name} = {known}, by the definition of {symbol.name}"


def _inside(total: Expr, final: Expr, facts: Facts) -> Iterator[str]:
    """The laws by which what stands inside an operator changed, where one of its name is another now."""
    for name in dict.fromkeys(part.name for part in total.atoms(Apply)):
        before, after = _named(total, name) - _named(final, name), _named(final, name) - _named(total, name)
        if len(before) == len(after) == 1:
            pairs = zip(before.pop().args, after.pop().args, strict=False)
            bare = ((split_scalar(one)[1], split_scalar(other)[1]) for one, other in pairs)
            yield from (law for one, other in bare if one != other for law in closing(one, other, facts))


def _folded(total: Expr, final: Expr, facts: Facts) -> Iterator[str]:
    """A node that took the place of what it is made of, or of which that is left."""
    made = {s: d for s in symbols_of(total) | symbols_of(final)
            if (d := facts.definitions.get(s)) is not None and symbols_of(d) and not isinstance(d, TensorSymbol)}
    new = {s: d for s, d in made.items() if s not in symbols_of(total)}
    lost, whole = symbols_of(total) - symbols_of(final), final.xreplace(new)
    for symbol in sorted(made, key=lambda s: s.position):
        definition = made[symbol]
        opened = isinstance(definition, Mul) and symbol not in new and lost & symbols_of(definition)
        made_of_it = symbol in new and symbols_of(definition) & symbols_of(total)
        written_out = symbol in lost and _gives_place(definition, total, final)
        if made_of_it or opened or written_out or _takes_place(symbol, definition, total, whole):
            yield f"{symbol.name} = {Layout(TEXT, style=facts.style)(definition)}"


def _gives_place(definition: Expr, total: Expr, final: Expr) -> bool:
    """Whether what a node is made of is said in its place."""
    made_of = symbols_of(definition)
    return made_of <= symbols_of(final) and any(_times(final, part) > _times(total, part) for part in made_of)


def _takes_place(symbol: TensorSymbol, definition: Expr, total: Expr, final: Expr) -> bool:
    """Whether a node is said more often, and all that it is made of less often."""
    less = all(_times(final, part) < _times(total, part) for part in symbols_of(definition))
    return less and _times(final, symbol) > _times(total, symbol)


def _times(expr: Expr, symbol: TensorSymbol) -> int:
    """How often a formula says a node; a square says it twice."""
    if isinstance(expr, Pow) and expr.exp.is_Integer:
        return abs(int(expr.exp)) * _times(expr.base, symbol)
    return int(expr == symbol) + sum(_times(a, symbol) for a in expr.args)


def _complemented(total: Expr, final: Expr, _: Facts) -> Iterator[str]:
    """A sigmoid that took the place of what another leaves of 1."""
    before, after = (_named(one, "sigmoid") for one in (total, final))
    if {-part.args[0] for part in before - after} & {part.args[0] for part in after - before}:
        yield COMPLEMENT


def _sifted(total: Expr, final: Expr, _: Facts) -> Iterator[str]:
    """A unit vector picked an entry."""
    sums = _named(total, "matmul") | _named(total, "sum")
    gone = [part for part in sums - final.atoms(Apply) if any(map(is_unit, _factors(part)))]
    if gone and _named(final, "index") - _named(total, "index"):
        yield "xᵀ · e[k] = x[k]"


def _factors(part: Apply) -> Iterator[Expr]:
    return (factor for operand in part.args for factor in Mul.make_args(operand))


def _averaged(total: Expr, final: Expr, _: Facts) -> Iterator[str]:
    before, after = _named(total, "mean"), _named(final, "mean")
    if after - before and len(after) > len(before):
        yield MEANT


def _dotted(total: Expr, final: Expr, facts: Facts) -> Iterator[str]:
    """`pᵀ · (q/p)` is a sum of q, which may be known; `A · x` stands as the sum that it is."""
    for part in _named(total, "matmul") - _named(final, "matmul"):
        product = Mul(*part.args)
        if any(shape_of(a) != shape_of(part.args[0]) for a in part.args) or len(shape_of(part.args[0])) != 1:
            continue
        if len(symbols_of(product)) < len(symbols_of(part)):
            yield "xᵀ · (y/x) = Σ(y)"
            left = product.as_coeff_Mul()[1]
            if isinstance(left, TensorSymbol) and (known := facts.sum(left, (-1,))) is not None and known.is_number:
                yield known_sum(left, known)
    before, after = (_named(one, "sum") for one in (total, final))
    if any(set(Mul.make_args(a.args[0])) == set(p.args) for a in after - before for p in _named(total, "matmul")):
        yield "A · x = Σ(A ⊙ x, axis=1)"


def _multiplied_out(total: Expr, final: Expr, _: Facts) -> Iterator[str]:
    """What is the same when all is multiplied out, and what that took."""
    before, after = _expanded(total), _expanded(final)
    if before is None or after is None:
        return
    if _divisors(total) - _divisors(final) and (before == after or not _quotients(total)):
        yield spelled(LAWS["A1"])
    elif before == after:
        yield from _distributed(total, final)
    elif _quotients(total) and not _quotients(final, powers=True):
        yield ONE_DIVISOR


def _distributed(total: Expr, final: Expr) -> Iterator[str]:
    if symbols_of(total) - symbols_of(final):
        yield NOTHING_LEFT
    if _quotients(total) and not _quotients(final):
        yield ONE_DIVISOR
    elif (factor := _taken_out(total, final)) is not None:
        yield _named_factor(factor, final)
    elif _divided(total) - _divided(final):
        yield DIVIDED
    elif _count(final) > _count(total):
        yield MULTIPLIED
    elif _count(total) == 1 and _sums(total) != _sums(final) and _sums(total, True) == _sums(final, True):
        yield TURNED
    elif _multiples(final) - _multiples(total):
        yield FACTOR


def _sums(expr: Expr, either: bool = False) -> set[Expr]:
    """The sums in a formula; with `either`, the same of one and its negative."""
    sums = expr.atoms(Add)
    return {-a if either and a.could_extract_minus_sign() else a for a in sums}


def _taken_out(total: Expr, final: Expr) -> Expr | None:
    """What all terms share and the final form has in front of a sum."""
    terms = [set(Mul.make_args(term)) for term in Add.make_args(total)]
    for inner in Mul.make_args(final):
        outer = Mul(*[factor for factor in Mul.make_args(final) if factor is not inner])
        shared = {factor for factor in Mul.make_args(outer) if not factor.is_number}
        if isinstance(inner, Add) and abs(outer) != 1 and len(terms) > 1 and all(shared <= term for term in terms):
            return outer
    return None


def _named_factor(factor: Expr, final: Expr) -> str:
    if not shape_of(factor) and factor.as_numer_denom()[0].is_number:
        return DIVISOR
    terms = [term for part in Mul.make_args(final) if isinstance(part, Add) for term in part.args]
    return FACTOR_1 if any(abs(term) == 1 for term in terms) else FACTOR


def _expanded(expr: Expr) -> Expr | None:
    """All products of sums multiplied out, operators aside; None where that would be long."""
    operators = {part: Dummy() for part in pointwise_parts(expr) if isinstance(part, Apply)}
    skeleton = expr.xreplace(operators)
    if expanded_terms(skeleton) > MAX_EXPANDED:
        return None
    return expand_mul(skeleton).xreplace({dummy: part for part, dummy in operators.items()})


def _merged(total: Expr, final: Expr, _: Facts) -> Iterator[str]:
    """Products of matrices with a factor in common, and sums that became powers."""
    if _sums_times(final) - _sums_times(total) and _added_products(total) - _added_products(final):
        yield spelled(LAWS["F1a"])
    if not _squares(final).isdisjoint(_crossed(total)):
        yield spelled(LAWS["F1n"])


def _repeated(total: Expr, final: Expr, _: Facts) -> Iterator[str]:
    before, after = _named(total, "ones"), _named(final, "ones")
    if before != after and (before <= after or not after):
        yield AS_LARGE if after else ONCE


LOOKS: tuple[Callable[[Expr, Expr, Facts], Iterator[str]], ...] = (
    _folded, _complemented, _sifted, _averaged, _dotted, _merged, _multiplied_out, _repeated,
)  # fmt: skip


def _named(expr: Expr, name: str) -> set[Apply]:
    """The operators of that name in a formula."""
    return {part for part in expr.atoms(Apply) if part.name == name}


def _divisors(expr: Expr) -> set[Expr]:
    """What divides somewhere in a formula."""
    return {power.base for power in _below(expr) if isinstance(power, Pow)}


def _quotients(expr: Expr, powers: bool = False) -> set[Expr]:
    """The sums of terms that are divided by different things; with `powers`, a square is another than its root."""
    under = _below if powers else _divisors
    return {total for total in expr.atoms(Add) if len({frozenset(under(term)) for term in total.args}) > 1}


def _below(expr: Expr) -> set[Expr]:
    """What divides somewhere in a formula, with its exponent."""
    return {power for power in expr.atoms(Pow) if power.exp.could_extract_minus_sign() and symbols_of(power.base)}


def _divided(expr: Expr) -> set[Expr]:
    """The sums that are divided as a whole."""
    return {a for product in expr.atoms(Mul) if _divisors(product) for a in product.args if isinstance(a, Add)}


def _multiples(expr: Expr) -> set[Expr]:
    """The sums that something stands before."""
    return {a for product in expr.atoms(Mul) for a in product.args if isinstance(a, Add)}


def _count(expr: Expr) -> int:
    """How many terms a formula has."""
    return len(Add.make_args(expr))


def _sums_times(expr: Expr) -> set[Expr]:
    """The products of matrices, or of two vectors, of which one is a sum."""
    products = (part for part in expr.atoms(Apply) if part.name in {"matmul", "outer"})
    return {part for part in products if any(isinstance(a, Add) for a in part.args)}


def _added_products(expr: Expr) -> set[Expr]:
    """The sums in which products of matrices, or of vectors, are several of the terms."""
    products = {part for part in expr.atoms(Apply) if part.name in {"matmul", "outer"}}
    return {total for total in expr.atoms(Add)
            if sum(not products.isdisjoint(Mul.make_args(term)) for term in total.args) > 1}  # fmt: skip


def _squares(expr: Expr) -> set[Expr]:
    """The sums that a formula has a power of; a quotient is none."""
    powers = (power for power in expr.atoms(Pow) if power.exp.is_Integer and power.exp > 1)
    return {power.base for power in powers if isinstance(power.base, Add)}


def _crossed(expr: Expr) -> set[Expr]:
    """The sums that stand beside their negatives in a product."""
    factors = (set(product.args) for product in expr.atoms(Mul))
    return {one for some in factors for one in some if isinstance(one, Add) and -one in some}
