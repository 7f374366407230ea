"""A computation graph as a Mermaid flowchart, which Markdown pages on the web show as a picture.

Mermaid spells characters as `#quot;`, `#35;`; every sign that could end a label, start markup or begin a list
is spelled, and the names of nodes are numbers of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from backprop_cli.report.diagram import Arrow, Box, Diagram, shortened
from backprop_cli.report.plain import safe
from backprop_cli.report.view import View

CLASSES = """\
  classDef dataLeaf fill:#f6f8fa,stroke:#57606a,color:#1f2328
  classDef paramLeaf fill:#fff8c5,stroke:#9a6700,color:#1f2328
  classDef inner fill:#ffffff,stroke:#57606a,color:#1f2328
  classDef result fill:#ddf4ff,stroke:#0969da,stroke-width:2px,color:#1f2328"""

MOST_ARROWS, MOST_CHARACTERS = 500, 50_000
"""What Mermaid draws unless its page says otherwise (its settings `maxEdges` and `maxTextSize`)."""

TOO_LARGE = "%% {} arrows, {} characters: a page draws 500 and 50000 unless it is set to more; --format svg draws all\n"

BRACKETS = {"input": '["{}"]', "param": '["{}"]', "node": '("{}")'}


def render(diagram: Diagram, view: View) -> str:
    """A flowchart: leaves as boxes, nodes rounded; a dotted arrow is one along which no gradient comes back."""
    diagram = diagram.beside_users
    title = json.dumps(safe(diagram.heading), ensure_ascii=view.ascii)
    lines = ["---", f"title: {title}", "---", "flowchart TD"]
    lines += [f"  n{i}{BRACKETS[box.kind].format(_label(box, view))}" for i, box in enumerate(diagram.boxes)]
    lines += [_edge(arrow, view) for arrow in diagram.arrows]
    text = "\n".join([*lines, CLASSES, *_members(diagram.boxes)]) + "\n"
    large = len(diagram.arrows) > MOST_ARROWS or len(text) > MOST_CHARACTERS
    return text + (TOO_LARGE.format(len(diagram.arrows), len(text)) if large else "")


def _label(box: Box, view: View) -> str:
    first = f"{box.name} = {shortened(box.expression)}" if box.expression else box.name
    hook = ", hook" if box.hooked else ""
    told = [first, box.shape + hook, *box.value, *box.gradient_lines]
    return "<br/>".join(escaped(line, view) for line in ([box.name] if box.again else told))


def _edge(arrow: Arrow, view: View) -> str:
    line = "-->" if arrow.active else "-.->"
    label = f'|"{escaped(arrow.label, view)}"|' if arrow.label else ""
    return f"  n{arrow.source} {line}{label} n{arrow.target}"


ROLES = {"input": "dataLeaf", "param": "paramLeaf", "node": "inner", "output": "result"}
"""The class of a kind of box; names such as `node` are Mermaid's own."""


def _members(boxes: Sequence[Box]) -> Iterator[str]:
    """Which boxes are of which class."""
    for kind, role in ROLES.items():
        members = [f"n{i}" for i, box in enumerate(boxes) if ("output" if box.output else box.kind) == kind]
        if members:
            yield f"  class {','.join(members)} {role}"


_SPECIAL = re.compile(r'["#&<>`\\;]')


def escaped(text: str, view: View) -> str:
    """User text for a quoted label."""
    text = _SPECIAL.sub(lambda found: f"#{ord(found[0])};", safe(text))
    return "".join(c if c.isascii() else f"#{ord(c)};" for c in text) if view.ascii else text
