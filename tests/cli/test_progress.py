"""A bar on a terminal while long work goes on."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from backprop_cli.cli import progress as module
from backprop_cli.cli.progress import Bar, progress
from tests.conftest import ROOT, Backprop


class Terminal(io.StringIO):
    """A stream on which somebody watches."""

    def isatty(self) -> bool:
        """It is a terminal."""
        return True


def test_a_bar_grows_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how far the work has come, and leaves nothing behind."""
    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    bar = Bar(patience=0, every=0)
    bar(1, 3)
    bar(3, 3, "  loss 2")
    bar.clear()
    first, last = seen.getvalue().split("\x1b[K")[:2]
    assert first == "\r[" + "#" * 10 + "." * 20 + "] 1/3"
    assert last == "\r[" + "#" * 30 + "] 3/3  loss 2"
    assert seen.getvalue().endswith("\r\x1b[K")


def test_short_work_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is done at once shows no bar, and nothing has to be cleared."""
    seen = Terminal()
    monkeypatch.setattr(sys, "stderr", seen)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    with progress() as bar:
        assert bar is not None
        bar(1, 2)
    assert seen.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress() as bar:
        assert bar is None


@pytest.mark.parametrize("arguments", [("check",), ("derive",), ("step", "--steps", "100")], ids=lambda a: a[0])
def test_long_work_tells_how_far_it_has_come(
    arguments: tuple[str, ...], backprop: Backprop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the commands whose work may be long; stdout is as ever."""
    told: list[tuple[int, int]] = []

    class Told(Bar):
        def __call__(self, done: int, total: int, more: str = "") -> None:
            told.append((done, total))

    name, *options = arguments
    plain = backprop(name, ROOT / "specs" / "fan_out.yaml", *options)
    assert told == []
    monkeypatch.setattr(module, "_on_terminal", lambda: True)
    monkeypatch.setattr(module, "Bar", Told)
    shown = backprop(name, ROOT / "specs" / "fan_out.yaml", *options)
    assert (shown.code, shown.out) == (plain.code, plain.out)
    assert told
    assert told[-1][0] == told[-1][1]
