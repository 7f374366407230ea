"""Every command of the table on small bombs: each is done, or refused in words that say what to do.

The bombs are of the kinds of `limits.yaml`, as small as shows the kind, so that all commands can be tried with all of
them in one process.  A new command is tried without a line here: with its file of input where it takes one, and with
the further words of `WORDS` where it asks for some.
"""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from string import ascii_letters

import click
import pytest

from backprop_cli.cli.app import app
from tests.conftest import Backprop, Outcome

W, V = "params: {w: 2.0}\nnodes:\n", "params: {v: [1.0, 2.0, 3.0]}\nnodes:\n"


def drawn(name: str, *shape: int) -> str:
    """A leaf of random numbers."""
    return f"{name}: {{shape: {list(shape)}, init: normal}}"


BOMBS = {
    "a line of 100 kB": f"{W}  y: {'+'.join(['w'] * 50_000)}\n",
    "5000 brackets": f"{W}  y: {'(' * 5000}w{')' * 5000}\n",
    "10,000 comparisons": f"{W}  y: {' < '.join(['w'] * 10_000)}\n",
    "10,000 axes": f"{V}  y: 'sum(v, axis=({','.join(['0'] * 10_000)}))'\n",
    "axes that repeat": f"{V}  y: 'sum(v, axis=({','.join(['0'] * 400)}))'\n",
    "a name of 100,000 letters": f"params: {{{'x' * 100_000}: 1.0}}\nnodes: {{y: 2}}\n",
    "anchors": "params:\n" + "".join(f"  p{i}: &a{i} 1.0\n" for i in range(1000)) + "nodes: {y: p1}\n",
    "strings for numbers": "params: {w: abc, u: {shape: [x, y]}}\nnodes: {y: sum(u)*w}\noutput: [1]\nwrt: 5\n",
    "sizes that are no sizes": "params: {w: {shape: [3.5]}, v: {shape: [-1]}, u: {shape: [true]}}\nnodes: {y: w}\n",
    "10**18 numbers": "params: {w: {shape: [1000000000000000000], init: normal}}\nnodes: {y: sum(w)}\n",
    "none of 10**12": "params: {w: {shape: [0, 1000000000000], init: normal}}\nnodes: {y: sum(w)}\n",
    "a tensor of 4 EB": f"params: {{{drawn('w', 2_000_000_000, 2_000_000_000)}}}\nnodes: {{y: sum(w)}}\n",
    "a tower": f"{W}  y: w*10**10**10\n", "a tower of a leaf": f"{W}  y: w**10**10**10\n",
    "arange": f"{W}  y: sum(arange(1000000000))*w\n", "reshape": f"{V}  y: 'reshape(v, (1000000000000000000,))'\n",
    "kron": f"params: {{{drawn('A', 40, 40)}}}\nnodes: {{y: 'sum(kron(kron(A, A), kron(A, A)))'}}\n",
    "matrix_power": "params: {A: [[0.5, 0.1], [0.2, 0.3]]}\nnodes: {y: 'sum(matrix_power(A, 1000000000))'}\n",
    "20 letters": f"{V}  y: einsum('{','.join(ascii_letters[:20])}->', {','.join('v' * 20)})\n",
    "a factorial": f"{W}  y: '{'*'.join(f'(w+{i})' for i in range(25))}'\n",
    "quotients": f"{W}  y: '{'1/(1+' * 12}w{')' * 12}'\n",
    "wheres": f"{W}  y: '{'where(w>0, w*' * 8}w{', w)' * 8}'\n",
    "70 params": "params: {" + ", ".join(f"p{i}: 1.0" for i in range(70)) + "}\nnodes: {y: '"
                 + "+".join(f"p{i}" for i in range(70)) + "'}\n",
    "60 passes": "params: {w: 1.0}\nnodes: {y: sin(w)}\nbackward:\n"
                 + "".join(f"  - {{output: y, grad_output: {i}}}\n" for i in range(60)),
    "a program": "import numpy as np\nw = np.array([1.0])\ny = (w * 10**10**10).sum()\n",
}  # fmt: skip

WORDS: dict[str, tuple[str, ...]] = {
    "run": ("S --format json",), "check": ("S --terms none", "S --hessian --terms none"),
    "step": ("S --steps 3",), "jacobian": ("S",), "hessian": ("S --terms none",),
    "grade": ("key.yaml S", "S key.yaml"), "export": ("S --to spec", "S --to numpy"),
    "ops": (f"{'x' * 3000}",), "new": ("S.yaml",), "schema": ("S",), "completion": ("S",),
}  # fmt: skip
"""What follows a command, where that is not the bomb alone; S stands for it."""

COSTLY = {("derive", "70 params"), ("derive", "wheres"), ("derive", "quotients"), ("derive", "a factorial")}
"""Derivations write every step in full: what they take is the business of their own tests."""

