"""Layers against PyTorch's modules with the same weights: the value and every gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = pytest.mark.peers


@dataclass(frozen=True)
class Case:
    """A layer, the shape of what flows in, PyTorch's module, its parameters made of ours, how it is called."""

    layer: str
    shape: str
    module: Callable[[], Any]
    weights: Callable[[dict[str, Any]], dict[str, Any]]
    forward: Callable[[Any, Any], Any] = lambda module, x: module(x)


def same(**names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """PyTorch's names of weights of the same shape."""
    return lambda ours: {theirs: ours[name] for theirs, name in names.items()}


def stacked(ours: dict[str, Any], gates: str, index: str = "1") -> dict[str, Any]:
    """The gates of a cell as PyTorch joins them; its second bias is zero but for the GRU's candidate."""
    joined = {"weight_ih_l0": [f"W_x{g}_{index}" for g in gates], "weight_hh_l0": [f"W_h{g}_{index}" for g in gates]}
    found = {theirs: torch.cat([ours[name].T for name in names]) for theirs, names in joined.items()}
    found["bias_ih_l0"] = torch.cat([ours[f"b_{g}_{index}"] for g in gates])
    second = [ours[f"b_h{g}_{index}"] if f"b_h{g}_{index}" in ours else 0 * ours[f"b_{g}_{index}"] for g in gates]
    return {**found, "bias_hh_l0": torch.cat(second)}


def projections(ours: dict[str, Any]) -> dict[str, Any]:
    """W_Q, W_K and W_V as PyTorch joins them."""
    return {"in_proj_weight": torch.cat([ours[f"W_{letter}_1"].T for letter in "QKV"]),
            "in_proj_bias": torch.cat([ours[f"b_{letter}_1"] for letter in "QKV"]),
            "out_proj.weight": ours["W_O_1"].T, "out_proj.bias": ours["b_O_1"]}  # fmt: skip


def encoder(norms: tuple[str, str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An encoder block's weights; `norms` are what the two norms' names end in."""

    def weights(ours: dict[str, Any]) -> dict[str, Any]:
        found = {f"self_attn.{name}": value for name, value in projections(ours).items()}
        found |= {f"linear{i}.weight": ours[f"W_{i + 1}"].T for i in (1, 2)}
        found |= {f"linear{i}.bias": ours[f"b_{i + 1}"] for i in (1, 2)}
        for i, end in enumerate(norms, start=1):
            found |= {f"norm{i}.weight": ours[f"gamma_{end}"], f"norm{i}.bias": ours[f"beta_{end}"]}
        return found

    return weights


def block(**options: Any) -> Callable[[], Any]:
    """PyTorch's encoder layer without dropout."""
    return lambda: nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True, **options)


CASES = {
    "linear": Case("{linear: {out: 3, activation: tanh}}", "[5, 4]", lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()),
                   lambda ours: {"0.weight": ours["W_1"].T, "0.bias": ours["b_1"]}),
    "conv2d": Case("{conv2d: {out: 4, kernel: [3, 2], stride: 2, padding: 1, groups: 2}}", "[2, 2, 7, 6]",
                   lambda: nn.Conv2d(2, 4, (3, 2), stride=2, padding=1, groups=2), same(weight="W_1", bias="b_1")),
    "conv2d-same": Case("{conv2d: {out: 3, kernel: 3, padding: same, dilation: 2, bias: false}}", "[2, 2, 6, 6]",
                        lambda: nn.Conv2d(2, 3, 3, padding="same", dilation=2, bias=False), same(weight="W_1")),
    "conv1d": Case("{conv1d: {out: 3, kernel: 3}}", "[2, 2, 7]", lambda: nn.Conv1d(2, 3, 3),
                   same(weight="W_1", bias="b_1")),
    "max_pool2d": Case("{max_pool2d: {kernel: 3, stride: 2, padding: 1}}", "[2, 2, 7, 6]",
                       lambda: nn.MaxPool2d(3, stride=2, padding=1), same()),
    "avg_pool1d": Case("{avg_pool1d: 2}", "[2, 2, 7]", lambda: nn.AvgPool1d(2), same()),
    "flatten": Case("flatten", "[2, 3, 4]", nn.Flatten, same()),
    "layer_norm": Case("{layer_norm: {eps: 1e-3}}", "[2, 3, 4]", lambda: nn.LayerNorm(4, eps=1e-3),
                       same(weight="gamma_1", bias="beta_1")),
    "batch_norm": Case("batch_norm", "[5, 3, 2, 2]", lambda: nn.BatchNorm2d(3),
                       same(weight="gamma_1", bias="beta_1")),
    "rms_norm": Case("rms_norm", "[2, 4]", lambda: nn.RMSNorm(4), same(weight="gamma_1")),
    "group_norm": Case("{group_norm: 2}", "[2, 4, 3]", lambda: nn.GroupNorm(2, 4),
                       same(weight="gamma_1", bias="beta_1")),
    "rnn": Case("{rnn: {hidden: 3, activation: relu}}", "[2, 4, 5]",
                lambda: nn.RNN(5, 3, nonlinearity="relu", batch_first=True),
                lambda ours: {"weight_ih_l0": ours["W_x_1"].T, "weight_hh_l0": ours["W_h_1"].T,
                              "bias_ih_l0": ours["b_1"], "bias_hh_l0": 0 * ours["b_1"]},
                lambda module, x: module(x)[0][:, -1]),
    "lstm": Case("{lstm: {hidden: 3, return: all}}", "[2, 4, 5]", lambda: nn.LSTM(5, 3, batch_first=True),
                 lambda ours: stacked(ours, "ifgo"), lambda module, x: module(x)[0]),
    "gru": Case("{gru: 3}", "[4, 5]", lambda: nn.GRU(5, 3), lambda ours: stacked(ours, "rzn"),
                lambda module, x: module(x)[0][-1]),
    "attention": Case("{attention: {heads: 2, bias: true}}", "[2, 3, 4]",
                      lambda: nn.MultiheadAttention(4, 2, batch_first=True), projections,
                      lambda module, x: module(x, x, x)[0]),
    "causal": Case("{attention: {heads: 2, bias: true, causal: true}}", "[2, 3, 4]",
                   lambda: nn.MultiheadAttention(4, 2, batch_first=True), projections,
                   lambda module, x: module(x, x, x, attn_mask=torch.ones(3, 3).triu(1).bool())[0]),
    "encoder_block": Case("{encoder_block: {heads: 2, ff: 6, bias: true}}", "[2, 3, 4]", block(), encoder(("1", "3"))),
    "encoder_block-pre": Case("{encoder_block: {heads: 2, ff: 6, bias: true, norm: pre, activation: gelu}}",
                              "[2, 3, 4]", block(norm_first=True, activation="gelu"), encoder(("1", "1_2"))),
}  # fmt: skip


class Called(nn.Module):  # type: ignore[misc, name-defined]
    """A module called in the way of its case."""

    def __init__(self, inner: Any, case: Case) -> None:
        super().__init__()
        self.inner, self.case = inner, case

    def forward(self, x: Any) -> Any:
        """The value that is the layer's."""
        return self.case.forward(self.inner, x)


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_layer_is_pytorchs(case: Case) -> None:
    """With PyTorch's weights set to the layer's, values and gradients are the same."""
    text = f"inputs: {{x: {{shape: {case.shape}, init: normal, seed: 5}}}}\nlayers: [{case.layer}]\nwrt: all\n"
    plain = read_spec((text + "grad_output: ones\n").encode(), "layer.yaml", folder=None)
    last = plain.nodes[-1].name
    loss = f"nodes: {{loss: sum(sin({last}))}}\n"
    rng = np.random.default_rng(3)
    spec = read_spec((text + loss).encode(), "layer.yaml", folder=None)
    ours = run(randomized(spec, rng), Settings(terms=()))
    values = {node.name: torch.tensor(node.value, dtype=torch.float64) for node in ours.nodes}
    params = {leaf.name: values[leaf.name].clone().requires_grad_() for leaf in spec.leaves}
    module = case.module().double()
    theirs = case.weights(params)
    assert {name for name, _ in module.named_parameters()} == set(theirs)
    weights = {f"inner.{name}": weight for name, weight in theirs.items()}
    out = torch.func.functional_call(Called(module, case), weights, params["x"])
    torch.sin(out).sum().backward()
    np.testing.assert_allclose(values[last], out.detach(), rtol=1e-9, atol=1e-11)
    for node in ours.nodes:
        if node.name in params and node.gradient is not None and params[node.name].grad is not None:
            expected = params[node.name].grad
            np.testing.assert_allclose(node.gradient.value, expected, rtol=1e-8, atol=1e-10, err_msg=node.name)


def randomized(spec: Any, rng: Any) -> Any:
    """The spec with every param drawn, so that no bias is zero and no weight of a norm is one."""
    from dataclasses import replace

    def drawn(shape: tuple[int, ...]) -> Callable[[], Any]:
        array = rng.normal(size=shape)
        return lambda: array

    leaves = tuple(replace(leaf, load=drawn(leaf.shape)) if leaf.kind == "param" else leaf for leaf in spec.leaves)
    return replace(spec, leaves=leaves)
