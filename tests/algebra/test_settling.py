"""Rewriting settles: on random expressions tidying twice changes nothing, and the reading cost never rises."""

from __future__ import annotations

from collections.abc import Iterator
from weakref import ref

import pytest

from backprop_cli.formulas.algebra.budget import Budget
from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import TensorSymbol, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import Formula
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.proofs import sum_of_definition
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import Work, at_work
from tests.algebra.test_roundtrip import SHAPES, expressions

READ = 200  # nodes; nobody reads a longer one


@pytest.fixture
def facts() -> Iterator[Facts]:
    """Facts of a run that never runs out of its budget."""
    made = Facts(prover=sum_of_definition, work=Work(Budget(10**9)))
    with at_work(made.work):
        yield made


def unsettled(seed: int, facts: Facts) -> Iterator[tuple[object, ...]]:
    """The random expressions of a seed that tidying twice changes again, or makes dearer to read."""
    leaves = [Formula(TensorSymbol(n, s, i, leaf=True), s) for i, (n, s) in enumerate(SHAPES.items())]
    for leaf in leaves:
        leaf.expr.graph = ref(facts)
    for formula in expressions(seed, leaves):
        expr = recognised(formula.expr)
        if tree_size(expr) > READ:
            continue
        once = recognised(tidy(expr, facts))
        twice = recognised(tidy(once, facts))
        if twice != once or reading_cost(once) > reading_cost(expr):
            yield seed, expr, once, twice


@pytest.mark.parametrize("seed", [*range(60), 1944])
def test_settles(seed: int, facts: Facts) -> None:
    """Once is enough, and what comes out reads no worse than what went in."""
    assert not list(unsettled(seed, facts))


@pytest.mark.fuzz
@pytest.mark.parametrize("part", range(10))
def test_settles_on_ten_thousand(part: int) -> None:
    """The same on 10,000 expressions that are new (`make fuzz`)."""
    for seed in range(1000 + 100 * part, 1100 + 100 * part):
        facts = Facts(prover=sum_of_definition, work=Work(Budget(10**9)))
        with at_work(facts.work):
            assert not list(unsettled(seed, facts))
