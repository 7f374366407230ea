"""Items: what may be asked and answered, `loss`, `w2.grad`, `w2.formula`, in any of the spellings people use.

`dW2`, `grad(W2)`, `∂loss/∂W2`, `dL/dW2`, `W2_grad`, `grads["W2"]` and `W2.gradient` are all W2's gradient.  A spelling
is read as one only where what it names is a node and the whole is not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache

from backprop_cli.records import dataclass
from backprop_cli.tasks.grading.results import What

SUFFIXES = {"": "", "value": "", "val": "", "grad": ".grad", "gradient": ".grad", "formula": ".formula",
            "grad.formula": ".formula", "grad.value": ".grad"}  # fmt: skip
"""What follows a node's name, and how it is spelled in reports."""

NAME = r"(?P<node>[^\W\d]\w*)"
GRADIENTS = tuple(re.compile(pattern) for pattern in (
    rf"(?:∂|d|\\partial)\s*\w+(?:\[\d+\])?\s*/\s*(?:∂|d|\\partial)\s*{NAME}",  # ∂loss/∂W2, dL/dW2
    rf"(?:grad|gradient|∇)\s*\(\s*{NAME}\s*\)", rf"(?:grads?|gradients)\s*\[\s*['\"]?(?:d|grad_)?{NAME}['\"]?\s*\]",
    rf"d\w+?_d_?{NAME}", rf"(?:grad|delta|δ|∇|d|∂)_?{NAME}", rf"{NAME}_?(?:grad|gradient)",
    r"(?P<node>[^\W\d]\w*?)_(?:grad|gradient)",
))  # fmt: skip
"""How a node's gradient is called, the surest first."""

GRADIENT_LEADS = ("", "d", "δ", "∂")
"""What stands before a node's name, or nothing."""

LONGEST = 200
"""Characters of a name in which another spelling is looked for."""

_ORDINARY: Mapping[str, What] = {"": "value", ".grad": "gradient", ".formula": "gradient"}

_FURTHER = re.compile(r"(?P<kind>new|jacobian|hessian|tangent)(?:\(\w+\))?(?:\[[\d, ]+\])?")
"""The suffix of a further quantity."""

MOST_LETTERS = 4
"""Behind a name, each for an axis."""

UNKNOWN = "an answer is called 'node', 'node.grad' or 'node.formula'"


@dataclass(frozen=True, slots=True)
class Item:
    """A node, and what of it."""

    node: str
    suffix: str  # '', '.grad' or '.formula'; or that of a further quantity: '.new', '.jacobian(x)[0, 1]'

    @property
    def name(self) -> str:
        """The item as reports spell it."""
        return self.node + self.suffix

    @property
    def what(self) -> What:
        """What a right answer is."""
        if self.suffix in _ORDINARY:
            return _ORDINARY[self.suffix]
        further = _FURTHER.fullmatch(self.suffix[1:])
        if further is not None:
            return further["kind"]  # type: ignore[return-value]
        return "gradient"

    @property
    def is_further(self) -> bool:
        """Whether it is neither a value nor a gradient: a param after a step, an entry of a Jacobian."""
        return self.what not in {"value", "gradient"}


def item_of(text: str, nodes: Collection[str] = ()) -> Item | None:
    """Read an item; None where what follows the dot is none of the suffixes.

    Args:
        text: the name as written.
        nodes: the names of the key; without them only `node`, `node.grad` and `node.formula` are known.
    """
    text = unicodedata.normalize("NFC", text).strip().strip("`$*").strip()
    found = _item(text, nodes)
    if nodes and len(text) <= LONGEST and (found is None or found.node not in nodes):
        found = next((one for spelled in _respelled(text, nodes) if (one := _item(spelled, nodes)) is not None
                      and one.node in nodes), found)  # fmt: skip
    return found


def _item(text: str, nodes: Collection[str]) -> Item | None:
    stem, _, suffix = text.partition(".")
    if _FURTHER.fullmatch(suffix) and stem:
        return Item(stem, "." + suffix.replace(" ", "").replace(",", ", "))
    if stem in nodes:
        return Item(stem, SUFFIXES[suffix]) if suffix in SUFFIXES else None
    for spelling, rest in ((text, ""), (stem, suffix)):
        node = gradient_of(spelling, nodes)
        if node is not None and rest in SUFFIXES:
            return Item(node, SUFFIXES[rest] or ".grad")
    return Item(stem, SUFFIXES[suffix]) if suffix in SUFFIXES and stem else None


