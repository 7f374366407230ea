from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from backprop_cli.language.loader import load_document
from backprop_cli.language.reader import load_spec
from tests.pace import within

CORPUS = Path(__file__).parents[1] / "corpus"
ROW = re.compile(r"^\| `([^`]+)` \| (ok|E\d{3} \d+:\d+) \|", re.MULTILINE)
ROWS = ROW.findall((CORPUS / "README.md").read_text(encoding="utf-8"))


def test_the_table_and_the_files_agree():
    """Rule: every hostile file says what it must give."""
    assert sorted(name for name, _ in ROWS) == sorted(path.name for path in CORPUS.glob("*.yaml"))


@pytest.mark.parametrize(("name", "expected"), ROWS)
def test_a_hostile_spec_gives_what_the_table_says(name, expected, attempt):
    """Rule: the code and place of the table, exit code 2, within two seconds."""
    start = time.process_time()
    caught = attempt(lambda: load_spec(str(CORPUS / name)))
    assert within(time.process_time() - start, 2)
    given = f"{caught.code} {caught.at.line}:{caught.at.column}" if caught else "ok"
    assert given == expected
    assert caught is None or caught.exit_code == 2


@pytest.mark.parametrize("name", [name for name, _ in ROWS])
def test_both_parsers_agree_on_hostile_files(name, attempt):
    """Rule: PyYAML's own parser refuses what libyaml refuses, at the same place."""
    data = (CORPUS / name).read_bytes()
    told = []
    for pure in (False, True):
        caught = attempt(lambda pure=pure: load_document(data, name, pure=pure))
        told.append((caught.code, caught.at) if caught else None)
    assert told[0] == told[1]
