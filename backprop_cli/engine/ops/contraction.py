"""einsum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from backprop_cli.engine.ops import costs
from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, named, op
from backprop_cli.engine.ops.tensor import LETTERS, Array, Tensor, Words
from backprop_cli.language.model import Shape

HINT = "write it like 'ij,jk->ik': one group of letters a tensor"


@lru_cache(maxsize=512)
def explicit(subscripts: str, ranks: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """The letters of each operand and of the result, with '...' and an omitted result written out.

    Raises:
        ParameterError: the text is no such expression, or does not fit the operands' ranks.
    """
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    groups = left.split(",")
    if not all(c.isascii() and c.isalpha() or c in ".,->" for c in text) or ">" in right or len(groups) != len(ranks):
        raise ParameterError("subscripts", f"{subscripts!r} does not describe {len(ranks)} tensors; {HINT}")
    spare = [c for c in LETTERS if c not in text]
    hidden = [_hidden(group, rank, subscripts) for group, rank in zip(groups, ranks, strict=True)]
    wide = "".join(spare[: max(hidden, default=0)])
    inputs = tuple(group.replace("...", wide[len(wide) - n :]) for group, n in zip(groups, hidden, strict=True))
    output = right.replace("...", wide) if arrow else wide + _implied("".join(groups).replace(".", ""))
    if len(set(output)) != len(output) or not set(output) <= set("".join(inputs)):
        raise ParameterError("subscripts",
                             f"each letter of the result stands once in it, and in an operand: {subscripts!r}")
    return inputs, output


def _hidden(group: str, rank: int, subscripts: str) -> int:
    """How many axes an ellipsis stands for."""
    letters = group.replace("...", "", 1)
    if "." in letters or ("..." not in group and len(letters) != rank) or len(letters) > rank:
        raise ParameterError("subscripts", f"{group!r} of {subscripts!r} stands for a tensor of rank {rank}; {HINT}")
    return rank - len(letters)


def _implied(letters: str) -> str:
    """Without an arrow: the letters that stand once, sorted."""
    return "".join(sorted(c for c in set(letters) if letters.count(c) == 1))


def _diagonals(letters: str, shape: Shape, position: int, subscripts: str) -> None:
    """A letter twice in one operand takes a diagonal, and that of a square."""
    for letter in set(letters):
        sizes = {int(size) for one, size in zip(letters, shape, strict=True) if one == letter}
        if len(sizes) > 1:
            both = " and ".join(map(str, sorted(sizes)))
            raise ShapeError(f"axis {letter!r} of {subscripts!r} has sizes {both} in one operand", position)


def _sizes(inputs: Sequence[str], shapes: Sequence[Shape], subscripts: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for position, (letters, shape) in enumerate(zip(inputs, shapes, strict=True)):
        _diagonals(letters, shape, position, subscripts)
        for letter, size in zip(letters, shape, strict=True):
            known = sizes.get(letter, 1)
            if size not in (1, known) and known != 1:
                raise ShapeError(f"axis {letter!r} of {subscripts!r} has sizes {known} and {size}", position)
            sizes[letter] = size if known == 1 else named(known, size) if size == known else known
    return sizes


def einsum_shape(*shapes: Shape, subscripts: str) -> Shape:
    """The sizes of the result's letters."""
    if not isinstance(subscripts, str):
        raise ParameterError("subscripts", f"einsum takes its subscripts as text; {HINT}")
    inputs, output = explicit(subscripts, tuple(map(len, shapes)))
    sizes = _sizes(inputs, shapes, subscripts)
    return tuple(sizes[letter] for letter in output)


def einsum(subscripts: str, *xs: Array) -> Array:
    """numpy's einsum, by matrix products where there are any."""
    inputs, output = explicit(subscripts, tuple(map(np.ndim, xs)))
    shapes = tuple(map(np.shape, xs))
    if any(np.asarray(x).dtype.hasobject for x in xs):
        return _exact(inputs, output, xs, shapes)
    written = f"{','.join(inputs)}->{output}"
    found: Array = np.einsum(written, *xs, optimize=len(xs) > 1 and _order(written, *shapes))
    return found


