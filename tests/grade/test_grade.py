"""`backprop grade`: marks, reasons, tolerance, points, and answers written to do harm."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.formulas.printed import Printed
from backprop_cli.language.reader import load_spec, read_spec
from backprop_cli.tasks.calculate import Settings, run
from backprop_cli.tasks.grading.key import Key, key_of
from backprop_cli.tasks.grading.mark import Scheme, grade
from backprop_cli.tasks.grading.results import Marked
from backprop_cli.tasks.grading.sheets import sheet_of
from tests.pace import within

ROOT = Path(__file__).resolve().parents[2]
TWO_LAYER = ROOT / "specs" / "two_layer.yaml"

Mark = Callable[..., Marked]


@pytest.fixture(scope="module")
def two_layer() -> Key:
    """The key that most tests use."""
    return key_of(load_spec(str(TWO_LAYER)))


def one(key: Key, item: str, answer: str) -> Marked:
    """The mark of one answer."""
    sheet = sheet_of(f"answers:\n  {item}: {answer}\n".encode(), "a.yaml", key.names)
    return grade(key, sheet, Scheme(other=1.0)).items[0]


def key_from(text: str) -> Key:
    """The key of a spec in text."""
    return key_of(read_spec(text.encode(), "net.yaml", folder=None))


@pytest.fixture
def mark(two_layer: Key) -> Mark:
    """The mark of one answer to specs/two_layer.yaml."""
    return lambda item, answer: one(two_layer, item, answer)


# ── right ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("item", "answer"), [
    ("loss", "0.49987437659875394"), ("loss", "0.4999"), ("loss", "0.5"), ("loss.value", "0.49987"),
    ("w2.grad", "[[-7.84e-6, -9.45e-6], [9.575e-5, 1.1537e-4]]"), ("w2.gradient", "[[-8e-6, -9e-6], [1e-4, 1e-4]]"),
    ("w1.formula", "grad(z_1) @ x.T"), ("z_2.formula", "(y_2 - y) * y_2 * (1 - y_2)"),
    ("z_2.formula", "y_2**2 - y_2**3 - y*y_2 + y*y_2**2"), ("z_2.formula", "grad(y_2) * sigmoid(-z_2) * y_2"),
    ("y_1.formula", "w2.T @ grad(z_2)"), ("y_1.formula", "einsum('ij,i->j', w2, grad(z_2)[:, 0])[:, None]"),
    ("loss.formula", "1"), ("z_1", "w1 @ x"), ("z_1", "[[1], [2]]"), ("loss", "sum((y_2 - y)**2) / 2"),
    ("w2.grad", "outer(grad(z_2)[:, 0], y_1[:, 0])"), ("loss.grad", "1.0"),
])  # fmt: skip
def test_right(mark: Mark, item: str, answer: str) -> None:
    """Numbers that round to what was written, and formulas of any form that give the gradient, are right."""
    found = mark(item, answer)
    assert (found.status, found.reason, found.points) == ("right", "", 1.0)


@pytest.mark.parametrize("path", [
    "softmax_regression", "bce_with_logits", "cnn", "lstm", "embedding", "log_determinant", "quadratic_form", "kinks",
    "gaussian_cholesky", "accumulate_two", "own_function",
])  # fmt: skip
@pytest.mark.parametrize("notation", ["code", "text"])
def test_what_the_program_prints_is_right(path: str, notation: str) -> None:
    """A printed formula, and a printed number, of any gradient is a right answer, at the further draws too."""
    spec = load_spec(str(ROOT / "specs" / f"{path}.yaml"))
    key = key_of(spec)
    assert len(key.draws) == 3
    lines = []
    for node in run(spec, Settings(terms=("nodes", "local"), notations=("text", "code"))).nodes:
        if node.gradient is None:
            continue
        lines.append(f"{node.name}.grad: {node.gradient.value.tolist()}")
        formula = node.gradient.formula.get("nodes")
        if isinstance(formula, Printed) and f"grad({node.name})" not in formula.code:
            lines.append(f"{node.name}.formula: {json.dumps(formula[notation])}")
    sheet = sheet_of(("answers:\n" + "".join(f"  {line}\n" for line in lines)).encode(), "a.yaml", key.names)
    found = grade(key, sheet, Scheme())
    assert [(m.item, m.reason) for m in found.items if m.status != "right"] == []


def test_a_sum_is_no_matrix() -> None:
    """Σ is a capital letter, yet no factor: what stands behind it in brackets is summed."""
    key = key_from("params: {a: [1.0, 2.0], p: 1.1}\nnodes: {h: 'where(a > p, a, p)', l: sum(h)}")
    assert one(key, "p.formula", "2 - Σ([a > p])").status == "right"


# ── wrong ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("item", "answer", "reason"), [
    ("loss", "-0.4999", "the sign is wrong: it is minus the right one"),
    ("w2.grad", "[[-7.843e-6, 9.575e-5], [-9.450e-6, 1.1537e-4]]", "it is the transpose of the right one"),
    ("w1.grad", "[[1.22433e-4, 7.80064e-5]]",
     "it has shape (1, 2), the gradient of w1 has (2, 1): it is the transpose of the right one"),
    ("w2.grad", "[-7.843e-6, -9.450e-6, 9.575e-5, 1.15367e-4]",
     "it has shape (4,), the gradient of w2 has (2, 2): the numbers are right, their arrangement is not"),
    ("y_2.formula", "2*(y_2 - y)", "the factor 1/2 in loss is missing"),
    ("z_2.formula", "grad(y_2)", "the local derivative of y_2 = sigmoid(z_2) is missing"),
    ("z_2.formula", "y_2 * (1 - y_2)",
     "it is the local derivative alone: the gradient that arrives from above is missing"),
    ("z_2.formula", "(y_2 - y) * y_2", "sigmoid itself stands where its derivative belongs, at y_2 = sigmoid(z_2)"),
    ("w1.formula", "w2.T @ (y_2 - y) * y_1 * (1 - y_1) @ x.T", "the local derivative of y_2 = sigmoid(z_2) is missing"),
    ("w1.formula", "grad(z_1)",
     "it gives the right number here, but only by accident: the local derivative of z_1 = w1 @ x is missing"),
    ("w2.grad", "[[-7.843e-6, -9.450e-6], [9.575e-5, 1.4e-4]]", "one entry is wrong, at [1, 1]; the rest is right"),
    ("loss", "0.49989", "it is near, but wrong in the last digits that are written: round at the end only"),
    ("loss", "7.25", "it is another number"), ("loss", "0", "it is another number"),
    ("y_1.formula", "ones((2, 1))", "2 of 2 entries are wrong, the first at [0, 0]"),
    ("loss", "0.99975", "it is twice the right one: a factor 1/2 is missing, or a 2 too many"),
    ("w2.grad", "[[0.0, 0.0], [0.0, 0.0]]", "4 of 4 entries are wrong, the first at [0, 0]"),
    ("z_1.formula", "grad(y_1)", "the local derivative of y_1 = sigmoid(z_1) is missing"),
    ("y_2.formula", "3 * (y_2 - y)", "every entry is the same number times the right one"),
    ("w1.grad", "[[1.0], [2.0]]", "this is the value of w1"),
    ("z_2", "[[0.73106], [0.8808]]", "this is the value of y_1"),
    ("w2.formula", "grad(w2)", "it uses grad(w2), which is what is asked for"),
    ("loss", "loss", "it uses loss, which is what is asked for"),
    ("y_1.formula", "log(-y_1)", "it is not finite"),
])  # fmt: skip
def test_wrong(mark: Mark, item: str, answer: str, reason: str) -> None:
    """A wrong answer has no points, and a typical mistake is named."""
    found = mark(item, answer)
    assert (found.status, found.reason, found.points) == ("wrong", reason, 0.0)


@pytest.mark.parametrize(("spec", "item", "answer", "reason"), [
    ("params: {a: [1.0, 2.0, 3.0, 4.0, 5.0]}\nnodes: {l: mean(a**2)}", "a.formula", "2*a",
     "it is 5 times the right one: a factor 1/5 is missing (a sum is no mean)"),
    ("dims: {N: 5}\nparams: {a: {shape: [N], value: [1.0, 2.0, 3.0, 4.0, 5.0]}}\nnodes: {l: mean(a**2)}", "a.grad",
     "[2, 4, 6, 8, 10]", "it is N times the right one: a factor 1/N is missing (a sum is no mean)"),
    ("params: {x: 2.0}\nnodes: {u: x**2, v: sin(x), l: u + v}", "x.grad", "4.0",
     "the path back to x through v = sin(x) is missing; paths add up"),
    ("inputs: {x: [[1.0, 2.0], [3.0, 5.0], [2.0, 1.0]]}\nparams: {b: [1.0, 2.0]}\nnodes: {z: x + b, l: sum(z**2)}",
     "b.formula", "2*z",
     "it has shape (3, 2), the gradient of b has (2,): sum it over the axes along which b was broadcast"),
    ("params: {x: [1.0, 2.0]}\nnodes: {l: sum(x)}", "x.formula", "1",
     "it has shape (), the gradient of x has (2,): every entry has this value, so write it out, or times ones(...)"),
])  # fmt: skip
def test_mistakes_of_other_nets(spec: str, item: str, answer: str, reason: str) -> None:
    """Means and sums, forgotten paths and forgotten sums are told apart."""
    found = one(key_from(spec), item, answer)
    assert (found.status, found.reason) == ("wrong", reason)


def test_the_wrong_entry_is_data(mark: Mark) -> None:
    """The first wrong entry comes with both numbers, for a program."""
    found = mark("w2.grad", "[[-7.843e-6, -9.450e-6], [9.575e-5, 1.4e-4]]")
    assert (found.index, found.answer) == ((1, 1), 1.4e-4)
    assert found.expected == pytest.approx(1.153671e-4, rel=1e-5)


# ── how near ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("answer", "status"), [
    ("0.0056", "right"), ("5.6e-3", "right"), ("0.00561", "right"), ("0.006", "right"), ("0.00560", "wrong"),
    ("0.0057", "wrong"), ("0.005", "wrong"), ("0.00", "wrong"), ("0.0", "wrong"), ("0.0056141", "right"),
    ("0.00561414", "right"), ("0.0056142", "wrong"), ("-0.0056", "wrong"), (".inf", "wrong"), (".nan", "wrong"),
])  # fmt: skip
def test_the_digits_that_were_written(answer: str, status: str) -> None:
    """By default a number is right when the right one, 0.00561414, rounds to it; a zero has no digits."""
    assert one(key_from("params: {a: 0.0056141413}\nnodes: {y: 1 * a}"), "y", answer).status == status


def test_six_digits_are_enough() -> None:
    """More digits than float32 has are not held against anybody."""
    key = key_from("params: {a: 0.123456789}\nnodes: {y: 1 * a}")
    assert one(key, "y", "0.1234568036").status == "right"
    assert one(key, "y", "0.1234580000").status == "wrong"


@pytest.mark.parametrize(("options", "code"), [
    ([], 1), (["--rtol", "0.01"], 0), (["--rtol", "0.0001"], 1), (["--atol", "0.01"], 0),
])  # fmt: skip
def test_tolerance_options(backprop, tmp_path: Path, options: list[str], code: int) -> None:
    """--rtol replaces the rule of the digits, --atol adds to it."""
    (tmp_path / "k.yaml").write_text("params: {a: 2.0}\nnodes: {y: a**2}\n")
    (tmp_path / "a.yaml").write_text("answers: {a.grad: 4.003}\n")
    assert backprop("grade", tmp_path / "k.yaml", tmp_path / "a.yaml", *options).code == code


# ── what is asked, and points ────────────────────────────────────────────────────────────────────


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A key, a marking scheme, and answers: all right, one wrong, and none that can be read."""
    (tmp_path / "key.yaml").write_text("params: {a: 2.0, b: 3.0}\nnodes: {y: a * b, z: y**2}\n")
    (tmp_path / "scheme.yaml").write_text("spec: key.yaml\npoints: {z: 1, a.grad: 3}\n")
    (tmp_path / "good.yaml").write_text("student: Ada\nanswers: {a.grad: 36, b.formula: 2*y*a, z: 36}\n")
    (tmp_path / "wrong.yaml").write_text("student: '=1+1'\nanswers: {a.grad: -36, y: 6}\n")
    (tmp_path / "broken.yaml").write_text("answers: [1, 2\n")
    return tmp_path


