"""The circle closes: what `export` writes, `import` reads back to a spec with the same gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.export.targets import exporter
from backprop_cli.tasks.importing.reading import import_python

FOLDER = Path(__file__).resolve().parents[2] / "specs"
SPECS = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("layers/*.yaml")])
UNSAID = {
    **dict.fromkeys(("accumulate_two", "accumulate_three", "vector_dot_twice"), "passes that add up"),
    "gradient_clipping": "a hook", "kinks": "maximum(x, 0) shares a tie that relu does not",
    "cnn": "windows are a view of memory",
}  # fmt: skip
"""What a numpy script does not say, or says in a way that is not read."""
NUMPY = [path for path in SPECS if path.stem not in UNSAID]


def assert_same_gradients(path: Path, target: str) -> None:
    """Compare the gradients of all leaves of a spec with those of its export, imported."""
    spec = load_spec(str(path))
    text = exporter(target)(spec, None)
    (imported,) = import_python(text.encode(), "exported.py")
    ours = run(spec, Settings(terms=())).by_name
    theirs = run(read_spec(imported.text.encode(), "exported.yaml", folder=None), Settings(terms=())).by_name
    compared = 0
    for name, node in ours.items():
        if node.gradient is not None and node.kind != "node":
            other = theirs.get(name) or theirs[f"{name}_"]
            assert other.gradient is not None
            np.testing.assert_allclose(other.gradient.value, node.gradient.value, rtol=1e-9, atol=1e-12)
            compared += 1
    assert compared


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_torch(path: Path) -> None:
    """Every shipped spec survives the way through a PyTorch script."""
    assert_same_gradients(path, "torch")


@pytest.mark.parametrize("path", NUMPY[::3], ids=lambda path: path.stem)
def test_numpy(path: Path) -> None:
    """A spec survives the way through a numpy script, unless numpy cannot say what it says."""
    assert_same_gradients(path, "numpy")
