"""What a program says is read or refused: no argument, no write in place, no option of a layer is passed over.

Each pair is a program and the same program written out by hand: both must have one loss and the same gradients.
"""

from __future__ import annotations

import numpy as np
import pytest

import backprop_cli
from tests.conftest import Backprop

HEAD = """import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
"""
SIGNAL = "x = torch.arange(12.).reshape(1, 2, 6).requires_grad_()\n"
TABLE = "x = torch.linspace(-1, 2, 12).reshape(4, 3).pow(3).requires_grad_()\n"
STEPS = "x = torch.linspace(-1, 1, 8).sin().reshape(4, 1, 2).requires_grad_()\n"
PLAIN = "w = nn.Parameter(torch.tensor([1., 2.]))\n"
SIGNED = "w = nn.Parameter(torch.tensor([1., -2.]))\n"
CONV = "m = nn.Conv1d(2, 4, 3, {})\n"

HOOKED = """class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([1., -2.]))
    def forward(self, x, by=1.):
        return self.w * x * by
net = Scaled()
x = torch.tensor([3., 5.], requires_grad=True)
"""
PAIRS = {
    "a border that goes round": (
        SIGNAL + CONV.format("padding=1, padding_mode='circular'") + "y = m(x)",
        SIGNAL + CONV.format("") + "y = m(F.pad(x, (1, 1), mode='circular'))"),
    "a border that is reflected, as wide as keeps the size": (
        SIGNAL + CONV.format("padding='same', dilation=2, padding_mode='reflect'") + "y = m(x)",
        SIGNAL + CONV.format("dilation=2") + "y = m(F.pad(x, (2, 2), mode='reflect'))"),
    "an embedding's function": (
        "w = nn.Parameter(torch.arange(6.).reshape(3, 2))\ny = F.embedding(torch.tensor([0, 1, 1]), w, padding_idx=1)",
        "w = nn.Parameter(torch.arange(6.).reshape(3, 2))\ny = torch.cat([w[0], w[1].detach(), w[1].detach()])"),
    "a norm by groups without params": (
        TABLE + "y = nn.GroupNorm(3, 3, affine=False)(x.reshape(2, 3, 2))",
        TABLE + "y = F.group_norm(x.reshape(2, 3, 2), 3)"),
    "a norm's eps": (
        TABLE + "m = nn.BatchNorm1d(3, eps=0.5)\ny = m(x)**2",
        TABLE + "m = nn.BatchNorm1d(3)\ny = F.batch_norm(x, None, None, m.weight, m.bias, True, eps=0.5)**2"),
    "a norm of each sample": (SIGNAL + "y = nn.InstanceNorm1d(2)(x)**3", SIGNAL + "y = F.instance_norm(x)**3"),
    "a norm without a bias": (TABLE + "m = nn.LayerNorm(3, bias=False)\ny = m(x)**3",
                              TABLE + "m = nn.LayerNorm(3, bias=False)\ny = F.layer_norm(x, (3,), m.weight)**3"),
    "axes that stay": (TABLE + "y = nn.Flatten(0, 1)(x.reshape(2, 2, 3))[3]", TABLE + "y = x[3]"),
    "positions before ceil_mode": (SIGNAL + "y = nn.MaxPool1d(4, 3, 0, 1, False, True)(x)",
                                   SIGNAL + "y = F.max_pool1d(x, 4, 3, ceil_mode=True)"),
    "a border of numbers": (SIGNAL + "y = nn.ConstantPad1d((1, 2), 3.5)(x)",
                            SIGNAL + "y = F.pad(x, (1, 2), value=3.5)"),
    "a bilinear layer": (TABLE + "m = nn.Bilinear(3, 2, 2)\ny = m(x, x[:, :2])",
                         TABLE + "m = nn.Bilinear(3, 2, 2)\ny = F.bilinear(x, x[:, :2], m.weight, m.bias)"),
    "a recurrent layer without biases": (
        STEPS + "m = nn.RNN(2, 3, bias=False)\ny = m(x)[0]",
        STEPS + "m = nn.RNN(2, 3, bias=False)\nh = torch.zeros(1, 3)\nys = []\nfor t in range(4):\n"
        "    h = torch.tanh(x[t] @ m.weight_ih_l0.T + h @ m.weight_hh_l0.T)\n    ys.append(h)\ny = torch.stack(ys)"),
    "a recurrent layer from both ends": (
        STEPS + "m = nn.RNN(2, 3, bidirectional=True, nonlinearity='relu')\ny = m(x)[0]",
        STEPS + "m = nn.RNN(2, 3, bidirectional=True)\nh = torch.zeros(1, 3)\nfirst = []\nfor t in range(4):\n"
        "    h = F.relu(F.linear(x[t], m.weight_ih_l0, m.bias_ih_l0) + F.linear(h, m.weight_hh_l0, m.bias_hh_l0))\n"
        "    first.append(h)\nh = torch.zeros(1, 3)\nlast = []\nfor t in [3, 2, 1, 0]:\n"
        "    h = F.relu(F.linear(x[t], m.weight_ih_l0_reverse, m.bias_ih_l0_reverse) + F.linear(h, "
        "m.weight_hh_l0_reverse, m.bias_hh_l0_reverse))\n    last.append(h)\n"
        "y = torch.stack([torch.cat([a, b], -1) for a, b in zip(first, last[::-1])])"),
    "a reduction of old, a sum": (TABLE + "y = nn.MSELoss(size_average=False)(x, 2*x + 1)",
                                  TABLE + "y = ((x + 1)**2).sum()"),
    "a reduction of old, none": (TABLE + "y = F.l1_loss(x, 3*x, reduce=False)", TABLE + "y = (2*x).abs()"),
    "a place to write to": (
        SIGNED + "h = torch.zeros(2)\ntorch.mul(w, w, out=h)\ny = h*w",
        SIGNED + "y = w**3"),
    "a gate in place": (SIGNED + "h = 2*w\no = nn.ReLU(inplace=True)(h)\ny = o + 3*h",
                        SIGNED + "y = 4*F.relu(2*w)"),
    "numbers for what is none": (
        PLAIN + "y = torch.nan_to_num(w + torch.tensor([0., float('inf')]), posinf=3.)",
        PLAIN + "y = torch.stack([w[0], w[1]*0 + 3])"),
    "indices that add up": (
        PLAIN + "y = torch.zeros(2).scatter(0, torch.tensor([1, 1]), w, reduce='add')",
        PLAIN + "y = w.sum() * torch.tensor([0., 1.])"),
    "a conversion of what has a gradient": (
        PLAIN + "y = w.long() * w", PLAIN + "y = w.detach() * w"),
    "the sizes that windows came from": (
        SIGNAL + "v, i = F.max_pool1d(x, 2, return_indices=True)\ny = F.max_unpool1d(v, i, 2)",
        SIGNAL + "y = x * torch.tensor([0., 1., 0., 1., 0., 1.])"),
    "what follows a loop that was not left": (
        PLAIN + "n, y = 0, w\nwhile n < 2:\n    y, n = y * w, n + 1\nelse:\n    y = y + 1",
        PLAIN + "y = w**3 + 1"),
    "a seed that is computed": (
        PLAIN + "loss = w**2\nloss.backward(torch.arange(2.) + 1)",
        PLAIN + "loss = w**2\nloss.backward(torch.tensor([1., 2.]))"),
    "a hook that sees keywords": (
        HOOKED + "def hook(m, args, kwargs, out):\n    return out * kwargs['by']\n"
        "net.register_forward_hook(hook, with_kwargs=True)\ny = net(x, by=3.)",
        HOOKED + "y = net(x, by=3.) * 3."),
    "a hook that gives keywords": (
        HOOKED + "net.register_forward_pre_hook(lambda m, args, kwargs: ((args[0] + 1,), {'by': 5.}), "
        "with_kwargs=True)\ny = net(x, by=3.)",
        HOOKED + "y = net(x + 1, by=5.)"),
    "a hook that goes first": (
        HOOKED + "net.register_forward_hook(lambda m, args, out: out * 3)\n"
        "net.register_forward_hook(lambda m, args, out: out + 1, prepend=True)\ny = net(x)",
        HOOKED + "y = (net(x) + 1) * 3"),
    "a copy has the hooks": (
        HOOKED + "net.register_forward_hook(lambda m, args, out: out * 3)\nimport copy\nnet = copy.deepcopy(net)\n"
        "y = net(x)",
        HOOKED + "y = net(x) * 3"),
    "a copy is as far in training": (
        HOOKED + "net.eval()\nimport copy\nnet = copy.deepcopy(net)\ny = net(x) * (2. if net.training else 3.)",
        HOOKED + "y = net(x) * 3"),
    "training by name": (
        HOOKED + "net.train(mode=False)\ny = net(x) * (2. if net.training else 3.)",
        HOOKED + "y = net(x) * 3"),
    "a param that is no param by name": (
        HOOKED + "net.requires_grad_(requires_grad=False)\ny = net(x) * x",
        HOOKED + "y = torch.tensor([1., -2.]) * x * x"),
    "the larger of what is a number": (
        "w = nn.Parameter(torch.tensor([1., float('nan'), 2.]))\ny = torch.fmax(w, torch.tensor([1., 5., 3.]))",
        "w = nn.Parameter(torch.tensor([1., float('nan'), 2.]))\ny = torch.stack([w[0], w[0]*0 + 5, w[2]*0 + 3])"),
}  # fmt: skip


