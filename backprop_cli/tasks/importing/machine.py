"""Statements, read one after another as Python would run them, over values that stand for tensors.

Nothing of the program runs: a statement binds names to what is known of their values.  What cannot be read binds its
names to `Unknown`, with the reason, and the reading goes on: it is an error only where the output depends on it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.errors import SpecError
from backprop_cli.tasks.importing import training
from backprop_cli.tasks.importing.random_draws import Draws
from backprop_cli.tasks.importing.record import Record
from backprop_cli.tasks.importing.spelling import call
from backprop_cli.tasks.importing.values import (
    Builtin,
    Class,
    Frame,
    Function,
    Instance,
    Layer,
    Library,
    Number,
    Opaque,
    Part,
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.handwritten import Answers

_SURPRISES: Final = (IndexError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError, AssertionError,
                     StopIteration)  # fmt: skip
MAX_STEPS: Final = 400_000
MAX_CALLS: Final = 30
MAX_NAMED: Final = 16  # numbers of a list that have names of their own
MAX_LOOP_STEPS: Final = 60_000
MAX_ROUNDS: Final = 2_000


class Returned(Exception):
    """`return`."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class Broken(Exception):
    """`break`."""


class Continued(Exception):
    """`continue`."""


@dataclass(eq=False, slots=True)
class Machine:
    """The state of a reading."""

    record: Record
    evaluate: Callable[[Machine, ast.expr], Any]
    frame: Frame = field(default_factory=Frame)
    steps: int = 0
    calls: int = 0
    off: int = 0  # how many `no_grad` blocks we stand in
    draws: Draws = field(default_factory=Draws)
    given: Mapping[str, Any] = field(default_factory=dict)  # what the command line says of names
    used: set[str] = field(default_factory=set)  # of these, the ones that were met
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

    def value(self, node: ast.expr) -> Any:
        """The value of an expression.

        Raises:
            Unread: it cannot be read, or depends on what could not.
        """
        try:
            found = self.evaluate(self, node)
        except _SURPRISES as caught:
            raise self.record.unread(
                node, f"this is not read ({type(caught).__name__})", "write it another way"
            ) from None
        if isinstance(found, Unknown):
            raise Unread(found.error)
        return found

    def run(self, body: list[ast.stmt] | tuple[ast.stmt, ...]) -> None:
        """Read statements in turn."""
        for statement in body:
            self.step(statement)
            read: Any = _STATEMENTS.get(type(statement), _refused)
            read(self, statement)

    @contextmanager
    def within(self, frame: Frame, node: ast.AST) -> Iterator[None]:
        """Read in a function's frame."""
        if self.calls >= MAX_CALLS:
            raise self.record.unread(node, f"functions call each other more than {MAX_CALLS} deep",
                                     "recursion is read only as deep as that")  # fmt: skip
        outer, self.frame, self.calls = self.frame, frame, self.calls + 1
        try:
            yield
        finally:
            self.frame, self.calls = outer, self.calls - 1

    # binding ─────────────────────────────────────────────────────────────────────────────────────

    def bind(self, target: ast.expr, value: Any, node: ast.AST) -> None:
        """Assign a value to a name, an attribute, an item, or to several of them."""
        value = value if self.answers is None else self.answers.taken(target, value, node)
        bind: Any = _TARGETS.get(type(target), _no_target)
        bind(self, target, value, node)

    def named(self, value: Any, base: str, node: ast.AST) -> Any:
        """A value under the author's name: a tensor or number without one gets it."""
        if isinstance(value, Tensor):
            if value.code is None or not isinstance(value.code, ast.Name):
                self._constant_here(value)
                self.record.name(value, base, node)
        elif is_number(value) and not isinstance(value, bool):
            return self.record.number(value, base, node)
        elif isinstance(value, list | tuple) and value and all(isinstance(v, Tensor) for v in value):
            for position, part in enumerate(value):
                if part.code is None or not isinstance(part.code, ast.Name):
                    self.named(part, f"{base}_{position}", node)
        elif isinstance(value, list) and 0 < len(value) <= MAX_NAMED and all(map(is_number, value)):
            value[:] = [self.record.number(part, f"{base}_{position}", node) for position, part in enumerate(value)]
        elif isinstance(value, Layer):
            value.place(None, base)
        return value

    def _constant_here(self, tensor: Tensor) -> None:
        """Under `no_grad` nothing flows back."""
        if self.off and tensor.code is not None and tensor.grad:
            tensor.code, tensor.grad = call("stop_gradient", tensor.code), False


