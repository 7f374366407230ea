"""A worked sheet: sections of equations and tables, as data; each format of a page is one module that writes it.

What `step`, `jacobian` and `hessian` found becomes a sheet once, and a sheet is written in Markdown, LaTeX or HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from backprop_cli.records import dataclass, field
from backprop_cli.report.view import View

Written = Mapping[str, str]
"""A formula by notation: `text`, and where there is one `latex`."""


@dataclass(frozen=True, slots=True)
class Equation:
    """left = each of `steps` = value; `where` says for which entries it holds."""

    left: Written
    steps: tuple[Written, ...]
    value: object = None
    sign: str = "="
    where: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a head; cells are plain text."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, equations under each other, sentences, tables."""

    heading: str
    equations: tuple[Equation, ...] = ()
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    picture: str = ""  # an SVG of our own, for the formats that can hold one


@dataclass(frozen=True, slots=True)
class Sheet:
    """The page."""

    title: str
    spec: str
    sections: tuple[Section, ...]
    warnings: tuple[str, ...] = field(default=())
    legend: tuple[str, ...] = ()  # what the signs in it mean


FORMATS: Mapping[str, tuple[str, ...]] = {
    "markdown": (".md", ".markdown"), "latex": (".tex",), "html": (".html", ".htm"),
}  # fmt: skip
"""Name, which is its module's, and the suffixes of `-o` that choose it."""


def render(name: str, sheet: Sheet, view: View) -> str:
    """The sheet in a format; only now is its module imported."""
    found: str = import_module(f"{__name__}.{name}_").render(sheet, view)
    return found
