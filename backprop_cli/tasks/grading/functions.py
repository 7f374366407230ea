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
    text = _SUMS_OF.sub(r"\1sum(\2)", text)
    at = 0
    while (found := _SUM_OF.search(text, at)) is not None:
        end = closing(text, found.end() - 1)
        if end < 0:
            return text
        text = f"{text[: found.start()]}{SUMS[found[1]].format(text[found.end() : end])}{text[end + 1 :]}"
        at = found.start() + 3
    return _APPLIED.sub(lambda f: f[0] if f[1] in nodes or f[3] in NO_NAMES else f"{f[1]}({f[3]}){f[2] or ''}", text)


def _primes(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """`σ'(z)`, `dsigmoid(z)`, `sigmoid(z, deriv=True)`: the derivative, written out."""
    text, at = _ASKED.sub(r"\1'(\2)", text), 0
    while (found := _PRIME.search(text, at)) is not None:
        name = found[1] or found[2]
        name = OTHER_NAMES.get(name, name)
        end = closing(text, found.end() - 1)
        at = found.end()
        word = text[found.start() : found.end() - 1].strip()
        if name in DERIVATIVES and end > 0 and word not in nodes and not known(word):
            inner = text[found.end() : end]
            text = f"{text[: found.start()]}{DERIVATIVES[name].format(inner)}{text[end + 1 :]}"
            at = found.start()
    return text


def _powered(text: str, nodes: Collection[str], known: Callable[[str], bool]) -> str:
    """`tanh²(z)`: the power of what the function gives."""
    at = 0
    while (found := _POWERED.search(text, at)) is not None:
        end = closing(text, found.end() - 1)
        function = found[1] not in nodes and (known(found[1]) or found[1] in {*WRITTEN_OUT, *OTHER_NAMES})
        if end < 0 or not function:
            at = found.end()
            continue
        text = f"{text[: found.start()]}{found[1]}{text[found.end() - 1 : end + 1]}{found[2]}{text[end + 1 :]}"
        at = found.start() + 1
    return text


def _written_out(text: str) -> str:
    """`sech(z)`: in functions that the language has."""
    while (found := _WRITTEN_OUT.search(text)) is not None:
        end = closing(text, found.end() - 1)
        if end < 0:
            return text
        inner = WRITTEN_OUT[found[1]].format(text[found.end() : end])
        text = f"{text[: found.start()]}{inner}{text[end + 1 :]}"
    return text


def closing(text: str, opening: int) -> int:
    """Where the bracket at a place is closed; -1 where it is not."""
    depth = 0
    for at in range(opening, len(text)):
        depth += (text[at] in "([") - (text[at] in ")]")
        if depth == 0:
            return at
    return -1
