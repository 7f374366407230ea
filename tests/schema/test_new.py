"""`backprop new`: the specs that come with the program run, are right, validate, and begin with the modeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from backprop_cli.cli.new import MODELINE
from backprop_cli.cli.shipped import folder, shipped

STARTS = [name for name, spec in shipped().items() if spec.path.parent.name == "start"]


@pytest.mark.parametrize("name", STARTS)
def test_a_start_is_a_good_spec(name: str, backprop, complaints, tmp_path: Path) -> None:
    """Rule: a spec to start from has the modeline, loads by the schema, and `check` finds its gradients right."""
    path = tmp_path / "net.yaml"
    assert backprop("new", name, "-o", path).code == 0
    assert path.read_text(encoding="utf-8").startswith(MODELINE)
    assert complaints(path.read_bytes()) == []
    assert backprop("check", path).code == 0


def test_all_specs_are_listed(backprop) -> None:
    """Rule: `--list` names each shipped spec with its title; without a name the default is printed."""
    listed = backprop("new", "--list").out.splitlines()
    assert [line.split()[0] for line in listed] == list(shipped())
    assert len(listed) == len(list(folder().rglob("*.yaml")))
    assert backprop("new").out == backprop("new", "mlp").out


def test_all_specs_are_written(backprop, tmp_path: Path) -> None:
    """Rule: `--all -o FOLDER` writes every spec into a new folder, and nothing into one that is there."""
    assert backprop("new", "--all", "-o", tmp_path / "specs").code == 0
    assert (tmp_path / "specs" / "lstm.yaml").read_bytes() == (folder() / "lstm.yaml").read_bytes()
    again = backprop("new", "--all", "-o", tmp_path / "specs")
    assert (again.code, "it exists" in again.err) == (2, True)
    assert "name a new folder" in backprop("new", "--all").err


def test_a_file_is_never_replaced(backprop, tmp_path: Path) -> None:
    """Rule: a spec does not overwrite what somebody wrote."""
    path = tmp_path / "net.yaml"
    path.write_text("mine", encoding="utf-8")
    done = backprop("new", "-o", path)
    assert done.code == 2
    assert done.err.startswith(f"error[E025]: cannot write {str(path)!r}: it exists\n")
    assert path.read_text(encoding="utf-8") == "mine"


def test_an_unknown_spec_names_a_near_one(backprop) -> None:
    """Rule: a wrong name is bad usage; what was probably meant is named."""
    done = backprop("new", "lstmm")
    assert done.code == 2
    assert "E026" in done.err
    assert "did you mean 'lstm'?" in done.err
