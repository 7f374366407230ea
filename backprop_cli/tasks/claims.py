"""Facts that a spec states about its leaves, checked against their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.graph import Graph
from backprop_cli.engine.ops.tensor import Array
from backprop_cli.errors import SpecError
from backprop_cli.language.model import Claim, Leaf

NEAR = 1e-6
"""How far from 1 a sum may be, relative to 1: data files are rounded, and float32 is coarse."""


def check_claims(graph: Graph, leaves: Mapping[int, Array]) -> None:
    """What is stated about a leaf holds for its numbers.

    Raises:
        SpecError: E008 at the claim, naming the first entry that contradicts it.
    """
    for index, array in leaves.items():
        for key, claim, words in contradictions(graph.nodes[index].leaf, np.asarray(array)):
            message = f"{graph.nodes[index].name!r} is declared {key}, but {words}"
            raise SpecError("E008", message, at=claim.at.place(), hint=f"correct the numbers, or leave {key!r} out")


def contradictions(leaf: Leaf | None, array: Array) -> Iterator[tuple[str, Claim, str]]:
    """The claims about a leaf that an array does not keep, each with its first entry that does not."""
    for key, claim in (leaf.claims if leaf else {}).items():
        wrong, words = CHECKS[key](array, claim.value)
        if leaf and wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            entry = f"{leaf.name}[{', '.join(map(str, at))}]" if at else leaf.name
            yield key, claim, words(entry, array, at)


def holds(key: str, said: Any, array: Array) -> bool:
    """Whether a claim is true of an array."""
    return not CHECKS[key](array, said)[0].any()


def _is(entry: str, array: Array, at: tuple[int, ...]) -> str:
    return f"{entry} is {array[at]:.6g}"


def _symmetric(array: Array, _: Any) -> tuple[Any, Callable[..., str]]:
    other = np.swapaxes(array, -1, -2)

    def words(entry: str, array: Array, at: tuple[int, ...]) -> str:
        mirrored = ", ".join(map(str, (*at[:-2], at[-1], at[-2])))
        return f"{entry} is {array[at]:.6g} and [{mirrored}] is {other[at]:.6g}"

    return ~np.isclose(array, other, rtol=NEAR, atol=0), words


def _positive(array: Array, _: Any) -> tuple[Any, Callable[..., str]]:
    return ~(array > 0), _is


def _mask(array: Array, _: Any) -> tuple[Any, Callable[..., str]]:
    return (array != 0) & (array != 1), _is


def _sums_to_one(array: Array, axis: int) -> tuple[Any, Callable[..., str]]:
    if (array < 0).any():
        return array < 0, _is
    sums = np.sum(array, axis=axis, keepdims=True)

    def words(entry: str, array: Array, at: tuple[int, ...]) -> str:
        return f"the entries along axis {axis} at {entry} add up to {sums[at]:.6g}"

    return ~np.isclose(sums, 1, rtol=NEAR), words


def _one_hot(array: Array, axis: int) -> tuple[Any, Callable[..., str]]:
    wrong, words = _mask(array, axis)
    return (wrong, words) if wrong.any() else _sums_to_one(array, axis)


CHECKS: Mapping[str, Callable[..., tuple[Any, Callable[..., str]]]] = {
    "symmetric": _symmetric, "positive": _positive, "mask": _mask, "sums_to_one": _sums_to_one, "one_hot": _one_hot,
}  # fmt: skip
