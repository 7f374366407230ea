"""Formulas and values of a page: in a formula the names of nodes light up, each by its number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from backprop_cli.formulas.marks import EQUAL, PLACES
from backprop_cli.formulas.notation import notation_of
from backprop_cli.records import dataclass
from backprop_cli.report.arrays import abridged, lines, summary
from backprop_cli.report.mathparts import formula
from backprop_cli.report.page import folding
from backprop_cli.report.view import View

EQUALS = f'<mo data-break="{PLACES[EQUAL]}">=</mo>'
"""A sign of equality, before which a line may end."""

CELL = re.compile(r"[^,]+,? *")
"""An entry of a row, with the space that aligns the next one."""


@dataclass(frozen=True)
class Lit:
    """Writes formulas in which each node's name is marked by its number."""

    numbers: Mapping[str, int]

    def __call__(self, elements: str) -> str:
        """A formula, in which the names of nodes light up."""
        return formula(self.pattern.sub(self._marked, elements))

    def _marked(self, found: re.Match[str]) -> str:
        tag, end, rest = found[0].partition(">")
        if found[0] in self.marks:
            return f'{tag} data-n="{self.marks[found[0]]}"{end}{rest}'
        return tag + end + self.pattern.sub(self._marked, rest)  # no name, but there may be one in it

    @cached_property
    def marks(self) -> dict[str, int]:
        """The elements of each node's name."""
        names = tuple(filter(str.isidentifier, self.numbers))
        notation = notation_of("mathml", names)
        return {notation.name(name): self.numbers[name] for name in names}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What is built like a name, the longest first, so that x is not lit inside x_1: as many forms as there are."""
        forms = {re.sub("[^<>]+(?=<)", "[^<]*", name) for name in self.marks}
        return re.compile("|".join(sorted(forms, key=len, reverse=True)) or "(?!)")


def value_of(value: object, view: View) -> str:
    """An array in rows, which a small screen folds between entries; of a large one also what its entries are like."""
    if value is None:
        return '<p class="soft">no numbers</p>'
    digits = view.digits
    rows = [CELL.findall(line) for line in lines(value, digits)]
    if len(rows) == len(rows[0]) == 1:
        return f'<pre class="value">{rows[0][0]}</pre>'
    last = max(len(row[-1]) for row in rows)  # as wide in every row, so that all fold at the same entry
    shown = folding("".join(map(_cell, row, [*[0] * (len(row) - 1), last if len(rows) > 1 else 0])) for row in rows)
    more = f'\n<p class="soft">{summary(value, digits)}</p>' if abridged(value) else ""
    return f'<pre class="value">{shown}</pre>{more}'


def _cell(text: str, width: int) -> str:
    """An entry of a row, which stays on one line; of at least so many characters."""
    wide = f' style="min-width:{width}ch"' if width else ""
    return f'<span class="cell"{wide}>{text}</span>'
