"""`jax.custom_vjp`: a function of JAX with the backward pass that its author wrote, read as PyTorch's are."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.networks import own_functions
from backprop_cli.tasks.importing.networks.written_out import definition_of
from backprop_cli.tasks.importing.state.objects import Function
from backprop_cli.tasks.importing.state.values import Builtin

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

SOURCE: Final = '''
class custom_vjp:
    def __init__(self, f, nondiff_argnums=(), nondiff_argnames=()):
        self.f, self.fwd, self.bwd, self.rule = f, None, None, None
        self.plain = not nondiff_argnums and not nondiff_argnames

    def defvjp(self, fwd, bwd, symbolic_zeros=False, optimize_remat=False):
        self.fwd, self.bwd = fwd, bwd

    def __call__(self, *args):
        return ruled(self, args)
'''
_RULE: Final = """
class {name}:
    def forward(ctx, {args}):
        out, ctx.residuals = fwd({args})
        return out

    def backward(ctx, g):
        return bwd(ctx.residuals, g)
"""


def custom_vjp(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`@jax.custom_vjp`."""
    kind = definition_of(machine, SOURCE, "custom_vjp", {"ruled": Builtin("ruled", _ruled)}, node)
    return machine.called(kind, given, named, node)


def _ruled(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    """A call: by the rule, or within the rule itself, as the function does it."""
    names, args = given[0].names, list(given[1])
    function = names["f"]
    if not names["plain"] or names["fwd"] is None or not isinstance(function, Function):
        raise machine.record.unread(node, "a custom_vjp with nondiff_argnums, or without defvjp, is not read",
                                    "give every argument a gradient: None where there is none")  # fmt: skip
    if names["rule"] is None:
        slots = ", ".join(a.arg for a in function.node.args.args)
        source = _RULE.format(name=function.name, args=slots)
        rules = {"fwd": names["fwd"], "bwd": names["bwd"]}
        names["rule"] = definition_of(machine, source, function.name, rules, node)
    if names["rule"] in machine.reading:
        return machine.called(function, args, {}, node)
    return own_functions.apply(machine, names["rule"], args, node)
