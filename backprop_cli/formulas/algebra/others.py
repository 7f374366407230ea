"""Products of all entries but one: a quotient where no entry is 0 (S19)."""

from __future__ import annotations

from typing import Any

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.formulas.algebra.facts import facts_of
from backprop_cli.formulas.algebra.formula import RULES, Formula, build, generic
from backprop_cli.formulas.algebra.solved import is_never_zero


def prod_others(x: Formula, axis: Any = None) -> Formula:
    """Π x / x, which says how it is made; where an entry may be 0 the function by its name."""
    if not is_never_zero(x.expr, facts_of(x.expr)):
        return generic("prod_others", {"axis": axis}, (x,))
    kept = len(axes_of(axis, len(x.shape))) < len(x.shape)
    return build("prod", {"axis": axis, "keepdims": kept}, (x,)) / x


RULES["prod_others"] = prod_others
