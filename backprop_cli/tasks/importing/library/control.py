"""JAX's loops and branches that are functions, `lax.scan` and its kind, each as the program that JAX says it is."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays.asked import truth
from backprop_cli.tasks.importing.data.starts import Row
from backprop_cli.tasks.importing.networks.written_out import definition_of
from backprop_cli.tasks.importing.state.nested import each
from backprop_cli.tasks.importing.state.values import Builtin, Library, Unread

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

SOURCE: Final = '''
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    count = length if xs is None else len(jax.tree.leaves(xs)[0])
    carry, found = init, []
    for i in range(count)[::-1] if reverse else range(count):
        carry, y = f(carry, jax.tree.map(lambda x: x[i], xs))
        found.append(y)
    return carry, jax.tree.map(lambda *ys: jnp.stack(list(ys)), *(found[::-1] if reverse else found))


def map(f, xs, batch_size=None):
    return scan(lambda _, x: (None, f(x)), None, xs)[1]


def associative_scan(fn, elems, reverse=False, axis=0):
    if axis != 0:
        unread("associative_scan along another axis")
    count = len(jax.tree.leaves(elems)[0])
    rows = [jax.tree.map(lambda x: x[i:i + 1], elems) for i in (range(count)[::-1] if reverse else range(count))]
    found = rows[:1]
    for row in rows[1:]:
        found.append(fn(found[-1], row))
    return jax.tree.map(lambda *parts: jnp.concatenate(list(parts)), *(found[::-1] if reverse else found))


def fori_loop(lower, upper, body_fun, init_val, unroll=None):
    for i in range(lower, upper):
        init_val = body_fun(i, init_val)
    return init_val


def while_loop(cond_fun, body_fun, init_val):
    while cond_fun(init_val):
        init_val = body_fun(init_val)
    return init_val


def cond(pred, true_fun, false_fun, *operands):
    if is_known(pred):
        return true_fun(*operands) if pred else false_fun(*operands)
    return jax.tree.map(lambda a, b: jnp.where(pred, a, b), true_fun(*operands), false_fun(*operands))


def switch(index, branches, *operands):
    return branches[min(max(index, 0), len(branches) - 1)](*operands)
'''


def _is_known(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """Whether a condition can be decided here."""
    try:
        truth(machine, given[0], node)
    except Unread:
        return False
    return True


def _leaves(machine: Machine, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    """`jax.tree.leaves(params)`."""
    found: list[object] = []
    each(lambda _, one: found.append(one), given[0])
    return found


def _written(name: str) -> Row:
    def run(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
        names = {"jax": Library("jax"), "jnp": Library("jax.numpy"), "is_known": Builtin("is_known", _is_known)}
        if name == "map":
            names["scan"] = definition_of(machine, SOURCE, "scan", names, node)
        return machine.called(definition_of(machine, SOURCE, name, names, node), given, named, node)

    return run


CONTROL: Final[Mapping[str, Row]] = {
    **{f"jax.lax.{name}": _written(name) for name in ("scan", "map", "associative_scan", "fori_loop", "while_loop",
                                                      "cond", "switch")},
    **dict.fromkeys(("jax.tree.leaves", "jax.tree_leaves", "jax.tree_util.tree_leaves"), _leaves),
    **dict.fromkeys(("jax.checkpoint", "jax.remat"), lambda m, g, k, n: g[0]),
    **dict.fromkeys(("torch.utils.checkpoint.checkpoint",), lambda m, g, k, n: m.called(g[0], g[1:], {}, n)),
}  # fmt: skip
