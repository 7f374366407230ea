"""Functions as people write them: `σ'(z)`, `dsigmoid(z)`, `tanh²(z)`, `cos p`, `sech(z)`, `rowsum(dA)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from backprop_cli.language.expression.lexer import SUPERSCRIPTS
from backprop_cli.tasks.grading.items import other_spelling

OTHER_NAMES: Mapping[str, str] = {
    "sigma": "sigmoid", "σ": "sigmoid", "sig": "sigmoid", "logistic": "sigmoid", "sigm": "sigmoid",
    "diagflat": "diag", "ln": "log",
    **{word: word.lower()
       for word in ("ReLU", "RELU", "Relu", "Sigmoid", "Tanh", "Softmax", "Exp", "Log", "Sum")},
}  # fmt: skip
"""Functions by other names."""

PRIME = "_prime"
"""Behind the name of a function: its derivative."""

SUMS: Mapping[str, str] = {"row": "sum({0}, axis=1, keepdims=true)", "col": "sum({0}, axis=0)"}
"""Sums of rows, a column, and of columns."""

APPLIED = ("sin", "cos", "tan", "tanh", "sinh", "cosh", "exp", "log", "ln", "sigmoid", "relu", "sqrt", "softmax")
"""Functions that people write without brackets: `cos p`."""

WRITTEN_OUT: Mapping[str, str] = {
    "sech": "(1/cosh({0}))", "csch": "(1/sinh({0}))", "coth": "(1/tanh({0}))", "sec": "(1/cos({0}))",
    "csc": "(1/sin({0}))", "cot": "(1/tan({0}))",
}  # fmt: skip
"""Functions that the language has no name for."""

_PRIME = re.compile(r"(?<![\w.])([^\W\d]\w*?)(?:'|_?[pP]rime|_?[dD]eriv(?:ative)?|_?[gG]rad(?:ient)?)\s*\("
                    r"|(?<![\w.])(?:d|deriv(?:ative)?|grad)_?([^\W\d_]\w*)\s*\(")  # fmt: skip
_ASKED = re.compile(r"([^\W\d]\w*)\(([^()]*),\s*deriv(?:ative)?\s*=\s*True\s*\)")
_BY = re.compile(r"(?<!\w)[d∂]\s*/\s*[d∂]\w+\s+([^\W\d]\w*)\(")
_ROWS_OF = re.compile(r"(?<!\w)(?:the )?sum of (?:the |all )*(row|column)s (?:of|in) ([\w.∂/]+)")
_SUM_OF = re.compile(r"(?<![\w.])(row|col)(?:umn)?_?s?_?[sS]ums?\s*\(")
_SUMS_OF = re.compile(r"\b(row|col(?:umn)?)[ -]?sums?\s+of\s+([\w.∂/]+)")
_BATCH = r"(?:the\s+)?(?:mini-?)?(?:batch|samples|examples|rows|data)|all\s+(?:samples|examples|rows)"
_OVER_ALL = re.compile(rf"^\s*(?:the\s+)?(sum|mean|average)\s+of\s+(.+?)\s+over\s+(?:{_BATCH})\s*$", re.IGNORECASE)
_MEANS_OF = re.compile(r"^\s*(?:the\s+)?(row|col)(?:umn)?[ -]?(?:means?|averages?)\s+of\s+(.+)$", re.IGNORECASE)
_APPLIED = re.compile(rf"(?<![\w.])({'|'.join(APPLIED)})(\s*(?:\^\s*\d|[{SUPERSCRIPTS}]))?\s+([^\W\d]\w*)(?!\w|\s*\()")
_POWERED = re.compile(rf"(?<![\w.])([^\W\d]\w*?)\s*(\^\s*\d|[{SUPERSCRIPTS}])\s*\(")
_WRITTEN_OUT = re.compile(rf"(?<![\w.])({'|'.join(WRITTEN_OUT)})\s*\(")
NO_NAMES = frozenset({"if", "else", "and", "or", "not", "for", "in", "over", "of", "where", "lambda", "the", "is"})


def with_functions(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """The text with every such function in the language's own."""
    return _primes(_written_out(_powered(_applied(text, nodes), nodes, known)), nodes, known)


