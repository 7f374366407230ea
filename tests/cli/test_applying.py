"""An option that says nothing about what it is given with is refused: passed over, it would seem to have been heard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from backprop_cli.cli.app import app
from tests.conftest import Backprop, Outcome

PROGRAM = """\
import torch
x = torch.tensor([1.0, 2.0])
w = torch.tensor([0.5, 0.1], requires_grad=True)
first = (w * x).sum()
first.backward()
w.grad.zero_()
second = (w**2).sum()
second.backward()
"""

INPUTS = {"a spec": "net.yaml", "expressions": "-e sum((w*x)**2) --set w=[1,2] --set x=[3,1]", "a program": "prog.py"}
REST = {"grade": "answers.yaml", "export": "--to numpy"}
"""What a command needs besides its input."""

ELSEWHERE = {"--pass 2": {"a spec", "expressions"}, "--shape w=2": {"a spec", "a program"},
             "--standalone": {"a spec", "expressions", "a program"}}  # fmt: skip
"""Options and the inputs, or all of them where text is written, that they say nothing about."""

TOGETHER = (
    "jacobian net.yaml --grad-output 2", "hessian net.yaml --grad-output 2", "check net.yaml --hessian --grad-output 2",
    "import prog.py --list --pass 1", "import prog.py -o . --pass 1",
    "worksheet net.yaml --key k.yaml --students n -o s",
    "grade net.yaml answers.yaml --page-format text", "run net.yaml --standalone -o out.html",
    "run -e sum(w) --set w=[1,2] --shape w=3",
)  # fmt: skip
"""Options that one another, or the command, leave nothing to say."""


@pytest.fixture
def done(backprop: Backprop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Outcome]:
    """Run a line beside a spec, a program and answers."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"net.yaml": "inputs: {x: [1.0, 2.0]}\nparams: {w: [0.5, 0.1]}\nnodes: {y: 'sum((w*x)**2)'}\n",
                       "prog.py": PROGRAM, "answers.yaml": "answers: {y: 0.3}\n", "n": "Ann\n"}.items():  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
    return lambda line: backprop(*line.split())


def of_commands(option: str) -> list[str]:
    """The commands that have an option and read a spec."""
    context, name = click.Context(app), option.split(maxsplit=1)[0]
    commands = [app.get_command(context, one) for one in app.list_commands(context)]
    having = [one for one in commands if one is not None and any(name in param.opts for param in one.params)]
    return [str(one.name) for one in having if {"spec", "specs", "key"} & {param.name for param in one.params}]


@pytest.mark.parametrize("option", ELSEWHERE)
def test_an_option_of_another_input_is_refused(option: str, done: Callable[[str], Outcome]) -> None:
    """Rule: by each command that has it, in words that name it; where it applies the command runs."""
    commands = of_commands(option)
    assert len(commands) > 4
    for command in commands:
        for kind, words in INPUTS.items():
            if kind == "expressions" and command in {"grade", "worksheet"}:  # their spec is a file
                continue
            first, *others = words.split(" ", 1) if kind != "expressions" else ("", words)
            found = done(f"{command} {first} {REST.get(command, '')} {' '.join(others)} {option}")
            expected = kind in ELSEWHERE[option]
            assert (found.code == 2) is expected, (command, kind, found)
            assert not expected or option.split(maxsplit=1)[0] in found.err.splitlines()[0], (command, kind, found)


@pytest.mark.parametrize("line", TOGETHER)
def test_what_goes_with_nothing_is_refused(line: str, done: Callable[[str], Outcome]) -> None:
    """Rule: the same of options that another one, or the command, makes empty."""
    found = done(line)
    assert found.code == 2, found
    assert found.out == ""


def test_a_document_is_latex(done: Callable[[str], Outcome]) -> None:
    """Rule: by the format or by the suffix of the file."""
    assert "\\documentclass" in done("run net.yaml --format latex --standalone").out
    assert done("run net.yaml -o out.tex --standalone").code == 0
