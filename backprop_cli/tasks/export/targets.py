"""What a spec can be exported to: a row each, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec

Exporter = Callable[["Spec", str | None], str]

TARGETS: Mapping[str, str] = {"spec": "as_spec", "numpy": "as_numpy", "torch": "as_torch", "jax": "as_jax",
                                "torch-function": "as_torch_function"}  # fmt: skip
"""The module with the function `export(spec, of)`."""


def exporter(target: str) -> Exporter:
    """The function that writes a spec in a target's language."""
    found: Exporter = import_module(f"backprop_cli.tasks.export.{TARGETS[target]}").export
    return found
