"""Functions as people write them: `σ'(z)`, `dsigmoid(z)`, `tanh²(z)`, `cos p`, `sech(z)`, `rowsum(dA)`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from backprop_cli.language.expression.lexer import SUPERSCRIPTS

OTHER_NAMES: Mapping[str, str] = {
    "sigma": "sigmoid", "sig": "sigmoid", "logistic": "sigmoid", "sigm": "sigmoid", "diagflat": "diag", "ln": "log",
    **{word: word.lower() for word in ("ReLU", "RELU", "Relu", "Sigmoid", "Tanh", "Softmax", "Exp", "Log", "Sum")},
}  # fmt: skip
"""Functions by other names."""

DERIVATIVES: Mapping[str, str] = {
    "sigmoid": "(sigmoid({0})*(1 - sigmoid({0})))", "tanh": "(1 - tanh({0})**2)", "relu": "(({0}) > 0)",
    "exp": "exp({0})", "log": "(1/({0}))", "sin": "cos({0})", "cos": "(-sin({0}))", "softplus": "sigmoid({0})",
    "σ": "(sigmoid({0})*(1 - sigmoid({0})))", "sqrt": "(1/(2*sqrt({0})))", "cosh": "sinh({0})", "sinh": "cosh({0})",
    "tan": "(1/cos({0})**2)", "leaky_relu": "where(({0}) > 0, 1, 0.01)", "square": "(2*({0}))",
    "silu": "(sigmoid({0})*(1 + ({0})*(1 - sigmoid({0}))))",
}  # fmt: skip
"""A function with a prime: its derivative, of what stands in the brackets."""

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
_SUM_OF = re.compile(r"(?<![\w.])(row|col)(?:umn)?_?s?_?[sS]ums?\s*\(")
_SUMS_OF = re.compile(r"\b(row|col(?:umn)?)[ -]?sums?\s+of\s+([\w.∂/]+)")
_APPLIED = re.compile(rf"(?<![\w.])({'|'.join(APPLIED)})(\s*(?:\^\s*\d|[{SUPERSCRIPTS}]))?\s+([^\W\d]\w*)(?!\w|\s*\()")
_POWERED = re.compile(rf"(?<![\w.])([^\W\d]\w*?)\s*(\^\s*\d|[{SUPERSCRIPTS}])\s*\(")
_WRITTEN_OUT = re.compile(rf"(?<![\w.])({'|'.join(WRITTEN_OUT)})\s*\(")
NO_NAMES = frozenset({"if", "else", "and", "or", "not", "for", "in", "over", "of", "where", "lambda", "the", "is"})


def with_functions(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """The text with every such function in the language's own."""
    return _primes(_written_out(_powered(_applied(text, nodes), nodes, known)), nodes, known)


def _applied(text: str, nodes: Collection[str]) -> str:
    """`cos p`, `sin² p`, `column sums of dZ`, `rowsum(dA)`: in functions with brackets."""
    text = rewritten(_SUMS_OF.sub(r"\1sum(\2)", text), _SUM_OF, lambda found, inner: SUMS[found[1]].format(inner))
    return _APPLIED.sub(lambda f: f[0] if f[1] in nodes or f[3] in NO_NAMES else f"{f[1]}({f[3]}){f[2] or ''}", text)


def _primes(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """`σ'(z)`, `dsigmoid(z)`, `sigmoid(z, deriv=True)`: the derivative, written out."""

    def written(found: re.Match[str], inner: str) -> str | None:
        name, word = found[1] or found[2], found[0][:-1].strip()
        name = OTHER_NAMES.get(name, name)
        if name not in DERIVATIVES or word in nodes or known(word):
            return None
        return DERIVATIVES[name].format(inner)

    return rewritten(_ASKED.sub(r"\1'(\2)", text), _PRIME, written)


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