def gradients(program: str) -> tuple[float, dict[str, np.ndarray]]:
    """The loss, and the gradient of every param."""
    whole = HEAD + program + ("" if "backward" in program else "\nloss = (y**2).sum()\nloss.backward()") + "\n"
    run = backprop_cli.run(whole, terms=())
    return run["loss"].value, {name: run[name].grad for name in run if run[name].kind == "param"}


@pytest.mark.parametrize("name", PAIRS)
def test_what_is_said_is_read(name: str) -> None:
    """Rule: a program means what it means written out."""
    (one, ours), (two, theirs) = map(gradients, PAIRS[name])
    np.testing.assert_allclose(one, two, rtol=1e-12)
    assert ours.keys() == theirs.keys()
    for leaf, found in ours.items():
        wanted = theirs[leaf]
        assert wanted is not None
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-12, err_msg=leaf)


def test_the_spared_row_starts_from_zeros() -> None:
    """Rule: nothing flows to the row padding_idx, which PyTorch starts from zeros."""
    _, found = gradients("m = nn.Embedding(4, 2, padding_idx=1)\ny = m(torch.tensor([0, 1, 3, 1])) + 1.")
    assert not found["m_weight"][[1, 2]].any()
    assert found["m_weight"][[0, 3]].all()


REFUSED = {
    "list(nn.Linear(2, 3).parameters(recurse=False))[0]": "parameters with recurse is not read",
    "nn.Embedding(4, 2, max_norm=0.5)(torch.tensor([1]))": "nn.Embedding with max_norm is not read",
    "nn.Embedding(4, 2, scale_grad_by_freq=True)(torch.tensor([1]))":
        "nn.Embedding with scale_grad_by_freq is not read",
    "nn.Linear(2, 3, biass=False)(w)": "nn.Linear takes other arguments",
    "nn.MultiheadAttention(2, 1, add_bias_kv=True)(w[None], w[None], w[None])[0]":
        "nn.MultiheadAttention with add_bias_kv, add_zero_attn, kdim or vdim is not read",
    "nn.EmbeddingBag(4, 2, padding_idx=1)(torch.tensor([[1]]))":
        "nn.EmbeddingBag with max_norm, scale_grad_by_freq, _weight or padding_idx is not read",
    "nn.LSTM(2, 3, proj_size=1)(w[None, None])[0]": "nn.LSTM with proj_size is not read",
    "torch.zeros(2).scatter(0, torch.tensor([0, 1]), w, reduce='multiply')": "scatter takes other arguments",
    "np.reshape(w, (2, 1), order='F')": "an order of reshape is not read",
}  # fmt: skip


