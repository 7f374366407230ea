"""Exported scripts run, and give the values and gradients of `run`: every function, and every shipped spec."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.ops import Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.errors import SpecError, UsageError
from backprop_cli.language.model import Spec
from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import NodeResult, Result
from tests.export.samples import CASES, is_flat, spec_of
from tests.together import by_function

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))
PEERS = [name for name in ("torch", "jax") if find_spec(name)]
Names = dict[str, Any]


def executed(target: str, spec: Spec) -> Names:
    """What a script's names stand for once it has run."""
    text = import_module(f"backprop_cli.tasks.export.as_{target}").export(spec, None)
    names: Names = {}
    exec(compile(text, f"{target}.py", "exec"), names)
    return names


def named(names: Names, name: str) -> Any:
    """A node's value, whatever the script had to call it."""
    plain = name not in builtins.__dict__ and name in names and not callable(names[name])
    return names[name if plain else f"{name}_"]


def in_numpy(names: Names, node: NodeResult) -> tuple[Any, Any]:
    """A node's value and gradient in a numpy script."""
    gradient = names.get(f"grad_{node.name}")
    return named(names, node.name), None if gradient is None else np.broadcast_to(gradient, np.shape(node.value))


def in_torch(names: Names, node: NodeResult) -> tuple[Any, Any]:
    """The same in a PyTorch script."""
    found = named(names, node.name)
    kept = found.is_leaf or found.retains_grad
    return found.detach().numpy(), found.grad.numpy() if kept and found.grad is not None else None


def in_jax(names: Names, node: NodeResult) -> tuple[Any, Any]:
    """The same in a JAX script, which has the gradients of params alone."""
    found = names["gradients"]
    return node.value, found.get(f"grad_{node.name}", found.get(f"grad_{node.name}_"))


READ: dict[str, Callable[[Names, NodeResult], tuple[Any, Any]]] = {"numpy": in_numpy, "torch": in_torch, "jax": in_jax}


def check_script(target: str, spec: Spec, tolerance: float = 1e-8, result: Result | None = None) -> None:
    """The script has every value and gradient that it shows, as `run` found them."""
    result = result or run(spec, Settings(terms=()))
    names = executed(target, spec)
    compared = 0
    for node in result.nodes:
        value, gradient = READ[target](names, node)
        np.testing.assert_allclose(value, node.value, rtol=tolerance, atol=1e-10, err_msg=node.name)
        if node.gradient is not None and gradient is not None:
            compared += 1
            np.testing.assert_allclose(gradient, node.gradient.value, rtol=tolerance, atol=1e-9, err_msg=node.name)
    assert compared


@by_function(CASES)
def test_numpy_script_of_every_function(function: Op | Composite, sample: Sample) -> None:
    """Forward and reverse pass in numpy are those of `run`."""
    spec = spec_of(function, sample)
    try:
        result = run(spec, Settings(terms=()))
    except SpecError:
        assert is_flat(function)
        return
    check_script("numpy", spec, result=result)


FIRST = [case for case in CASES if str(case.id).endswith("-0")]


@pytest.mark.peers
@pytest.mark.parametrize("target", PEERS)
@pytest.mark.parametrize(("function", "sample"), FIRST)
def test_other_scripts_of_every_function(function: Op | Composite, sample: Sample, target: str) -> None:
    """PyTorch's and JAX's gradients are those of `run`; what is not written there is refused."""
    spec = spec_of(function, sample)
    try:
        result = run(spec, Settings(terms=()))
        import_module(f"backprop_cli.tasks.export.as_{target}").export(spec, None)
    except (SpecError, UsageError) as refused:
        pytest.skip(f"refused by the exporter: {refused.message}")
    check_script(target, spec, 1e-7, result)


@pytest.mark.peers
@pytest.mark.parametrize("target", PEERS)
@pytest.mark.parametrize("nodes", ["a: inv(x), b: 'kron(a, x)', l: sum(sin(b))", "b: 'kron(x[0], x.T)', l: sum(b**2)"])
def test_scripts_whose_arrays_lie_another_way(nodes: str, target: str, spec_of: Callable[[str], Spec]) -> None:
    """An inverse or a transpose is not in the order of its rows: what views its operands takes it all the same."""
    check_script(target, spec_of(f"params: {{x: [[2.0, 0.3], [-0.4, 1.5]]}}\nnodes: {{{nodes}}}\n"), 1e-7)


KINKS, PASSES = {"kinks"}, {"accumulate_two", "accumulate_three", "vector_dot_twice"}


