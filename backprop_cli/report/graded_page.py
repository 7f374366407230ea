"""One page of feedback for a student: Markdown, and HTML that needs no network, with a step for each item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backprop_cli.report.page import navigation, page, step, text
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.grading.results import Graded, Marked

CLASSES = {"right": "good", "carried": "good", "wrong": "bad", "missing": "soft", "not readable": "soft"}
LEAD = "Begin here: {item} is the first answer on the way back that went wrong. "
CARRIED = "What follows from an earlier mistake and is worked out correctly from it counts as right."


def html(graded: Graded, view: View) -> str:
    """A page of its own, in the order of the reverse pass: one steps through the answers."""
    return page(_title(graded), _body(graded, view))


def _title(graded: Graded) -> str:
    return graded.student or graded.answers


def _body(graded: Graded, view: View) -> Iterator[str]:
    yield f"<header><h1>{text(_title(graded))}</h1>"
    yield f'<p class="soft">{text(graded.answers)}, marked by {text(graded.key)}</p>'
    yield f'<p class="{"good" if graded.ok else "bad"}"><strong>{graded.points:g} of {graded.of:g} points</strong></p>'
    yield from (f"<p>{text(line)}</p>" for line in _lead(graded, view))
    yield "</header>"
    yield navigation()
    yield '<main><h2>Answers, from the output back</h2><ol class="steps">'
    yield from map(_item, graded.items)
    yield "</ol></main>"


def _item(one: Marked) -> str:
    mark = f'<span class="{CLASSES[one.word]}">{one.word}</span>'
    worth = f'<span class="soft">{one.points:g}/{one.of:g}</span>'
    first = "<span>begin here</span>" if one.first else ""
    head = f'<div class="row"><strong>{text(one.item)}</strong>{mark}{worth}{first}</div>'
    parts = [head, f"<p>{text(one.reason)}</p>"] if one.reason else [head]
    return step("back", None, f"{one.item}: {one.word}", parts)


def _lead(graded: Graded, view: View) -> list[str]:
    """The sentences above the table."""
    lines = [f"The file cannot be read: {view.safe(graded.problem)}"] if graded.problem else []
    if graded.first_wrong:
        lines.append(LEAD.format(item=view.safe(graded.first_wrong)))
    return lines + ([CARRIED] if any(one.carried_forward for one in graded.items) else [])


def markdown(graded: Graded, view: View) -> str:
    """The same for a page in Markdown."""
    title = _cell(view.safe(graded.student or graded.answers))
    lead = "".join(f"{_cell(line)}\n\n" for line in _lead(graded, view))
    rows = "".join(f"| {_cell(view.safe(one.item))} | {one.word} | {one.points:g}/{one.of:g} | "
                   f"{_cell(view.safe(one.reason))} |\n" for one in graded.items)  # fmt: skip
    return (f"# {title}\n\n**{graded.points:g} of {graded.of:g} points**\n\n{lead}"
            f"| Item | Mark | Points | Where to look |\n| --- | --- | --- | --- |\n{rows}")  # fmt: skip


def _cell(text: str) -> str:
    """Text that stays in its cell, and is no markup."""
    for sign in "\\`*_|<>[]":
        text = text.replace(sign, f"\\{sign}")
    return " ".join(text.split())
