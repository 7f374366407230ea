"""A formula as people write it by hand, in the language: `dL/dz₂ a₁'` is `grad(z2) · a1.T`.

Only what the language does not read itself comes here, and only what can be read in one way is changed: remarks around
the answer, other signs for the same operator, a prime for a transpose or a derivative, products without a sign, names
with or without an underscore.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from backprop_cli.language.expression.lexer import SUPERSCRIPTS
from backprop_cli.tasks.grading.functions import NO_NAMES, OTHER_NAMES, closing, rewritten, with_functions
from backprop_cli.tasks.grading.items import SUBSCRIPTS, other_spelling

SIGNS: Mapping[str, str] = {
    "×": "·", "∙": "·", "•": "·", "∗": "*", "⋆": "*", "⊘": "/", "÷": "/", "∑": "Σ", "⊤": "ᵀ", "⊺": "ᵀ", "{": "(",
    "}": ")", ":=": "=", "′": "'", "’": "'", "𝟙": "", "𝟏": "", "–": "-", "\u00a0": " ",
}  # fmt: skip
"""Other signs for what the language has."""

CONSTANTS: Mapping[str, str] = {
    "NaN": "nan", "NAN": "nan", "np.nan": "nan", "Infinity": "inf", "Inf": "inf", "np.inf": "inf", "∞": "inf",
}  # fmt: skip
"""Numbers by other names."""

INDICATORS = ("I", "step", "heaviside", "np.heaviside", "indicator", "Ind", "H")
"""What stands before a condition, or a number that is compared with zero."""

_ROUND = re.compile(
    r"^\s*(?:return\b|approx(?:\.|imately)?|about|circa|ca\.|roughly|Parameter containing:|[≈≃≅∼~=:])+\s*(?=\S)",
    re.IGNORECASE)  # fmt: skip
_AFTER = re.compile(
    r"\s*(?:\s#.*|\((?:rounded|approx\.?|approximately|element-?wise|\d+\s*[x×,]\s*\d+|by .*)\)|\[element-?wise\]"
    r"|[;,.]+|\bapprox\.?|\brounded|\b(?:nats|bits))\s*$", re.IGNORECASE)  # fmt: skip
_PARTIAL = re.compile(r"(?<!\w)(?:d|∂)\s*(?:\(\s*(\w+)\s*\)|(\w+))\s*/\s*(?:d|∂)\s*(?:\(\s*(\w+)\s*\)|(\w+))(?!\w)")
_IN_CODE = re.compile(r"(?<!\w)d_?([^\W\d]\w*?)_d_?([^\W\d]\w*)(?!\w)")
_TENSOR = re.compile(r"((?:grad\(|∂\w+/∂)?[\w.]+\)?)\s*⊗\s*([\w.]+)")
_NABLA = re.compile(r"(?:∇|\bgrad\s)_?\s*[({]?\s*(\w+)\s*[)}]?(?:\s*\(?(?:loss|L|J|E|C)\)?(?!\w))?")
_INDEX = re.compile(r"_\{(\w+)\}")
_BRANCHES = re.compile(r"(.+?)\s+if\s+(.+?)\s+else\s+(.+)", re.DOTALL)
_BELOW_ONE = re.compile(r"(?<![\w.])(?:1|𝟏|𝟙)_?\{([^{}]*[<>≥≤=][^{}]*)\}")
_OVER = re.compile(r"\b(?:sum over (\w) of\b|sum_(\w)(?=\s))")
_OUTER = re.compile(r"(\w+|\([^()]*\))\s*[·@*]?\s*(\w+?|\([^()]*\))\s*(?:\^\s*(?:\\top|[({]?T[)}]?)|ᵀ|')")
_SUMMED = re.compile(r"Σ_(\w)\s*(?=\S)")
_MATLAB = re.compile(r"\.[*/^']|(?<=[\w)\]])'(?!\()")
_ONES = re.compile(rf"(?<![\w.)\]{SUPERSCRIPTS}])(?:1|𝟏|𝟙)\s*(?:\^\s*(?:T|⊤)(?!\w)|[ᵀ⊤⊺'])\s*[·@*]?\s*")
_FACTOR = re.compile(r"(?:[∂δ\w.]+(?:/[∂\w]+)?)?")
_TURNED = re.compile(r"(?<=[\w)\]])'|\^\s*(?:\(\s*(?:T|tr|transpose)\s*\)|(?:T|tr|transpose)(?!\w))")
_INDICATOR = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, INDICATORS))}|1)\s*\(")
_TIMES_TEN = re.compile(r"(?<=\d)\s*[xX×·]\s*10\s*\^?\s*(?=[-+]?\d|\()")
_TOKEN = re.compile(
    rf"[^\W\d{SUPERSCRIPTS}][^\W{SUPERSCRIPTS}]*(?:\.[^\W\d]\w*)*|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|[{SUPERSCRIPTS}]+|\s+|.",
    re.DOTALL)  # fmt: skip


def around(text: str) -> str:
    """An answer without the remarks around it: `≈ 0.33 (rounded)`, `return dz @ x.T;`, `12.5 %`."""
    text = _ROUND.sub("", text.strip().strip("*").strip())
    while (shorter := _AFTER.sub("", text)) != text:
        text = shorter
    return re.sub(r"^([-+]?[\d.]+)\s*%$", r"\1/100", text)


def loosened(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """The text in the language, as far as that can be told; `known` says which functions there are."""
    if _MATLAB.search(text):
        text = _matlab(text)
    text = _BRANCHES.sub(r"where(\2, \1, \3)", _BELOW_ONE.sub(r"(\1)", text))
    text = _nablas(text, nodes)
    text = _INDEX.sub(r"_\1", text)
    text = _samples(_OVER.sub(lambda found: f"Σ_{found[1] or found[2]} ", text.replace("∑", "Σ")), nodes)
    text = _column_sums(text)
    for sign, ours in SIGNS.items():
        text = text.replace(sign, ours)
    text = _TIMES_TEN.sub("·10**", text).replace("**+", "**")
    text = _PARTIAL.sub(lambda found: _gradient(found, nodes), _in_code(text, nodes))
    text = _TENSOR.sub(r"outer(\1, \2)", text)
    text = with_functions(text, nodes, known)
    text = _TURNED.sub("ᵀ", text)
    text = _indicators(text)
    return "".join(_products(list(_renamed(text, nodes, known)), nodes, known))


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


def _column_sums(text: str) -> str:
    """`1ᵀ δ`: the row of ones, which adds up the rows of what follows."""
    while (found := _ONES.search(text)) is not None:
        end = _FACTOR.match(text, found.end()).end()  # type: ignore[union-attr]
        if text[end : end + 1] == "(":
            end = closing(text, end) + 1
        if end <= found.end():
            return text
        text = f"{text[: found.start()]}sum({text[found.end() : end]}, axis=0){text[end:]}"
    return text


def _samples(text: str, nodes: Collection[str]) -> str:
    """`Σ_i (P_i - Y_i)`: a sum over the rows of what bears the letter; products under it are left alone."""
    found = _SUMMED.search(text)
    if found is None:
        return text
    end = closing(text, found.end()) + 1 if text[found.end()] == "(" else len(text)
    row = rf"([^\W_]\w*?)(?:_(?:{found[1]}(?![a-zA-Z0-9_])|\{{{found[1]}\}})|\[{found[1]}(?:,\s*:)?\])"
    bare, count = re.subn(row, lambda one: _rows(one[1], nodes), text[found.end() : end])
    outer = _OUTER.fullmatch(bare.strip())
    if not count or found[1] in nodes or not (outer or re.fullmatch(r"[\w\s()+\-−∂/]*", bare)):
        return text
    whole = f"(({outer[1]})ᵀ · ({outer[2]}))" if outer else f"sum({bare}, axis=0)"
    return f"{text[: found.start()]}{whole}{text[end:]}"


def _rows(name: str, nodes: Collection[str]) -> str:
    """The matrix whose rows bear a name with an index: P of `p_n`, dZ of `dz_n`."""
    if other_spelling(name, nodes) is not None or of_gradient(name, nodes) != name:
        return name
    for lead in ("", "d", "δ"):
        capital = lead + name.removeprefix(lead).capitalize()
        if name.startswith(lead) and (other_spelling(capital, nodes) or of_gradient(capital, nodes) != capital):
            return capital
    return name


def has_links(text: str, nodes: Collection[str]) -> bool:
    """Whether the derivative of one node by another stands in a text."""
    found = _PARTIAL.finditer(_in_code(text, nodes))
    return any(all(other_spelling(one, nodes) for one in (f[1] or f[2], f[3] or f[4])) for f in found)


def _indicators(text: str) -> str:
    """`I(z > 0)`, `1(z > 0)`, `step(z)`: the mask."""

    def written(found: re.Match[str], inner: str) -> str | None:
        if any(sign in inner for sign in "<>≥≤="):
            return f"({inner})"
        return None if found[0].startswith("1") else f"({inner.partition(',')[0]} > 0)"

    return rewritten(text, _INDICATOR, written)


def _renamed(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> Iterator[str]:
    """The tokens, names and functions in the spelling of the spec."""
    tokens = _TOKEN.findall(text)
    for at, token in enumerate(tokens):
        stem, dot, rest = token.partition(".")
        if token in CONSTANTS and stem not in nodes:
            yield CONSTANTS[token]
        elif not _is_name(token) or stem in nodes or known(token):
            yield token
        elif (other := OTHER_NAMES.get(token)) is not None and tokens[at + 1 : at + 2] == ["("]:
            yield other
        elif (node := other_spelling(stem, nodes)) is not None:
            yield node + dot + rest
        elif (split := _side_by_side(token, nodes)) is not None:
            yield split
        else:
            yield of_gradient(stem, nodes) + dot + rest


def _side_by_side(token: str, nodes: Collection[str]) -> str | None:
    """`XW`: nodes of one letter each, side by side; `d_k` under K: how long its rows are."""
    if token in {"d_k", "dk"} and "K" in nodes and "k" not in nodes:
        return "shape(K)[-1]"
    return " · ".join(token) if len(token) < 4 and token.isupper() and all(one in nodes for one in token) else None


def of_gradient(name: str, nodes: Collection[str]) -> str:
    """`dz_2`, `δ_z₂`: the gradient of a node, with its name in another spelling."""
    found = re.fullmatch(r"(?:delta|grad|δ|d)_?(\w+)", name)
    if found is None:
        return name
    words = [found[1]]
    layer = found[1].translate(SUBSCRIPTS)
    if layer.isdigit() and name[0] in "δd" and not name.startswith("d" + found[1]):  # δ₂, the error of layer 2
        words = [stem + layer for stem in ("z", "Z", "net")]
        words += ["a" + layer] if other_spelling("h" + layer, nodes) else []  # a, of which h is the activation
    node = next(filter(None, (other_spelling(word, nodes) for word in words)), None)
    return name if node is None else f"grad({node})"


def _products(words: list[str], nodes: Collection[str], known: Callable[[str], bool]) -> Iterator[str]:
    """A sign between two factors that stand side by side; `a/b c` is left alone, for c may be above or below.

    `2/3 (p - t)` is two thirds of it.
    """
    seen: list[str] = [""]
    gap = False
    for word in words:
        if word.isspace():
            gap = True
            continue
        below = len(seen) > 2 and seen[-2] == "/" and not seen[-3][:1].isdigit()
        fraction = gap and len(seen) > 3 and seen[-2] == "/" and seen[-4] not in {"^", "**"}
        if fraction and not seen[-1].isdigit():  # 1/m (p - t)
            fraction = seen[-3].isdigit() and _is_name(seen[-1]) and not known(seen[-1])
        if _begins(word) and (fraction or _ends(seen[-1], word, nodes, known)) and not below:
            yield " · "
        elif gap:
            yield " "
        yield word
        seen.append(word)
        gap = False


def _ends(last: str, word: str, nodes: Collection[str], known: Callable[[str], bool]) -> bool:
    """Whether a factor ends here, and what follows is no call or index of it."""
    if not last:
        return False
    if last[-1] in ")]" or last[0] in SUPERSCRIPTS:  # grad(h) is one word by now
        return True
    if not _is_name(last) or last in NO_NAMES:
        return False
    if last.startswith("Σ"):  # a capital, but no matrix
        return False
    if word != "(":
        return word[0] != "[" and last not in {"log", "grad"}
    return last in nodes or last.endswith((".T", "ᵀ")) or (last.isupper() and not known(last))


def _begins(word: str) -> bool:
    return word not in NO_NAMES and (word in {"(", "∂", "√"} or _is_name(word))


def _is_name(word: str) -> bool:
    return word[0] not in SUPERSCRIPTS and re.match(r"[^\W\d]", word) is not None
