"""Every rule beside torch.optim, with parameters drawn at random."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tests.conftest import Backprop
from tests.stepping.test_step import TANH_FIT, options, stepped

pytestmark = pytest.mark.peers

Parameters = Mapping[str, float]
STEPS = 25


def of_torch(rule: str, p: Parameters) -> Callable[[Any, Any], Any]:
    """The optimizer of a rule with its parameters, in PyTorch's words."""
    rest = {name: p[name] for name in ("lr", "weight_decay", "momentum", "dampening", "eps", "alpha") if name in p}
    flags = {name: bool(p[name]) for name in ("amsgrad", "centered") if name in p}
    if rule in {"sgd", "momentum", "nesterov"}:
        return lambda torch, w: torch.optim.SGD(w, **rest, nesterov=rule == "nesterov")
    if rule == "adam":
        return lambda torch, w: torch.optim.Adam(w, **rest, **flags, betas=(p["beta1"], p["beta2"]))
    return lambda torch, w: torch.optim.RMSprop(w, **rest, **flags)


def drawn(rule: str, seed: int) -> dict[str, float]:
    """Parameters that a rule takes."""
    rng = np.random.default_rng(seed)
    wanted = {"momentum": ("momentum", "dampening"), "nesterov": ("momentum",),
              "adam": ("beta1", "beta2", "eps", "amsgrad"), "rmsprop": ("alpha", "eps", "momentum", "centered")}
    found = {"lr": float(np.round(10 ** rng.uniform(-3, -1.5), 5)), "weight_decay": float(rng.choice([0, 0.03, 0.2]))}
    for name in wanted.get(rule, ()):
        switch = name in {"amsgrad", "centered"}
        low, high = (1e-8, 1e-3) if name == "eps" else (0.3, 0.95)
        found[name] = float(rng.integers(2)) if switch else float(np.round(rng.uniform(low, high), 6))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("rule", ["sgd", "momentum", "nesterov", "adam", "rmsprop"])
def test_rules_are_those_of_torch_optim(backprop: Backprop, rule: str, seed: int) -> None:
    """After 25 steps loss and params are PyTorch's, whatever the parameters."""
    torch: Any = pytest.importorskip("torch")
    p = drawn(rule, seed)
    found = stepped(backprop, "-", "--rule", rule, *options({name: repr(value) for name, value in p.items()}),
                    "--steps", str(STEPS), "--every", "1", "--terms", "none", stdin=TANH_FIT)  # fmt: skip
    w, b = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in ([0.5, -0.3], 0.2))
    data, y = (torch.tensor(x, dtype=torch.float64) for x in ([[1, 2], [3, -1], [0.5, 0.25]], [1, -2, 3]))
    optimizer = of_torch(rule, p)(torch, [w, b])
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = torch.sum((torch.tanh(data @ w) + b - y) ** 2)
        losses.append(float(loss.detach()))
        loss.backward()
        optimizer.step()
    np.testing.assert_allclose([h["loss"] for h in found["history"]][:STEPS], losses, rtol=1e-9)
    np.testing.assert_allclose(found["params"]["w"]["new"], w.detach().numpy(), rtol=1e-8)
    np.testing.assert_allclose(found["params"]["b"]["new"], float(b.detach()), rtol=1e-8)
