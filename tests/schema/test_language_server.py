"""The schema drives a real YAML language server, installed from npm where there is node."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.schema import lsp

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "backprop_cli" / "tasks" / "schema" / "schema.json"
SERVER = "yaml-language-server@1"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Path:
    """The server's executable, kept in .venv between runs."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("node and npm are not installed")
    folder = ROOT / ".venv" / "language-server"
    found = folder / "node_modules" / ".bin" / "yaml-language-server"
    if not found.exists():
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), SERVER],
                              capture_output=True, text=True, timeout=600, check=False)  # fmt: skip
        if done.returncode:
            pytest.skip(f"npm cannot install {SERVER}: {done.stderr.strip()[-200:]}")
    return found


@pytest.fixture
def client(server: Path) -> Iterator[Any]:
    """A running server."""
    made = lsp.Client(server, SCHEMA)
    yield made
    made.close()


def test_a_misspelt_key_is_marked(client: Any) -> None:
    """Rule: an unknown key is marked on its line; a good spec has no mark."""
    found = client.diagnostics("file:///bad.yaml", "params: {w: 1}\nnoeds:\n  y: w\nnodes: {z: w}\n")
    assert [(one["range"]["start"]["line"], "noeds" in one["message"]) for one in found] == [(1, True)]
    good = (ROOT / "specs" / "two_layer.yaml").read_text(encoding="utf-8")
    assert client.diagnostics("file:///good.yaml", good) == []


def test_keys_are_completed(client: Any) -> None:
    """Rule: sections, keys of a leaf and kinds of a start are completed."""
    assert {"params", "nodes", "wrt"} <= set(client.completions("file:///a.yaml", "\n", 0, 0))
    leaf = "params:\n  w:\n    \nnodes: {y: w}\n"
    assert {"shape", "init", "file"} <= set(client.completions("file:///b.yaml", leaf, 2, 4))
    start = "params:\n  w: {shape: [2], init: }\nnodes: {y: w}\n"
    assert {"normal", "zeros"} <= set(client.completions("file:///c.yaml", start, 1, 24))


def test_functions_are_completed(client: Any) -> None:
    """Rule: where an expression begins, every function is offered with its arguments."""
    offered = client.completions("file:///d.yaml", "params: {w: 1}\nnodes:\n  y: \n", 2, 5)
    assert any(label.startswith("sigmoid(") for label in offered), offered[:5]
    assert any(label.startswith("cross_entropy(") for label in offered)
