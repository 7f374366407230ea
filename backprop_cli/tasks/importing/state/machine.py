"""Statements, read one after another as Python would run them, over values that stand for tensors.

Nothing of the program runs: a statement binds names to what is known of their values.  What cannot be read binds its
names to `Unknown`, with the reason, and the reading goes on: it is an error only where the output depends on it.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from backprop_cli.engine.interpret.masked import is_open
from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Expression, Name
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.state.answers import Answers
from backprop_cli.tasks.importing.state.codes import call
from backprop_cli.tasks.importing.state.objects import Class, Frame, Layer
from backprop_cli.tasks.importing.state.random_draws import Draws
from backprop_cli.tasks.importing.state.record import Record
from backprop_cli.tasks.importing.state.torch_draws import TorchDraws
from backprop_cli.tasks.importing.state.values import Tensor, Unknown, Unread, is_number

_SURPRISES: Final = (IndexError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError,
                     StopIteration)  # fmt: skip
MAX_STEPS: Final = 400_000
MAX_CALLS: Final = 30
MAX_WEIGHT: Final = 200_000  # items of a collection, with all that they hold
MAX_YIELDED: Final = 200  # items of a generator
MAX_NAMED: Final = 16  # numbers of a list that have names of their own


class Returned(Exception):
    """`return`."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class Raised(Exception):
    """An exception of the program's own, inside a `try`: what it is a kind of, and why it is none of the output's."""

    def __init__(self, kinds: frozenset[str], error: SpecError) -> None:
        super().__init__(error.message)
        self.kinds, self.error = kinds, error


def kinds_of(name: str) -> frozenset[str]:
    """One of Python's exceptions with all that it is a kind of."""
    kind = getattr(builtins, name, Exception)
    above = kind.__mro__ if isinstance(kind, type) and issubclass(kind, BaseException) else Exception.__mro__
    return frozenset({name, *(one.__name__ for one in above)})


class Enough(Exception):
    """A generator that goes on has given as much as is looked at."""


class Broken(Exception):
    """`break`."""


class Continued(Exception):
    """`continue`."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What expressions and statements mean: each rule needs the others, so they meet here, and in `python.RULES`."""

    evaluate: Callable[[Machine, ast.expr], object]
    execute: Callable[[Machine, ast.stmt], None]
    bind: Callable[[Machine, ast.expr, Any, ast.AST], None]
    called: Callable[[Machine, object, list[object], dict[str, object], ast.AST], Any]
    attribute: Callable[[Machine, object, str, ast.AST], object]
    operate: Callable[[Machine, ast.operator, object, object, ast.AST], object]


