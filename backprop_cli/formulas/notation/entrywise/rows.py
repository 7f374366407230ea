"""How the entry of an operator is made of its operands' entries: a row an operator."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.formulas.notation.entrywise import gathering, moving, products, reducing, windows
from backprop_cli.formulas.notation.entrywise.walker import Row

ROWS: Mapping[str, Row] = {**products.ROWS, **reducing.ROWS, **moving.ROWS, **gathering.ROWS, **windows.ROWS}
"""The operators whose entries are made of their operands' entries."""
