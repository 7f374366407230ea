"""What only all functions of a spec together show: rings of calls, and how much work their unfolding would be.

A function is unfolded where it is called.  A ring of calls would unfold for ever, and a chain in which each calls the
one before twice would unfold into 2ⁿ operations; both are refused before anything is unfolded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Call, Expression, calls, children
from backprop_cli.language.model import Function
from backprop_cli.language.source import Text
from backprop_cli.records import dataclass

MAX_NESTING = 32  # functions in functions; every level recurses
MAX_UNFOLDED = 5_000  # operations of one expression: its formula, with all of them inside, takes about two seconds
MAX_TOGETHER = 200_000  # operations of all expressions
RESULT = "out"  # what a hand-written gradient calls the function's value

Written = tuple[Expression, Text]


@dataclass(frozen=True, slots=True)
class Use:
    """A call of a user's function, and where it stands."""

    call: Call
    text: Text

    def error(self, code: str, message: str, hint: str) -> SpecError:
        """An error at the function's name in the call."""
        return SpecError(code, message, at=self.text.place(self.call.start, self.call.name_end), hint=hint)


def check_functions(functions: Mapping[str, Function], users: Iterable[Written]) -> list[SpecError]:
    """What is wrong with a spec's functions and with the expressions that use them, `users`."""
    if not functions:
        return []
    errors = [error for function in functions.values() for error in _taken(function)]
    uses = {name: [use for part in _parts(function) for use in _uses(*part, functions)]
            for name, function in functions.items()}  # fmt: skip
    order, rings = _ordered(uses)
    return errors + (rings or _too_much(functions, uses, order, users))


def _taken(function: Function) -> Iterator[SpecError]:
    if function.grads and RESULT in function.args:
        message = f"an argument of {function.name!r} is called {RESULT!r}, which in 'grads' is the function's value"
        yield SpecError("E009", message, at=function.at.place(), hint="give the argument another name")


def _parts(function: Function) -> list[Written]:
    return [(function.body, function.body_text), *function.grads.values()]


def walk(expression: Expression) -> Iterator[Expression]:
    """Every part of an expression, the whole first."""
    stack = [expression]
    while stack:
        part = stack.pop()
        yield part
        stack.extend(reversed(children(part)))


def _uses(expression: Expression, text: Text, functions: Mapping[str, Function]) -> list[Use]:
    return [Use(part, text) for part in walk(expression) if isinstance(part, Call) and calls(part, functions)]


def _ordered(uses: Mapping[str, list[Use]]) -> tuple[list[str], list[SpecError]]:
    """The functions, each after those it calls; a ring is reported once, with its functions."""
    done: dict[str, bool] = {}
    order: list[str] = []
    for root in uses:
        stack = [(root, iter(uses[root]))] if root not in done else []
        done.setdefault(root, False)
        while stack:
            name, rest = stack[-1]
            use = next(rest, None)
            if use is None:
                stack.pop()
                done[name] = True
                order.append(name)
            elif use.call.function not in done:
                done[use.call.function] = False
                stack.append((use.call.function, iter(uses[use.call.function])))
            elif not done[use.call.function]:
                return order, [_ring([n for n, _ in stack], use)]
    return order, []


def _ring(path: list[str], use: Use) -> SpecError:
    name = use.call.function
    ring = [*path[path.index(name) :], name]
    message = f"function {name!r} calls itself" if len(ring) == 2 else f"functions call each other: {' -> '.join(ring)}"
    return use.error("E013", message, "a function is unfolded where it is called, so it cannot lead back to itself "
                                      "(it also hides a built-in function of its name)")


def _too_much(functions: Mapping[str, Function], uses: Mapping[str, list[Use]], order: list[str],
              users: Iterable[Written]) -> list[SpecError]:
    """Where functions nest too deep, or all calls together unfold into too many operations."""
    heights: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for name in order:
        called = [use.call.function for use in uses[name]]
        heights[name] = 1 + max((heights[c] for c in called), default=0)
        sizes[name] = sum(1 for part in _parts(functions[name]) for _ in walk(part[0])) + sum(sizes[c] for c in called)
        if heights[name] > MAX_NESTING:
            message = f"functions call each other more than {MAX_NESTING} deep"
            return [uses[name][0].error("E016", message, "write some of them as nodes")]
        if sizes[name] > MAX_UNFOLDED:
            return [uses[name][0].error("E016", _too_long(f"{name!r}", MAX_UNFOLDED), "write some of it as nodes")]
    return _long_users(functions, sizes, users)


def _long_users(functions: Mapping[str, Function], sizes: Mapping[str, int],
                users: Iterable[Written]) -> list[SpecError]:
    """An expression, or all of them, that would be too long written out."""
    total = 0
    for expression, text in users:
        size = 0
        for use in _uses(expression, text, functions):
            size += sizes[use.call.function]
            if size > MAX_UNFOLDED:
                hint = "write some of it as nodes: a node is computed once"
                return [use.error("E016", _too_long("this expression", MAX_UNFOLDED), hint)]
            if total + size > MAX_TOGETHER:
                message = _too_long("the calls of functions", MAX_TOGETHER)
                return [use.error("E016", message, "call functions less often")]
        total += size
    return []


def _too_long(what: str, limit: int) -> str:
    return f"written out, {what} would be more than {limit:,} operations"