@dataclass(eq=False, slots=True)
class Machine:
    """The state of a reading."""

    record: Record
    rules: Rules
    frame: Frame = field(default_factory=Frame)
    steps: int = 0
    calls: int = 0
    deriving: int = 0  # how many functions are being differentiated
    taping: int = 0  # in how many blocks of tapes we stand
    off: int = 0  # how many `no_grad` blocks we stand in
    trying: int = 0  # in how many `try` bodies we stand
    handling: list[Raised] = field(default_factory=list)  # what the handlers that we stand in have caught
    draws: Draws = field(default_factory=Draws)
    torch: TorchDraws = field(default_factory=TorchDraws)
    given: Mapping[str, Any] = field(default_factory=dict)  # what the command line says of names
    used: set[str] = field(default_factory=set)  # of these, the ones that were met
    reading: list[Class] = field(default_factory=list)  # custom functions that are being read
    known: Callable[[Expression], Any] | None = None  # an expression's numbers, once a condition asks for them
    worked_out: Callable[[Record, Any], tuple[dict[str, Any], dict[str, Any]]] | None = None  # an exercise's numbers
    answers: Answers | None = None  # where a hand-written backward pass is read

    def step(self, node: ast.AST) -> None:
        """Count a step.

        Raises:
            SpecError: E005 where the program goes on too long.
        """
        self.steps += 1
        if self.steps > MAX_STEPS:
            at = self.record.program.place(node)
            hint = "make its loops shorter, or import one function"
            raise SpecError("E005", f"the program takes more than {MAX_STEPS:,} steps", at=at, hint=hint)

    def stopped(self, node: ast.AST, kind: str, message: str, hint: str | None = None) -> Exception:
        """What to raise where Python itself would raise an exception: a `try` of the program may catch it."""
        unread = self.record.unread(node, message, hint)
        return Raised(kinds_of(kind), unread.error) if self.trying else unread

    def weigh(self, value: object, node: ast.AST) -> None:
        """Refuse a collection that holds itself so often that to go through it would take forever.

        Raises:
            Unread: it holds too much, counted as often as it is met.
        """
        count, stack = 0, [value]
        while stack:
            one = stack.pop()
            if isinstance(one, list | tuple | set):
                stack.extend(one)
            elif isinstance(one, dict):
                stack.extend(one.values())
            count += 1
            if count > MAX_WEIGHT:
                raise self.record.unread(node, "a collection holds too much to be gone through")
        self.steps += count // 10

    def value(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises:
            Unread: it cannot be read, or depends on what could not.
        """
        try:
            found = self.rules.evaluate(self, node)
        except _SURPRISES as caught:
            raise self.record.unread(
                node, f"this is not read ({type(caught).__name__})", "write it another way"
            ) from None
        if isinstance(found, Unknown):
            raise Unread(found.error)
        return found

    def called(self, function: object, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        """What a call gives."""
        return self.rules.called(self, function, given, named, node)

    def attribute(self, owner: object, name: str, node: ast.AST) -> object:
        """An attribute of a value."""
        return self.rules.attribute(self, owner, name, node)

    def operate(self, op: ast.operator, left: object, right: object, node: ast.AST) -> object:
        """A binary operator on two values."""
        return self.rules.operate(self, op, left, right, node)

    def run(self, body: list[ast.stmt] | tuple[ast.stmt, ...]) -> None:
        """Read statements in turn."""
        for statement in body:
            self.step(statement)
            self.rules.execute(self, statement)

    @contextmanager
    def within(self, frame: Frame, node: ast.AST, off: bool = False) -> Iterator[None]:
        """Read in a function's frame; `off`: nothing flows back through it."""
        if self.calls >= MAX_CALLS:
            raise self.record.unread(node, f"functions call each other more than {MAX_CALLS} deep",
                                     "recursion is read only as deep as that")  # fmt: skip
        frame.caller = self.frame
        outer, self.frame, self.calls, self.off = self.frame, frame, self.calls + 1, self.off + off
        try:
            yield
        finally:
            self.frame, self.calls, self.off = outer, self.calls - 1, self.off - off

    # binding ─────────────────────────────────────────────────────────────────────────────────────

    def bind(self, target: ast.expr, value: object, node: ast.AST) -> None:
        """Assign a value to a name, an attribute, an item, or to several of them."""
        value = value if self.answers is None else self.answers.taken(target, value, node)
        self.rules.bind(self, target, value, node)

    def named(self, value: object, base: str, node: ast.AST) -> Any:
        """A value under the author's name: a tensor or number without one gets it."""
        if isinstance(value, Tensor):
            if value.code is not None and is_open(value.code):
                return value  # what a mask picks is no tensor of a shape, until it is added up
            if value.code is None or not isinstance(value.code, Name):
                self._constant_here(value)
                self.record.name(value, base, node)
        elif is_number(value) and not isinstance(value, bool):
            return self.record.number(value, base, node)
        elif isinstance(value, list | tuple) and value and all(isinstance(v, Tensor) for v in value):
            for position, part in enumerate(value):
                if part.code is None or not isinstance(part.code, Name):
                    self.named(part, f"{base}_{position}", node)
        elif isinstance(value, list) and 0 < len(value) <= MAX_NAMED and all(map(is_number, value)):
            value[:] = [self.record.number(part, f"{base}_{position}", node) for position, part in enumerate(value)]
        elif isinstance(value, Layer):
            value.place(None, base)
        return value

    def constant(self, found: object) -> object:
        """What is computed under `no_grad`: nothing flows back through it."""
        if isinstance(found, Tensor) and found.grad and found.code is not None and not isinstance(found.code, Name):
            return Tensor(call("stop_gradient", found.code), kind=found.kind, known=found.known)
        return found

    def _constant_here(self, tensor: Tensor) -> None:
        """Under `no_grad` nothing flows back."""
        if self.off and tensor.code is not None and tensor.grad:
            tensor.code, tensor.grad = call("stop_gradient", tensor.code), False
