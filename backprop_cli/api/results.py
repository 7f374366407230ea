"""What the API hands back: numbers and formulas by name, which show themselves in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from backprop_cli.engine.graph import build
from backprop_cli.errors import UsageError
from backprop_cli.formulas.printed import Omitted, Printed
from backprop_cli.language.model import Spec
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.records import dataclass
from backprop_cli.report.arrays import one_line
from backprop_cli.report.view import View
from backprop_cli.tasks.result import NodeResult, Result

VIEW = View()
DIGITS = 6


@dataclass(frozen=True, slots=True)
class Drawing:
    """A computation graph; a notebook shows it as a picture, `str` gives the SVG."""

    svg: str

    def __str__(self) -> str:
        return self.svg

    def _repr_svg_(self) -> str:
        return self.svg


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a run.

    `value` and `grad` are arrays of the node's `shape` (numbers for scalars); `grad` is None where the output does not
    depend on it through anything differentiable.  `formula`, `code` and `latex` are its gradient as text, in the spec
    language and as LaTeX, short; `formulas` holds every term (`local`, `nodes`, `compact`, `leaves`) in every notation.
    """

    output: str
    found: NodeResult

    @property
    def name(self) -> str:
        """What it is called."""
        return self.found.name

    @property
    def kind(self) -> str:
        """`input`, `param` or `node`."""
        return self.found.kind

    @property
    def shape(self) -> tuple[int, ...]:
        """The sizes of its axes."""
        return tuple(map(int, self.found.shape))

    @property
    def expression(self) -> str | None:
        """What the spec says of it; None for a leaf."""
        return self.found.expression

    @property
    def value(self) -> Any:
        """Its value."""
        return self.found.value

    @property
    def grad(self) -> Any:
        """The gradient of the output by it."""
        return None if self.found.gradient is None else self.found.gradient.value

    @property
    def formulas(self) -> Mapping[str, Printed | Omitted]:
        """Its gradient as formulas, by terms; each is a mapping by notation."""
        return {} if self.found.gradient is None else self.found.gradient.formula

    @property
    def formula(self) -> str | None:
        """Its gradient as a student would write it."""
        return self._in("text")

    @property
    def code(self) -> str | None:
        """Its gradient in the spec language."""
        return self._in("code")

    @property
    def latex(self) -> str | None:
        """Its gradient as LaTeX, for mathematics mode."""
        return self._in("latex")

    def _in(self, notation: str) -> str | None:
        for terms in ("compact", "nodes", "local", "leaves"):
            found = self.formulas.get(terms)
            if isinstance(found, Printed):
                return found[notation]
        return None

    def __repr__(self) -> str:
        grad = "" if self.grad is None else f", grad={_short(self.grad)}"
        formula = "" if self.formula is None else f", formula={self.formula!r}"
        return f"<{self.kind} {self.name}: value={_short(self.value)}{grad}{formula}>"

    def _repr_latex_(self) -> str | None:
        from backprop_cli.formulas.notation.latex_words import latex_name

        if self.latex is None:
            return None
        top, bottom = latex_name(self.output), latex_name(self.name)
        return f"$\\displaystyle \\frac{{\\partial {top}}}{{\\partial {bottom}}} = {self.latex}$"

    def _repr_html_(self) -> str:
        return _table([self])


def _short(value: object) -> str:
    text = one_line(value, DIGITS)
    return text if len(text) <= 60 else f"{text[:57]}..."


@dataclass(frozen=True, slots=True)
class Run(Mapping[str, Node]):
    """A spec, run: its nodes by name, in topological order.

    In a notebook it is a table of values and gradients under the graph; `str` gives what `backprop run` prints.
    """

    spec: Spec
    result: Result

    @property
    def output(self) -> str:
        """What was gone back from."""
        return self.result.output

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know: kinks, values that are not finite, facts relied on."""
        return tuple(one.message for one in self.result.warnings)

    @property
    def where(self) -> dict[str, str]:
        """The δ that short formulas use, and what each stands for."""
        return {one.name["text"]: one.formula["text"] for one in self.result.where}

    @property
    def graph(self) -> Drawing:
        """The computation graph as a picture."""
        from backprop_cli.report.diagram import diagram
        from backprop_cli.report.graph_svg import render

        return Drawing(render(diagram(build(self.spec)), VIEW))

    @property
    def yaml(self) -> str:
        """The spec as YAML: what `import` wrote, where it came from Python."""
        from backprop_cli.language.writer import write

        return write(self.spec)

    def __getitem__(self, name: str) -> Node:
        found = self.result.by_name.get(name)
        if found is None:
            near = did_you_mean(name, self.result.by_name)
            raise KeyError(f"no node is called {name!r}" + (f"; {near}" if near else ""))
        return Node(self.output, found)

    def __iter__(self) -> Iterator[str]:
        return iter(self.result.by_name)

    def __len__(self) -> int:
        return len(self.result.by_name)

    def __str__(self) -> str:
        from backprop_cli.report.text import render

        return render(self.result, VIEW)

    def __repr__(self) -> str:
        return f"<run of {self.result.spec}: output {self.output}, {len(self)} nodes>"

    def _repr_html_(self) -> str:
        return self.graph.svg + _table(list(self.values()))

    def _repr_latex_(self) -> str:
        lines = [node._repr_latex_() for node in reversed(list(self.values())) if node.latex is not None]
        body = " \\\\\n".join(str(line).strip("$").replace("= ", "&= ", 1) for line in lines)
        return f"$$\\begin{{aligned}}\n{body}\n\\end{{aligned}}$$"


def _table(nodes: list[Node]) -> str:
    """Nodes as an HTML table; every text in it is escaped."""
    head = "".join(f"<th>{name}</th>" for name in ("node", "shape", "value", "gradient", "formula"))
    rows = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in _cells(node))}</tr>" for node in nodes)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(node: Node) -> tuple[str, ...]:
    said = node.name if node.expression is None else f"{node.name} = {node.expression}"
    shape = " × ".join(map(str, node.shape)) or "scalar"
    grad = "" if node.grad is None else _short(node.grad)
    return tuple(html.escape(text) for text in (said, shape, _short(node.value), grad, node.formula or ""))


@dataclass(frozen=True, slots=True)
class Page:
    """A worked text: `str` is for the terminal, a notebook shows `markdown`."""

    text: str
    markdown: str
    latex: str

    def __str__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.markdown


@dataclass(frozen=True, slots=True)
class Checked:
    """Independent answers for each gradient; true where all agree."""

    report: Any

    @property
    def ok(self) -> bool:
        """Whether every gradient was confirmed."""
        return bool(self.report.ok)

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        from backprop_cli.report.checked import text

        return text(self.report, VIEW)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


@dataclass(frozen=True, slots=True)
class Marks:
    """Answers, marked; true where all are right.  `items` maps an item (`w2.grad`) to its status."""

    graded: Any

    @property
    def ok(self) -> bool:
        """Whether every answer is right."""
        return bool(self.graded.ok)

    @property
    def items(self) -> dict[str, str]:
        """The status of each item: right, wrong, missing, not readable."""
        return {one.item: one.status for one in self.graded.items}

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        from backprop_cli.report.graded import text

        return text(self.graded, VIEW)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


def unknown_terms(terms: tuple[str, ...], known: tuple[str, ...]) -> UsageError:
    """An error for terms that formulas do not come in."""
    wrong = next(one for one in terms if one not in known)
    return UsageError("E022", f"formulas come in no terms {wrong!r}", hint=f"the terms are {', '.join(known)}")
