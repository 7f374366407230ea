"""Pages of `--format html` in a real browser: stepped through, at two widths, light and dark, accessible."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.cli.boundary import invoke
from tests.conftest import COMMAND, ROOT

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SPECS = ("two_layer", "lstm", "attention", "transformer_encoder", "accumulate_two")
DERIVED = ("derive_two_layer", "derive_attention")
SHEETS = ("step", "jacobian", "sheet")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None or not (HERE / "node_modules" / "playwright-core").is_dir(),
                       reason="a browser and its driver are not installed (make test-browser)"),
]  # fmt: skip

HOSTILE = """\
title: "</title><script>alert(1)</script><img src=x onerror=alert(2)> & \\" '"
description: "<b>bold</b> javascript:alert(3)"
params: {α: [1.0, 2.0], w_hat: 3.0}
nodes: {y: "w_hat * α", loss: "sum(y**2) + max(α)"}
"""

BESIDE = """\
inputs: {center: [1, 3], context: [0, 2], neg: [[2, 4], [0, 4]]}
params: {V: {shape: [5, 3], init: normal}, U: {shape: [5, 3], init: normal}}
nodes:
  v: V[center]
  u: U[context]
  n: U[neg]
  pos: logsigmoid(sum(v * u, axis=1))
  negs: logsigmoid(-einsum('bkd,bd->bk', n, v))
  loss: -mean(pos) - mean(sum(negs, axis=1))
"""
"""A fraction whose numerator fits a line, but not beside the name and the sign before it."""


def command(*arguments: str, code: int = 0) -> str:
    """What `backprop` prints."""
    done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page for each spec, and one for a spec whose texts are markup."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "hostile.yaml").write_text(HOSTILE, encoding="utf-8")
    specs = {name: f"specs/{name}.yaml" for name in SPECS} | {"hostile": str(folder / "hostile.yaml")}
    for name, spec in specs.items():
        command("run", spec, "-o", str(folder / f"{name}.html"))
    command("check", "specs/kinks.yaml", "-o", str(folder / "check.html"))
    for name in DERIVED:
        command("derive", f"specs/{name.removeprefix('derive_')}.yaml", "-o", str(folder / f"{name}.html"))
    command("step", "specs/two_layer.yaml", "--lr", "0.5", "--rule", "adam", "-o", str(folder / "step.html"))
    command("jacobian", "specs/attention.yaml", "--output", "a", "--wrt", "s", "-o", str(folder / "jacobian.html"))
    command("worksheet", "specs/lstm.yaml", "-o", str(folder / "sheet.html"))
    (folder / "ann.yaml").write_text("student: '<b>Ann</b>'\nanswers: {w2.grad: [[0, 0], [0, 0]], y_2.grad: y_2 - y}\n")
    graded = command("grade", "specs/two_layer.yaml", str(folder / "ann.yaml"), "--format", "html", code=1)
    (folder / "grade.html").write_text(graded, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in (*specs, "check", *DERIVED, "grade", *SHEETS)}


@pytest.fixture(scope="module")
def met(pages: dict[str, Path]) -> dict[str, Any]:
    """What the browser says of each page."""
    done = subprocess.run(["node", str(HERE / "drive.mjs"), str(CHROMIUM), *map(str, pages.values())], cwd=HERE,
                          capture_output=True, text=True, check=False, timeout=900)  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return {name: answer[str(path)] for name, path in pages.items()}


@pytest.mark.parametrize("name", [*SPECS, "hostile", "check", *DERIVED, "grade", *SHEETS])
def test_a_page_is_quiet_and_fits(met: dict[str, Any], name: str) -> None:
    """No error on the console, nothing from the network, no horizontal scrolling, no violation that axe finds."""
    for look in met[name]["looks"]:
        where = (look["width"], look["colorScheme"])
        assert look["errors"] == [], where
        assert look["loaded"] == [], where
        assert look["wide"] <= 0, where
        assert look["violations"] == [], where
    background = {look["colorScheme"]: look["background"] for look in met[name]["looks"]}
    assert background["light"] != background["dark"]


@pytest.mark.parametrize("name", [*SPECS, *DERIVED])
def test_it_is_stepped_through(met: dict[str, Any], name: str) -> None:
    """Buttons and keys go forth and back; each step lights one node, in text, picture and spec, and is in view."""
    walk = next(look["walk"] for look in met[name]["looks"] if "walk" in look)
    assert walk["count"] == len(walk["seen"]) > 4
    for position, seen in enumerate(walk["seen"], 1):
        assert seen["steps"] == seen["boxes"] == seen["lines"], seen
        assert len(seen["steps"]) == 1
        assert seen["said"].startswith(f"Step {position} of {walk['count']}: ")
        assert seen["inView"] or position == 1, seen
    assert walk["last"]
    assert walk["back"] == {**walk["seen"][-2], "inView": True}
    assert walk["backAgain"]["label"] == walk["seen"][-3]["label"]
    assert walk["home"]["label"] == walk["seen"][0]["label"]


@pytest.mark.parametrize("name", [n for n in SPECS if n != "accumulate_two"])
def test_values_are_those_of_json(met: dict[str, Any], name: str) -> None:
    """Forward steps show the values, backward steps the gradients and the δ, that `--format json` gives."""
    told = json.loads(command("run", f"specs/{name}.yaml", "--format", "json", "--terms", "compact"))
    nodes = told["nodes"]
    deltas = {f"definition of {one['text'].partition(' = ')[0]}": one["value"] for one in told["where"].values()}
    walk = next(look["walk"] for look in met[name]["looks"] if "walk" in look)
    said = [(s["kind"], s["label"].partition(", ")[2], s["value"]) for s in walk["seen"]]
    assert [label for kind, label, _ in said if kind == "on"] == list(nodes)
    back = [label for kind, label, _ in said if kind == "back" and label not in deltas]
    assert back == [f"gradient of {n}" for n in reversed(nodes) if nodes[n]["gradient"]]
    assert {label for _, label, _ in said} >= deltas.keys()
    values = deltas | {n: nodes[n]["value"] for n in nodes}
    values |= {f"gradient of {n}": nodes[n]["gradient"]["value"] for n in nodes if nodes[n]["gradient"]}
    for _, label, shown in said:
        if "…" not in shown:
            assert flat(json.loads(shown)) == pytest.approx(flat(values[label]), rel=1e-5), label


@pytest.mark.parametrize("name", DERIVED)
def test_a_derivation_ends_in_the_values_of_json(met: dict[str, Any], name: str) -> None:
    """Each step is a gradient, the output's first, with the value that `run --format json` gives."""
    spec = f"specs/{name.removeprefix('derive_')}.yaml"
    told = json.loads(command("run", spec, "--format", "json", "--terms", "none"))
    nodes = {n: one for n, one in told["nodes"].items() if one["gradient"]}
    walk = next(look["walk"] for look in met[name]["looks"] if "walk" in look)
    assert [s["label"] for s in walk["seen"]] == [f"gradient of {n}" for n in reversed(nodes)]
    for seen, one in zip(walk["seen"], reversed(nodes.values()), strict=True):
        assert flat(json.loads(seen["value"])) == pytest.approx(flat(one["gradient"]["value"]), rel=1e-5)


