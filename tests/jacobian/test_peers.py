"""Jacobians, Hessians and tangents of every function, beside torch.autograd.functional and JAX."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.util import find_spec
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

pytestmark = pytest.mark.peers

PEERS = [name for name in ("torch", "jax") if find_spec(name)]
Function = Callable[..., Any]
ONCE = {("hardsigmoid", "torch")}
"""What a library differentiates once only."""


# ── the peers ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Peer:
    """A library's own derivatives of a function of several arrays."""

    jacobian: Callable[[Function, list[Any]], Any]
    hessian: Callable[[Function, list[Any]], Any]
    jvp: Callable[[Function, list[Any], list[Any]], Any]


def in_torch(spec: Spec, names: list[str]) -> tuple[Function, Peer]:
    """The exported forward pass as a function of some leaves, and torch.autograd.functional."""
    torch: Any = pytest.importorskip("torch")
    before, _, rest = as_torch.export(spec).partition("# forward pass\n")
    body = rest.partition("\n\n# reverse pass")[0]
    last = body.splitlines()[-1].partition(" = ")[0]
    called = script(with_named_outputs(spec), TORCH, as_torch.TAKEN).names
    arguments = ", ".join(called[name] for name in names)
    made = made_by(f"{before}\ndef forward({arguments}):\n{indent(body, '    ')}\n    return {last}\n")
    own = torch.autograd.functional

    def tensors(arrays: list[Any]) -> tuple[Any, ...]:
        return tuple(torch.tensor(np.asarray(array)) for array in arrays)

    return made, Peer(
        lambda f, at: own.jacobian(f, tensors(at)), lambda f, at: own.hessian(f, tensors(at)),
        lambda f, at, along: own.jvp(f, tensors(at), tensors(along))[1],
    )  # fmt: skip


def in_jax(spec: Spec, names: list[str]) -> tuple[Function, Peer]:
    """The exported forward pass, and JAX's transformations of it."""
    jax: Any = pytest.importorskip("jax")
    whole, graph = made_by(as_jax.export(spec)), build(spec)
    asked = [graph.nodes[i].name for i in sorted(graph.wrt)]
    fixed = {leaf.name: leaf.load() for leaf in spec.leaves if leaf.load is not None}
    every = tuple(range(len(names)))

    def made(*given: Any) -> Any:
        moving = dict(zip(names, given, strict=True))
        return whole(*(moving.get(name, fixed[name]) for name in asked))

    return made, Peer(
        lambda f, at: jax.jit(jax.jacrev(f, every))(*at), lambda f, at: jax.jit(jax.hessian(f, every))(*at),
        lambda f, at, along: jax.jit(lambda a, b: jax.jvp(f, tuple(a), tuple(b))[1])(at, along),
    )  # fmt: skip


def made_by(text: str) -> Function:
    """The function `forward` of a script."""
    names: dict[str, Any] = {}
    exec(compile(text, "script.py", "exec"), names)
    found: Function = names["forward"]
    return found


LIBRARIES = {"torch": in_torch, "jax": in_jax}


# ── every function ───────────────────────────────────────────────────────────────────────────────


def close(found: Any, theirs: Any, what: str) -> None:
    """Equal but for rounding; a part that PyTorch does not reach is 0."""
    np.testing.assert_allclose(found, np.asarray(theirs), rtol=1e-6, atol=1e-8, err_msg=what)


@pytest.mark.parametrize("library", PEERS)
@pytest.mark.parametrize(("function", "sample"), CASES)
def test_every_function(function: Op | Composite, sample: Sample, library: str) -> None:
    """On each sample: the Jacobian of its value, a tangent along all operands, the Hessian of Σ sin(value + 1)."""
    scalar = spec_of(function, sample)
    whole = replace(scalar, nodes=scalar.nodes[:1], output=parsed("y_"), grad_output="ones")
    try:
        graph = build(whole)
        names = [graph.nodes[i].name for i in sorted(graph.wrt & graph.active)]
        forward, peer = LIBRARIES[library](whole, names)
        loss, _ = LIBRARIES[library](scalar, names)
    except (SpecError, UsageError) as refused:
        pytest.skip(f"refused by the exporter: {refused.message}")
    leaves = {leaf.name: np.asarray(leaf.load()) for leaf in whole.leaves}
    at = [leaves[name] for name in names]
    found = list(jacobians(whole, Wanted(tuple(names), formulas=False)))
    for one, theirs in zip(found, peer.jacobian(forward, at), strict=True):
        close(one.value, theirs, one.symbol)
    if (function.name, library) in ONCE:
        return
    rng = np.random.default_rng(1)
    along = {name: rng.normal(size=leaves[name].shape) for name in names}
    close(tangent(whole, along), peer.jvp(forward, at, list(along.values())), "tangent")
    theirs = peer.hessian(loss, at)
    for one in hessians(scalar, Wanted(tuple(names), formulas=False)):
        first, second = (names.index(name) for name in pair(one, names))
        close(one.value, theirs[first][second], one.symbol)


def pair(one: Any, names: list[str]) -> tuple[str, str]:
    """The leaves of a Hessian."""
    first = next(name for name in names if one.symbol.split("/")[1].startswith((f"∂{name}²", f"∂{name}∂")))
    return first, one.wrt


def tangent(spec: Spec, along: dict[str, Any]) -> Any:
    """The output's tangent."""
    given = directions(spec, [f"{name}={json.dumps(move.tolist())}" for name, move in along.items()])
    found = with_forward_mode(run(spec, Settings(terms=())), spec, given, formulas=False).by_name["y_"].tangent
    assert found is not None
    return found.value
