"""Facts proved from definitions (D1): Σ(x - mean x) = 0, Σ(e/Σe) = 1."""

from __future__ import annotations

from sympy import Add, Expr, Mul, Pow, S, expand_mul

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.expr import Apply, TensorSymbol, shape_of, size, symbols_of, tree_size
from backprop_cli.formulas.algebra.facts import REDUCTIONS, Facts
from backprop_cli.formulas.algebra.skeleton import skeleton_of
from backprop_cli.formulas.algebra.sums import sum_kept
from backprop_cli.language.model import Shape

MAX_NODES = 320


def sum_of_definition(definition: Expr, shape: Shape, axes: tuple[int, ...], facts: Facts) -> Expr | None:
    """Σ over axes of a definition, with the reductions it is made of written out (D1); None if that is no help."""
    expanded = _unfolded(definition, facts)
    if tree_size(expanded) > MAX_NODES:
        return None
    total = _skeleton_sum(expand_mul(expanded), shape, axes)
    if total.is_Atom:
        return total
    from sympy import cancel  # loads more of sympy than its core, which few formulas need
    from sympy.polys.polyerrors import PolynomialError

    try:
        return cancel(total)
    except (PolynomialError, NotImplementedError):
        return None


def _skeleton_sum(expr: Expr, shape: Shape, axes: tuple[int, ...]) -> Expr:
    result = Add(*[sum_kept(term, shape, axes) for term in Add.make_args(expr)])
    skeleton, _ = skeleton_of(result)
    return skeleton


def _unfolded(definition: Expr, facts: Facts) -> Expr:
    """Symbols that stand for a sum or a mean, replaced by it; a mean is a sum divided by its size."""
    replacements: dict[Expr, Expr] = {}
    for symbol in symbols_of(definition):
        made = facts.definitions.get(symbol, S.Zero)
        reduction = next((f for f in Mul.make_args(made) if isinstance(f, Apply) and f.name in REDUCTIONS), None)
        if reduction is not None and all(f is reduction or not shape_of(f) for f in Mul.make_args(made)):
            replacements[symbol] = made / reduction * _as_sum(reduction)
        elif made != 0 and getattr(symbol, "anonymous", False) or _is_inverse(made):
            replacements[symbol] = _unfolded(made, facts)
    expanded = definition.xreplace(replacements) if replacements else definition
    means = {a: _as_sum(a) for a in expanded.atoms(Apply) if a.name in REDUCTIONS}
    return expanded.xreplace(means) if means else expanded


def _is_inverse(made: Expr) -> bool:
    """Whether a node is another one's power: 1/total."""
    return isinstance(made, Pow) and isinstance(made.base, TensorSymbol) and made.exp.is_number


def _as_sum(made: Apply) -> Expr:
    inner = made.args[0]
    axes = axes_of(made.parameters["axis"], len(shape_of(inner)))
    if not made.parameters["keepdims"] and axes != tuple(range(len(axes))):
        return made  # the axes it dropped are not leading: it does not broadcast against its operand
    total = sum_kept(inner, shape_of(inner), tuple(a - len(shape_of(inner)) for a in axes))
    if made.name == "sum":
        return total
    return total / Mul(*[size(shape_of(inner)[a]) for a in axes])
