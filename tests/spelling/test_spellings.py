"""Expressions as numpy's and PyTorch's users write them; values by numpy, or by PyTorch's own samples."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError, SpecError
from backprop_cli.language.reader import read_spec
from backprop_cli.language.spelling.numpy_rows import BARE, MATH, METHODS, NUMPY
from backprop_cli.language.spelling.rows import row, rows_of
from backprop_cli.language.spelling.torch_rows import TORCH
from backprop_cli.tasks.calculate import Settings, run
from tests.ops.test_opinfo import SAMPLES, expected_output

RNG = np.random.default_rng(8)
VALUES: dict[str, Any] = {
    "x": RNG.normal(size=(3, 4)),
    "z": RNG.normal(size=(3, 4)),
    "v": RNG.normal(size=4),
    "u": RNG.normal(size=3),
    "A": RNG.normal(size=(4, 4)) + 3 * np.eye(4),
    "s": np.array(0.7),
    "y": np.array([1.0, 3.0, 0.0]),
    "bias": RNG.normal(size=(3, 3)),
    "m": np.array([[1.0, 0, 0, 1], [0, 1, 1, 0], [0, 0, 0, 1]]),
}
x, z, v, u, A, y, m = (VALUES[name] for name in "xzvuAym")
labels = y.astype(int)


def value(expression: str, **values: Any) -> Any:
    """What the program makes of an expression of the leaves above."""
    data = {
        "inputs": {n: np.asarray(a).tolist() for n, a in (values or VALUES).items()},
        "params": {"w_": 1.0},
        "nodes": {"out_": expression, "loss_": "w_ * 1"},
    }
    spec = read_spec(json.dumps(data).encode(), "spec", folder=None)
    return run(spec, Settings(terms=())).by_name["out_"].value


def off_diagonal(a: Any) -> Any:
    """Swapped rows, for a planted slip."""
    return a[::-1]


def attended(scores: Any) -> Any:
    """Softmax over the last axis."""
    return np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)


bias = VALUES["bias"]
WRITTEN = [
    ("np.exp(x).sum(axis=0)", np.exp(x).sum(0)),
    ("numpy.sum(x, 1)", x.sum(1)),
    ("torch.exp(x)", np.exp(x)),
    ("nn.functional.relu(x)", np.maximum(x, 0)),
    ("torch.nn.functional.relu(x)", np.maximum(x, 0)),
    ("jnp.tanh(x)", np.tanh(x)),
    ("math.exp(s)", np.exp(0.7)),
    ("math.log(s, 2)", np.log2(0.7)),
    ("self.x * 2", 2 * x),
    ("x.mean(1, keepdims=True)", x.mean(1, keepdims=True)),
    ("x.dot(v)", x @ v),
    ("x.t()", x.T),
    ("x.mm(A)", x @ A),
    ("x.matmul(A)", x @ A),
    ("x.view(2, -1)", x.reshape(2, -1)),
    ("x.reshape((2, 6))", x.reshape(2, 6)),
    ("x.pow(2)", x**2),
    ("x.clamp(min=0)", np.maximum(x, 0)),
    ("x.clamp(-1, 1)", np.clip(x, -1, 1)),
    ("x.float().detach()", x),
    ("x.transpose(0, 1)", x.T),
    ("x.permute(1, 0)", x.T),
    ("x.T.shape[0] * s", 2.8),
    ("x.size(0) + x.shape[-1]", 7),
    ("x.sum() / x.numel()", x.mean()),
    ("len(x) * s", 2.1),
    ("x.unsqueeze(0)", x[None]),
    ("torch.transpose(x, 0, 1)", x.T),
    ("np.transpose(x)", x.T),
    ("torch.std(v)", v.std(ddof=1)),
    ("np.std(v)", v.std()),
    ("torch.var(x, dim=1, unbiased=False)", x.var(1)),
    ("x.std(dim=1)", x.std(1, ddof=1)),
    ("torch.var(x, 1, correction=0)", x.var(1)),
    ("torch.max(x, 1)[0]", x.max(1)),
    ("torch.max(x, z)", np.maximum(x, z)),
    ("x.repeat(2, axis=0)", np.repeat(x, 2, 0)),
    ("torch.max(x, dim=1).values", x.max(1)),
    ("torch.cat([x, z], 1)", np.concatenate([x, z], 1)),
    ("torch.cat((x, z), dim=-1)", np.concatenate([x, z], 1)),
    ("x.repeat(2, 3)", np.tile(x, (2, 3))),
    ("np.repeat(x, 2, axis=1)", np.repeat(x, 2, 1)),
    ("F.pad(x, (1, 2))", np.pad(x, ((0, 0), (1, 2)))),
    ("torch.norm(x)", np.linalg.norm(x)),
    ("torch.norm(x, 1)", np.abs(x).sum()),
    ("np.linalg.norm(x, 1)", np.linalg.norm(x, 1)),
    ("x[range(3), y]", x[range(3), labels]),
    ("x[np.arange(3), y]", x[range(3), labels]),
    ("A[y]", A[labels]),
    ("x[[0, 2], [1, 3]]", x[[0, 2], [1, 3]]),
    ("x[m == 1]", x[m == 1]),
    ("x[u > 0]", x[u > 0]),
    ("x[:, v < 0]", x[:, v < 0]),
    ("A.reshape(2, 2, 4)[:, [0, 1], [1, 3]]", A.reshape(2, 2, 4)[:, [0, 1], [1, 3]]),
    ("A.reshape(2, 2, 4)[[0, 1], :, [1, 3]]", A.reshape(2, 2, 4)[[0, 1], :, [1, 3]]),
    ("A.reshape(2, 2, 2, 2)[:, [0, 1], [1, 1]]", A.reshape(2, 2, 2, 2)[:, [0, 1], [1, 1]]),
    ("A.reshape(2, 2, 4)[:, 1:, y]", A.reshape(2, 2, 4)[:, 1:, labels]),
    ("torch.sort(x, dim=0, descending=True)[0]", -np.sort(-x, 0)),
    ("x.topk(2, dim=1).values", -np.sort(-x, 1)[:, :2]),
    ("torch.topk(x, 2)[1]", np.argsort(-x, 1)[:, :2]),
    ("torch.linalg.svd(x, full_matrices=False).S", np.linalg.svd(x, compute_uv=False)),
    ("torch.linalg.eigh(A @ A.T)[0].max()", np.linalg.eigvalsh(A @ A.T).max()),
    ("torch.var_mean(x, dim=1)[1]", x.mean(1)),
    ("np.median(x, axis=0)", np.median(x, 0)),
    ("torch.median(x, dim=1)[0]", np.sort(x, 1)[:, 1]),
    ("np.percentile(x, 30, axis=1)", np.percentile(x, 30, axis=1)),
    ("torch.quantile(x, 0.7)", np.quantile(x, 0.7)),
    ("torch.cummax(x, dim=1).values", np.maximum.accumulate(x, 1)),
    ("x.unfold(1, 2, 1)", np.lib.stride_tricks.sliding_window_view(x, 2, 1)),
    ("np.cov(x)", np.cov(x)),
    ("np.corrcoef(x)", np.corrcoef(x)),
    ("torch.trapezoid(x, v)", ((x[:, 1:] + x[:, :-1]) / 2 * np.diff(v)).sum(1)),
    ("torch.diag_embed(v, offset=1)", np.diag(v, 1)),
    ("torch.diag_embed(v, offset=-2)", np.diag(v, -2)),
    ("torch.vander(v)", np.vander(v)),
    ("torch.cross(u, u * u, dim=0)", np.cross(u, u * u)),
    ("x[:, np.newaxis]", x[:, None]),
    ("x[:, None].shape[1] + s", 1.7),
    ("v * np.linspace(-1, 2, 4)", v * np.linspace(-1, 2, 4)),
    ("v * torch.linspace(0.5, 2, steps=4)", v * np.linspace(0.5, 2, 4)),
    ("np.linspace(3, 5, 1) * s", np.array([2.1])),
    ("np.logspace(0, 3, num=4) * s", 0.7 * np.logspace(0, 3, 4)),
    ("torch.logspace(0, 3, 4, base=2.0) * s", 0.7 * 2.0 ** np.arange(4)),
    ("x.cumsum()", np.cumsum(x)),
    ("x.cumprod()", np.cumprod(x)),
    ("A // 0.001", A // 0.001),
    ("x // 0.5", x // 0.5),
    ("x % 0.3", x % 0.3),
    ("(x > 0) & (z > 0)", (x > 0) & (z > 0)),
    ("(x > 0) | ~(z > 0)", (x > 0) | ~(z > 0)),
    ("x > 0 and not z > 0", (x > 0) & ~(z > 0)),
    ("torch.where(x > 0, x, -z)", np.where(x > 0, x, -z)),
    ("x.masked_fill(m == 0, float('-inf')).max()", x[m == 1].max()),
    ("np.maximum(0, x)", np.maximum(0, x)),
    ("x[-1:]", x[-1:]),
    ("1_000 * s + 2.", 702.0),
    ("np.array([1, 2.5])", [1, 2.5]),
    ("torch.addmm(m, x, A, beta=0.5, alpha=2)", 0.5 * m + 2 * x @ A),
    ("x.flatten()", x.ravel()),
    ("torch.zeros_like(x) + np.ones((3, 4))", np.ones((3, 4))),
    ("x.astype(np.float32).copy()", x),
    ("np.dot(u, x)", u @ x),
    ("torch.einsum('ij,j->i', x, v)", x @ v),
    ("F.softmax(x, dim=0)", np.exp(x) / np.exp(x).sum(0)),
    ("x.T.mean(0)", x.mean(1)),
    ("(x**2).mean().sqrt()", np.sqrt((x**2).mean())),
    ("np.pi * torch.tensor(2.0)", 2 * np.pi),
    ("ones(*x.shape) * x", x),
    ("x.view(2, *x.shape[1:-1], 6)", x.reshape(2, 6)),
    ("x.reshape(1, *x.shape)", x[None]),
    ("np.zeros((2, *x.shape)) + x", np.stack([x, x])),
    ("torch.copysign(x, -0.0)", -np.abs(x)),
    ("torch.copysign(x, v * inf)", np.copysign(x, v)),
    ("torch.copysign(x, 0 * z)", np.copysign(x, 0 * z)),
    ("nn.LeakyReLU(0.1)(x)", np.where(x > 0, x, 0.1 * x)),
    ("torch.nn.Softmax(dim=0)(x)", np.exp(x) / np.exp(x).sum(0)),
    ("x.max(1).values", x.max(1)),
    ("x.astype(x.dtype, copy=False)", x),
    ("x.pow(3)", x**3),
    ("F.max_pool2d(x[None, None], 2, return_indices=True)[0].sum()", max(x[:2, :2].max(), -9) + x[:2, 2:].max()),
    ("F.scaled_dot_product_attention(x, z, z, attn_mask=bias)", attended(x @ z.T / 2 + bias) @ z),
    ("F.scaled_dot_product_attention(x, z, z, attn_mask=bias, scale=0.3)", attended(0.3 * x @ z.T + bias) @ z),
]


@pytest.mark.parametrize(("expression", "expected"), WRITTEN, ids=[expression for expression, _ in WRITTEN])
def test_what_people_write_means_what_it_means_there(expression: str, expected: Any) -> None:
    """A call means what the library that is named means by it; methods and Python's spelling are read too."""
    np.testing.assert_allclose(value(expression), np.asarray(expected, dtype=float), rtol=1e-12, atol=1e-14)


