"""A hand-written backward pass, graded from its own file: each line is an answer that may use earlier ones."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.api.tasks import grade
from backprop_cli.cli.boundary import invoke
from backprop_cli.language.python.backward import gradient_of
from backprop_cli.tasks.importing.handwritten import read_handwritten
from tests import quick_yaml

FORWARD = """
import numpy as np

np.random.seed(3)
count, wide, hidden, kinds = 4, 3, 5, 2
data = np.random.randn(count, wide)
labels = np.array([0, 1, 1, 0])
V1 = 0.3 * np.random.randn(wide, hidden)
b1 = np.zeros(hidden)
V2 = 0.3 * np.random.randn(hidden, kinds)
decay = 0.01
pre = data.dot(V1) + b1
act = np.maximum(0, pre)
score = act @ V2
p = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
loss = -np.log(p[np.arange(count), labels]).mean() + 0.5 * decay * (V1 ** 2).sum()
"""
BACKWARD = """
grads = {}
dscore = p.copy()
dscore[np.arange(count), labels] -= 1
dscore /= count
grads["V2"] = act.T @ dscore
dact = dscore @ V2.T
dpre = dact.copy()
dpre[pre <= 0] = 0
grads["b1"] = dpre.sum(axis=0)
grads["V1"] = np.dot(data.T, dpre)
grads["V1"] += decay * V1
"""
RIGHT = ("score", "V2", "act", "pre", "b1", "V1")


def marks(text: str, capsys: pytest.CaptureFixture[str], folder: Path) -> dict[str, str]:
    """The status of each item of a backward pass, graded against the forward part."""
    (folder / "forward.py").write_text(FORWARD)
    (folder / "backward.py").write_text(text)
    invoke(("grade", str(folder / "forward.py"), str(folder / "backward.py"), "--format", "csv"))
    rows = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    item, status = rows[0].index("item"), rows[0].index("status")
    return {row[item].removesuffix(".grad"): row[status] for row in rows[1:]}


IN_A_FUNCTION = "def backward(data, labels, V1, V2, p, pre, act, count, decay):\n{}"


@pytest.mark.parametrize("wrap", ["{}", FORWARD + "{}", IN_A_FUNCTION],
                         ids=["alone", "with its forward part", "in a function"])  # fmt: skip
def test_every_line_is_right(wrap: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A right backward pass is right line by line: alone, below its forward part, or in a function."""
    body = BACKWARD if "def" not in wrap else "".join(f"    {line}\n" for line in BACKWARD.splitlines())
    found = marks(wrap.format(body), capsys, tmp_path)
    assert {name: found[name] for name in RIGHT} == dict.fromkeys(RIGHT, "right")


@pytest.mark.parametrize(("wrong", "item"), [
    (("dscore @ V2.T", "dscore @ V2.T * 2"), "act"), (("dpre[pre <= 0] = 0", "pass"), "pre"),
    (("+= decay * V1", "+= 2 * decay * V1"), "V1"), (("act.T @ dscore", "pre.T @ dscore"), "V2"),
])
def test_a_wrong_line_is_found(wrong: tuple[str, str], item: str, tmp_path: Path,
                               capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    """The one wrong line is marked wrong, and a line that is right from the gradients before it stays right."""
    found = marks(BACKWARD.replace(*wrong), capsys, tmp_path)
    assert found[item] == "wrong"
    assert [name for name in RIGHT if found[name] == "right"] == [name for name in RIGHT if name != item]


def test_answers_say_where_they_stand() -> None:
    """An answer is in the language, in the key's names, and knows the last line that changed it."""
    shapes = {"W": (2, 3), "x": (3,), "z": (2,)}
    text = b"import numpy as np\ndW = np.outer(dz, x)\ndW += 0.1 * W\n"
    (answer,) = read_handwritten(text, "back.py", shapes)
    assert (answer.node, answer.code, answer.place.line) == ("W", "outer(grad(z), x) + 0.1 * W", 3)


@pytest.mark.parametrize(("target", "name"), [
    ("dW2", "W2"), ("d_z", "z"), ("grads['b']", "b"), ("dparams['dW1']", "W1"), ("x.grad", "x"), ("W1_grad", "W1"),
    ("grad_y", "y"), ("self.dW", "W"), ("scale", None), ("params['W']", None),
])  # fmt: skip
def test_gradients_are_told_by_their_names(target: str, name: str | None) -> None:
    """In the spellings that people use; any other name is a value of the writer's own."""
    assert gradient_of(ast.parse(target, mode="eval").body) == name


# ── backward passes of courses, textbooks and libraries ──────────────────────────────────────────

CASES = [case for case in quick_yaml.cases("handwritten.yaml") if case.get("hand")]


class AsPython(ast.NodeTransformer):
    """A line of ours as its author wrote it: `np.dot(h.T, dz)` for `dot(h.T, grad(z))`."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`grad(z)` is `dz`, any other call numpy's."""
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)
        if node.func.id == "grad":
            assert isinstance(node.args[0], ast.Name)
            return ast.Name(f"d{node.args[0].id}")
        return ast.Call(ast.Attribute(ast.Name("np"), node.func.id), node.args, node.keywords)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Python's own words."""
        words = {"true": True, "false": False, "none": None}
        return ast.Constant(words[node.id]) if node.id in words else node


def as_python(hand: Mapping[str, str]) -> dict[str, str]:
    """The lines of a backward pass in an order in which each uses earlier ones."""
    order: dict[str, str] = {}
    while len(order) < len(hand):
        ready = next(name for name, code in hand.items() if name not in order
                     and not (set(re.findall(r"grad\((\w+)\)", code)) & set(hand)) - set(order))  # fmt: skip
        order[ready] = ast.unparse(AsPython().visit(ast.parse(hand[ready].replace("ᵀ", ".T"), mode="eval")))
    return order


def graded(case: Mapping[str, Any], lines: Mapping[str, str], folder: Path) -> Any:
    """The marks of a backward pass against the case's spec."""
    (folder / "key.yaml").write_text(quick_yaml.dump(case["spec"]))
    text = "".join(f"d{name} = {line}\n" for name, line in lines.items())
    (folder / "backward.py").write_text(f"import numpy as np\n{text}")
    return grade(str(folder / "key.yaml"), str(folder / "backward.py")).graded


@pytest.mark.parametrize("case", CASES[::2], ids=lambda case: case["id"])
def test_real_backward_passes_are_right(case: dict[str, Any], tmp_path: Path) -> None:
    """Every line that an author wrote is right, from the lines before it."""
    lines = as_python(case["hand"])
    found = {one.node: one.status for one in graded(case, lines, tmp_path).items}
    assert {name: found[name] for name in lines} == dict.fromkeys(lines, "right")


def test_a_forgotten_transpose_is_named_though_the_shapes_do_not_fit(tmp_path: Path) -> None:
    """A product that cannot be worked out is wrong, the first one, and named by what makes it right."""
    case = next(case for case in CASES if case["id"] == "01_makemore4")
    lines = as_python(case["hand"])
    assert lines["W2"] == "h.T @ dlogits"
    found = {one.node: one for one in graded(case, lines | {"W2": "h @ dlogits"}, tmp_path).items}
    assert (found["W2"].status, found["W2"].mistake, found["W2"].first) == ("wrong", "factor_transposed", True)
    assert "the transpose of h is missing" in found["W2"].reason
    assert {found[name].status for name in lines if name != "W2"} == {"right"}
