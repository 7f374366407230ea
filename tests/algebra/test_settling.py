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


@pytest.mark.parametrize("seed", range(60))
def test_settles(seed: int, facts: Facts) -> None:
    """Once is enough, and what comes out reads no worse than what went in."""
    leaves = [Formula(TensorSymbol(n, s, i, leaf=True), s) for i, (n, s) in enumerate(SHAPES.items())]
    for leaf in leaves:
        leaf.expr.graph = ref(facts)
    for formula in expressions(seed, leaves):
        expr = recognised(formula.expr)
        if tree_size(expr) > READ:
            continue
        once = recognised(tidy(expr, facts))
        assert recognised(tidy(once, facts)) == once
        assert reading_cost(once) <= reading_cost(expr)
