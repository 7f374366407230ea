"""Formulas in each notation: one layout walk, one module of tokens a notation."""

from collections.abc import Iterable
from functools import lru_cache
from importlib import import_module

from backprop_cli.formulas.algebra.style import Style
from backprop_cli.formulas.marks import MARKED
from backprop_cli.formulas.notation.breakable import breakable
from backprop_cli.formulas.notation.exact import Resolve
from backprop_cli.formulas.notation.layout import Layout
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.formulas.printed import ASKED
from backprop_cli.records import replace

_MODULES = {name: import_module(f"backprop_cli.formulas.notation.{name}") for name in ASKED}
NOTATIONS: dict[str, Notation] = {name: module.NOTATION for name, module in _MODULES.items()}
NOTATIONS |= {name: breakable(NOTATIONS[of]) for of, name in MARKED.items()}
WALKS: dict[str, type[Layout]] = {name: getattr(module, "WALK", Layout) for name, module in _MODULES.items()}
"""How a formula is walked: whole, or (index) one entry of it."""


CONSTANTS = ("pi", "e")
"""That have a sign of their own, which a name would be taken for."""


def layout_of(notation: str, resolve: Resolve, unit: str, taken: Iterable[str], style: Style) -> Layout:
    """The walk that prints the formulas of a spec in a notation; `taken` are the names of the spec."""
    return WALKS.get(notation, Layout)(notation_of(notation, tuple(taken)), resolve, unit, frozenset(taken), style)


def notation_of(notation: str, names: tuple[str, ...]) -> Notation:
    """A notation in which no two of the names print alike: of `x_hat` and `xhat` only one is x with a hat."""
    return _telling_apart(NOTATIONS[notation], names)


@lru_cache(maxsize=16)
def _telling_apart(plain: Notation, names: tuple[str, ...]) -> Notation:
    """A name of letters beyond ASCII keeps its sign (α beside alpha), else one with an underscore (y_1 beside y1).

    π and e are the constants, beside which a node `pi_` is spelled out.
    """
    shown = {plain.name(constant).strip(): constant for constant in CONSTANTS}
    if len({*shown, *(plain.name(name).strip() for name in names)}) == len({*CONSTANTS, *names}):
        return plain
    for name in sorted(names, key=lambda name: (name.isascii(), "_" not in name)):
        shown.setdefault(plain.name(name).strip(), name)
    return replace(plain, alike=frozenset(names) - frozenset(shown.values()))


CODE, LATEX, MATHML, TEXT = (NOTATIONS[name] for name in ("code", "latex", "mathml", "text"))

__all__ = ["CODE", "LATEX", "MATHML", "NOTATIONS", "TEXT", "Layout", "Notation", "layout_of", "notation_of"]
