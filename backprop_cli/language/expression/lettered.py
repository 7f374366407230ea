"""`p[n, y[n]]`: for every n the entry of p at its label, as formulas print it; the letters are no names of the spec."""

from __future__ import annotations

from collections import Counter

from backprop_cli.language.expression.tree import Expression, Indexed, Name, names, parts
from backprop_cli.records import dataclass


@dataclass(frozen=True, slots=True)
class Lettered:
    """What the letters pick: at axis `place` what `labels` say; `keeps`: these have a letter of that axis too."""

    letters: tuple[str, ...]
    labels: Expression
    place: int
    keeps: bool


def lettered(part: Indexed) -> Lettered | None:
    """How an index of letters is read; None for any other index."""
    places = [i for i, item in enumerate(part.subscripts) if isinstance(item, Indexed)]
    label = part.subscripts[places[0]] if len(places) == 1 else None
    if not isinstance(label, Indexed):
        return None
    (place,) = places
    others, own = _letters(part, place), _letters(label, None)
    if not others or own is None:
        return None
    if own == others:
        return Lettered(own, label.operand, place, keeps=False)
    if (*own[:place], *own[place + 1 :]) == others:
        return Lettered(own, label.operand, place, keeps=True)
    return None


def _letters(part: Indexed, but: int | None) -> tuple[str, ...] | None:
    """The subscripts, but for one, where all are names and no two are one."""
    items = [item for i, item in enumerate(part.subscripts) if i != but]
    found = tuple(item.name for item in items if isinstance(item, Name))
    return found if len({*found}) == len(items) else None


def index_letters(expression: Expression) -> frozenset[str]:
    """The letters that an expression uses for nothing but places."""
    met: Counter[str] = Counter()
    for part in parts(expression):
        if isinstance(part, Indexed) and (found := lettered(part)) is not None:
            met.update(found.letters)
            met.update([name for i, name in enumerate(found.letters) if not (found.keeps and i == found.place)])
    used = Counter(name.name for name in names(expression)) if met else met
    return frozenset(name for name, times in met.items() if used[name] == times)
