"""Every function's Jacobian has a formula, and what is printed of it, read as a person reads it, gives the numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.ops import OPS, Composite, Op
from backprop_cli.engine.ops.base import Sample
from backprop_cli.errors import BackpropError
from backprop_cli.formulas.linear.meeting import MEETING
from backprop_cli.formulas.linear.selecting import SELECTING
from backprop_cli.formulas.linear.terms import OPERATORS
from backprop_cli.formulas.printed import Printed
from backprop_cli.language.expression import parse
from backprop_cli.language.model import Spec
from backprop_cli.language.source import inline
from backprop_cli.language.unparse import parsed
from backprop_cli.tasks.jacobian.hessian import hessians
from backprop_cli.tasks.jacobian.jacobian import Wanted, jacobians
from backprop_cli.tasks.jacobian.numbers import Rows
from backprop_cli.tasks.jacobian.results import Differentiated
from backprop_cli.tasks.leaves import load_leaves
from tests.export.samples import CASES, is_flat, spec_of
from tests.jacobian.reading import Reader, split
from tests.jacobian.test_jacobian import spec_of as params

MOVING = ("conv", "max_pool", "max_unpool", "avg_", "adaptive", "unfold", "fold", "einsum", "kron", "take", "index_add",
          "scatter_add", "cumprod", "concat", "solve", "tile", "roll", "embedding", "glu", "cdist", "interpolate")
SOME = [case for case in CASES if str(case.id).startswith(MOVING)]
NO_DERIVATIVE = ("nothing to differentiate", "through anything differentiable")


def whole(function: Op | Composite, sample: Sample) -> Spec:
    """A call of a function as a spec."""
    scalar = spec_of(function, sample)
    return replace(scalar, nodes=scalar.nodes[:1], output=parsed("y_"), grad_output="ones")


def differentiated(spec: Spec) -> list[Differentiated]:
    """By every operand; none where there is nothing to differentiate."""
    try:
        graph = build(spec)
    except BackpropError as error:
        if any(words in error.message for words in NO_DERIVATIVE):
            return []
        raise
    return list(jacobians(spec, Wanted(tuple(graph.nodes[i].name for i in sorted(graph.wrt & graph.active)))))


def evaluator(spec: Spec) -> Any:
    """What a text without index letters is worth; None where it means nothing."""
    graph = build(spec)
    rows = Rows.of(graph, load_leaves(graph))

    def value(text: str, bound: Mapping[str, Any] | None = None) -> Any:
        source = inline(text, "<text>")

        def lookup(name: str) -> Any:
            known = (bound or {}).get(name)
            return rows.values[graph.names[name]] if known is None and name in graph.names else known

        try:
            with np.errstate(all="ignore"):
                return interpret(parse(source), Scope(source, lookup), rows.meaning)
        except BackpropError:
            return None

    return value


def letters_of(one: Differentiated) -> list[str]:
    """The letter of each axis, 0 where there is none."""
    inside = re.findall(r"\[([^\]]*)\]", one.rows["text"].removeprefix("∂"))
    return [letter for part in inside for letter in part.split(",")]


@pytest.mark.fuzz
@pytest.mark.parametrize(("function", "sample"), CASES)
def test_every_function_has_a_formula(function: Op | Composite, sample: Sample) -> None:
    """A formula, its entries in index notation, evaluated; a block of it is the block that it says it is."""
    assert is_read(function, sample)


@pytest.mark.parametrize(("function", "sample"), SOME)
def test_windows_and_positions_have_formulas(function: Op | Composite, sample: Sample) -> None:
    """The same of what moves entries about; of any other function it is tried by `make fuzz`."""
    assert is_read(function, sample)


def is_read(function: Op | Composite, sample: Sample) -> bool:
    """Whether something of each Jacobian was read; of a function that is flat there is none."""
    found = read(whole(function, sample))
    return all(found) if found else is_flat(function)


def read(spec: Spec) -> list[int]:
    """For the Jacobian by each operand, how many of its printed lines were evaluated."""
    found = []
    for one in differentiated(spec):
        assert isinstance(one.formula, Printed), one.formula
        assert one.formula["index"]
        assert one.formula.deviation is not None
        assert one.formula.deviation < 1e-9
        value = evaluator(spec)
        if one.block:
            check_block(one, value)
        found.append(check_entries(one, value, np.random.default_rng(5)))
    return found


def check_entries(one: Differentiated, value: Any, rng: Any, every: bool = False) -> int:
    """Three entries of each, one that is not 0 among them, or every one; how many lines were read."""
    read = 0
    assert isinstance(one.formula, Printed)
    told = next((fact for fact in one.facts if fact.startswith("in the sum")), "")
    bounds = {name: int(n) for name, n in re.findall(r"(\w+) < (\d+)", told)}
    other = np.argwhere(np.atleast_1d(one.value))
    picked = [tuple(rng.integers(0, one.shape)) for _ in range(2)] + [tuple(row) for row in rng.permutation(other)[:1]]
    picked = list(np.ndindex(*one.shape)) if every else picked
    for position in picked if one.shape else [()]:
        letters = dict(zip(letters_of(one), position, strict=True)) if one.rows else {}
        if one.rows or not one.shape:
            read += 1
            found = Reader(one.formula["index"], value, bounds, letters).value()
            np.testing.assert_allclose(found, one.value[position], rtol=1e-9, atol=1e-9,
                                       err_msg=f"{one.rows} = {one.formula['index']} at {position}")  # fmt: skip
        if one.entries:
            read += 1
            own = one.entries[f"[{','.join(map(str, position))}]" if position else ""].formula.text
            np.testing.assert_allclose(Reader(own, value, {}, {}).value(), one.value[position], rtol=1e-9, atol=1e-9,
                                       err_msg=own)  # fmt: skip
    return read


def check_block(one: Differentiated, value: Any) -> None:
    """The matrix at the first and at the last of the indices that are fixed."""
    assert isinstance(one.formula, Printed)
    axes = split(one.block)
    for pick in (lambda n: 0, lambda n: n - 1):
        numbers = {a: pick(n) for a, n in zip(axes, one.shape, strict=True) if a.isalpha()}
        text = re.sub(r"\[[^\]]*\]", lambda found, at=numbers: numbered(found[0], at), one.formula["text"])
        part = one.value[tuple(slice(None) if a == ":" else numbers.get(a, 0) for a in axes)]
        found = value(text)
        if found is None and np.size(part) == 1:  # one entry, which may have a δ
            found = Reader(text, value, {}, {}).value()
        assert found is not None, text
        np.testing.assert_allclose(np.squeeze(found) * np.ones(np.shape(np.squeeze(part))), np.squeeze(part), rtol=1e-9,
                                   atol=1e-9, err_msg=f"{one.block}: {text}")  # fmt: skip


def numbered(text: str, numbers: dict[str, int]) -> str:
    """A bracket with its letters as numbers."""
    return re.sub(r"\w+", lambda m: str(numbers.get(m[0], m[0])), text)


CONVOLVED = [
    ("conv1d(x, w)", (2, 3, 6), (4, 3, 2), "x", "w[j,m,n-k] · δ[i,l]"),
    ("conv1d(x, w)", (2, 3, 6), (4, 3, 2), "w", "x[i,m,k+n] · δ[j,l]"),
    ("conv1d(x, w, stride=2, padding=1)", (1, 1, 6), (1, 1, 3), "x", "w[0,0,j+1-2i]"),
    ("conv1d(x, w, groups=3)", (3, 6), (3, 1, 2), "x", "w[i,0,l-j] · δ[i,k]"),
    ("conv2d(x, w)", (1, 1, 4, 4), (1, 1, 2, 2), "x", "w[0,0,k-i,l-j]"),
    ("conv2d(x, w)", (1, 1, 4, 4), (1, 1, 2, 2), "w", "x[0,0,i+k,j+l]"),
    ("conv_transpose1d(x, w)", (1, 1, 4), (1, 1, 2), "x", "w[0,0,i-j]"),
    ("avg_pool1d(x + 0*w[0, 0, 0], 2)", (1, 6), (1, 1, 1), "x", "[0 ≤ j-2i < 2]/2"),
    ("flatten(x) + 0*w[0]", (2, 3), (1,), "x", "δ[i,3j+k]"),
    ("tile(x, 2) + 0*w[0]", (3,), (1,), "x", "Σ_k δ[i,3k+j]"),
    ("einsum('bij,bjk->bik', x, w)", (2, 3, 2), (2, 2, 4), "x", "w[i,n,k] · δ[i,l] · δ[j,m]"),
    ("kron(x, w)", (2, 3), (2, 2), "x", "w[i-2k,j-2l]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "x", "w", "wrt", "index"), CONVOLVED,
                         ids=[f"{row[0]} by {row[3]}" for row in CONVOLVED])  # fmt: skip
def test_published_entries(text: str, x: Any, w: Any, wrt: str, index: str) -> None:
    """∂y[i]/∂x[j] of a convolution is w[j-i], of a pool an indicator, of a reshape a δ."""
    rng = np.random.default_rng(3)
    (found,) = jacobians(params({"x": rng.normal(size=x), "w": rng.normal(size=w)}, {"y": text}, "y"), Wanted((wrt,)))
    assert isinstance(found.formula, Printed)
    assert found.formula["index"] == index


def test_a_minus_goes_into_a_difference_of_matrix_products() -> None:
    """Through a named softmax: (V - o)ᵀ · diag(a) · K, with no minus before the bracket."""
    rng = np.random.default_rng(3)
    leaves = {"q": rng.normal(size=3), "K": rng.normal(size=(4, 3)), "V": rng.normal(size=(4, 2))}
    nodes = {"s": "K @ q", "a": "softmax(s)", "o": "V.T @ a"}
    (found,) = jacobians(params(leaves, nodes, "o"), Wanted(("q",)))
    assert isinstance(found.formula, Printed)
    assert found.formula["text"] == "(V - o)ᵀ · diag(a) · K"


ROSENBROCK = {"f": "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"}
BANDED = ("200 δ[i,j] · [i ≥ 1] + (1200 x[i]² + 2 - 400 x[i+1]) · δ[i,j] · [i < 5]"
          " - 400 x[i] · δ[i+1,j] - 400 x[i-1] · δ[i-1,j]")  # fmt: skip


def test_a_part_of_a_tensor_has_no_entries_where_the_tensor_goes_on() -> None:
    """Rosenbrock's function: x[:-1] ends before x does.  Small, its Hessian is the matrix; large, one entry of it."""
    rng = np.random.default_rng(3)
    for n in (3, 6):
        spec = params({"x": rng.normal(size=n)}, ROSENBROCK, "f")
        (found,) = hessians(spec, Wanted(("x",)))
        assert check_entries(found, evaluator(spec), rng, every=True) > 0
        assert isinstance(found.formula, Printed)
        assert found.formula["text"].startswith("[[1200 x[0]² + 2 - 400 x[1], -400 x[0], 0]" if n == 3 else BANDED)


