"""`backprop new`: every template runs, is right, validates, and has the modeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from backprop_cli.cli.templates import MODELINE, TEMPLATES


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_a_good_spec(name: str, backprop, complaints, tmp_path: Path) -> None:
    """Rule: a template begins with the modeline, loads by the schema, and `check` finds its gradients right."""
    path = tmp_path / "net.yaml"
    assert backprop("new", name, "-o", path).code == 0
    assert path.read_text(encoding="utf-8").startswith(MODELINE)
    assert complaints(path.read_bytes()) == []
    assert backprop("check", path).code == 0


def test_templates_are_listed(backprop) -> None:
    """Rule: `--list` names each template with its title; without a name the default is printed."""
    listed = backprop("new", "--list").out.splitlines()
    assert [line.split()[0] for line in listed] == list(TEMPLATES)
    assert backprop("new").out == backprop("new", "mlp").out


def test_a_file_is_never_replaced(backprop, tmp_path: Path) -> None:
    """Rule: a template does not overwrite what somebody wrote."""
    path = tmp_path / "net.yaml"
    path.write_text("mine", encoding="utf-8")
    done = backprop("new", "-o", path)
    assert done.code == 2
    assert done.err.startswith(f"error[E025]: cannot write {str(path)!r}: it exists\n")
    assert path.read_text(encoding="utf-8") == "mine"


def test_an_unknown_template_names_the_others(backprop) -> None:
    """Rule: a wrong name is bad usage and lists what there is."""
    done = backprop("new", "foo")
    assert done.code == 2
    assert "E026" in done.err
    assert "'cnn'" in done.err
