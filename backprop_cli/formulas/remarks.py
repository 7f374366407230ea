"""What books say once of the gradients of a network: their shapes, and what the error of a layer is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from backprop_cli.engine.graph import Node

if TYPE_CHECKING:
    from backprop_cli.formulas.worked import Contribution

SHAPE = "a gradient has the shape of its node"
ERROR = "the gradient at what goes into an activation is what books call the error δ of its layer"

UNIT = "{unit}[k] is the unit vector: 1 at k, else 0"

STEPS_LEFT_OUT = ("written in full, the derivation is too long to be read: from some node on each gradient has its "
                  "compact formula alone; the steps of one node: derive SPEC NODE")
"""What is said once, as a warning and where the first of them stands."""

TOO_LONG = "put together, the formula is long; run --terms nodes prints it"


def remarks(node: Node, users: Sequence[Node], parts: Sequence[Contribution], unit: str) -> tuple[str, ...]:
    """What there is to say of a node's gradient besides its derivation; `unit` is the letter of unit vectors."""
    holds = {SHAPE: bool(node.shape), ERROR: is_activated(node, users),
             UNIT.format(unit=unit): unit and any(_says(part, unit) for part in parts)}  # fmt: skip
    return tuple(text for text, so in holds.items() if so)


def _says(part: Contribution, unit: str) -> bool:
    """Whether a contribution has a unit vector in one of its lines."""
    lines = (part.local.right, part.chain, part.substituted)
    return any(re.search(rf"\b{unit}\[\d", line.text) for line in lines if line is not None)


def is_weighted(node: Node) -> bool:
    """Whether a node is computed by a product with weights, or a sum of some."""
    return node.op is not None and (node.op.name == "add" or len(node.inputs) > 1 and node.op.is_multilinear)


def is_activated(node: Node, users: Sequence[Node]) -> bool:
    """Whether a node is a weighted input: computed by a product or a sum of some, and used by an activation alone."""
    if not is_weighted(node) or len(users) != 1:
        return False
    (user,) = users
    return user.op is not None and user.op.activation and user.inputs[0] == node.index
