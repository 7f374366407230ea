"""Functions of a spec's own: unfolded, or with a hand-written gradient, under every meaning; what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError, Failures
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.expanded import expanded
from backprop_cli.language.model import Spec
from backprop_cli.language.writer import write
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result

ReadSpec = Callable[..., Spec]

AFFINE = """
functions:
  affine: {args: [x, w, b], body: x @ w + b%s}
params: {x: [[1, -2], [0.5, 3]], w: [[0.1, 0.2, 0.3], [1, -2, 3]], b: [1, 2, 3]}
nodes: {h: 'affine(2 * x, w**2, b)', loss: sum(tanh(h / 9))}
"""
GATED = """
functions:
  gated:
    args: [x, k]
    body: leaky_relu(x, 0.2) * k + concat([x[0:1], x[1:]]) * sum(k)
%s
params: {x: [[1, -2], [0.5, 3], [1, 1]], k: [0.5, 2]}
nodes: {y: 'gated(sin(x), k)', loss: sum(y**2)}
"""
GRADS = {
    "affine-all": (AFFINE, ", grads: {x: grad(out) @ w.T, w: x.T @ grad(out), b: 'sum(grad(out), axis=0)'}"),
    "affine-some": (AFFINE, ", grads: {w: x.T @ grad(out)}"),
    "affine-broadcast": (AFFINE, ", grads: {b: grad(out)}"),
    "gated": (GATED, "    grads: {k: 'sum(leaky_relu(x, 0.2) * grad(out), axis=0) + sum(x * grad(out))'}"),
}


SUM_OF_F = "params: {w: [1, 2]}\nnodes: {loss: sum(f(w))}\n"


def gradients(result: Result) -> dict[str, Any]:
    """Every gradient's value."""
    return {node.name: node.gradient.value for node in result.nodes if node.gradient is not None}


@pytest.mark.parametrize(("text", "grads"), GRADS.values(), ids=list(GRADS))
def test_right_gradient_by_hand_is_the_bodys(text: str, grads: str, spec_of: ReadSpec) -> None:
    """With a right gradient, for all arguments or for some, everything is as without; every formula has its value."""
    plain, written = run(spec_of(text.replace("%s", ""))), run(spec_of(text.replace("%s", grads)))
    for name, value in gradients(plain).items():
        np.testing.assert_allclose(gradients(written)[name], value, rtol=1e-12, atol=1e-14, err_msg=name)
    for node in written.nodes:
        for printed in node.gradient.formula.values() if node.gradient else ():
            assert isinstance(printed, Printed)
            assert printed.deviation is not None
            assert printed.deviation < 1e-12


def test_wrong_gradient_is_used(spec_of: ReadSpec) -> None:
    """The gradient by hand is what flows, right or wrong; `check` is what judges it."""
    text = "functions: {f: {args: [x], body: x**2, grads: {x: 7 * grad(out)}}}\n" + SUM_OF_F
    np.testing.assert_array_equal(gradients(run(spec_of(text)))["w"], [7, 7])


def test_check_names_the_wrong_operand(backprop: Callable[..., Any], tmp_path: Any) -> None:
    """`check` fails, and names the argument whose gradient is wrong, and by how much."""
    path = tmp_path / "affine.yaml"
    path.write_text(AFFINE.replace("%s", ", grads: {x: grad(out) @ w.T, w: 1.1 * (x.T @ grad(out))}"), encoding="utf-8")
    done = backprop("check", path)
    assert done.code == 1
    assert "affine, gradient of w (used in h)   wrong" in done.out
    assert "off by 10.00%" in done.out
    assert "gradient of x (used in h)   ok" in done.out.replace("affine, ", "")


def test_argument_that_the_body_ignores(spec_of: ReadSpec) -> None:
    """An argument that is not in the body, or only where nothing flows, has the gradient zero or none."""
    text = """
functions: {f: {args: [x, u, v], body: x**2 + stop_gradient(u), grads: {x: 2 * x * grad(out)}}}
params: {w: [1, 2], a: 1, b: 2}
nodes: {loss: 'sum(f(w, a, b))'}
"""
    found = gradients(run(spec_of(text)))
    assert "b" not in found
    assert found["a"] == 0


