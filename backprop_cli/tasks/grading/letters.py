"""Letters that stand for axes in a formula: what they stand behind, and how far they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from backprop_cli.language import expression as ast
from backprop_cli.tasks.grading.axes import without_ones
from backprop_cli.tasks.grading.shifted import Shifted

SUM = re.compile(r"(?:Σ|sum)_([a-z])")
"""A sum over a letter, by the name of its function."""

Placed = tuple[ast.Expression, tuple[str | Shifted, ...]]
"""An operand, and the letters behind it."""

IDENTITY = "I"

KRONECKER = "δ_ij"
"""The operand of `δ_{ij}`, 1 where both letters are the same; as large as they say."""


def single(names: Sequence[str | Shifted]) -> list[str]:
    """The letters one by one."""
    return [one for name in names for one in (name.letters if isinstance(name, Shifted) else (name,))]


def is_identity(operand: ast.Expression) -> bool:
    """Whether this is `δ_{ij}`."""
    return isinstance(operand, ast.Name) and operand.name == KRONECKER


def reaches(expression: ast.Expression, letters: Sequence[str], wanted: tuple[int, ...],
            operand: Callable[[ast.Expression], Placed | None], shape: Callable[[ast.Expression], tuple[int, ...]],
            ) -> tuple[set[str], dict[str, int]]:  # fmt: skip
    """The letters that no sum goes over, and how far each letter runs.

    That is by the axes that it stands at alone; then by the answer; then inside the others.
    """
    parts = ast.parts(expression)
    placed = [one for part in parts if (one := operand(part)) is not None and not is_identity(one[0])]
    summed_over = (SUM.fullmatch(part.function) for part in parts if isinstance(part, ast.Call))
    letters_of = {letter for _, names in placed for letter in single(names)}
    free = letters_of - {found[1] for found in summed_over if found} - {":"}
    order = list(letters) if {*letters} == free else sorted(free)
    far: dict[str, int] = {}
    sums = []
    for tensor, names in placed:
        bare = without_ones(shape(tensor))
        if len(names) <= len(bare):
            sums += [(name, length) for name, length in zip(names, bare, strict=False) if isinstance(name, Shifted)]
            for name, length in zip(names, bare, strict=False):
                if isinstance(name, str) and name != ":":
                    far.setdefault(name, length)
    if len(letters) == len(without_ones(wanted)):
        far = dict(zip(letters, without_ones(wanted), strict=True)) | far
    if sums and len(order) == len(without_ones(wanted)):
        far = dict(zip(order, without_ones(wanted), strict=True)) | far
    for shifted, whole in sums:
        for letter in {*shifted.letters} - far.keys():
            if (size := shifted.size(whole, letter, far)) is not None:
                far[letter] = size
    return free, far
