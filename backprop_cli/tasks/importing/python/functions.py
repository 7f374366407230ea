"""Functions of the program: their bodies are read where they are called."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.data.starts import start_of
from backprop_cli.tasks.importing.library.arguments import bound
from backprop_cli.tasks.importing.python.contexts import context_of
from backprop_cli.tasks.importing.python.unknown import parts_run
from backprop_cli.tasks.importing.state.machine import MAX_YIELDED, Enough, Returned
from backprop_cli.tasks.importing.state.objects import (
    Bound,
    Frame,
    Function,
    Instance,
)
from backprop_cli.tasks.importing.state.values import (
    Draw,
    Tensor,
    Unknown,
    Unread,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def inline(machine: Machine, function: Function, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """Read a function's body with these arguments."""
    if function.refused is not None:
        raise Unread(function.refused)
    if function.name == "draw" and len(given) == 2 and isinstance(given[0], int) and isinstance(given[1], str):
        return Draw(given[0], given[1])  # the helper that our own exports carry
    frame = Frame(function.frame, inside=True)
    frame.names.update(bound(machine, function, given, named, node))
    if function.mark == "contextmanager":
        return context_of(machine, function, frame, node)
    if machine.answers is not None:
        frame.hidden = machine.answers.other(frame.names)
        machine.answers.called.add(function.name)
    with machine.within(frame, node, function.off):
        if isinstance(function.node, ast.Lambda):
            return machine.value(function.node.body)
        frame.yielded = [] if _generates(function.node.body) else None
        try:
            machine.run(function.node.body)
        except Returned as done:
            return done.value if frame.yielded is None else iter(frame.yielded)
        except Enough:
            assert frame.yielded is not None
            error = machine.record.unread(node, f"{function.name} gives more than {MAX_YIELDED} items").error
            frame.yielded.append(Unknown(error))
    return None if frame.yielded is None else iter(frame.yielded)


def _generates(body: list[ast.stmt]) -> bool:
    """Whether a function of this body is a generator; what functions in it do is their own."""
    return any(isinstance(part, ast.Yield | ast.YieldFrom) for statement in body for part in parts_run(statement))


def own_draw(machine: Machine, owner: Draw, law: str, given: list[Any], node: ast.AST) -> Tensor:
    """`draw(0, 'W').normal(0.0, 1.0, (3, 4))`: what a spec says by `{shape: [3, 4], init: normal, seed: 0}`."""
    names = {"normal": ("mean", "std"), "uniform": ("low", "high")}.get(law)
    if names is None or len(given) != 3:
        raise machine.record.unread(node, f"a draw by {law!r} is not read")
    options = {names[0]: float(plain(given[0])), names[1]: float(plain(given[1])), "seed": owner.seed}
    return start_of(machine, tuple(given[2]), law, options)


def method(machine: Machine, function: Function, owner: object, node: ast.AST) -> Any:
    """A function of a class, as an attribute of its object."""
    if function.mark == "property":
        return inline(machine, function, [owner], {}, node)
    if function.mark == "staticmethod":
        return function
    return Bound(function, owner.kind if function.mark == "classmethod" and isinstance(owner, Instance) else owner)