def test_functions_call_functions(spec_of: ReadSpec) -> None:
    """A body and a gradient may call other functions, with and without gradients of their own."""
    text = """
functions:
  sq: {args: [x], body: x * x, grads: {x: twice(x) * grad(out)}}
  twice: {args: [x], body: 2 * x}
  quart: {args: [x, c], body: sq(sq(x)) * c, grads: {c: sq(sq(x)) * grad(out)}}
params: {w: [1.5, -2], c: 3}
nodes: {loss: 'sum(quart(w, c))'}
"""
    found = gradients(run(spec_of(text)))
    np.testing.assert_allclose(found["w"], 4 * 3 * np.array([1.5, -2]) ** 3)
    np.testing.assert_allclose(found["c"], 1.5**4 + 2**4)


def test_own_function_hides_the_built_in(spec_of: ReadSpec) -> None:
    """A function of the spec comes first; functions of the language go on using the language's."""
    text = """
functions: {exp: {args: [x], body: 3 * x}}
params: {w: [1, 2]}
nodes: {loss: 'exp(w)[0] + sum(softmax(w)) * 0'}
"""
    assert gradients(run(spec_of(text)))["w"][0] == pytest.approx(3)


@pytest.mark.parametrize(("call", "written"), [
    ("f(w + 1)", "(w + 1) * sigmoid(w + 1)"), ("f(x=w)", "w * sigmoid(w)"), ("-f(w)**2", "-(w * sigmoid(w))**2"),
    ("f(f(w))", "w * sigmoid(w) * sigmoid(w * sigmoid(w))"), ("two(w, 1 - w).T", "(w - (1 - w)).T"),
    ("kept(w)", "kept(w)"), ("nested(w)", "w * sigmoid(w) - kept(w)"),
])  # fmt: skip
def test_calls_are_written_out(call: str, written: str, spec_of: ReadSpec) -> None:
    """`show` puts the body in place of a call, with the brackets it needs; a function with grads stays."""
    text = f"""
functions:
  f: {{args: [x], body: x * sigmoid(x)}}
  two: {{args: [a, b], body: a - b}}
  kept: {{args: [x], body: x**2, grads: {{x: 2 * x * grad(out)}}}}
  nested: {{args: [x], body: 'two(f(x), kept(x))'}}
params: {{w: [1, 2]}}
nodes: {{y: '{call}', loss: sum(y)}}
"""
    shown = expanded(spec_of(text))
    assert shown.nodes[0].text.text == written
    assert set(shown.functions) == ({"kept"} if "kept" in written else set())
    ours, again = (gradients(run(one, Settings(terms=()))) for one in (spec_of(text), spec_of(write(shown))))
    np.testing.assert_array_equal(ours["w"], again["w"])


def test_a_body_does_not_catch_nodes(spec_of: ReadSpec) -> None:
    """`e` in a body is the constant, even beside a node of that name: such a call stays."""
    text = "functions: {f: {args: [x], body: x * e}}\nparams: {e: 2, w: 1}\nnodes: {loss: f(w) + e}"
    assert expanded(spec_of(text)).nodes[0].text.text == "f(w) + e"
    np.testing.assert_allclose(gradients(run(spec_of(text)))["w"], np.e)


