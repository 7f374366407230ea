"""Index notation: one letter an axis through a whole spec, and every entry is what is printed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.result import Result
from tests.notation.test_read_back import check
from tests.readers.indexed import evaluated
from tests.shipped import SPECS, TERMS, by_entry

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

ROOT = Path(__file__).resolve().parents[2]
GOLDEN: Any = json.loads((ROOT / "tests" / "data" / "specs_index.json").read_text(encoding="utf-8"))


def formulas(result: Result) -> dict[str, str]:
    """Each gradient of one step, in index notation."""
    return {node.name: formula["index"] for node in result.nodes if node.gradient
            and isinstance(formula := node.gradient.formula["local"], Printed)}  # fmt: skip


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_an_axis_has_one_letter(path: Path) -> None:
    """Wherever a gradient is meant at its own entry it has the same letters: on the left, and where no Σ is."""
    found = formulas(by_entry(path))
    left = {re.sub(r"\[[^\]]*\]$", "", text.partition(" = ")[0]): text.partition(" = ")[0] for text in found.values()}
    for text in found.values():
        right = text.partition(" = ")[2]
        for whole in re.findall(r"∂\w+/∂\w+\[[a-z,]*\]", right) if "Σ" not in right else ():
            assert left[whole.partition("[")[0]] == whole, text


def test_every_step_is_entry_by_entry() -> None:
    """No formula of the shipped specs writes an operator whole but an inverse, and what has a name of its own."""
    found = [text for path in SPECS for text in formulas(by_entry(path)).values()]
    whole = {word for text in found for word in re.findall(r"(\w+)\([^\[\]]*\)\[", text)}
    assert whole == {"argmax", "var_d"}


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_entries_are_the_golden_ones(path: Path) -> None:
    """What is printed does not change unnoticed (`make golden` accepts it, once it was read)."""
    assert list(formulas(by_entry(path)).values()) == GOLDEN[path.stem]


EQUATIONS = {
    ("two_layer", "w2"): "∂loss/∂w2[i,j] = ∂loss/∂z_2[i] · y_1[j]",
    ("two_layer", "y_1"): "∂loss/∂y_1[j] = Σ_i w2[i,j] · ∂loss/∂z_2[i]",
    ("attention", "s"): "∂loss/∂s[t,i] = (∂loss/∂a[t,i] - Σ_j ∂loss/∂a[t,j] · a[t,j]) · a[t,i]",
    ("attention", "k"): "∂loss/∂k[i,d] = Σ_t ∂loss/∂s[t,i] · q[t,d] / √D",
    ("cross_entropy", "z"): "∂loss/∂z[n,k] = (exp(z[n,k]) / Σ_i exp(z[n,i]) - t[n,k]) / N",
    ("cnn", "w"): "∂loss/∂w[o,u,v] = Σ_n,i,p x[n,i+u,p+v] · ∂loss/∂z[n,o,i,p]",
    ("cnn", "m"): "∂loss/∂m[n,o,j,l] = ∂loss/∂f[n,4·o+2·j+l]",
}


@pytest.mark.parametrize(("spec", "node"), EQUATIONS)
def test_equations(spec: str, node: str) -> None:
    """As Einstein would write them."""
    assert formulas(by_entry(ROOT / "specs" / f"{spec}.yaml"))[node] == EQUATIONS[spec, node]


WRITTEN = {
    "y = sum(conv2d(x, w, stride=2, padding=1) * z)": (
        {"x": (2, 3, 5, 5), "w": (4, 3, 3, 3), "z": (2, 4, 3, 3)},
        {"w": "∂y/∂w[o,c,a,b] = Σ_n,i,j x[n,c,2·i+a-1,2·j+b-1] · z[n,o,i,j]",
         "x": "∂y/∂x[n,c,k,l] = Σ_o,i,j z[n,o,i,j] · w[o,c,k+1-2·i,l+1-2·j]"},
    ),
    "y = sum(conv2d(x, w, groups=2) * z)": (
        {"x": (1, 4, 3, 3), "w": (2, 2, 2, 2), "z": (1, 2, 2, 2)},
        {"w": "∂y/∂w[o,c,a,b] = Σ_i,j x[2·o+c,i+a,j+b] · z[o,i,j]",
         "x": "∂y/∂x[k,l,m] = Σ_a,b z[⌊k/2⌋,l-a,m-b] · w[⌊k/2⌋,k mod 2,a,b]"},
    ),
    "y = sum(conv1d(x, w, groups=2) * z)": (
        {"x": (1, 2, 5), "w": (6, 1, 2), "z": (1, 6, 4)},
        {"x": "∂y/∂x[j,k] = Σ_l<3,a z[3·j+l,k-a] · w[3·j+l,a]"},
    ),
    "y = sum(concat([a, b, c]) * z[:6])": (
        {"a": (3,), "b": (2,), "c": (1,), "z": (8,)},
        {"z": "∂y/∂z[i] = [i < 6] · ([i < 3] · a[i] + [i ≥ 3] · [i < 5] · b[i-3] + [i = 5] · c)",
         "b": "∂y/∂b[j] = z[j+3]"},
    ),
    "y = sum(conv1d(exp(x), w, padding=1) * z)": (
        {"x": (2, 1, 4), "w": (1, 1, 3), "z": (2, 1, 4)}, {"w": "∂y/∂w[a] = Σ_n,i exp(x)[n,i+a-1] · z[n,i]"},
    ),
    "y = sum(avg_pool2d(x, 2) * z)": ({"x": (1, 1, 4, 4), "z": (1, 1, 2, 2)}, {"x": "∂y/∂x[k,l] = z[⌊k/2⌋,⌊l/2⌋] / 4"}),
    "y = sum(reshape(x, (6,)) * z)": (
        {"x": (2, 3), "z": (6,)}, {"x": "∂y/∂x[j,k] = z[3·j+k]", "z": "∂y/∂z[i] = x[⌊i/3⌋,i mod 3]"},
    ),
    "y = sum(cumsum(x, axis=0) * z)": ({"x": (4,), "z": (4,)}, {"z": "∂y/∂z[i] = Σ_j [j ≤ i] · x[j]"}),
    "y = sum(x[1:3, 0] * z)": (
        {"x": (3, 2), "z": (2,)},
        {"z": "∂y/∂z[i] = x[i+1,0]", "x": "∂y/∂x[j,k] = [k = 0] · [j ≥ 1] · z[j-1]"},
    ),
    "y = sum(unfold(x, 2) * z)": (
        {"x": (1, 1, 3, 3), "z": (1, 4, 4)},
        {"x": "∂y/∂x[k,l] = Σ_j,m<2,p<2 [k = ⌊j/2⌋+m] · [l = j mod 2+p] · z[2·m+p,j]",
         "z": "∂y/∂z[i,j] = x[⌊j/2⌋+⌊i/2⌋ mod 2,j mod 2+i mod 2]"},
    ),
    "y = sum(layer_norm(x) * z)": (
        {"x": (2, 3), "z": (2, 3)},
        {"z": "∂y/∂z[i,j] = (x[i,j] - 1/3 · (Σ_k x[i,k])) / √(1/3 · (Σ_k (x[i,k] - 1/3 · (Σ_l x[i,l]))²) + 1e-5)"},
    ),
    "y = sum(cumprod(x, axis=0) * z)": (
        {"x": (3,), "z": (3,)},
        {"z": "∂y/∂z[i] = Π_j x[j]^[j ≤ i]", "x": "∂y/∂x[i] = Σ_j [j ≥ i] · z[j] · (Π_k x[k]^[k ≤ j]) / x[i]"},
    ),
    "y = sum(prod(x, axis=1) * z)": (
        {"x": (2, 3), "z": (2,)}, {"z": "∂y/∂z[i] = Π_j x[i,j]", "x": "∂y/∂x[i,j] = z[i] · (Π_k x[i,k]) / x[i,j]"},
    ),
    "y = sum(prod(x, axis=(0, 2)) * z)": (
        {"x": (2, 3, 4), "z": (3,)},
        {"z": "∂y/∂z[i] = Π_j,k x[j,i,k]", "x": "∂y/∂x[j,i,k] = z[i] · (Π_l,m x[l,i,m]) / x[j,i,k]"},
    ),
    "y = prod(x) * z": ({"x": (2, 3), "z": ()}, {"x": "∂y/∂x[i,j] = y / x[i,j]"}),
    "y = sum(flip(cumprod(flip(x, axis=0), axis=0), axis=0) * z)": (
        {"x": (3,), "z": (3,)},
        {"z": "∂y/∂z[i] = Π_j x[j]^[j ≥ i]", "x": "∂y/∂x[i] = Σ_j [j ≤ i] · z[j] · (Π_k x[k]^[k ≥ j]) / x[i]"},
    ),
    "y = sum(cumsum(flip(x, axis=0), axis=0) * z)": (
        {"x": (3,), "z": (3,)}, {"z": "∂y/∂z[i] = Σ_j [j ≥ 2-i] · x[j]", "x": "∂y/∂x[i] = Σ_j [j ≥ 2-i] · z[j]"},
    ),
    "y = sum(conv1d(x, flip(w, axis=2)) * z)": (
        {"x": (1, 1, 5), "w": (1, 1, 3), "z": (1, 1, 3)},
        {"z": "∂y/∂z[i] = Σ_a x[i+2-a] · w[a]", "x": "∂y/∂x[j] = Σ_a z[j+a-2] · w[a]"},
    ),
    "y = w @ flip(x, axis=0)": ({"x": (3,), "w": (3,)}, {"w": "∂y/∂w[i] = x[2-i]", "x": "∂y/∂x[i] = w[2-i]"}),
    "y = sum(var(x, axis=0, ddof=1) * z)": (
        {"x": (3, 2), "z": (2,)}, {"z": "∂y/∂z[i] = Σ_j (x[j,i] - 1/3 · (Σ_k x[k,i]))² / 2"},
    ),
    "y = sum(std(x, axis=1) * z)": (
        {"x": (2, 3), "z": (2,)}, {"z": "∂y/∂z[i] = √(1/3 · (Σ_j (x[i,j] - 1/3 · (Σ_k x[i,k]))²))"},
    ),
    "y = sum(solve(a, b) * z)": ({"a": (3, 3), "b": (3,), "z": (3,)}, {"z": "∂y/∂z[i] = Σ_j (a⁻¹)[i,j] · b[j]"}),
}  # fmt: skip

WITH_A_ZERO = {
    "y = sum(cumprod(x, axis=0) * z)": (
        {"x": (3,), "z": (3,)}, {"x": "∂y/∂x[i] = Σ_j [j ≥ i] · z[j] · (Π_k x[k]^([k ≤ j] · [k ≠ i]))"},
    ),
    "y = sum(prod(x, axis=1) * z)": (
        {"x": (2, 3), "z": (2,)}, {"x": "∂y/∂x[i,j] = z[i] · (Π_k x[i,k]^[k ≠ j])"},
    ),
    "y = sum(prod(x, axis=(0, 2)) * z)": (
        {"x": (2, 3, 4), "z": (3,)},
        {"z": "∂y/∂z[i] = Π_j,k x[j,i,k]", "x": "∂y/∂x[j,i,k] = z[i] · (Π_l,m x[l,i,m]^[(l,m) ≠ (j,k)])"},
    ),
    "y = prod(x) * z": ({"x": (2, 3), "z": ()}, {"x": "∂y/∂x[i,j] = z · (Π_k,l x[k,l]^[(k,l) ≠ (i,j)])"}),
}  # fmt: skip
"""What is written where a factor is 0, by which nothing can be divided."""


@pytest.mark.parametrize("expression", WRITTEN)
def test_operators_are_written_by_their_entries(expression: str) -> None:
    """Windows, reshapes, slices, running sums and inverses as a book writes them; and what is written is so."""
    shapes, wanted = WRITTEN[expression]
    _check_written(expression, shapes, wanted)


@pytest.mark.parametrize("expression", WITH_A_ZERO)
def test_products_of_a_zero_are_those_of_the_others(expression: str) -> None:
    """A derivative of a product multiplies the other factors where one is 0; and what is written is so."""
    shapes, wanted = WITH_A_ZERO[expression]
    _check_written(expression, shapes, wanted, values={"x": np.arange(np.prod(shapes["x"])).reshape(shapes["x"])})


def _check_written(
    expression: str, shapes: Shapes, wanted: Mapping[str, str], values: Mapping[str, np.ndarray[Any, Any]] | None = None
) -> None:
    given = {name: f"value: {value.tolist()}" for name, value in (values or {}).items()}
    leaves = "".join(f"  {name}: {{{given.get(name, f'shape: {list(shape)}, init: normal, seed: {seed}')}}}\n"
                     for seed, (name, shape) in enumerate(shapes.items()))  # fmt: skip
    name, _, body = expression.partition(" = ")
    spec = read_spec(f"params:\n{leaves}nodes:\n  {name}: '{body}'\n".encode(), "test.yaml", folder=None)
    found = formulas(run(spec, Settings(terms=("local",), notations=("index",))))
    assert {node: found[node] for node in wanted} == wanted
    check(build(spec))


def _value(text: str, shape: tuple[int, ...], names: Mapping[str, Any]) -> Any:
    return evaluated(text, shape, names, {}, lambda text, axes=0: None)


NAMES = {"w": np.arange(4.0).reshape(2, 2), "v": np.array([1.0, 2.0]), "x": np.arange(5.0), "t": np.array([1, 0])}
RIGHT = {
    "∂L/∂x[i] = Σ_j w[j,i] · v[j]": NAMES["w"].T @ NAMES["v"], "∂L/∂x[i] = x[2·i+1]": NAMES["x"][1:4:2],
    "∂L/∂x[i] = exp(v[i]) / Σ_j exp(v[j])": np.exp(NAMES["v"]) / np.exp(NAMES["v"]).sum(),
    "∂L/∂x[i] = Σ_j [j ≤ i] · v[j]": np.cumsum(NAMES["v"]), "∂L/∂x[i] = v[t[i]]": NAMES["v"][::-1],
    "∂L/∂x[i] = Σ_j [i = t[j]] · v[j]": NAMES["v"][::-1], "∂L/∂x[i] = max_a<2 x[2·i+a]": np.array([1.0, 3.0]),
    "∂L/∂x[i] = x[i-1]": np.array([0.0, 0.0]),
}  # fmt: skip
PLANTED = {
    "w[j,i]": "w[i,j]", "2·i+1": "2·i", "exp(v[i])": "exp(x[i])", "≤": "≥", "v[t[i]]": "v[i]", "[i = t[j]]": "[i = j]",
    "a<2": "a<1", "x[i-1]": "x[i+1]",
}  # fmt: skip


@pytest.mark.parametrize(("text", "planted"), [*zip(RIGHT, PLANTED.items(), strict=True)])
def test_a_wrong_index_is_caught(text: str, planted: tuple[str, str]) -> None:
    """The reader of these tests tells an index from another, in each thing that an index can be."""
    np.testing.assert_allclose(_value(text, (2,), NAMES), RIGHT[text])
    wrong = text.replace(*planted)
    assert wrong != text
    assert not np.allclose(_value(wrong, (2,), NAMES), RIGHT[text])


@pytest.mark.parametrize("call", ["cumprod(x, axis=0)", "cumprod_others(x, x, axis=0)", "cumsum(x, axis=0)",
                                  "logcumsumexp(x, axis=0)"])  # fmt: skip
def test_what_runs_along_an_axis_of_a_number(call: str) -> None:
    """A number has no axis to run along: its gradient has an index notation all the same."""
    text = f"params: {{x: 0.3}}\nnodes:\n  y: {call}\n  l: mean(sin(y + 1))\n"
    assert check(build(read_spec(text.encode(), "test", folder=None)), TERMS)
