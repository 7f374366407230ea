"""Definitions written out for the names of nodes, where what is equal in them may meet; `folding` is the other way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from sympy import Add, Expr, Mul, Pow, S

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.scalars import divisors, is_below, powers_of
from backprop_cli.formulas.algebra.skeleton import pointwise_parts
from backprop_cli.formulas.algebra.tidy import put_together, tidy
from backprop_cli.formulas.algebra.work import remembered

DEEPEST = 3  # definitions in one another that are opened
LONGEST = 40  # nodes of a definition that is put in its name's place for good

Room: TypeAlias = tuple[int, int]
"""How much dearer to read, and by how many nodes longer, a formula may be that does without a name."""

SAME: Room = 0, 0
PRODUCT: Room = 2, 6  # where the output divides by nothing
QUOTIENT: Room = 6, 12  # where it divides by a sum without a name
SHARE: Room = 7, 12  # for y/r or y²/r, where y has r for a factor
UNDIVIDED: Room = 20, 12  # for all else that divides by what neither the output nor the form without it divides by


def reopened(expr: Expr, facts: Facts) -> Expr:
    """(1 - y s)/D, where y is x/D, as (1 - x s/D)/D: what divides by one sum, with a name or without, may meet.

    So may what divides the terms of a sum below: 1/(P + R), where P is t/a and R is t/b.
    """
    for _ in range(DEEPEST):
        found = _quotients(expr, facts) if expr.args else {}
        if not found:
            break
        expr = expr.xreplace(found)
    return expr


def _quotients(expr: Expr, facts: Facts) -> dict[Expr, Expr]:
    """The nodes in an expression that divide by a sum that it divides by, or are terms of one, by definition.

    A sum of sizes, n - 1, is the same number everywhere.
    """
    powers = (p for p in pointwise_parts(expr) if isinstance(p, Pow) and isinstance(p.base, Add) and symbols_of(p))
    below = {p.base for p in powers if is_below(p.exp)}
    made = _made(expr, facts) if below else {}
    dividing = {s: _dividing(d) for s, d in made.items()}
    quotients = {s for s, divided in dividing.items() if divided}
    inner = {s for total in below if not quotients.isdisjoint(total.args) for s in total.args}
    met = below.union(*(total.args for total in below))
    found = {s: d for s, d in made.items() if dividing[s] & met or s in inner and isinstance(d, (Mul, TensorSymbol))}
    return {s: facts.opened.get(s, d) for s, d in found.items()}


def _made(expr: Expr, facts: Facts) -> dict[TensorSymbol, Expr]:
    """The nodes in an expression with what they are defined as."""
    return {s: facts.definitions[s] for s in symbols_of(expr) if s in facts.definitions}


@remembered
def _dividing(definition: Expr) -> frozenset[Expr]:
    """What the terms of a definition divide by."""
    return frozenset().union(*map(divisors, Add.make_args(definition)))


def written_out(expr: Expr, facts: Facts) -> Expr:
    """The expression with the definitions of some nodes for their names, so that what is equal in them may meet.

    Of quotients beside other terms of a sum that divide by the same, and of nodes that stood in for a part of what
    they are made of: y (x - m) - c for -s √t, where c is y (x - m) + s √t.
    """
    parts = tuple(pointwise_parts(expr)) if expr.args else ()
    sums = [p for p in parts if isinstance(p, Add)]
    made = _made(expr, facts) if sums else {}
    quotients = {s: below for s, d in made.items() if (below := _dividing(d))}
    found = {s for total in sums for s in _beside_others(total, quotients)}
    of_sums = {s: below for s, below in quotients.items() if any(facts.related.get(b) for b in below)}
    found |= {s for part in parts if isinstance(part, Mul) and of_sums for s in _in_front(part, of_sums)}
    solving = [s for s in made if s in facts.solving]
    if solving:
        terms = {t.as_coeff_Mul()[1] for total in sums for t in total.args}
        exponents = {s for p in parts if is_op(p, "exp") for s in symbols_of(p)}
        found |= {s for s in solving if s in terms or s in exponents}
    return expr.xreplace({s: made[s] for s in found}) if found else expr


def _in_front(product: Mul, quotients: Mapping[TensorSymbol, frozenset[Expr]]) -> Iterator[TensorSymbol]:
    """The quotients in a sum beside their power, or beside 1 over what they divide by: (1 - f h)/D, where f is x/D.

    They divide by a node that is a sum, D = 1 + h x, so that a term of it may meet them.
    """
    front = powers_of(product)
    inside = {f for total in product.args if isinstance(total, Add) for t in total.args for f in powers_of(t)}
    for symbol in quotients.keys() & inside:
        if symbol in front or any(is_below(front.get(b, S.Zero)) for b in quotients[symbol]):
            yield symbol


def _beside_others(total: Add, quotients: Mapping[TensorSymbol, frozenset[Expr]]) -> Iterator[TensorSymbol]:
    """The quotients that are terms, or factors of terms, beside another power of theirs, or 1 over what they divide by.

    1/w - y, where y is x/w; y - y² t, where y is a/(1 + t).
    """
    powers = [powers_of(term) for term in total.args]
    for symbol, below in quotients.items():
        had = {p[symbol] for p in powers if symbol in p}
        if len(had) > 1 or had and any(symbol not in p and is_below(p.get(b, S.Zero)) for p in powers for b in below):
            yield symbol


def explicit(expr: Expr, output: Expr, facts: Facts, again: bool = False) -> Expr:
    """A gradient with what the output is made of for its name, where that says it in about as few words.

    That of f = a x/(b + x) is a b/(b + x)², as books have it, and not (a - f)/(b + x): f is what is asked of.
    `again`: it is a gradient's own gradient, in which f may stand for a product, as in -f for sin x cos y.
    """
    definition = facts.definitions.get(output)
    if definition is None or output not in symbols_of(expr) or tree_size(definition) > LONGEST:
        return expr
    if not isinstance(recognised(definition), (Add, Mul, Pow)):  # y (1 - y) is how a book writes σ'
        return expr
    sums = {t: t.xreplace({output: definition}) for t in pointwise_parts(expr) if isinstance(t, Add)}
    expr = min(expr, tidy(expr.xreplace(sums), facts), key=reading_cost)  # (f² - x²)/f³, where f² is 1 + x²
    opened = recognised(expr.xreplace({output: definition}))
    forms = (f for f in (tidy(opened, facts), put_together(opened, facts)) if output not in symbols_of(f))
    found = min(forms, key=reading_cost, default=expr)
    dearer, longer = _room(output, definition, expr, found)
    if again and (dearer, longer) == PRODUCT:
        dearer, longer = SAME
    reads_well = reading_cost(found) <= reading_cost(expr) + dearer and tree_size(found) <= tree_size(expr) + longer
    return found if reads_well else expr


def _room(output: Expr, definition: Expr, expr: Expr, found: Expr) -> Room:
    """Most for a formula that divides by what nothing was divided by: y/P - r P/k, where y is r P (1 - P/k)."""
    if any(OPS[a.name].flat_below for a in found.atoms(Apply) - expr.atoms(Apply)):  # the exponential stays as it is
        return SAME
    below = _below(definition)
    if not all(p.exp.is_Rational for p in pointwise_parts(definition) if isinstance(p, Pow)):
        return SAME
    power = powers_of(expr).get(output, S.Zero)  # of a factor: y/r, y²/x
    if any(output not in symbols_of(b) for b in _below(expr) - _below(found) - below):
        return SHARE if power in {1, 2} and not expr.has(Add) else UNDIVIDED
    is_pointwise = all(OPS[a.name].pointwise for a in definition.atoms(Apply))
    if not is_pointwise or isinstance(definition, Pow) and definition.exp >= -1:
        return SAME
    if any(isinstance(b, Add) for b in below):
        return SAME if power == 1 else QUOTIENT
    return SAME if below else PRODUCT


@remembered
def _below(expr: Expr) -> frozenset[Expr]:
    """What stands below a fraction bar, anywhere."""
    return frozenset(p.base for p in pointwise_parts(expr) if isinstance(p, Pow) and is_below(p.exp))
