"""Formulas as text, code, LaTeX and MathML: one layout walk, one class of tokens a notation."""

from backprop_cli.formulas.notation.code import Code
from backprop_cli.formulas.notation.latex import Latex
from backprop_cli.formulas.notation.layout import Layout
from backprop_cli.formulas.notation.mathml import Mathml
from backprop_cli.formulas.notation.text import Notation

TEXT, CODE, LATEX, MATHML = Notation(), Code(), Latex(), Mathml()
NOTATIONS: dict[str, Notation] = {"text": TEXT, "code": CODE, "latex": LATEX, "mathml": MATHML}

__all__ = ["CODE", "LATEX", "MATHML", "NOTATIONS", "TEXT", "Layout", "Notation"]
