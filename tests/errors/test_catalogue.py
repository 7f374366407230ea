"""Every error of the catalogue is provoked, and what is printed is compared with docs/errors.md, whole."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from backprop_cli.errors import CATALOGUE
from docs.error_cases import CASES, told

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
SHOWN = {found[1]: found[2] for found in re.finditer(r"^## (E\d+) .*?^```text\n\$ .*?\n(.*?)^```$", PAGE,
                                                     re.MULTILINE | re.DOTALL)}  # fmt: skip


def test_every_code_has_a_case_and_a_text() -> None:
    """Rule: a code that nothing provokes is a defect, and so is one that the page does not show."""
    assert list(CASES) == list(CATALOGUE) == list(SHOWN)


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    """Rule: no error is raised with a code of its own invention."""
    used = {code for path in (ROOT / "backprop_cli").rglob("*.py")
            for code in re.findall(r'"(E\d{3})"', path.read_text(encoding="utf-8"))}  # fmt: skip
    assert used <= set(CATALOGUE)


@pytest.mark.parametrize("code", CASES)
def test_the_whole_text(code: str) -> None:
    """Rule: the error's whole text is the page's, stdout is empty, the exit code 2, or 3 for limits and defects."""
    exit_code, out, err = told(CASES[code])
    assert err == SHOWN[code]
    assert (exit_code, out) == (3 if "E030" <= code < "E040" else 2, "")


@pytest.mark.parametrize("code", CASES)
def test_as_json(code: str) -> None:
    """Rule: `--error-format json` says the same in one line of the contract, with the place as numbers."""
    case = CASES[code]
    _, _, err = told(replace(case, argv=(*case.argv, "--error-format", "json")))
    found = json.loads(err)
    assert (found["schema"], found["error"]["code"]) == ("backprop.error/1", code)
    place = re.search(r"--> \S+:(\d+):(\d+)$", SHOWN[code], re.MULTILINE)
    expected = [*map(int, place.groups())] if place else [None, None]
    assert [found["error"]["line"], found["error"]["column"]] == expected
    assert SHOWN[code].startswith(f"error[{code}]: {found['error']['message']}\n")


@pytest.mark.parametrize("code", CASES)
def test_for_github(code: str) -> None:
    """Rule: `--error-format github` is an annotation a line, titled by the code."""
    case = CASES[code]
    _, _, err = told(replace(case, argv=(*case.argv, "--error-format", "github")))
    assert all(line.startswith("::error ") and f"title={code}::" in line for line in err.splitlines())


def test_all_errors_in_one_go(backprop, tmp_path: Path) -> None:
    """Rule: independent errors of a spec are all told, in the order they stand in the file, and counted."""
    path = tmp_path / "net.yaml"
    path.write_text("params: {w: one, 2b: 1}\nnodes:\n  y: w +\n  y: w\nhoks: {}\n", encoding="utf-8")
    done = backprop("run", path)
    assert re.findall(r"error\[(E\d+)\]", done.err) == ["E008", "E009", "E010", "E006", "E007"]
    assert done.err.endswith("\n5 errors\n")


def test_all_errors_of_the_graph_in_one_go(backprop, tmp_path: Path) -> None:
    """Rule: the same where nodes of a well-formed file are wrong; what depends on a wrong node stays silent."""
    path = tmp_path / "net.yaml"
    nodes = "  a: wieght + 1\n  b: sigmod(w)\n  c: a + b\n  d: w @ zeros((3,))\n"
    path.write_text(f"params: {{w: [1.0, 2.0]}}\nnodes:\n{nodes}", encoding="utf-8")
    assert re.findall(r"error\[(E\d+)\]", backprop("run", path).err) == ["E011", "E012", "E014"]