# ── targets ──────────────────────────────────────────────────────────────────────────────────────


def _bind_name(machine: Machine, target: ast.Name, value: Any, node: ast.AST) -> None:
    known = machine.given.get(target.id)
    if machine.answers is not None and machine.frame.inside and machine.answers.is_other(target.id, value):
        machine.frame.hidden |= {target.id}
    pinned = machine.answers is not None and target.id not in machine.frame.hidden and not _is_computed(value)
    if known is not None and (pinned or not machine.frame.inside):
        machine.used.add(target.id)
        value = known
    if isinstance(value, Instance):
        machine.frame.put(target.id, value)
        return
    machine.frame.put(target.id, _safely(machine, value, target.id, node))


def _is_computed(value: Any) -> bool:
    """Whether the program itself works a tensor out here, rather than being given it."""
    return isinstance(value, Tensor) and not value.fresh and not isinstance(value.code, ast.Name)


def _safely(machine: Machine, value: Any, base: str, node: ast.AST) -> Any:
    try:
        return machine.named(value, base, node)
    except Unread as caught:
        if isinstance(value, Tensor):
            value.broken = caught.error
        return Unknown(caught.error)


def _bind_attribute(machine: Machine, target: ast.Attribute, value: Any, node: ast.AST) -> None:
    owner = machine.value(target.value)
    if isinstance(owner, Instance):
        owner.names[target.attr] = _owned(machine, owner, target.attr, value, node)
    elif isinstance(owner, Class):
        owner.names[target.attr] = value
    elif isinstance(owner, Tensor):
        training.set_attribute(machine, owner, target.attr, value, node)
    elif isinstance(owner, Layer):
        if target.attr in {"weight", "bias"} and isinstance(value, Tensor):
            owner.params[target.attr] = value
    elif not isinstance(owner, Opaque | Library | Function):
        raise machine.record.unread(target, f"an attribute of {kind_of(owner)} is assigned")


def _owned(machine: Machine, owner: Instance, name: str, value: Any, node: ast.AST) -> Any:
    """A value as an attribute: parts of a module are called after it."""
    if isinstance(value, Part):
        value.place(owner, name)
        return value
    if isinstance(value, list) and value and all(isinstance(one, Part) for one in value):
        for position, one in enumerate(value):
            one.place(owner, f"{name}.{position}")
        return value
    return _safely(machine, value, f"{owner.path}_{name}".lstrip("_") if owner.path else name, node)


def _bind_item(machine: Machine, target: ast.Subscript, value: Any, node: ast.AST) -> None:
    owner = machine.value(target.value)
    if isinstance(owner, Tensor):
        from backprop_cli.tasks.importing.writing import write_into

        write_into(machine, target, value, node)
        return
    key = machine.value(target.slice)
    if isinstance(owner, dict):
        owner[hashable(machine, key, target)] = _safely(machine, value, _item_name(target, key), node)
    elif isinstance(owner, list) and isinstance(plain(key), int):
        if not -len(owner) <= plain(key) < len(owner):
            raise machine.record.unread(target, f"the list has no item {plain(key)}")
        owner[plain(key)] = _safely(machine, value, _item_name(target, key), node)
    elif not isinstance(owner, Opaque):
        raise machine.record.unread(target, f"an item of {kind_of(owner)} is assigned")


def _item_name(target: ast.Subscript, key: Any) -> str:
    raw = plain(key)
    holder = target.value.id if isinstance(target.value, ast.Name) else getattr(target.value, "attr", "x")
    return raw if isinstance(raw, str) and raw.isidentifier() else f"{holder}_{raw}".replace("-", "m")


