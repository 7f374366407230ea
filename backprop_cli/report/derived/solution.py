"""The worked solution of a spec, as it goes to the formats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backprop_cli.records import dataclass

if TYPE_CHECKING:
    from backprop_cli.formulas.worked import Worked, WorkedPass
    from backprop_cli.report.diagram import Diagram
    from backprop_cli.tasks.result import Piece


MOST_KEPT = 12
ORDER = "Each gradient is found once, after those of all that use its node"
KEPT = "Used again from the forward pass: {listed}"


@dataclass(frozen=True, slots=True)
class Solution:
    """The derivations of one spec; `diagram` is drawn where a format has pictures."""

    spec: str
    title: str | None
    output: str
    passes: Sequence[WorkedPass]
    parts: Sequence[str] = ()
    diagram: Diagram | None = None
    listing: tuple[tuple[Piece, ...], ...] = ()

    @property
    def heading(self) -> str:
        """What the solution is called."""
        return self.title or self.spec

    def opening(self, full: bool) -> tuple[str, ...]:
        """What is said first: the letters for parts, and what is kept on the way forward."""
        kept = list(dict.fromkeys(name for one in self.passes for name in one.kept)) if full else []
        if not kept:
            return tuple(self.parts)
        listed = ", ".join(kept[:MOST_KEPT]) + (f" and {len(kept) - MOST_KEPT} more" if len(kept) > MOST_KEPT else "")
        return (*self.parts, ORDER, KEPT.format(listed=listed))

    def sections(self) -> Iterator[tuple[str | None, Sequence[Worked]]]:
        """Each pass with its heading; a single pass has none."""
        count = len(self.passes)
        for i, one in enumerate(self.passes, 1):
            yield (f"Pass {i} of {count}, from {one.output}" if count > 1 else None), one.worked
