"""What a run warns of: kinks and ties with PyTorch's convention, values that are not finite, unstable chains."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.engine.graph import build
from backprop_cli.formulas.printed import worst
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, compute, run
from backprop_cli.tasks.diagnose import warnings_of
from backprop_cli.tasks.leaves import load_leaves
from backprop_cli.tasks.result import Warned
from tests.limits.test_work import calls

Warns = Callable[..., tuple[Warned, ...]]


@pytest.fixture
def warned() -> Warns:
    """The warnings of a spec, from its text."""

    def read(text: str, *terms: str) -> tuple[Warned, ...]:
        return run(read_spec(text.encode(), "net.yaml", folder=None), Settings(terms=terms)).warnings

    return read


TIE = "a tie shares the gradient evenly, as in PyTorch"
NORM = "the derivative at 0 is 0; equal extremes share it evenly, as in PyTorch"
KINKS = [
    ("relu(x)", [-1.0, 0.0, 2.0], "relu has no derivative at [1]; the derivative at 0 is 0, as in PyTorch", ((1,),)),
    ("abs(x)", 0.0, "abs has no derivative; the derivative at 0 is 0, as in PyTorch", ((),)),
    ("max(x)", [1.0, 3.0, 3.0], f"max has a tie at [1], [2]; {TIE}", ((1,), (2,))),
    ("maximum(x, 1)", [0.0, 1.0], f"maximum has a tie at [1]; {TIE}", ((1,),)),
    ("norm(x, -inf)", [2.0, 1.0, -1.0], f"norm has no derivative at [1], [2]; {NORM}", ((1,), (2,))),
    ("norm(x, 0.5)", [2.0, 0.0], f"norm has no derivative at [1]; {NORM}", ((1,),)),
    ("clip(x, -1, 1)", [1.0, 0.5],
     "clip has no derivative at [0]; a bound counts as inside: the derivative there is 1, as in PyTorch", ((0,),)),
]


@pytest.mark.parametrize(("expression", "x", "message", "entries"), KINKS, ids=[k[0] for k in KINKS])
def test_kink_is_listed(expression: str, x: Any, message: str, entries: Any, warned: Warns) -> None:
    """A kink or tie is told with the node, its entries, and the convention that was used."""
    found = warned(f"params: {{x: {x}}}\nnodes:\n  h: {expression}\n  loss: sum(h)\n")
    assert found == (Warned("kink", "h", message, entries),)


def test_away_from_kinks_nothing_is_said(warned: Warns) -> None:
    """A run without kinks, ties and infinities has no warning."""
    assert warned("params: {x: [0.1, -2.0]}\nnodes: {h: relu(x), loss: max(h) + sum(abs(x))}\n", "local", "nodes") == ()


def test_kink_without_a_gradient_is_no_matter(warned: Warns) -> None:
    """A kink through which no gradient flows is not worth a warning."""
    assert warned("inputs: {a: 0.0}\nparams: {x: 1.0}\nnodes: {loss: x * abs(a)}\n") == ()


def test_many_entries_are_counted(warned: Warns) -> None:
    """At most five entries are listed."""
    (one,) = warned(f"params: {{x: {[0.0] * 9}}}\nnodes: {{loss: sum(relu(x))}}\n")
    assert "at [0], [1], [2], [3], [4] and 4 more;" in one.message
    assert len(one.entries) == 5


def test_inline_kink_is_named_by_its_user(warned: Warns) -> None:
    """An anonymous node is named by the named one that uses it."""
    (one,) = warned("params: {x: [0.0, 1.0]}\nnodes: {h: 2*relu(x) + 1, loss: sum(h)}\n")
    assert one.node == "h"


def test_what_several_say_is_said_once(warned: Warns) -> None:
    """Two norms in one node, of zeros both, give one warning."""
    found = warned("params: {x: [0.0, 0.0], y: [0.0, 0.0]}\nnodes: {loss: norm(x) + norm(y)}\n")
    assert [w.node for w in found] == ["loss"]


def test_first_value_that_is_not_finite(warned: Warns) -> None:
    """The first such node, the operand's offending entry and what to do; what follows from it is not repeated."""
    found = warned("params: {x: [2.0, 0.0]}\nnodes: {p: log(x), q: p * 2, loss: sum(q)}\n")
    assert [(w.code, w.node, w.entries) for w in found] == [("nonfinite", "p", ((1,),))]
    assert found[0].message.startswith("log is -inf at [1] of x[1] = 0; the logarithm of 0 is -inf")


