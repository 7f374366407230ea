"""Symmetric matrices: XᵀX equals its transpose whatever X is, and W does where its data says so (T4)."""

from __future__ import annotations

from collections.abc import Callable, Container

from sympy import Add, Expr, Mul, Pow

from backprop_cli.engine.ops import OPS
from backprop_cli.formulas.algebra.exchange import Exchange
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, is_op, made_of, shape_of, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import Facts, facts_of
from backprop_cli.formulas.algebra.formula import call
from backprop_cli.formulas.algebra.products import chain
from backprop_cli.formulas.algebra.transposes import is_diagonal, is_matrix_transpose, swap

MAX_DEFINITION = 80  # a longer one is not looked into

KEEPING = ("inv", "matrix_power")
"""Functions of a matrix that commute with its transpose."""

Known = Callable[[TensorSymbol], bool]
"""Whether an input is symmetric, as seen in its data."""


def mirror(expr: Expr, known: Known) -> Expr:
    """The transpose of a matrix, with symmetric parts recognised: of a symmetric matrix it is that matrix."""
    if not shape_of(expr):
        return expr
    if isinstance(expr, TensorSymbol):
        return expr if known(expr) else swap(expr)
    if is_diagonal(expr):
        return expr
    if isinstance(expr, (Add, Mul)) and all(len(shape_of(a)) in {0, 2} for a in expr.args):  # no row is broadcast
        turned = expr.func(*[mirror(a, known) for a in expr.args])
        return expr if turned == expr or _is_even(expr, known) else turned
    if is_op(expr, "transpose") and is_matrix_transpose(expr.parameters["axes"]):
        return expr.args[0]
    if is_op(expr, "matmul") and len(shape_of(expr.args[0])) == 2 == len(shape_of(expr.args[-1])):
        return chain([mirror(a, known) for a in reversed(expr.args)])
    if _is_even(expr, known):
        return expr
    if isinstance(expr, Apply) and (expr.name in KEEPING or OPS[expr.name].pointwise and len(expr.args) == 1):
        inner = mirror(expr.args[0], known)
        return expr if inner == expr.args[0] else call(expr.name, expr.parameters, inner)
    return swap(expr)


def _is_even(expr: Expr, known: Known) -> bool:
    """Whether a square matrix is made of pairs, entry by entry, that may change places: (x[:, None] - x)²."""
    shape = shape_of(expr)
    if len(shape) != 2 or shape[0] != shape[1]:
        return False
    by_entry = isinstance(expr, Apply) and (expr.name == "sum" or OPS[expr.name].pointwise)
    if not by_entry and not isinstance(expr, Add | Mul | Pow):
        return False
    return Exchange(facts_of(expr), lambda e: mirror(e, known) == e).sign(expr, 2) == 1


def by_definition(facts: Facts, seen: Known) -> Known:
    """Whether a node is symmetric: as stated or seen, or since its definition is (Sigma: W @ W.T + I)."""

    def known(symbol: TensorSymbol) -> bool:
        if symbol.leaf:
            return seen(symbol)
        found = facts.defined_symmetric.setdefault(seen.__name__, {})
        if symbol not in found:
            for one in sorted(_leading_to(symbol, facts, found), key=lambda s: s.position):  # a chain may be long
                made = facts.definitions[one]
                found[one] = mirror(made, known) == made
        return found.setdefault(symbol, False)

    return known


def _leading_to(symbol: TensorSymbol, facts: Facts, known: Container[Expr]) -> set[TensorSymbol]:
    """The square matrices of short definitions that a node is made of, and itself, of which nothing is known."""
    found: set[TensorSymbol] = set()
    stack = [symbol]
    while stack:
        one = stack.pop()
        made = facts.definitions.get(one)
        if made is None or one in found or one in known or not _is_square(one) or tree_size(made) > MAX_DEFINITION:
            continue
        found.add(one)
        stack += symbols_of(made)
    return found


def _is_square(symbol: TensorSymbol) -> bool:
    return len(symbol.shape) == 2 and symbol.shape[0] == symbol.shape[1]


def is_symmetric(expr: Expr) -> bool:
    """Whether a matrix equals its transpose: by its form, or as seen in the data it is made of."""
    shape = shape_of(expr)
    facts = facts_of(expr)
    if len(shape) != 2 or shape[0] != shape[1] or mirror(expr, by_definition(facts, facts.symmetric)) != expr:
        return False
    announce(expr, facts)
    return True


def is_symmetric_on_purpose(expr: Expr) -> bool:
    """The same of what is hardly so by chance: where nothing gets shorter by it, a 2×2 input is left as it stands."""
    shape = shape_of(expr)
    facts = facts_of(expr)
    if len(shape) != 2 or shape[0] != shape[1]:
        return False
    if mirror(expr, by_definition(facts, facts.symmetric_on_purpose)) != expr:
        return False
    announce(expr, facts)
    return True


def announce(expr: Expr, facts: Facts) -> None:
    """Say which leaves an expression is symmetric by, through the nodes that it is made of."""
    known = by_definition(facts, facts.symmetric)
    met = set(symbols_of(expr))
    stack = list(met)
    while stack:
        symbol = stack.pop()
        if symbol.leaf and facts.symmetric(symbol):
            facts.announce_symmetric(symbol)
        elif symbol in facts.definitions and known(symbol):
            inner = symbols_of(facts.definitions[symbol]) - met
            met |= inner
            stack += inner


def mirrored(expr: Expr, facts: Facts) -> Expr:
    """The expression with the transposes of symmetric matrices replaced by the matrices."""
    if not expr.args or not _has_transpose(expr, facts):
        return expr
    found = facts.mirrored.get(expr)
    if found is None:
        found = facts.mirrored[expr] = _rebuilt(expr, facts)
    return found


def _rebuilt(expr: Expr, facts: Facts) -> Expr:
    """A 2×2 input or a diagonal one may be symmetric by chance: a lone Aᵀ of it stays."""
    parts = [mirrored(a, facts) for a in expr.args]
    if is_op(expr, "transpose") and is_matrix_transpose(expr.parameters["axes"]) and len(expr.shape) == 2:
        turned = mirror(parts[0], by_definition(facts, facts.symmetric_on_purpose))
        if tree_size(turned) <= tree_size(parts[0]):
            announce(turned, facts)
            return turned
    return made_of(expr, parts)


def _has_transpose(expr: Expr, facts: Facts) -> bool:
    found = facts.transposes.get(expr)
    if found is None:
        found = facts.transposes[expr] = is_op(expr, "transpose") or any(_has_transpose(a, facts) for a in expr.args)
    return found
