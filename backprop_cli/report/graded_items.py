"""How a course did, item by item: what share was right, and the commonest mistakes by name."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from backprop_cli.records import dataclass, field
from backprop_cli.report.columns import Grid
from backprop_cli.report.view import READING, View

COMMONEST = 3
HEADER = ("item", "answered", "right", "carried", "wrong", "missing", "not readable", "commonest mistakes")


@dataclass()
class Tally:
    """Counts over sheets that are read one by one and not kept: memory does not grow with the course."""

    sheets: int = 0
    unreadable: int = 0
    points: float = 0.0
    of: float = 0.0
    items: dict[str, Counter[str]] = field(default_factory=dict)
    mistakes: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, document: dict[str, Any]) -> None:
        """Count one file, as JSON has it."""
        self.sheets += 1
        if "error" in document or document.get("problem"):
            self.unreadable += 1
            return
        self.points += document["points"]
        self.of += document["of"]
        for one in document["items"]:
            name = f"{one['node']}.grad" if one["what"] == "gradient" else one["item"]
            word = "carried" if one["carried_forward"] else one["status"]
            self.items.setdefault(name, Counter())[word] += 1
            if one["status"] == "wrong" and not one["carried_forward"]:
                self.mistakes.setdefault(name, Counter())[one["mistake"] or "not explained"] += 1

    def add_line(self, line: str) -> None:
        """Count one line of NDJSON."""
        self.add(json.loads(line))

    def text(self, view: View = READING) -> str:
        """A table for people: one line an item, in the order in which items came."""
        rows = [tuple((view.safe(cell),) for cell in self._row(name)) for name in self.items]
        grid = Grid(HEADER, rows, [""] * (len(rows) + 1), lambda text, row, column: text, between=2)
        read = self.sheets - self.unreadable
        mean = f"{self.points / read:.3g} of {self.of / read:g} points on average" if read else "none readable"
        lost = f", {self.unreadable} not readable" if self.unreadable else ""
        return "\n".join([f"{self.sheets} sheets{lost}; {mean}", "", *grid.lines(view.width)]) + "\n"

    def _row(self, name: str) -> tuple[str, ...]:
        counts = self.items[name]
        answered = counts.total() - counts["missing"]
        share = (f"{100 * counts[word] / max(1, answered):.0f} %" for word in ("right", "carried", "wrong"))
        found = self.mistakes.get(name, Counter()).most_common(COMMONEST)
        told = ", ".join(f"{mistake} ({count})" for mistake, count in found)
        return (name[:60], str(answered), *share, str(counts["missing"]), str(counts["not readable"]), told)
