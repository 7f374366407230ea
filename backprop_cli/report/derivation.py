"""A worked solution as text, Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backprop_cli.formulas.printed import partial
from backprop_cli.report.arrays import lines
from backprop_cli.report.breaking import fitted
from backprop_cli.report.latex import _value as latex_value
from backprop_cli.report.latex import document, prose
from backprop_cli.report.view import View

if TYPE_CHECKING:
    from backprop_cli.formulas.derivation import Contribution, Worked, WorkedPass

LABEL_WIDTH = 18


@dataclass(frozen=True, slots=True)
class Solution:
    """The derivations of one spec."""

    spec: str
    title: str | None
    output: str
    passes: Sequence[WorkedPass]
    parts: Sequence[str] = ()

    def sections(self) -> Iterable[tuple[str | None, Sequence[Worked]]]:
        """Each pass with its heading; a single pass has none."""
        for i, one in enumerate(self.passes):
            yield (
                (f"Pass {i + 1} of {len(self.passes)}, from {one.output}" if len(self.passes) > 1 else None),
                one.worked,
            )


# ── text ─────────────────────────────────────────────────────────────────────────────────────────


def text(solution: Solution, view: View) -> str:
    """For a terminal: a heading a node, a line a step; each reason and each sign is explained where it first stands."""
    head = view.paint(view.safe(solution.title or solution.spec), "heading")
    blocks = [[head], *([[view.plain(line) for line in solution.parts]] if solution.parts else [])]
    said: set[str] = set()
    for heading, worked in solution.sections():
        blocks += [[view.paint(view.safe(heading), "heading")]] if heading else []
        blocks += [_explained(_text_node(w, view, said), said, view) for w in worked]
    blocks += [["The gradients of the leaves add up over the passes."]] if len(solution.passes) > 1 else []
    return "\n\n".join("\n".join(fitted(block, view.width)) for block in blocks) + "\n"


SIGNS = (
    ("δ ↦", "δ is the gradient that comes back from above; δ ↦ ... is what the step makes of it"),
    ("⊙", "⊙ multiplies entry by entry; ∂y/∂z = y ⊙ (1 - y) between arrays is the diagonal of the Jacobian"),
    ("ᵀ", "ᵀ transposes, and · between arrays is the product of matrices"),
    ("Σ_", "Σ_n adds up over n; an index that stands on the left belongs to the entry"),
    (" > 0]", "[z > 0] is 1 where it holds, else 0"),
)
"""What a sign means, in the order in which they are looked for."""


def _explained(rows: list[str], said: set[str], view: View) -> list[str]:
    """The steps of a node, with what a sign means below them, the first time."""
    if not view.full:
        return rows
    found = [meaning for sign, meaning in SIGNS if meaning not in said and any(view.plain(sign) in r for r in rows)]
    said.update(found)
    return [*rows, *(view.plain(f"  ({meaning})") for meaning in found)]


def _text_node(worked: Worked, view: View, said: set[str]) -> list[str]:
    left = view.plain(worked.left.text)
    rows = [view.paint(left, "gradient")]
    if worked.seed is not None:
        rows.append(_step("seed", f"{left} = {view.plain(worked.seed.text)}"))
    rows += [view.plain(f"  {sentence}") for sentence in _uses(worked)]
    for part in worked.contributions:
        rows += _text_part(worked, part, view, said)
    if worked.total is not None:
        rows.append(_step("sum", view.plain(f"{worked.left.text} = {worked.total.text}")))
    rows += [view.plain(f"  {note}") for note in worked.notes]
    if worked.simplified is not None:
        label = "after the hook" if worked.hooked else "simplified"
        rows.append(_step(label, view.plain(f"{worked.left.text} = {worked.simplified.text}")))
    rows += [view.plain(f"  with {fact}") for fact in worked.facts]
    if view.full and worked.in_all is not None:
        rows.append(_step("in all", view.plain(f"{worked.left.text} = {worked.in_all.text}")))
    if view.full and worked.numbers:
        rows.append(_step("in numbers", view.plain(worked.numbers)))
    if worked.value is not None:
        room = None if view.width is None else view.width - LABEL_WIDTH - len(left) - 5
        first, *rest = [view.plain(line) for line in lines(worked.value, view.digits, room=room)]
        rows += [_step("value", f"{left} = {first}"), *(" " * (LABEL_WIDTH + len(left) + 5) + line for line in rest)]
    return rows


def _step(label: str, said: str) -> str:
    return f"  {label:<{LABEL_WIDTH - 1}} {said}"


def _uses(worked: Worked) -> list[str]:
    """Who uses the node; a fan-out says that its paths add up."""
    users = [p.consumer for p in worked.contributions]
    if not users:
        return []
    if len(users) == 1:
        return [f"{worked.name} is used by {users[0]}:"]
    listed = f"{', '.join(users[:-1])} and {users[-1]}"
    return [f"{worked.name} is used by {listed}: what comes back over each path adds up"]


def _text_part(worked: Worked, part: Contribution, view: View, said: set[str]) -> list[str]:
    rows = [
        _step(
            "definition" if len(worked.contributions) == 1 else _through(part),
            view.plain(part.definition.text),
        )
    ]
    new = [reason for reason in part.reasons if view.full and reason not in said]
    said.update(new)
    rows += [_step("because", view.plain(reason)) for reason in new]
    rows.append(_step("local derivative", view.plain(_local(worked, part, "text"))))
    left = worked.left.text if len(worked.contributions) == 1 and worked.seed is None else f"path {_short(part)}"
    rows.append(_step("chain rule", view.plain(f"{left} = {part.chain.text}")))
    if view.full and part.shapes:
        rows.append(_step("shapes", part.shapes))
    if view.full and part.entry:
        rows.append(_step("one entry", view.plain(part.entry)))
    if part.substituted is not None and part.substituted.text != part.chain.text:
        rows.append(_step("substituted", view.plain(f"{' ' * len(left)} = {part.substituted.text}")))
    return [*rows, *(view.plain(f"  {note}") for note in part.notes)]


def _through(part: Contribution) -> str:
    return f"through {_short(part)}"


def _short(part: Contribution) -> str:
    """A consumer's name; an output that is an expression is called that."""
    return part.consumer if part.consumer.isidentifier() else "output"


