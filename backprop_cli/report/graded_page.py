"""One page of feedback for a student: Markdown, and HTML that needs no network and no script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.tasks.grading.results import Graded, Marked

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.4rem .6rem;
border-bottom:1px solid #ddd}code{font-family:ui-monospace,monospace}.right,.carried{color:#17692b}.wrong{color:#a11}
.missing,.not{color:#8a5a00}.total{font-size:1.25rem;font-weight:600}.first{background:#fff6e5}"""

LEAD = "Begin here: {item} is the first answer on the way back that went wrong. "
CARRIED = "What follows from an earlier mistake and is worked out correctly from it counts as right."


def html(graded: Graded, view: View) -> str:
    """A page of its own."""
    title = escape(view.safe(graded.student or graded.answers))
    rows = "\n".join(_row(one, view) for one in graded.items)
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n<style>{STYLE}</style>'
        f"</head>\n<body>\n<h1>{title}</h1>\n<p class=\"total\">{graded.points:g} of {graded.of:g} points</p>\n"
        f"{''.join(f'<p>{escape(line)}</p>' for line in _lead(graded, view))}\n"
        f"<table>\n<tr><th>Item</th><th>Mark</th><th>Points</th><th>Where to look</th></tr>\n{rows}\n</table>\n"
        "</body></html>\n"
    )


def _row(one: Marked, view: View) -> str:
    first = ' class="first"' if one.first else ""
    name, told = escape(view.safe(one.item)), escape(view.safe(one.reason))
    return (f'<tr{first}><td><code>{name}</code></td><td class="{one.word.split()[0]}">{one.word}</td>'
            f"<td>{one.points:g}/{one.of:g}</td><td>{told}</td></tr>")  # fmt: skip


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
