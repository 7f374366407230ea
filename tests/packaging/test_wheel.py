"""What is installed: a wheel that holds everything it needs, and the files that make a clone work."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import backprop_cli

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = [p for p in (ROOT / "backprop_cli").rglob("*") if p.is_file() and "__pycache__" not in p.parts]


def pip(*arguments: str | Path, python: str | Path = sys.executable) -> None:
    """Run pip; without a package index there is nothing to build with, and the test is skipped."""
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=500)
    if done.returncode and re.search("Could not find a version|No matching distribution|ConnectionError", done.stderr):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_whole_package(wheel: Path) -> None:
    """Every file of the package is in the wheel, data files and the typing marker too, and no other package."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {str(path.relative_to(ROOT)) for path in PACKAGE} <= names
    release = f"backprop_cli-{backprop_cli.__version__}"
    assert {name.split("/")[0] for name in names} <= {"backprop_cli", f"{release}.dist-info", f"{release}.data"}


def test_the_installed_command_runs(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment, far from the checkout, the command answers and does its main job."""
    venv.create(tmp_path / "env", with_pip=True)
    programs = tmp_path / "env" / "bin"
    pip("install", wheel, python=programs / "python")
    spec = tmp_path / "net.yaml"
    spec.write_text((ROOT / "specs" / "two_layer.yaml").read_text(encoding="utf-8"), encoding="utf-8")

    def backprop(*arguments: str) -> str:
        command = [str(programs / "backprop"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60).stdout

    assert backprop_cli.__version__ in backprop("--version")
    assert backprop("run", "net.yaml", "--get", "w2.formula") == "((y_2 - y) ⊙ y_2 ⊙ (1 - y_2)) · y_1ᵀ\n"


def test_ci_runs_what_the_readme_says() -> None:
    """`.ci/run` calls the README's own test command."""
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert re.search(r"^make test\b", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_only_what_is_imported_is_required() -> None:
    """The dependencies are click, numpy, pyyaml and sympy, each with a lower bound and none with an upper one."""
    required = PROJECT["project"]["dependencies"]
    assert [re.split(r">=", line)[0] for line in required] == ["click", "numpy", "pyyaml", "sympy"]
    assert all(re.fullmatch(r"[a-z]+>=[\d.]+", line) for line in required)


def test_every_lint_exception_has_its_reason() -> None:
    """A rule that is switched off stands on a line with a comment that says why."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    lint = text[text.index("[tool.ruff.lint]") :]
    listed = re.findall(r'^    (?:"[A-Z]+\d*", ?)+(.*)$', lint[lint.index("ignore = [") :], re.MULTILINE)
    assert listed
    assert all(re.match(r" ?# \S", rest) for rest in listed)
