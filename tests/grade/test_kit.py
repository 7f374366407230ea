"""The instructor's kit: worksheets with numbers of their own, pages of feedback, tables of a course, Gradescope."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from backprop_cli.language.reader import load_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.grading.drawn import decimals, drawn
from backprop_cli.tasks.grading.draws import varied

ROOT = Path(__file__).resolve().parents[2]
KEY = ROOT / "tests" / "data" / "grading" / "two_layer.key.yaml"
WRONG = """student: Bob
answers:
  a2.grad: [[0.34713], [-0.730089]]
  W2.grad: [[0.0605997, 0.0348315], [-0.110823, -0.063699]]
"""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A key and three sheets: with a mistake that is gone on with, empty, and one that cannot be read."""
    shutil.copy(KEY, tmp_path / "net.yaml")
    (tmp_path / "bob.yaml").write_text(WRONG)
    (tmp_path / "eve.yaml").write_text('student: "<b>Eve</b>"\nemail: eve@example.org\nanswers: {loss: 0.32676}\n')
    (tmp_path / "mallory.yaml").write_bytes(b"\xff\xfe")
    return tmp_path


@pytest.mark.parametrize("name", ["two_layer", "relu_batch", "softmax_reg", "attention", "cnn"])
def test_numbers_drawn_for_a_seed_stay_readable(name: str) -> None:
    """Other numbers, the same for the same seed, with no more decimals, and of the same sort."""
    spec = load_spec(str(KEY.with_name(f"{name}.key.yaml")))
    one, again, other = drawn(spec, 7), drawn(spec, 7), drawn(spec, 8)
    changed = False
    for before, a, b, c in zip(spec.leaves, one.leaves, again.leaves, other.leaves, strict=True):
        value, new = np.asarray(before.load()), a.load()
        assert np.array_equal(new, b.load())
        assert decimals(new) <= max(1, decimals(value))
        assert np.array_equal(np.sign(new), np.sign(value)) or set(np.unique(value)) <= {0.0, 1.0} or (value == 0).any()
        changed |= not np.array_equal(new, c.load())
    assert changed
    assert all(np.isfinite(node.value).all() for node in run(one, Settings(terms=())).nodes)


def test_a_lone_one_is_no_mask() -> None:
    """An input of ones is drawn like any other whole numbers."""
    x = next(leaf.load() for leaf in drawn(load_spec(str(ROOT / "specs" / "two_layer.yaml")), 7).leaves)
    assert decimals(x) == 0


def test_one_hot_rows_stay_one_hot() -> None:
    """A target is a target under every seed."""
    spec = load_spec(str(KEY.with_name("softmax_reg.key.yaml")))
    for seed in range(5):
        (y,) = (leaf.load() for leaf in drawn(spec, seed).leaves if leaf.name == "Y")
        assert set(np.unique(y)) == {0.0, 1.0}
        assert np.array_equal(y.sum(axis=1), np.ones(3))


@pytest.mark.parametrize("matrix", [
    "[[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]", "[[2, -1, 4], [-1, 3, 0], [4, 0, 5]]",
    "[[1.5, 0.2], [0.2, 0.7]]",
])  # fmt: skip
def test_symmetric_matrices_stay_symmetric(spec_of, matrix: str) -> None:
    """A graph's adjacency too: its spec declares it, and formulas may have A for its transpose."""
    spec = spec_of(f"inputs:\n  A: {{value: {matrix}, symmetric: true}}\nparams:\n  w: 2\nnodes:\n  y: w*sum(A)\n")
    for seed in range(5):
        new = np.asarray(drawn(spec, seed).leaves[0].load())
        assert np.array_equal(new, new.T)
        given = np.asarray(spec.leaves[0].load(), dtype=float)
        value = varied(given, "input", 1.0, np.random.default_rng(seed))
        assert np.array_equal(value, value.T)


