"""`export --to spec` as a command: names, outputs, seeds, passes, hooks; twice gives second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import SpecError
from backprop_cli.language.model import Spec
from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.language.writer import write
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export.gradient import LONGEST_SUM, gradient_spec
from backprop_cli.tasks.export.sums import brackets_of, split_sum

SPECS = sorted((Path(__file__).parents[2] / "specs").glob("*.yaml"))


def again(spec: Spec) -> Spec:
    """A spec written and read."""
    return read_spec(write(spec).encode(), "again.yaml", folder=None)


def numbers(spec: Spec) -> tuple[dict[str, Any], dict[str, Any]]:
    """Every node's value and gradient."""
    result = run(spec, Settings(terms=()))
    return ({node.name: node.value for node in result.nodes},
            {node.name: node.gradient.value for node in result.nodes if node.gradient is not None})  # fmt: skip


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_nodes_are_the_gradients(path: Path) -> None:
    """In the exported spec each leaf's gradient is a node with that value; it can be exported again."""
    spec = load_spec(str(path))
    _, gradients = numbers(spec)
    exported = again(gradient_spec(spec))
    values, _ = numbers(exported)
    for leaf in spec.leaves:
        if leaf.name in gradients:
            found = values[f"grad_{leaf.name}"]
            np.testing.assert_allclose(found, gradients[leaf.name], rtol=1e-9, atol=1e-12)
            assert found.shape == np.shape(gradients[leaf.name])
    numbers(again(gradient_spec(exported)))


def test_exported_twice_is_the_hessian(spec_of: Callable[[str], Spec]) -> None:
    """For the loss Σ w³ the gradient's gradient from ones is 6 w, and the third is 6."""
    spec = spec_of("params: {w: [1, -2, 0.5]}\nnodes: {loss: sum(w**3)}\n")
    once = again(gradient_spec(spec))
    values, gradients = numbers(once)
    np.testing.assert_allclose(values["grad_w"], [3, 12, 0.75])
    np.testing.assert_allclose(gradients["w"], [6, -12, 3])
    twice = again(gradient_spec(once))
    values, gradients = numbers(twice)
    np.testing.assert_allclose(values["grad_w_2"], [6, -12, 3])
    np.testing.assert_allclose(gradients["w"], [6, 6, 6])


@pytest.mark.parametrize(("of", "output"), [
    ("w", "grad_w"), ("h", "grad_h"), ("grad_w", "grad_w"), ("sum(v * grad(w))", "sum(v * grad_w)"),
    ("grad(w)[0]", "grad_w[0]"), ("w[0]", "grad_w[0]"), ("h[0]", "grad_h[0]"),
])  # fmt: skip
def test_output_of_the_gradient(of: str, output: str, spec_of: Callable[[str], Spec]) -> None:
    """`--of` names a node, whose gradient is meant, or is an expression with grad(w)."""
    spec = spec_of("inputs: {v: [1, 2]}\nparams: {w: [0.5, 2]}\nnodes: {h: tanh(w), loss: sum(h**2)}\n")
    exported = gradient_spec(spec, of)
    assert exported.output is not None
    assert exported.output[1].text == output
    assert (exported.grad_output is None) == (output.startswith("sum") or "[0]" in output)


def test_unknown_gradient(spec_of: Callable[[str], Spec]) -> None:
    """A gradient that is not there is an error with a suggestion."""
    with pytest.raises(SpecError, match="'ww' has no gradient") as raised:
        gradient_spec(spec_of("params: {w: 2}\nnodes: {loss: w**2}\n"), "grad(ww)")
    assert raised.value.hint == "did you mean 'w'?"


def test_names_never_collide(spec_of: Callable[[str], Spec]) -> None:
    """A node called grad_w, or a name as long as names may be, does not matter."""
    long = "w" * 64
    spec = spec_of(f"params: {{w: 2, {long}: 3}}\nnodes: {{grad_w: w**2, loss: grad_w * {long}**2}}\n")
    values, _ = numbers(again(gradient_spec(spec)))
    assert values["grad_w_2"] == 36
    assert values["grad_" + "w" * 59] == 24


