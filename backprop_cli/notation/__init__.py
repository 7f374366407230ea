"""Formulas as text, code and LaTeX: one layout walk, one class of tokens a notation."""

from backprop_cli.notation.code import Code
from backprop_cli.notation.latex import Latex
from backprop_cli.notation.layout import Layout
from backprop_cli.notation.text import Notation

TEXT, CODE, LATEX = Notation(), Code(), Latex()
NOTATIONS: dict[str, Notation] = {"text": TEXT, "code": CODE, "latex": LATEX}

__all__ = ["CODE", "LATEX", "NOTATIONS", "TEXT", "Layout", "Notation"]
