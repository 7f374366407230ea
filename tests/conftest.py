"""What all tests share: the command, in this process or in one of its own, and a spec from a piece of YAML."""

from __future__ import annotations

import gc
import io
import os
import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from backprop_cli.language.model import Spec

ROOT = Path(__file__).resolve().parent.parent
COMMAND = [sys.executable, "-c", "import sys; from backprop_cli.cli import main; sys.exit(main())"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


Backprop = Callable[..., Outcome]


SHARED = re.compile(r"from tests\.shipped import .*\b(shipped|by_entry)\b")
"""What a module says that looks at the runs of the shipped specs."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Modules go to the workers whole; those that share the runs of the shipped specs to one, which runs them once."""
    from xdist.scheduler import LoadScopeScheduling

    together = {str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py")
                if SHARED.search(path.read_text(encoding="utf-8"))}  # fmt: skip

    class Sharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            scope = str(super()._split_scope(nodeid))
            return "tests.shipped" if scope in together else scope

    return Sharing(config, log) if config.getvalue("dist") == "loadscope" else None


def pytest_collection_finish() -> None:
    """What was collected stays to the end: Python's collector need not look through it again, nor so often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_teardown() -> None:
    """An exported script sets PyTorch's default dtype: the next test finds it as PyTorch has it.

    A hook, since a fixture of every test takes pytest a tenth of what a quick test takes.
    """
    if torch := sys.modules.get("torch"):
        torch.set_default_dtype(torch.float32)


@pytest.fixture
def backprop(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Backprop:
    """Run `backprop ARGS...` in this process; fast, so most tests use it."""

    def run(*args: str | Path, stdin: str = "") -> Outcome:
        from backprop_cli.cli.boundary import invoke

        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        capfd.readouterr()
        code = invoke([str(arg) for arg in args])
        return Outcome(code, *capfd.readouterr())

    return run


@pytest.fixture
def backprop_process() -> Backprop:
    """Run `backprop ARGS...` in a process of its own: for signals, pipes, encodings and start-up."""

    def run(*args: str | Path, stdin: str = "", env: dict[str, str] | None = None, cwd: Path = ROOT) -> Outcome:
        done = subprocess.run(
            [*COMMAND, *map(str, args)], input=stdin.encode(), capture_output=True, timeout=600, check=False, cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )  # fmt: skip
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture
def spec_of() -> Callable[[str], Spec]:
    """Read a spec from its text."""

    def read(text: str, file: str = "net.yaml") -> Spec:
        from backprop_cli.language.reader import read_spec

        return read_spec(text.encode(), file, folder=None)

    return read


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    """What a test that is `seeded` (see `draws.py`) draws from."""
    return random.Random(request.param)


# ── skips ────────────────────────────────────────────────────────────────────────────────────────

ALLOWED_SKIPS = (
    r"No module named '(torch|jax|nbclient)'",  # `make test-peers` installs them, and `.ci/run` runs it
    r"No module named 'mypy'",  # a tool of `make test`; the other environments have no use for it
    r"root may write anywhere",  # a fact about who runs the tests
    r"shapes without numbers",  # a spec without numbers has nothing to check
    r"has no formula for a single entry",  # an op that says so of itself
    r"differences do not stop where the gradient does",  # stop_gradient, by definition
    r"got empty parameter set",  # a spec that has nothing of the kind
    r"nothing in it can be differentiated",
    r"no worker outlives its parent",  # the case is a test of its own, in tests/cli/test_many.py
    r"refused by the exporter",  # what is not written for PyTorch or JAX, said by the program itself
    r"JAX has other conventions at kinks",
    r"are not installed \(make test-browser\)",
    r"is not installed",  # a program of the system: Graphviz, groff, TeX, node
    r"cannot be tried here",  # a mount or a limit that this machine does not let us set
)
"""Why a test may be skipped in CI; any other reason is a failure there."""


def is_allowed_skip(reason: str) -> bool:
    """Whether a test may be skipped for this reason in CI."""
    return any(re.search(allowed, reason) for allowed in ALLOWED_SKIPS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """In CI a skip whose reason is not listed fails."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not is_allowed_skip(reason):
            report.outcome = "failed"
            report.longrepr = f"skipped in CI for a reason that is not listed in ALLOWED_SKIPS: {reason}"
    return report
