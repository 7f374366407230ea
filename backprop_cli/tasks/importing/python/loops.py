"""Loops, unrolled; of what runs nobody knows how often, what it would assign is unknown."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from backprop_cli.errors import SpecError
from backprop_cli.tasks.importing.arrays.asked import items_of, truth
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.state.machine import Broken, Continued, Machine, Returned
from backprop_cli.tasks.importing.state.values import Unknown, Unread

MAX_LOOP_STEPS: Final = 60_000
MAX_ROUNDS: Final = 2_000


def unknown_block(machine: Machine, body: list[ast.stmt], error: SpecError) -> None:
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


def for_(machine: Machine, node: ast.For) -> None:
    """A loop over what is constant, unrolled; of a training loop the first round."""
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


def _rounds(machine: Machine, node: ast.For, items: Iterator[object]) -> None:
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


def _first_round(machine: Machine, node: ast.For | ast.While, item: object) -> None:
    machine.record.note(node, "of the training loop the first round is read")
    if isinstance(node, ast.For):
        machine.bind(node.target, item, node)
    with suppress(Broken, Continued):
        machine.run(node.body)


def while_(machine: Machine, node: ast.While) -> None:
    """A loop as long as its condition is known to hold."""
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
        unknown_block(machine, body, error)
    for name in filter(None, (_changed(part) for statement in body for part in ast.walk(statement))):
        machine.frame.put(name, Unknown(error))
