"""One file of answers against the key: which items there are, and the mark of each.

Items are marked in the order of the work: values on the way forward, gradients on the way back.  What is wrong is
remembered, and a later answer that is not right is compared with what follows from it: right from there is credited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from backprop_cli.errors import BackpropError
from backprop_cli.language import expression as ast
from backprop_cli.language.unparse import unparse
from backprop_cli.records import dataclass, field, replace
from backprop_cli.tasks.grading.agreement import Closeness, at_most, most, too_few_digits
from backprop_cli.tasks.grading.case import Case, wrong_at
from backprop_cli.tasks.grading.chained import gradients_used
from backprop_cli.tasks.grading.comparison import Comparison
from backprop_cli.tasks.grading.contents import Content, Formula, Unreadable, told
from backprop_cli.tasks.grading.evaluation import Forbidden, evaluated, figures
from backprop_cli.tasks.grading.figures import Figures, is_constant
from backprop_cli.tasks.grading.given import Given, arranged
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Key
from backprop_cli.tasks.grading.misfits import repaired
from backprop_cli.tasks.grading.mistakes import explain
from backprop_cli.tasks.grading.own import Own
from backprop_cli.tasks.grading.quantities import Impossible
from backprop_cli.tasks.grading.results import Graded, Marked
from backprop_cli.tasks.grading.sheets import Sheet, no_node

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array

MOST_REPAIRS = 2_000
"""Formulas of a course for whose mistakes changes are tried."""

MOST_FORMULAS = 5_000
"""Formulas of a course whose values are kept."""

MAX_KEPT = 1_000
"""Entries of the values of a formula that are."""

PROPORTIONAL = ("constant_factor", "factor_2", "factor_n", "sign", "decimal_point")
"""Mistakes that leave an answer a constant times the right one."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is asked for, what it is worth, and what is credited beside right answers.

    `other` is what an answer nobody asked for is worth; `carried` and `constant` the shares of an item's points for an
    answer that is right from an earlier one, and for one that is a constant times the right one; with `partial` an
    array earns the share of its right entries.  `allow` says which gradients a formula may use: `later`, those that
    the reverse pass has come by; `forward`, none; `all`, any but the one asked for.
    """

    points: Mapping[Item, float] = field(default_factory=dict)
    other: float = 0.0
    closeness: Closeness = field(default_factory=Closeness)
    carried: float = 1.0
    constant: float = 0.0
    partial: bool = False
    allow: str = "later"


def grade(key: Key, sheet: Sheet, scheme: Scheme) -> Graded:
    """Mark every item that is asked for, and every further answer."""
    given = dict(sheet.answers)
    wanted = [_asked(item, of, given, scheme) for item, of in scheme.points.items()]
    wanted += [(item, content, scheme.other) for item, content in given.items()]
    marks = Marking(key, scheme, circles(sheet, key)).all(sorted(wanted, key=lambda one: key.place(one[0])))
    marks += [Marked(name, name, "value", "not readable", scheme.other, reason=why)
              for name, why in sheet.strays.items()]  # fmt: skip
    return Graded(key.file, sheet.file, sheet.student, tuple(marks), sheet.further)


def unread(key: Key, file: str, scheme: Scheme, error: BackpropError) -> Graded:
    """A file that cannot be read: nothing in it counts, and its total is everybody's."""
    asked = sorted(scheme.points.items(), key=lambda one: key.place(one[0]))
    missing = (Marked(item.name, item.node, item.what, "missing", of) for item, of in asked)
    return Graded(key.file, file, None, tuple(missing), problem=told(error))


Wanted = tuple[Item, Content | None, float]


def _asked(item: Item, of: float, given: dict[Item, Content], scheme: Scheme) -> Wanted:
    """An item that is asked for, with its answer; a formula, too, is one where the gradient is."""
    stands = next((one for one in _answering(item) if one in given and (one == item or one not in scheme.points)), None)
    return (item, None, of) if stands is None else (stands, given.pop(stands), of)


def _answering(item: Item) -> Iterator[Item]:
    yield item
    if item.suffix == ".grad":
        yield replace(item, suffix=".formula")


def circles(sheet: Sheet, key: Key) -> frozenset[Item]:
    """The items whose formulas rest on themselves through other answers of the sheet."""
    uses = {item: gradients_used(key, content.expression) - ({item.node} if content.differential else set())
            for item, content in sheet.answers.items()
            if isinstance(content, Formula) and item.what == "gradient"}  # fmt: skip
    rests = {item: {other for other in uses if other.node in names} for item, names in uses.items()}
    found = set()
    for item, first in rests.items():
        seen: set[Item] = set()
        stack = list(first)
        while stack:
            one = stack.pop()
            if one not in seen:
                seen.add(one)
                stack.extend(rests[one])
        if item in seen:
            found.add(item)
    return frozenset(found)


