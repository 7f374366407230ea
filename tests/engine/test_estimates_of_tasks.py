"""Every function of the registry, in every task that finds numbers: the limit that it names is one that does.

A task that is given too little says how much would do; given that, it takes no more, and no small part of it.
A new op is tried without a line here, a new task with one.
"""

from __future__ import annotations

import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine import numbers
from backprop_cli.engine.graph import Meter, build
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Numbers
from backprop_cli.engine.ops import Composite, Op
from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language.model import NodeSpec, Spec
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import parsed
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.forward import directions, with_forward_mode
from backprop_cli.tasks.jacobian import hessian, jacobian
from backprop_cli.tasks.jacobian.numbers import Rows
from backprop_cli.tasks.stepping.step import StepSettings, step
from tests.engine.test_estimates import FACTORS, FUNCTIONS, batched, scaled, spec_of, widened

LEAST, MOST = 1_500_000, 8_000_000
"""Bytes that a task is to take: more than its Python objects, and not for long."""

SLACK, SMALL, GENEROUS = 1.1, 200_000, 12


def of_value(spec: Spec) -> Spec:
    """With the call's value for its output."""
    return replace(spec, nodes=spec.nodes[:1])


def squared(spec: Spec) -> Spec:
    """With an output that is a number, and curved."""
    return replace(spec, nodes=(spec.nodes[0], NodeSpec("loss", *parsed("sum(y_ * y_)"), inline("loss"))))


def wanted(max_bytes: int) -> jacobian.Wanted:
    """The numbers of the last param alone."""
    return jacobian.Wanted(formulas=False, max_bytes=max_bytes)


def forward_mode(spec: Spec, max_bytes: int) -> None:
    """A run and a tangent."""
    moving = next(leaf.name for leaf in spec.leaves if leaf.kind == "param")
    found = run(spec, Settings(terms=(), max_bytes=max_bytes))
    with_forward_mode(found, spec, directions(spec, [f"{moving}=1"]), False, max_bytes)


def formula(spec: Spec, max_bytes: int) -> None:
    """A student's formula: counted first, then worked out."""
    graph = build(spec)
    held = {node.name: np.asarray(node.leaf.load()) for node in graph.nodes if node.leaf is not None}
    node, meter = spec.nodes[0], Meter()

    def scope(of: Callable[[str], Any]) -> Scope:
        return Scope(node.text, of)

    interpret(node.expression, scope(lambda name: held[name].shape if name in held else None), meter)
    taken = 8 * meter.peak + sum(value.nbytes for value in held.values())
    if taken > max_bytes:
        raise SpecError("E021", f"it would take {taken:,} bytes")
    interpret(node.expression, scope(held.get), Numbers(graph))


TASKS: dict[str, Callable[[Spec, int], object]] = {
    "jacobian": lambda spec, limit: list(jacobian.jacobians(of_value(spec), wanted(limit))),
    "hessian": lambda spec, limit: list(hessian.hessians(squared(spec), wanted(limit))),
    "hessian --vector": lambda spec, limit: list(hessian.hessians(squared(spec), wanted(limit), "ones")),
    "step": lambda spec, limit: step(spec, StepSettings(rule="adam", steps=3, formulas=False, max_bytes=limit)),
    "tangent": forward_mode,
    "formula": formula,
}


def limit_of(task: Callable[[Spec, int], object], spec: Spec) -> int | None:
    """What a task says would do, more than it was given each time; None where it cannot be done at all."""
    limit = 1
    while limit <= MOST:
        more = asked_for(task, spec, limit)
        if more is None or more == limit:
            return more
        limit = max(more, limit + 1)
    return limit


def asked_for(task: Callable[[Spec, int], object], spec: Spec, limit: int) -> int | None:
    """What a task says it would take, or the limit that it was given."""
    try:
        task(spec, limit)
    except BackpropError as error:
        found = re.search(r"take ([\d,]+) bytes", str(error))
        return None if found is None else int(found[1].replace(",", ""))
    return limit


