"""A formula as people write it by hand, in the language: `dL/dz₂ a₁'` is `grad(z2) · a1.T`.

Only what the language does not read itself comes here, and only what can be read in one way is changed: remarks around
the answer, other signs for the same operator, a prime for a transpose or a derivative, products without a sign, names
with or without an underscore.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from backprop_cli.language.expression.lexer import SUPERSCRIPTS
from backprop_cli.tasks.grading.functions import NO_NAMES, OTHER_NAMES, rewritten, with_functions
from backprop_cli.tasks.grading.items import error_of, indexed, other_spelling

SIGNS: Mapping[str, str] = {
    "×": "·", "∙": "·", "•": "·", "∗": "*", "⋆": "*", "⊘": "/", "÷": "/", "∑": "Σ", "⊤": "ᵀ", "⊺": "ᵀ", "{": "(",
    "}": ")", ":=": "=", "′": "'", "’": "'", "𝟙": "1", "𝟏": "1", "\u0302": "hat", "\u0304": "bar",
    "–": "-", "\u00a0": " ",
}  # fmt: skip
"""Other signs for what the language has."""

CONSTANTS: Mapping[str, str] = {
    "NaN": "nan", "NAN": "nan", "np.nan": "nan", "Infinity": "inf", "Inf": "inf", "np.inf": "inf", "∞": "inf",
}  # fmt: skip
"""Numbers by other names."""

DIGITS = "0123456789."
ONES = "ones"
"""The vector of ones."""

INDICATORS = ("I", "step", "heaviside", "np.heaviside", "indicator", "Ind", "H")
"""What stands before a condition, or a number that is compared with zero."""

_ROUND = re.compile(
    r"^\s*(?:return\b|approx(?:\.|imately)?|about|circa|ca\.|roughly|Parameter containing:|[≈≃≅∼~=:])+\s*(?=\S)",
    re.IGNORECASE)  # fmt: skip
_OPERATOR = r"[-+*/^=·⊙@,(√]"
_AFTER = re.compile(
    rf"\s*(?:\s#.*|(?<!{_OPERATOR})(?<!{_OPERATOR} )"
    r"\((?:rounded|approx\.?|approximately|element-?wise|\d+\s*[x×,]\s*\d+(?:\s+[a-z]+)?|by .*"
    r"|(?![^()]*\b(?:if|else)\b)(?=[^()]*\b[a-z]{2,}\s+[a-z]{2,}\b)[^()]*)\)|\[element-?wise\]"
    r"|[;,.]+|\bapprox\.?|\brounded|\b(?:nats|bits))\s*$", re.IGNORECASE)  # fmt: skip
_UNIT = (r"(?:[kMGmµnc]?(?:m|s|g|N|J|W|V|A|K|C|F|H|T|Hz|Pa|mol|rad|eV|bar|Ω|L)|min|h|deg|°C?|€|\$|USD|EUR)"
         rf"(?:\^?[-+−]?\d|[{SUPERSCRIPTS}]+)?")
_IN_UNITS = re.compile(rf"(?P<number>[-+−]?\d[\d.,]*(?:e[-+]?\d+)?|[\[(][-+−\d.,;\s\[\]()e]*[\])])\s+"
                       rf"(?P<unit>(?![NmBM]$){_UNIT}(?:\s*[·*/⋅]?\s*\(?{_UNIT}\)?)*)")  # fmt: skip
"""A number in units; N and m alone are sizes."""
_LISTED = re.compile(rf"(?<=\d)\s+(?P<unit>{_UNIT}(?:\s*[·*/⋅]?\s*\(?{_UNIT}\)?)*)(?=\s*[,;\]\)]|\s+[-+−]?\d)")
"""The unit of an entry of a list."""
_NUMBERS = re.compile(r"[\[(][-+−\d.,;\s\[\]()e]*[\])]")
_BOLD = re.compile(r"^(\*{1,2})([^*].*[^*])\1$", re.DOTALL)
_PARTIAL = re.compile(r"(?<!\w)(?:d|∂)\s*(?:\(\s*(\w+)\s*\)|(\w+))\s*/\s*(?:d|∂)\s*(?:\(\s*(\w+)\s*\)|(\w+))(?!\w)")
_IN_CODE = re.compile(r"(?<!\w)d_?([^\W\d]\w*?)_d_?([^\W\d]\w*)(?!\w)")
_TENSOR = re.compile(r"((?:grad\(|∂\w+/∂)?[\w.]+\)?)\s*⊗\s*([\w.]+)")
_NABLA = re.compile(r"(?:∇|\bgrad\s)_?\s*[({]?\s*(\w+)\s*[)}]?(?:\s*\(?(?:loss|L|J|E|C)\)?(?!\w))?")
_INDEX = re.compile(r"_\{([\w,\s]+)\}")
_SHIFTED = re.compile(r"(?<=\w)_\{([\w,\s]*[-+][\w,\s+-]*)\}")
_SUM_BELOW = re.compile(r"(?:Σ|∑|\bsum)_\{([a-z](?:\s*,\s*[a-z])+)\}|(?:Σ|∑|\bsum)_\{([a-z])\s*[:|]([^{}]+)\}")
_PLACED = re.compile(r"\)_([a-z]{1,4})(?!\w)")
_LETTERS = re.compile(r"(?<=[\w)\]\u0302\u0304])[ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ]+")
LETTERS = str.maketrans("ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", "aehijklmnoprstuvx")
_ONES = re.compile(r"[𝟏𝟙](?:_\w+)?(?=\s*(?:\^|[ᵀ⊤⊺']|[)\]]|\s|$))|(?<![\w.])1_[a-zA-Z0-9](?!\w)")
_SUMMED_OVER = re.compile(r"^(.+?),?\s+summed\s+over\s+(?:all\s+)?([a-z])$")
_BRANCHES = re.compile(r"(.+?)\s+if\s+(.+?)\s+else\s+(.+)", re.DOTALL)
_BELOW_ONE = re.compile(r"(?<![\w.])(?:1|𝟏|𝟙)_?\{([^{}]*[<>≥≤=][^{}]*)\}")
_OVER = re.compile(r"(?<!\w)(?:(?:the )?sum over (?:all )?(\w) of\b|sum_(\w)(?=\s)|sum_\{(\w)\})")
_MATLAB = re.compile(r"\.[*/^']|(?<=[\w)\]])'(?!\()")
_TURNED = re.compile(r"(?<=[\w)\]])'|\^\s*(?:\(\s*(?:T|tr|transpose)\s*\)|(?:T|tr|transpose)(?!\w)"
                     r"|T(?=[A-Z][a-z]?\b|[a-z]\b))")  # fmt: skip
_TURNED_BACK = re.compile(r"\^\s*[({]?\s*[-−]\s*(?:T|⊤|ᵀ)(?!\w)\s*[)}]?")
_PROSE = re.compile(r"^(?:[A-Za-z]+(?:'s)?,?\s+){1,12}(?:is|are|equals|gives|get|obtain|becomes)"
                    r"(?:\s+(?:then|simply|just))?\s*:?\s+(?=\S)"
                    r"|^(?:so|thus|hence|therefore|answer|result|gradient|i\.e\.)\s*[:,]?\s+(?=\S)", re.IGNORECASE)
EQUALS = re.compile(r"(?<![<>!=])=(?!=)")
"""In a condition, where the language has `==`."""
_INDICATOR = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, INDICATORS))}|1)\s*[(\[]")
_PERCENT = re.compile(r"(?<![\w.])(\d+\.?\d*)\s*%(?=\s*(?:[*·×⊙(]|$))(?:\s+of\b)?")
_TIMES_TEN = re.compile(r"(?<=\d)\s*[xX×·]\s*10\s*\^?\s*(?=[-+]?\d|\()")
_TOKEN = re.compile(
    rf"[^\W\d{SUPERSCRIPTS}][^\W{SUPERSCRIPTS}]*(?:\.[^\W\d]\w*)*|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|[{SUPERSCRIPTS}]+|\s+|.",
    re.DOTALL)  # fmt: skip


def around(text: str, nodes: Collection[str] = ()) -> str:
    """An answer without the remarks around it: `≈ 0.33 (rounded)`, `return dz @ x.T;`, `12.5 %`, `-1,5 kg·m/s`."""
    text = _PROSE.sub("", _ROUND.sub("", _BOLD.sub(r"\2", text.strip()).strip()))
    while (shorter := _AFTER.sub("", text)) != text:
        text = shorter
    in_units = _IN_UNITS.fullmatch(text)
    if in_units is not None and not {*re.findall(r"[^\W\d]+", in_units["unit"])} & {*nodes}:
        text = in_units["number"]
    if _NUMBERS.fullmatch(bare := _LISTED.sub("", text)) and not {*re.findall(r"[^\W\d]+", text)} & {*nodes}:
        text = bare
    return re.sub(r"^([-+]?[\d.]+)\s*%$", r"\1/100", text)


def loosened(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """The text in the language, as far as that can be told; `known` says which functions there are."""
    if _MATLAB.search(text):
        text = _matlab(text)
    text = _BELOW_ONE.sub(lambda found: f"({EQUALS.sub('==', found[1])})", text)
    text = _BRANCHES.sub(r"where(\2, \1, \3)", text) if " else " in text else text
    text = _nablas(text, nodes)
    text = _SHIFTED.sub(r"[\1]", _TURNED_BACK.sub("⁻ᵀ", _SUM_BELOW.sub(_sums, text)))
    text = _INDEX.sub(lambda found: "_" + re.sub(r"[\s,]+", "_", found[1]), text)
    text = _PLACED.sub(lambda found: f")[{', '.join(found[1])}]", text)
    text = _LETTERS.sub(lambda found: "_" + found[0].translate(LETTERS), text)
    text = _OVER.sub(lambda found: f"Σ_{found[1] or found[2] or found[3]} ", text.replace("∑", "Σ"))
    text = _ONES.sub("1", _SUMMED_OVER.sub(r"Σ_\2 (\1)", text))
    for sign, ours in SIGNS.items():
        text = text.replace(sign, ours)
    text = _PERCENT.sub(r"(\1/100)", text)
    text = _TIMES_TEN.sub("·10**", text).replace("**+", "**")
    text = _PARTIAL.sub(lambda found: _gradient(found, nodes), _in_code(text, nodes))
    text = _TENSOR.sub(r"outer(\1, \2)", text)
    text = with_functions(text, nodes, known)
    text = _TURNED.sub("ᵀ", text)
    text = _indicators(text)
    return "".join(_products(list(_renamed(text, nodes, known)), nodes, known))


def _sums(found: re.Match[str]) -> str:
    """`Σ_{n,i} x`, `Σ_{i: m_i > 0} x`: a sum in a sum, a sum of those that fit."""
    if found[1]:
        return "".join(f"Σ_{letter.strip()} " for letter in found[1].split(","))
    return f"Σ_{found[2]} ({EQUALS.sub('==', found[3])}) · "


def _nablas(text: str, nodes: Collection[str]) -> str:
    """`∇_{z2} L`, `grad z2`: the gradient of a node."""
    return _NABLA.sub(lambda found: f"grad({other_spelling(found[1], nodes) or found[1]})", text)


def _gradient(found: re.Match[str], nodes: Collection[str]) -> str:
    """`dL/dz2`; that of a node by a node stays what it is, and the parser says what is meant."""
    top, bottom = found[1] or found[2], found[3] or found[4]
    node, above = other_spelling(bottom, nodes), other_spelling(top, nodes)
    if node is None:
        return found[0]
    return f"grad({node})" if above is None else f"∂{above}/∂{node}"


def _in_code(text: str, nodes: Collection[str]) -> str:
    """`da2_dz2` of two nodes: da2/dz2."""
    return _IN_CODE.sub(
        lambda f: f"d{f[1]}/d{f[2]}" if other_spelling(f[1], nodes) and f[0] not in nodes else f[0], text)  # fmt: skip


def _matlab(text: str) -> str:
    """What MATLAB writes: a point makes an operator elementwise, and without it `*` is the matrix product."""
    for sign, ours in ((".*", "⊙"), ("./", "⊘"), (".^", "^"), (".'", "'")):
        text = text.replace(sign, ours)
    return re.sub(r"(?<!\*)\*(?!\*)", "·", text)


def has_links(text: str, nodes: Collection[str]) -> bool:
    """Whether the derivative of one node by another stands in a text."""
    found = _PARTIAL.finditer(_in_code(text, nodes))
    return any(all(other_spelling(one, nodes) for one in (f[1] or f[2], f[3] or f[4])) for f in found)


def _indicators(text: str) -> str:
    """`I(z > 0)`, `1(z > 0)`, `step(z)`: the mask."""

    def written(found: re.Match[str], inner: str) -> str | None:
        if any(sign in inner for sign in "<>≥≤="):
            return f"({EQUALS.sub('==', inner)})"
        return None if found[0].startswith("1") else f"({inner.partition(',')[0]} > 0)"

    return rewritten(text, _INDICATOR, written)


def _renamed(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> Iterator[str]:
    """The tokens, names and functions in the spelling of the spec."""
    tokens = _TOKEN.findall(text)
    for at, token in enumerate(tokens):
        stem, dot, rest = token.partition(".")
        if token in CONSTANTS and stem not in nodes:
            yield CONSTANTS[token]
        elif not _is_name(token) or stem in nodes or (known(token) and not _is_product(tokens, at, nodes)):
            yield token
        elif (other := OTHER_NAMES.get(token)) is not None and tokens[at + 1 : at + 2] == ["("]:
            yield other
        elif (node := other_spelling(stem, nodes)) is not None:
            yield node + dot + rest
        elif (split := _side_by_side(token, nodes)) is not None:
            yield split
        else:
            yield of_gradient(stem, nodes) + dot + rest


def _is_product(tokens: Sequence[str], at: int, nodes: Collection[str]) -> bool:
    """Whether a function's name is that of two nodes side by side, `mv`, and calls nothing."""
    return tokens[at + 1 : at + 2] != ["("] and len(tokens[at]) > 1 and all(one in nodes for one in tokens[at])


