"""Calls as PyTorch's users write them, imported from a script, beside PyTorch itself."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.importing.reading import import_python
from tests.spelling.test_spellings import CASES, LOOSER, called, spelled

RNG = np.random.default_rng(4)
SHAPES = {"a": (3, 4), "b": (3, 4), "v": (4,), "u": (3,), "M": (4, 4), "x3": (2, 3, 4), "img": (2, 2, 5, 5),
          "k": (4, 2, 3, 3), "w2": (5, 4)}  # fmt: skip
VALUES = {name: RNG.uniform(0.2, 1.7, shape).round(3) for name, shape in SHAPES.items()}
VALUES["a"][0, 0], VALUES["b"][1, 2] = -0.7, -1.1
VALUES["M"] += 2 * np.eye(4)
IMPORTS = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
POSITIONS = "i = torch.tensor([[0, 2, 1, 3], [1, 1, 0, 2], [3, 0, 2, 2]])\n"
CALLS = """
torch.addcmul(a, b, a, value=0.5)
torch.addcdiv(a, b, 1 + b**2, value=2)
torch.lerp(a, b, 0.3)
a.lerp(b, weight=0.25)
torch.clamp(a, max=0.5)
a.clamp(min=0.1, max=0.9)
torch.norm(a, p=2, dim=1)
torch.norm(a, dim=0, keepdim=True)
torch.linalg.norm(a, ord='fro')
torch.linalg.vector_norm(a, ord=3, dim=1)
F.normalize(a, p=2.0, dim=0)
F.normalize(a)
torch.cumsum(a, dim=1)
a.cumprod(0)
torch.logsumexp(a, dim=(0, 1))
torch.logsumexp(a, 1, keepdim=True)
a.std(0)
a.var(dim=1, unbiased=False, keepdim=True)
torch.var_mean(a, dim=1)[0]
torch.std_mean(a)[1]
torch.max(a, dim=1, keepdim=True).values
torch.max(a, 0)[0]
torch.min(input=a, dim=1)[0]
torch.amax(a, dim=(0, 1))
torch.maximum(input=a, other=b)
torch.sub(a, b, alpha=2)
torch.rsub(a, b)
torch.div(a, b, rounding_mode=None)
a.true_divide(b)
torch.fmod(a, 0.7)
torch.remainder(a, 0.7)
torch.pow(2.0, a)
torch.square(a)
torch.sigmoid(input=a)
torch.softmax(a, dim=0, dtype=torch.float64)
a.softmax(-1)
F.log_softmax(input=a, dim=1)
F.gelu(a, approximate='tanh')
F.elu(a, 0.7)
F.celu(a, alpha=0.7)
F.selu(a)
F.leaky_relu(input=a, negative_slope=0.2)
F.hardtanh(a, -0.5, 0.5)
F.softplus(a, 2, 10)
F.threshold(a, 0.1, 20)
F.hardshrink(a, lambd=0.3)
F.softshrink(a, 0.3)
F.glu(a, dim=1)
F.prelu(a, torch.tensor([0.25]))
F.silu(a)
F.mish(a)
F.relu6(a * 5)
torch.where(a > 0.5, a, 0.0)
torch.where(condition=a > b, input=a, other=b)
a.masked_fill(a > 0.8, -1.0)
a.masked_fill(mask=(a > 0.8), value=0)
torch.gather(a, 1, i[:, :2])
a.gather(dim=1, index=i)
torch.index_select(a, dim=1, index=torch.tensor([3, 0]))
a.index_select(0, torch.tensor([2, 2, 0]))
torch.take_along_dim(a, i, dim=1)
a[[0, 2]]
a[:, [1, 3]]
a[torch.arange(3), torch.tensor([0, 3, 1])]
a[..., -1]
a.narrow(1, 1, 2)
a.select(1, 2)
torch.select(input=a, dim=0, index=1)
torch.cat((a, b), dim=-1)
torch.cat(tensors=[a, b])
torch.stack([a, b], dim=1)
torch.hstack((a, b))
torch.vstack((a, b))
torch.chunk(a, 2, dim=1)[1]
torch.split(a, [1, 3], dim=1)[1]
a.split(2, dim=1)[0]
torch.unbind(a, dim=1)[2]
torch.flatten(x3, start_dim=1)
x3.flatten(0, 1)
x3.permute(2, 0, 1)
torch.permute(x3, dims=(1, 2, 0))
x3.transpose(1, 2)
torch.swapaxes(x3, axis0=0, axis1=2)
torch.movedim(x3, 0, 2)
x3.view(2, -1)
x3.reshape((6, 4))
a.unsqueeze(1).expand(-1, 5, -1)
a.expand(2, 3, 4)
a.repeat(2, 1)
a.tile((1, 2))
a.repeat_interleave(2, dim=0)
torch.roll(a, shifts=1, dims=1)
torch.flip(a, dims=[0])
torch.tril(a, diagonal=-1)
M.diagonal()
torch.diag(M)
torch.diag_embed(v)
M.trace()
torch.einsum('bij,jk->bik', x3, M)
torch.bmm(x3, x3.transpose(1, 2))
torch.matmul(x3, v)
torch.mv(M, v)
torch.outer(u, v)
torch.ger(u, v)
torch.addmm(b, a, M, beta=0.5, alpha=2)
torch.addmv(u, a, v)
torch.baddbmm(torch.zeros(2, 3, 3), x3, x3.mT)
torch.tensordot(x3, M, dims=1)
torch.tensordot(a, b, dims=([0], [0]))
torch.kron(u, v)
torch.linalg.inv(M)
torch.inverse(M)
torch.linalg.det(M)
torch.logdet(M)
torch.linalg.slogdet(M)[1]
torch.linalg.solve(M, v)
torch.linalg.cholesky(M @ M.T)
torch.linalg.matrix_power(M, 3)
torch.linalg.multi_dot([a, M, v])
torch.dist(a, b, p=2)
torch.cdist(a, b)
F.cosine_similarity(a, b, dim=0)
F.pairwise_distance(a, b, p=2)
F.linear(a, w2)
F.linear(input=a, weight=w2, bias=torch.ones(5))
F.conv2d(img, k, stride=2, padding=1)
F.conv2d(input=img, weight=k, bias=None, stride=1, padding='same')
F.max_pool2d(img, kernel_size=2)
F.avg_pool2d(img, 3, stride=1)
F.adaptive_avg_pool2d(img, 1)
F.pad(a, (1, 0, 2, 1), value=0.5)
F.pad(img, pad=(1, 1, 1, 1), mode='reflect')
F.layer_norm(a, (4,))
F.layer_norm(a, normalized_shape=[4], eps=0.1)
F.group_norm(img, num_groups=2)
F.batch_norm(a, None, None, training=True)
F.embedding(torch.tensor([1, 0, 2]), a)
F.one_hot(torch.tensor([1, 0, 2]), num_classes=4) * a
F.mse_loss(input=a, target=b, reduction='sum')
F.l1_loss(a, b, reduction='none')
F.smooth_l1_loss(a, b, beta=0.5)
F.huber_loss(a, b, delta=0.7)
F.cross_entropy(a, torch.tensor([1, 0, 3]), label_smoothing=0.1)
F.cross_entropy(a, torch.softmax(b, 1))
F.nll_loss(F.log_softmax(a, 1), torch.tensor([1, 0, 3]))
F.binary_cross_entropy(torch.sigmoid(a), torch.sigmoid(b))
F.kl_div(F.log_softmax(a, 1), F.softmax(b, 1), reduction='batchmean')
F.kl_div(input=F.log_softmax(a, 1), target=F.log_softmax(b, 1), reduction='sum', log_target=True)
F.triplet_margin_loss(a, b, a.roll(1, 0), margin=2)
F.cosine_embedding_loss(a, b, torch.tensor([1, -1, 1]))
F.margin_ranking_loss(u, v[:3], torch.tensor([1., -1, 1]), margin=0.1)
F.hinge_embedding_loss(a, torch.where(b > 0.8, 1., -1.))
F.poisson_nll_loss(a, b.abs())
F.gaussian_nll_loss(a, b, b**2 + 0.1)
F.scaled_dot_product_attention(x3, x3, x3, is_causal=False)
F.scaled_dot_product_attention(x3, x3, x3, attn_mask=torch.tensor([[True, False, True]] * 3))
F.unfold(img, 3)
F.interpolate(img, scale_factor=2)
F.dropout(a, p=0.5, training=False)
torch.erf(a)
torch.special.expit(a)
torch.logit(torch.sigmoid(a))
torch.xlogy(a.abs(), b.abs())
torch.atan2(a, b)
torch.hypot(a, b)
torch.logaddexp(a, b)
torch.frac(a)
torch.expm1(a)
torch.log1p(a.abs())
a.abs().sqrt().rsqrt()
torch.sinc(a)
a.neg().exp_()
torch.nan_to_num(a)
torch.lgamma(a.abs())
nn.Softmax(dim=1)(a)
nn.GELU('tanh')(a)
nn.Hardswish()(a)
nn.Softplus(beta=3)(a)
nn.MSELoss()(a, b)
nn.L1Loss(reduction='sum')(a, b)
nn.KLDivLoss(reduction='sum')(F.log_softmax(a, 1), F.softmax(b, 1))
nn.CosineSimilarity(dim=1)(a, b)
nn.Flatten()(x3)
nn.MaxPool2d(2, 1)(img)
nn.AdaptiveAvgPool2d((1, 1))(img)
nn.Dropout(0.3).eval()(a)
nn.Identity()(a)
nn.LogSoftmax(dim=-1)(a)
nn.BCEWithLogitsLoss()(a, torch.sigmoid(b))
nn.SmoothL1Loss(beta=2.0)(a, b)
nn.Threshold(0.3, 1.0)(a)
nn.PairwiseDistance(2)(a, b)
nn.Unflatten(1, (2, 2))(a)
nn.ZeroPad2d(1)(img)
nn.Upsample(scale_factor=2)(img)
a.sum(dim=1).mean().item() * a
a.mean((0, 1))
a.sum(0, keepdim=True)
torch.sum(a, [0, 1])
a.prod(dim=1)
torch.mean(input=a, dim=-1)
(a > b).float() * a
(a @ M).relu().sum(-1, keepdim=True)
torch.zeros_like(a) + a
torch.full((3, 4), 2.5) * a
torch.ones(3, 1) * a
torch.arange(4.) * a
torch.arange(0, 1, 0.25) * a
torch.linspace(0, 1, 4) * a
torch.eye(4) @ M
a.new_ones(3, 4) * a
torch.ones_like(input=a) * a
a.type(torch.float64) * 2
a.contiguous().view(-1)
a.T.contiguous()
torch.ravel(a)
torch.broadcast_to(v, (3, 4))
torch.cross(u, v[:3], dim=0)
torch.trapezoid(v)
torch.diff(a)
torch.diff(a, dim=0)
torch.logcumsumexp(a, dim=1)
F.bilinear(a, b, torch.ones(2, 4, 4))
torch.scatter_add(torch.zeros(3, 4), 1, i, a)
a.index_add(0, torch.tensor([0, 2]), b[:2])
a[a > 0.5].sum()
a[a > 0.5].mean()
(a[b > 0.5] ** 2).sum()
""".strip().splitlines()
"""Positions and keywords in every order that PyTorch takes; each gives a tensor."""


def gradients(call: str, names: list[str], weights: Any) -> dict[str, Any]:
    """The gradients of the weighted sum of what a call gives, by the spec that its script becomes."""
    leaves = "".join(f"{n} = torch.tensor({VALUES[n].tolist()}, requires_grad=True)\n" for n in names)
    text = f"{IMPORTS}{POSITIONS}{leaves}G = torch.tensor({weights.tolist()})\nloss = (({call}) * G).sum()\n"
    (found,) = import_python(f"{text}loss.backward()\n".encode(), "call.py")
    nodes = run(read_spec(found.text.encode(), "call", folder=None), Settings(terms=())).by_name
    made = {name: nodes[name].gradient if name in nodes else None for name in names}
    return {name: np.zeros(SHAPES[name]) if one is None else one.value for name, one in made.items()}


def used(call: str) -> list[str]:
    """The leaves that a call uses."""
    return [name for name in SHAPES if re.search(rf"(?<![\w.']){name}\b", call)]


@pytest.mark.peers
@pytest.mark.parametrize("call", CALLS)
def test_a_call_gives_pytorchs_gradients(call: str) -> None:
    """A call in a script means what PyTorch means by it."""
    torch: Any = pytest.importorskip("torch")
    leaves = {name: torch.tensor(VALUES[name], requires_grad=True) for name in used(call)}
    scope = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, **leaves}
    torch.set_default_dtype(torch.float64)
    exec(POSITIONS, scope)
    out = eval(call, scope)
    weights = torch.cos(torch.arange(out.numel())).reshape(out.shape)
    (out * weights).sum().backward()
    for name, value in gradients(call, list(leaves), weights.numpy()).items():
        right = leaves[name].grad
        expected = np.zeros(SHAPES[name]) if right is None else right.numpy()
        np.testing.assert_allclose(value, expected, rtol=1e-7, atol=1e-9)


PAIRS = {"max.reduction_with_dim", "min.reduction_with_dim", "linalg.slogdet"}
"""Calls whose result is a pair, which has no backward pass of its own."""
SOUND = [s for s in CASES if s["op"] not in PAIRS]
SOME = [*SOUND[::5], *(s for s in SOUND if s["op"] == "logsumexp")]
"""One in five, and those with a scalar that is reduced along its axis 0."""


@pytest.mark.parametrize("sample", SOME, ids=[f"{s['op']}-{s['index']}" for s in SOME])
def test_pytorchs_samples_in_a_script(sample: dict[str, Any]) -> None:
    """A sample of PyTorch's, written as a program, is imported with PyTorch's gradients."""
    leaves: dict[str, Any] = {}
    args = [spelled(given, leaves, f"args[{i}]") for i, given in enumerate(sample["args"])]
    args += [f"{k}={spelled(one, leaves, f'kwargs[{k}]')}" for k, one in sample["kwargs"].items()]
    several = isinstance(sample["output"], list)
    lines = [f"{name} = torch.tensor({numbers(value, diff)}, requires_grad={diff})"
             for name, (_, value, diff) in leaves.items()]  # fmt: skip
    lines.append(f"out = {called(sample['op'], args, [])}")
    seed = sample["cotangent"][0] if several else sample["cotangent"]
    lines.append(f"{'out[0]' if several else 'out'}.backward(torch.tensor({seed}))")
    (found,) = import_python((IMPORTS + "\n".join(lines) + "\n").encode(), "sample.py")
    nodes = run(read_spec(found.text.encode(), "sample", folder=None), Settings(terms=())).by_name
    for name, (path, _, diff) in leaves.items():
        right = sample["gradients"].get(path)
        gradient = nodes[name].gradient if diff and right is not None else None
        if gradient is not None:
            tolerance = LOOSER.get(sample["op"], 1e-9)
            np.testing.assert_allclose(gradient.value, np.array(right, dtype=float), rtol=tolerance, atol=1e-12)


def numbers(value: Any, diff: bool) -> Any:
    """An argument's numbers; labels and positions are whole."""
    whole = not diff and value.size and (value == value.astype(int)).all()
    return (value.astype(int) if whole else value).tolist()


