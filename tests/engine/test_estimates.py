"""Every function of the registry, on its samples made large: what `--max-bytes` counts is what a run takes.

A new op is tried without a line here.  Axes grow together, those of one length by one factor, as far as the
function accepts it, so that windows, batches and matrices all get their turn.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations, islice, product
from math import prod
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine import numbers
from backprop_cli.engine.graph import Graph, build, memory_estimate
from backprop_cli.engine.ops import Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.samples import draw
from backprop_cli.errors import BackpropError
from backprop_cli.language.model import Leaf, NodeSpec, Spec
from backprop_cli.language.source import Source, inline
from backprop_cli.language.unparse import parsed
from backprop_cli.tasks.calculate import Settings, run
from tests.export.samples import EVERY, call

BYTES, MANY = 400_000, 2_000_000
SMALL = 60_000  # bytes of Python's own objects, and of numpy's buffers
LEAST = 100_000  # bytes of arrays: in fewer, a function of many steps would be measured by its Python objects
GENEROUS = 8  # a sum's gradient is one number seen everywhere, and many a value is a view: both count as whole
FACTORS = (2, 4, *(4 * 3**i for i in range(1, 11)))
FIXED = frozenset({"axis", "axes", "ord", "index", "ddof", "shift", "n", "k", "offset", "diagonal"})
"""Parameters that no size stands in."""


@dataclass(frozen=True)
class Large:
    """A sample made large, as a graph."""

    sample: Sample
    graph: Graph


def spec_of(function: Op | Composite, sample: Sample) -> Spec:
    """The sum of a call's value; the leaves' numbers are drawn when they are loaded."""
    drawn: list[Any] = []
    variadic = function.signature.variadic
    listed = [f"x{i}" for i in range(len(sample.shapes))] if variadic else list(function.signature.operands)
    given = list(zip(listed, sample.shapes, strict=False))  # the last ones may be left out
    names = [name if shape is not None else "none" for name, shape in given]
    leaves = tuple(
        Leaf(name, "input" if name in function.integer_operands else "param", tuple(shape),
             lambda i=i: _number(drawn, sample, i), inline(name))  # type: ignore[misc]
        for i, (name, shape) in enumerate(given) if shape is not None
    )  # fmt: skip
    nodes = (NodeSpec("y_", *parsed(call(function, sample, names)), inline("y_")),
             NodeSpec("loss", *parsed("sum(y_)"), inline("loss")))  # fmt: skip
    return Spec(Source.of("<sample>", ""), leaves=leaves, nodes=nodes)


def _number(drawn: list[Any], sample: Sample, which: int) -> Any:
    """An operand's numbers, drawn when any is first asked for."""
    if not drawn:
        drawn[:] = draw(sample, np.random.default_rng(7))
    return np.array(drawn[which])


def grown(value: Any, factors: Mapping[int, int]) -> Any:
    """A parameter whose sizes grow as the axes of that length do."""
    if isinstance(value, tuple):
        return tuple(grown(item, factors) for item in value)
    return value * factors.get(value, 1) if isinstance(value, int) and not isinstance(value, bool) else value


def scaled(sample: Sample, factors: Mapping[int, int], everywhere: bool) -> Sample:
    """The sample with axes of a length grown by its factor, and its parameters where they hold such lengths."""
    given = {name: grown(value, factors) if everywhere and name not in FIXED else value
             for name, value in sample.parameters.items()}  # fmt: skip
    return replace(sample, shapes=tuple(grown(shape, factors) for shape in sample.shapes), parameters=given)


def batched(sample: Sample, factor: int) -> Sample:
    """The sample with the first axis of every operand grown, whatever other axis has that length."""
    return replace(sample, shapes=tuple((shape[0] * factor, *shape[1:]) if shape else shape for shape in sample.shapes))


def widened(sample: Sample, factor: int) -> Sample:
    """The sample with the last axis of every operand grown: where only so many rows are taken."""
    shapes = tuple((*shape[:-1], shape[-1] * factor) if shape else shape for shape in sample.shapes)
    return replace(sample, shapes=shapes)


def larger(function: Op | Composite, sample: Sample, wanted: int) -> Iterator[Large]:
    """The sample with as many kinds of axes grown as the function accepts, first all of them; then fewer."""
    lengths = sorted({n for shape in sample.shapes if shape for n in shape if n > 1})
    for kinds in range(len(lengths), 0, -1):
        for chosen, everywhere in product(combinations(lengths, kinds), (True, False)):
            found = _largest(function, lambda n: scaled(sample, dict.fromkeys(chosen, n), everywhere), wanted)  # noqa: B023
            if found is not None:
                yield found
    found = _largest(function, lambda n: batched(sample, n), wanted)
    if found is not None:
        yield found


def _largest(function: Op | Composite, grow: Callable[[int], Sample], wanted: int) -> Large | None:
    best: Large | None = None
    estimate = 0
    for factor in FACTORS:
        sample: Sample = grow(factor)
        if 8 * sum(prod(shape) for shape in sample.shapes if shape) > 2 * wanted:
            break
        try:
            graph = build(spec_of(function, sample))
        except BackpropError:
            break
        if memory_estimate(graph) > 8 * wanted:
            break
        best, estimate = Large(sample, graph), memory_estimate(graph)
    return best if estimate > max(wanted / 8, LEAST) else None


def peak_of(large: Large, monkeypatch: pytest.MonkeyPatch) -> int:
    """Bytes at the peak of a run in numbers alone, by tracemalloc."""
    monkeypatch.setattr(numbers, "keep_freed_memory", lambda size: None)  # a block that is never touched
    run(large.graph.spec, Settings(terms=()))
    tracemalloc.start()
    try:
        run(large.graph.spec, Settings(terms=()))
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def differentiable(function: Op | Composite) -> bool:
    """Whether a gradient reaches any operand."""
    return not function.flat if isinstance(function, Composite) else any(function.vjps)


def compare(function: Op | Composite, larges: Iterator[Large], monkeypatch: pytest.MonkeyPatch) -> int:
    """How many were compared."""
    tried = 0
    for large in larges:
        estimate, peak = memory_estimate(large.graph), peak_of(large, monkeypatch)
        said = f"{function.name} of {large.sample.shapes}, {large.sample.parameters}: {estimate:,} for {peak:,}"
        assert peak <= estimate + SMALL, said
        assert estimate <= GENEROUS * peak + SMALL, said
        tried += 1
    return tried


NEVER_LARGE = {"combinations"}
"""Their entries are written out, one by one."""
FUNCTIONS = [pytest.param(f, id=f.name) for f in EVERY if differentiable(f) and f.name not in NEVER_LARGE]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_run_takes_what_max_bytes_counts(function: Op | Composite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: of a sample of every function, the estimate is no less than what a run takes, and no eight times it."""
    first = next(filter(None, (next(larger(function, s, BYTES), None) for s in function.samples[::-1])), None)
    assert first is not None
    assert compare(function, iter([first]), monkeypatch)


@pytest.mark.fuzz
@pytest.mark.parametrize("function", FUNCTIONS)
def test_whatever_is_large_in_it(function: Op | Composite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rule: so is every sample, whichever of its axes are long."""
    assert sum(compare(function, islice(larger(function, s, MANY), 4), monkeypatch) for s in function.samples)