def _side_by_side(token: str, nodes: Collection[str]) -> str | None:
    """`XW`, `Xw`: nodes of one letter each, side by side; `d_k` under K: how long its rows are."""
    if token in {"d_k", "dk"} and "K" in nodes and "k" not in nodes:
        return "shape(K)[-1]"
    named = [one for one in token if one != "I"] if len(token) > 1 else []
    beside = named and len(token) < 4 and all(map(nodes.__contains__, named)) and of_gradient(token, nodes) == token
    return " · ".join(token) if beside else None


def of_gradient(name: str, nodes: Collection[str]) -> str:
    """`dz_2`, `δ_z₂`: the gradient of a node, with its name in another spelling."""
    node = error_of(name, nodes)
    return name if node is None else f"grad({node})"


def _products(words: list[str], nodes: Collection[str], known: Callable[[str], bool]) -> Iterator[str]:
    """A sign between two factors that stand side by side; `a/b c` is left alone, for c may be above or below.

    `2/3 (p - t)` is two thirds of it; a 1 behind a factor is the vector of ones.
    """
    seen: list[str] = [""]
    gap = False
    for at, word in enumerate(words):
        if word.isspace():
            gap = True
            continue
        below = len(seen) > 2 and seen[-2] == "/" and not seen[-3][:1].isdigit()
        fraction = gap and len(seen) > 3 and seen[-2] == "/" and seen[-4] not in {"^", "**"}
        if fraction and not seen[-1].strip("√").isdigit():  # 1/m (p - t)
            fraction = seen[-3].isdigit() and _is_name(seen[-1]) and not known(seen[-1])
        ends = fraction or _ends(seen[-1], word, nodes, known)
        after = next((one for one in words[at + 1 :] if not one.isspace()), "")
        if ends and (_begins(word) or word[0] in DIGITS) and not below:
            yield " · "
        elif gap:
            yield " "
        made = ONES if ends and word == "1" and after not in {"/", "^", "**", "*", "·"} else word
        yield made
        seen.append(seen.pop() + made if seen[-1] == "√" else made)
        gap = False


