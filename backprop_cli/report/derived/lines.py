"""What a worked solution says of a node, line by line, for every format: equations, sentences, the value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from backprop_cli.formulas.remarks import STEPS_LEFT_OUT, TOO_LONG
from backprop_cli.records import dataclass
from backprop_cli.report.legend import taught

if TYPE_CHECKING:
    from backprop_cli.formulas.worked import Contribution, InShort, Maths, Worked


@dataclass(frozen=True, slots=True)
class Line:
    """An equation with the name of its step; without a left side it goes on under the one before.

    `path`: the left side is what comes back through that node.  `place` is the entry that it is about, `result` what
    numbers on the right give, `laws` why the two sides are the same.
    """

    label: str
    left: Maths | None
    right: Maths
    sign: str = "="
    path: bool = False
    place: str = ""
    result: Maths | None = None
    laws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence of the program's own; some have a label."""

    text: str
    label: str = ""

    @property
    def sentence(self) -> str:
        """With what it is about in front, and a full stop."""
        return f"{PREFIXES.get(self.label, '')}{self.text.rstrip(':')}."


@dataclass(frozen=True, slots=True)
class Value:
    """The number, or the array, that a gradient is."""

    left: Maths
    value: object


Item = Line | Said | Value
PREFIXES = {"because": "Rule: ", "shapes": "Shapes: ", "since": "It holds that "}
TOTAL = "The gradients of the leaves add up over the passes."

LONG = 240
"""Characters beyond which a definition is no line that is read again."""

MOST = 12
"""So many names of users are listed where their steps are left out."""

FACTOR_1 = re.compile(r"(?<![\d.])1 · ")


def lines_of(worked: Worked, said: set[str], full: bool) -> list[Item]:
    """The solution of one node; what is in `said` was explained before, and what is explained now is put there.

    Unless it is to be `full`, the key steps alone.
    """
    found = [*_lines(worked, said, full)]
    if not full:
        return found
    texts = " ".join(_text(one) for one in found)
    indices = dict.fromkeys(index for part in worked.contributions for index in part.indices if index not in said)
    said.update(indices)
    what = "indices" if len(indices) > 1 else "an index"
    counted = [f"{', '.join(indices)}: {what}, counted from 0"] if indices else []
    meant = (*worked.remarks, *counted, *taught(texts))
    new = [meaning for meaning in meant if meaning not in said]
    said.update(new)
    return [*found, *(Said(meaning, "sign") for meaning in new)]


def _text(one: Item) -> str:
    """What an item says, to look for signs in it."""
    if isinstance(one, Line):
        return f"{one.left.text if one.left else ''} {one.sign} {one.right.text}"
    return one.text if isinstance(one, Said) else ""


def _lines(worked: Worked, said: set[str], full: bool) -> Iterator[Item]:
    if worked.seed is not None:
        yield Line("seed", worked.left, worked.seed)
    if worked.in_short is not None:
        yield from _in_short(worked, worked.in_short, said)
    if worked.contributions:
        yield Said(_uses(worked), "used")
    for part in worked.contributions:
        yield from _part(worked, part, said, full)
    if worked.total is not None:
        yield Line("sum", worked.left, worked.total)
    yield from map(Said, [note for note in worked.notes if note not in said or note != TOO_LONG])
    said.update(worked.notes)
    if worked.simplified is not None:
        label = "after the hook" if worked.hooked else "simplified"
        yield Line(label, worked.left, worked.simplified, laws=worked.why if full else ())
    yield from (Said(fact, "since") for fact in worked.facts)
    if full and worked.in_all is not None and worked.in_all.text != _last(worked):
        yield Line("in all", worked.left, worked.in_all)
    if full and worked.chain is not None:
        yield Line("whole chain", worked.left, worked.chain)
    given = [one for one in (worked.numbers, worked.chain_numbers) if full and one is not None]
    for numbers in {FACTOR_1.sub("", one.given.text).strip("()"): one for one in given}.values():
        yield Line("in numbers", numbers.left, numbers.given, place=numbers.place, result=numbers.found)
    if worked.value is not None:
        yield Value(worked.left, worked.value)