def hashable(machine: Machine, key: Any, node: ast.AST) -> Any:
    """A key of a dict."""
    raw = tuple(map(plain, key)) if isinstance(key, tuple) else plain(key)
    try:
        hash(raw)
    except TypeError:
        raise machine.record.unread(node, f"{kind_of(key)} is no key of a dict") from None
    return raw


def _bind_several(machine: Machine, target: ast.Tuple | ast.List, value: Any, node: ast.AST) -> None:
    count = len(target.elts)
    if isinstance(value, Unknown | Opaque):
        parts: list[Any] = [value] * count
    else:
        try:
            parts = list(items_of(machine, value, node))
        except Unread as caught:
            parts = [Unknown(caught.error)] * count
    starred = next((i for i, one in enumerate(target.elts) if isinstance(one, ast.Starred)), None)
    if starred is not None and len(parts) >= count - 1:
        after = count - starred - 1
        stop = len(parts) - after
        parts = [*parts[:starred], list(parts[starred:stop]), *parts[stop:]]
    if len(parts) != count:
        error = machine.record.unread(node, f"{len(parts)} values for {count} names").error
        parts = [Unknown(error)] * count
    for one, part in zip(target.elts, parts, strict=True):
        machine.bind(one.value if isinstance(one, ast.Starred) else one, part, node)


def _no_target(machine: Machine, target: ast.expr, value: Any, node: ast.AST) -> None:
    raise machine.record.unread(target, "this cannot be assigned to")


_TARGETS: Mapping[type[ast.expr], Callable[[Machine, Any, Any, ast.AST], None]] = {
    ast.Name: _bind_name, ast.Attribute: _bind_attribute, ast.Subscript: _bind_item, ast.Tuple: _bind_several,
    ast.List: _bind_several,
}  # fmt: skip


def items_of(machine: Machine, value: Any, node: ast.AST) -> Iterator[Any]:
    """The items of what a loop goes over, or that is unpacked."""
    from backprop_cli.tasks.importing.tensors import rows

    if isinstance(value, list | tuple | range | dict | str | set):
        yield from list(value) if isinstance(value, dict | set) else value
    elif isinstance(value, Tensor):
        yield from rows(machine, value, node)
    elif isinstance(value, Layer) and value.parts:
        for key, part in value.parts.items():
            if isinstance(part, Part):
                part.place(value, key)
            yield part
    elif isinstance(value, Iterator):
        yield from value
    else:
        hint = "loops run over what is constant: range(5), a list, the rows of a tensor"
        raise machine.record.unread(node, f"{kind_of(value)} cannot be gone through", hint)


def kind_of(value: Any) -> str:
    """A value in words."""
    if isinstance(value, Opaque):
        return value.what
    if isinstance(value, Library):
        return value.path
    words = {Tensor: "a tensor", Number: "a number", Function: "a function", Instance: "an object", Class: "a class"}
    return words.get(type(value), f"a value of type {type(value).__name__}")


# ── statements ───────────────────────────────────────────────────────────────────────────────────


def _assign(machine: Machine, node: ast.Assign) -> None:
    if machine.answers is not None:
        machine.answers.begin(node.targets[0])
    if training.is_update(node):
        training.left_out(machine, node)
        return
    value = _attempt(machine, node.value)
    for target in node.targets:
        _bind_attempt(machine, target, value, node)


def _annotated(machine: Machine, node: ast.AnnAssign) -> None:
    if node.value is not None:
        _bind_attempt(machine, node.target, _attempt(machine, node.value), node)


def _attempt(machine: Machine, node: ast.expr) -> Any:
    try:
        return machine.value(node)
    except Unread as caught:
        training.note_failed(machine, node, caught.error)
        return Unknown(caught.error)


def _bind_attempt(machine: Machine, target: ast.expr, value: Any, node: ast.stmt) -> None:
    try:
        machine.bind(target, value, node)
    except Unread as caught:
        poison(machine, target, caught.error)