def test_a_worksheet_fits_a_page(backprop, tmp_path: Path) -> None:
    """Arrays of more axes, or too large for a matrix, too: in LaTeX no box is too wide, in Markdown no line."""
    spec = tmp_path / "net.yaml"
    spec.write_text("inputs:\n  x: {shape: [2, 1, 6, 6], init: normal}\n  long: {shape: [40], init: normal}\n"
                    "params:\n  k: {shape: [14, 1, 3, 3], init: normal}\n  W: {shape: [3, 30], init: normal}\nnodes:\n"
                    "  y: sum(conv2d(x, k)**2) + sum(W)**2 * sum(long) * sum(x + 2) * (sum(long**2) + sum(x) - 17)\n")
    lines = backprop("worksheet", spec, "--seed", "3", "--format", "markdown", "--width", "80").out.splitlines()
    assert max(map(len, lines)) <= 80
    text = backprop("worksheet", spec, "--seed", "3", "--format", "latex").out
    rows = [row for body in re.findall(r"pmatrix}(.*?)\\end", text) for row in body.split(r"\\")]
    assert max(row.count("&") for row in rows) < 10
    if shutil.which("pdflatex") is None:
        return
    (tmp_path / "a.tex").write_text(text)
    subprocess.run(["pdflatex", "-interaction=batchmode", "a.tex"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    assert "Overfull" not in (tmp_path / "a.log").read_text(errors="replace")


@pytest.mark.parametrize("form", ["text", "markdown", "latex", "html", "answers"])
def test_a_worksheet_asks_and_does_not_tell(backprop, form: str) -> None:
    """Every form names each item once and holds no gradient; the same on every run."""
    done = backprop("worksheet", KEY, "--seed", "7", "--format", form)
    assert done.code == 0
    assert done == backprop("worksheet", KEY, "--seed", "7", "--format", form)
    assert "loss" in done.out
    spec = drawn(load_spec(str(KEY)), 7)
    secret = [f"{node.gradient.value.ravel()[0]:.3f}" for node in run(spec, Settings(terms=())).nodes
              if node.gradient is not None and node.gradient.value.size > 1]  # fmt: skip
    assert not [one for one in secret if one.lstrip("-0.") and one in done.out]


def test_a_worksheet_in_latex_compiles(backprop, tmp_path: Path) -> None:
    """As it stands, where there is a LaTeX; its braces match anyway."""
    text = backprop("worksheet", KEY, "--seed", "7", "--format", "latex").out
    assert text.count("{") == text.count("}")
    if shutil.which("pdflatex") is None:
        return
    (tmp_path / "a.tex").write_text(text)
    subprocess.run(["pdflatex", "-interaction=batchmode", "a.tex"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)


def test_the_key_of_a_worksheet_marks_it(backprop, course: Path) -> None:
    """What the key's numbers give is right for the key, and for a sheet that names the seed; for the spec it is not."""
    backprop("worksheet", course / "net.yaml", "--seed", "7", "--key", course / "key.yaml", "-o", course / "q.txt")
    nodes = run(load_spec(str(course / "key.yaml")), Settings(terms=())).nodes
    right = {f"{n.name}.grad": n.gradient.value.tolist() for n in nodes if n.gradient is not None and n.kind == "param"}
    (course / "a.json").write_text(json.dumps({"seed": 7, "answers": right}))
    (course / "b.json").write_text(json.dumps({"answers": right}))
    assert backprop("grade", course / "net.yaml", course / "a.json").code == 0
    assert backprop("grade", course / "key.yaml", course / "b.json").code == 0
    assert backprop("grade", course / "net.yaml", course / "b.json").code == 1


def test_a_sheet_for_each_student(backprop, course: Path) -> None:
    """A file each, named after the student and nothing else, whose answers can be marked."""
    (course / "names.txt").write_text("Ada Lovelace\n../../etc/passwd\nAda Lovelace\n\n")
    done = backprop("worksheet", course / "net.yaml", "--students", course / "names.txt", "-o", course / "sheets")
    assert done.code == 0
    names = sorted(path.name for path in (course / "sheets").iterdir())
    assert names == ["ada_lovelace.md", "ada_lovelace.yaml", "ada_lovelace_2.md", "ada_lovelace_2.yaml",
                     "etc_passwd.md", "etc_passwd.yaml"]  # fmt: skip
    texts = {(course / "sheets" / name).read_text() for name in names if name.endswith(".md")}
    assert len(texts) == 3
    sheets = [course / "sheets" / name for name in names]
    found = [json.loads(line) for line in backprop("grade", course / "net.yaml", *sheets, "--format", "ndjson").out
             .splitlines()]  # fmt: skip
    assert {one["student"] for one in found} == {"Ada Lovelace", "../../etc/passwd"}
    assert {item["status"] for one in found for item in one["items"]} == {"missing"}


def test_totals_are_a_row_a_student(backprop, course: Path) -> None:
    """The same total for everybody, also for a sheet that cannot be read, which is a row with its reason."""
    paths = [course / f"{name}.yaml" for name in ("bob", "mallory", "eve")]
    done = backprop("grade", course / "net.yaml", *paths, "--format", "totals")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert [(row["points"], row["of"], row["first_wrong"], row["mistake"]) for row in rows] == [
        ("1", "4", "a2.grad", "sign"), ("0", "4", "", ""), ("0", "4", "", "")]  # fmt: skip
    assert "UTF-8" in rows[1]["note"]


@pytest.mark.parametrize("form", ["text", "json", "csv", "totals", "gradescope", "markdown", "html"])
def test_a_broken_sheet_is_a_row_in_every_format(backprop, course: Path, form: str) -> None:
    """It costs itself alone, and says why."""
    paths = [course / f"{name}.yaml" for name in ("mallory", "bob")]
    done = backprop("grade", course / "net.yaml", *paths, "--format", form)
    assert done.code == 1
    assert "UTF-8" in done.out
    assert "Bob" in done.out or form == "gradescope"


def test_gradescope(backprop, course: Path) -> None:
    """`results.json`: a score, and a test an item."""
    found = json.loads(backprop("grade", course / "net.yaml", course / "bob.yaml", "--format", "gradescope").out)
    tests = {one["name"]: (one["score"], one["max_score"], one["status"]) for one in found["tests"]}
    assert (found["score"], found["max_score"]) == (1.0, 4.0)
    assert tests["W2.grad"] == (1.0, 1.0, "passed")
    assert tests["a2.grad"] == (0.0, 0.0, "failed")


def test_pages_of_feedback(backprop, course: Path) -> None:
    """One a student, with no markup of theirs in it and no number of the key."""
    paths = [course / "bob.yaml", course / "eve.yaml"]
    backprop("grade", course / "net.yaml", *paths, "--pages", course / "pages", "--format", "totals")
    assert sorted(path.name for path in (course / "pages").iterdir()) == ["bob.html", "eve.html"]
    bob, eve = ((course / "pages" / f"{name}.html").read_text() for name in ("bob", "eve"))
    assert "Begin here: a2.grad" in bob
    assert "-0.34713" not in bob
    assert "<b>Eve" not in eve
    assert "&lt;b&gt;Eve" in eve


def test_the_key_is_shown_to_staff_alone(backprop, course: Path) -> None:
    """JSON holds the key's numbers with --with-key only; unknown keys of a sheet are carried along."""
    bob = [course / "net.yaml", course / "bob.yaml", "--format", "json"]
    plain, staff = (json.loads(backprop("grade", *bob, *more).out) for more in ([], ["--with-key"]))
    assert "key" not in plain["items"][0]["entry"]
    assert staff["items"][0]["entry"]["key"] == pytest.approx(-0.34713, rel=1e-4)
    eve = json.loads(backprop("grade", course / "net.yaml", course / "eve.yaml", "--format", "json").out)
    assert eve["further"] == {"email": "eve@example.org"}


def test_statistics_of_items(backprop, course: Path) -> None:
    """For each item how many were right, and the commonest mistakes by name."""
    paths = [course / f"{name}.yaml" for name in ("bob", "bob", "eve", "mallory")]
    done = backprop("grade", course / "net.yaml", *paths, "--format", "items")
    lines = done.out.splitlines()
    assert lines[0] == "4 sheets, 1 not readable; 0.667 of 4 points on average"
    assert next(line for line in lines if line.startswith("a2.grad")).endswith("sign (2)")


@pytest.mark.parametrize(("options", "scheme", "points"), [
    (["--carried", "0.5"], "", 0.5), ([], "carried: 0.5", 0.5), (["--carried", "1"], "carried: 0.5", 1.0),
])  # fmt: skip
def test_the_weight_of_what_is_carried(backprop, course: Path, options: list[str], scheme: str, points: float) -> None:
    """By policy, in the scheme or as an option, which goes before it."""
    (course / "scheme.yaml").write_text(f"spec: net.yaml\n{scheme}\n")
    done = backprop("grade", course / "scheme.yaml", course / "bob.yaml", "--format", "json", *options)
    assert json.loads(done.out)["points"] == points


@pytest.mark.parametrize(("answer", "options", "points"), [
    ("[[-0.3], [0.7]]", [], 1.0), ("[[-0.3], [0.7]]", ["--digits", "3"], 0.0),
    ("[[-0.347], [0.730]]", ["--digits", "3"], 1.0),
    ("[[-0.34713], [0.9]]", ["--partial"], 0.5), ("[[-0.34713], [0.9]]", [], 0.0),
    ("[[-0.69426], [1.46018]]", ["--constant", "0.25"], 0.25), ("grad(z2)/(a2*(1-a2))", [], 0.0),
    ("grad(z2)/(a2*(1-a2))", ["--allow", "all"], 1.0), ("(a2 - y)", ["--allow", "forward"], 1.0),
])  # fmt: skip
def test_policies(backprop, course: Path, answer: str, options: list[str], points: float) -> None:
    """Digits, parts, constants, and what a formula may use."""
    (course / "a.yaml").write_text(f"answers: {{a2.grad: \"{answer}\"}}\n")
    asked = ["--points", "a2.grad=1", "--points", "W1.grad=0", "--points", "b1.grad=0"]
    done = backprop("grade", course / "net.yaml", course / "a.yaml", "--format", "json", *asked, *options)
    assert json.loads(done.out)["points"] == points