def graded(done: Any) -> dict[str, str]:
    """Status by item, of JSON."""
    return {item["item"]: item["status"] for item in json.loads(done.out)["items"]}


def test_a_spec_asks_for_its_params(backprop, files: Path) -> None:
    """Every param's gradient is asked for, as numbers or formula; other answers are marked, and worth nothing."""
    done = backprop("grade", files / "key.yaml", files / "wrong.yaml", "--format", "json")
    assert (done.code, graded(done)) == (1, {"y": "right", "a.grad": "wrong", "b.grad": "missing"})
    done = backprop("grade", files / "key.yaml", files / "good.yaml", "--format", "json")
    assert (done.code, graded(done)) == (0, {"a.grad": "right", "b.formula": "right", "z": "right"})


def test_a_scheme_says_what_is_asked(backprop, files: Path) -> None:
    """With a scheme its items alone have points; --points changes them."""
    found = json.loads(backprop("grade", files / "scheme.yaml", files / "good.yaml", "--format", "json").out)
    assert (found["points"], found["of"], {item["item"]: item["of"] for item in found["items"]}) == (
        4, 4, {"z": 1, "a.grad": 3, "b.formula": 0})
    options = ("--points", "b.grad=2", "--points", "z=0.5", "--format", "json")
    found = json.loads(backprop("grade", files / "scheme.yaml", files / "good.yaml", *options).out)
    assert (found["points"], found["of"], {item["item"]: item["of"] for item in found["items"]}) == (
        5.5, 5.5, {"z": 0.5, "a.grad": 3, "b.formula": 2})