def poison(machine: Machine, target: ast.expr, error: SpecError) -> None:
    """What a statement that cannot be read would have changed is unknown from now on."""
    if isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            poison(machine, one, error)
    elif isinstance(target, ast.Name):
        machine.frame.put(target.id, Unknown(error))
    elif isinstance(target, ast.Subscript | ast.Attribute):
        try:
            owner = machine.value(target.value)
        except Unread:
            return
        if isinstance(owner, Tensor):
            owner.broken = error
        elif isinstance(owner, Instance) and isinstance(target, ast.Attribute):
            owner.names[target.attr] = Unknown(error)


def _augmented(machine: Machine, node: ast.AugAssign) -> None:
    if machine.answers is not None:
        machine.answers.begin(node.target, node)
    if training.is_update(node):
        training.left_out(machine, node)
        return
    try:
        old = machine.value(_loaded(node.target))
        value = machine.value(ast.copy_location(ast.BinOp(_loaded(node.target), node.op, node.value), node))
        if isinstance(old, list) and isinstance(value, list):
            old[:] = value
            return
        if isinstance(old, Tensor) and isinstance(value, Tensor) and isinstance(node.target, ast.Name | ast.Attribute):
            from backprop_cli.tasks.importing.methods import family_of
            from backprop_cli.tasks.importing.writing import replace_whole

            if family_of(machine) == "numpy" and machine.record.shape(old, node) == ():  # numpy's scalars do not change
                machine.bind(node.target, value, node)
                return
            base = node.target.id if isinstance(node.target, ast.Name) else node.target.attr
            replace_whole(machine, old, value, base, node)
            return
    except Unread as caught:
        poison(machine, node.target, caught.error)
        return
    _bind_attempt(machine, node.target, value, node)


def _loaded(target: ast.expr) -> ast.expr:
    made: ast.expr = target
    if isinstance(target, ast.Name):
        made = ast.Name(target.id, ast.Load())
    elif isinstance(target, ast.Attribute):
        made = ast.Attribute(target.value, target.attr, ast.Load())
    elif isinstance(target, ast.Subscript):
        made = ast.Subscript(target.value, target.slice, ast.Load())
    return ast.copy_location(made, target)


def _expression(machine: Machine, node: ast.Expr) -> None:
    if isinstance(node.value, ast.Constant):
        return
    try:
        machine.value(node.value)
    except Unread as caught:
        training.note_failed(machine, node.value, caught.error)
        if isinstance(node.value, ast.Call):
            training.note_unread(machine, node, caught.error)


def _if(machine: Machine, node: ast.If) -> None:
    try:
        chosen = truth(machine, machine.value(node.test), node.test)
    except Unread as caught:
        _unknown_block(machine, [*node.body, *node.orelse], caught.error)
        return
    machine.run(node.body if chosen else node.orelse)


def truth(machine: Machine, value: Any, node: ast.AST) -> bool:
    """Whether a value is true.

    Raises:
        Unread: it is a tensor, or something else whose truth is not known.
    """
    value = plain(value)
    if isinstance(value, Tensor):
        from backprop_cli.tasks.importing.tensors import known_number

        number = known_number(value)
        if number is None:
            raise machine.record.unread(node, "a condition depends on a tensor's value, which is not known here",
                                        "keep the branch that is meant")  # fmt: skip
        return bool(number)
    if isinstance(value, Unknown | Opaque):
        raise machine.record.unread(node, f"the truth of {kind_of(value)} is not known")
    if isinstance(value, Function | Class | Instance | Layer | Library | Builtin):
        return True
    return bool(value)


def _unknown_block(machine: Machine, body: list[ast.stmt], error: SpecError) -> None:
    """Statements of which nobody knows whether they run: what they would assign is unknown, if it is used."""
    for statement in body:
        for part in ast.walk(statement):
            name = _changed(part)
            if name is not None:
                machine.frame.put(name, Unknown(error))
            elif isinstance(part, ast.Return):
                raise Returned(Unknown(error))
            elif isinstance(part, ast.Break | ast.Continue):
                raise Unread(error)  # the loop around it is as unknown


