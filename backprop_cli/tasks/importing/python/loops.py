"""Loops, unrolled; of what runs nobody knows how often, what it would assign is unknown."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from backprop_cli.errors import SpecError
from backprop_cli.tasks.importing.arrays.asked import items_of, truth
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.exercise.descent import descended
from backprop_cli.tasks.importing.python.unknown import changed, parts_run, unknown_block
from backprop_cli.tasks.importing.state.machine import Broken, Continued, Machine
from backprop_cli.tasks.importing.state.values import Unknown, Unread

MAX_LOOP_STEPS: Final = 60_000
MAX_ROUNDS: Final = 2_000
FIRST: Final = "of the training loop the first round is read"


def loop(machine: Machine, node: ast.For | ast.While) -> None:
    """A loop over what is constant, or while a condition is known to hold, unrolled; a training loop once."""
    try:
        _rounds(machine, node, _items(machine, node))
    except Unread as caught:
        if training.trains(machine, node):
            _first_round(machine, node, Unknown(caught.error))
            return
        _unknown_loop(machine, node, caught.error)


def _items(machine: Machine, node: ast.For | ast.While) -> Iterator[object]:
    if isinstance(node, ast.For):
        yield from items_of(machine, machine.value(node.iter), node.iter)
        return
    while truth(machine, machine.value(node.test), node.test):
        yield None


def _spent(machine: Machine, node: ast.AST, since: int) -> None:
    """A loop that takes too many steps is given up: what it would assign is unknown.

    Raises:
        Unread: it does.
    """
    if machine.steps - since > MAX_LOOP_STEPS:
        raise machine.record.unread(node, "a loop that goes on too long to be unrolled", "make it shorter")


def _rounds(machine: Machine, node: ast.For | ast.While, items: Iterator[object]) -> None:
    only_first = training.trains(machine, node)
    since, before, stepped = machine.steps, len(machine.record.items), len(machine.record.stepped)
    for count, item in enumerate(items):
        if count >= MAX_ROUNDS:
            raise machine.record.unread(node, f"a loop of more than {MAX_ROUNDS:,} rounds", "make it shorter")
        machine.step(node)
        _spent(machine, node, since)
        if only_first:
            _first_round(machine, node, item)
            descended(machine, before)
            return
        _bind(machine, node, item)
        try:
            machine.run(node.body)
        except Broken:
            return
        except Continued:
            continue
        if count == 0 and (descended(machine, before) or len(machine.record.stepped) > stepped):
            machine.record.note(node, FIRST)
            return
    machine.run(node.orelse)


def _bind(machine: Machine, node: ast.For | ast.While, item: object) -> None:
    if isinstance(node, ast.For):
        machine.bind(node.target, item, node)


def _first_round(machine: Machine, node: ast.For | ast.While, item: object) -> None:
    machine.record.note(node, FIRST)
    _bind(machine, node, item)
    with suppress(Broken, Continued):
        machine.run(node.body)


def _unknown_loop(machine: Machine, node: ast.For | ast.While, error: SpecError) -> None:
    """A loop of which nobody knows how often it runs; its `break`s are its own."""
    with suppress(Unread):
        unknown_block(machine, [node], error)
    for name in filter(None, map(changed, parts_run(node))):
        machine.frame.put(name, Unknown(error))
