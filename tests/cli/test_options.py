"""The options of `run`, each by what it changes."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest


@pytest.fixture
def data(in_process):
    """The JSON of a run."""

    def run(*arguments: str) -> dict:
        code, out, err = in_process("run", *arguments, "--format", "json")
        assert code == 0, err
        return json.loads(out)

    return run


@pytest.mark.parametrize(("options", "path", "expected"), [
    ([], "a.grad", "3.0"), (["--set", "b=5"], "a.grad", "5.0"), (["--set", "b=5", "--set", "a=7"], "c", "35.0"),
    (["--grad-output", "2"], "a.grad", "6.0"), (["--output", "c * c"], "a.grad", "36.0"),
    (["--wrt", "a"], "a.grad", "3.0"),
    (["--wrt", "a,b"], "b.grad", "2.0"), (["--wrt", "all"], "b.grad", "2.0"), (["--max-bytes", "1M"], "c", "6.0"),
])  # fmt: skip
def test_options_that_change_the_spec(in_process, options: list[str], path: str, expected: str) -> None:
    """--set, --output, --grad-output and --wrt stand for what the spec could say."""
    assert in_process("run", "small.yaml", *options, "--get", path) == (0, f"{expected}\n", "")


def test_dtype(data) -> None:
    """`--dtype float32` computes in single precision and says so."""
    found = data("net.yaml", "--dtype", "float32", "--terms", "none")
    assert found["dtype"] == "float32"
    assert abs(found["nodes"]["loss"]["value"] - 0.49987437659875394) < 1e-6


def test_the_contract_of_json(data) -> None:
    """Every key of `backprop.run/1`, in its order."""
    found = data("net.yaml")
    assert list(found) == [
        "schema", "spec", "title", "dtype", "output", "grad_output", "dims", "nodes", "where", "warnings",
    ]  # fmt: skip
    assert found["schema"] == "backprop.run/1"
    assert found["spec"] == "net.yaml"
    assert found["title"] == "Two-layer sigmoid network"
    assert found["grad_output"] == 1.0
    assert list(found["nodes"]) == ["x", "y", "w1", "w2", "z_1", "y_1", "z_2", "y_2", "loss"]
    assert list(found["nodes"]["w1"]) == [
        "kind", "op", "inputs", "expression", "shape", "value", "requires_grad", "gradient",
    ]  # fmt: skip
    assert found["nodes"]["x"]["gradient"] is None
    assert found["nodes"]["y_1"]["inputs"] == ["z_1"]
    assert found["nodes"]["loss"]["expression"] == "1/2 * sum((y_2 - y)**2)"
    formula = found["nodes"]["w2"]["gradient"]["formula"]
    assert list(formula) == ["local", "nodes", "compact", "leaves"]
    assert formula["local"] | {"latex": ""} == {"text": "∂loss/∂z_2 · y_1ᵀ", "code": "grad(z_2) @ y_1.T", "latex": ""}


def test_terms(data) -> None:
    """`--terms` chooses the formulas, `none` leaves them out."""
    assert list(data("small.yaml", "--terms", "nodes")["nodes"]["a"]["gradient"]["formula"]) == ["nodes"]
    assert data("small.yaml", "--terms", "none")["nodes"]["a"]["gradient"]["formula"] == {}


def test_precision(data, in_process) -> None:
    """`--precision N` is N significant digits in every format."""
    assert data("net.yaml", "--precision", "3", "--terms", "none")["nodes"]["loss"]["value"] == 0.5
    assert "= 0.49987\n" in in_process("run", "net.yaml", "--precision", "5", "--terms", "none")[1]


def test_all_shows_anonymous_nodes(data) -> None:
    """`--all` adds the parts of inline expressions."""
    some, everything = data("net.yaml", "--terms", "none"), data("net.yaml", "--terms", "none", "--all")
    assert set(some["nodes"]) < set(everything["nodes"])


@pytest.mark.parametrize("form", ["text", "json", "ndjson", "csv", "markdown", "latex"])
def test_every_format_runs(in_process, form: str) -> None:
    """Each format of the table gives something, and the same spec the same bytes."""
    code, out, err = in_process("run", "net.yaml", "--format", form)
    assert (code, err) == (0, "")
    assert out.endswith("\n")
    assert in_process("run", "net.yaml", "--format", form)[1] == out


def test_help_names_every_option_of_the_contract(in_process) -> None:
    """language.md's common options are all there."""
    _, out, _ = in_process("run", "--help")
    options = ("--set --output --grad-output --wrt --dtype --terms --format -o --get --precision --all --ascii --color "
               "--max-bytes --error-format --timeout --jobs")  # fmt: skip
    for option in options.split():
        assert f"{option} " in out or f"{option}," in out, option


def test_every_command_on_a_spec_can_be_given_up() -> None:
    """`--timeout` is an option of each command that reads a spec."""
    from backprop_cli.cli.app import app

    context = click.Context(app)
    commands = [app.get_command(context, name) for name in app.list_commands(context)]
    reading = [one for one in commands if one is not None and {"spec", "specs", "key", "file"} & names(one)]
    assert len(reading) >= 11
    assert [one.name for one in reading if "timeout" not in names(one) and one.name != "new"] == []


def names(command: click.Command) -> set[str]:
    """What the parameters of a command are called."""
    return {str(param.name) for param in command.params}


def test_memory_limit(in_process, folder: Path) -> None:
    """`--max-bytes` refuses a spec whose arrays take more, before they exist."""
    (folder / "huge.yaml").write_text("params: {a: {shape: [40000, 40000], init: zeros}}\nnodes: {c: sum(a)}\n")
    for command in (("run", "huge.yaml", "--get", "c"), ("export", "huge.yaml", "--to", "numpy")):
        code, out, err = in_process(*command)
        assert (code, out) == (2, "")
        assert err.startswith("error[E021]")