def test_an_empty_answer_is_missing(two_layer: Key) -> None:
    """A template that was not filled in has nothing but missing answers."""
    for text in ("answers:\n", "answers: {w1.grad: , w2.formula: null}\n"):
        scheme = Scheme(dict.fromkeys(two_layer.asked, 1.0))
        found = grade(two_layer, sheet_of(text.encode(), "a.yaml", two_layer.names), scheme)
        assert [(m.item, m.status) for m in found.items] == [("w2.grad", "missing"), ("w1.grad", "missing")]


@pytest.mark.parametrize(("options", "text"), [
    (["--points", "q.grad=1"], "no node is called 'q'"), (["--points", "a.grad=x"], "points are a number"),
    (["--points", "a.grad"], "an item is called"), (["--points", "a.foo=1"], "an item is called"),
    (["--points", "a=-1"], "points are a number"), (["--points", "a=inf"], "points are a number"),
])  # fmt: skip
def test_bad_points(backprop, files: Path, options: list[str], text: str) -> None:
    """An option that names no item, or no number, is bad usage."""
    done = backprop("grade", files / "key.yaml", files / "good.yaml", *options)
    assert (done.code, done.out) == (2, "")
    assert text in done.err


# ── many files, formats, exit codes ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("answers", "code"), [
    (["good"], 0), (["good", "wrong"], 1), (["broken"], 2), (["broken", "good"], 1), (["missing"], 2),
])  # fmt: skip
def test_exit_codes(backprop, files: Path, answers: list[str], code: int) -> None:
    """0: all right; 1: something wrong, or some file unreadable; 2: nothing could be read."""
    assert backprop("grade", files / "key.yaml", *[files / f"{name}.yaml" for name in answers]).code == code


