"""Trees of typeset mathematics: what their items spell, where their arguments end, which axes an index leaves."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tests.readers import values
from tests.readers.values import UnclearError, Value

Tree = list[Any]
SIDE_BY_SIDE = (("op", "·"), ("op", "\u2062"))
WINDOWS = (("op", "⋆"), ("op", "∗"))
APPLIED = ("op", "\u2061")
COMPARED: Mapping[str, Callable[..., Any]] = {
    ">": np.greater, "<": np.less, "=": np.equal, "≥": np.greater_equal, "≤": np.less_equal, "≠": np.not_equal,
}  # fmt: skip
GREEK = {"α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "epsilon", "ζ": "zeta", "η": "eta", "θ": "theta",
         "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
         "τ": "tau", "υ": "upsilon", "φ": "phi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma",
         "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi",
         "Ψ": "Psi", "Ω": "Omega"}  # fmt: skip
MARKS = {"^": "hat", "‾": "bar", "~": "tilde"}


def canonical(name: str) -> str:
    """A name without its typography: y_1 and y with index 1 are both y1, σ is sigma."""
    return re.sub(r"_", "", "".join(GREEK.get(letter, letter) for letter in name))


def window_of(tree: Tree) -> int | None:
    """Where ⋆ or ∗ stands between two operands, with or without what is said below it."""
    for place, item in enumerate(tree):
        if place and (item in WINDOWS or item[0] == "sub" and item[1][0] in WINDOWS):
            return place
    return None


def is_keyword(part: Tree) -> bool:
    """Whether an argument is given by its name."""
    place = part.index(("op", "=")) if ("op", "=") in part else 0
    return place > 0 and all(item[0] in {"id", "op", "sub", "num"} for item in part[:place])


def is_sum(item: Any) -> bool:
    """Σ, with or without what stands below it."""
    return item == ("op", "∑") or item[0] == "sub" and item[1] == [("op", "∑")]


def word_of(tree: Tree, names: Mapping[str, Any]) -> tuple[str, Tree]:
    """The function that a product begins with, and what follows it; nothing where it begins with a name."""
    first, rest = tree[0], tree[1:]
    name = function_of(first)
    if name is None:
        return "", tree
    if name == "log" and rest:
        second = function_of(rest[0]) or (rest[0][1] if rest[0][0] == "id" else None)
        if second in {"σ", "det", "Γ", "Φ", "softmax"}:
            return f"log{second}", rest[1:]
    if "fn" not in {first[0], first[1][0][0]} and not is_called(rest, canonical(name) in names):
        return "", tree  # a name, unless an argument follows at once
    return name, rest


def is_called(rest: Tree, is_name: bool) -> bool:
    """Whether arguments follow: a bracket with nothing between."""
    follows = rest[1:] if rest[:1] == [APPLIED] else rest
    inner = peeled(follows[0])[1] if follows else ("",)
    return bool(inner[0] == "br" and inner[1] == "(" and (inner[3] == "plain" or not is_name))


def function_of(item: Any) -> str | None:
    """The word of a function: `log`, `log_2`, `erf^-1`, `mean_n`."""
    if item[0] in {"id", "fn"}:
        return str(item[1])
    if item[0] == "sub" and len(item[1]) == 1 and item[1][0][0] in {"fn", "id"}:
        kind, word = item[1][0][:2]
        if kind == "fn" and word == "log":
            return f"log_{plain(item[2])}"
        return str(word) if kind == "fn" or word in values.REDUCTIONS else None
    if item[0] == "sup" and len(item[1]) == 1 and item[1][0][0] == "fn" and plain(item[2]).replace("−", "-") == "-1":
        return f"{item[1][0][1]}^-1"
    return None


def peeled(item: Any) -> tuple[list[tuple[str, Tree]], Any]:
    """The scripts of something, innermost first, and what they belong to."""
    layers: list[tuple[str, Tree]] = []
    while item[0] in {"sup", "sub"} and len(item[1]) == 1:
        layers.append((item[0], item[2]))
        item = item[1][0]
    return layers[::-1], item


def spelled_name(item: Any) -> str | None:
    """The canonical name that an item spells; None where it is no name."""
    kind = item[0]
    if kind == "id":
        return canonical(item[1])
    if kind == "group" and len(item[1]) == 1:
        return spelled_name(item[1][0])
    if kind == "acc":
        inner = "".join(spelled_name(part) or "" for part in item[2])
        return f"{inner}{item[1]}"
    if kind == "sub":
        base = spelled_name(item[1][0]) if len(item[1]) == 1 else None
        parts = [part for part in item[2] if part != ("op", ",")]
        inner = [part[1] if part[0] == "num" else spelled_name(part) for part in parts]
        return None if base is None or None in inner else base + "".join(map(str, inner))
    return None


def separated(tree: Tree, sign: Any = ("op", ",")) -> list[Tree]:
    """What stands between commas, or another sign."""
    parts: list[Tree] = [[]]
    for item in tree:
        if item == sign:
            parts.append([])
        else:
            parts[-1].append(item)
    return parts if tree else []


def compares(tree: Tree) -> bool:
    """Whether it is a comparison."""
    return any(item[0] == "op" and item[1] in COMPARED for item in tree)


def plain(tree: Tree) -> str:
    """A tree as plain text."""
    made = ""
    for item in tree:
        if item[0] == "br":
            close = {"(": ")", "[": "]", "|": "|", "⌈": "⌉", "⌊": "⌋"}[item[1]]
            made += item[1] + plain(item[2]) + close
        elif item[0] == "group":
            made += plain(item[1])
        elif item[0] == "sub":
            made += plain(item[1]) + "_" + plain(item[2])
        else:
            made += str(item[1])
    return made


def size_of(met: tuple[int, ...] | None) -> int:
    """How many entries, where that is seen."""
    if not met:
        raise UnclearError("how large is it?")
    return met[-1]


def indexed_labels(one: Value, entry: Any, made: Any) -> tuple[str, ...]:
    """The names of axes that an index leaves; none where it is more than slices and new axes."""
    parts = entry if isinstance(entry, tuple) else (entry,)
    if any(not (part is None or part is Ellipsis or isinstance(part, int | slice)) for part in parts):
        return ()
    used = sum(part is not None and part is not Ellipsis for part in parts)
    labels: list[str] = []
    place = 0
    spread = list(parts)
    if Ellipsis not in spread:
        spread.append(Ellipsis)
    for part in spread:
        if part is None:
            labels.append("")
        elif part is Ellipsis:
            more = one.rank - used
            labels += one.labels[place : place + more]
            place += more
        else:
            labels += [one.labels[place]] if isinstance(part, slice) else []
            place += 1
    return tuple(labels) if len(labels) == np.ndim(made) else ()
