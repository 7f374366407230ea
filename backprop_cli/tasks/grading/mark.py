"""One file of answers against the key: which items there are, and the mark of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from backprop_cli.errors import BackpropError
from backprop_cli.language.suggest import did_you_mean
from backprop_cli.tasks.grading.agreement import Closeness, exactly, tolerated, wrong_entries
from backprop_cli.tasks.grading.items import Item
from backprop_cli.tasks.grading.key import Forbidden, Key, evaluated
from backprop_cli.tasks.grading.mistakes import Case, explain
from backprop_cli.tasks.grading.results import Graded, Marked
from backprop_cli.tasks.grading.sheets import Content, Figures, Formula, Sheet, Unreadable, told


@dataclass(frozen=True, slots=True)
class Scheme:
    """What is asked for and what it is worth; `other` is what an answer nobody asked for is worth."""

    points: Mapping[Item, float] = field(default_factory=dict)
    other: float = 1.0
    closeness: Closeness = field(default_factory=Closeness)


def grade(key: Key, sheet: Sheet, scheme: Scheme) -> Graded:
    """Mark every item that is asked for, and every further answer."""
    given = dict(sheet.answers)
    marks = [_asked(key, item, of, given, scheme) for item, of in scheme.points.items()]
    marks += [marked(key, item, content, scheme.other, scheme.closeness) for item, content in given.items()]
    marks += [Marked(name, name, "value", "not readable", scheme.other, reason=why)
              for name, why in sheet.strays.items()]  # fmt: skip
    return Graded(key.file, sheet.file, sheet.student, tuple(marks))


def _asked(key: Key, item: Item, of: float, given: dict[Item, Content], scheme: Scheme) -> Marked:
    """The mark of an item that is asked for; a formula, too, is an answer where the gradient is."""
    stands = next((one for one in _answering(item) if one in given and (one == item or one not in scheme.points)), None)
    if stands is None:
        return Marked(item.name, item.node, item.what, "missing", of)
    return marked(key, stands, given.pop(stands), of, scheme.closeness)


def _answering(item: Item) -> Iterator[Item]:
    yield item
    if item.suffix == ".grad":
        yield replace(item, suffix=".formula")


def marked(key: Key, item: Item, content: Content, of: float, closeness: Closeness) -> Marked:
    """The mark of one answer."""
    blank = Marked(item.name, item.node, item.what, "not readable", of)
    index = key.graph.names.get(item.node)
    if index is None:
        near = did_you_mean(item.node, key.graph.names)
        return replace(blank, reason=f"no node is called {item.node[:64]!r}{f'; {near}' if near else ''}")
    if item.what == "gradient" and not key.has_gradient(index):
        return replace(blank, reason=f"{item.node} has no gradient")
    if isinstance(content, Unreadable):
        return replace(blank, reason=content.why)
    if isinstance(content, Figures):
        return _numbers(key, item, content, replace(blank, form="numbers"), closeness)
    return _formula(key, item, content, replace(blank, form="formula"), closeness)


def _numbers(key: Key, item: Item, answer: Figures, blank: Marked, closeness: Closeness) -> Marked:
    right = np.asarray(key.right(item)[0])
    given = np.asarray(answer.value)
    if given.shape != right.shape and given.size == right.size == 1:  # [[0.5]] or 0.5: the same number
        given = given.reshape(right.shape)
        answer = Figures(given, np.reshape(answer.half, right.shape))
    case = Case(key, item, [given], [right], answer, closeness)
    if given.shape != right.shape:
        return replace(blank, status="wrong", reason=explain(case))
    wrong = wrong_entries(given, right, tolerated(answer, right, closeness, key.draws[0].floor))
    if not wrong.any():
        return replace(blank, status="right")
    first = tuple(map(int, np.argwhere(wrong)[0]))
    return replace(blank, status="wrong", reason=explain(case), index=first, answer=float(given[first]),
                   expected=float(right[first]))  # fmt: skip


def _formula(key: Key, item: Item, answer: Formula, blank: Marked, closeness: Closeness) -> Marked:
    try:
        given = evaluated(key, item, answer)
    except BackpropError as caught:
        return replace(blank, reason=told(caught))
    except MemoryError:
        return replace(blank, reason="the formula needs more memory than there is")
    except Forbidden as caught:
        return replace(blank, status="wrong", reason=str(caught))
    right = [np.asarray(one) for one in key.right(item)]
    if given[0].shape != right[0].shape and given[0].size == right[0].size == 1:
        given = [one.reshape(right[0].shape) for one in given]
    if given[0].shape == right[0].shape and not any(_differs(key, d, given[d], right[d], closeness)
                                                    for d in range(len(given))):  # fmt: skip
        return replace(blank, status="right")
    return replace(blank, status="wrong", reason=explain(Case(key, item, given, right, None, closeness)))


def _differs(key: Key, draw: int, given: Any, right: Any, closeness: Closeness) -> bool:
    return bool(exactly(given, right, closeness, key.draws[draw].floor).any())
