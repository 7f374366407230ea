"""What a model holds: its modules and its params, in PyTorch's order and by the names that PyTorch gives them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.networks.params import names_of, param
from backprop_cli.tasks.importing.state.nested import each
from backprop_cli.tasks.importing.state.objects import Bound, Instance, Layer
from backprop_cli.tasks.importing.state.values import Hook, Part, Tensor, Unknown, Unread

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def held(owner: object) -> dict[str, object]:
    """What a module holds, by its names."""
    return owner.names if isinstance(owner, Instance) else owner.parts if isinstance(owner, Layer) else {}


def children(owner: object) -> Iterator[tuple[str, Part]]:
    """The modules that a module holds itself.

    Raises:
        Unread: one of them could not be read.
    """
    for name, one in held(owner).items():
        if isinstance(one, Unknown):
            raise Unread(one.error)
        if isinstance(owner, Instance) and isinstance(one, list) and owner.kind.is_keras:  # it looks into lists
            yield from ((f"{name}.{position}", part) for position, part in enumerate(one) if isinstance(part, Part))
        if isinstance(one, Layer) or isinstance(one, Instance) and any(one.kind.roots()):
            assert isinstance(owner, Part)
            one.place(owner, name)
            yield name, one


def modules(owner: Part, prefix: str = "") -> Iterator[tuple[str, Part]]:
    """A module and all below it, each before its parts."""
    yield prefix, owner
    for name, one in children(owner):
        yield from modules(one, f"{prefix}.{name}".lstrip("."))


def params(machine: Machine, owner: Part, node: ast.AST) -> Iterator[tuple[str, Tensor]]:
    """The params of a module and of all below it, each once, as they are asked for."""
    met: list[Tensor] = []
    for prefix, one in modules(owner):
        for name, tensor in _own(machine, one, node):
            if all(tensor is not other for other in met):
                met.append(tensor)
                yield f"{prefix}.{name}".lstrip("."), tensor


def _own(machine: Machine, owner: Part, node: ast.AST) -> Iterator[tuple[str, Tensor]]:
    for name, one in held(owner).items():
        if isinstance(one, Tensor) and one.param:
            yield name, machine.named(one, name, node)
    if isinstance(owner, Layer):
        for name in names_of(owner):
            found = param(machine, owner, name, node)
            if found is not None:
                yield name, found


def loaded(machine: Machine, owner: Part, given: object, node: ast.AST) -> None:
    """`target.load_state_dict(model.state_dict())`: the params start from the same numbers.

    Raises:
        Unread: what is loaded is not known here.
    """
    if not isinstance(given, dict):
        raise machine.record.unread(node, "the numbers that are loaded are not known: params start from others here")
    for name, tensor in params(machine, owner, node):
        source = given.get(name)
        old, new = tensor.begins, source.begins if isinstance(source, Tensor) else None
        if old is None or new is None:
            raise machine.record.unread(node, f"what is loaded into {name} is not known")
        old.rule, old.options, old.data = new.rule, dict(new.options), deepcopy(new.data)


def copied(value: Any) -> Any:
    """`copy.deepcopy`: modules and leaves of their own, which start from the same numbers."""
    return each(_copy, value)


def _copy(_: str, value: Any) -> Any:
    if isinstance(value, Instance):
        made = Instance(kind=value.kind)
        made.names = copied(value.names)
        _rehomed(made)
        return _hooked_alike(made, value)
    if isinstance(value, Layer):
        return _hooked_alike(Layer(kind=value.kind, given=value.given, params=copied(value.params),
                                   parts=copied(value.parts), more=value.more, normed=value.normed), value)  # fmt: skip
    start = value.begins if isinstance(value, Tensor) else None
    if start is None:
        return value
    return Tensor(None, start=deepcopy(start), kind=value.kind, param=value.param, grad=value.grad, home=value.home)


def _hooked_alike(made: Part, value: Part) -> Part:
    """A copy has the hooks of what it is copied from, and is as far in training; a method among them is the copy's."""
    made.training, made.refused = value.training, value.refused
    for mine, theirs in ((made.before, value.before), (made.after, value.after)):
        for hook in theirs:
            function = hook.function
            if isinstance(function, Bound):
                function = Bound(function.function, made if function.owner is value else copied(function.owner))
            mine.append(Hook(function, hook.with_kwargs))
    return made


def _rehomed(owner: Instance) -> None:
    """The parts and params of a copy are the copy's."""
    for name, one in owner.names.items():
        if isinstance(one, Tensor) and one.param and one.fresh:
            one.home = (owner, name, one.home[2] if one.home is not None else ast.Constant(0))
        for key, part in enumerate(one) if isinstance(one, list) else [("", one)]:
            if isinstance(part, Part):
                part.place(owner, f"{name}.{key}".rstrip("."))