def test_the_tally_counts_files_of_answers(backprop, files: Path) -> None:
    """Rule: what failed is called what was given: files of answers, which are no specs."""
    given = [files / f"{name}.yaml" for name in ("broken", "good", "missing")]
    done = backprop("grade", files / "key.yaml", *given, "--format", "items")
    assert done.err.splitlines()[-1] == "2 of 3 files of answers failed"


@pytest.mark.parametrize("text", [
    "", "nodes: 3", "params: {a: 1}\nnodes: {b: sigmod(a)}", "spec: nowhere.yaml", "spec: key.yaml\npoints: {q: 1}",
    "spec: key.yaml\npoints: {a: much}", "spec: key.yaml\nfoo: 1", "params: {a: {shape: [2]}}\nnodes: {b: sum(a)}",
])  # fmt: skip
def test_an_unreadable_key(backprop, files: Path, text: str) -> None:
    """A key that cannot be read, or has no numbers, is exit code 2 and nothing on stdout."""
    (files / "bad.yaml").write_text(text)
    done = backprop("grade", files / "bad.yaml", files / "good.yaml")
    assert (done.code, done.out) == (2, "")
    assert "error[E" in done.err


def test_formats(backprop, files: Path) -> None:
    """Text for people; NDJSON with an error's line in its place; CSV that no spreadsheet takes for a formula."""
    paths = [files / f"{name}.yaml" for name in ("good", "broken", "wrong")]
    done = backprop("grade", files / "key.yaml", paths[0])
    assert done.out == (
        f"Ada\n{paths[0]}\n\n  z           right   0/0\n  b.formula   right   1/1\n  a.grad      right   1/1\n\n"
        "2 of 2 points\n"
    )
    lines = [json.loads(line) for line in backprop("grade", files / "key.yaml", *paths, "--format", "ndjson").out
             .splitlines()]  # fmt: skip
    assert [line["schema"] for line in lines] == ["backprop.grade/1", "backprop.error/1", "backprop.grade/1"]
    rows = list(csv.DictReader(io.StringIO(backprop("grade", files / "key.yaml", *paths, "--format", "csv").out)))
    assert [(row["item"], row["status"]) for row in rows] == [
        ("z", "right"), ("b.formula", "right"), ("a.grad", "right"), ("", "not readable"), ("b.grad", "missing"),
        ("a.grad", "missing"), ("y", "right"), ("b.grad", "missing"), ("a.grad", "wrong")]  # fmt: skip
    assert rows[6]["student"] == "'=1+1"