SHIPPED = sorted(path.stem for path in (ROOT / "specs").glob("*.yaml"))
WORKED = ("attention", "batch_norm", "cnn", "gaussian_cholesky", "gru", "infonce", "lstm", "rnn", "transformer_encoder",
          "two_layer", "vae")  # fmt: skip
MOVED = (("step", "lstm"), ("jacobian", "lstm"), ("hessian", "logistic_regression"), ("step", "transformer_encoder"),
         ("step", "two_layer"), ("hessian", "cnn"), ("check", "lstm"), ("check", "kinks"))  # fmt: skip
MORE = {"step_two_layer": ["--rule", "adam", "--lr", "0.5", "--steps", "3"]}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, pages: dict[str, Path]) -> dict[str, Any]:
    """What a small screen shows of every shipped spec's run, of the longest derivations and sheets, and of a grade."""
    folder = tmp_path_factory.mktemp("narrow")
    jobs = [("run", name) for name in SHIPPED] + [("derive", name) for name in WORKED] + [*MOVED]
    paths = {f"{task}_{name}": folder / f"{task}_{name}.html" for task, name in jobs}
    for task, name in jobs:
        spec, to = str(ROOT / "specs" / f"{name}.yaml"), str(paths[f"{task}_{name}"])
        assert invoke([task, spec, "-o", to, *MORE.get(f"{task}_{name}", [])]) == 0
    (folder / "beside.yaml").write_text(BESIDE, encoding="utf-8")
    for task in ("run", "derive"):
        paths[f"{task}_beside"] = folder / f"{task}_beside.html"
        assert invoke([task, str(folder / "beside.yaml"), "-o", str(paths[f"{task}_beside"])]) == 0
    paths["grade"] = pages["grade"]
    done = subprocess.run(["node", str(HERE / "narrow.mjs"), str(CHROMIUM), *map(str, paths.values())], cwd=HERE,
                          capture_output=True, text=True, check=False, timeout=900)  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return {name: answer[str(path)] for name, path in paths.items()}


NARROW = [*(f"run_{name}" for name in (*SHIPPED, "beside")), *(f"derive_{name}" for name in (*WORKED, "beside")),
          *(f"{task}_{name}" for task, name in MOVED), "grade"]  # fmt: skip


@pytest.mark.parametrize("name", NARROW)
def test_nothing_scrolls_sideways_on_a_small_screen(narrow: dict[str, Any], name: str) -> None:
    """At 360 px formulas, arrays, the spec and tables end their lines themselves."""
    met = narrow[name]
    assert met["count"] > 2 or name.startswith(("check", "grade"))
    assert met["wide"] == met["scrolled"] == []
    assert met["page"] <= 0


@pytest.mark.parametrize("name", [name for name in NARROW if name.startswith(("run", "derive"))])
def test_a_small_screen_sees_the_node_in_work(narrow: dict[str, Any], name: str) -> None:
    """The picture follows the steps, and shows the whole graph where the button asks for it, without scrolling."""
    picture = narrow[name]["picture"]
    if picture is not None:  # else the graph is too large to be drawn
        assert picture["seen"]
        assert all(picture["seen"])
        assert picture["whole"]
        assert picture["wide"] <= 0


def flat(value: Any) -> list[float]:
    """The numbers of a nested list."""
    return [number for part in value for number in flat(part)] if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", [*SPECS, *DERIVED])
def test_a_name_lights_everywhere(met: dict[str, Any], name: str) -> None:
    """With the pointer on a name all that is about its node is lit."""
    assert next(look["hover"] for look in met[name]["looks"] if "hover" in look) is True


@pytest.mark.parametrize("name", [*SPECS, "hostile", *DERIVED, "grade"])
def test_without_a_script_all_is_there(met: dict[str, Any], name: str) -> None:
    """Where scripts are off every step is shown, and there are no dead buttons."""
    plain = met[name]["plain"]
    assert plain["steps"] == plain["shown"] > 0
    assert plain["buttons"] == 0