READ_OTHERWISE = {
    "repeats": "s: 'B[[0, 0, 2]]', t: 'B[1:, [1, 1, 0]]', l: 'sum(s**2) + sum(t**3)'",
    "vectors": "s: 'solve(A, B)', t: 'torch.linalg.solve(A, B)', l: 'sum(s**2) + sum(t**3)'",
    "pinv": "s: 'pinv(B, rcond=0.5)', t: 'pinv(B @ B.T, hermitian=true)', l: sum(s**2 * t)",
    "corrections": "s: 'var(B, axis=0, correction=1.3)', t: 'torch.std(B, correction=0.5)', l: sum(s) * t",
}


@pytest.mark.parametrize("target", ["numpy", pytest.param("torch", marks=pytest.mark.peers)])
@pytest.mark.parametrize("nodes", READ_OTHERWISE.values(), ids=list(READ_OTHERWISE))
def test_scripts_of_what_pytorch_reads_otherwise(nodes: str, target: str, spec_of: Callable[[str], Spec]) -> None:
    """PyTorch's solve takes a right side for vectors where ours is a matrix; parameters of any value are written.

    What is picked twice has the gradients of both.
    """
    if target == "torch":
        pytest.importorskip("torch")
    leaves = "A: {shape: [3, 3, 3], init: normal, seed: 1}, B: {shape: [3, 3], init: normal, seed: 2}"
    check_script(target, spec_of(f"params: {{{leaves}}}\nnodes: {{{nodes}}}"))


@pytest.mark.peers
@pytest.mark.parametrize("target", ["numpy", *PEERS])
@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_scripts_of_the_shipped_specs(path: Path, target: str) -> None:
    """Each spec, as a script, gives its own numbers."""
    spec = load_spec(str(path))
    if target == "jax" and (path.stem in KINKS or spec.hooks):
        pytest.skip("JAX has other conventions at kinks, and no hooks")
    if target == "torch" and path.stem in PASSES:
        spec = replace(spec, backward=spec.backward[:1])  # PyTorch adds up inner gradients too
    check_script(target, spec)


def test_names_of_pythons_own(spec_of: Callable[[str], Spec]) -> None:
    """Nodes called as keywords, built-in functions, the script's helpers or modules get an underscore."""
    text = """
params: {lambda: [1, 2], np: [3, 4]}
nodes: {sum: sigmoid(lambda) * np, sigmoid: 'sum**2', loss: sum(sigmoid)}
"""
    names = executed("numpy", spec_of(text))
    result = run(spec_of(text), Settings(terms=()))
    for node in result.nodes:
        np.testing.assert_array_equal(names[node.name if node.name == "loss" else f"{node.name}_"], node.value)


def test_ligatures_stay_two_names(spec_of: Callable[[str], Spec]) -> None:
    """Python reads the letter ﬁ as fi: two such names stay apart."""
    names = executed("numpy", spec_of("params: {fi: 2, ﬁ: 3}\nnodes: {loss: fi * ﬁ**2}\n"))
    assert (names["fi"], names["fi_"], names["loss"]) == (2, 3, 18)
    assert (names["grad_fi"], names["grad_fi_"]) == (12, 9) or (names["grad_fi"], names["grad_fi_"]) == (9, 12)


def test_nothing_leaves_a_comment(spec_of: Callable[..., Spec]) -> None:
    """A title or a file name cannot end the comment it stands in."""
    title = "\"a\\nimport os\\r\\u2028raise SystemExit\""
    spec = spec_of(f"title: {title}\nparams: {{w: 2}}\nnodes: {{loss: w**2}}\n", "x\ny.yaml")
    for target in ("numpy", "torch", "jax"):
        text = import_module(f"backprop_cli.tasks.export.as_{target}").export(spec, None)
        assert not [line for line in text.splitlines() if line.startswith(("raise", "import os", "y.yaml"))]


def test_numbers_are_embedded_exactly(spec_of: Callable[[str], Spec]) -> None:
    """Literals, draws of every kind, infinities: the script's leaves are the spec's, to the last bit."""
    kinds = ("normal", "uniform", "xavier_normal", "xavier_uniform", "kaiming_normal", "kaiming_uniform", "ones", "eye")
    params = "\n".join(f"  {kind}: {{shape: [3, 3], init: {kind}}}" for kind in kinds)
    loss = " + ".join(f"sum({kind})" for kind in kinds)
    spec = spec_of(f"params:\n{params}\n  odd: [[0.1, .inf, -0.0]]\nnodes: {{loss: {loss}}}\n")
    names = executed("numpy", spec)
    for leaf in spec.leaves:
        np.testing.assert_array_equal(names[leaf.name], leaf.load())