@pytest.mark.parametrize(("seed", "expected"), [("ones", [2, 4]), ("[3, -0.5]", [6, -2]), ("2", [4, 8])])
def test_seeds(seed: str, expected: list[float], spec_of: Callable[[str], Spec]) -> None:
    """A seed that is an array becomes an input."""
    spec = spec_of(f"params: {{w: [1, 2]}}\nnodes: {{y: w**2}}\ngrad_output: {seed}\n")
    values, _ = numbers(again(gradient_spec(spec)))
    np.testing.assert_allclose(values["grad_w"], expected)


def test_output_that_is_an_expression(spec_of: Callable[[str], Spec]) -> None:
    """It gets a name, so that its gradient has one."""
    values, _ = numbers(again(gradient_spec(spec_of("params: {w: [1, 2]}\nnodes: {y: w**3}\noutput: y[1]\n"))))
    np.testing.assert_allclose(values["grad_w"], [0, 12])


def test_hooks_are_in_the_formula(spec_of: Callable[[str], Spec]) -> None:
    """The exported spec has no hooks: its nodes are what they made of the gradients."""
    spec = spec_of("params: {w: [1, 2]}\nnodes: {y: w**2, loss: sum(y**2)}\nhooks: {y: 'clip(grad, -3, 3)'}\n")
    exported = again(gradient_spec(spec))
    assert not exported.hooks
    np.testing.assert_allclose(numbers(exported)[0]["grad_w"], [4, 12])


def test_own_function_that_hides_a_built_in_one(spec_of: Callable[[str], Spec]) -> None:
    """The formulas mean the built-in function, so the spec's own gets another name."""
    spec = spec_of("functions: {exp: {args: [x], body: 3 * x}}\nparams: {w: [1, 2]}\n"
                   "nodes: {y: exp(w), loss: 'sum(softmax(y)[0] * logsumexp(y))'}\n")  # fmt: skip
    exported = again(gradient_spec(spec))
    assert set(exported.functions) == {"own_exp"}
    np.testing.assert_allclose(numbers(exported)[0]["grad_w"], numbers(spec)[1]["w"])


def test_gradient_that_is_too_long(spec_of: Callable[[str], Spec]) -> None:
    """A formula over the limits of an expression is reported at its node."""
    product = " * ".join(f"sin(w + {i} + sin({i} * w))" for i in range(60))
    spec = spec_of(f"params: {{w: 2}}\nnodes: {{loss: {product}}}\n")
    with pytest.raises(SpecError, match="the gradient of 'w' is too long for one expression") as raised:
        gradient_spec(spec)
    assert raised.value.code == "E016"


def test_long_fan_out(spec_of: Callable[[str], Spec]) -> None:
    """A gradient of very many terms is added up in several nodes."""
    count = 5 * LONGEST_SUM
    nodes = "\n".join(f"  y{i}: sin({i} * w)" for i in range(count))
    sums = " + ".join(f"sum(stack([{', '.join(f'y{i}' for i in range(j, j + 16))}]))" for j in range(0, count, 16))
    spec = spec_of(f"params: {{w: 0.3}}\nnodes:\n{nodes}\n  loss: {sums}\n")
    values, _ = numbers(again(gradient_spec(spec)))
    np.testing.assert_allclose(values["grad_w"], sum(i * np.cos(0.3 * i) for i in range(count)))


@pytest.mark.parametrize("node", [
    "sin(w) + {}|tanh(w * layer_of_a_dense_net_{})", "sin(w) + {}|sin(layer_of_a_dense_net_{}) * cos(w)",
], ids=["the sum", "a bracket of one term"])  # fmt: skip
def test_a_dense_net_is_written_by_parts(node: str, spec_of: Callable[[str], Spec]) -> None:
    """Rule: a sum that is too large for one expression is added up by nodes, each of which can be read back."""
    outer, inner = node.split("|")
    uses = [" + ".join(inner.format(j) for j in range(i)) or "w" for i in range(40)]
    nodes = "\n".join(f"  layer_of_a_dense_net_{i}: ({outer.format(one)}) / 40" for i, one in enumerate(uses))
    spec = spec_of(f"params: {{w: 0.3}}\nnodes:\n{nodes}\n")
    made = gradient_spec(spec)
    assert "grad_w_part_2" in {one.name for one in made.nodes}
    np.testing.assert_allclose(numbers(again(made))[0]["grad_w"], numbers(spec)[1]["w"], rtol=1e-10)


