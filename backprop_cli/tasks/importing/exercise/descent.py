"""Whether the round of a loop that was just read is one of training, whatever the program calls things.

It is where leaves move along the gradient of a number that the round computes, which is worked out and compared: all by
one factor, or where they are many, each entry to its side, as Adam and its kind go.  Then the leaves are params, and
what they became is taken back: as of every loop of training, the first round is read.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from backprop_cli.errors import BackpropError
from backprop_cli.language.expression import Binary, Expression
from backprop_cli.records import dataclass, replace
from backprop_cli.tasks.importing.arrays.known import Known
from backprop_cli.tasks.importing.exercise.exercises import guessed_exercise, loss_of, reachable
from backprop_cli.tasks.importing.state.codes import name_of, named
from backprop_cli.tasks.importing.state.objects import Instance
from backprop_cli.tasks.importing.state.values import Item, Number, Tensor, Unread

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

MANY: Final = 6
"""So many entries that all go to their gradient's side do so by no accident."""
MAX_OUTPUTS: Final = 4
MAX_HELD: Final = 500


@dataclass(frozen=True, slots=True)
class _Step:
    """What a leaf became: the value, where it is held, and what was added to the leaf or taken from it."""

    leaf: Item
    value: Tensor | Number
    holder: Any
    key: object
    change: Expression


def descended(machine: Machine, since: int) -> bool:
    """Whether leaves have moved along a gradient; if so they are noted as params, and are leaves again.

    `since`: how many items there were before the round, which computes itself what it goes back from.
    """
    record = machine.record
    steps = [step for step in _steps(machine) if step.leaf.name not in record.moved]
    if not steps or machine.worked_out is None:
        return False
    new = {name for step in steps if (name := name_of(step.value.code))}
    leaves = {step.leaf.name: step for step in steps}
    notes = list(record.notes)
    found = any(_along(machine, output, leaves) for output in _outputs(machine, new, since))
    record.notes[:] = notes
    if not found:
        return False
    record.moved |= set(leaves)
    record.updated |= {step.leaf.base for step in steps}
    record.stepped |= new
    for step in steps:
        _take_back(step)
    return True


def _steps(machine: Machine) -> Iterator[_Step]:
    for holder, key, value in _held(machine.frame.names):
        code = machine.record.items[name].code if (name := name_of(value.code)) in machine.record.items else value.code
        if isinstance(code, Binary) and code.operator in {"+", "-"}:
            leaf = machine.record.items.get(name_of(code.left) or "")
            if leaf is not None and leaf.code is None and not leaf.size and leaf.kind == "float":
                yield _Step(leaf, value, holder, key, code)


def _held(names: MutableMapping[str, Any]) -> Iterator[tuple[Any, object, Tensor | Number]]:
    """The tensors and numbers that names hold, in lists, dicts and objects too, and where."""
    stack: list[Any] = [names]
    met: set[int] = set()
    while stack and len(met) < MAX_HELD:
        holder = stack.pop()
        if id(holder) in met:
            continue
        met.add(id(holder))
        for key, value in list(enumerate(holder) if isinstance(holder, list | tuple) else holder.items()):
            if isinstance(value, Tensor | Number):
                yield holder, key, value
            elif isinstance(value, Instance):
                stack.append(value.names)
            elif isinstance(value, list | tuple | dict):
                stack.append(value)


def _take_back(step: _Step) -> None:
    if isinstance(step.value, Tensor):
        step.value.code, step.value.item, step.value.known = named(step.leaf.name), step.leaf, None
    elif not isinstance(step.holder, tuple):
        step.holder[step.key] = Number(step.leaf.value, named(step.leaf.name))


def _outputs(machine: Machine, new: set[str], since: int) -> Iterator[Item]:
    """What the round may go back from: the loss by its name, else its last numbers; none rests on what is new."""
    record, found = machine.record, None
    with suppress(BackpropError, Unread):
        found = loss_of(record)
    computed = [item for item in list(record.items.values())[since:]
                if item.code is not None and item.what == "node" and not _rests(machine, item, new)]  # fmt: skip
    if found in computed:
        yield found
    scalars = [item for item in computed if item.shape == () and item is not found]
    yield from scalars[: -MAX_OUTPUTS - 1 : -1]


def _rests(machine: Machine, item: Item, new: set[str]) -> bool:
    return any(one.name in new for one in reachable(machine.record, [named(item.name)], {}))


def _along(machine: Machine, output: Item, steps: dict[str, _Step]) -> bool:
    """Whether the steps go along the gradient of an output, or all against it."""
    try:
        assert machine.worked_out is not None
        exercise = replace(guessed_exercise(machine.record, output), params=frozenset(steps))
        values, gradients = machine.worked_out(machine.record, exercise)
    except (BackpropError, Unread):
        return False
    known = Known(machine)
    known.found.update(values)
    moves, along = [], []
    for name, step in steps.items():
        after = known.of_code(step.change)
        if after is None or gradients.get(name) is None:
            return False
        moves.append(np.ravel(np.asarray(after) - values[name]))
        along.append(np.ravel(gradients[name]))
    return _agree(np.concatenate(moves), np.concatenate(along))


def _agree(moves: Any, gradient: Any) -> bool:
    still = np.abs(gradient) <= 1e-12 * np.max(np.abs(gradient), initial=0.0)
    if np.count_nonzero(~still) < 2 or np.any(np.abs(moves[still]) > 1e-9 * np.max(np.abs(moves), initial=0.0)):
        return False
    ratios = moves[~still] / gradient[~still]
    one = bool(np.all(np.abs(ratios - ratios[0]) <= 1e-6 * np.abs(ratios[0]))) and ratios[0] != 0
    return one or len(ratios) >= MANY and bool(np.all(ratios > 0) or np.all(ratios < 0))