a, b = VALUES["a"], VALUES["b"]
MASKED = {
    "a[a > 0.5].sum()": (a > 0.5) * 1.0,
    "a[a > 0.5].mean()": (a > 0.5) / (a > 0.5).sum(),
    "(a[b > 0.5] ** 2).sum()": 2 * a * (b > 0.5),
    "torch.log(a[a > 0.5]).mean()": np.where(a > 0.5, 1 / a, 0) / (a > 0.5).sum(),
    "(2 * a[a > 0.5] - 1).sum()": 2.0 * (a > 0.5),
    "a[a > 0.5].max()": (a == a.max()) * 1.0,
    "((a > 0.5) & (b > 0.5)).float().sum() * 0 + a[(a > 0.5) & (b > 0.5)].sum()": 1.0 * ((a > 0.5) & (b > 0.5)),
}


@pytest.mark.parametrize("call", MASKED)
def test_a_mask_as_an_index_under_a_sum(call: str) -> None:
    """What a mask picks has a size once it is added up; the entries left out get no gradient, and no nan."""
    found = gradients(call, used(call), np.array(1.0))
    np.testing.assert_allclose(found["a"], MASKED[call], rtol=1e-12, atol=1e-14)


def test_a_named_part_under_a_mask() -> None:
    """What a mask picks may have a name of its own, as long as it is added up."""
    leaf = f"a = torch.tensor({a.tolist()}, requires_grad=True)"
    text = f"{IMPORTS}{leaf}\nkept = a[a > 0.5]\nloss = (kept ** 2).mean()\nloss.backward()\n"
    (found,) = import_python(text.encode(), "mask.py")
    nodes = run(read_spec(found.text.encode(), "mask", folder=None), Settings(terms=())).by_name
    assert nodes["a"].gradient is not None
    np.testing.assert_allclose(nodes["a"].gradient.value, 2 * a * (a > 0.5) / (a > 0.5).sum())