_OWNER = re.compile(r"(?:self|net|model|loss|params?)\.")
_D = r"(?:\\partial|d|\\mathrm\{d\})"
_PLAIN = tuple((re.compile(pattern), plain) for pattern, plain in (
    (rf"\\[dt]?frac\s*\{{\s*{_D}\s*([^{{}}]*)\}}\s*\{{\s*{_D}\s*([^{{}}]*(?:\{{[^{{}}]*\}})?)\s*\}}", r"d\1/d\2"),
    (r"\\nabla", "∇"), (r"\\partial\s*", "∂"),
    (r"\\(?:mathrm|mathbf|text|boldsymbol)\{(\w+)\}", r"\1"), (r"[{}\\]", ""),
    (r"^grads?\.(?=\w)", "grad_"), (r"[:=]+\s*$", ""), (r"\(\s*(\w+)\s*\)", r"\1"),
    (r"^∇_?\s*(\w+)(?:\s+\w+)?$", r"∇\1"), (r"^(?:the\s+)?grad(?:ient)?\s+(?:of\s+)?(\w+)$", r"grad_\1"),
    (r"^(\w+)\s+grad(?:ient)?$", r"\1_grad"), (r"^D_?(?=\w)", "d_"), (r"\s+", ""),
))  # fmt: skip
"""What people write in words, or in LaTeX, in a spelling of GRADIENTS."""


def _respelled(text: str, nodes: Collection[str]) -> Iterator[str]:
    """The same name without what surrounds it, then with the node's own underscores: `∇_{W_2} L` is ∇W2."""
    text = layered(_OWNER.sub("", text), nodes)
    for pattern, plain in _PLAIN:
        text = pattern.sub(plain, text)
    yield text
    yield _BEHIND.sub("", text)
    yield re.sub(r"[^\W_]+(?:_[^\W_]+)*", lambda found: _node(found[0], nodes), text)


_LAYER = re.compile(r"(?P<name>[^\W\d]\w*?)"
                    r"(?:_(?:(?P<index>[a-z]{1,2})|\{(?P<letters>[a-z,\s]+)\})(?=\s*\^\s*(?:\{\s*[\[(]|\[)))?_?\s*\^\s*(?:\{\s*[\[(]\s*(?P<layer>\d+)\s*[\])]\s*(?P<turned>T|\\top)?\s*\}"
                    r"|\[\s*(?P<plain>\d+)\s*\]|\(\s*(?P<round>\d+)\s*\)|(?P<bare>\d)"
                    r"|\{\s*(?P<braced>\d)\s*\})")  # fmt: skip


_OF_LAYER = re.compile(
    r"(?<![\w\\])(?P<name>\\?[^\W\d_]+)(?P<before>')?\s*\^\s*\{\s*[\[(](?P<layer>\d+)[\])]\s*(?P<inside>'|\\prime)?\s*\}"
    r"(?P<behind>')?(?=\s*\()")  # fmt: skip
"""The derivative of a function with the number of its layer: `g^{[1]'}(Z)`."""


def layered(text: str, nodes: Collection[str]) -> str:
    r"""`W^{[2]}`, `z^{(1)T}`, `a^2`, `z_k^{(2)}`: a node named with its layer's number; whatever is none stays.

    `\delta^{(2)}` is the error of that layer.
    """

    def function(found: re.Match[str]) -> str:
        primed = found["before"] or found["inside"] or found["behind"]
        is_node = _node(found["name"] + found["layer"], nodes) in nodes
        return found["name"] + "'" if primed and not is_node else found[0]

    def plain(found: re.Match[str]) -> str:
        power = found["round"] or found["bare"] or found["braced"]
        layer = found["layer"] or found["plain"] or power
        turned = "^T" if found["turned"] else ""
        letters = found["index"] or re.sub(r"[\s,]", "", found["letters"] or "")
        if power and other_spelling(found["name"], nodes):
            return found[0]
        if found["name"] in {"delta", "δ"} - {*nodes} and (not power or error_of(f"δ_{layer}", nodes)):
            return f"{found['name']}_" + (f"{{{layer},{letters}}}" if letters else layer) + turned
        for stem, index in ((f"{found['name']}_{letters}", ""), (found["name"], f"_{{{letters}}}" if letters else "")):
            name = _node(stem.rstrip("_") + layer, nodes)
            if name in nodes or gradient_of(name, nodes) is not None:
                return name + index + turned
        return found[0]

    return _LAYER.sub(plain, _OF_LAYER.sub(function, text)) if "^" in text else text


