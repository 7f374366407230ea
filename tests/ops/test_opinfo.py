"""PyTorch's own operator samples: values and gradients, through the spec language."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.language.reader import read_spec
from backprop_cli.tasks.calculate import Settings, run

DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLES: list[dict[str, Any]] = [
    json.loads(line) for name in ("opinfo.jsonl.gz", "opinfo_more.jsonl.gz")
    for line in gzip.decompress((DATA / name).read_bytes()).splitlines()
]  # fmt: skip

CALLS = {
    "div.no_rounding_mode": "{0} / {1}",
    "div.trunc_rounding": "trunc({0} / {1}) + 0*{0} + 0*{1}",  # a gradient of 0, where a spec wants one to be shown
    "div.floor_rounding": "floor({0} / {1}) + 0*{0} + 0*{1}",
    "sign": "sign({0}) + 0*{0}",
    "logsumexp": "logsumexp({0})",  # over axis 0 of a scalar, which PyTorch allows
    "var": "var({0}, correction=1)", "var.unbiased": "var({0}, correction=1)",
    "std": "std({0}, correction=1)", "std.unbiased": "std({0}, ddof=1)",
    "max.binary": "maximum({0}, {1})", "min.binary": "minimum({0}, {1})",
    "where": "where({1}, {0}, {2})",
    "transpose": "swapaxes({0}, {1}, {2})",
    "einsum": "einsum({1}, {0})",
    "index_select": "reshape(take(reshape({0}, 1), {2}, axis={1}), ())",  # of a scalar, which PyTorch allows
    "gather": "take_along_axis({0}, {2}, axis={1})",
    "__getitem__": "{0}[{1}]",
    "norm": "norm({0})", "norm.inf": "norm(reshape({0}, -1), {1})",  # torch.norm flattens
    "linalg.slogdet": "slogdet({0})",
    "linalg.pinv": "pinv({0})", "linalg.pinv.singular": "pinv({0} @ {1}.T)",
    "linalg.pinv.hermitian": "pinv({0}, hermitian=true)",
    "nn.functional.layer_norm": "layer_norm({0}, {2}, {3}, normalized_shape={1}, eps={eps})",
    "nn.functional.rms_norm": "rms_norm({0}, {2}, normalized_shape={1}, eps={eps})",
    "nn.functional.embedding": "embedding({1}, {0})",
    **{f"nn.functional.pad.{mode}": "torch_pad({0}, {1}, {2})" for mode in (
        "reflect", "replicate", "replicate_negative", "circular")},
    "nn.functional.pad.constant": "torch_pad({0}, {1})", "repeat": "tile({0}, {1})", "special.entr": "entr({0})",
}  # fmt: skip
"""Where a call is spelled or ordered otherwise; everything else is the function's name with the same arguments."""


LOOSER = {"nn.functional.hardsigmoid": 1e-7}
"""PyTorch's kernel has a 1/6 of single precision there."""

DROPPED = {"dtype", "return_indices"}


def function_of(op: str) -> str:
    """`nn.functional.relu` is relu, `max.reduction_no_dim` is max."""
    plain = op.removeprefix("nn.functional.").removeprefix("linalg.")
    return {"vector_norm": "norm", "matrix_norm": "norm"}.get(plain.split(".")[0], plain.split(".")[0])


def spelled(value: Any, leaves: dict[str, Any], path: str) -> str:
    """An argument as text; a tensor becomes a leaf."""
    if isinstance(value, dict) and "tensor" in value:
        name = f"x{len(leaves)}"
        leaves[name] = (path, np.asarray(value["tensor"], dtype=float).reshape(value["shape"]), value["diff"])
        return name
    if isinstance(value, dict) and ("list" in value or "tuple" in value):
        kind = "list" if "list" in value else "tuple"
        parts = [spelled(item, leaves, f"{path}[{i}]") for i, item in enumerate(value[kind])]
        return f"[{', '.join(parts)}]" if kind == "list" else f"({''.join(part + ', ' for part in parts)})"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return repr(value)


def spec_of(sample: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A spec of one node, and its leaves: name -> (path of the argument, value, whether it is differentiated)."""
    leaves: dict[str, Any] = {}
    args = [spelled(value, leaves, f"args[{i}]") for i, value in enumerate(sample["args"])]
    given = {k: spelled(v, leaves, f"kwargs.{k}") for k, v in sample["kwargs"].items() if k not in DROPPED}
    template = CALLS.get(sample["op"])
    if template:
        text = template.format(*args, **given)
    else:
        text = f"{function_of(sample['op'])}({', '.join([*args, *(f'{k}={v}' for k, v in given.items())])})"
    output, cotangent = sample["output"], sample["cotangent"]
    if isinstance(output, list) and sample["op"] != "linalg.slogdet":
        cotangent = cotangent[0]
    params = {name: value.tolist() for name, (_, value, diff) in leaves.items() if diff}
    inputs = {name: value.tolist() for name, (_, value, diff) in leaves.items() if not diff}
    return {"inputs": inputs, "params": params, "nodes": {"out": text}, "grad_output": cotangent}, leaves


def expected_output(sample: dict[str, Any]) -> Any:
    """The tensor; of (values, indices) the values."""
    output = sample["output"]
    if sample["op"] == "linalg.slogdet":
        return [part["tensor"] for part in output]
    return (output[0] if isinstance(output, list) else output)["tensor"]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{sample['op']}-{sample['index']}" for sample in SAMPLES])
def test_sample(sample: dict[str, Any]) -> None:
    """Output and gradients are PyTorch's, to 1e-9."""
    data, leaves = spec_of(sample)
    nodes = run(read_spec(json.dumps(data).encode(), sample["op"], folder=None), Settings(terms=())).by_name
    np.testing.assert_allclose(nodes["out"].value, expected_output(sample), rtol=1e-9, atol=1e-12)
    found = {path: nodes[name].gradient for name, (path, _, diff) in leaves.items() if diff}
    assert found.keys() == sample["gradients"].keys()
    relative = LOOSER.get(sample["op"], 1e-9)
    for path, expected in sample["gradients"].items():
        gradient = found[path]
        if gradient is None:
            assert not np.any(expected), path
        else:
            np.testing.assert_allclose(gradient.value, expected, rtol=relative, atol=1e-12, err_msg=path)


def test_every_sample_has_a_function() -> None:
    """None is left out."""
    assert len(SAMPLES) == 127 + 55
    missing = {s["op"] for s in SAMPLES if s["op"] not in CALLS} - {
        s["op"] for s in SAMPLES if (name := function_of(s["op"])) in OPS or name in COMPOSITES or name in ALIASES}
    assert not missing