_CHANGING: Final = frozenset(
    {"append", "extend", "insert", "update", "add", "pop", "sort", "reverse", "clear", "remove"}
)


def _changed(part: ast.AST) -> str | None:
    """The name that a part of a statement binds, or whose object it changes."""
    if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
        return part.id
    owner: ast.expr | None = None
    if isinstance(part, ast.Subscript | ast.Attribute) and isinstance(part.ctx, ast.Store):
        owner = part.value
    elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
        owner = part.func.value if part.func.attr in _CHANGING or part.func.attr.endswith("_") else None
    while isinstance(owner, ast.Subscript):
        owner = owner.value
    return owner.id if isinstance(owner, ast.Name) and owner.id != "self" else None


def _for(machine: Machine, node: ast.For) -> None:
    try:
        over = machine.value(node.iter)
        items = items_of(machine, over, node.iter)
        _rounds(machine, node, items)
    except Unread as caught:
        if training.trains(node):
            _first_round(machine, node, Unknown(caught.error))
            return
        _unknown_loop(machine, [node], caught.error)


def _spent(machine: Machine, node: ast.AST, since: int) -> None:
    """A loop that takes too many steps is given up: what it would assign is unknown.

    Raises:
        Unread: it does.
    """
    if machine.steps - since > MAX_LOOP_STEPS:
        raise machine.record.unread(node, "a loop that goes on too long to be unrolled", "make it shorter")


def _rounds(machine: Machine, node: ast.For, items: Iterator[Any]) -> None:
    only_first = training.trains(node)
    since = machine.steps
    for count, item in enumerate(items):
        if count >= MAX_ROUNDS:
            raise machine.record.unread(node, f"a loop of more than {MAX_ROUNDS:,} rounds", "make it shorter")
        machine.step(node)
        _spent(machine, node, since)
        if only_first:
            _first_round(machine, node, item)
            return
        machine.bind(node.target, item, node)
        try:
            machine.run(node.body)
        except Broken:
            return
        except Continued:
            continue
    machine.run(node.orelse)


def _first_round(machine: Machine, node: ast.For | ast.While, item: Any) -> None:
    machine.record.note(node, "of the training loop the first round is read")
    if isinstance(node, ast.For):
        machine.bind(node.target, item, node)
    with suppress(Broken, Continued):
        machine.run(node.body)


def _while(machine: Machine, node: ast.While) -> None:
    if training.trains(node):
        _first_round(machine, node, None)
        return
    count, since = 0, machine.steps
    try:
        while truth(machine, machine.value(node.test), node.test):
            count += 1
            if count > MAX_ROUNDS:
                raise machine.record.unread(node, f"a loop of more than {MAX_ROUNDS:,} rounds", "make it shorter")
            machine.step(node)
            _spent(machine, node, since)
            try:
                machine.run(node.body)
            except Broken:
                return
            except Continued:
                continue
    except Unread as caught:
        _unknown_loop(machine, node.body, caught.error)


def _unknown_loop(machine: Machine, body: list[ast.stmt], error: SpecError) -> None:
    """A loop of which nobody knows how often it runs; its `break`s are its own."""
    with suppress(Unread):
        _unknown_block(machine, body, error)
    for name in filter(None, (_changed(part) for statement in body for part in ast.walk(statement))):
        machine.frame.put(name, Unknown(error))


def _function(machine: Machine, node: ast.FunctionDef) -> None:
    machine.frame.put(node.name, function_of(machine, node))


def function_of(machine: Machine, node: ast.FunctionDef) -> Any:
    """A `def` as a value."""
    made = Function(node.name, node, machine.frame, defaults_of(machine, node))
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in {"staticmethod", "classmethod", "property"}:
            made.mark = name
        elif name not in training.HARMLESS_DECORATORS:
            made.refused = machine.record.unread(decorator, f"what the decorator {name or '?'} does is not known",
                                                 "import the function without it").error  # fmt: skip
    return made