def _node(word: str, nodes: Collection[str]) -> str:
    """A node's name in the spelling of the spec; with the letter of a gradient before it, or without."""
    for lead in GRADIENT_LEADS:
        name = word.removeprefix(lead)
        if word.startswith(lead) and (node := other_spelling(name, nodes)) is not None:
            return lead + node
    return word


def other_spelling(name: str, nodes: Collection[str]) -> str | None:
    """The one node that a name is another spelling of: `z₂` or `z_2` for z2, or the reverse."""
    plain = name.translate(SUBSCRIPTS)
    if plain in nodes:
        return plain
    found = [node for node in nodes if _spelling(node) == _spelling(plain)]
    return found[0] if len(found) == 1 else None


SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
GREEK: Mapping[str, str] = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ",
    "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω",
}  # fmt: skip
"""Letters by their names, of which code has the first three letters at least: `lam`, `eps`."""

_LETTERS = re.compile(r"[a-z]{3,}|mu|nu|xi|pi")


@lru_cache(maxsize=10_000)
def _spelling(name: str) -> str:
    """What the spellings of a name have in common: `lam_2` and `λ2`, `x_hat`, `xhat` and `x̂`."""
    decomposed = unicodedata.normalize("NFD", name).replace("\u0302", "hat").replace("\u0304", "bar")
    whole = _LETTERS.sub(lambda found: _greek(found[0]), unicodedata.normalize("NFC", decomposed).translate(SUBSCRIPTS))
    return whole.replace("_", "")


def _greek(word: str) -> str:
    return next((letter for full, letter in GREEK.items() if full.startswith(word)), word)


def gradient_of(text: str, nodes: Collection[str]) -> str | None:
    """The node whose gradient a spelling names; None where it is none."""
    for pattern in GRADIENTS:
        found = pattern.fullmatch(text)
        if found is not None and found["node"] in nodes:
            return found["node"]
    return None


def error_of(name: str, nodes: Collection[str]) -> str | None:
    """The node whose gradient `dz_2`, `δ_z₂` or `δ₂`, the error of a layer, is, with its name in another spelling."""
    found = re.fullmatch(r"(?:delta|grad|δ|d)_?(\w+)", name)
    if found is None:
        return None
    words = [found[1]]
    layer = found[1].translate(SUBSCRIPTS)
    if layer.isdigit() and name[0] in "δd" and not name.startswith("d" + found[1]):
        words = [stem + layer for stem in ("z", "Z", "net")]
        words += ["a" + layer] if other_spelling("h" + layer, nodes) else []  # a, of which h is the activation
    return next(filter(None, (other_spelling(word, nodes) for word in words)), None)


def indexed(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What a name may be with letters for axes: `W_2_ji` is W_2 with j and i."""
    parts = name.split("_")
    for cut in range(len(parts) - 1, 0, -1):
        letters = "".join(parts[cut:])
        if letters.isascii() and letters.isalpha() and letters.islower() and len(letters) <= MOST_LETTERS:
            yield "_".join(parts[:cut]), tuple(letters)


_BEHIND = re.compile(r"(?:_\{?|\[)\s*(?:\d+\s*,)?\s*([a-z](?:\s*,?\s*[a-z]){0,3})\s*[\]}]*$")


def letters_of(left: str) -> tuple[str, ...]:
    """The letters behind what an answer is to: `dW_{ij}`, `∂L/∂W[i, j]`; none where there are none."""
    found = _BEHIND.search(left.strip())
    return tuple(re.sub(r"[\s,]", "", found[1])) if found else ()
