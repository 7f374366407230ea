"""The formats of a computation graph: a new one is one module with a `render` and one row here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from backprop_cli.records import dataclass
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.report.diagram import Diagram


@dataclass(frozen=True, slots=True)
class Format:
    """A row: where `render` lives, and the file suffixes that choose it."""

    module: str
    suffixes: tuple[str, ...]


FORMATS: dict[str, Format] = {
    "text": Format("graph_text", (".txt",)),
    "dot": Format("graph_dot", (".dot", ".gv")),
    "mermaid": Format("graph_mermaid", (".mmd", ".mermaid")),
    "svg": Format("graph_svg", (".svg",)),
}


def renderer(name: str) -> Callable[[Diagram, View], str]:
    """The callable of a format; only now is its module imported."""
    found: Callable[[Diagram, View], str] = import_module(f"backprop_cli.report.{FORMATS[name].module}").render
    return found


SUFFIXES = {name: row.suffixes for name, row in FORMATS.items()}
"""Which format a file's suffix asks for."""
