"""PyTorch's own samples of functions that the first two files lack: sorts, volumes, blocks, triangles, integrals."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tests.spelling.test_spellings import check_sample

FILE = Path(__file__).resolve().parents[1] / "data" / "opinfo_wide.jsonl.gz"
SAMPLES: list[dict[str, Any]] = [json.loads(line) for line in gzip.decompress(FILE.read_bytes()).splitlines()]


@pytest.mark.parametrize("sample", SAMPLES, ids=[f"{sample['op']}-{sample['index']}" for sample in SAMPLES])
def test_a_sample_is_pytorchs(sample: dict[str, Any]) -> None:
    """Value and gradients, by the call as PyTorch's users write it; of several results the first one's."""
    check_sample(sample)


def test_a_planted_slip_is_seen() -> None:
    """The comparison fails on a sample whose gradient is another one."""
    sample = next(s for s in SAMPLES if s["op"] == "sort" and s["gradients"]["args[0]"] != s["cotangent"])
    with pytest.raises(AssertionError):
        check_sample({**sample, "gradients": {"args[0]": sample["cotangent"]}})
