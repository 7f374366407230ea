"""Methods of lists, dicts, tuples and texts of the program."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.library import builtins
from backprop_cli.tasks.importing.library.texts import filled
from backprop_cli.tasks.importing.state.objects import kind_of
from backprop_cli.tasks.importing.state.values import Builtin, plain

LONGEST = 100_000  # signs of a text that one call makes

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def python_method(machine: Machine, owner: object, name: str, node: ast.AST) -> object:
    """A method of a list, a dict or a text."""
    table = next((rows for kind, rows in _METHODS.items() if isinstance(owner, kind)), {})
    if name in table:
        return Builtin(name, lambda m, a, k, n: table[name](m, owner, a, n, **k))
    raise machine.record.unread(node, f"{kind_of(owner)} has no attribute {name!r} here")


def _append(machine: Machine, owner: list[object], given: list[object], node: ast.AST) -> None:
    owner.append(given[0])


def _get(machine: Machine, owner: dict[object, object], given: list[object], node: ast.AST) -> object:
    return owner.get(plain(given[0]), given[1] if len(given) > 1 else None)


def _pop(machine: Machine, owner: list[object], given: list[object], node: ast.AST) -> object:
    try:
        return owner.pop(*map(plain, given))
    except (IndexError, TypeError):
        raise machine.record.unread(node, "nothing is there to pop") from None


def _sort(machine: Machine, owner: list[object], given: list[object], node: ast.AST, **named: object) -> None:
    owner[:] = builtins.in_order(machine, owner, named, node)


def _remove(machine: Machine, owner: list[object], given: list[object], node: ast.AST) -> None:
    del owner[_index(machine, owner, given, node)]


def _index(machine: Machine, owner: Sequence[object], given: list[object], node: ast.AST) -> int:
    return [plain(one) for one in owner].index(plain(given[0]))


def _join(machine: Machine, owner: str, given: list[object], node: ast.AST) -> str:
    return owner.join(str(plain(one))[:100] for one in builtins.items(machine, given[0], node)[:1000])


def _update(machine: Machine, owner: dict[object, object], given: list[object], node: ast.AST, **named: object) -> None:
    for one in given:
        owner.update(one if isinstance(one, dict) else dict(builtins.items(machine, one, node)))
    owner.update(named)


def _text(function: Callable[..., object]) -> Callable[..., object]:
    def run(machine: Machine, owner: str, given: list[object], node: ast.AST) -> Any:
        return function(owner, *(str(plain(one)) for one in given))

    return run


def _replace(machine: Machine, owner: str, given: list[object], node: ast.AST) -> str:
    old, new = (str(plain(one)) for one in given[:2])
    if owner.count(old) * len(new) > LONGEST:
        raise machine.record.unread(node, "a text becomes too long here")
    return owner.replace(old, new)


_METHODS: Mapping[type, Mapping[str, Callable[..., object]]] = {
    list: {"append": _append, "extend": lambda m, o, a, n: o.extend(builtins.items(m, a[0], n)), "pop": _pop,
           "insert": lambda m, o, a, n: o.insert(plain(a[0]), a[1]), "reverse": lambda m, o, a, n: o.reverse(),
           "copy": lambda m, o, a, n: list(o), "clear": lambda m, o, a, n: o.clear(),
           "index": _index, "count": lambda m, o, a, n: [plain(one) for one in o].count(plain(a[0])),
           "sort": _sort, "remove": _remove},
    dict: {"items": lambda m, o, a, n: list(o.items()), "keys": lambda m, o, a, n: list(o),
           "values": lambda m, o, a, n: list(o.values()), "get": _get, "update": _update,
           "copy": lambda m, o, a, n: dict(o), "pop": lambda m, o, a, n: o.pop(plain(a[0]), None),
           "setdefault": lambda m, o, a, n: o.setdefault(plain(a[0]), a[1] if len(a) > 1 else None)},
    tuple: {"index": _index, "count": lambda m, o, a, n: o.count(a[0]),
            "numel": lambda m, o, a, n: math.prod(map(int, o))},
    str: {"join": _join, "lower": _text(lambda s: s.lower()), "upper": _text(lambda s: s.upper()),
          **{name: _text(getattr(str, name)) for name in ("strip", "lstrip", "rstrip", "isdigit", "isalpha", "title",
                                                          "capitalize")},
          "split": _text(lambda s, *a: s.split(*a)),
          "splitlines": _text(lambda s: s.splitlines()),
          "format": lambda m, o, a, n, **k: filled(o, a, k),
          "startswith": _text(lambda s, a: s.startswith(a)), "endswith": _text(lambda s, a: s.endswith(a)),
          "find": _text(lambda s, a: s.find(a)), "count": _text(lambda s, a: s.count(a)),
          "replace": _replace},
    float: {"is_integer": lambda m, o, a, n: o.is_integer()},
}  # fmt: skip
