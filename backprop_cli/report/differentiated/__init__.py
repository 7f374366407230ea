"""Jacobians and Hessians, in each format: one module a format, one row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module

from backprop_cli.report.view import View
from backprop_cli.tasks.jacobian.results import Differentiated

FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "text": ("text", (".txt",)),
    "json": ("json_", (".json",)),
    "latex": ("latex", (".tex",)),
    "csv": ("csv_", (".csv",)),
}
"""Name: its module, and the suffixes of `-o` that choose it."""


def renderer(name: str) -> Callable[[Sequence[Differentiated], View], str]:
    """The callable of a format; only now is its module imported."""
    found: Callable[[Sequence[Differentiated], View], str] = import_module(f"{__name__}.{FORMATS[name][0]}").render
    return found
