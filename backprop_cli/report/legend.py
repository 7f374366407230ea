"""What the signs of printed formulas mean, a line each: a page says it once, where people read it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from backprop_cli.formulas.remarks import UNIT
from backprop_cli.language.names import UNIT_LETTERS

FORK = "what is used several times reaches the output over each path: the chain rule sums over the paths"
EQUAL = "[j = k] is 1 where j and k are the same, else 0"

TAUGHT = (
    ("path adds up", FORK),
    ("δ ↦", "δ is what comes back from above; δ ↦ ... is what the step makes of it: the transposed Jacobian times δ"),
    ("⊙", "⊙ multiplies entry by entry; ∂y/∂z = y ⊙ (1 - y) between arrays is the diagonal of the Jacobian"),
    ("ᵀ", "ᵀ transposes, and · between arrays is the product of matrices"),
)
"""What a derivation explains besides, since a reader may meet it there for the first time."""

SIGNS = (
    ("⋆", "x ⋆ δ lays what comes back over x at each place of the kernel, and adds up the products"),
    ("∗", "δ ∗ w: each entry of δ lays the kernel w, times itself, over the place where it came from"),
    ("spread(", "spread(δ, 2) shares each entry of δ evenly among the entries of its window; what meets adds up"),
    ("argmax(", "argmax(a, 2)[n,c,i,j] is the place of the largest entry in a window of a"),
    ("to_max(", "to_max(δ, a, 2) puts each entry of δ to where the maximum of its window of a was; elsewhere is 0"),
    ("one_hot(", "one_hot(t, K) has a row for each label, with 1 in the label's column, else 0"),
    ("p[n, y[n]]", "p[n, y[n]]: of each row n the entry at its label y[n]"),
    ("W[t[n],d]", "W[t[n],d]: of the row of W that the label t[n] names, entry d"),
    ("[:, None", "x[:, None] is x with a new axis: each entry of x meets a whole row"),
    ("pad(", "pad(δ, (1, 2)) puts 1 zero before δ and 2 behind; of several axes, a pair for each"),
    ("scatter(", "scatter(δ, '2:', s) puts δ at [2:] of zeros of the shape s"),
    ("index_add(", "index_add(x, t, δ, 0) adds each row of δ to the row of x that its label in t names"),
    ("scatter_add(", "scatter_add(x, t, δ, 1) adds δ[n,j] to x[n,t[n,j]], for each n and j"),
    ("cofactor_along(", "cofactor_along(x, v): how the matrix of cofactors of x moves as x moves along v"),
    ("polar(", "polar(x): U · Vᵀ of the singular value decomposition x = U · diag(σ) · Vᵀ"),
    ("lyapunov(", "lyapunov(a, c): the X with a · X + X · a = c"),
    ("2⁻⁵²", "2⁻⁵² = 2.2e-16, how far double precision tells 1 from the next number, keeps a divisor from 0"),
    ("erfc(", "erfc(-x/√2)/2 is Φ(x): how likely a normal number is below x"),
    ("prod_others(", "prod_others(x): at each place the product of all entries but that one"),
)
"""What a sign means that no textbook has, in the order in which they are looked for."""

EXPLAINED = frozenset(("argmax", *(sign.strip("(") for sign, _ in SIGNS if sign.endswith("("))))
"""Functions that are explained there."""

KRONECKER = re.compile(r"δ\[\w+,\w+\]")
SAME = "δ[i,j] is 1 where i and j are the same, else 0"

ENTRIES = (
    ("Σ_", "Σ_n adds up over n; an index that stands on the left belongs to the entry"),
    ("Σ_A", "Σ_A adds up over the axis A; the letter a is a node's here"),
    ("x[i+a-1]", "x[i+a-1] is 0 where i+a-1 lies outside of x"),
    ("Π_", "Π_k multiplies over k; x^[k ≠ j] is x where k is not j, else 1"),
    (" > 0]", "[z > 0] is 1 where it holds, else 0"),
    ("[j ≤ k]", "[j ≤ k] is 1 where it holds, else 0"),
    ("[j = k]", EQUAL),
)
"""The same, of index notation and of conditions."""

GIVEN = re.compile(r"[⋆∗]\[([^\]]+)\]")
LETTERS = {"k": "the size of the kernel", "s": "the stride", "p": "the padding", "d": "the dilation",
           "g": "the groups of channels", "o": "entries more at the end"}  # fmt: skip
"""What is said at ⋆ and ∗, letter by letter."""

LIKE = {
    "x[i+a-1]": re.compile(r"\[[^\[\]=]*\b[a-z](\+[a-z]-\d|\+?\d*-(\d·)?[a-z]\b)"),
    "p[n, y[n]]": re.compile(r"\w\[(?:\w+, ?)+\w+\[[\w, ]+\][\w, ]*\]"),
    "W[t[n],d]": re.compile(r"\w\[\w+\[[\w, ]+\][\w, ]*\]"),
    "Σ_A": re.compile(r"\w_[a-z]*[A-Z]\w*\("),
    "[j = k]": re.compile(r"\[[\w(,)+-]+(\[[\w,]+\])? = "),
    "[j ≤ k]": re.compile(r"(?<!\^)\[[a-z]\w* [≤≥] [a-z]\w*\]"),
    " > 0]": re.compile(r"\[[^\[\]]+ [<>≤≥≠] [^\[\]]+\]"),
}
"""How what is explained by an example looks with other letters; a condition is like [z > 0]."""

CALLED = re.compile(r"(\w+)\(")

KNOWN = frozenset((
    "sum", "mean", "prod", "max", "min", "var", "std", "norm", "trace", "det", "diag", "diagonal", "softmax",
    "log_softmax", "logsumexp", "reshape", "transpose", "ones", "zeros", "eye", "inv", "one_hot", "concat", "stack",
    "pad", "broadcast_to",
))  # fmt: skip
"""Functions that people know by their names."""


def taught(texts: str) -> list[str]:
    """What a derivation explains of its formulas."""
    from backprop_cli.formulas.notation.entrywise.rows import ROWS

    signs = (*TAUGHT, *SIGNS, *ENTRIES)
    others = LIKE["[j ≤ k]"].sub("", texts)  # a condition on letters has an example of its own
    seen = f"{_alike(others)} {_alike(texts, but=' > 0]')}"
    return [*_found(signs, seen), *_windows(texts), *functions(texts, {*ROWS, *EXPLAINED})]


def legend(texts: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    """What a page says of the signs in its formulas, each once; `names` are those of the spec."""
    whole = " ".join(texts)
    letters = [letter for letter in UNIT_LETTERS if letter not in names and re.search(rf"\b{letter}\[\d+\]", whole)]
    signs = (*SIGNS, *ENTRIES[1:])
    single = [*([SAME] if KRONECKER.search(whole) else []), *(UNIT.format(unit=letter) for letter in letters[:1])]
    return (*_found(signs, _alike(whole)), *single, *_windows(whole),
            *functions(whole, {*KNOWN, *EXPLAINED, *names}))  # fmt: skip


def _alike(texts: str, but: str = "") -> str:
    """The formulas, and the examples by which what stands in them is explained."""
    return " ".join([texts, *(one for one, like in LIKE.items() if one != but and like.search(texts))])


def _found(signs: Iterable[tuple[str, str]], texts: str) -> Iterator[str]:
    return (meaning for sign, meaning in signs if sign in texts)


def _windows(texts: str) -> Iterator[str]:
    """What the letters at ⋆ and ∗ say."""
    given = ",".join(GIVEN.findall(texts))
    said = [f"{letter} is {meaning}" for letter, meaning in LETTERS.items() if f"{letter}=" in given]
    if said:
        yield f"at ⋆ and ∗, {', '.join(said)}"


def functions(texts: str, known: Collection[str]) -> Iterator[str]:
    """What a function is that is not known, and whose entries are not made of those of its operands alone."""
    from backprop_cli.engine.ops import OPS

    for name in dict.fromkeys(CALLED.findall(texts)):
        if name in OPS and name not in known and not OPS[name].pointwise:
            doc = OPS[name].doc.replace(" @ ", " · ").replace(".T", "ᵀ").replace("`", "").rstrip(".")
            operands = ", ".join(OPS[name].signature.operands)
            yield f"{name}({operands}): {doc[0].lower()}{doc[1:]}"
