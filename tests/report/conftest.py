"""A result made by hand: what a renderer shows does not depend on how it was computed."""

from __future__ import annotations

import numpy as np
import pytest

from backprop_cli.formulas.printed import Omitted, Printed
from backprop_cli.tasks.result import Gradient, NodeResult, PassResult, Result, Warned


def printed(text: str) -> Printed:
    """A formula whose notations differ."""
    others = {"code": f"code({text})", "latex": f"latex({text})", "mathml": f"<mi>{text}</mi>"}
    return Printed({"text": text, **others}, 2.5e-16)


@pytest.fixture
def result() -> Result:
    """A small net with a kink, all kinds of nodes, and a formula left out."""
    chained = printed("m · xᵀ")
    formula = {"local": printed("∂L/∂h · xᵀ"), "nodes": chained, "compact": chained, "leaves": Omitted("too long")}
    w = Gradient(np.array([[0.5, -1.0]]), formula)
    h = Gradient(np.array([1.0]), {"local": printed("m"), "nodes": printed("m"), "compact": printed("m")})
    return Result(
        spec="net.yaml", title="A net", description="What it\nshows.", dtype="float64", output="L",
        grad_output=np.float64(1.0), dims={"N": 2},
        nodes=(
            NodeResult("x", "input", None, (), None, (2,), np.array([0.25, -10.0]), False, None),
            NodeResult("w", "param", None, (), None, (1, 2), np.array([[4.0, 0.1]]), True, w),
            NodeResult("h", "node", "matmul", ("w", "x"), "w @ x", (1,), np.array([0.0]), True, h),
            NodeResult("L", "node", "sum", ("h",), "sum(relu(h))", (), np.float64(1 / 3), True,
                       Gradient(np.float64(1.0), {"local": printed("1"), "nodes": printed("1")})),
        ),
        warnings=(Warned("kink", "h", "relu at 0", ((0,),)),),
        facts=("Σ t = 1",),
    )  # fmt: skip


@pytest.fixture
def two_passes() -> Result:
    """Two backward passes whose leaf gradients add up."""
    one, two = np.array([1.0, 2.0]), np.array([10.0, 20.0])
    seed = np.float64(1.0)
    return Result(
        spec="net.yaml", title=None, description=None, dtype="float64", output="L", grad_output=seed, dims={},
        nodes=(NodeResult("w", "param", None, (), None, (2,), one, True, Gradient(one + two)),
               NodeResult("L", "node", "sum", ("w",), "sum(w)", (), np.float64(3.0), True, Gradient(np.float64(1.0)))),
        passes=(PassResult("L", seed, {"w": Gradient(one)}), PassResult("L", seed, {"w": Gradient(two)})),
    )  # fmt: skip