PARTS = [
    ("trapezoid(y, x)", (2, 4), (4,)),  # the sum of two parts, transposed
    ("cumulative_trapezoid(y) + 0*x[0]", (3,), (1,)),  # a triangle of ones beside a part
    ("trapezoid(flip(y), flip(x))", (4,), (4,)),
]


@pytest.mark.parametrize(("text", "y", "x"), PARTS, ids=[row[0] for row in PARTS])
def test_every_entry_of_parts_that_end_before_the_tensor_does(text: str, y: Any, x: Any) -> None:
    """y[i,0] has half of the first step alone: (y[i,j] + y[i,j-1]) · [j ≥ 1] / 2, not the y[i,j-1]/2 of the middle."""
    rng = np.random.default_rng(3)
    spec = params({"y": rng.normal(size=y), "x": rng.normal(size=x)}, {"z": text}, "z")
    for found in jacobians(spec, Wanted(("y", "x"))):
        assert check_entries(found, evaluator(spec), rng, every=True) > 0


def test_a_block_says_which_row_of_a_matrix_with_one_row_it_takes() -> None:
    """b is of shape (1,3), which diag would not take: diag(roll(b, -2, axis=1)[0])."""
    rng = np.random.default_rng(3)
    assert read(params({"a": rng.normal(size=(2, 3)), "b": rng.normal(size=(1, 3))}, {"y": "cross(a, b)"}, "y"))


