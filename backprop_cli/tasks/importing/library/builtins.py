"""Python's own functions on plain values, and the few that mean something for tensors."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.asked import items_of, truth
from backprop_cli.tasks.importing.state.codes import call, listed, number
from backprop_cli.tasks.importing.state.objects import Bound, Class, Function, Instance, Layer, kind_of
from backprop_cli.tasks.importing.state.values import Builtin, Dim, Library, Number, Opaque, Tensor, Unread, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Run = Callable[["Machine", list[object], dict[str, object], ast.AST], object]
MAX_LIST: Final = 100_000


def items(machine: Machine, value: object, node: ast.AST) -> list[Any]:
    """The items of a value as a list."""
    if isinstance(value, range) and len(value) > MAX_LIST:
        raise machine.record.unread(node, "a range is too long to be written out")
    return list(items_of(machine, value, node))


def _quiet(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return None


def _len(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    value = given[0]
    if isinstance(value, Instance) and isinstance(value.kind.find("__len__"), Function):
        return machine.called(machine.attribute(value, "__len__", node), [], {}, node)
    if isinstance(value, Tensor):
        found = tensors.dims(machine, value, node)
        if not found:
            raise machine.record.unread(node, "a scalar has no length")
        return found[0]
    return len(items(machine, value, node)) if not isinstance(value, range | str) else len(value)


def _range(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    ends = [plain(tensors.as_number(one)) for one in given]
    if not all(isinstance(end, int) for end in ends) or not ends:
        raise machine.record.unread(node, "range needs whole numbers that are known")
    return range(*ends)


def _extreme(name: str) -> Run:
    def run(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        values = items(machine, given[0], node) if len(given) == 1 and not isinstance(given[0], Tensor) else given
        if "key" in named or not values:
            found = in_order(machine, values, {**named, "reverse": name == "max"}, node)
            return found[0] if found else named["default"]
        if any(isinstance(one, Tensor) for one in values):
            if len(values) == 1:
                return tensors.tensor_from(call(name, tensors.tensor_code(machine, values[0], node)), values[0])
            function = "maximum" if name == "max" else "minimum"
            code = tensors.code_of(machine, values[0], node)
            for one in values[1:]:
                code = call(function, code, tensors.code_of(machine, one, node))
            return tensors.tensor_from(code, *values)
        if any(isinstance(one, Number) for one in values) and len(values) == 2:
            function = "maximum" if name == "max" else "minimum"
            codes = [tensors.code_of(machine, one, node) for one in values]
            return Number((max if name == "max" else min)(map(plain, values)), call(function, *codes))
        return _python(max if name == "max" else min)(machine, [values], {}, node)

    return run


def _sum(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    if isinstance(given[0], Tensor):
        return tensors.tensor_from(call("sum", tensors.tensor_code(machine, given[0], node), number(0)), given[0])
    values = items(machine, given[0], node)
    total = given[1] if len(given) > 1 else None
    if len(values) > 40 and any(isinstance(one, Tensor) for one in values) and total is None:
        stacked = call("stack", listed(*(tensors.code_of(machine, one, node) for one in values)))
        return tensors.tensor_from(call("sum", stacked, number(0)), *values)
    for one in values:
        machine.step(node)
        total = one if total is None else machine.operate(ast.Add(), total, one, node)
    return 0 if total is None else total


def in_order(machine: Machine, values: list[Any], named: Mapping[str, object], node: ast.AST) -> list[Any]:
    """`sorted(values, key=f, reverse=True)`.

    Raises:
        Unread: what they are put in order by is not known here.
    """
    key = named.get("key")
    marks = [plain(tensors.as_number(one if key is None else machine.called(key, [one], {}, node))) for one in values]
    if any(_foreign(mark) for mark in marks):
        raise machine.record.unread(node, "the order of what is not known here")
    ranked = sorted(range(len(values)), key=marks.__getitem__, reverse=bool(plain(named.get("reverse", False))))
    return [values[rank] for rank in ranked]


def _python(function: Callable[..., object]) -> Run:
    """A function of Python's on plain values."""

    def run(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        machine.weigh(given, node)
        values = [
            list(map(plain, one)) if isinstance(one, list | tuple) else plain(tensors.as_number(one)) for one in given
        ]
        if any(_foreign(one) for one in values):
            raise machine.record.unread(node, f"{getattr(function, '__name__', 'this')} of what is not known here")
        try:
            return function(*values)
        except (ArithmeticError, ValueError, TypeError) as caught:
            raise machine.stopped(node, type(caught).__name__, f"Python would stop here: {caught}"[:120]) from None

    return run


def _foreign(value: object) -> bool:
    if isinstance(value, list | tuple | set):
        return any(_foreign(one) for one in value)
    return isinstance(value, Tensor | Opaque | Library | Function | Instance | Layer | Class | Builtin)


def _float(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    if not given:
        return 0.0
    if isinstance(given[0], Tensor):
        return given[0]
    if isinstance(given[0], Number):
        return Number(float(given[0].value), given[0].code)
    return _python(float)(machine, given, named, node)


def _int(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    if given and isinstance(given[0], Number | Dim) and isinstance(plain(given[0]), int):
        return given[0]
    if given and isinstance(given[0], str) and len(given[0]) > 300:
        raise machine.record.unread(node, "a number of too many digits")
    return _python(int)(machine, given, named, node)


def _enumerate(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    start = plain(named.get("start", given[1] if len(given) > 1 else 0))
    return [(position, one) for position, one in enumerate(items(machine, given[0], node), start=start)]


def _zip(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return list(zip(*(items(machine, one, node) for one in given), strict=False))


def _map(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return [machine.called(given[0], [one], {}, node) for one in items(machine, given[1], node)]


def _is_instance(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    value, kinds = given[0], given[1] if isinstance(given[1], tuple | list) else (given[1],)
    return any(is_of(value, kind) for kind in kinds)


def is_of(value: object, kind: object) -> bool:
    """Whether a value is of a class: the program's, a library's or Python's."""
    if isinstance(kind, Class):
        return isinstance(value, Instance) and value.kind.comes_from(kind)
    if isinstance(kind, Library):
        if isinstance(value, Layer):
            return kind.last in {value.kind, "Module"}
        if isinstance(value, Instance):
            return kind.path in value.kind.roots()
        return isinstance(value, Tensor) and kind.last in {"Tensor", "ndarray", "Parameter"}
    if isinstance(kind, Builtin):
        return type(plain(value)).__name__ == kind.name
    return False


def _abs(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    if isinstance(given[0], Tensor):
        return tensors.tensor_from(call("abs", tensors.tensor_code(machine, given[0], node)), given[0])
    if isinstance(given[0], Number):
        return Number(abs(given[0].value), call("abs", given[0].code))
    return _python(abs)(machine, given, named, node)


def _pow(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return machine.operate(ast.Pow(), given[0], given[1], node)


def _getattr(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    if len(given) > 2 and isinstance(given[0], Instance) and not _hasattr(machine, given[:2], {}, node):
        return given[2]
    return machine.attribute(given[0], str(given[1]), node)


def _setattr(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    if isinstance(given[0], Instance):
        given[0].names[str(given[1])] = given[2]


def _hasattr(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    value, name = given
    if isinstance(value, Instance):
        return name in value.names or value.kind.find(name) is not None
    if isinstance(value, Opaque):
        raise machine.record.unread(node, f"whether {kind_of(value)} has {str(name)[:40]!r} is not known here",
                                    "keep the branch that is meant")  # fmt: skip
    if isinstance(value, Layer):
        try:
            machine.attribute(value, str(name), node)
        except Unread:
            return False
    return isinstance(value, Tensor | Layer | Library) or hasattr(plain(value), str(name))


def _dict(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    first = given[0] if given else {}
    return {**(first if isinstance(first, dict) else dict(items(machine, first, node))), **named}


def _next(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """What comes next; generators that are read as lists lose it."""
    source = given[0]
    if isinstance(source, Iterator):
        for one in source:
            return one
    elif isinstance(source, list) and source:
        return source.pop(0)
    if len(given) > 1 and isinstance(source, list | Iterator):
        return given[1]
    raise machine.record.unread(node, "nothing is left to take" if isinstance(source, list | Iterator) else
                                f"what comes next in {kind_of(source)} is not known")  # fmt: skip


def _iter(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return given[0] if isinstance(given[0], Opaque) else items_of(machine, given[0], node)


def _filter(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return [one for one in items(machine, given[1], node)
            if truth(machine, one if given[0] is None else machine.called(given[0], [one], {}, node), node)]


def _callable(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return isinstance(given[0], Function | Bound | Builtin | Class | Library | Layer)


def _type(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return type_of(given[0])


def type_of(value: object) -> object:
    """`type(x)`, `x.__class__`."""
    if isinstance(value, Layer):
        return Library(f"torch.nn.{value.kind}")
    return value.kind if isinstance(value, Instance) else Opaque("a type")


BUILTINS: Mapping[str, Run] = {
    **dict.fromkeys(("print", "input", "dir", "vars", "help", "id", "repr", "format", "display", "breakpoint"),
                    _quiet),
    "open": lambda m, g, k, n: Opaque("a file"), "len": _len, "range": _range, "xrange": _range,
    "max": _extreme("max"), "min": _extreme("min"), "sum": _sum, "float": _float,
    "int": _int, "abs": _abs, "pow": _pow, "enumerate": _enumerate, "zip": _zip, "map": _map, "iter": _iter,
    "list": lambda m, g, k, n: items(m, g[0], n) if g else [],
    "tuple": lambda m, g, k, n: tuple(items(m, g[0], n)) if g else (),
    "set": lambda m, g, k, n: _python(lambda x: sorted(set(x)))(m, [items(m, g[0], n)], {}, n) if g else [],
    "sorted": lambda m, g, k, n: in_order(m, items(m, g[0], n), k, n),
    "reversed": lambda m, g, k, n: items(m, g[0], n)[::-1],
    "dict": _dict,
    "str": _python(lambda *x: str(x[0])[:1000] if x else ""), "bool": lambda m, g, k,
    n: bool(plain(g[0])) if g else False,
    "round": _python(round), "divmod": _python(divmod), "any": _python(any), "all": _python(all), "ord": _python(ord),
    "chr": _python(chr), "isinstance": _is_instance, "issubclass": lambda m, g, k, n: False, "getattr": _getattr,
    "setattr": _setattr, "hasattr": _hasattr, "next": _next, "type": _type, "callable": _callable,
    "object": lambda m, g, k, n: Opaque("an object"), "slice": lambda m, g, k, n: slice(*map(plain, g)),
    "staticmethod": lambda m, g, k, n: g[0], "property": lambda m, g, k, n: g[0],
    "filter": _filter, "Exception": lambda m, g, k, n: Opaque("an error"),
    "ValueError": lambda m, g, k, n: Opaque("an error"), "NotImplementedError": lambda m, g, k, n: Opaque("an error"),
}  # fmt: skip