def _in_short(worked: Worked, told: InShort, said: set[str]) -> Iterator[Item]:
    """What stands in place of the steps: the users of the node, and its formula."""
    if STEPS_LEFT_OUT not in said:
        said.add(STEPS_LEFT_OUT)
        yield Said(STEPS_LEFT_OUT)
    if told.users:
        rest = len(told.users) - MOST
        shown = told.users if rest <= 0 else (*told.users[:MOST], f"{rest} more")
        yield Said(f"{worked.name} is used by {_listed(shown)}", "used")
    yield from (Line("where", one.left, one.right) for one in told.where)
    if told.formula is not None:
        yield Line("in short", worked.left, told.formula)
    elif told.why:
        yield Said(f"its formula is left out: {told.why}")


def _listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    *before, last = names
    return f"{', '.join(before)} and {last}" if before else last


def _last(worked: Worked) -> str:
    """What the line before the last one ends with."""
    if worked.simplified is not None:
        return worked.simplified.text
    (*_, part) = worked.contributions
    return (part.substituted or part.chain).text if len(worked.contributions) == 1 else ""


def _uses(worked: Worked) -> str:
    """Who uses the node; a fan-out says that its paths add up."""
    users = [p.consumer for p in worked.contributions]
    end = ": what comes back over each path adds up" if len(users) > 1 else ":"
    return f"{worked.name} is used by {_listed(users)}{end}"


def _part(worked: Worked, part: Contribution, said: set[str], full: bool) -> Iterator[Item]:
    alone = len(worked.contributions) == 1
    if part.name.text != part.definition.text:
        yield _definition(part, alone, said)
    if full and part.entries is not None and part.entries.left.text not in said:
        said.add(part.entries.left.text)
        yield Line("entry by entry", part.entries.left, part.entries.right)
    new = [reason for reason in part.reasons if full and reason not in said]
    said.update(new)
    yield from (Said(reason, "because") for reason in new)
    sign = "↦" if part.is_map else "="
    if full and part.places is not None:
        yield Line("place by place", part.local.left, part.places.before, sign)
    laws = part.places.laws if full and part.places is not None else ()
    yield Line("local derivative", part.local.left, part.local.right, sign, laws=laws)
    if alone and worked.seed is None:
        yield Line("chain rule", worked.left, part.chain)
    else:
        yield Line("chain rule", part.name, part.chain, path=True)
    if part.substituted is not None and part.substituted.text != part.chain.text:
        yield Line("substituted", None, part.substituted)
    if full and part.substituted is not None:
        yield from (Line("algebra", one.before, one.after, laws=one.laws) for one in part.algebra)
    yield from map(Said, part.notes)
    if full and part.shapes:
        yield Said(part.shapes, "shapes")
    if full and part.entry is not None:
        yield Line("one entry", part.entry.left, part.entry.right)
    if full and alone and part.layer is not None:
        yield Line("layer to layer", worked.left, part.layer)


def _definition(part: Contribution, alone: bool, said: set[str]) -> Item:
    """What a user of the node is; what is long is written once, where the first of the nodes in it is derived."""
    written = f"{part.name.text} = {part.definition.text}"
    if written in said:
        return Said(f"{part.consumer} is long: its definition stands above")
    if len(written) > LONG:
        said.add(written)
    return Line("definition" if alone else f"through {_short(part)}", part.name, part.definition)


def _short(part: Contribution) -> str:
    """A consumer's name; an output that is an expression is called that."""
    return part.consumer if part.consumer.isidentifier() else "output"


def grouped(items: Sequence[Item]) -> tuple[list[Said], list[Line | Value], list[Said]]:
    """As people write it: what there is to say first, then the equations under each other, then what signs mean."""
    before = [one for one in items if isinstance(one, Said) and one.label != "sign"]
    signs = [one for one in items if isinstance(one, Said) and one.label == "sign"]
    return before, [one for one in items if not isinstance(one, Said)], signs
