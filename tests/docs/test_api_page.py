"""docs/api.md is executed."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every example of the page about Python gives what the page says."""
    monkeypatch.chdir(ROOT)
    done = doctest.testfile(str(ROOT / "docs" / "api.md"), module_relative=False, encoding="utf-8")
    assert done.attempted > 10
    assert done.failed == 0
