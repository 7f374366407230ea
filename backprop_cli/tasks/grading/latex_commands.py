"""What commands and signs of LaTeX are in the program's own text: tables."""

from __future__ import annotations

from collections.abc import Mapping

SIGNS: Mapping[str, str] = {
    r"\odot": "⊙", r"\circ": "⊙", r"\cdot": "·", r"\times": "*", r"\ast": "*", r"\geq": ">=", r"\ge": ">=",
    r"\leq": "<=", r"\le": "<=", r"\neq": "!=", r"\div": "/", "−": "-", r"\otimes": "⊗", r"\oslash": "/",
    **{sign: sign for sign in "⊙·⊘≥≤≠"}, "×": "*", "∘": "⊙",
}  # fmt: skip
NOTHING = frozenset({
    r"\left", r"\right", r"\big", r"\Big", r"\bigl", r"\bigr", r"\Bigl", r"\Bigr", r"\displaystyle", r"\,", r"\;",
    r"\:", r"\!", r"\ ", r"\quad", "&", "$", r"\(", r"\)", r"\limits", "~",
})  # fmt: skip
UPRIGHT = frozenset({
    r"\mathrm", r"\operatorname", r"\text", r"\mathit", r"\mathbf", r"\mathbb", r"\mathcal", r"\boldsymbol", r"\vec",
    r"\texttt", r"\mathsf", r"\textrm", r"\bm", r"\mathbbm",
})  # fmt: skip
FRACTIONS = (r"\frac", r"\tfrac", r"\dfrac", r"\cfrac")
ACCENTS = frozenset({r"\hat", r"\bar", r"\tilde", r"\dot"})
FUNCTIONS: Mapping[str, str] = {
    r"\sigma": "sigmoid", r"\exp": "exp", r"\log": "log", r"\ln": "log", r"\tanh": "tanh", r"\sin": "sin",
    r"\cos": "cos", r"\tan": "tan", r"\cosh": "cosh", r"\sinh": "sinh", r"\max": "max", r"\min": "min",
    r"\det": "det", r"\operatorname*": "",
}  # fmt: skip
LETTERS: Mapping[str, str] = {
    r"\alpha": "α", r"\beta": "β", r"\gamma": "γ", r"\delta": "δ", r"\epsilon": "ε", r"\zeta": "ζ", r"\eta": "η",
    r"\theta": "θ", r"\iota": "ι", r"\kappa": "κ", r"\lambda": "λ", r"\mu": "μ", r"\nu": "ν", r"\xi": "ξ", r"\pi": "π",
    r"\rho": "ρ", r"\sigma": "σ", r"\tau": "τ", r"\upsilon": "υ", r"\phi": "φ", r"\chi": "χ", r"\psi": "ψ",
    r"\omega": "ω", r"\ell": "ℓ",
}  # fmt: skip
APPLIED = frozenset({r"\log", r"\ln", r"\sin", r"\cos", r"\tan", r"\tanh", r"\sinh", r"\cosh", r"\exp"})
"""Functions that need no brackets around what they are of."""
ABOVE: Mapping[str, str] = {"T": "ᵀ", "⊤": "ᵀ", "ᵀ": "ᵀ", "-1": "⁻¹", "-T": "⁻ᵀ", "-ᵀ": "⁻ᵀ"}
"""What stands above a factor and is no power."""