def _applied(text: str, nodes: Collection[str]) -> str:
    """`cos p`, `sin² p`, `column sums of dZ`, `rowsum(dA)`: in functions with brackets."""
    text = _OVER_ALL.sub(lambda f: f"{'sum' if f[1].lower() == 'sum' else 'mean'}({f[2]}, axis=0)", text)
    text = _MEANS_OF.sub(lambda f: SUMS[f[1].lower()[:3]].format(f[2]).replace("sum", "mean", 1), text)
    text = _ROWS_OF.sub(lambda found: f"{'col' if found[1] == 'row' else 'row'}sum({found[2]})", text)
    text = rewritten(_SUMS_OF.sub(r"\1sum(\2)", text), _SUM_OF, lambda found, inner: SUMS[found[1]].format(inner))
    return _APPLIED.sub(lambda f: f[0] if f[1] in nodes or f[3] in NO_NAMES else f"{f[1]}({f[3]}){f[2] or ''}", text)


_BARS = re.compile(r"\\left\s*\\\||\\right\s*\\\||\\[lr]Vert|\\(?:left|right)\s*‖|\\\||\\Vert|(?<!\|)\|\|(?!\|)")
_NORM = re.compile(r"‖([^‖]+)‖(?:_\s*(?:\{\s*[2F]\s*\}|[2F](?!\w))|₂)?")


def normed(text: str) -> str:
    r"""`‖a‖`, `\left\| x - y \right\|_2`: the norm."""
    text = _BARS.sub("‖", text)
    call = r"\\operatorname{norm}" if "\\" in text else "norm"
    return _NORM.sub(rf"{call}(\1)", text) if text.count("‖") % 2 == 0 else text


def _primes(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """`σ'(z)`, `dsigmoid(z)`, `d/dz tanh(z)`, `sigmoid(z, deriv=True)`: `sigmoid_prime(z)`."""

    def written(found: re.Match[str], inner: str) -> str | None:
        name, word = found[1] or found[2], found[0][:-1].strip()
        name = OTHER_NAMES.get(name, name)
        if word in nodes or known(word) or word.endswith(PRIME) or other_spelling(name, nodes):
            return None
        return f"{name}{PRIME}({inner})" if found[1] or known(name) else None

    return rewritten(_BY.sub(r"\1'(", _ASKED.sub(r"\1'(\2)", text)), _PRIME, written)


def _powered(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """`tanh²(z)`: the power of what the function gives."""

    def written(found: re.Match[str], inner: str) -> str | None:
        name, power = found.groups()
        is_function = name not in nodes and (known(name) or name in {*WRITTEN_OUT, *OTHER_NAMES})
        return f"{name}({inner}){power}" if is_function else None

    return rewritten(text, _POWERED, written)


def _written_out(text: str) -> str:
    """`sech(z)`: in functions that the language has."""
    return rewritten(text, _WRITTEN_OUT, lambda found, inner: WRITTEN_OUT[found[1]].format(inner))


def rewritten(text: str, call: re.Pattern[str], written: Callable[[re.Match[str], str], str | None]) -> str:
    """Each call in another form, that of what stands in its brackets (None: as it is), the outer one first.

    Args:
        text: a formula.
        call: matches a call up to its opening bracket.
        written: what takes its place, of the match and of what the brackets hold; no such call begins it.
    """
    at = 0
    while (found := call.search(text, at)) is not None:
        end = closing(text, found.end() - 1)
        made = written(found, text[found.end() : end]) if end >= 0 else None
        at = found.end()
        if made is not None:
            text, at = f"{text[: found.start()]}{made}{text[end + 1 :]}", found.start()
    return text


def closing(text: str, opening: int) -> int:
    """Where the bracket at a place is closed; -1 where it is not."""
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] in "([") - (text[at] in ")]")
        if depth == 0:
            return at
    return -1