def test_terms_of_a_sum() -> None:
    """Signs and brackets: only a sum on the outside is split."""
    assert split_sum("-a + (b + c) - f(d - e)[1 + 2]") == ["+ -a", "+ (b + c)", "- f(d - e)[1 + 2]"]


@pytest.mark.parametrize(("term", "expected"), [
    ("+ (a + b) * c", ["(a + b)"]), ("- f(a) * (b + g(c, d)).T @ -(e)", ["(b + g(c, d))", "(e)"]),
    ("+ (a + b > c) * grad(y)", []), ("+ f((a + b))[(c)]", []), ("+ ((a + b) * (c + d)) ** 2", ["((a + b) * (c + d))"]),
    ("+ (a, b) + (c)", ["(c)"]),
])  # fmt: skip
def test_brackets_of_a_term(term: str, expected: list[str]) -> None:
    """Rule: what may be a node of its own is an expression in brackets: no arguments, index, comparison or tuple."""
    assert [term[start:end] for start, end in brackets_of(term)] == expected


def test_command(backprop: Callable[..., Any], tmp_path: Path) -> None:
    """The command writes a spec that the command reads, also through a pipe."""
    path = tmp_path / "cube.yaml"
    path.write_text("params: {w: [1, 2]}\nnodes: {loss: sum(w**3)}\n", encoding="utf-8")
    once = backprop("export", path, "--to", "spec")
    assert (once.code, once.err) == (0, "")
    twice = backprop("export", "-", "--to", "spec", "--of", "sum(grad(w))", stdin=once.out)
    assert backprop("run", "-", "--get", "grad_w_2", stdin=twice.out).out.split() == ["[6.0,", "12.0]"]
    assert backprop("export", path, "--to", "numpy", "--of", "w").code == 2
    assert backprop("show", path).out == "params:\n  w: [1, 2]\nnodes:\n  loss: sum(w**3)\n"


@pytest.mark.parametrize("text", [
    "inputs: {k: -1}\nparams: {z: [0.1, 0.5, -0.2]}\nnodes: {p: softmax(z), loss: '-log(p[k])'}\n",
    "inputs: {k: [-1, 0]}\nparams: {z: [[0.1, 0.5, -0.2], [1, 2, 3]]}\nnodes: {y: 'z[range(2), k]', loss: sum(y**2)}\n",
    "inputs: {t: [1, 3]}\nparams: {z: [0.1, 0.5, -0.2]}\nnodes: {k: t - 4, y: 'z[k]', loss: sum(y**2)}\n",
], ids=["scalar", "rows", "computed"])  # fmt: skip
def test_labels_that_count_from_the_end_are_no_one_hot(spec_of: Callable[[str], Spec], text: str) -> None:
    """A label may be negative, which `one_hot` refuses: the exported gradient puts its entry there otherwise."""
    spec = spec_of(text)
    _, gradients = numbers(spec)
    values, _ = numbers(again(gradient_spec(spec)))
    np.testing.assert_allclose(values["grad_z"], gradients["z"], rtol=1e-12)


@pytest.mark.parametrize(("condition", "others"), [("c", [3.0, 0, -1]), ("c * 1", [0.0, 2, 2])])
def test_a_condition_may_be_any_number(spec_of: Callable[[str], Spec], condition: str, others: list[float]) -> None:
    """What only happens to be 0 and 1 in this spec is no factor of an exported gradient; a comparison is one."""
    nodes = f"r: 'where({condition}, x**2, 3*x)', y: 'where(x > 2, r, x)', loss: sum(y)"
    text = f"inputs: {{c: [0, 1, 1]}}\nparams: {{x: [1, 2, 3]}}\nnodes: {{{nodes}}}\n"
    exported = gradient_spec(spec_of(text))
    given = text.replace("[0, 1, 1]", str(others))
    _, gradients = numbers(spec_of(given))
    values, _ = numbers(again(gradient_spec(spec_of(given))))
    np.testing.assert_allclose(values["grad_x"], gradients["x"])
    texts = {node.name: node.text.text for node in exported.nodes}
    assert texts == {node.name: node.text.text for node in gradient_spec(spec_of(given)).nodes}
    assert "(x > 2)" in texts["grad_r"]
