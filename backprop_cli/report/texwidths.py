r"""How wide the parts of LaTeX mathematics are: points of Computer Modern at 10 pt, rounded up; nothing is compiled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from backprop_cli.records import dataclass

_TOKEN = re.compile(
    r"(?P<mark>[\x01-\x06])|\\left(?P<open>\\?.)|\\right(?P<close>\\?.)|\\(?P<frac>frac)|\\(?P<root>sqrt)"
    r"|\\(?P<font>mathrm|operatorname|texttt|mathbf|text|hat|bar|tilde)(?=\{)|(?P<command>\\[A-Za-z]+|\\.)"
    r"|(?P<script>[_^])|(?P<brace>\{)|(?P<space>\s+)|(?P<char>.)",
    re.DOTALL,
)

_ITALIC = {**dict.fromkeys("ijl", 4.2), **dict.fromkeys("trsbcez", 4.8), "m": 8.8, "w": 7.2,
           **dict.fromkeys("MW", 10.3), "I": 5.2, "J": 6.6}  # fmt: skip
_SIGNS = {**dict.fromkeys("0123456789/", 5.1), **dict.fromkeys(".'!", 2.8), ",": 4.5, **dict.fromkeys("+-", 12.3),
          **dict.fromkeys("=<>:", 13.5), **dict.fromkeys("()", 3.9), **dict.fromkeys("[]|", 2.8)}  # fmt: skip
_ROMAN = {**dict.fromkeys("mwM%@", 8.4), **dict.fromkeys("ilI.,;:'!|", 3.0), **dict.fromkeys("jtfrs()[] ", 4.0)}
_COMMANDS = {r"\odot": 12.3, r"\times": 12.3, r"\cdot": 7.3, r"\star": 9.5, r"\ast": 9.5,
             r"\,": 1.7, r"\ ": 3.4, r"\quad": 10.0,
             r"\qquad": 20.0, r"\partial": 5.8, r"\sum": 16.2, r"\top": 7.8, r"\mapsto": 15.6, r"\infty": 10.0,
             **dict.fromkeys((r"\le", r"\ge", r"\ne", r"\to", r"\sim"), 13.5)}  # fmt: skip
_OPERATORS = re.compile(r"\\(arctan|arcsin|arccos|log|exp|sinh|cosh|tanh|sin|cos|tan|max|min|det)\b")
TALL = (r"\frac", r"\sum", r"\sqrt")
SCRIPT = 0.72


def words(text: str, wide: bool = False) -> float:
    """The width of upright text; `wide`: of typewriter."""
    shown = re.sub(r"\\[A-Za-z]+ ?(?:\{\})?|\\(.)", lambda m: m[1] or "m", text.replace(r"\allowbreak{}", ""))
    return sum(5.3 if wide else _ROMAN.get(c, 7.6 if c.isupper() else 5.6) for c in shown)


def width(tex: str, style: int = 0) -> float:
    """The width of a formula in points; `style` 0 is that of a display, 1 that of text, 2 small."""
    return sum(part.width for part in parts(tex, style))


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a formula that stands in a row with others; `kind` is '' for what is never broken."""

    tex: str
    width: float
    kind: str = ""
    inner: tuple[str, ...] = ()
    ends: tuple[str, str] = ("", "")


def parts(tex: str, style: int = 0) -> list[Part]:
    """A formula as the row that it is."""
    return list(_parts(tex, style))


def _parts(tex: str, style: int) -> Iterator[Part]:
    at, sums = 0, False
    while at < len(tex):
        found = _TOKEN.match(tex, at)
        assert found
        kind = found.lastgroup or ""
        if kind == "script":
            inner, at = _argument(tex, found.end())
            wide = width(inner, 2)
            yield Part(tex[found.start() : at], max(0.0, wide - 14.0) if sums and not style else wide + 0.6)
        elif kind in _READERS:
            part, at = _READERS[kind](tex, found, style)
            yield part
        else:
            at = found.end()
            yield Part(found[0], (SCRIPT if style > 1 else 1.0) * _plain(kind, found[0]))
        sums = found[0] == r"\sum" or sums and kind == "script"


Read = tuple[Part, int]
"""A part, and where it ends."""


def _mark(tex: str, found: re.Match[str], style: int) -> Read:
    return Part(found[0], 0.0, "mark"), found.end()


def _group(tex: str, found: re.Match[str], style: int) -> Read:
    inner, at, close = _closed(tex, found.end())
    tall = any(one in inner for one in TALL)
    wide = width(inner, style) + (SCRIPT if style > 1 else 1.0) * (15.0 if tall else 9.4)
    return Part(tex[found.start() : at], wide, "group", (inner,), (found["open"], close)), at


def _fraction(tex: str, found: re.Match[str], style: int) -> Read:
    above, at = _argument(tex, found.end())
    below, at = _argument(tex, at)
    wide = max(width(above, style + 1), width(below, style + 1)) + 2.6
    return Part(tex[found.start() : at], wide, "frac", (above, below)), at


def _root(tex: str, found: re.Match[str], style: int) -> Read:
    inner, at = _argument(tex, found.end())
    return Part(tex[found.start() : at], width(inner, style) + 9.5, "root", (inner,)), at


def _font(tex: str, found: re.Match[str], style: int) -> Read:
    inner, at = _argument(tex, found.end())
    name, scale = found["font"], SCRIPT if style > 1 else 1.0
    wide = width(inner, style) if name in {"hat", "bar", "tilde"} else scale * words(inner, name == "texttt")
    return Part(tex[found.start() : at], wide + (3.4 if name == "operatorname" else 0.0), name, (inner,)), at


def _brace(tex: str, found: re.Match[str], style: int) -> Read:
    inner, at = _argument(tex, found.start())
    return Part(tex[found.start() : at], width(inner, style), "brace", (inner,)), at


_READERS: Mapping[str, Callable[[str, re.Match[str], int], Read]] = {
    "mark": _mark, "open": _group, "frac": _fraction, "root": _root, "font": _font, "brace": _brace,
}  # fmt: skip
"""By the group of `_TOKEN` that a part begins with."""


def _plain(kind: str, text: str) -> float:
    if kind == "space":
        return 0.0
    if kind == "command":
        name = _OPERATORS.fullmatch(text)
        return words(name[1]) + 3.4 if name else _COMMANDS.get(text, 6.6)
    return _SIGNS.get(text) or _ITALIC.get(text) or (8.0 if text.isupper() else 6.1)


def _argument(tex: str, at: int) -> tuple[str, int]:
    """What a command or a script takes: a group in braces, a command, a character; and where it ends."""
    if tex[at] != "{":
        found = _TOKEN.match(tex, at)
        return (found[0], found.end()) if found else ("", at)
    depth = 0
    for end in range(at, len(tex)):
        escaped = end and tex[end - 1] == "\\"
        depth += 0 if escaped else (tex[end] == "{") - (tex[end] == "}")
        if not depth:
            return tex[at + 1 : end], end + 1
    return tex[at + 1 :], len(tex)


_ENDS = re.compile(r"\\(left|right)(\\?.)")


def _closed(tex: str, at: int) -> tuple[str, int, str]:
    r"""What stands up to the \right of a \left, where it ends, and the bracket."""
    depth, start = 1, at
    for found in _ENDS.finditer(tex, at):
        depth += 1 if found[1] == "left" else -1
        if not depth:
            return tex[start : found.start()], found.end(), found[2]
    return tex[start:], len(tex), ")"
