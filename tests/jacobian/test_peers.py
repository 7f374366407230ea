"""Jacobians, Hessians and tangents of every function, beside torch.autograd.functional and JAX."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.ops import Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.errors import SpecError, UsageError
from backprop_cli.language.model import Spec
from backprop_cli.language.unparse import parsed
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export import as_jax, as_torch
from backprop_cli.tasks.export.prepared import with_named_outputs
from backprop_cli.tasks.export.script import script
from backprop_cli.tasks.export.torch_table import TORCH
from backprop_cli.tasks.forward import directions, with_forward_mode
from backprop_cli.tasks.jacobian.hessian import hessians
from backprop_cli.tasks.jacobian.jacobian import Wanted, jacobians
from tests.export.samples import CASES, spec_of

pytestmark = [
    pytest.mark.peers,
    # of PyTorch's own forward mode
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
]

ONCE = {("hardsigmoid", "torch")}
"""What a library differentiates once only."""


# ── the peers ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Found:
    """A library's own derivatives, of a function of several arrays and of Σ sin(its value + 1); None: it has none."""

    jacobian: Any
    tangent: Any
    hessian: Any


def in_torch(spec: Spec, at: dict[str, Any], along: dict[str, Any], once: bool) -> Found:
    """torch.autograd.functional on the exported forward pass."""
    torch: Any = pytest.importorskip("torch")
    before, _, rest = as_torch.export(spec).partition("# forward pass\n")
    body = rest.partition("\n\n# reverse pass")[0]
    last = body.splitlines()[-1].partition(" = ")[0]
    called = script(with_named_outputs(spec), TORCH, as_torch.TAKEN).names
    arguments = ", ".join(called[name] for name in at)
    forward = made_by(f"{before}\ndef forward({arguments}):\n{indent(body, '    ')}\n    return {last}\n")
    point, move = (tuple(torch.tensor(np.asarray(x)) for x in arrays.values()) for arrays in (at, along))
    own = torch.autograd.functional
    jacobian = own.jacobian(forward, point)
    if once:
        return Found(jacobian, None, None)
    moved = own.jvp(forward, point, move)[1]
    if torch.isnan(moved).any():  # it goes back twice, from 0, of which logcumsumexp's rule takes a logarithm
        moved = torch.func.jvp(forward, point, move)[1]
    return Found(jacobian, moved,
                 own.hessian(lambda *x: torch.sum(torch.sin(forward(*x) + 1)), point))  # fmt: skip


def in_jax(spec: Spec, at: dict[str, Any], along: dict[str, Any], once: bool) -> Found:
    """JAX's transformations of the exported forward pass, compiled together."""
    jax: Any = pytest.importorskip("jax")
    jax.config.update("jax_disable_most_optimizations", True)  # compiling takes the time
    whole, graph = made_by(as_jax.export(spec).partition("\n\n\ny_, pull")[0]), build(spec)
    asked = [graph.nodes[i].name for i in sorted(graph.wrt)]
    fixed = {leaf.name: leaf.load() for leaf in spec.leaves if leaf.load is not None}
    every = tuple(range(len(at)))

    def forward(*given: Any) -> Any:
        moving = dict(zip(at, given, strict=True))
        return whole(*(moving.get(name, fixed[name]) for name in asked))

    def all_three(point: list[Any], move: list[Any]) -> Any:
        second = jax.hessian(lambda *x: jax.numpy.sum(jax.numpy.sin(forward(*x) + 1)), every)
        return jax.jacrev(forward, every)(*point), jax.jvp(forward, point, move)[1], second(*point)

    return Found(*jax.jit(all_three)(list(at.values()), list(along.values())))


def made_by(text: str) -> Callable[..., Any]:
    """The function `forward` of a script."""
    names: dict[str, Any] = {}
    exec(compile(text, "script.py", "exec"), names)
    found: Callable[..., Any] = names["forward"]
    return found


LIBRARIES = {"torch": in_torch, "jax": in_jax}
SAMPLES = {"torch": CASES, "jax": [case for case in CASES if str(case.id).endswith("-0")]}
"""JAX compiles each by itself, which takes a hundred times as long as PyTorch."""


# ── every function ───────────────────────────────────────────────────────────────────────────────


def close(found: Any, theirs: Any, what: str) -> None:
    """Equal but for rounding; a part that PyTorch does not reach is 0."""
    np.testing.assert_allclose(found, np.asarray(theirs), rtol=1e-6, atol=1e-8, err_msg=what)


def compared(function: Op | Composite, sample: Sample, library: str) -> int:
    """The Jacobian of a function's value, a tangent along all operands, the Hessian of Σ sin(value + 1); how many."""
    scalar = spec_of(function, sample)
    whole = replace(scalar, nodes=scalar.nodes[:1], output=parsed("y_"), grad_output="ones")
    leaves = {leaf.name: np.asarray(leaf.load()) for leaf in whole.leaves}
    rng = np.random.default_rng(1)
    try:
        graph = build(whole)
        names = tuple(graph.nodes[i].name for i in sorted(graph.wrt & graph.active))
        along = {name: rng.normal(size=leaves[name].shape) for name in names}
        theirs = LIBRARIES[library](whole, {name: leaves[name] for name in names}, along,
                                    (function.name, library) in ONCE)  # fmt: skip
    except (SpecError, UsageError) as refused:
        pytest.skip(f"refused by the exporter: {refused.message}")
    firsts = list(jacobians(whole, Wanted(names, formulas=False)))
    for one, expected in zip(firsts, theirs.jacobian, strict=True):
        close(one.value, expected, one.symbol)
    if theirs.hessian is None:
        return len(firsts)
    close(tangent(whole, along), theirs.tangent, "tangent")
    seconds = list(hessians(scalar, Wanted(names, formulas=False)))
    for one in seconds:
        first, second = (names.index(name) for name in pair(one, names))
        close(one.value, theirs.hessian[first][second], one.symbol)
    return len(firsts) + 1 + len(seconds)


@pytest.mark.parametrize(("function", "sample"), SAMPLES["torch"])
def test_every_function_beside_pytorch(function: Op | Composite, sample: Sample) -> None:
    """On each sample PyTorch's Jacobian, Hessian and JVP are the program's."""
    assert compared(function, sample, "torch") > 0


@pytest.mark.parametrize(("function", "sample"), SAMPLES["jax"])
def test_every_function_beside_jax(function: Op | Composite, sample: Sample) -> None:
    """On a sample of each function JAX's Jacobian, Hessian and JVP are the program's."""
    assert compared(function, sample, "jax") > 0


def pair(one: Any, names: tuple[str, ...]) -> tuple[str, str]:
    """The leaves of a Hessian."""
    first = next(name for name in names if one.symbol.split("/")[1].startswith((f"∂{name}²", f"∂{name}∂")))
    return first, one.wrt


def tangent(spec: Spec, along: dict[str, Any]) -> Any:
    """The output's tangent."""
    given = directions(spec, [f"{name}={json.dumps(move.tolist())}" for name, move in along.items()])
    found = with_forward_mode(run(spec, Settings(terms=())), spec, given, formulas=False).by_name["y_"].tangent
    assert found is not None
    return found.value
