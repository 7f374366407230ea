"""The wheel: built, installed into a fresh environment, and run."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "pip", "wheel", str(ROOT), "--no-deps", "-q", "-w", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode and "hatchling" in done.stderr and "No matching distribution" in done.stderr:
        pytest.skip("the build backend cannot be had: no network")
    assert done.returncode == 0, done.stderr
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def prefix(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; its dependencies are those of this environment."""
    folder = tmp_path_factory.mktemp("fresh") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "--no-deps", "-q",
               "--force-reinstall", str(wheel)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def run(prefix: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed command, far from the checkout."""
    environment = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "PYTHONHOME"}}
    return subprocess.run([str(prefix / "bin" / "backprop"), *arguments], cwd=prefix, capture_output=True,
                          encoding="utf-8", env=environment, timeout=60, check=False)  # fmt: skip


def test_it_holds_what_it_needs_and_no_more(wheel: Path) -> None:
    """Rule: the package with its schema and typing mark, the man page, and neither tests nor documentation."""
    names = zipfile.ZipFile(wheel).namelist()
    wanted = {"backprop_cli/tasks/schema/schema.json", "backprop_cli/py.typed", "backprop_cli/cli/__init__.py"}
    assert wanted <= set(names)
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