def _local(worked: Worked, part: Contribution, notation: str) -> str:
    """∂z/∂x = ..., or the adjoint map δ ↦ ...."""
    right = getattr(part.local, notation)
    if part.is_map:
        return f"δ ↦ {right}" if notation == "text" else rf"\delta \mapsto {right}"
    if notation == "text":
        return f"{partial(part.consumer, worked.name)} = {right}"
    from backprop_cli.formulas.notation import LATEX

    return f"{LATEX.gradient(part.consumer, worked.name)} = {right}"


# ── LaTeX and Markdown ───────────────────────────────────────────────────────────────────────────


def _rows(worked: Worked, view: View) -> Iterable[tuple[str, str, str]]:
    """(left, right, remark) of each step in LaTeX."""
    left = worked.left.latex
    if worked.seed is not None:
        yield left, worked.seed.latex, "seed"
    for part in worked.contributions:
        name, _, definition = part.definition.latex.partition(" = ")
        yield name, definition, "definition"
        if part.is_map:
            yield r"\delta", rf"\mapsto {part.local.latex}", "local derivative"
        else:
            local_left, _, right = _local(worked, part, "latex").partition(" = ")
            yield local_left, right, "local derivative"
        yield left if len(worked.contributions) == 1 else "", part.chain.latex, "chain rule"
        if part.substituted is not None and part.substituted.latex != part.chain.latex:
            yield "", part.substituted.latex, "substituted"
    if worked.total is not None:
        yield left, worked.total.latex, "sum over the paths"
    if worked.simplified is not None:
        yield left, worked.simplified.latex, "after the hook" if worked.hooked else "simplified"
    if worked.value is not None:
        yield left, latex_value(worked.value, view), "value"


def _aligned(worked: Worked, view: View) -> str:
    rows = [
        f"{left} &{'' if right.startswith(chr(92) + 'mapsto') else '='} {right} && \\text{{{remark}}}"
        for left, right, remark in _rows(worked, view)
    ]
    return "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"


def _sentences(worked: Worked) -> list[str]:
    notes = [note for part in worked.contributions for note in part.notes]
    uses = [u.rstrip(":") for u in _uses(worked)]
    return [*uses, *notes, *worked.notes, *(f"used: {fact}" for fact in worked.facts)]


def latex(solution: Solution, view: View) -> str:
    """An align* a node, with the sentences as text between; needs amsmath."""
    blocks = [f"% {prose(solution.title or solution.spec)}"]
    for heading, nodes in solution.sections():
        blocks += [rf"\paragraph{{{prose(heading)}}}"] if heading else []
        for worked in nodes:
            blocks += [f"{prose(s)}." for s in _sentences(worked)]
            blocks.append(_aligned(worked, view))
    return document("\n\n".join(blocks) + "\n", view)


def markdown(solution: Solution, view: View) -> str:
    """A section a node; the steps as display mathematics."""
    from backprop_cli.report.markdown import prose as escaped

    blocks = [f"# {escaped(solution.title or solution.spec, view)}"]
    for heading, nodes in solution.sections():
        blocks += [f"# {escaped(heading, view)}"] if heading else []
        for worked in nodes:
            blocks.append(f"## ${worked.left.latex}$")
            if sentences := _sentences(worked):
                blocks.append("\n".join(f"- {escaped(s, view)}" for s in sentences))
            blocks.append(f"$$\n{_aligned(worked, view).replace('align*', 'aligned')}\n$$")
    return "\n\n".join(blocks) + "\n"


FORMATS: dict[str, Callable[[Solution, View], str]] = {"text": text, "markdown": markdown, "latex": latex}
