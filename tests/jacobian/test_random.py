"""Random graphs: Jacobian, Hessian and tangents against differences, and against each other."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.unparse import parsed
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.forward import directions, with_forward_mode
from backprop_cli.tasks.jacobian.hessian import Twice, hessians
from backprop_cli.tasks.jacobian.jacobian import Wanted, jacobians
from tests.graphs.test_random_graphs import random_net
from tests.jacobian.test_formulas import check_entries, evaluator
from tests.jacobian.test_jacobian import check_second, differences, spec_of

MANY = 2000


def tangent(spec: Any, node: str, moves: dict[str, Any]) -> Any:
    """A node's tangent, by forward mode alone."""
    given = directions(spec, [f"{name}={json.dumps(move.tolist())}" for name, move in moves.items()])
    found = with_forward_mode(run(spec, Settings(terms=())), spec, given, formulas=False).by_name[node].tangent
    assert found is not None
    return found.value


def checked(seed: int, formulas: bool) -> int:
    """An inner node's Jacobian is that of differences and what tangents say; so is the loss's Hessian.

    How many leaves were there to go back to.
    """
    net = random_net(seed, length=3)
    leaves, nodes = net.leaves, dict(net.nodes)
    rng = np.random.default_rng(seed)
    inner = list(nodes)[-2]
    spec = spec_of(leaves, nodes, inner)
    graph = build(spec)
    moves = {name: rng.normal(size=np.shape(value)) for name, value in leaves.items()
             if graph.names[name] in graph.active}  # fmt: skip
    along: Any = 0
    for wrt, move in moves.items():
        (found,) = jacobians(spec, Wanted((wrt,), formulas))
        np.testing.assert_allclose(found.value, differences(spec, wrt), atol=1e-6, rtol=1e-5)
        along = along + np.tensordot(found.value, move, move.ndim)
        if isinstance(found.formula, Printed):
            assert (found.formula.deviation or 0) < 1e-8, (net, inner, wrt, found.formula["code"])
            check_entries(found, evaluator(spec), rng)
    np.testing.assert_allclose(tangent(spec, inner, moves), along, rtol=1e-8, atol=1e-9)
    check_hessian(leaves, nodes, rng, formulas)
    return len(moves)


def check_hessian(leaves: dict[str, Any], nodes: dict[str, str], rng: Any, formulas: bool) -> None:
    """Against differences of the gradient; H · v by reverse and by forward over reverse is the matrix times v."""
    spec, wrt = spec_of(leaves, nodes, "loss", grad_output=1), next(iter(leaves))
    (found,) = hessians(spec, Wanted((wrt,), formulas))
    check_second(leaves, nodes, "loss", wrt, found.value)
    if isinstance(found.formula, Printed):
        assert (found.formula.deviation or 0) < 1e-7, (nodes, wrt, found.formula["code"])
        check_entries(found, evaluator(spec), rng)
    vector = rng.normal(size=np.shape(leaves[wrt]))
    expected = np.tensordot(found.value, vector, vector.ndim)
    (product,) = hessians(spec, Wanted((wrt,), formulas=False), json.dumps(vector.tolist()))
    np.testing.assert_allclose(product.value, expected, rtol=1e-8, atol=1e-9)
    work = Twice.of(spec, Wanted((wrt,), formulas=False))
    traced = replace(work.traced, output=parsed(work.called[wrt]), grad_output="ones", wrt="all")
    forward = tangent(traced, work.called[wrt], {wrt: vector}) if work.moves(work.traced_back(wrt), wrt) else 0
    np.testing.assert_allclose(forward, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_random_graphs(seed: int) -> None:
    """Three ways to a derivative, and differences, agree; formulas evaluate to the numbers."""
    assert checked(seed, formulas=True) > 0


@pytest.mark.fuzz
@pytest.mark.parametrize("block", range(40))
def test_two_thousand_random_graphs(block: int) -> None:
    """The same of two thousand graphs."""
    for seed in range(100 + block * MANY // 40, 100 + (block + 1) * MANY // 40):
        assert checked(seed, formulas=seed % 4 == 0) > 0
