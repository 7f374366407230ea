"""The tensor algebra on sympy; importing it registers every rule."""

from backprop_cli.formulas.algebra import (
    contraction,
    matching,
    others,
    pointwise,
    positions,
    powers,
    products,
    residuals,
    shapes,
    sums,
    transposes,
)
from backprop_cli.formulas.algebra.formula import RULES, Formula, build

__all__ = [
    "RULES", "Formula", "build", "contraction", "matching", "others", "pointwise", "positions", "powers", "products",
    "residuals", "shapes", "sums", "transposes",
]  # fmt: skip