def defaults_of(machine: Machine, node: ast.FunctionDef | ast.Lambda) -> dict[str, Any]:
    """The default values of a function's arguments."""
    found: dict[str, Any] = {}
    arguments = [*node.args.posonlyargs, *node.args.args]
    given = zip(arguments[len(arguments) - len(node.args.defaults) :], node.args.defaults, strict=True)
    pairs = [*given, *((a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d)]
    for argument, default in pairs:
        found[argument.arg] = _attempt(machine, default)
    return found


def _class(machine: Machine, node: ast.ClassDef) -> None:
    bases = tuple(_attempt(machine, base) for base in node.bases)
    frame = Frame(machine.frame, inside=True)
    with machine.within(frame, node):
        machine.run(node.body)
    for value in frame.names.values():
        if isinstance(value, Function):
            value.frame = machine.frame
    machine.frame.put(node.name, Class(node.name, node, bases, frame.names))


def _return(machine: Machine, node: ast.Return) -> None:
    raise Returned(None if node.value is None else _attempt(machine, node.value))


def _with(machine: Machine, node: ast.With) -> None:
    off = 0
    for item in node.items:
        value = _attempt(machine, item.context_expr)
        off += isinstance(value, Opaque) and value.what == "no_grad"
        if item.optional_vars is not None:
            _bind_attempt(machine, item.optional_vars, value, node)
    machine.off += off
    try:
        machine.run(node.body)
    finally:
        machine.off -= off


def _try(machine: Machine, node: ast.Try) -> None:
    machine.run(node.body)
    machine.run(node.orelse)
    machine.run(node.finalbody)


def _import(machine: Machine, node: ast.Import) -> None:
    for alias in node.names:
        name = alias.asname or alias.name.partition(".")[0]
        machine.frame.put(name, Library(alias.name if alias.asname else name))


def _import_from(machine: Machine, node: ast.ImportFrom) -> None:
    for alias in node.names:
        if alias.name != "*":
            machine.frame.put(alias.asname or alias.name, Library(f"{node.module or ''}.{alias.name}"))
            continue
        machine.frame.names.setdefault("*", []).append(node.module or "")


def _scope(machine: Machine, node: ast.Global | ast.Nonlocal) -> None:
    frame = machine.frame
    home = frame
    while home.outer is not None and (isinstance(node, ast.Global) or home is frame):
        home = home.outer
    for name in node.names:
        frame.shared[name] = home


def _delete(machine: Machine, node: ast.Delete) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            machine.frame.names.pop(target.id, None)


def _nothing(machine: Machine, node: ast.stmt) -> None:
    """`pass`, and what says nothing about numbers."""


def _break(machine: Machine, node: ast.Break) -> None:
    raise Broken


def _continue(machine: Machine, node: ast.Continue) -> None:
    raise Continued


def _raise(machine: Machine, node: ast.Raise) -> None:
    raise Returned(Unknown(machine.record.unread(node, "the program raises an error here").error))


def _refused(machine: Machine, node: ast.stmt) -> None:
    error = machine.record.unread(node, f"a statement of this kind is not read: {type(node).__name__.lower()}").error
    names = [node.name] if isinstance(node, ast.AsyncFunctionDef) else []
    names += [p.id for p in ast.walk(node) if isinstance(p, ast.Name) and isinstance(p.ctx, ast.Store)]
    for name in names:
        machine.frame.put(name, Unknown(error))


_STATEMENTS: Mapping[type[ast.stmt], Callable[[Machine, Any], None]] = {
    ast.Assign: _assign, ast.AnnAssign: _annotated, ast.AugAssign: _augmented, ast.Expr: _expression, ast.If: _if,
    ast.For: _for, ast.While: _while, ast.FunctionDef: _function, ast.ClassDef: _class, ast.Return: _return,
    ast.With: _with, ast.Try: _try, ast.Import: _import, ast.ImportFrom: _import_from, ast.Global: _scope,
    ast.Nonlocal: _scope, ast.Delete: _delete, ast.Pass: _nothing, ast.Assert: _nothing, ast.Break: _break,
    ast.Continue: _continue, ast.Raise: _raise,
}  # fmt: skip
