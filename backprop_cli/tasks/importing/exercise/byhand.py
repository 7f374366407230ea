"""What a program that works its gradients out by hand says of them: their names, where they start, what clips them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.language.expression import Call, Expression, Number, Unary
from backprop_cli.language.python.backward import gradient_of
from backprop_cli.tasks.importing.arrays.literals import data_of
from backprop_cli.tasks.importing.arrays.tensors import flat_of
from backprop_cli.tasks.importing.exercise.exercises import Exercise, Start, guessed_exercise, reachable
from backprop_cli.tasks.importing.state.codes import call, named
from backprop_cli.tasks.importing.state.record import Record, leaf_of
from backprop_cli.tasks.importing.state.values import Item, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_PASS = re.compile(r"_pass_(\d+)$")
_OUT: Final = frozenset({"out", "output"})
"""What everybody calls the output of whatever it is."""
_Seed = tuple[Item, Any, str]  # the node, what it starts from, its pass


def seeded_exercise(machine: Machine) -> Exercise | None:
    """The exercise of a program whose gradients start from what it says: `dout = np.ones((3, 3))`.

    None where they start from a scalar's 1, as they do unless something else is said.
    """
    record = machine.record
    found = [one for name, value in machine.frame.names.items() if (one := _seed(record, name, value)) is not None]
    found = [one for one in found if not any(_is_below(record, one, other) for other in found)]
    if not found or len(found) == 1 and found[0][0].shape == () and data_of(found[0][1]) == 1:
        return None
    starts = tuple(Start(named(item.name), seed, None) for item, seed, _ in found)
    return guessed_exercise(record, found[-1][0], starts)


def _seed(record: Record, name: str, value: Any) -> _Seed | None:
    """The node that a name is the gradient of, where its value rests on nothing that is computed."""
    part = _PASS.search(name)
    of = gradient_of(ast.Name(_PASS.sub("", name), ast.Load()))
    nodes = [item for item in record.items.values() if item.base == of and item.what == "node"] or \
        _outputs(record, of, value)
    numbers = plain(value) if is_number(value) else data_of(value) if isinstance(value, Tensor) else None
    if not nodes or numbers is None or not any(flat_of(numbers)):
        return None
    seed = leaf_of((), data=float(numbers)) if is_number(numbers) else value
    return (nodes[-1], seed, part[1] if part else "") if record.shape(seed, ast.Pass()) == nodes[-1].shape else None


def _outputs(record: Record, of: str | None, value: Any) -> list[Item]:
    """What stands before `dout = np.random.randn(*h.shape)`, of that shape, where nothing is called `out`."""
    if of not in _OUT or not isinstance(value, Tensor) or value.item is None:
        return []
    return [item for item in record.items.values()
            if item.what == "node" and item.line < value.item.line and item.shape == value.item.shape]  # fmt: skip


def _is_below(record: Record, one: _Seed, other: _Seed) -> bool:
    """Whether the other's node rests on this one's, in the same pass: then this gradient is no beginning."""
    if one is other or one[2] != other[2] or one[0] is other[0] or other[0].code is None:
        return False
    return one[0] in reachable(record, [other[0].code], {})


def hooks_named(record: Record) -> None:
    """`dz = np.clip(..., -1, 1)`: a gradient is clipped on its way, which is what a hook does.

    No rule of differentiation clips, so that nothing else is meant.
    """
    nodes = {item.base: item for item in record.items.values() if item.what == "node"}
    for item in record.items.values():
        of = nodes.get(gradient_of(ast.Name(item.base, ast.Load())) or "")
        if of is not None and (ends := _clipped(item.code)) is not None:
            record.hooks[of.name] = call("clip", named("grad"), *ends)


def _clipped(code: Expression | None) -> tuple[Expression, ...] | None:
    """The ends that an expression clips to, where they are numbers."""
    if not isinstance(code, Call) or code.function != "clip" or len(code.arguments) != 3:
        return None
    ends = tuple(argument.value for argument in code.arguments[1:])
    bare = [end.operand if isinstance(end, Unary) else end for end in ends]
    return ends if all(isinstance(end, Number) for end in bare) else None


def seeds_named(tree: tuple[ast.stmt, ...]) -> set[str]:
    """The names whose gradient a program says is 1: where its backward pass starts, `grad_f = 1`, `dloss = 1.0`."""
    ones = [s for s in tree if isinstance(s, ast.Assign) and isinstance(s.value, ast.Constant) and s.value.value == 1]
    return {name for statement in ones for target in statement.targets if (name := gradient_of(target))}


def gradients_named(tree: Iterator[ast.stmt] | tuple[ast.stmt, ...]) -> set[str]:
    """The names whose gradient a program assigns: `W1` of `dW1 = ...`, `grads["W1"] = ...`, `W1_grad = ...`."""
    found: set[str] = set()
    for statement in tree:
        for part in ast.walk(statement):
            targets = part.targets if isinstance(part, ast.Assign) else ()
            targets = [part.target] if isinstance(part, ast.AugAssign) else targets
            for target in targets:
                parts = target.elts if isinstance(target, ast.Tuple) else [target]
                found |= {name for one in parts if (name := gradient_of(one))}
    return found
