"""A layered drawing of a graph: in which row each box stands, in which order, and where exactly.

Sugiyama's four steps, each in its simplest form that looks good: rows by the longest path; a point in every row
that a long arrow crosses; order within rows by the mean of the neighbours, the ordering with the fewest crossings
kept; places by least squares under the order (isotonic regression, which is linear in the number of boxes).
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise

from backprop_cli.records import dataclass

GAP_X, GAP_Y = 28.0, 46.0
BEND = 10.0  # room for an arrow that passes between boxes
PORT = 16.0  # between two arrows at one side of a box
SWEEPS = 6
BENT, LEAF = 8.0, 0.1  # weights, where a computed node has 1
MAX_BENDS = 5_000  # points in all; arrows beyond that go straight, past whatever is in between
MAX_COUNTED = 3_000  # arrows; above it crossings are not counted, and the last ordering is taken

Size = tuple[float, float]
Point = tuple[float, float]
Edge = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Placed:
    """Centres of the boxes, the points of each arrow from its source's lower to its target's upper side, the size.

    Where an arrow passes a row, two of its points follow each other: it is straight between them.
    """

    centres: tuple[Point, ...]
    paths: tuple[tuple[Point, ...], ...]
    width: float
    height: float


def placed(sizes: Sequence[Size], edges: Sequence[Edge]) -> Placed:
    """A drawing of boxes of these sizes; the source of an edge stands before its target in the list."""
    if not sizes:
        return Placed((), (), 0.0, 0.0)
    work = _Layout(list(sizes), edges)
    work.order()
    work.spread()
    return work.drawn(len(sizes))


def layers_of(n: int, edges: Sequence[Edge]) -> list[int]:
    """The row of each box: below all its operands; a leaf stands just above its first user."""
    layer = [0] * n
    inner = {target for _, target in edges}
    for source, target in sorted(edges, key=lambda edge: edge[1]):
        layer[target] = max(layer[target], layer[source] + 1)
    first: dict[int, int] = {}
    for source, target in edges:
        first[source] = min(first.get(source, layer[target]), layer[target])
    for source in first.keys() - inner:
        layer[source] = first[source] - 1
    return layer


class _Layout:
    """Boxes and bends in rows; a bend is an item without width, numbered after the boxes."""

    def __init__(self, sizes: list[Size], edges: Sequence[Edge]) -> None:
        self.sizes = sizes
        self.layer = layers_of(len(sizes), edges)
        self.chains = self._bent(edges)
        self.links = [link for chain in self.chains for link in pairwise(chain)]
        self.above: list[list[int]] = [[] for _ in self.sizes]
        self.below: list[list[int]] = [[] for _ in self.sizes]
        for a, b in self.links:
            self.below[a].append(b)
            self.above[b].append(a)
        self.rows: list[list[int]] = [[] for _ in range(max(self.layer) + 1)]
        for item, layer in enumerate(self.layer):
            self.rows[layer].append(item)
        self.x = [0.0] * len(self.sizes)

    def _bent(self, edges: Sequence[Edge]) -> list[list[int]]:
        """Each arrow as its source, a bend for every row in between, and its target."""
        chains: list[list[int]] = []
        boxes = len(self.sizes)
        for source, target in edges:
            between = range(self.layer[source] + 1, self.layer[target])
            if len(self.sizes) - boxes + len(between) > MAX_BENDS:
                between = range(0)
            first = len(self.sizes)
            self.sizes.extend((BEND, 0.0) for _ in between)
            self.layer.extend(between)
            chains.append([source, *range(first, len(self.sizes)), target])
        return chains

    # order ───────────────────────────────────────────────────────────────────────────────────────

    def order(self) -> None:
        """Sort each row by the mean place of the neighbours in the row before, down and up in turn."""
        countable = len(self.links) <= MAX_COUNTED
        best, fewest = [list(row) for row in self.rows], self.crossings() if countable else 0
        for sweep in range(2 * SWEEPS):
            rows, neighbours = (self.rows, self.above) if sweep % 2 == 0 else (self.rows[::-1], self.below)
            place: dict[int, float] = {}
            for row in rows:
                place.update({item: i for i, item in enumerate(row)})
                row.sort(key=lambda item: _mean([place[n] for n in neighbours[item] if n in place], place[item]))
                place.update({item: float(i) for i, item in enumerate(row)})
            found = self.crossings() if countable else -1
            if found < fewest:
                best, fewest = [list(row) for row in self.rows], found
        self.rows = best if countable else self.rows

    def crossings(self) -> int:
        """How many pairs of arrows cross: inversions of their ends, row by row."""
        place = {item: i for row in self.rows for i, item in enumerate(row)}
        total = 0
        for row in self.rows:
            seen: list[int] = []
            for a in row:
                ends = sorted(place[b] for b in self.below[a])
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    # places ──────────────────────────────────────────────────────────────────────────────────────

    def spread(self) -> None:
        """Move every row, down and up in turn, as near to its neighbours as order and widths allow."""
        for row in self.rows:
            self._place(row, [0.0] * len(row))
        for sweep in range(2 * SWEEPS + 1):
            down = sweep % 2 == 0
            for row in self.rows if down else self.rows[::-1]:
                sides = [self.above, self.below] if sweep == 2 * SWEEPS else [self.above if down else self.below]
                self._place(row, [self._wanted(item, [n for side in sides for n in side[item]]) for item in row])

    def _wanted(self, item: int, neighbours: Sequence[int]) -> float:
        """In the middle of the neighbours; leaves follow their users, so they do not count where others do."""
        computed = [n for n in neighbours if self.above[n]]
        return _mean([self.x[n] for n in computed or neighbours], self.x[item])

    def _place(self, row: Sequence[int], wanted: Sequence[float]) -> None:
        """Places as near to the wanted ones as may be, in this order and not overlapping."""
        half = [self.sizes[item][0] / 2 for item in row]
        steps = [0.0, *(a + b + GAP_X for a, b in pairwise(half))]
        start = list(accumulate(steps))
        shifts = isotonic([w - s for w, s in zip(wanted, start, strict=True)], [self._weight(i) for i in row])
        for item, offset, shift in zip(row, start, shifts, strict=True):
            self.x[item] = shift + offset

    def _weight(self, item: int) -> float:
        """How firmly it stands: long arrows stay straight, leaves make room."""
        return BENT if self.sizes[item][1] == 0.0 else 1.0 if self.above[item] else LEAF

    def drawn(self, boxes: int) -> Placed:
        """The drawing, moved to where its left upper corner is 0."""
        left = min(x - size[0] / 2 for x, size in zip(self.x, self.sizes, strict=True))
        right = max(x + size[0] / 2 for x, size in zip(self.x, self.sizes, strict=True))
        heights = [max(self.sizes[item][1] for item in row) for row in self.rows]
        tops = [0.0, *accumulate(height + GAP_Y for height in heights)]
        xs = [x - left for x in self.x]
        middle = [tops[layer] + heights[layer] / 2 for layer in self.layer]
        leave, enter = self._ports(self.below, xs), self._ports(self.above, xs)
        paths = []
        for chain in self.chains:
            source, target = chain[0], chain[-1]
            points = [(leave[source, chain[1]], middle[source] + self.sizes[source][1] / 2)]
            for bend in chain[1:-1]:
                top = tops[self.layer[bend]]
                points += [(xs[bend], top), (xs[bend], top + heights[self.layer[bend]])]
            points.append((enter[target, chain[-2]], middle[target] - self.sizes[target][1] / 2))
            paths.append(tuple(points))
        centres = tuple((xs[i], middle[i]) for i in range(boxes))
        return Placed(centres, tuple(paths), right - left, tops[-1] - GAP_Y)

    def _ports(self, neighbours: Sequence[Sequence[int]], xs: Sequence[float]) -> dict[Edge, float]:
        """Where each arrow touches its box: side by side, in the order of the other ends."""
        found: dict[Edge, float] = {}
        for item, others in enumerate(neighbours):
            step = min(PORT, 0.7 * self.sizes[item][0] / max(1, len(others)))
            for position, other in enumerate(sorted(others, key=lambda n: xs[n])):
                found[item, other] = xs[item] + (position - (len(others) - 1) / 2) * step
        return found


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def isotonic(wanted: Iterable[float], weights: Iterable[float]) -> list[float]:
    """The nearest sequence that never falls, in weighted least squares: pools of neighbours share their mean."""
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many
    for mean, weight in zip(wanted, weights, strict=True):
        pool = (mean, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            m, w, n = pools.pop()
            pool = ((m * w + pool[0] * pool[1]) / (w + pool[1]), w + pool[1], n + pool[2])
        pools.append(pool)
    return [mean for mean, _, n in pools for _ in range(n)]
