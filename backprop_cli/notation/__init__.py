"""Formulas as text, code and LaTeX: one layout walk, one table of tokens a notation."""

from backprop_cli.notation.layout import Layout
from backprop_cli.notation.tokens import CODE, LATEX, NOTATIONS, TEXT, Notation

__all__ = ["CODE", "LATEX", "NOTATIONS", "TEXT", "Layout", "Notation"]
