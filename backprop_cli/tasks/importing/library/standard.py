"""Python's standard library, as far as numbers come out of it: itertools, functools, collections, argparse, random."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.data.starts import Row
from backprop_cli.tasks.importing.library.builtins import items
from backprop_cli.tasks.importing.networks.written_out import definition_of
from backprop_cli.tasks.importing.state.objects import Class
from backprop_cli.tasks.importing.state.values import Builtin, Defaults, Library, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

MAX_ITEMS: Final = 10_000
MAX_LENGTH: Final = 1_000
UNSEEDED: Final = "random numbers: drawn here with seed 0, they are not the program's own"
SOURCE: Final = '''
class Namespace:
    def __init__(self, **values):
        for name, value in values.items():
            setattr(self, name, value)


class ArgumentParser:
    def __init__(self, *args, **options):
        self.space = Namespace()

    def add_argument(self, *flags, action=None, default=None, type=None, dest=None, required=False, **options):
        name = dest or ([flag for flag in flags if flag.startswith("--")] or flags)[0].lstrip("-").replace("-", "_")
        if default is None and action in ("store_true", "store_false"):
            default = action == "store_false"
        if isinstance(default, str) and type is not None:
            default = type(default)
        if flags[0].startswith("-") and not required:
            setattr(self.space, name, default)

    def add_argument_group(self, *args, **options):
        return self

    def set_defaults(self, **values):
        for name, value in values.items():
            setattr(self.space, name, value)

    def parse_args(self, args=None, namespace=None):
        return self.space

    def parse_known_args(self, args=None, namespace=None):
        return self.space, []
'''


def _lazily(function: Callable[..., Iterator[Any]]) -> Row:
    """A function of itertools on what is known."""
    def run(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
        _bounded(machine, [*given, *named.values()], node)
        values = [plain(one) if isinstance(plain(one), int) else items(machine, one, node) for one in given]
        found = list(itertools.islice(function(*values, **{key: plain(one) for key, one in named.items()}), MAX_ITEMS))
        machine.weigh(found, node)
        return iter(found)

    return run


def _bounded(machine: Machine, given: list[object], node: ast.AST) -> None:
    """Refuse what would take all memory at once: `product(x, repeat=10**9)`, `choices(x, k=10**9)`."""
    if any(isinstance(plain(one), int) and abs(plain(one)) > MAX_LENGTH for one in given):
        raise machine.record.unread(node, f"more than {MAX_LENGTH:,} at once are not read")


def _accumulated(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    total: object = None
    found: list[object] = []
    function = given[1] if len(given) > 1 else named.get("func")
    for one in items(machine, given[0], node):
        total = one if not found else machine.operate(ast.Add(), total, one, node) if function is None else \
            machine.called(function, [total, one], {}, node)  # fmt: skip
        found.append(total)
    return iter(found)


def _reduced(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`functools.reduce(f, values, start)`."""
    values = [*given[2:], *items(machine, given[1], node)]
    if not values:
        raise machine.record.unread(node, "there is nothing to reduce")
    total = values[0]
    for one in values[1:]:
        total = machine.called(given[0], [total, one], {}, node)
    return total


def _counted(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`collections.Counter(words)`."""
    found: dict[object, int] = {}
    for one in map(plain, items(machine, given[0], node) if given else []):
        found[one] = found.get(one, 0) + 1
    return found


def _named_tuple(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    """`namedtuple('Batch', 'x y', defaults=[None])`."""
    listed = given[1].replace(",", " ").split() if isinstance(given[1], str) else given[1]
    fields = [str(plain(one)) for one in listed]
    body: list[ast.stmt] = [ast.AnnAssign(ast.Name(name, ast.Store()), ast.Constant(0), None, 1) for name in fields]
    usual = list(named.get("defaults") or [])
    tree = ast.ClassDef(str(given[0]), [], [], body, [])
    return Class(tree.name, ast.copy_location(tree, node), (Library("typing.NamedTuple"),),
                 dict(zip(fields[len(fields) - len(usual) :], usual, strict=False)))  # fmt: skip


def _field(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`dataclasses.field(default_factory=list)`."""
    if "default_factory" in named:
        return machine.called(named["default_factory"], [], {}, node)
    return named.get("default")


def _operator(op: ast.operator) -> Row:
    return lambda machine, given, named, node: machine.operate(op, given[0], given[1], node)


def _parser(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return _made(machine, "ArgumentParser", given, named, node)


def _space(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return _made(machine, "Namespace", given, named, node)


def _made(machine: Machine, name: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    names: dict[str, object] = {}
    names["Namespace"] = definition_of(machine, SOURCE, "Namespace", names, node)
    return machine.called(definition_of(machine, SOURCE, name, names, node), given, named, node)


# ── random ───────────────────────────────────────────────────────────────────────────────────────


def _seeded(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> None:
    value = plain(given[0]) if given else None
    if isinstance(value, int | str | float):
        machine.draws.python.seed(value)
        machine.draws.is_python_seeded = True


def _drawn(name: str) -> Row:
    """A function of `random`: Python's own numbers, for the seed that is set."""
    def run(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> Any:
        if not machine.draws.is_python_seeded:
            machine.record.note(node, UNSEEDED)
        draw = getattr(machine.draws.python, name)
        if name in {"shuffle", "choice", "sample", "choices"}:
            values = items(machine, given[0], node)
            order = list(range(len(values)))
            _bounded(machine, [*given[1:], *named.values()], node)
            if name == "shuffle":
                draw(order)
                given[0][:] = [values[rank] for rank in order]
                return None
            found = draw(order, *map(plain, given[1:]), **{key: plain(one) for key, one in named.items()})
            return values[found] if isinstance(found, int) else [values[rank] for rank in found]
        return draw(*map(plain, given), **{key: plain(one) for key, one in named.items()})

    return run


STANDARD: Final[Mapping[str, Row]] = {
    **{f"itertools.{name}": _lazily(getattr(itertools, name))
       for name in ("product", "combinations", "permutations", "combinations_with_replacement", "chain", "islice",
                    "repeat", "cycle", "pairwise", "zip_longest", "count")},
    "itertools.chain.from_iterable": lambda m, g, k, n: iter(
        [one for part in items(m, g[0], n) for one in items(m, part, n)]),
    "itertools.accumulate": _accumulated, "functools.reduce": _reduced, "collections.Counter": _counted,
    "collections.namedtuple": _named_tuple, "dataclasses.field": _field,
    "collections.defaultdict": lambda m, g, k, n: Defaults(g[0] if g else None),
    "collections.deque": lambda m, g, k, n: items(m, g[0], n) if g else [],
    "argparse.ArgumentParser": _parser, "argparse.Namespace": _space, "types.SimpleNamespace": _space,
    "random.seed": _seeded,
    **{f"random.{name}": _drawn(name) for name in ("random", "uniform", "gauss", "normalvariate", "randint",
                                                   "randrange", "shuffle", "choice", "sample", "choices")},
    **{f"operator.{name}": _operator(op) for name, op in (
        ("add", ast.Add()), ("sub", ast.Sub()), ("mul", ast.Mult()), ("truediv", ast.Div()), ("matmul", ast.MatMult()),
        ("pow", ast.Pow()))},
    "operator.itemgetter": lambda m, g, k, n: Builtin("itemgetter", lambda m2, a, k2, n2: a[0][plain(g[0])]),
}  # fmt: skip