def test_the_contract_of_json(backprop, files: Path) -> None:
    """Every key of `backprop.grade/1`, in its order."""
    found = json.loads(backprop("grade", files / "key.yaml", files / "wrong.yaml", "--format", "json",
                                "--with-key").out)  # fmt: skip
    assert list(found) == ["schema", "key", "answers", "student", "ok", "points", "of", "first_wrong", "items"]
    assert found["items"][2] == {
        "item": "a.grad", "node": "a", "what": "gradient", "form": "numbers", "status": "wrong", "points": 0.0,
        "of": 1.0, "mistake": "sign", "carried_forward": False, "first": True,
        "reason": "the sign is wrong: it is minus the right one",
        "entry": {"index": [], "answer": -36.0, "key": 36.0}}  # fmt: skip


def test_jobs_and_stdin(backprop, files: Path) -> None:
    """Two workers mark as one does; '-' is a file of answers."""
    paths = [files / f"{name}.yaml" for name in ("good", "wrong", "good", "broken")]
    alone = backprop("grade", files / "key.yaml", *paths, "--format", "ndjson")
    assert backprop("grade", files / "key.yaml", *paths, "--format", "ndjson", "--jobs", "2") == alone
    assert backprop("grade", files / "key.yaml", "-", stdin="answers: {a.grad: 36, b.grad: 24}").code == 0


def test_hundreds_of_answers(two_layer: Key) -> None:
    """The key is worked out once: two hundred files with mistakes to explain take a second or so."""
    sheet = b"answers: {w1.formula: grad(z_1), z_2.formula: grad(y_2), w2.grad: [[1, 2], [3, 4]], loss: 3}"
    start = time.process_time()
    for number in range(200):
        assert grade(two_layer, sheet_of(sheet, f"{number}.yaml"), Scheme()).points == 0
    assert within(time.process_time() - start, 8)


ODD = (
    "nan", ".inf", "1e400", "-0", "[]", "[[1], [2, 3]]", '"\\\\frac{"', '"^"', '"x_{"', '"·"', '"e[0]"', '"grad()"',
    '"= 3"', "true", '"1/0"', '"0/0"', "[1/0, 2]", '"log(-1)"', '"[1, [2]]"', '"1 2 3"', '"2**2**2**9"', '"1e308*10"',
    '"[[1/3"', '"x[99]"', '"inv(w2*0)"',
)  # fmt: skip


@pytest.mark.parametrize("answer", ODD)
def test_no_answer_is_an_internal_error(two_layer: Key, answer: str) -> None:
    """Whatever stands under whichever item, also under the output's own gradient, has a mark or a reason."""
    for name in two_layer.names:
        for suffix in ("", ".grad", ".formula"):
            sheet = sheet_of(f"answers:\n  {name}{suffix}: {answer}\n".encode(), "a.yaml", two_layer.names)
            assert len(grade(two_layer, sheet, Scheme()).items) <= 1


