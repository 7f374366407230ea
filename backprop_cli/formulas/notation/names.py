"""Names of nodes, taken apart: y_1 is y with index 1, W_mu is W with index μ, xhat is x̂."""

from __future__ import annotations

import re

from backprop_cli.records import dataclass

GREEK_LETTERS = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
    "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi",
    "Ω": "Omega",
}  # fmt: skip
GREEK = {word: letter for letter, word in GREEK_LETTERS.items()}
ACCENTS = ("hat", "bar", "tilde")

_INDEXED = re.compile(r"([^\W\d_]+)_?(\w*)")
_ACCENTED = re.compile(rf"(?P<base>[^\W\d_]+?)_?(?P<accent>{'|'.join(ACCENTS)})")


@dataclass(frozen=True, slots=True)
class Name:
    """A letter or word, what stands above it, and its index; `index` may be a number, a letter or a word."""

    base: str
    accent: str = ""
    index: str = ""


def taken_apart(name: str) -> Name:
    """The parts of a name; one that is no letter with an index is a base alone."""
    accented = _accented(name)
    if accented is not None:
        return accented
    match = _INDEXED.fullmatch(name)
    if match is None or "_" in match[2]:
        return _with_last_index(name)
    base, index = match.groups()
    if index and not name.startswith(f"{base}_") and not index.isdigit():
        return Name(name)
    inner = _accented(base) or Name(base)
    return Name(inner.base, inner.accent, index)


def _accented(name: str) -> Name | None:
    """xhat, x_bar, mu_hat: a single letter, or the name of one, with something above it."""
    match = _ACCENTED.fullmatch(name)
    return Name(match["base"], match["accent"]) if match and _is_letter(match["base"]) else None


def _with_last_index(name: str) -> Name:
    """x_hat_1: an accented letter with an index; anything else stays whole."""
    base, _, index = name.rpartition("_")
    inner = _accented(base)
    return Name(inner.base, inner.accent, index) if inner and index else Name(name)


def _is_letter(word: str) -> bool:
    return len(word) == 1 or word in GREEK
