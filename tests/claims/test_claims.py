"""Facts that a spec states about a leaf: formulas use them without numbers too, and false ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from backprop_cli.engine.graph import build
from backprop_cli.errors import SpecError
from backprop_cli.formulas.formulate import formulate
from backprop_cli.language.writer import write
from backprop_cli.tasks.calculate import Settings, run

SOFTMAX = "params: {z: {shape: [N, K]}}\nnodes: {p: softmax(z), loss: -sum(t * log(p))/N}\n"
DIMS = "dims: {N: 2, K: 3}\n"


def text_of(spec: Any, name: str) -> str:
    """The formula of a gradient in node names, derived from shapes alone."""
    graph = build(spec)
    _, total, _ = formulate(graph, None, None, ("nodes",), ("text",))
    return str(total[graph.names[name]]["nodes"].text)  # type: ignore[union-attr]


@pytest.mark.parametrize(("leaves", "nodes", "name", "short", "long"), [
    ("inputs: {t: {shape: [N, K]%s}}\nparams: {z: {shape: [N, K]}}", "{p: softmax(z), loss: -sum(t * log(p))/N}",
     ("z", ", sums_to_one: -1"), "(p - t)/N", "Σ"),
    ("inputs: {t: {shape: [N, K]%s}}\nparams: {z: {shape: [N, K]}}", "{p: softmax(z), loss: -sum(t * log(p))/N}",
     ("z", ", one_hot: 1"), "(p - t)/N", "Σ"),
    ("inputs: {A: {shape: [N, N]%s}}\nparams: {x: {shape: [N]}}", "{f: x @ A @ x}",
     ("x", ", symmetric: true"), "2 A · x", "ᵀ"),
    ("inputs: {s: {shape: [N]%s}}\nparams: {x: {shape: [N]}}", "{f: sum(sqrt(s**2) * x)}",
     ("x", ", positive: true"), "s", "|s|"),
    ("inputs: {m: {shape: [N]%s}}\nparams: {x: {shape: [N]}}", "{f: sum((m*x)**2)}",
     ("x", ", mask: true"), "2 x ⊙ m", "²"),
])  # fmt: skip
def test_formulas_use_what_is_stated(
    leaves: str, nodes: str, name: tuple[str, str], short: str, long: str, spec_of: Any
) -> None:
    """Without numbers the formula is as short as with them; without the statement it is the longer, honest one."""
    text = f"{DIMS}{leaves}\nnodes: {nodes}\n"
    assert text_of(spec_of(text.replace("%s", name[1])), name[0]) == short
    assert long in text_of(spec_of(text.replace("%s", "")), name[0])


@pytest.mark.parametrize(("claim", "value", "entry"), [
    ("symmetric: true", "[[1, 2], [3, 1]]", "x[0, 1] is 2 and [1, 0] is 3"), ("positive: true", "[1, 0]", "x[1] is 0"),
    ("mask: true", "[0, 1, 0.5]", "x[2] is 0.5"), ("sums_to_one: 0", "[0.5, 0.6]", "add up to 1.1"),
    ("sums_to_one: 0", "[1.5, -0.5]", "x[1] is -0.5"), ("one_hot: -1", "[[1, 0], [0.5, 0.5]]", "x[1, 0] is 0.5"),
    ("one_hot: -1", "[[1, 0], [1, 1]]", "add up to 2"),
])  # fmt: skip
def test_a_false_statement_names_the_entry(claim: str, value: str, entry: str, spec_of: Any) -> None:
    """Numbers that contradict a statement are an error at the statement, with the entry."""
    spec = spec_of(f"params:\n  x: {{value: {value}, {claim}}}\nnodes: {{f: sum(x)}}\n")
    with pytest.raises(SpecError) as caught:
        run(spec, Settings(terms=()))
    assert caught.value.code == "E008"
    assert entry in caught.value.message
    assert caught.value.at is not None
    assert caught.value.at.line == 2


@pytest.mark.parametrize(("claim", "code"), [
    ("symmetric: true", "E014"), ("symmetric: 1", "E008"), ("sums_to_one: true", "E008"), ("one_hot: 3", "E014"),
    ("positiv: true", "E007"),
])  # fmt: skip
def test_what_cannot_be_stated(claim: str, code: str, spec_of: Any) -> None:
    """A vector is not symmetric, an axis is a number that the leaf has, a misspelt key is refused."""
    with pytest.raises(SpecError) as caught:
        spec_of(f"params: {{x: {{value: [1, 2], {claim}}}}}\nnodes: {{f: sum(x)}}\n")
    assert caught.value.code == code


def test_true_statements_run_and_survive_writing(spec_of: Any) -> None:
    """What holds is no error, beside a value, a shape or a start; `show` writes it again."""
    spec = spec_of(
        "params:\n  A: {value: [[1, 2], [2, 5]], symmetric: true}\n  m: {value: [0, 1], mask: true, one_hot: 0}\n"
        "  s: {shape: [2], init: constant, value: 2, positive: true, mask: false}\n"
        "nodes: {f: sum(A @ (m * s))}\n"
    )
    run(spec, Settings())
    written = write(spec)
    for claim in ("symmetric: true", "mask: true", "one_hot: 0", "positive: true"):
        assert claim in written
    assert "mask: false" not in written


@pytest.mark.parametrize(("spec", "name", "formula"), [
    ("params: {W: {shape: [n, k]}}\nnodes: {S: W @ W.T + eye(n), f: logdet(S)}", "W", "2 S⁻¹ · W"),
    ("params: {C: {shape: [n, n], symmetric: true}, d: {shape: [n]}}\nnodes: {A: C + diag(d), f: logdet(A)}",
     "C", "A⁻¹"),
    ("params: {C: {shape: [n, n], symmetric: true}}\nnodes: {f: sum(log(diag(cholesky(C))))}", "C", "C⁻¹/2"),
    ("params: {x: {shape: [n], positive: true}}\nnodes: {f: sum(abs(x) * log(abs(x)))}", "x", "log(x) + 1"),
    (("params: {w: {shape: [n], positive: true, sums_to_one: 0}}\ninputs: {q: {shape: [n]}}\n"
     "nodes: {f: -sum(w * log(w)) + w @ q}"), "w", "q - log(w) - 1"),
    (("inputs: {M: {shape: [n, k], mask: true}, Y: {shape: [n, k]}}\nparams: {Z: {shape: [n, k]}}\n"
     "nodes: {f: sum((M * (Z - Y))**2)}"), "Z", "2(Z - Y) ⊙ M"),
    (("params: {z: {shape: [k]}}\ninputs: {t: {shape: [k], sums_to_one: 0}}\n"
     "nodes: {f: sum(t * (log(t) - log_softmax(z)))}"), "z", "softmax(z) - t"),
])  # fmt: skip
def test_claims_meet_definitions(spec: str, name: str, formula: str, spec_of: Any) -> None:
    """Without numbers, what is stated of a leaf is known of the nodes that are made of it, and in any function."""
    assert text_of(spec_of("dims: {n: 3, k: 2}\n" + spec), name) == formula
