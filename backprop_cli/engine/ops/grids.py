"""Tensors brought to one shape, or to another one that broadcasting would make of it; pairs of entries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations, combinations_with_replacement
from math import comb

from backprop_cli.engine.ops.base import ParameterError, Sample, ShapeError, broadcast, composite, show
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.tensor import Real
from backprop_cli.engine.ops.validate import choice, flag, whole, wholes
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]
MOST_PAIRS = 200
"""Pairs are written out by their places: so many are an expression's length."""


def _stacked(shapes: Shapes, wanted: Shape, shown: Mapping[str, str]) -> str:
    rows = (f"broadcast_to({shown[name]}, {spell(wanted)})" if shapes[name] != wanted else name for name in shapes)
    return f"stack([{', '.join(rows)}], axis=0)"


def _meshgrid(shapes: Shapes, indexing: str) -> str:
    """Each vector along an axis of its own; `xy` puts the first one along the columns, as numpy does."""
    if any(len(shape) > 1 for shape in shapes.values()):
        raise ShapeError("meshgrid takes vectors", 0)
    sizes = [shape[0] if shape else 1 for shape in shapes.values()]
    order = list(range(len(sizes)))
    if choice("indexing", indexing, ("xy", "ij")) == "xy":
        order[:2] = order[:2][::-1]
    rank = len(sizes)
    shown = {name: f"reshape({name}, {spell(tuple(sizes[i] if j == order.index(i) else 1 for j in range(rank)))})"
             for i, name in enumerate(shapes)}  # fmt: skip
    return _stacked(shapes, tuple(sizes[i] for i in order), shown)


composite("meshgrid([xs]; indexing='xy')",
          "The grids of the entries of vectors, stacked: meshgrid([x, y])[0] and [1]; PyTorch's indexing is 'ij'.",
          _meshgrid, group="shape", example="meshgrid([x, y], indexing='ij')[0]",
          samples=(Sample(((2,), (3,))), Sample(((2,), (3,)), {"indexing": "ij"}), Sample(((3,), (2,), ()))))
composite("broadcast_tensors([xs])", "Tensors broadcast against each other, stacked.",
          lambda shapes: _stacked(shapes, broadcast(*shapes.values()), {name: name for name in shapes}), group="shape",
          aliases="broadcast_arrays", example="broadcast_tensors([x, y])[0]",
          samples=(Sample(((2, 3), (3,))), Sample(((2, 1), (1, 3), ()))))


def _sum_to_size(shapes: Shapes, shape: object) -> str:
    x = shapes["x"]
    wanted = wholes("shape", shape, len(shape) if isinstance(shape, tuple) else 1)
    extra = len(x) - len(wanted)
    if extra < 0 or any(n not in (1, size) for n, size in zip(wanted, x[extra:], strict=True)):
        raise ShapeError(f"{show(x)} does not sum to {show(wanted)}, which does not broadcast to it", 0)
    axes = (*range(extra), *(i for i in range(extra, len(x)) if wanted[i - extra] != x[i]))
    total = f"sum(x, axis={spell(axes)}, keepdims=true)" if axes else "x"
    return f"reshape({total}, {spell(wanted)})" if extra else total


composite("sum_to_size(x; shape)", "Summed to a shape that broadcasts to that of x: what undoes broadcasting.",
          _sum_to_size, group="shape", example="sum_to_size(x, (1, 3))",
          samples=(Sample(((2, 3),), {"shape": (1, 3)}), Sample(((2, 2, 3),), {"shape": (3,)}),
                   Sample(((2, 3),), {"shape": (2, 3)})))


def _atleast(rank: int) -> None:
    def body(shapes: Shapes) -> str:
        x = shapes["x"]
        lacking = {0: (1,) * rank, 1: {2: (1, *x[:1]), 3: (1, *x[:1], 1)}.get(rank), 2: (*x[:2], 1)}
        return "x" if len(x) >= rank else f"reshape(x, {spell(lacking[len(x)])})"

    composite(f"atleast_{rank}d(x)", f"With axes of size 1 where x has fewer than {rank}, as numpy places them.", body,
              group="shape", samples=tuple(Sample((shape,)) for shape in ((), (2,), (2, 3))))


for _rank in (1, 2, 3):
    _atleast(_rank)


def _chosen(x: str, count: int, places: Iterable[tuple[int, ...]]) -> list[str]:
    """The entries, or rows, at each place of so many choices."""
    if not 0 < count <= MOST_PAIRS:
        raise ShapeError(f"there are {count} of them; from 1 to {MOST_PAIRS} are written out", 0)
    return [f"{x}[{list(column)}]" for column in zip(*places, strict=True)]


def _combinations(shapes: Shapes, r: int, with_replacement: bool) -> str:
    x = shapes["x"]
    if len(x) != 1:
        raise ShapeError(f"combinations takes a vector, not {show(x)}", 0)
    n, chosen = int(x[0]), whole("r", r, 1)
    if chosen > MOST_PAIRS:
        raise ParameterError("r", f"r is at most {MOST_PAIRS}, not {r}")
    if flag("with_replacement", with_replacement):
        columns = _chosen("x", comb(n + chosen - 1, chosen), combinations_with_replacement(range(n), chosen))
    else:
        columns = _chosen("x", comb(n, chosen), combinations(range(n), chosen))
    return f"stack([{', '.join(columns)}], axis=1)"


composite("combinations(x; r=2, with_replacement=false)", "Every choice of r entries of a vector, as rows.",
          _combinations, group="shape",
          samples=(Sample(((4,),)), Sample(((3,),), {"r": 2, "with_replacement": True}), Sample(((3,),), {"r": 3})))


def _pdist(shapes: Shapes, p: Real) -> str:
    x = shapes["x"]
    if len(x) != 2 or x[0] < 2:
        raise ShapeError(f"pdist takes two rows or more, not {show(x)}", 0)
    n = int(x[0])
    first, second = _chosen("x", comb(n, 2), combinations(range(n), 2))
    order = "" if p == 2 else f"ord={scalar('p', p)}, "
    return f"norm({first} - {second}, {order}axis=-1)"


composite("pdist(x; p=2)", "The p-norm of the difference of every pair of rows, each once.", _pdist, group="losses",
          samples=(Sample(((3, 2),)), Sample(((4, 2),), {"p": 3}), Sample(((2, 3),), {"p": 1})))


def _channel_shuffle(shapes: Shapes, groups: int) -> str:
    x = shapes["x"]
    if len(x) < 3 or x[1] % whole("groups", groups, 1):
        raise ShapeError(f"channel_shuffle takes (batch, channels, ...) with {groups} groups, not {show(x)}", 0)
    apart = (x[0], groups, int(x[1]) // groups, *x[2:])
    return f"reshape(swapaxes(reshape(x, {spell(apart)}), 1, 2), {spell(x)})"


composite("channel_shuffle(x; groups)", "Channels in turn from each of so many groups of them.", _channel_shuffle,
          group="networks", samples=(Sample(((1, 4, 2),), {"groups": 2}), Sample(((2, 6, 2, 1),), {"groups": 3})))
