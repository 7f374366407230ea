"""What the run at work remembers and has spent: neither says what a walk returns, only what it costs.

What *is* known in a run, its facts, is no matter of the moment: the symbols of an expression lead to it (`facts_of`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from backprop_cli.formulas.algebra.budget import Budget
from backprop_cli.records import dataclass, field

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(slots=True)
class Work:
    """The budget of a run, and the results of its pure walks, which go with it.

    `fired` are the laws that were used, by their names, in order.
    """

    budget: Budget = field(default_factory=Budget)
    memory: dict[Callable[..., object], dict[object, Any]] = field(default_factory=dict)
    fired: dict[str, None] = field(default_factory=dict)
    operators: dict[Any, Any] = field(default_factory=dict)  # each by itself
    grown: dict[object, tuple[Any, Any]] = field(default_factory=dict)  # see `grow`
    in_vain: dict[Callable[..., object], set[object]] = field(default_factory=dict)  # by the search

    def unbounded(self) -> Work:
        """The same memory, for what is done in any case."""
        return Work(Budget(sys.maxsize), self.memory, operators=self.operators, grown=self.grown,
                    in_vain=self.in_vain)  # fmt: skip


_AT_WORK: ContextVar[Work | None] = ContextVar("work", default=None)
_MISSING = object()


@contextmanager
def at_work(work: Work) -> Iterator[None]:
    """Within it walks are remembered for this run, and what constructors do is taken from its budget."""
    token = _AT_WORK.set(work)
    try:
        yield
    finally:
        _AT_WORK.reset(token)


def spend(terms: int) -> None:
    """Work that is done in any case."""
    work = _AT_WORK.get()
    if work is not None:
        work.budget.take(terms)


def note(law: str) -> None:
    """Say that a law was used."""
    work = _AT_WORK.get()
    if work is not None:
        work.fired.setdefault(law)


def the_one(made: R) -> R:
    """The equal operator that the run has already: what is the same object is found in a table without a walk."""
    work = _AT_WORK.get()
    return made if work is None else cast(R, work.operators.setdefault(made, made))


def grow(product: Any, before: Any, factor: Any) -> None:
    """Remember what a product grew from."""
    work = _AT_WORK.get()
    if work is not None:
        work.grown[product] = before, factor


def grown_from(product: Any) -> tuple[Any, Any] | None:
    """The product that it was and the factor that was new, where it grew so in this run."""
    work = _AT_WORK.get()
    return None if work is None else work.grown.get(product)


def parts_of(expr: Any) -> tuple[Any, ...]:
    """What an expression is put together from, for a walk that asks the same of each part: few, where it grew."""
    return grown_from(expr) or expr.args


def remembered(walk: Callable[P, R]) -> Callable[P, R]:
    """A pure function of expressions, remembered for the run at work and gone with it.

    A gradient is its consumer's with a factor more: without memory each step would go through all of it again.
    """
    return _remembered(walk, atoms=True)


def remembered_of_parts(walk: Callable[P, R]) -> Callable[P, R]:
    """The same of a walk that finds what it says of a symbol or a number sooner than it is looked up."""
    return _remembered(walk, atoms=False)


def never_twice(search: Callable[P, R | None]) -> Callable[P, R | None]:
    """A search that found nothing is not made again in the run; one that finds something tells the laws it used."""

    @wraps(search)
    def known(*args: P.args, **_: P.kwargs) -> R | None:
        work = _AT_WORK.get()
        if work is None:
            return search(*args)  # type: ignore[call-arg]
        in_vain = work.in_vain.get(search)
        if in_vain is None:
            in_vain = work.in_vain[search] = set()
        if args in in_vain:
            return None
        found = search(*args)  # type: ignore[call-arg]
        if found is None:
            in_vain.add(args)
        return found

    return known


def _remembered(walk: Callable[P, R], atoms: bool) -> Callable[P, R]:
    if walk.__code__.co_argcount == 1:
        return cast("Callable[P, R]", _of_one(cast("Callable[[Any], R]", walk), atoms))

    @wraps(walk)
    def known(*args: P.args, **_: P.kwargs) -> R:
        if not (atoms or args[0]._args):  # type: ignore[attr-defined]  # its `args` are a property, which takes as long again
            return walk(*args)  # type: ignore[call-arg]
        work = _AT_WORK.get()
        if work is None:
            return walk(*args)  # type: ignore[call-arg]
        found = work.memory.get(walk)
        if found is None:
            found = work.memory[walk] = {}
        result = found.get(args, _MISSING)
        if result is _MISSING:
            result = found[args] = walk(*args)  # type: ignore[call-arg]
        return result  # type: ignore[no-any-return]

    return known


def _of_one(walk: Callable[[Any], R], atoms: bool) -> Callable[[Any], R]:
    """The same of one expression, by itself: these are asked for fifty times a node."""

    @wraps(walk)
    def known(expr: Any) -> R:
        if not (atoms or expr._args):
            return walk(expr)
        work = _AT_WORK.get()
        if work is None:
            return walk(expr)
        found = work.memory.get(walk)
        if found is None:
            found = work.memory[walk] = {}
        result = found.get(expr, _MISSING)
        if result is _MISSING:
            result = found[expr] = walk(expr)
        return result  # type: ignore[no-any-return]  # a cast is a call

    return known
