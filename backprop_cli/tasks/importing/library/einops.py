"""einops: `rearrange(x, 'b c (h p) w -> b h w (p c)', p=2)` as reshapes, a permutation, and reductions."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from backprop_cli.tasks.importing.arrays import functions
from backprop_cli.tasks.importing.arrays.literals import literal_or_stack
from backprop_cli.tasks.importing.data.starts import Row
from backprop_cli.tasks.importing.state.values import Builtin, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Axes = list[list[str]]
_PART: Final = re.compile(r"\(([^()]*)\)|(\S+)")


def _axes(side: str) -> Axes:
    """`b (h p) 1` as [[b], [h, p], []]: each axis as the letters that it is made of."""
    found = [inner.split() if single == "" else [single] for inner, single in _PART.findall(side)]
    return [[name for name in axis if name != "1"] for axis in found]


def _spread(axes: Axes, rank: int, other: Axes) -> Axes:
    """With letters in place of `...`."""
    rest = rank - sum(axis != ["..."] for axis in other)
    names = [f"...{k}" for k in range(rest)]
    spread: Axes = []
    for axis in axes:
        if axis == ["..."]:
            spread += [[name] for name in names]
        else:
            spread.append([one for name in axis for one in (names if name == "..." else [name])])
    return spread


def _numbered(axes: Axes, sizes: dict[str, int]) -> Axes:
    """With a letter in place of each number: `(h 2)`."""
    found: Axes = []
    for axis in axes:
        found.append([])
        for name in axis:
            if name.isdigit():
                letter = f"#{len(sizes)}"
                sizes[letter] = int(name)
                name = letter  # noqa: PLW2901
            found[-1].append(name)
    return found


def _changed(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST, reduction: str | None,
             *, repeats: bool = False) -> object:  # fmt: skip
    x, pattern = given[0], given[1]
    x = x if isinstance(x, Tensor) else literal_or_stack(machine, x, node)
    refused = machine.record.unread(node, f"the pattern {str(pattern)[:60]!r} does not fit here")
    before, arrow, after = str(pattern).partition("->")
    shape = machine.record.shape(x, node)
    sizes = {name: int(plain(one)) for name, one in named.items() if isinstance(plain(one), int)}
    first = _axes(before)
    left = _numbered(_spread(first, len(shape), first), sizes)
    right = _numbered(_spread(_axes(after), len(shape), first), sizes)
    if not arrow or len(left) != len(shape):
        raise refused
    for axis, size in zip(left, shape, strict=True):
        known = math.prod(sizes[name] for name in axis if name in sizes)
        unknown = [name for name in axis if name not in sizes]
        if len(unknown) > 1 or known == 0 or size % known or not unknown and known != size:
            raise refused
        sizes |= dict.fromkeys(unknown, size // known)
    names = [name for axis in left for name in axis]
    wanted = [name for axis in right for name in axis]
    gone, new = [name for name in names if name not in wanted], [name for name in wanted if name not in names]
    if len(set(names)) != len(names) or len(set(wanted)) != len(wanted) or bool(gone) != bool(reduction) or \
            bool(new) and not repeats or any(name not in sizes for name in new):  # fmt: skip
        raise refused

    def emit(function: str, value: object, *more: object) -> object:
        return functions.emit(machine, function, [value, *more], {}, node)

    value: object = x
    flat = tuple(sizes[name] for name in names)
    if flat != shape:
        value = emit("reshape", value, flat)
    if gone and reduction is not None:
        value = emit(reduction, value, tuple(names.index(name) for name in gone))
        names = [name for name in names if name in wanted]
    kept = [name for name in wanted if name in names]
    if names != kept:
        value = emit("transpose", value, tuple(names.index(name) for name in kept))
    if new:
        value = emit("reshape", value, tuple(1 if name in new else sizes[name] for name in wanted))
        value = emit("broadcast_to", value, tuple(sizes[name] for name in wanted))
    target = tuple(math.prod(sizes[name] for name in axis) for axis in right)
    return value if target == tuple(sizes[name] for name in wanted) else emit("reshape", value, target)


def _rearranged(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return _changed(machine, given, named, node, None)


def _repeated(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return _changed(machine, given, named, node, None, repeats=True)


def _reduced(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    how = given[2] if len(given) > 2 else named.pop("reduction", None)
    if how not in {"mean", "sum", "max", "min", "prod"}:
        raise machine.record.unread(node, "reduce with a function of its own is not read", "write 'mean' or 'sum'")
    return _changed(machine, given[:2], named, node, str(how))


def _summed(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`einops.einsum(a, b, 'b i c, b j c -> b i j')`: words for letters."""
    letters: dict[str, str] = {}
    pattern = re.sub(r"[A-Za-z_]\w*", lambda m: letters.setdefault(m[0], chr(97 + len(letters))), str(given[-1]))
    return functions.apply(machine, "torch", "einsum", [pattern.replace(" ", ""), *given[:-1]], {}, node)


def _layer(row: Row) -> Row:
    """`Rearrange('b c h w -> b (c h w)')`: the same as a layer."""
    return lambda machine, given, named, node: Builtin(
        "einops", lambda m, a, k, n: row(m, [a[0], *given], dict(named), n))


EINOPS: Final[Mapping[str, Row]] = {
    "einops.rearrange": _rearranged, "einops.repeat": _repeated, "einops.reduce": _reduced, "einops.einsum": _summed,
    **{f"einops.layers.{home}.{name}": _layer(row) for home in ("torch", "keras", "tensorflow", "flax")
       for name, row in (("Rearrange", _rearranged), ("Reduce", _reduced))},
}  # fmt: skip
