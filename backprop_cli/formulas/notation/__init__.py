"""Formulas in each notation: one layout walk, one module of tokens a notation."""

from importlib import import_module
from typing import Any

from backprop_cli.formulas.notation.layout import Layout
from backprop_cli.formulas.notation.text import Notation
from backprop_cli.formulas.printed import ASKED

_MODULES = {name: import_module(f"backprop_cli.formulas.notation.{name}") for name in (*ASKED, "breakable")}
NOTATIONS: dict[str, Notation] = {name: module.NOTATION for name, module in _MODULES.items()}
WALKS: dict[str, type[Layout]] = {name: getattr(module, "WALK", Layout) for name, module in _MODULES.items()}
"""How a formula is walked: whole, or (index) one entry of it."""


def layout_of(notation: str, *settings: Any) -> Layout:
    """The walk that prints formulas in a notation; `settings` as `Layout` takes them."""
    return WALKS[notation](NOTATIONS[notation], *settings)


CODE, LATEX, MATHML, TEXT = (NOTATIONS[name] for name in ("code", "latex", "mathml", "text"))

__all__ = ["CODE", "LATEX", "MATHML", "NOTATIONS", "TEXT", "Layout", "Notation", "layout_of"]
