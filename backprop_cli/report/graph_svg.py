"""A computation graph as a picture: SVG of our own, with no script, no link and no font to fetch.

Colours follow the reader's light or dark mode where the viewer knows it.  User text stands in text nodes only, made
safe and escaped; it is never part of an attribute, a style or an id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from unicodedata import combining, east_asian_width

from backprop_cli.report.diagram import Arrow, Box, Diagram, shortened
from backprop_cli.report.graph_layout import Placed, Point, placed
from backprop_cli.report.plain import safe
from backprop_cli.report.view import View

FONT = 13.0
ADVANCE = 0.602 * FONT  # of a character in every usual fixed-width font
LINE = 18.0
PAD_X, PAD_Y = 14.0, 9.0
MARGIN = 24.0
HEADING = 34.0  # room for the title
FOOT = 30.0  # room for the legend
LONGEST = 44  # characters of an expression; the whole one is in the box's tooltip

STYLE = """\
.graph .page{fill:#ffffff}
.graph .box{fill:#ffffff;stroke:#8c959f;stroke-width:1.2}
.graph .input .box{fill:#f6f8fa}
.graph .param .box{fill:#fff8c5;stroke:#bf8700}
.graph .output .box{fill:#ddf4ff;stroke:#0969da;stroke-width:2}
.graph text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:13px;
fill:#1f2328}
.graph .mid{text-anchor:middle}
.graph .name{font-weight:bold}
.graph .small,.graph .note{font-size:11px;fill:#59636e}
.graph .heading{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;font-size:16px;font-weight:600}
.graph .legend{font-family:system-ui,'Segoe UI',Helvetica,Arial,sans-serif;font-size:12px;fill:#59636e}
.graph .value{font-size:11px;fill:#1a7f37;white-space:pre}
.graph .gradient{font-size:11px;fill:#8250df;white-space:pre}
.graph .edge{fill:none;stroke:#0969da;stroke-width:1.5}
.graph .edge.idle{stroke:#8c959f;stroke-dasharray:5 4}
.graph .head{fill:#0969da}
.graph .head.idle{fill:#8c959f}
.graph .halo{fill:#ffffff}
@media (prefers-color-scheme:dark){
.graph .page,.graph .halo{fill:#0d1117}
.graph .box{fill:#161b22;stroke:#656c76}
.graph .input .box{fill:#21262d}
.graph .param .box{fill:#3a2d05;stroke:#bb8009}
.graph .output .box{fill:#0c2d5a;stroke:#388bfd}
.graph text{fill:#e6edf3}
.graph .small,.graph .note,.graph .legend{fill:#9198a1}
.graph .value{fill:#3fb950}
.graph .gradient{fill:#bc8cff}
.graph .edge{stroke:#58a6ff}
.graph .edge.idle{stroke:#6e7681}
.graph .head{fill:#58a6ff}
.graph .head.idle{fill:#6e7681}
}"""

LEGEND = ("values flow down; the gradient comes back here", "no gradient")


def render(diagram: Diagram, view: View, embedded: bool = False) -> str:
    """The picture, with a title, a description for those who do not see it, and a tooltip a box.

    `embedded`: it stands in a page that has a heading of its own.
    """
    diagram = diagram.beside_users
    texts = [_texts(box) for box in diagram.boxes]
    numbers = diagram.numbers
    layout = placed([_size(lines) for lines in texts], [(arrow.source, arrow.target) for arrow in diagram.arrows])
    wanted = 0.0 if embedded else max(_wide(diagram.heading) * 1.25, 480.0)
    width = max(layout.width, wanted) + 2 * MARGIN
    above = MARGIN + (0 if embedded else HEADING)
    height = layout.height + above + MARGIN + FOOT
    left, top = (width - layout.width) / 2, above
    size = f'viewBox="0 0 {_n(width)} {_n(height)}" width="{_n(width)}" height="{_n(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="graph" {size} role="img"',
        ' aria-labelledby="graph-name graph-desc">',
        f'<title id="graph-name">{escaped(diagram.heading)}</title>',
        f'<desc id="graph-desc">{escaped(described(diagram))}</desc>',
        f"<style>\n{STYLE}\n</style>",
        '<rect class="page" width="100%" height="100%"/>',
        *([] if embedded else [_heading(diagram)]),
        f'<g transform="translate({_n(left)} {_n(top)})">',
        *_edges(diagram.arrows, layout, [numbers[box.name] for box in diagram.boxes]),
        *(line for box, lines, centre in zip(diagram.boxes, texts, layout.centres, strict=True)
          for line in _drawn(box, lines, centre, numbers[box.name])),
        "</g>",
        *_legend(height - MARGIN + 2, any(not arrow.active for arrow in diagram.arrows)),
        "</svg>",
    ]  # fmt: skip
    text = "\n".join(lines) + "\n"
    return text.encode("ascii", "xmlcharrefreplace").decode() if view.ascii else text


def _heading(diagram: Diagram) -> str:
    return f'<text class="heading" x="{_n(MARGIN)}" y="{_n(MARGIN + 12)}">{escaped(diagram.heading)}</text>'


def described(diagram: Diagram) -> str:
    """The picture in a sentence a node."""
    heads = {i: list[str]() for i in range(len(diagram.boxes))}
    for arrow in diagram.arrows:
        heads[arrow.target].append(diagram.boxes[arrow.source].name)
    rows = [f"{box.name}, {box.kind} of shape {box.shape}" + (f", from {' and '.join(heads[i])}" if heads[i] else "")
            for i, box in enumerate(diagram.boxes) if not box.again]  # fmt: skip
    return f"Computation graph with output {' and '.join(diagram.outputs)}. " + "; ".join(rows) + "."


# ── boxes ────────────────────────────────────────────────────────────────────────────────────────


def _texts(box: Box) -> list[tuple[str, str]]:
    """The lines of a box, each with its class."""
    hook = ", hook" if box.hooked else ""
    first = [("name", box.name)]
    if box.again:
        return first
    value = [("value", line) for line in _columns(box.value)]
    gradient = [("gradient", line) for line in _columns(box.gradient_lines)]
    if box.expression:
        return [*first, ("", f"= {shortened(box.expression, LONGEST)}"), ("small", box.shape + hook), *value, *gradient]
    return [*first, ("small", f"{box.kind} {box.shape}{hook}"), *value, *gradient]


def _columns(lines: Sequence[str]) -> list[str]:
    """Rows of numbers as wide as each other: centred, their columns stay under each other."""
    if not any(line.lstrip("∂ ").startswith("[") for line in lines):
        return list(lines)
    width = max(map(len, lines), default=0)
    return [line.ljust(width) for line in lines]


def _size(lines: Sequence[tuple[str, str]]) -> tuple[float, float]:
    return max(_wide(text) for _, text in lines) + 2 * PAD_X, LINE * len(lines) + 2 * PAD_Y


def _wide(text: str) -> float:
    """How wide a text is, about, in a fixed-width font."""
    text = safe(text)
    cells = len(text) if text.isascii() else sum(_cells(char) for char in text)
    return cells * ADVANCE


def _cells(char: str) -> int:
    return 0 if combining(char) else 2 if east_asian_width(char) in {"W", "F"} else 1


def _drawn(box: Box, lines: Sequence[tuple[str, str]], centre: Point, number: int) -> Iterator[str]:
    width, height = _size(lines)
    x, y = centre[0] - width / 2, centre[1] - height / 2
    radius = 3 if box.kind != "node" else 10
    kind = f"{box.kind} output" if box.output else box.kind
    yield f'<g class="{kind}" data-n="{number}"><title>{escaped(_tooltip(box))}</title>'
    yield f'<rect class="box" x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{radius}"/>'
    for position, (style, text) in enumerate(lines):
        base, classes = y + PAD_Y + LINE * position + 13.5, f"mid {style}".strip()
        yield f'<text class="{classes}" x="{_n(centre[0])}" y="{_n(base)}">{escaped(text)}</text>'
    yield "</g>"


def _tooltip(box: Box) -> str:
    whole = f"{box.name} = {box.expression}" if box.expression else f"{box.name}, {box.kind}"
    told = [f"{what} {' '.join(lines)}" for what, lines in (("value", box.value), ("gradient", box.gradient)) if lines]
    return ", ".join([whole, f"shape {box.shape}", *(told if box.active or told else ["no gradient"])])


# ── arrows ───────────────────────────────────────────────────────────────────────────────────────


TIP = 7.0
BESIDE, BELOW = 0.216, 0.376  # a point of the curve, at 0.3 of its parameter


def _edges(arrows: Sequence[Arrow], layout: Placed, numbers: Sequence[int]) -> Iterator[str]:
    for arrow, points in zip(arrows, layout.paths, strict=True):
        idle = "" if arrow.active else " idle"
        x, y = points[-1]
        ends = f'data-from="{numbers[arrow.source]}" data-to="{numbers[arrow.target]}"'
        yield f'<path class="edge{idle}" {ends} d="{_curve([*points[:-1], (x, y - TIP + 1)])}"/>'
        yield f'<path class="head{idle}" d="M{_n(x)} {_n(y)}l-4 -{_n(TIP)}h8z"/>'
    for arrow, points in zip(arrows, layout.paths, strict=True):
        if arrow.label:
            yield from _note(arrow.label, points)


def _curve(points: Sequence[Point]) -> str:
    """Smooth between rows, straight through them; every row is entered and left vertically."""
    parts = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for position, (here, there) in enumerate(pairwise(points)):
        if position % 2:
            parts.append(f"L{_n(there[0])} {_n(there[1])}")
            continue
        middle = (here[1] + there[1]) / 2
        parts.append(f"C{_n(here[0])} {_n(middle)} {_n(there[0])} {_n(middle)} {_n(there[0])} {_n(there[1])}")
    return "".join(parts)


def _note(label: str, points: Sequence[Point]) -> Iterator[str]:
    """A label on the last bend, near its start, where arrows are apart; on a patch of the page's colour."""
    (x0, y0), (x1, y1) = points[-2:]
    x, y = x0 + BESIDE * (x1 - x0), y0 + BELOW * (y1 - y0)
    width = len(label) * 0.602 * 11 + 6
    yield f'<rect class="halo" x="{_n(x - width / 2)}" y="{_n(y - 8)}" width="{_n(width)}" height="15" rx="3"/>'
    yield f'<text class="mid note" x="{_n(x)}" y="{_n(y + 3.5)}">{escaped(label)}</text>'


def _legend(y: float, idle: bool) -> Iterator[str]:
    x = MARGIN
    for text, style in zip(LEGEND, ("", " idle"), strict=True):
        if style and not idle:
            return
        yield f'<path class="edge{style}" d="M{_n(x)} {_n(y - 4)}h26"/>'
        yield f'<text class="legend" x="{_n(x + 34)}" y="{_n(y)}">{text}</text>'
        x += 34 + len(text) * 6.2 + 24


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


_MEANT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def escaped(text: str) -> str:
    """User text between tags."""
    return safe(text).translate(_MEANT)


def _n(value: float) -> str:
    """A coordinate, to a tenth."""
    return f"{value:.1f}".removesuffix(".0")
