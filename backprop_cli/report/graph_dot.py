r"""A computation graph for Graphviz: `backprop graph net.yaml --format dot | dot -Tpdf > net.pdf`.

A quoted string of DOT knows \-escapes and HTML's character references, so both are spelled; names of nodes are
numbers of ours, never the user's.
"""

from __future__ import annotations

from collections.abc import Iterator

from backprop_cli.report.diagram import Arrow, Box, Diagram, shortened
from backprop_cli.report.plain import safe
from backprop_cli.report.view import View

HEAD = """\
  rankdir=TB;
  labelloc=t;
  fontname="Helvetica";
  node [fontname="Helvetica", fontsize=11, style="filled", color="#57606a", fillcolor="white", margin="0.12,0.06"];
  edge [color="#0969da", fontname="Helvetica", fontsize=9, fontcolor="#57606a"];"""

STYLES = {
    "input": 'shape=box, fillcolor="#f6f8fa"',
    "param": 'shape=box, fillcolor="#fff8c5"',
    "node": 'shape=box, style="rounded,filled"',
}
OUTPUT = 'peripheries=2, color="#0969da"'
BREAK = r"\n"
INACTIVE = 'style=dashed, color="#8c959f"'


def render(diagram: Diagram, view: View) -> str:
    """A digraph: leaves as sharp boxes, nodes rounded; an edge along which no gradient comes back is dashed."""
    diagram = diagram.beside_users
    lines = [f'digraph "{quoted(diagram.heading)}" {{', f'  label="{quoted(diagram.heading)}";', HEAD]
    lines += [f"  n{i} [{', '.join(_attributes(box))}];" for i, box in enumerate(diagram.boxes)]
    lines += [_edge(arrow) for arrow in diagram.arrows]
    text = "\n".join([*lines, "}"]) + "\n"
    return text.encode("ascii", "xmlcharrefreplace").decode() if view.ascii else text


def _attributes(box: Box) -> Iterator[str]:
    first = f"{box.name} = {shortened(box.expression)}" if box.expression else box.name
    notes = [box.shape, *(["hook"] if box.hooked else [])]
    if box.again:
        yield f'label="{quoted(box.name)}"'
    else:
        told = [first, ", ".join(notes), *box.value, *box.gradient_lines]
        yield f'label="{BREAK.join(map(quoted, told))}"'
    yield f'tooltip="{quoted(box.expression or box.kind)}"'
    yield STYLES[box.kind]
    if box.output:
        yield OUTPUT


def _edge(arrow: Arrow) -> str:
    label = [f'label="{quoted(arrow.label)}"'] if arrow.label else []
    attributes = ", ".join([*label, *([] if arrow.active else [INACTIVE])])
    return f"  n{arrow.source} -> n{arrow.target}{f' [{attributes}]' if attributes else ''};"


_MEANT = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\\": "\\\\"})


def quoted(text: str) -> str:
    """User text for a quoted string."""
    return safe(text).translate(_MEANT)
