r"""The examples of a batch by what stands above: `x^{(i)}`, `a^{[2](i)}`, `x_j^{(i)}` are rows, columns and entries.

Whether examples are rows or columns the formula does not say: `x[i, examples]` stands for either, and is read as both.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from backprop_cli.language import expression as ast
from backprop_cli.records import replace
from backprop_cli.tasks.grading.items import GRADIENT_LEADS, other_spelling

EXAMPLES = "examples"
"""Behind the letters of what is of an example."""

_EXAMPLE = re.compile(
    r"(?P<name>\\(?:hat|bar|tilde|mathbf|boldsymbol)\s*\{\s*\\?\w+\s*\}|\\?[^\W\d_]\w*?)"
    r"(?:_(?:(?P<one>[a-z])|\{(?P<sub>[a-z](?:\s*,?\s*[a-z])?)\}))?\s*\^\s*"
    r"(?:\{\s*(?:\[\s*(?P<layer>\d+)\s*\])?\s*\(\s*(?P<letter>[a-z])\s*\)\s*(?P<turned>T|\\top|⊤)?\s*\}"
    r"|\(\s*(?P<plain>[a-z])\s*\))")  # fmt: skip
_BARE = re.compile(r"\\(?:hat|bar|tilde|mathbf|boldsymbol)|[\\{}\s]")


def by_example(text: str, nodes: Collection[str]) -> str:
    """The text with the letter of an example behind its name; a letter that is a node is a power."""
    latex = "\\" in text

    def plain(found: re.Match[str]) -> str:
        letter = found["letter"] or found["plain"]
        stem = _BARE.sub("", found["name"]) + (found["layer"] or "")
        if letter in nodes or not _is_node(stem, nodes):
            return found[0]
        inner = re.sub(r"[\s,]", "", found["one"] or found["sub"] or "")
        letters, turned = ", ".join([letter, *inner, EXAMPLES]), "^T" if found["turned"] else ""
        if latex:
            name = found["name"] if "\\" in found["name"] else rf"\mathrm{{{stem}}}"
            return f"{{{name}}}_{{{letters}}}{turned}"
        return f"{found['name']}{found['layer'] or ''}[{letters}]{turned}"

    return _EXAMPLE.sub(plain, text) if "^" in text else text


def _is_node(stem: str, nodes: Collection[str]) -> bool:
    """Whether a name is a node's, or its gradient's, in capitals or not; with a hat, of its target."""
    bare = (stem.removeprefix(lead) for lead in GRADIENT_LEADS)
    return any(one and (other_spelling(one, nodes) or other_spelling(one.capitalize(), nodes)) for one in bare)


def is_example(part: ast.Expression) -> bool:
    """Whether letters stand behind an operand of which the first is that of an example."""
    if not isinstance(part, ast.Indexed) or len(part.subscripts) < 2:
        return False
    last = part.subscripts[-1]
    return isinstance(last, ast.Name) and last.name == EXAMPLES


def in_rows(part: ast.Expression) -> ast.Expression:
    """Examples are rows: `x[i]`, `x[i, j]`."""
    if not isinstance(part, ast.Indexed) or not is_example(part):
        return part
    return replace(part, subscripts=part.subscripts[:-1])


def in_columns(part: ast.Expression) -> ast.Expression:
    """Examples are columns: `x[:, i]`, `x[j, i]`."""
    if not isinstance(part, ast.Indexed) or not is_example(part):
        return part
    example, *others = part.subscripts[:-1]
    whole = ast.Slice(part.start, part.end, None, None, None)
    return replace(part, subscripts=(*(others or [whole]), example))