@pytest.mark.parametrize("code", REFUSED)
def test_what_is_not_read_is_named(code: str, backprop: Backprop) -> None:
    """Rule: an option that changes numbers and is not read is an error that names it."""
    text = f"{HEAD}w = torch.tensor([1., 2.], requires_grad=True)\ny = {code}\nloss = (y**2).sum()\nloss.backward()\n"
    done = backprop("import", "-", stdin=text)
    assert done.code == 2
    assert REFUSED[code] in done.err


def test_a_program_without_a_name_for_what_it_computes(backprop: Backprop) -> None:
    """Rule: `f(x).sum().backward()` alone is a spec with one node, and runs."""
    text = f"{HEAD}x = torch.tensor([1., 4.], requires_grad=True)\ntorch.sqrt(x).sum().backward()\n"
    assert "nodes:\n  out: sum(sqrt(x))\noutput: out\n" in backprop("import", "-", stdin=text).out
    np.testing.assert_allclose(backprop_cli.run(text)["x"].grad, [0.5, 0.25])


def test_jaxs_keys() -> None:
    """Rule: what a key draws is a leaf in the shape that is asked for; the loss is differentiated by all of them."""
    text = ("import jax\nimport jax.numpy as jnp\nkey, sub = jax.random.split(jax.random.PRNGKey(0))\n"
            "keys = jax.random.split(key, num=3)\nW = jax.random.uniform(keys[2], (3,), minval=-1., maxval=1.)\n"
            "b = jax.random.normal(sub)\ng = jax.grad(lambda W, b: (W.sum() - b)**2, argnums=(0, 1))(W, b)\n"
            )  # fmt: skip
    run = backprop_cli.run(text)
    assert (np.shape(run["W"].value), np.shape(run["b"].value)) == ((3,), ())
    np.testing.assert_allclose(run["W"].grad, np.full(3, -run["b"].grad))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0, 3), (3, 0)])
def test_nothing_keeps_its_shape(shape: tuple[int, ...]) -> None:
    """Rule: an empty leaf is as long along each axis as the program says."""
    text = f"{HEAD}x = torch.zeros({shape}, requires_grad=True)\ny = x.sum()\ny.backward()\n"
    assert backprop_cli.run(text)["x"].value.shape == shape
