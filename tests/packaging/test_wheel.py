"""What is installed: a wheel that holds everything it needs, and the files that make a clone work."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = [p for p in (ROOT / "backprop_cli").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
SPECS = sorted((ROOT / "specs").rglob("*.yaml"))

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "-q", "-w", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode and "hatchling" in done.stderr and "No matching distribution" in done.stderr:
        pytest.skip("the build backend cannot be had: no network")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def prefix(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("fresh") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=600)
    (packages,) = folder.glob("lib/python*/site-packages")
    installed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "dependencies.pth").write_text("\n".join(installed) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--no-deps", "-q",
               "--force-reinstall", str(wheel)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(prefix: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command, far from the checkout."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    return subprocess.run([str(prefix / "bin" / "backprop"), *arguments], cwd=prefix, capture_output=True,
                          encoding="utf-8", env=environment, timeout=600, check=False)  # fmt: skip


def test_it_holds_what_it_needs_and_no_more(wheel: Path) -> None:
    """Rule: every file of the package, the specs, the man page, and neither tests nor documentation."""
    names = zipfile.ZipFile(wheel).namelist()
    package = {str(path.relative_to(ROOT)) for path in PACKAGE}
    specs = {f"backprop_cli/{path.relative_to(ROOT)}" for path in SPECS}
    assert {"backprop_cli/tasks/schema/schema.json", "backprop_cli/py.typed", "backprop_cli/cli/__init__.py"} <= package
    assert package | specs <= set(names)
    assert any(name.endswith("share/man/man1/backprop.1") for name in names)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"backprop_cli"}
    assert not [name for name in names if "tests" in name or name.endswith(".md")]


def test_it_runs(prefix: Path) -> None:
    """Rule: the installed command starts its own code and gives the numbers of a spec."""
    where = run(prefix, "--version")
    assert (where.returncode, where.stderr) == (0, "")
    made = run(prefix, "new", "scalar")
    (prefix / "net.yaml").write_text(made.stdout, encoding="utf-8")
    assert run(prefix, "run", "net.yaml", "--get", "e").stdout == "4.0\n"
    done = run(prefix, "run", "net.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert "every formula evaluated" in done.stdout


def test_schema_and_man_page_are_there(prefix: Path) -> None:
    """Rule: `backprop schema` prints the shipped file; `man backprop` finds its page."""
    shipped = (ROOT / "backprop_cli" / "tasks" / "schema" / "schema.json").read_text(encoding="utf-8")
    assert run(prefix, "schema").stdout == shipped
    page = prefix / "share" / "man" / "man1" / "backprop.1"
    assert page.read_text(encoding="utf-8").startswith('.\\" Made by')


def test_what_is_installed_is_what_runs(prefix: Path) -> None:
    """Rule: the test above did not run the checkout by accident."""
    program = "import backprop_cli; print(backprop_cli.__file__)"
    done = subprocess.run([str(prefix / "bin" / "python"), "-c", program], cwd=prefix, capture_output=True, text=True,
                          env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"}, check=False)  # fmt: skip
    assert done.stdout.startswith(str(prefix))


def test_every_spec_can_be_had(prefix: Path) -> None:
    """Rule: far from the checkout `new` lists the shipped specs, writes one, and writes them all as they are."""
    listed = {line.split()[0] for line in run(prefix, "new", "--list").stdout.splitlines()}
    assert listed == {str(path.relative_to(ROOT / "specs").with_suffix("")).removeprefix("start/") for path in SPECS}
    assert run(prefix, "new", "lstm", "-o", "lstm.yaml").returncode == 0
    assert run(prefix, "run", "lstm.yaml", "--get", "loss").returncode == 0
    assert run(prefix, "new", "--all", "-o", "all").returncode == 0
    assert {path.relative_to(prefix / "all"): path.read_bytes() for path in (prefix / "all").rglob("*.yaml")} == {
        path.relative_to(ROOT / "specs"): path.read_bytes() for path in SPECS}  # fmt: skip


def test_the_readme_works_in_an_empty_folder(prefix: Path, tmp_path: Path) -> None:
    """Rule: after the README's `backprop new --all -o specs` each of its `backprop` commands does what it says."""
    bin_ = f"{prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": bin_}
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    commands = [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ backprop ")]
    assert len(commands) > 5
    for command in ("backprop new --all -o specs", *commands):
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, env=environment, text=True,
                              capture_output=True, timeout=600, check=False)  # fmt: skip
        assert (done.returncode, done.stderr) == (0, ""), (command, done.stderr)


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