def grown(function: Op | Composite) -> Iterator[Iterator[Spec]]:
    """The samples, larger and larger: all axes with the parameters that hold sizes, without these or one axis."""
    for sample in function.samples[::-1]:
        lengths = {n for shape in sample.shapes if shape for n in shape if n > 1}
        ways = (partial(scaled, sample, everywhere=True), partial(scaled, sample, everywhere=False))
        yield from ((spec_of(function, way(dict.fromkeys(lengths, n))) for n in FACTORS) for way in ways)
        yield from ((spec_of(function, way(sample, n)) for n in FACTORS) for way in (batched, widened))


def larger(function: Op | Composite, task: Callable[[Spec, int], object]) -> tuple[Spec, int] | None:
    """A sample made so large that the task takes more than its Python objects, and what it says that it takes."""
    for specs in grown(function):
        for spec in specs:
            try:
                build(spec)
            except BackpropError:
                break
            limit = limit_of(task, spec)
            if limit is None or limit > MOST:
                break
            if limit > LEAST:
                return spec, limit
    return None


def peak(task: Callable[[Spec, int], object], spec: Spec, limit: int) -> int:
    """Bytes at the peak, by tracemalloc."""
    tracemalloc.start()
    try:
        task(spec, limit)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def _untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that is never touched is no memory; what is done at once stays within the limit that is tried."""
    monkeypatch.setattr(numbers, "keep_freed_memory", lambda size: None)


FEW = 5
"""Of so many functions one is tried in every run of the tests, each in a task in turn."""


def cases() -> Iterator[Any]:
    """Some functions, each with the tasks from its turn on; and each function with each task, where there is time."""
    tasks = [*TASKS]
    for at, function in enumerate(FUNCTIONS[::FEW]):
        turn = at % len(tasks)
        yield pytest.param(function.values[0], (*tasks[turn:], *tasks[:turn]), id=f"{function.id}-{tasks[turn]}")
    for function, task in product(FUNCTIONS, tasks):
        yield pytest.param(function.values[0], (task,), id=f"{function.id}-{task}-alone", marks=pytest.mark.fuzz)


@pytest.mark.parametrize(("function", "tasks"), [*cases()])
def test_a_limit_that_would_do_does(function: Op | Composite, tasks: Sequence[str]) -> None:
    """Rule: with the --max-bytes that a task asks for it takes no more, and no twelfth of it.

    The task is the first in which a sample can be made large: one of three axes may grow past what is tried at once.
    """
    found = next(((task, *one) for task in tasks if (one := larger(function, TASKS[task])) is not None), None)
    if found is None and len(tasks) < len(TASKS):
        pytest.skip(f"no sample of it takes {LEAST:,} to {MOST:,} bytes in this task")
    assert found is not None, "no sample of it can be made large in any task"
    task, spec, limit = found
    taken = peak(TASKS[task], spec, limit)
    assert taken <= SLACK * limit + SMALL, f"{spec.nodes[0].text.text}: {limit:,} for {taken:,}"
    assert limit <= GENEROUS * taken + SMALL, f"{spec.nodes[0].text.text}: {limit:,} for {taken:,}"


def test_a_task_that_counts_too_little_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of the test: a Jacobian that forgets the rows that it holds takes more than it says."""
    from backprop_cli.tasks.jacobian import numbers as counted

    monkeypatch.setattr(counted, "bytes_of", lambda graph, shape: 0)
    monkeypatch.setattr(Rows, "at_once", lambda self, room: 64)
    (function,) = (one.values[0] for one in FUNCTIONS if one.id == "tanh")
    spec = spec_of(function, scaled(function.samples[0], {2: 12, 3: 12}, True))
    limit = limit_of(TASKS["jacobian"], spec)
    assert limit is not None
    assert peak(TASKS["jacobian"], spec, limit) > SLACK * limit + SMALL
