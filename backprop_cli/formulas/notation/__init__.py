"""Formulas in each notation: one layout walk, one module of tokens a notation."""

from importlib import import_module

from backprop_cli.formulas.notation.layout import Layout
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.formulas.printed import ASKED

NOTATIONS: dict[str, Notation] = {
    name: import_module(f"backprop_cli.formulas.notation.{name}").NOTATION for name in ASKED
}
CODE, LATEX, MATHML, TEXT = (NOTATIONS[name] for name in ("code", "latex", "mathml", "text"))

__all__ = ["CODE", "LATEX", "MATHML", "NOTATIONS", "TEXT", "Layout", "Notation"]
