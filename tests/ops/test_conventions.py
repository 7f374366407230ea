"""Kinks, ties and signatures are PyTorch's, where PyTorch is installed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run
from tests.conftest import Backprop


def evaluate(text: str, seed: Any = "ones", **leaves: Any) -> tuple[Any, dict[str, Any]]:
    """The value of an expression and the gradient of each leaf; a leaf whose name ends in _ is data."""
    params = {name: np.asarray(x, dtype=float).tolist() for name, x in leaves.items() if not name.endswith("_")}
    inputs = {name: np.asarray(x, dtype=float).tolist() for name, x in leaves.items() if name.endswith("_")}
    spec = {"inputs": inputs, "params": params, "nodes": {"out": text}, "grad_output": seed}
    nodes = run(read_spec(json.dumps(spec).encode(), "test", folder=None), Settings(terms=())).by_name
    return nodes["out"].value, {name: g.value if (g := nodes[name].gradient) else None for name in params}


# ── kinks and ties ───────────────────────────────────────────────────────────────────────────────

KINKS = {
    "relu": [-1, 0, 2], "relu6": [-1, 0, 3, 6, 7], "leaky_relu": [-1, 0, 2], "elu": [-1, 0, 2], "selu": [-1, 0, 2],
    "hardtanh": [-2, -1, 0, 1, 2], "hardsigmoid": [-4, -3, 0, 3, 4], "hardswish": [-4, -3, -1, 0, 3, 4],
    "abs": [-1, 0, 2], "sign": [-1, 0, 2], "softsign": [-1, 0, 2], "norm": [0, 0, 0], "std": [1, 1, 1],
    "max": [1, 3, 3], "min": [1, 1, 3], "prod": [0, 2, 0], "silu": [-1, 0, 30], "mish": [-1, 0, 30], "gelu": [-9, 0, 9],
}  # fmt: skip


@pytest.mark.peers
@pytest.mark.parametrize("name", KINKS)
def test_kinks_of_one_operand(name: str) -> None:
    """The derivative at a kink is the one PyTorch gives."""
    torch = pytest.importorskip("torch")
    function = {"max": torch.amax, "min": torch.amin, "norm": torch.linalg.norm,
                "std": lambda t: torch.std(t, correction=0),
                "sign": lambda t: torch.sign(t) + 0 * t}.get(name) or getattr(torch.nn.functional, name, None) \
        or getattr(torch, name)  # fmt: skip
    x = torch.tensor(KINKS[name], dtype=torch.float64, requires_grad=True)
    y = function(x)
    y.sum().backward()
    value, gradients = evaluate(f"{name}(x)" + (" + 0*x" if name == "sign" else ""), x=KINKS[name])
    np.testing.assert_allclose(value, y.detach().numpy(), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(gradients["x"], x.grad.numpy(), rtol=1e-7, atol=1e-15)  # hardsigmoid: a float32 1/6


PAIRS = {
    "maximum(a, b)": "torch.maximum(a, b)", "minimum(a, b)": "torch.minimum(a, b)",
    "clip(a, min=0, max=2)": "torch.clamp(a, 0, 2)", "clip(a, min=b)": "torch.clamp(a, min=b)",
    "clip(a, max=b)": "torch.clamp(a, max=b)", "clip(a, min=b, max=1)": "torch.clamp(a, b, torch.ones_like(a))",
    "huber_loss(a, b)": "F.huber_loss(a, b)", "smooth_l1_loss(a, b)": "F.smooth_l1_loss(a, b)",
    "l1_loss(a, b)": "F.l1_loss(a, b)", "a**b": "a**b", "logaddexp(a, b)": "torch.logaddexp(a, b)",
    "xlogy(abs(a), exp(b))": "torch.xlogy(abs(a), torch.exp(b))",
    "hinge_embedding_loss(a, sign_)": "F.hinge_embedding_loss(a, sign_)",
    "triplet_margin_loss(a, b, c)": "F.triplet_margin_loss(a, b, c)",
    "triplet_margin_loss(a, b, c, swap=true, p=3, margin=2)":
        "F.triplet_margin_loss(a, b, c, swap=True, p=3, margin=2)",
    "cosine_similarity(a, b)": "F.cosine_similarity(a, b)", "normalize(a)": "F.normalize(a)",
    "binary_cross_entropy(sigmoid(a), p_)": "F.binary_cross_entropy(torch.sigmoid(a), p_)",
    "binary_cross_entropy(clip(a, 0, 1), p_)": "F.binary_cross_entropy(torch.clamp(a, 0, 1), p_)",
    "binary_cross_entropy_with_logits(a, p_, weight=q_, pos_weight=q_)":
        "F.binary_cross_entropy_with_logits(a, p_, weight=q_, pos_weight=q_)",
    "gaussian_nll_loss(a, b, v)": "F.gaussian_nll_loss(a, b, v)",
    "gaussian_nll_loss(a, b, v, full=true, reduction='sum')":
        "F.gaussian_nll_loss(a, b, v, full=True, reduction='sum')",
    "kl_div(log_softmax(a, dim=1), p_, reduction='batchmean')":
        "F.kl_div(torch.log_softmax(a, 1), p_, reduction='batchmean')",
    "cross_entropy(a, labels_)": "F.cross_entropy(a, labels_.long())",
    "cross_entropy(a, labels_, label_smoothing=0.2, weight=w_)":
        "F.cross_entropy(a, labels_.long(), label_smoothing=0.2, weight=w_)",
    "cross_entropy(a, labels_, ignore_index=2, weight=w_, label_smoothing=0.1)":
        "F.cross_entropy(a, labels_.long(), ignore_index=2, weight=w_, label_smoothing=0.1)",
    "cross_entropy(a, labels_, reduction='none', weight=w_)":
        "F.cross_entropy(a, labels_.long(), reduction='none', weight=w_)",
    "cross_entropy(a, p_, weight=w_, label_smoothing=0.1)": "F.cross_entropy(a, p_, weight=w_, label_smoothing=0.1)",
    "nll_loss(log_softmax(a, 1), labels_, weight=w_)": "F.nll_loss(torch.log_softmax(a, 1), labels_.long(), weight=w_)",
    "scaled_dot_product_attention(a, b, c, is_causal=true)": "F.scaled_dot_product_attention(a, b, c, is_causal=True)",
    "scaled_dot_product_attention(a, b, c, mask=mask_, scale=0.3)":
        "F.scaled_dot_product_attention(a, b, c, attn_mask=mask_ > 0, scale=0.3)",
    "layer_norm(a, w_, w_)": "F.layer_norm(a, (3,), w_, w_)", "rms_norm(a, w_)": "F.rms_norm(a, (3,), w_)",
    "batch_norm(a, weight=w_, bias=w_)": "F.batch_norm(a, None, None, w_, w_, training=True)",
    "batch_norm(a, w_, w_, w_, w_)": "F.batch_norm(a, w_, w_, w_, w_)",
    "group_norm(a, num_groups=3, weight=w_, eps=0.1)": "F.group_norm(a, 3, w_, eps=0.1)",
    "softplus(a, threshold=1)": "F.softplus(a, threshold=1)",
    "gelu(a, approximate='tanh')": "F.gelu(a, approximate='tanh')",
    "cumprod(a, axis=1)": "torch.cumprod(a, 1)", "cumsum(a, dim=0)": "torch.cumsum(a, 0)",
    "var(a, dim=1, keepdim=true, correction=1)": "torch.var(a, 1, keepdim=True)",
    "norm(a, 'nuc')": "torch.linalg.norm(a, 'nuc')", "norm(a, 1)": "torch.linalg.norm(a, 1)",
    "norm(a, inf)": "torch.linalg.norm(a, float('inf'))", "norm(a, 2)": "torch.linalg.norm(a, 2)",
    "norm(a, 1, axis=1)": "torch.linalg.vector_norm(a, 1, dim=1)",
    "norm(a, 3, axis=1)": "torch.linalg.vector_norm(a, 3, dim=1)",
    "norm(a, inf, axis=1)": "torch.linalg.vector_norm(a, float('inf'), dim=1)",
    "tile(a, (2, 2))": "torch.tile(a, (2, 2))",
    "repeat_interleave(a, 2, dim=1)": "torch.repeat_interleave(a, 2, dim=1)",
    "roll(a, 1, axis=1)": "torch.roll(a, 1, dims=1)", "kron(a, b)": "torch.kron(a, b)",
    "diagonal(a, offset=1)": "torch.diagonal(a, offset=1)",
    "matrix_power(a.T @ b, 3)": "torch.matrix_power(a.T @ b, 3)",
    "cholesky(a @ a.T + 3*eye(3))": "torch.linalg.cholesky(a @ a.T + 3*torch.eye(3, dtype=torch.float64))",
    "eigvalsh(a @ a.T)": "torch.linalg.eigvalsh(a @ a.T)", "svdvals(a)": "torch.linalg.svdvals(a)",
    "pinv(a)": "torch.linalg.pinv(a)",
    "solve(a, b)": "torch.linalg.solve(a, b)", "max_pool1d(a, 2, stride=1)": "F.max_pool1d(a, 2, stride=1)",
    "avg_pool1d(a, 3, 2, padding=1, count_include_pad=false)":
        "F.avg_pool1d(a, 3, 2, padding=1, count_include_pad=False)",
}  # fmt: skip
A = [[1.0, -0.5, 2.0], [0.0, 1.5, 1.5], [0.25, 3.0, -1.0]]
B = [[1.0, 0.5, 1.0], [-1.0, 1.5, 0.5], [2.0, 0.0, 0.0]]
LEAVES = {"a": A, "b": B, "c": [[0.3, 0.1, 0.9], [0.0, -1.0, 0.7], [1.1, 0.2, 0.4]], "v": np.abs(B) + 0.5,
          "sign_": np.sign(np.array(A) - 0.1), "p_": [[0.2, 0.5, 0.3], [1.0, 0.0, 0.0], [0.1, 0.1, 0.8]],
          "q_": [0.5, 1.0, 2.0], "w_": [0.5, 1.0, 2.0], "labels_": [0, 2, 1],
          "mask_": [[1, 0, 1], [1, 1, 1], [0, 0, 1]]}  # fmt: skip


@pytest.mark.peers
@pytest.mark.parametrize("text", PAIRS)
def test_functions_agree_with_pytorch(text: str) -> None:
    """Values and gradients of functions whose conventions are easily got wrong, ties and kinks included."""
    torch = pytest.importorskip("torch")
    used = {name: x for name, x in LEAVES.items() if name in text.replace("(", " ").replace(",", " ").replace(")", " ")
            .replace(".", " ").replace("*", " ").replace("=", " ").split()}  # fmt: skip
    tensors = {name: torch.tensor(np.asarray(x, dtype=float), requires_grad=not name.endswith("_")) for name,
               x in used.items()}
    expected = _torch(torch, PAIRS[text], tensors)
    seed = np.random.default_rng(5).normal(size=tuple(expected.shape))
    expected.backward(torch.tensor(seed))
    value, gradients = evaluate(text, seed.tolist(), **used)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    for name, found in gradients.items():
        np.testing.assert_allclose(found, tensors[name].grad.numpy(), rtol=1e-8, atol=1e-11, err_msg=name)


def _torch(torch: Any, code: str, names: dict[str, Any]) -> Any:
    """The table's own PyTorch code, run."""
    return eval(code, {"torch": torch, "F": torch.nn.functional, **names})


