"""Texts with values put in: `'W%d' % k`, `'W{}'.format(k)`, `f'W{k:02d}'`; programs keep params by such keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter
from typing import Final

from backprop_cli.tasks.importing.state.values import plain

_LONGEST: Final = 100
_SPEC = re.compile(r"[^\d]*\d{0,2}(\.\d{1,2})?[a-zA-Z%]?$")
_PERCENT = re.compile(r"%(?:\((?P<key>\w+)\))?(?P<spec>[-+ #0]{0,4}\d{0,2}(?:\.\d{1,2})?)(?P<kind>[sdifgeEGxXr%])")


def shown(value: object, spec: str = "") -> str:
    """A plain value as text; `?` for what is not known here."""
    value = plain(value)
    if not isinstance(value, int | float | str | bool | None):
        return "?"
    try:
        return format(value, spec if _SPEC.match(spec) else "")[:_LONGEST]
    except (ValueError, TypeError):
        return str(value)[:_LONGEST]


def filled(text: str, given: Sequence[object], named: dict[str, object]) -> str:
    """`str.format`, of plain values."""
    found, count = [], 0
    for literal, field, spec, _ in Formatter().parse(text):
        found.append(literal)
        if field is None:
            continue
        place = int(field) if field.isdigit() else count
        count += not field
        known = given[place] if place < len(given) else given
        found.append(shown(named.get(field, given) if field and not field.isdigit() else known, spec or ""))
    return "".join(found)


def percent(text: str, given: object) -> str:
    """`text % values`, of plain values."""
    values = iter(given if isinstance(given, tuple) else (given,))

    def one(match: re.Match[str]) -> str:
        if match["kind"] == "%":
            return "%"
        named = given.get(match["key"]) if match["key"] and isinstance(given, dict) else next(values, None)
        value = plain(named)
        if not isinstance(value, int | float | str | bool | None):
            return "?"
        try:
            return f"%{match['spec']}{match['kind']}" % value
        except (TypeError, ValueError):
            return str(value)[:_LONGEST]

    return _PERCENT.sub(one, text)
