"""The documentation is executed: what it shows is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import transcripts

PIECES = [piece for page in transcripts.PAGES for piece in transcripts.pieces(page)]


def _label(piece: transcripts.Piece) -> str:
    return f"{piece.page.name}-{piece.label}"


@pytest.mark.parametrize("piece", PIECES, ids=_label)
def test_page_is_up_to_date(piece: transcripts.Piece) -> None:
    """Each transcript, and each section made from the program, is what it gives today (`make docs` rewrites them)."""
    assert transcripts.comparable(piece.make()) == transcripts.comparable(piece.text)


def test_there_is_something_to_execute() -> None:
    """The README runs the main job, so the test above cannot pass on an empty list."""
    assert any("backprop run specs/two_layer.yaml" in piece.label for piece in PIECES)


def test_a_wrong_transcript_is_noticed() -> None:
    """A planted difference in a transcript is seen, and rounding noise is not."""
    assert transcripts.transcript(["echo 3.5", "false", "echo $?"]) == "$ echo 3.5\n3.5\n$ false\n$ echo $?\n1\n"
    assert transcripts.comparable("off by 3.5") != transcripts.comparable("off by 3.6")
    assert transcripts.comparable("off by 4.1e-16") == transcripts.comparable("off by 2e-15")
    assert transcripts.comparable("0.49987437659875394") == transcripts.comparable("0.49987437659875383")


def test_a_command_may_go_on() -> None:
    """A backslash at the end of a line continues the command, as in a shell."""
    assert transcripts.transcript(transcripts.commands_of("$ echo a \\\n  b\n")) == "$ echo a \\\n  b\na b\n"


@pytest.mark.parametrize("page", transcripts.PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link of a page names a file of the project."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]
