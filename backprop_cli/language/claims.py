"""Facts that a spec states about a leaf: `symmetric: true`, `sums_to_one: -1`.

Formulas use them, with numbers or without; numbers that contradict one are an error (see `tasks.claims`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backprop_cli.errors import SpecError
from backprop_cli.language.model import Claim, Shape
from backprop_cli.language.reading import wrong_type
from backprop_cli.language.tree import Node, Scalar
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """What a claim says, in a sentence; `axis`: it is about one axis, else it is true or false."""

    doc: str
    axis: bool = False


CLAIMS: Mapping[str, Kind] = {
    "symmetric": Kind("Each matrix equals its transpose."),
    "positive": Kind("Each entry is above 0."),
    "sums_to_one": Kind("The entries along this axis are not negative and add up to 1.", axis=True),
    "one_hot": Kind("Along this axis one entry is 1, the others are 0.", axis=True),
    "mask": Kind("Each entry is 0 or 1."),
}


def read_claims(name: str, shape: Shape, fields: Mapping[str, Node]) -> dict[str, Claim]:
    """The claims about a leaf, by their names; one that is `false` is none.

    Raises:
        SpecError: E008 for a value that is neither true nor false, or no axis; E014 for a shape that cannot have it.
    """
    return {key: claim for key, node in fields.items() if (claim := _claim(name, key, shape, node)) is not None}


def _claim(name: str, key: str, shape: Shape, node: Node) -> Claim | None:
    value: Any = node.value if isinstance(node, Scalar) else None
    if CLAIMS[key].axis and value is not False:
        if type(value) is not int:
            raise wrong_type(node, f"{key!r} is the number of an axis, such as -1")
        if not -len(shape) <= value < len(shape):
            raise SpecError("E014", f"{name!r} has {len(shape)} axes, and no axis {value}", at=node.at.place())
        return Claim(value, node.at)
    if not isinstance(value, bool):
        raise wrong_type(node, f"{key!r} is true or false")
    if value and key == "symmetric" and (len(shape) < 2 or shape[-1] != shape[-2]):
        raise SpecError("E014", f"{name!r} is no square matrix, so it cannot be symmetric", at=node.at.place())
    return Claim(True, node.at) if value else None