def _ends(last: str, word: str, nodes: Collection[str], known: Callable[[str], bool]) -> bool:
    """Whether a factor ends here, and what follows is no call or index of it."""
    if not last:
        return False
    if last[-1] in ")]" or last[0] in SUPERSCRIPTS or last[0] == "√" != last:  # grad(h) is one word by now
        return True
    if not _is_name(last) or last in NO_NAMES:
        return False
    if last.startswith("Σ"):  # a capital, but no matrix
        return False
    if word != "(":
        return word[0] != "[" and last not in {"log", "grad"}
    if known(last):
        return False
    return last in nodes or last.endswith((".T", "ᵀ")) or last.isupper() or _is_indexed(last, nodes)


def _is_indexed(name: str, nodes: Collection[str]) -> bool:
    """Whether a name is a node's, or a gradient's, with letters behind it: `P_nk`."""
    stems = (spelled for stem, _ in indexed(name) for spelled in (stem, stem.capitalize()))
    return any(other_spelling(stem, nodes) or error_of(stem, nodes) for stem in stems)


def _begins(word: str) -> bool:
    return word not in NO_NAMES and (word in {"(", "∂", "√"} or _is_name(word))


def _is_name(word: str) -> bool:
    return word[0] not in SUPERSCRIPTS and re.match(r"[^\W\d]", word) is not None
