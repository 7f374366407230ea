"""Arithmetic of indices, on what is printed: `2·i+a-1`, `⌊i/4⌋ mod 2`; where all is numbers, a number.

An axis of size 1 has the index "", which is 0.
"""

from __future__ import annotations

import re

_CONSTANT = re.compile(r"(?P<rest>.*?)(?P<number>[+-]\d+)")
_TURNED = re.compile(r"(?P<last>\d+)-(?P<of>[\w·]+|\([^()]*\))")
_SIMPLE = re.compile(r"\w+(\[[^\[\]]*\])?|⌊[^⌊⌋]*⌋")


def number(place: str) -> int | None:
    """The number that an index is; None where it has a letter."""
    return int(place or 0) if re.fullmatch(r"-?\d*", place) else None


def moved(place: str, by: int) -> str:
    """An index further on."""
    known = number(place)
    if known is not None:
        return str(known + by)
    found = _CONSTANT.fullmatch(place)
    rest, total = (found["rest"], int(found["number"]) + by) if found else (place, by)
    return f"{rest}{total:+d}" if total else rest


def together(*places: str) -> str:
    """Indices added."""
    numbers = [number(place) for place in places]
    letters = [place for place, known in zip(places, numbers, strict=True) if known is None]
    total = sum(known or 0 for known in numbers)
    return moved("+".join(letters), total) if letters else str(total)


def less(place: str, other: str) -> str:
    """One index less another."""
    known = number(other)
    if known is not None:
        return moved(place, -known)
    before, back = number(place), turned(other)
    if back is not None:
        return moved(together(place, back[1]), -back[0])
    other = other if re.fullmatch(r"[\w·]+", other) else f"({other})"
    return f"{before or ''}-{other}" if before is not None else f"{place}-{other}"


def turned(place: str) -> tuple[int, str] | None:
    """Of an index that counts from an end, 2-i, that end and what it counts; None for any other."""
    found = _TURNED.fullmatch(place)
    return (int(found["last"]), found["of"].strip("()")) if found else None


def times(by: int, place: str) -> str:
    """So many times an index."""
    known = number(place)
    if known is not None:
        return str(by * known)
    return place if by == 1 else f"{by}·{_closed(place)}"


def over(place: str, by: int) -> str:
    """An index divided, rounded down."""
    known = number(place)
    if known is not None:
        return str(known // by)
    return place if by == 1 else f"⌊{place if _SIMPLE.fullmatch(place) else f'({place})'}/{by}⌋"


def rest(place: str, by: int, named: str = "") -> str:
    """What is left of an index after such a division, by a size that may have a name."""
    known = number(place)
    if known is not None:
        return str(known % by)
    return "0" if by == 1 else f"{_closed(place)} mod {named or by}"


def _closed(place: str) -> str:
    return place if _SIMPLE.fullmatch(place) else f"({place})"
