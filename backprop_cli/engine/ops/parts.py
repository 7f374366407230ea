"""A tensor in parts along an axis, as numpy and PyTorch cut it; parts of one size are stacked, any other is an index.

`split(x, 3)[0]` is read as `split(x, 3, part=0)` (see `engine.interpret`): parts of several sizes are no one tensor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate, pairwise

from backprop_cli.engine.ops.base import Body, ParameterError, Sample, ShapeError, composite, normalize_axis, show
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.validate import shown, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]
Cuts = Callable[[str, object, int], list[int]]
"""Where the parts of an axis begin and end, given the parameter's name, its value and the size."""

IN_PARTS = frozenset({"split", "chunk", "array_split", "split_sizes"})
"""Functions whose result is several tensors: an index behind the call picks one."""

# ── where the cuts are ───────────────────────────────────────────────────────────────────────────


def _at(name: str, places: tuple[object, ...], size: int) -> list[int]:
    """Cuts as slices of numpy's: negative ones count from the end, those beyond it are the end."""
    cuts = [whole(name, place) for place in places]
    return [0, *(min(max(0, cut + size if cut < 0 else cut), size) for cut in cuts), size]


def _equal(name: str, given: object, size: int) -> list[int]:
    """numpy.split: as many equal parts, or the places to cut at."""
    if isinstance(given, tuple):
        return _at(name, given, size)
    parts = whole(name, given, 1)
    if size % parts:
        raise ParameterError(name, f"{size} entries do not divide into {parts} equal parts; array_split makes the "
                                   "first ones larger")  # fmt: skip
    return list(range(0, size + 1, size // parts)) if size else [0] * (parts + 1)


def _nearly_equal(name: str, given: object, size: int) -> list[int]:
    """numpy.array_split, torch.tensor_split: as many parts, of which the first are larger by one."""
    if isinstance(given, tuple):
        return _at(name, given, size)
    parts = whole(name, given, 1)
    width, larger = divmod(size, parts)
    return list(accumulate((width + (i < larger) for i in range(parts)), initial=0))


def _wide(name: str, given: object, size: int) -> list[int]:
    """torch.split: parts of one width, of which the last may be smaller, or of the widths listed."""
    if isinstance(given, tuple):
        cuts = list(accumulate((whole(name, width, 0) for width in given), initial=0))
        if cuts[-1] != size:
            raise ParameterError(name, f"{name} {shown(given)} add up to {cuts[-1]}, and the axis has {size} entries")
        return cuts
    width = whole(name, given, 1)
    return [*range(0, size, width), size] if size else [0, 0]


def _chunks(name: str, given: object, size: int) -> list[int]:
    """torch.chunk: at most so many parts, all but the last as wide as needed."""
    return _wide(name, -(-size // whole(name, given, 1)) or 1, size)


# ── the parts ────────────────────────────────────────────────────────────────────────────────────


def _body(name: str, cuts: Cuts) -> Body:
    def body(shapes: Shapes, axis: object, part: object, **given: object) -> str:
        x = shapes["x"]
        place = normalize_axis(whole("axis", axis), len(x))
        spans = list(pairwise(cuts(name, given[name], int(x[place]))))
        if part is None:
            return _stacked(x, place, spans)
        which = whole("part", part)
        if not -len(spans) <= which < len(spans):
            raise ParameterError("part", f"part {which} of {len(spans)} parts")
        start, stop = spans[which]
        return "x" if len(spans) == 1 else f"x[{':, ' * place}{start}:{max(start, stop)}]"

    return body


def _stacked(x: Shape, place: int, spans: list[tuple[int, int]]) -> str:
    widths = {stop - start for start, stop in spans}
    if len(widths) > 1:
        raise ShapeError(f"axis {place} of {show(x)} does not divide into equal parts, which one tensor could hold", 0,
                         "pick one with an index behind the call: split(x, [1, 3])[0]")  # fmt: skip
    n, size = len(spans), widths.pop()
    sizes = tuple(s for i, s in enumerate(x) for s in ((n, size) if i == place else (s,)))
    apart = f"reshape(x, {spell(sizes)})"
    order = (place, *(i for i in range(len(sizes)) if i != place))
    return apart if place == 0 else f"transpose({apart}, axes={order})"


def _define(name: str, parameter: str, cuts: Cuts, doc: str, given: object, aliases: str = "") -> None:
    samples = (Sample(((4, 3),), {parameter: 2}), Sample(((2, 6),), {parameter: 3, "axis": 1}),
               Sample(((5, 3),), {parameter: given, "part": 1}))  # fmt: skip
    composite(f"{name}(x; {parameter}, axis=0, part=none)", doc, _body(parameter, cuts), group="shape", aliases=aliases,
              samples=samples, example=f"{name}(x, 2)")


_define("split", "sections", _equal,
        "numpy's split: equal parts along an axis, or parts cut at a list of places; split(x, 3)[0] is the first.",
        (1, 3))
_define("array_split", "sections", _nearly_equal,
        "Parts along an axis, the first ones larger by one where they cannot be equal; array_split(x, 3)[0].", 3,
        aliases="tensor_split")
_define("chunk", "chunks", _chunks,
        "PyTorch's chunk: so many parts along an axis, of which the last may be smaller; chunk(x, 3)[0].", 2)
_define("split_sizes", "sizes", _wide,
        "PyTorch's split: parts of one width, or of a list of widths; torch.split(x, [1, 4])[0].", (2, 2, 1))