class Marking:
    """The marks of one sheet, in order; it knows what its writer had wrong so far."""

    def __init__(self, key: Key, scheme: Scheme, circular: frozenset[Item]) -> None:
        self.key = key
        self.scheme = scheme
        self.circular = circular
        self.own = Own(key)
        self.comparison = Comparison(key, scheme.closeness, scheme.allow)
        self.first = True

    def all(self, wanted: list[Wanted]) -> list[Marked]:
        """The mark of each item."""
        return [self._first(self.one(item, content, of)) for item, content, of in wanted]

    def _first(self, mark: Marked) -> Marked:
        if self.first and mark.status == "wrong" and not mark.carried_forward:
            self.first = False
            return replace(mark, first=True)
        return mark

    def one(self, item: Item, content: Content | None, of: float) -> Marked:
        """The mark of one answer."""
        index = self.key.names.get(item.node)
        blank = Marked(item.name, item.node, item.what, "not readable", of)
        if content is None:
            return replace(blank, status="missing")
        if index is None:
            return replace(blank, reason=no_node(item.node, self.key.names))
        if item.what == "gradient" and not self.key.has_gradient(index):
            return replace(blank, reason=f"{item.node} has no gradient")
        try:
            self.key.right(item)
        except (Impossible, BackpropError) as caught:
            return replace(blank, reason=str(caught))
        blank = replace(blank, form="numbers" if self._is_numbers(content) else "formula")
        given: Given | str | None
        rests = ""
        try:
            given = self._read(item, content)
        except BackpropError as caught:
            return self._misfit(item, content, caught, blank) or replace(blank, reason=told(caught))
        except MemoryError:
            return replace(blank, reason="the formula needs more memory than there is")
        except Forbidden as caught:
            given, rests = self._read_all(item, content), str(caught)
        if isinstance(given, str):
            return replace(blank, form=None, reason=given)
        mark = None if given is None else self._judged(item, index, given, blank)
        if mark is None or (rests and mark.status == "right"):
            return replace(blank, status="wrong", reason=rests, mistake="circular")
        return mark

    def _misfit(self, item: Item, content: Content, why: BackpropError, blank: Marked) -> Marked | None:
        """A formula whose shapes do not fit is wrong by a mistake that is known, where one change makes it right."""
        if why.code != "E014" or not isinstance(content, Formula) or item.what == "value" or content.differential:
            return None
        found = self._repaired(item, content, fits=False)
        return found and replace(blank, status="wrong", mistake=found[0], reason=f"{told(why)}: {found[1]}")

    def _repaired(self, item: Item, content: Formula, *, fits: bool) -> tuple[str, str] | None:
        """The one change that makes a formula right; looked for once, however many sheets have it."""
        known = self.key.repairs
        formula = (item, unparse(content.expression), content.letters, content.dotted, self.scheme.allow)
        if formula not in known and len(known) < MOST_REPAIRS:
            known[formula] = repaired(content.expression, self.key.names, self.key.functions,
                                      self._judge(item, content), fits=fits)  # fmt: skip
        return known.get(formula)

    def _judge(self, item: Item, content: Formula) -> Callable[[ast.Expression], bool]:
        """Whether an answer would be right with another expression."""

        def is_right(changed: ast.Expression) -> bool:
            try:
                values = evaluated(self.key, item, replace(content, expression=changed), self.scheme.allow)
            except (BackpropError, Forbidden, MemoryError):
                return False
            return self.comparison.agrees(item, Given(values), self.key.right(item))

        return is_right

    def _read_all(self, item: Item, content: Content) -> Given | None:
        """A formula that rests on what it may not, for a look at what else is wrong with it."""
        try:
            values = evaluated(self.key, item, content, "all") if isinstance(content, Formula) else []
        except (BackpropError, Forbidden, MemoryError):
            return None
        return arranged(Given(values, formula=None), self.key.right(item)[0].shape)

    def _is_numbers(self, content: Content) -> bool:
        bare = isinstance(content, Formula) and content.bare
        return isinstance(content, Figures) or (bare and is_constant(content.expression, self.key.names))  # type: ignore[union-attr]

    def _read(self, item: Item, content: Content) -> Given | str:
        """An answer as numbers in the right arrangement; a text where it cannot be read."""
        if isinstance(content, Unreadable):
            return content.why
        right = self.key.right(item)
        if isinstance(content, Formula) and not self._is_numbers(content):
            values = self._evaluated(item, content)
            return arranged(Given(values, formula=content), right[0].shape)
        shown = figures(self.key, content) if isinstance(content, Formula) else content
        if isinstance(content, Formula) and content.other is not None and np.shape(shown.value) != right[0].shape:
            decimal = figures(self.key, replace(content, expression=content.other))
            shown = decimal if np.size(decimal.value) == right[0].size else shown
        return arranged(Given([np.asarray(shown.value)], shown), right[0].shape)

    def _evaluated(self, item: Item, formula: Formula) -> list[Array]:
        """What a formula comes to, worked out once, however many sheets have it."""
        known, letters = self.key.worked_out, (formula.letters, formula.dotted)
        asked = (item, unparse(formula.expression), formula.text.text, letters, self.scheme.allow)
        if asked in known:
            return known[asked]
        found = evaluated(self.key, item, formula, self.scheme.allow)
        if len(known) < MOST_FORMULAS and sum(one.size for one in found) < MAX_KEPT:
            known[asked] = found
        return found

    # judgement ───────────────────────────────────────────────────────────────────────────────────

    def _judged(self, item: Item, index: int, given: Given, blank: Marked) -> Marked:
        right = self.key.right(item)
        if item in self.circular:
            told = "it rests on a gradient that itself rests on this one: the answers prove nothing"
            return replace(blank, status="wrong", mistake="circular", reason=told)
        remark = self.comparison.remark(item, given, right)
        if remark is not None:
            return self._right(replace(given, remark=remark or given.remark), right[0], blank)
        expected = self._carried(item, index, given)
        if expected is not None:
            self.own.note(item, index, given.values, carried=True)
            told = f"right, from your own {self.own.source(item, index)}"
            return replace(blank, status="wrong", mistake="carried_forward", carried_forward=True, reason=told,
                           share=self.scheme.carried)  # fmt: skip
        mark = self._wrong(item, given, right, blank)
        self.own.note(item, index, given.values, half=None if given.figures is None else given.figures.loose)
        return mark

    def _right(self, given: Given, right: Array, blank: Marked) -> Marked:
        asked = self.scheme.closeness.digits
        if given.figures is not None and asked and too_few_digits(given.figures, right, self.scheme.closeness).any():
            told = f"it is right as far as it goes, but {asked} significant digits are asked for"
            return replace(blank, status="wrong", mistake="digits", reason=told)
        return replace(blank, status="right", share=1.0, reason=given.remark)

    def _carried(self, item: Item, index: int, given: Given) -> list[Array] | None:
        """What follows from the writer's own earlier answers, where that is what was given."""
        agrees = self.comparison.agrees
        for expected, slack in self.own.expected(item, index):
            right = self.key.right(item)[0]
            same = expected[0].shape == right.shape == given.values[0].shape
            if same and (agrees(item, given, expected) or agrees(item, given, expected, most(expected[0]))
                         and agrees(item, given, expected, at_most(slack(), expected[0]))):  # fmt: skip
                return expected
        return None

    def _wrong(self, item: Item, given: Given, right: list[Array], blank: Marked) -> Marked:
        case = Case(self.key, item, given.values, right, given.figures, self.scheme.closeness, self.own.views)
        mistake, reason = explain(case)
        if mistake is None:
            mistake, reason = self._from_own(item, case) or self._from_itself(item, given) or (mistake, reason)
        elif mistake == "shape" and (found := self._from_itself(item, given, fits=False)) is not None:
            mistake, reason = found[0], f"{reason}: {found[1]}"
        mark = replace(blank, status="wrong", mistake=mistake, reason=reason)
        if mistake in PROPORTIONAL:
            mark = replace(mark, share=self.scheme.constant)
        if given.figures is None or given.values[0].shape != right[0].shape:
            return mark
        wrong = wrong_at(case)
        first = tuple(map(int, np.argwhere(wrong)[0]))
        part = float(1 - wrong.mean()) if self.scheme.partial else 0.0
        return replace(mark, share=max(mark.share, part), index=first, answer=float(given.values[0][first]),
                       expected=float(right[0][first]))  # fmt: skip

    def _from_itself(self, item: Item, given: Given, *, fits: bool = True) -> tuple[str, str] | None:
        """The one change of a formula that makes it right."""
        if given.formula is None or item.what == "value":
            return None
        return self._repaired(item, given.formula, fits=fits)

    def _from_own(self, item: Item, case: Case) -> tuple[str | None, str] | None:
        """A mistake made on top of an earlier one."""
        views = self.own.own_views()
        if views is None or item.what != "gradient":
            return None
        right = [np.asarray(view.gradients[case.index]) for view in views]
        if np.allclose(right[0], case.right[0], rtol=1e-9, atol=0.0):  # it does not rest on what was wrong
            return None
        given = case.given[: len(right)]
        mistake, reason = explain(replace(case, right=right, given=given, views=views, own=True))
        return (mistake, f"{reason} (seen from your own earlier answer)") if mistake else None