# ── parameters ───────────────────────────────────────────────────────────────────────────────────

REFUSED = {
    "max(x[0:0])": "has no entries", "sum(x, axis=2)": "axis 2 is out of range",
    "sum(x, axis=0.5)": "axis is a whole number",
    "mean(x, keepdims=1)": "true or false",
    "var(x, 0, 1)": "true or false", "mse_loss(x, x, reduction='avg')": "'mean', 'sum', 'none'",
    "gelu(x, approximate='fast')": "'none', 'tanh'", "cumsum(x, 2)": "out of range", "inv(x)": "square matrix",
    "conv2d(x, x)": "(batch, channels, height, width)", "max_pool1d(x, 0)": "at least 1",
    "max_pool1d(x, 9)": "does not fit",
    "conv1d(x, reshape(x, (2, 3, 1)))": "take 3 channels", "pad(x, 0.5)": "whole number", "one_hot(x, 0)": "at least 1",
    "einsum('ij->k', x)": "stands once", "einsum('ijk->', x)": "a tensor of rank 2",
    "einsum('ij,jk', x, x)": "sizes 3 and 2",
    "norm(x, 'nuk')": "ord is one of", "norm(x, 5)": "ord is one of", "clip(x)": "lower bound",
    "matrix_power(x @ x.T, 0.5)": "whole number", "solve(x @ x.T, ones(3))": "2 rows",
    "tril(ones(3))": "part of a matrix",
    "take(x, 0, axis=3)": "out of range", "repeat(x, 1.5)": "whole number", "dropout(x, x, p=1)": "below 1",
    "layer_norm(x, ones(2))": "normalized over", "batch_norm(x, weight=ones(2))": "there are 3 channels",
    "cross_entropy(x, ones(3))": "labels of shape", "linear(x, ones((4, 2)))": "takes 2 features",
    "swapaxes(x, 0, 5)": "axis 5 is out of range",
    "scaled_dot_product_attention(x, x, x, dropout_p=0.1)": "no random numbers", "huber(x, delta=0)": "positive",
}  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_parameters_are_explained(text: str) -> None:
    """A parameter of the wrong type or range, or shapes that do not fit: one clear error before anything runs."""
    with pytest.raises(BackpropError) as caught:
        evaluate(text, x=[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert REFUSED[text] in str(caught.value)


@pytest.mark.parametrize(("keyword", "slots", "ours"), [
    ("dim", ["x", "axis"], "axis"), ("weight", ["x", "w", "b"], "w"), ("weight", ["x", "W", "b"], "W"),
    ("weight", ["input", "target", "weight"], "weight"), ("bias", ["x", "w", "b"], "b"), ("dim", ["x"], "dim"),
    ("dims", ["x", "axes"], "axes"), ("diagonal", ["x", "k"], "k"), ("attn_mask", ["q", "k", "v", "mask"], "attn_mask"),
])  # fmt: skip
def test_the_other_librarys_keywords(keyword: str, slots: list[str], ours: str) -> None:
    """A keyword of the other library names our parameter where the function has it, and nothing otherwise."""
    from backprop_cli.engine.ops.keywords import parameter

    assert parameter(keyword, slots) == ours


# ── what the data decide, and what shapes say ────────────────────────────────────────────────────


def test_labels_of_minus_100_are_left_out() -> None:
    """PyTorch's default ignore_index; numbers printed by PyTorch 2.13."""
    value, gradients = evaluate("cross_entropy(x, t_)", seed=1, x=[[1, 2], [0.5, 1], [3, 0]], t_=[0, -100, 1])
    np.testing.assert_allclose(value, 2.180924, rtol=1e-6)
    np.testing.assert_allclose(gradients["x"], [[-0.365529, 0.365529], [0, 0], [0.476287, -0.476287]], atol=1e-6)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"])
def test_losses_of_probabilities_do_not_broadcast(name: str) -> None:
    """A target of another shape is refused, and both shapes are named."""
    with pytest.raises(BackpropError, match=r"one shape, not \(3, 1\) and \(3,\)"):
        evaluate(f"{name}(p, t_)", p=[[0.2], [0.5], [0.3]], t_=[1, 0, 1])


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_losses_that_broadcast_say_so(name: str) -> None:
    """PyTorch only warns; so does a run, with both shapes."""
    spec = {"inputs": {"t": [1, 0, 1]}, "params": {"p": [[0.2], [0.5], [0.3]]}, "nodes": {"loss": f"{name}(p, t)"}}
    warnings = run(read_spec(json.dumps(spec).encode(), "test", folder=None), Settings(terms=())).warnings
    assert "the input has shape (3, 1), the target (3,)" in warnings[0].message


@pytest.mark.parametrize(("text", "wanted"), [
    ("sum(x, axis=0)", 1.0), ("softmax(x, axis=-1)", 0.0), ("cumsum(x, 0)", 1.0), ("logsumexp(x, axis=0)", 1.0),
    ("squeeze(x, 0)", 1.0),
])  # fmt: skip
def test_a_scalar_has_an_axis(text: str, wanted: float) -> None:
    """Axis 0 or -1 of a scalar is none, as in PyTorch."""
    assert evaluate(text, x=2.0)[1]["x"] == wanted


@pytest.mark.parametrize("call", ["pinv(x)", "group_norm(x[:, :, None], num_groups=1)"])
def test_functions_of_nothing(call: str) -> None:
    """A matrix without entries, by an empty list with its sizes beside it, has an empty result and gradient."""
    data = {"params": {"x": {"value": [], "shape": [0, 3]}}, "nodes": {"out": call}, "grad_output": []}
    found = run(read_spec(json.dumps(data).encode(), "spec", folder=None), Settings(terms=())).by_name
    assert np.size(found["out"].value) == 0
    assert found["x"].gradient is not None
    assert np.shape(found["x"].gradient.value) == (0, 3)


# ── infinite gradients ───────────────────────────────────────────────────────────────────────────

GATES = {
    "relu(x)": [0, 0, 1], "relu6(x)": [0, 0, 1], "clip(x, 0, 2)": [0, "inf", 1], "clip(x, min=0)": [0, "inf", 1],
    "maximum(x, 0)": [0, "inf", 1], "hardtanh(x, 0, 3)": [0, 0, 1], "hardsigmoid(x - 3) * 6": [0, 0, 1],
    "minimum(maximum(x, 0), 3)": [0, "inf", 1], "where(m_, x, 0)": [0, "inf", 1], "hardswish(x - 3)": [0, 0, 0.5],
}  # fmt: skip


@pytest.mark.parametrize("text", GATES)
def test_nothing_passes_a_flat_piece(text: str, spec_of: Any) -> None:
    """Not even an infinite gradient, in PyTorch, whose numbers these are: the formula then chooses, too."""
    spec = spec_of(f"inputs: {{m_: [0, 1, 1]}}\nparams: {{x: [-1, 0, 1]}}\nnodes: {{l: 'sum(log({text}))'}}\n")
    found = run(spec, Settings(terms=("local", "nodes", "leaves"))).by_name["x"].gradient
    assert found is not None
    np.testing.assert_allclose(np.asarray(found.value), np.asarray(GATES[text], dtype=float), rtol=1e-12)
    assert all(one.deviation < 1e-12 for one in found.formula.values())


@pytest.mark.parametrize(("x", "expected"), [
    ([2, 2, 1, 2], [1 / 3, 1 / 3, 0, 1 / 3]), ([0, 3, 0, 2], [0.5, 0, 0.5, 0]), ([3, 1, 2, 5], [0, 0, 1, 0]),
    ([[1, 4], [2, 2]], [[0, 0], [0.5, 0.5]]),
])  # fmt: skip
def test_the_median_of_all_shares_a_tie(x: Any, expected: Any, backprop: Backprop) -> None:
    """Rule: as torch.median(x) does; along an axis one entry has it all. The value is an entry, to the last digit."""
    shared = backprop("run", "-e", "torch.median(x)", "--set", f"x={x}", "--get", "x.grad")
    np.testing.assert_allclose(json.loads(shared.out), expected, rtol=1e-15)
    one = backprop("run", "-e", "torch.median(x, dim=-1)[0]", "--set", f"x={x}", "--grad-output", "ones", "--get",
                   "x.grad")  # fmt: skip
    assert set(np.ravel(json.loads(one.out))) == {0.0, 1.0}
