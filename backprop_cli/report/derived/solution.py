"""The worked solution of a spec, as it goes to the formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from backprop_cli.formulas.worked import Equation
from backprop_cli.records import dataclass

if TYPE_CHECKING:
    from backprop_cli.formulas.worked import Taken, Worked, WorkedPass
    from backprop_cli.report.diagram import Diagram
    from backprop_cli.tasks.result import Piece


MOST_KEPT = 12
ORDER = "Each gradient is found once, after those of all that use its node"
LETTER, LETTERS = ", with the letter ", ", with the letters "
THAT_IS = ", that is "
KEPT = "Used again from the forward pass: {listed}"


@dataclass(frozen=True, slots=True)
class Solution:
    """The derivations of one spec; `diagram` is drawn where a format has pictures.

    `letters` are the definitions of a spec that was taken apart: its one expression, then the parts in it; `taken` are
    nodes of a spec in which parts got letters.
    """

    spec: str
    title: str | None
    output: str
    passes: Sequence[WorkedPass]
    letters: Sequence[Equation] = ()
    taken: Sequence[Taken] = ()
    diagram: Diagram | None = None
    listing: tuple[tuple[Piece, ...], ...] = ()

    @property
    def heading(self) -> str:
        """What the solution is called."""
        return self.title or self.spec

    def opening(self, full: bool, said: Callable[[str], str], maths: Callable[[Equation], str]) -> Iterator[str]:
        """What is said first: the letters for parts, and what is kept on the way forward; as a format writes both."""
        if self.letters:
            whole, *parts = map(maths, self.letters)
            yield f"{whole}{said(_with(parts))}{', '.join(parts)}"
        for one in self.taken:
            that, letters = maths(Equation(one.node.left, one.whole)), ", ".join(map(maths, one.letters))
            yield f"{maths(one.node)}{said(THAT_IS)}{that}{said(_with(one.letters))}{letters}"
        kept = list(dict.fromkeys(name for one in self.passes for name in one.kept)) if full else []
        if kept:
            listed = ", ".join(kept[:MOST_KEPT]) + (f" and {len(kept) - MOST_KEPT} more" if kept[MOST_KEPT:] else "")
            yield from map(said, (ORDER, KEPT.format(listed=listed)))

    def sections(self) -> Iterator[tuple[str | None, Sequence[Worked]]]:
        """Each pass with its heading; a single pass has none."""
        count = len(self.passes)
        for i, one in enumerate(self.passes, 1):
            yield (f"Pass {i} of {count}, from {one.output}" if count > 1 else None), one.worked


def _with(letters: Sequence[object]) -> str:
    return LETTERS if len(letters) > 1 else LETTER
