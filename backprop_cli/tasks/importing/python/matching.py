"""`match`: the first case whose pattern a value has, of plain values and of objects of the program."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from backprop_cli.tasks.importing.arrays.asked import truth
from backprop_cli.tasks.importing.library.builtins import is_of
from backprop_cli.tasks.importing.state.machine import Machine
from backprop_cli.tasks.importing.state.objects import Class, Instance, kind_of
from backprop_cli.tasks.importing.state.values import Builtin, Opaque, Tensor, plain


def match_(machine: Machine, node: ast.Match) -> None:
    """The body of the first case that fits.

    Raises:
        Unread: whether one does depends on what is not known here.
    """
    value = machine.value(node.subject)
    for case in node.cases:
        if _fits(machine, case.pattern, value) and (
                case.guard is None or truth(machine, machine.value(case.guard), case.guard)):  # fmt: skip
            machine.run(case.body)
            return


def _fits(machine: Machine, pattern: ast.pattern, value: Any) -> bool:
    return _PATTERNS[type(pattern)](machine, pattern, value)


def _value(machine: Machine, pattern: ast.MatchValue, value: Any) -> bool:
    if isinstance(value, Tensor | Opaque):
        raise machine.record.unread(pattern, f"whether {kind_of(value)} has this value is not known here")
    wanted = plain(machine.value(pattern.value))
    return bool(getattr(wanted, "path", wanted) == getattr(plain(value), "path", plain(value)))


def _singleton(machine: Machine, pattern: ast.MatchSingleton, value: Any) -> bool:
    return plain(value) is pattern.value


def _sequence(machine: Machine, pattern: ast.MatchSequence, value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return False
    starred = [at for at, one in enumerate(pattern.patterns) if isinstance(one, ast.MatchStar)]
    fixed = len(pattern.patterns) - len(starred)
    if len(value) < fixed or not starred and len(value) != fixed:
        return False
    parts: list[Any] = list(value)
    if starred:
        at, width = starred[0], len(value) - fixed
        parts[at : at + width] = [parts[at : at + width]]
    return all(_fits(machine, one, part) for one, part in zip(pattern.patterns, parts, strict=True))


def _star(machine: Machine, pattern: ast.MatchStar, value: Any) -> bool:
    return _named(machine, pattern.name, value)


def _mapping(machine: Machine, pattern: ast.MatchMapping, value: Any) -> bool:
    keys = [plain(machine.value(key)) for key in pattern.keys]
    if not isinstance(value, dict) or any(key not in value for key in keys):
        return False
    fits = all(_fits(machine, one, value[key]) for key, one in zip(keys, pattern.patterns, strict=True))
    return fits and _named(machine, pattern.rest, {key: one for key, one in value.items() if key not in keys})


def _class(machine: Machine, pattern: ast.MatchClass, value: Any) -> bool:
    kind = machine.value(pattern.cls)
    if not is_of(value, kind):
        return False
    names = list(pattern.kwd_attrs)
    if pattern.patterns and isinstance(kind, Builtin):  # `float(x)`: the value itself
        return _fits(machine, pattern.patterns[0], value)
    if isinstance(value, Instance) and isinstance(kind, Class):
        names = [*(kind.find("__match_args__") or kind.fields())[: len(pattern.patterns)], *names]
    wanted = [*pattern.patterns, *pattern.kwd_patterns]
    if len(names) != len(wanted):
        raise machine.record.unread(pattern, "what this pattern asks of the object is not known here")
    return all(_fits(machine, one, machine.attribute(value, name, pattern))
               for name, one in zip(names, wanted, strict=True))  # fmt: skip


def _as(machine: Machine, pattern: ast.MatchAs, value: Any) -> bool:
    return (pattern.pattern is None or _fits(machine, pattern.pattern, value)) and _named(machine, pattern.name, value)


def _or(machine: Machine, pattern: ast.MatchOr, value: Any) -> bool:
    return any(_fits(machine, one, value) for one in pattern.patterns)


def _named(machine: Machine, name: str | None, value: object) -> bool:
    if name is not None:
        machine.frame.put(name, value)
    return True


_PATTERNS: Mapping[type[ast.pattern], Callable[[Machine, Any, Any], bool]] = {
    ast.MatchValue: _value, ast.MatchSingleton: _singleton, ast.MatchSequence: _sequence, ast.MatchStar: _star,
    ast.MatchMapping: _mapping, ast.MatchClass: _class, ast.MatchAs: _as, ast.MatchOr: _or,
}  # fmt: skip
