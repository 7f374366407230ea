"""Hooks of modules: functions of the program that see, or replace, what comes in and what goes out."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.state.objects import Bound, Function
from backprop_cli.tasks.importing.state.values import Handle, Hook, Part, Unread

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def hooked(machine: Machine, part: Any, run: Callable[..., Any], given: list[object], named: dict[str, object],
           node: ast.AST) -> Any:
    """What a module gives, with its hooks.

    Raises:
        Unread: it has a hook that is not read.
    """
    if part.refused is not None:
        raise Unread(part.refused)
    for hook in list(part.before):
        found = machine.called(hook.function, hook.sees(part, given, named), {}, node)
        if found is not None and hook.with_kwargs:
            given, named = list(found[0]), dict(found[1])
        elif found is not None:
            given = list(found) if isinstance(found, tuple) else [found]
    result = run(machine, part, given, named, node)
    for hook in list(part.after):
        found = machine.called(hook.function, [*hook.sees(part, given, named), result], {}, node)
        result = result if found is None else found
    return result


def _registered(machine: Machine, part: Any, given: list[object], node: ast.AST, *, slot: str) -> Handle:
    """`layer.register_forward_hook(f)`: f(layer, inputs, output), whose value, if it gives one, is the output."""
    function, first, with_kwargs = (*given, False, False)[:3]
    hooks: list[Hook] = getattr(part, slot)
    hook = Hook(function, bool(with_kwargs))
    hooks.insert(0 if first else len(hooks), hook)
    return Handle(partial(_taken_off, hooks, hook))


def _taken_off(hooks: list[Hook], hook: Hook) -> None:
    if hook in hooks:
        hooks.remove(hook)


def _of_gradients(machine: Machine, part: Part, given: list[object], node: ast.AST) -> Handle:
    """`layer.register_full_backward_hook(f)`: one that only looks changes nothing."""
    hook = given[0].function if isinstance(given[0], Bound) else given[0]
    body = hook.node.body if isinstance(hook, Function) and isinstance(hook.node, ast.FunctionDef) else None
    returns = body is None or any(isinstance(one, ast.Return) and one.value is not None
                                  for statement in body for one in ast.walk(statement))  # fmt: skip
    if returns:
        part.refused = machine.record.unread(node, "a module's backward hook that gives a gradient is not read",
                                             "hook the tensor: x.register_hook(f)").error  # fmt: skip
    return Handle(lambda: setattr(part, "refused", None))


HOOKS: Final[Mapping[str, Callable[..., object]]] = {
    "register_forward_hook": partial(_registered, slot="after"),
    "register_forward_pre_hook": partial(_registered, slot="before"),
    **dict.fromkeys(("register_backward_hook", "register_full_backward_hook", "register_full_backward_pre_hook"),
                    _of_gradients),
}  # fmt: skip
"""The methods of modules that register hooks."""