# ── hostile answers ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("answer", "reason"), [
    ("__import__('os').system('touch pwned')", "line 2: "),
    ("ones((100000, 100000)) @ ones((100000, 1))", "the formula would compute more than"),
    ("'ones((9000,9000))[:2, :1]'", "the formula would compute more than"),
    ("'tile(z_2, (100000, 100000))'", "the formula would take more than"),
    ("'" + "(" * 500 + "1" + ")" * 500 + "'", "line 2: "), ("'" + "1+" * 3000 + "1'", "line 2: "),
    ("sigmod(z_2)", "did you mean 'sigmoid'?"), ("grad(x)", "grad(x)"), ("q * 2", "unknown name 'q'"),
    ("z_2 @ z_2", "(2, 1)"), ("{a: 1}", "found a mapping"), ("true", "true"),
    ("[[1, 2], [3]]", "ragged"), ('"\\e[31m"', "unexpected character"), ("inv(z_2)", "inv"),
    ("'1' * 100000", "line 2: "), ("(y_2 - y", "line 2: "),
])  # fmt: skip
def test_unreadable_answers(mark: Mark, tmp_path: Path, monkeypatch, answer: str, reason: str) -> None:
    """Code, bombs and nonsense are 'not readable' with the reason, quickly, and nothing runs."""
    monkeypatch.chdir(tmp_path)
    start = time.process_time()
    try:
        found = mark("z_2.grad", answer)
        assert (found.status, found.points) == ("not readable", 0.0)
        told = found.reason
    except Exception as error:  # noqa: BLE001 - the file itself is no YAML
        told = f"line 2: {error}"
    assert reason in told
    assert within(time.process_time() - start, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("data", [
    b"", b"[1, 2]", b"answers: [1]", b"answers: &a {x: *a}", b"answers: !!python/object:os.system {}", b"\xff\xfe",
    b"student: Ada",
    b"answers: " + b"[" * 100_000, b"answers: {a: [" + b"1," * 600_000 + b"1]}",
    b"answers:\n" + b"".join(b"  n%d: 1\n" % i for i in range(3000)), b"a" * (5 << 20), b"answers: {x: 1}\n---\n{}",
])  # fmt: skip
def test_files_that_are_no_answers(backprop, files: Path, data: bytes) -> None:
    """A file that is none is one clear error with exit code 2; files after it are marked."""
    (files / "bad.yaml").write_bytes(data)
    done = backprop("grade", files / "key.yaml", files / "bad.yaml")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error[E")
    assert "Traceback" not in done.err
    assert "internal" not in done.err


def test_names_reach_the_terminal_safely(backprop, files: Path) -> None:
    """A student's name and an item's with escape codes are spelled out."""
    (files / "esc.yaml").write_text('student: "\\e[2JAda"\nanswers: {"\\e[2J.grad": 1, "a.b.c": 2}\n')
    done = backprop("grade", files / "key.yaml", files / "esc.yaml")
    assert "\x1b" not in done.out
    assert "\\x1b[2JAda" in done.out


# ── hooks and several passes ─────────────────────────────────────────────────────────────────────

TWO = """
inputs: {x: [0.5, -0.8, 0.3], t: [0.2, -0.4]}
params: {W1: [[0.3, -0.8, 0.5], [0.9, 0.4, -0.2]], W2: [[1.1, -0.6], [0.5, 0.7]]}
nodes:
  z1: W1 @ x
  h1: tanh(z1)
  z2: W2 @ h1
  e: z2 - t
  loss: sum(e**2)/2
  reg: sum(W1**2) + sum(z1)
"""


@pytest.mark.parametrize(("more", "item", "answer", "mistake"), [
    ('hooks: {h1: "clip(grad, -0.3, 0.3)"}\noutput: loss\n', "h1.formula", "W2.T @ grad(z2)", "step_missing"),
    ("backward: [{output: reg}, {output: loss}]\n", "W1.formula", "outer(grad(z1), x)", "path_missing"),
])  # fmt: skip
def test_hooks_and_passes(more: str, item: str, answer: str, mistake: str) -> None:
    """A hook or a pass that is forgotten is named, and what follows from an earlier mistake goes through both."""
    key = key_from(TWO + more)
    assert one(key, item, answer).mistake == mistake
    wrong = {key.names["z2"]: -np.asarray(key.draws[0].gradients[key.names["z2"]])}
    followed = key.chain.reverse(key.draws[0].values, key.draws[0].seeds, wrong)
    lines = [f"  {name}.grad: {followed[key.names[name]].tolist()}\n" for name in ("z2", "h1", "W2", "z1", "W1")]
    sheet = sheet_of(("answers:\n" + "".join(lines)).encode(), "a.yaml", key.names)
    found = [m.word for m in grade(key, sheet, Scheme()).items if m.form]
    assert found == ["wrong", *["carried"] * 4]