KEY = "inputs: {x: [[1.0, 2.0]]}\nparams: {w: [[0.5], [0.1]]}\nnodes: {z: x @ w, y: sum(z**2)}\n"

FORMULAS = (
    "w**9**9**9", "10**10**10*w", "sum(arange(1000000000))*w", "reshape(w, (10**18,))", "reshape(w, (1000000000000,))",
    "ones((100000,100000))[0,0]*w", f"sum({'kron(w,' * 24}w{')' * 24})*w", "tile(w, (100000, 100000))",
    "matrix_power(w @ w.T, 1000000000)", "matrix_power(w @ w.T, 10**9)", f"{'where(w>0,' * 60}w{',w)' * 60}",
    f"einsum('{','.join('ab' if i % 2 else 'cd' for i in range(20))}->', {','.join('w' * 20)})*w",
    f"{'*'.join(f'(w+{i})' for i in range(300))}", f"{'+'.join('w' * 3000)}", f"{'(' * 5000}w{')' * 5000}",
    f"{'9' * 100_000}*w", f"{'1/(1+' * 60}w{')' * 60}", f"{'softmax(' * 60}w{')' * 60}", f"{'grad(' * 30}z{')' * 30}",
    "<".join("w" * 5000), "x" * 100_000, "svdvals(ones((3000,3000)))[0]*w", "w << 10**10",
    "sum(sort(arange(30000000)))*w",
)  # fmt: skip
"""What a student may hand in."""

BEYOND = (
    "step --steps 1000000000", "step --every 0", "step --every -1", "step --lr nan", "step --lr 1e999999999",
    "step --lr 1e-999999999", "step --lr 1/1e999999999", "step --rule adam --eps 9e999999999", "step --lr inf",
    "run --max-bytes 0", "run --max-bytes 999999999999999T", "run --precision 1000000", "run --width 1000000000",
    f"run --get {'y' * 100_000}", f"run --get w.grad[{'9' * 5000}]", f"run --set w={'[' * 5000}",
    f"run --set w={'9' * 4000}", f"run --set {'w' * 100_000}=1", f"run --output {'(' * 5000}w",
    f"run --grad-output {'[' * 3000}", f"run --wrt {'x' * 100_000}", f"derive --entry {','.join('9' * 5000)}",
    f"hessian --vector {'[' * 3000}", f"run --tangent w={'9' * 5000}", "worksheet --seed 99999999999999999999",
    f"export --to spec --of {'grad(' * 50}w{')' * 50}", "export --to spec --of grad(w+1)",
    "export --to spec --of grad()", "export --to spec --of grad(w,w)", "export --to spec --of grad(w[0])",
    f"run --pass {'9' * 30}", "run --timeout nan", "run --jobs 1000000",
)  # fmt: skip
"""Options of values that no run has."""

NO_MATTER = {"step --lr 1e-999999999", "run --max-bytes 999999999999999T"}
"""Of these what does no harm: a rate that is 0, and room for anything."""


def commands() -> list[str]:
    """click's own list."""
    return app.list_commands(click.Context(app))


def lines(command: str) -> tuple[str, ...]:
    """What is tried of a command: its words, else the bomb alone."""
    return tuple(f"{command} {words}" for words in WORDS.get(command, ("S",)))


def fault(done: Outcome) -> str:
    """What is broken, or nothing.

    Rule: an exit code of its own, no traceback; a refusal is short and says a number, an option or what to write.
    """
    err = done.err
    broken = {
        "exit code": done.code not in {0, 1, 2}, "traceback": "Traceback" in err, "internal error": "E030" in err,
        "no error of ours": done.code == 2 and not err.startswith(("error[E", '{"schema": "backprop.error/1"')),
        "long": done.code == 2 and (len(err) >= 60_000 or any(len(part) >= 3000 for part in err.splitlines())),
    }  # fmt: skip
    found = [name for name, is_so in broken.items() if is_so]
    return f"{', '.join(found)}: {done.code}: {err[:600]}" if found else ""


