r"""Sums over the steps of a sequence, term by term: `Σ_t da_t h_{t-1}^T` is `da_1 h_0^T + da_2 h_1^T + ...`.

The steps are those at which all that bears the letter is a node, or the gradient of one: of a key without numbered
nodes nothing is written out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from backprop_cli.tasks.grading.items import SUBSCRIPTS, other_spelling

MAX_STEPS = 100
MAX_SUMS = 20  # in one answer: nobody writes more, and each is tried at every step
_SUM = re.compile(r"(?:\\sum(?:\\limits)?|Σ|∑|\bsum)_\s*(?:\{\s*)?(?P<letter>[a-zA-Z])\s*"
                  r"(?:=\s*(?P<first>\d{1,6})\s*)?\}?(?:\s*\^\s*(?:\{\s*(?P<last>\w+)\s*\}|(?P<end>\w)))?")  # fmt: skip
_FOR = re.compile(r"(?:\bsum|Σ|∑)\s*\((?P<body>.+?)\s+(?:for|over)\s+(?P<letter>[a-z])\b[^()]*\)")
_BRACED = re.compile(r"_\{(\d+)\}")
PLAIN = r"_\1"
LATEX = "\\"
_OPENING, _CLOSING = "([{", ")]}"


def written_out(text: str, nodes: Collection[str], gradient: Callable[[str], bool]) -> str:
    """The text with each sum over steps written out; `gradient` says whether a name is the gradient of a node."""
    text = _FOR.sub(lambda found: f"Σ_{found['letter']} ({found['body']})", text)
    at = 0
    for _ in range(MAX_SUMS):
        found = _SUM.search(text, at)
        if found is None:
            break
        end = _end(text, found.end())
        terms = list(_terms(found, text[found.end() : end], nodes, gradient))
        at = found.end()
        if terms:
            whole = f"({' + '.join(terms)})"
            text = f"{text[: found.start()]}{whole}{text[end:]}"
            at = found.start() + len(whole)
    return text


def _end(text: str, start: int) -> int:
    """Where what is summed ends: before a sign outside of brackets, or where one is closed that was open before."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in _OPENING) - (text[at] in _CLOSING)
        if depth < 0 or depth == 0 and text[at] in "+-−" and text[start:at].strip() and text[at - 1] not in "_^":
            return at
    return len(text)


def _terms(found: re.Match[str], body: str, nodes: Collection[str], gradient: Callable[[str], bool]) -> Iterator[str]:
    shifted = re.compile(
        rf"(?P<name>\\?[^\W\d_]+)(?:_\s*|\^\s*(?=\{{?\s*[(<\[]))(?P<brace>\{{)?\s*(?P<round>[(<\[])?\s*{found['letter']}"
        rf"\s*(?P<by>[-+−]\s*\d+)?\s*(?(round)[)>\]])\s*(?(brace)\}})(?![a-zA-Z0-9_])")  # fmt: skip
    names = {(one["name"], _shift(one)) for one in shifted.finditer(body)}
    if not names:
        return
    last = found["last"] or found["end"] or ""
    first = int(found["first"] or 1)
    stop = int(last) if last.isdecimal() and len(last) <= len(str(MAX_STEPS)) + 3 else first + MAX_STEPS
    for step in range(first, min(stop, first + MAX_STEPS) + 1):
        if all(_is_known(name, step + by, nodes, gradient) for name, by in names):
            term = shifted.sub(lambda one, step=step: f"{one['name']}_{{{step + _shift(one)}}}", body)  # type: ignore[misc]
            yield f"({term.strip() if LATEX in body else _BRACED.sub(PLAIN, term).strip()})"


def _shift(found: re.Match[str]) -> int:
    return int(re.sub(r"\s", "", found["by"] or "0").replace("−", "-"))


def _is_known(name: str, step: int, nodes: Collection[str], gradient: Callable[[str], bool]) -> bool:
    spelled = f"{name.removeprefix(LATEX)}_{step}".translate(SUBSCRIPTS)
    return step >= 0 and (other_spelling(spelled, nodes) is not None or gradient(spelled))