def test_a_label_outside_of_its_axis_picks_nothing() -> None:
    """The labels are argsort(x)[j-1], and for j = 0 there is none: [j ≥ 1], not the label 0."""
    spec = params({"x": np.array([3.0, 1.0, 2.0, 5.0])}, {"s": "sum(sort(x)[:3] * x[1:])"}, "s")
    (found,) = hessians(spec, Wanted(("x",)))
    assert check_entries(found, evaluator(spec), np.random.default_rng(3), every=True) > 0


def test_what_an_order_picks_is_code_in_the_language() -> None:
    """The row that argsort picks: δ[argsort(x)[1],0] for a reader, a comparison where it is pasted."""
    (found,) = jacobians(params({"x": np.array([3.0, 1.0, 2.0, 5.0])}, {"y": "kthvalue(x, 2)"}, "y"), Wanted(("x",)))
    assert isinstance(found.formula, Printed)
    assert found.formula["text"].startswith("[δ[argsort(x)[1],0], ")
    assert found.formula.code.startswith("stack([(argsort(x)[1] == 0), ")
    assert found.formula.deviation == 0


def test_what_is_linear_is_taken_apart() -> None:
    """Every operator that says that it is linear is written entry by entry."""
    known = {*OPERATORS, *SELECTING, *MEETING}
    assert {op.name for op in OPS.values() if op.linear} - known == set()