@pytest.fixture
def ran(backprop: Backprop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Outcome]:
    """Run a line on a text, S, beside the key."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key.yaml").write_text(KEY, encoding="utf-8")

    def run(line: str, text: str) -> Outcome:
        (tmp_path / "S").write_text(text, encoding="utf-8")
        return backprop(*line.split())

    return run


def test_a_fault_is_seen() -> None:
    """Rule: what these tests look for, planted, is found."""
    assert fault(Outcome(0, "", "")) == ""
    assert fault(Outcome(2, "", "error[E022]: w needs 8 bytes; --max-bytes 8")) == ""
    assert fault(Outcome(3, "", "error[E030]: internal error")).startswith("exit code, internal error")
    assert fault(Outcome(1, "", "Traceback (most recent call last)")).startswith("traceback")
    assert fault(Outcome(2, "", "no")).startswith("no error of ours")
    assert fault(Outcome(2, "", "error[E022]: " + "x" * 3000)).startswith("long")


@pytest.mark.parametrize("command", commands())
def test_every_command_takes_every_bomb(command: str, ran: Callable[[str, str], Outcome]) -> None:
    """Rule: see `fault`; whatever a bomb is made of, no command is broken by it."""
    for bomb, text in BOMBS.items():
        for line in lines(command) if (command, bomb) not in COSTLY else ():
            assert not fault(ran(line, text)), f"{bomb}: {line}"


def test_a_formula_of_anybodys_is_marked_or_refused(ran: Callable[[str, str], Outcome]) -> None:
    """Rule: so is every answer that costs more than a formula may."""
    for formula in FORMULAS:
        sheet = json.dumps({"answers": {"w.formula": formula, "z.formula": formula}})
        assert not fault(ran("grade key.yaml S", sheet)), formula[:60]


def test_an_option_beyond_all_bounds_is_refused(ran: Callable[[str, str], Outcome]) -> None:
    """Rule: so is every option of a value that no run has, before any work."""
    for line in BEYOND:
        command, *words = line.split()
        done = ran(" ".join((command, "S", *words)), f"{W}  y: w*w\n")
        assert done.code == (0 if line in NO_MATTER else 2), line[:60]
        assert not fault(done), line[:60]


def test_a_hessian_of_many_blocks_says_what_to_ask_for(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: thousands of blocks are refused by a number and an option; a few of the same spec are found."""
    (tmp_path / "S").write_text(BOMBS["70 params"], encoding="utf-8")
    for command in ("hessian", "check --hessian"):
        refused = backprop(*command.split(), tmp_path / "S", "--terms", "none")
        assert refused.code == 2
        assert re.search(r"2,485 blocks.*up to \d+: --wrt", refused.err, re.DOTALL)
    assert backprop("hessian", tmp_path / "S", "--wrt", "p1,p2").code == 0


def test_products_with_a_vector_are_bounded_by_their_steps(backprop: Backprop, tmp_path: Path) -> None:
    """Rule: a product has no blocks, so 70 leaves have one each; too many of too many nodes are refused as that."""
    squares = [" + ".join(f"p{i}*p{i}" for i in range(n)) for n in (70, 300)]
    for squared, n in zip(squares, (70, 300), strict=True):
        leaves = ", ".join(f"p{i}: {i}.0" for i in range(n))
        (tmp_path / f"{n}").write_text(f"params: {{{leaves}}}\nnodes:\n  y: {squared}\n", encoding="utf-8")
    found = backprop("hessian", tmp_path / "70", "--vector", "3.0", "--terms", "none", "--format", "json")
    assert [one["value"] for one in json.loads(found.out)["results"]] == [6.0] * 70
    refused = backprop("hessian", tmp_path / "300", "--vector", "3.0", "--terms", "none")
    assert (refused.code, "blocks" in refused.err) == (2, False)
    most = re.search(r"300 leaves at once it would take 2\d\d,\d{3} steps.*up to (\d+): --wrt", refused.err, re.DOTALL)
    assert most is not None
    assert 70 < int(most[1]) < 300


LINES = {
    "run --format ndjson -o out": 60, "run --format json -o out": 60, "step --format json -o out": 100,
    "step -o new.yaml": 280, "jacobian --format json -o out": 80, "jacobian --format csv -o out": 80,
    "jacobian --get value -o out": 80,
}  # fmt: skip
"""Bytes for each number at the most: the arrays, and what is held of the text."""


@pytest.mark.parametrize("line", LINES)
def test_numbers_are_written_a_few_at_a_time(line: str, ran: Callable[[str, str], Outcome]) -> None:
    """Rule: what a large array is written as is never held whole; where it is (a new spec), it counts."""
    command, *words = line.split()
    whole = " ".join((command, "S", *words, "--terms none" if command != "run" else ""))
    peaks = []
    for size in (2_000, 40_000):
        spec = f"params: {{{drawn('v', size)}}}\nnodes: {{y: sum(v*v)}}\n"
        assert not fault(ran(whole, spec))
        tracemalloc.start()
        assert not fault(ran(whole, spec))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 38_000 * LINES[line]


@pytest.mark.parametrize("line", ["jacobian", "jacobian --format json -o out"])
def test_a_jacobian_takes_what_max_bytes_says(line: str, ran: Callable[[str, str], Outcome]) -> None:
    """Rule: a Jacobian with all that is done to it stays below the limit, and is refused where it alone does not."""
    command, *words = line.split()
    spec = f"params: {{{drawn('v', 700)}}}\nnodes: {{y: tanh(v)}}\ngrad_output: ones\n"  # 3.9 MB
    for room in (3, 5, 8):
        whole = " ".join((command, "S", *words, f"--max-bytes {room}M"))
        assert not fault(ran(whole, spec.replace("700", "20")))
        tracemalloc.start()
        assert not fault(ran(whole, spec))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < (room + 3) << 20, (room, peak)