def _exact(inputs: Sequence[str], output: str, xs: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> Array:
    """Of objects, which numpy's products of matrices do not take: in the same order, each sum by itself."""
    groups, operands = list(inputs), list(xs)
    for step, left in _contractions(inputs, output, shapes):
        met = ",".join(groups[i] for i in step)
        made = np.einsum(f"{met}->{left}", *(operands[i] for i in step))
        groups = [*(one for i, one in enumerate(groups) if i not in step), left]
        operands = [*(one for i, one in enumerate(operands) if i not in step), made]
    return operands[0]


def _contractions(inputs: Sequence[str], output: str, shapes: Iterable[Shape]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Which operands meet, and the letters of what they make, which stands behind the others; last the whole."""
    groups = list(inputs)
    for step in _order(f"{','.join(inputs)}->{output}", *(tuple(map(int, shape)) for shape in shapes))[1:]:
        met = {letter for i in step for letter in groups[i]}
        groups = [group for i, group in enumerate(groups) if i not in step]
        left = "".join(sorted(met & {*output, *"".join(groups)})) if groups else output
        groups.append(left)
        yield step, left


@lru_cache(maxsize=256)
def _order(written: str, *shapes: tuple[int, ...]) -> list[Any]:
    """In which order the operands meet, two at a time; what the letters are called does not matter.

    The rules of a product of many, one for each operand, look alike once letters are called as they come.
    """
    letters = dict.fromkeys(sign for sign in written if sign.isalpha())
    return _searched(written.translate({ord(a): b for a, b in zip(letters, LETTERS, strict=False)}), *shapes)


@lru_cache(maxsize=256)
def _searched(written: str, *shapes: tuple[int, ...]) -> list[Any]:
    """The order that numpy finds; the search takes the cube of how many operands there are."""
    dummies = [np.broadcast_to(0.0, shape) for shape in shapes]
    found: list[Any] = np.einsum_path(written, *dummies, optimize="greedy")[0]
    return found


def _steps(shapes: Sequence[Shape], subscripts: str) -> tuple[int, int]:
    """(numbers, operations) of the contractions, two operands at a time, in the order that numpy finds."""
    inputs, output = explicit(subscripts, tuple(map(len, shapes)))
    sizes = {letter: int(n) for letter, n in _sizes(inputs, shapes, subscripts).items()}
    groups, numbers, work = list(inputs), sum(map(costs.size, shapes)), 0
    for step, left in _contractions(inputs, output, shapes):
        met = {letter for i in step for letter in groups[i]}
        groups = [*(group for i, group in enumerate(groups) if i not in step), left]
        numbers += prod(sizes[letter] for letter in left)
        work += 2 * prod(sizes[letter] for letter in met)
    return numbers, work


def _rule(xp: Words, which: int, g: Tensor, y: Tensor, *xs: Tensor, subscripts: str) -> Tensor:
    """The result and the operand change places.

    Letters that only the operand has, or it alone at full size, meet a tensor of ones; the second of a repeated letter
    an identity matrix; an axis of size 1 that was broadcast is summed away.
    """
    shapes = [x.shape for x in xs]
    inputs, output = explicit(subscripts, tuple(map(len, shapes)))
    sizes = _sizes(inputs, shapes, subscripts)
    others = [i for i in range(len(xs)) if i != which]
    operands, letters = [g, *(xs[i] for i in others)], [output, *(inputs[i] for i in others)]
    spare = iter(c for c in LETTERS if c not in "".join(inputs))
    wide = {*output, *(letter for i in others for letter, n in zip(inputs[i], shapes[i], strict=True)
                       if n == sizes[letter])}  # fmt: skip
    target = ""
    for letter, size in zip(inputs[which], shapes[which], strict=True):
        if size == 1 and sizes[letter] != 1:
            continue
        if letter in target:
            twin = next(spare)
            operands.append(xp.eye(n=size))
            letters.append(letter + twin)
            target += twin
        else:
            if letter not in wide:
                operands.append(xp.ones(shape=(size,)))
                letters.append(letter)
            target += letter
    result = xp.einsum(*operands, subscripts=f"{','.join(letters)}->{target}")
    return result if len(target) == len(shapes[which]) else xp.reshape(result, shape=shapes[which])


op("einsum([xs]; subscripts)", "Sums of products, Einstein's notation: einsum('ij,jk->ik', a, b).",
   lambda xp, *xs, subscripts: einsum(subscripts, *xs),
   temporary=lambda y, *xs, subscripts: 2 * _steps(xs, subscripts)[0],
   work=lambda y, *xs, subscripts: _steps(xs, subscripts)[1],
   shape=einsum_shape, vjps=_rule, group="linear algebra",   example="einsum('ij,jk->ik', a, b)",
   samples=tuple(Sample(shapes, {"subscripts": text}) for text, shapes in (
       ("ij,jk->ik", ((2, 3), (3, 2))), ("i->", ((3,),)), ("ij->ji", ((2, 3),)), ("ii->i", ((3, 3),)),
       ("ii", ((3, 3),)),
       ("bij,bjk->bik", ((2, 2, 3), (2, 3, 2))), ("i,j->ij", ((2,), (3,))), ("ij,kl->", ((2, 3), (2, 2))),
       ("...i,ij->...j", ((2, 2, 3), (3, 2))), ("ij,jk,k->i", ((2, 3), (3, 2), (2,))), ("i,i", ((3,), (3,))),
       ("...i,...i->...", ((2, 1, 3), (4, 3))), ("iij->j", ((2, 2, 3),)), ("ij->i", ((2, 3),)), (",i->i", ((), (3,))),
       ("ij,ij->i", ((2, 1), (2, 3))))),
   linear="xs")

