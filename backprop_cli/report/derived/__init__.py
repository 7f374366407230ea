"""A worked solution in each of its formats; a new one is a module and a row."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from backprop_cli.records import dataclass
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.report.derived.solution import Solution


@dataclass(frozen=True, slots=True)
class Form:
    """A format: the suffixes that choose it, and the notations that it needs."""

    suffixes: tuple[str, ...]
    notations: tuple[str, ...] = ("marked_text",)


FORMATS = {
    "text": Form((".txt",)),
    "markdown": Form((".md", ".markdown"), ("text", "marked_latex")),
    "latex": Form((".tex",), ("text", "marked_latex")),
    "html": Form((".html", ".htm"), ("text", "marked_mathml")),
}
SUFFIXES = {name: form.suffixes for name, form in FORMATS.items()}


def renderer(name: str) -> Callable[[Solution, View], str]:
    """The callable of a format; only now is its module imported."""
    found: Callable[[Solution, View], str] = import_module(f"backprop_cli.report.derived.{name}").render
    return found