def test_a_planted_slip_is_seen() -> None:
    """The comparison above tells a value from another one of the same entries."""
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(value("x.float()"), off_diagonal(x))


def test_a_tensor_may_be_called_as_a_library() -> None:
    """`F.sum(0)` and `F.T` are a tensor's where torch.nn.functional has no such function; a user's function stays."""
    np.testing.assert_allclose(value("F.sum(0) @ F.T", F=x), x.sum(0) @ x.T)
    data = {
        "params": {"a": 2.0},
        "functions": {"relu": {"args": ["q"], "body": "q * 10"}},
        "nodes": {"one": "relu(a)", "two": "F.relu(a)", "loss": "one + two"},
    }
    nodes = run(read_spec(json.dumps(data).encode(), "spec", folder=None), Settings(terms=())).by_name
    assert (nodes["one"].value, nodes["two"].value) == (20.0, 2.0)


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("torch.transpose(x)", "E015", "transpose(input, dim0, dim1)"),
        ("x'", "E010", "x.T"),
        ("np.random.randn(2)", "E012", "init: normal"),
        ("x[x * 2 > 0]", "E015", "where(mask, x, 0)"),
        ("λ * x", "E011", "declare it under inputs"),
        ("x.shape", "E015", "x.shape[0]"),
        ("x.shape[5]", "E015", "2 sizes"),
        ("F.dropout(x, 0.5)", "E015", "training"),
        ("x.wrong", "E010", "method"),
        ("max(0, x)", "E015", "maximum"),
        ("sqrtm(A)", "E012", "square root of a matrix"),
        ("sum(*x)", "E015", "*x.shape"),
        ("x.qqzzqq()", "E012", "functions"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(expression: str, code: str, words: str) -> None:
    """An error has the user's words or the library's signature, never a guess."""
    with pytest.raises(BackpropError) as caught:
        value(expression)
    assert caught.value.code == code
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_where_libraries_differ_and_none_is_named_a_note_says_so() -> None:
    """`x.std()` is numpy's, and the run says what PyTorch's would be; `np.std(x)` needs no note."""
    for expression, expected in (("x.std()", 1), ("x.var(axis=1)", 1), ("np.std(x)", 0), ("x.std(dim=1)", 0)):
        data = {"params": {"x": x.tolist()}, "nodes": {"out": f"sum({expression})"}}
        result = run(read_spec(json.dumps(data).encode(), "spec", folder=None), Settings(terms=()))
        assert [w.code for w in result.warnings].count("spelling") == expected


def test_the_power_of_a_matrix_is_told_from_its_inverse() -> None:
    """`X**-1` is each entry's reciprocal, and the run says that inv(X) is something else; of a vector it need not."""
    for value_, count in ((A, 1), (v, 0)):
        data = {"params": {"X": value_.tolist()}, "nodes": {"out": "sum(X**-1)"}}
        result = run(read_spec(json.dumps(data).encode(), "spec", folder=None), Settings(terms=()))
        assert [w.code for w in result.warnings].count("elementwise") == count
        np.testing.assert_allclose(result.by_name["out"].value, (1 / value_).sum())


@pytest.mark.parametrize(
    "table", [TORCH, NUMPY, MATH, METHODS, BARE], ids=["torch", "numpy", "math", "methods", "words"]
)
def test_every_row_is_read(table: str) -> None:
    """A row is a signature and an expression of our own functions, whose names are all parameters or constants."""
    for lines in rows_of(table).values():
        for line in lines:
            assert row(line).usage.partition("(")[0] == line.partition("(")[0]


# ── PyTorch's own samples, as its users write the calls ──────────────────────────────────────────

METHODS_ONLY = {"expand", "repeat", "view", "reshape", "permute", "masked_fill"}
ORDERED = {
    "where": "torch.where({1}, {0}, {2})",
    "einsum": "torch.einsum({1}, {0})",
    "__getitem__": "{0}[{1}]",
    "nn.functional.embedding": "F.embedding({1}, {0})",
    "linalg.pinv.singular": "torch.linalg.pinv({0} @ {1}.mT)",
    "linalg.pinv.hermitian": "torch.linalg.pinv({0}, hermitian=True)",
    "index_select": "torch.index_select({0}, {1}, {2})",
}
REFUSED = {"index_select-0"}
"""Of a scalar, whose axis a spec does not have there."""
LOOSER = {"nn.functional.hardsigmoid": 1e-7}


def spelled(given: Any, leaves: dict[str, Any], path: str) -> str:
    """An argument as a PyTorch user writes it; a tensor becomes a leaf."""
    if isinstance(given, dict) and "tensor" in given:
        name = f"a{len(leaves)}"
        leaves[name] = (path, np.asarray(given["tensor"], dtype=float).reshape(given["shape"]), given["diff"])
        return name
    if isinstance(given, dict) and ("list" in given or "tuple" in given):
        kind = "list" if "list" in given else "tuple"
        parts = [spelled(item, leaves, f"{path}[{i}]") for i, item in enumerate(given[kind])]
        return f"[{', '.join(parts)}]" if kind == "list" else f"({''.join(part + ', ' for part in parts)})"
    if isinstance(given, dict):
        return f"torch.{given['dtype']}"
    return f"float('{given}')" if isinstance(given, float) and not np.isfinite(given) else repr(given)


def called(op: str, args: list[str], given: list[str]) -> str:
    """The call in PyTorch's words."""
    first = op.split(".", maxsplit=1)[0]
    if op in ORDERED:
        return ORDERED[op].format(*args)
    if first in METHODS_ONLY:
        return f"{args[0]}.{first}({', '.join([*args[1:], *given])})"
    name = (
        f"F.{op.split('.')[2]}"
        if op.startswith("nn.functional.")
        else "torch." + ".".join(op.split(".")[: 2 if first in {"linalg", "special"} else 1])
    )
    return f"{name}({', '.join([*args, *given])})"


CASES = [s for s in SAMPLES if f"{s['op']}-{s['index']}" not in REFUSED]


@pytest.mark.parametrize("sample", CASES, ids=[f"{s['op']}-{s['index']}" for s in CASES])
def test_pytorchs_samples_as_its_users_write_them(sample: dict[str, Any]) -> None:
    """Value and gradients of the call with its prefix, positions, defaults and keywords are PyTorch's."""
    check_sample(sample)


def check_sample(sample: dict[str, Any]) -> None:
    """A call of PyTorch's, as its users write it, has the value and the gradients that the sample holds."""
    leaves: dict[str, Any] = {}
    args = [spelled(given, leaves, f"args[{i}]") for i, given in enumerate(sample["args"])]
    given = [f"{k}={spelled(v_, leaves, f'kwargs[{k}]')}" for k, v_ in sample["kwargs"].items()]
    several = isinstance(sample["output"], list) and sample["op"] != "linalg.slogdet"
    data = {
        "inputs": {n: a.tolist() for n, (_, a, diff) in leaves.items() if not diff},
        "params": {n: a.tolist() for n, (_, a, diff) in leaves.items() if diff},
        "nodes": {"out": called(sample["op"], args, given)},
        "grad_output": sample["cotangent"][0] if several else sample["cotangent"],
    }
    rtol = LOOSER.get(sample["op"], 1e-9)
    nodes = run(read_spec(json.dumps(data).encode(), sample["op"], folder=None), Settings(terms=())).by_name
    expected = np.array(expected_output(sample), dtype=float)
    np.testing.assert_allclose(nodes["out"].value, expected, rtol=rtol, atol=1e-12)
    for name, (path, _, diff) in leaves.items():
        right = sample["gradients"].get(path)
        if diff and right is not None:
            gradient = nodes[name].gradient
            if gradient is None:
                assert not np.any(right)
                continue
            np.testing.assert_allclose(gradient.value, np.array(right, dtype=float), rtol=rtol, atol=1e-12)


@pytest.mark.parametrize("name", ["torch.std", "np.clip", "F.layer_norm", "x.view", "torch.norm", "F.pad", "x.repeat"])
@pytest.mark.parametrize("arguments", ["x, x, x, x, x, x, x, x", "q=1", "'a'"])
def test_only_spec_errors_come_from_libraries_calls(name: str, arguments: str) -> None:
    """Wrong calls of any known name are errors of the spec, with a place."""
    with pytest.raises(SpecError) as caught:
        value(f"{name}({arguments})")
    assert caught.value.at is not None
