"""No spec hangs, crashes or fills the memory, under any command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.cases import CASES, SHAPES_OF_TEXT, SIZES, drawn, own, spec
from tests.pace import within

ROOT = Path(__file__).parents[2]
CORPUS = sorted((ROOT / "tests" / "corpus").glob("*.yaml"))
SECONDS, MEGABYTES = 2.0, 500


OTHERS = ("check", "derive", "show")


def assert_well_behaved(done: dict[str, Any]) -> None:
    """The promise that every command line keeps."""
    assert done["code"] in {0, 1, 2, 3}, done
    assert "Traceback" not in done["err"]
    assert "E030" not in done["err"]
    assert within(done["seconds"], SECONDS), done
    assert done["megabytes"] < MEGABYTES, done
    assert done["code"] != 2 or done["err"].startswith("error[E")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u200b]", done["err"])


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_spec_is_run_or_refused(name: str, measured, tmp_path: Path) -> None:
    """Rule: `run` gives what the table says, in 2 s of processor time and 500 MB, without a traceback."""
    text, expected = CASES[name]
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    done = measured("run", "net.yaml", cwd=tmp_path)
    assert_well_behaved(done)
    codes = re.findall(r"^error\[(E\d+)\]", done["err"], re.MULTILINE)
    assert (codes[0] if codes else "ok") == expected, done["err"]
    assert (done["out"] > 0) == (done["code"] == 0) == (expected == "ok")


@pytest.mark.slow
@pytest.mark.fuzz
@pytest.mark.parametrize("command", OTHERS)
@pytest.mark.parametrize("name", CASES)
def test_other_commands_keep_the_promise(name: str, command: str, measured, tmp_path: Path) -> None:
    """Rule: so do `check`, `derive` and `show`."""
    (tmp_path / "net.yaml").write_text(CASES[name][0], encoding="utf-8")
    assert_well_behaved(measured(command, "net.yaml", cwd=tmp_path))


LINES = (
    "run S --format html", "run S --format latex --standalone", "run S --format npz -o o.npz", "run S --get x.grad",
    "run S --tangent x=1", "check S --jacobian", "derive S --format html", "graph S --format svg --values", "show S",
    "step S --steps 3", "jacobian S", "jacobian S --to spec", "hessian S", "hessian S --vector ones", "worksheet S",
    "grade S answers.yaml", "grade answers.yaml S", "export S --to spec", "export S --to numpy",
    "export S --to torch-function", "import S",
)  # fmt: skip
EVERYWHERE = {
    "a large leaf": spec("sum(x*x)", drawn(1000, 1000)), "zeros": SIZES["zeros"][0],
    "an escape in a string": SHAPES_OF_TEXT["an escape in a string"][0], "0/0": spec("0/0 * x"),
    "a file that loops": "params: {x: {file: loop.csv}}\nnodes: {y: sum(x)}\n",
    "an einsum of 12 letters": spec(f"einsum('{','.join('abcdefghijkl')}->', {','.join('x' * 12)})", drawn(50)),
    "a function nested": own("f: {args: [x], body: x*x*x*x*x*x*x*x}").replace("f(x)", "f(" * 50 + "x" + ")" * 50),
    "a high power": spec("sum(matrix_power(x, 60)*x)", "x: [[0.5, 0.1], [0.2, 0.3]]"),
}  # fmt: skip

OF_LINES = {
    "a large leaf": ("hessian", "jacobian", "export"), "an einsum of 12 letters": ("check", "hessian"),
    "a high power": ("check", "hessian"), "a function nested": ("export", "grade"),
}  # fmt: skip
"""Specs that only the commands that begin so are tried with."""


@pytest.mark.parametrize("line", LINES)
def test_every_command_keeps_the_promise(line: str, measured, tmp_path: Path) -> None:
    """Rule: so does whatever else is done with a spec: a file at fault is refused, never an internal error or limit."""
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    (tmp_path / "answers.yaml").write_text("answers: {x.grad: 1, y.formula: x * 2}\n", encoding="utf-8")
    for name, text in EVERYWHERE.items():
        (tmp_path / "S").write_text(text, encoding="utf-8")
        if line.startswith(OF_LINES.get(name, "")):
            done = measured(*line.split(), cwd=tmp_path)
            assert done["code"] in {0, 1, 2}, (name, done)
            assert_well_behaved(done)


@pytest.mark.parametrize("command", ["run", *OTHERS])
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.stem)
def test_the_corpus_keeps_the_promise(path: Path, command: str, measured) -> None:
    """Rule: the files of the corpus are run or refused by every command."""
    assert_well_behaved(measured(command, str(path)))


@pytest.mark.parametrize("name", ["x" * 100_000, "\x1b[31m", "sin\u202e", "../../etc/passwd", "__class__", "", "σ"])
def test_ops_of_a_strange_name(name: str, measured) -> None:
    """Rule: `ops` takes any name."""
    assert_well_behaved(measured("ops", name))
