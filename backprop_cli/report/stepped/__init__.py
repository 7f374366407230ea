"""What `step` found, in each format: one module a format, one row here; pages are sheets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module

from backprop_cli.report import sheets
from backprop_cli.report.view import View
from backprop_cli.tasks.stepping.results import Stepped

FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "text": ("text", (".txt",)),
    "json": ("json_", (".json",)),
    "csv": ("csv_", (".csv",)),
    **{name: ("sheet", suffixes) for name, suffixes in sheets.FORMATS.items()},
}
"""Name: its module, and the suffixes of `-o` that choose it."""


def renderer(name: str) -> Callable[[Stepped, View], str]:
    """The callable of a format; only now is its module imported."""
    module = import_module(f"{__name__}.{FORMATS[name][0]}")
    if name in sheets.FORMATS:
        return lambda result, view: sheets.render(name, module.sheet(result, view), view)
    found: Callable[[Stepped, View], str] = module.render
    return found


def streamed(name: str) -> Callable[[Stepped, View], str | Iterator[str]]:
    """The same, in pieces that are made when they are written, where the format can be."""
    found: Callable[[Stepped, View], str | Iterator[str]] | None
    found = getattr(import_module(f"{__name__}.{FORMATS[name][0]}"), "pieces", None)
    return found or renderer(name)
