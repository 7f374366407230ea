"""A printed part of a formula, and how tightly the parts bind."""

from __future__ import annotations

from backprop_cli.records import dataclass

ADD, NEGATIVE, MUL, MATMUL, GRADIENT, POWER, CALL, ATOM = 1, 1, 2, 2, 3, 4, 5, 6
"""Levels: a part is bracketed inside another that binds more tightly."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A printed part and how loosely it binds; `reaches`: without brackets it would take in any factor after it.

    `trails`: a product whose last factor reaches.
    """

    text: str
    level: int
    reaches: bool = False
    trails: bool = False