ERRORS = {
    "{f: {args: [x], body: g(x)}, g: {args: [x], body: h(x)}, h: {args: [x], body: f(x)}}": (
        "E013", "functions call each other: f -> g -> h -> f", "f(x)"),
    "{f: {args: [x], body: f(x)}}": ("E013", "function 'f' calls itself", "f(x)"),
    "{relu: {args: [x], body: 2 * relu(x)}}": ("E013", "function 'relu' calls itself", "relu(x)}"),
    "{f: {args: [x], body: x**2, grads: {x: g(grad(out))}}, g: {args: [x], body: f(x)}}": (
        "E013", "functions call each other: f -> g -> f", "f(x)"),
    "{f: {args: [x], body: x**2, grads: {y: grad(out)}}}": (
        "E007", "unknown key 'y' in the grads of function 'f'", "y"),
    "{f: {args: [out], body: out**2, grads: {out: grad(out)}}}": (
        "E009", "an argument of 'f' is called 'out', which in 'grads' is the function's value", "f"),
    "{f: {args: [x], body: x + y}}": ("E011", "unknown name 'y'", "y"),
    "{f: {args: [x], body: x**2, grads: {x: z * grad(out)}}}": ("E011", "unknown name 'z'", "z"),
    "{f: {args: [x], body: x**2, grads: {x: grad(x)}}}": ("E011", "grad(x) has no meaning here", "grad(x)"),
    "{f: {args: [x], body: grad(out)}}": ("E011", "grad(out) has no meaning here", "grad(out)"),
    "{f: {args: [x], body: g(x), grads: {x: g(x)}}, g: {args: [x], body: grad(out)}}": (
        "E011", "grad(out) has no meaning here", "grad(out)"),
    "{f: {args: [x], body: sum(x), grads: {x: 'ones((3,)) * grad(out)'}}}": (
        "E014", "the gradient of 'x' has shape (3,), but 'x' has (2,)", "'ones"),
    "{f: {args: [x], body: 'x @ ones((3, 3))'}}": (
        "E014", "matmul of (2,) and (3, 3): inner sizes 2 and 3 differ; x is (2,) and ones((3, 3)) is (3, 3)", "'x @"),
}  # fmt: skip


@pytest.mark.parametrize(("functions", "expected"), ERRORS.items(), ids=list(ERRORS))
def test_errors_stand_in_the_function(functions: str, expected: tuple[str, str, str], spec_of: ReadSpec) -> None:
    """What is wrong with a body or a gradient is said there, and nothing recurses for ever."""
    code, message, at = expected
    called = "relu" if "relu" in functions else "f"
    text = f"functions: {functions}\nparams: {{w: [1, 2]}}\nnodes: {{loss: sum({called}(w))}}\n"
    with pytest.raises(BackpropError) as raised:
        run(spec_of(text))
    found = raised.value.errors[0] if isinstance(raised.value, Failures) else raised.value
    assert found.code == code
    if code != "E014" or "gradient" in message:
        assert found.message == message
    assert found.at is not None
    assert found.at.source_line[found.at.column - 1 :].startswith(at.lstrip("'"))


def test_doubling_is_refused(spec_of: ReadSpec) -> None:
    """Functions that unfold into 2ⁿ operations are refused before they are unfolded."""
    twice = (f"  f{i}: {{args: [x], body: f{i - 1}(x) + f{i - 1}(x)}}" for i in range(1, 31))
    lines = ["  f0: {args: [x], body: x}", *twice]
    text = "functions:\n" + "\n".join(lines) + "\nparams: {w: 1}\nnodes: {loss: f30(w)}\n"
    with pytest.raises(BackpropError, match="operations") as raised:
        spec_of(text)
    assert raised.value.code == "E016"


def test_long_specs_may_call_functions(spec_of: ReadSpec) -> None:
    """The limit is one of an expression: a thousand nodes may each call a function of ten operations."""
    nodes = "\n".join(f"  y{i}: f(y{i - 1})" if i else "  y0: f(w)" for i in range(1000))
    body = "x*x*x*x*x + 1"
    spec = spec_of(f"functions: {{f: {{args: [x], body: {body}}}}}\nparams: {{w: 1}}\nnodes:\n{nodes}\n")
    assert len(spec.nodes) == 1000


def test_deep_nesting_is_refused(spec_of: ReadSpec) -> None:
    """A long chain of functions, each calling the one before, is refused, and not by Python's own limit."""
    lines = ["  f0: {args: [x], body: x}", *(f"  f{i}: {{args: [x], body: f{i - 1}(x)}}" for i in range(1, 2001))]
    text = "functions:\n" + "\n".join(lines) + "\nparams: {w: 1}\nnodes: {loss: f2000(w)}\n"
    with pytest.raises(BackpropError, match="more than 32 deep") as raised:
        spec_of(text)
    assert raised.value.code == "E016"