def test_origin_inside_an_expression(warned: Warns) -> None:
    """The operation is found inside an inline expression; an infinity that does no harm on the way is not blamed."""
    (one,) = warned("params: {z: [800.0, -800.0]}\nnodes: {p: 1/(1+exp(-z)), loss: -sum(log(1-p))}\n")
    assert one.node == "loss"
    assert one.message.startswith("log gives -inf at [0] of 0; ")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("softmax(where(k, x, -inf))", "softmax is nan at [0], [1] of -inf"),
        ("sum(where(k, x, -inf))", "where gives -inf at [0], [1] of k[0] = 0 and x[0] = 1"),
        ("sum(where(k, x, inf) * k)", "multiply gives nan at [0], [1] of inf and k[0] = 0"),
        ("log(where(k, x, -1))", "log is nan at [0], [1] of -1; "),
    ],
)
def test_a_written_infinity_is_meant(warned: Warns, written: str, said: str) -> None:
    """Of -inf behind a mask the op that makes NaN of it is named, not the sign of the literal."""
    (one,) = warned(f"inputs: {{k: [0, 0]}}\nparams: {{x: [1.0, 2.0]}}\nnodes: {{p: '{written}', loss: sum(p)}}\n")
    assert one.node == "p"
    assert one.message.startswith(said)


def test_harmless_infinity_is_silent(warned: Warns) -> None:
    """exp(800) in 1/(1 + exp(800)) is infinite, its result is right; where the gradient is finite nothing is said."""
    assert warned("params: {z: -800.0}\nnodes: {p: 1/(1+exp(-z)), loss: sum(stop_gradient(p) * z)}\n") == ()


def test_leaf_that_is_not_finite(warned: Warns) -> None:
    """A value given as infinite is the first one."""
    (one,) = warned("inputs: {a: .inf}\nparams: {x: 1.0}\nnodes: {loss: x * a}\n")
    assert (one.code, one.node) == ("nonfinite", "a")


def test_first_gradient_that_is_not_finite(warned: Warns) -> None:
    """Where all values are finite and a gradient is not, the gradient is named, with where and why."""
    (one,) = warned("params: {x: [4.0, 0.0]}\nnodes: {s: sqrt(x), loss: sum(s)}\n")
    assert (one.code, one.node, one.entries) == ("nonfinite", "x", ((1,),))
    assert one.message.startswith("∂loss/∂x is inf at [1] where the value is 0, through sqrt; ")


def test_unstable_chain_is_reported(warned: Warns) -> None:
    """A gradient that is NaN step by step, 0·∞, while its simplified formula is 1: the composition is unstable."""
    found = warned("params: {x: [0.0, 4.0]}\nnodes: {h: sqrt(x), loss: sum(h**2)}\n", "nodes")
    assert [(w.code, w.node) for w in found] == [("nonfinite", "x"), ("unstable", "x")]
    assert found[1].message == ("the composition is numerically unstable here: computed step by step the gradient is "
                                "not finite, its simplified formula is")  # fmt: skip


def test_warnings_reach_the_reports(backprop: Any, tmp_path: Path) -> None:
    """The terminal view and JSON both carry them."""
    spec = tmp_path / "net.yaml"
    spec.write_text("params: {x: [0.0, 1.0]}\nnodes: {h: relu(x), loss: sum(h)}\n")
    assert "warning: h: relu has no derivative at [0]; the derivative at 0 is 0, as in Py" in backprop("run", spec).out
    found = json.loads(backprop("run", spec, "--format", "json").out)["warnings"]
    assert [(w["code"], w["node"]) for w in found] == [("kink", "h")]


def test_long_chain_is_not_slowed() -> None:
    """The checks of a chain of scalars cost far less than the chain itself."""
    text = "params: {x0: 0.5}\nnodes:\n" + "".join(f"  x{i}: sin(x{i - 1})\n" for i in range(1, 3000))
    graph = build(read_spec(text.encode(), "net.yaml", folder=None))
    leaves = load_leaves(graph)

    computed = compute(graph, leaves)
    assert calls(lambda _: warnings_of(graph, computed), None) < 0.5 * calls(lambda _: compute(graph, leaves), None)


def test_a_formula_without_a_value_is_the_worst(backprop: Any) -> None:
    """Rule: a deviation that is NaN is not passed over, whichever place it has; `max` sees it in the first alone."""
    for deviations in ((math.nan, 0.0), (0.0, math.nan), (math.nan,)):
        assert math.isnan(worst(deviations))
    assert (worst(()), worst((1e-9, 2e-9))) == (0.0, 2e-9)
    for expression in ("norm(x) + b**2", "b**2 + norm(x)"):
        out = backprop("hessian", "-e", expression, "--set", "x=[0.0, 0.0]", "--set", "b=1.0").out
        assert "the formula has no value at these numbers" in out
    out = backprop("hessian", "-e", "norm(x) + b**2", "--set", "x=[3.0, 4.0]", "--set", "b=1.0").out
    assert "the formula, evaluated, differs by at most" in out
