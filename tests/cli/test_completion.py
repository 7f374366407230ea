"""Shell completion completes what is in the spec, not only commands and options."""

from __future__ import annotations

import pytest

from tests.conftest import Backprop

SPEC = "specs/two_layer.yaml"

CASES = {
    "a path of --get": (f"run {SPEC} --get", "w", ["w1", "w2"]),
    "what a node has": (f"run {SPEC} --get", "w1.f", ["w1.formula", "w1.formula.local"]),
    "a leaf for --set": (f"run {SPEC} --set", "", ["x=", "y=", "w1=", "w2="]),
    "a leaf for --wrt": (f"check {SPEC} --wrt", "w", ["w1", "w2"]),
    "a node for --output": (f"export --to spec {SPEC} --output", "z", ["z_1", "z_2"]),
    "an option before the spec": (f"run --get loss {SPEC} --output", "l", ["loss"]),
    "a node of derive": (f"derive {SPEC}", "z_", ["z_1", "z_2"]),
    "an item for --points": (f"grade {SPEC} --points", "loss", ["loss.grad="]),
    "a function": ("ops", "softs", ["softshrink", "softsign"]),
    "a shipped spec": ("new", "lst", ["lstm"]),
    "no spec yet": ("run --get", "", []),
    "a spec that is none": ("run README.md --get", "", []),
}


@pytest.mark.parametrize(("words", "incomplete", "expected"), CASES.values(), ids=list(CASES))
def test_names_are_completed(backprop_process: Backprop, words: str, incomplete: str, expected: list[str]) -> None:
    """Each position completes the names that can stand there, and never fails."""
    line = ["backprop", *words.split(), incomplete]
    done = backprop_process(env={"_BACKPROP_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(line).rstrip(),
                                 "COMP_CWORD": str(len(line) - 1)})  # fmt: skip
    found = [text.partition(",")[2] for text in done.out.split()]
    assert (done.code, done.err) == (0, "")
    assert found[: len(expected)] == expected
    assert bool(found) == bool(expected)
