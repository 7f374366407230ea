"""The whole of an import: a program's bytes to the specs of its exercises."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any

from backprop_cli.errors import BackpropError, SpecError, UsageError
from backprop_cli.language.expression import Name
from backprop_cli.language.python.program import Program, read_program
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.data.given import given_by
from backprop_cli.tasks.importing.exercise.byhand import gradients_named, hooks_named, seeded_exercise, seeds_named
from backprop_cli.tasks.importing.exercise.exercises import (
    Exercise,
    exercises,
    guessed_exercise,
    loss_of,
)
from backprop_cli.tasks.importing.python import calls, classes, functions
from backprop_cli.tasks.importing.python.rules import RULES
from backprop_cli.tasks.importing.state.machine import Machine, Returned
from backprop_cli.tasks.importing.state.objects import Class, Function
from backprop_cli.tasks.importing.state.record import Note, Record
from backprop_cli.tasks.importing.state.values import Tensor, Unknown, Unread
from backprop_cli.tasks.importing.worked import worked_out
from backprop_cli.tasks.importing.written import sorted_sheet, yaml_of


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says about a program: a function of it, values and shapes of names."""

    function: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    shapes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Imported:
    """One spec that a program became."""

    text: str
    output: str
    where: str
    params: tuple[str, ...]

    @property
    def told(self) -> str:
        """The exercise on one line."""
        return f"{self.where}: from {self.output}, for {', '.join(self.params) or 'nothing'}"


def import_python(data: bytes, file: str, asked: Asked | None = None) -> tuple[Imported, ...]:
    """The specs of a program, in the order of its backward passes; at least one.

    Raises:
        SpecError: what stops the reading, at its line: the output depends on something that is not read,
        or there is none.
    """
    asked = asked or Asked()
    program = read_program(data, file)
    try:
        return _import(program, asked)
    except Unread as caught:
        raise caught.error from None
    except RecursionError:
        raise SpecError("E016", "the program nests too deep", at=program.cells[0].source.place(1, 1)) from None


def _import(program: Program, asked: Asked) -> tuple[Imported, ...]:
    record = Record(program)
    machine = Machine(record, RULES, given=given_by(asked.shapes, asked.values), worked_out=worked_out)
    record.named_gradients = gradients_named(program.body)
    record.seeded = seeds_named(program.body)
    with suppress(Returned):  # by a `raise`: what stands after it is no part of the program's run
        machine.run(program.body)
    if not record.failed:
        record.passes = record.passes or record.asked[:1]
    if asked.function is not None:
        found = _function(machine, asked.function)
    else:
        found = exercises(record, machine) or [_without_backward(machine)]
    _unused(machine)
    sound = [one for one in found if all(start.problem is None for start in one.starts)]
    if not sound:
        problem = found[0].starts[0].problem
        assert problem is not None
        raise problem
    return tuple(_written(record, one) for one in sound)


def _written(record: Record, exercise: Exercise) -> Imported:
    name = PurePath(record.program.file).name
    comments = [f"Read from {name} by 'backprop import', {exercise.where}; the program was not run."]
    if exercise.guessed:
        comments.append(f"Assumed: {exercise.guessed}.")
    comments += [f"Note: {note.text}" for note in record.notes if _concerns(note, exercise)][:40]
    text = yaml_of(record, exercise, None, comments)
    sheet = sorted_sheet(record, exercise)
    outputs = " + ".join(sheet.text(start.output) for start in exercise.starts)
    return Imported(text, outputs, exercise.where, tuple(sheet.spelled[item.name] for item in sheet.params))


def _concerns(note: Note, exercise: Exercise) -> bool:
    """Whether a note is about what an exercise reads."""
    lines = {item.line for item in exercise.items}
    if note.leaf or not note.line:
        return note.line in lines or not note.line
    return min(lines, default=0) <= note.line <= max(exercise.line, *lines, 0)


# ── programs and functions without backward() ────────────────────────────────────────────────────


def _without_backward(machine: Machine) -> Exercise:
    """The exercise of a program that calls no `backward()`."""
    broken = next(iter(machine.record.failed), None) or _broken_loss(machine)
    if broken is not None:
        raise Unread(broken)
    hooks_named(machine.record)
    seeded = seeded_exercise(machine)
    if seeded is not None:
        return seeded
    names: list[str] = [n for n, v in machine.frame.names.items() if isinstance(v, Function) and v.name != "<lambda>"]
    output = loss_of(machine.record, arrays=not names or bool(machine.record.updated))
    if output is None:
        names += [f"{n}.{m}" for n, v in machine.frame.names.items() if isinstance(v, Class) for m, f in v.names.items()
                  if isinstance(f, Function) and not m.startswith("_")]  # fmt: skip
        unknown = next((v.error for v in machine.frame.names.values() if isinstance(v, Unknown)), None)
        hint = f"name one of its functions: {', '.join(names[:6])}" if names else None
        if unknown is not None and not names:
            raise unknown
        raise SpecError("E040", "the program computes nothing to go back from",
                        at=machine.record.program.cells[0].source.place(1, 1), hint=hint)  # fmt: skip
    machine.record.note(None, f"the program calls no backward(): the output is {output.base!r}")
    return guessed_exercise(machine.record, output)


def _broken_loss(machine: Machine) -> SpecError | None:
    """Why the loss could not be read, where a name says that there is one."""
    for name in ("loss", "cost", "L", "J", "total_loss", "error"):
        value = machine.frame.names.get(name)
        if isinstance(value, Unknown):
            return value.error
    return None


def _function(machine: Machine, name: str) -> list[Exercise]:
    """The exercise of one function: what it returns, for the arguments that were given."""
    record = machine.record
    target = _found(machine, name)
    node = target.node if isinstance(target, Function) else machine.record.program.body[0]
    owner = name.rpartition(".")[0]
    before, passes = set(record.items), len(record.passes)
    if owner:
        kind = _found(machine, owner)
        instance = classes.instantiate(machine, kind, [], _arguments(machine, kind.find("__init__"), True), node)
        bound = functions.method(machine, target, instance, node)
        result = calls.called(machine, bound, [], _arguments(machine, target, True), node)
    else:
        result = calls.called(machine, target, [], _arguments(machine, target, False), node)
    if len(record.passes) > passes:
        record.passes = record.passes[passes:]
        return exercises(record, machine)
    value = result[0] if isinstance(result, tuple | list) and result else result
    if isinstance(value, Unknown):
        raise Unread(value.error)
    if isinstance(value, Tensor):
        machine.named(value, "out", node)
        assert isinstance(value.code, Name)
        return [guessed_exercise(record, record.items[value.code.name])]
    inner = [item for key, item in record.items.items() if key not in before and item.code is not None]
    if inner:
        return [guessed_exercise(record, inner[-1])]
    raise record.unread(node, f"{name} returns no tensor")


def _found(machine: Machine, name: str) -> Any:
    owner, _, last = name.rpartition(".")
    value = machine.frame.names.get(owner or last)
    if owner and isinstance(value, Class):
        value = value.find(last)
    if isinstance(value, Unknown):
        raise Unread(value.error)
    if not isinstance(value, Function | Class):
        known = [n for n, v in machine.frame.names.items() if isinstance(v, Function)]
        raise UsageError(
            "E022", f"the file has no function {name!r}", hint=f"it has {', '.join(known[:8])}" if known else None
        )
    return value


def _arguments(machine: Machine, function: object, method: bool) -> dict[str, Any]:
    """The arguments of a function that the command line gives; those with a default may stay away."""
    if not isinstance(function, Function):
        return {}
    slots = [a.arg for a in (*function.node.args.posonlyargs, *function.node.args.args, *function.node.args.kwonlyargs)]
    found: dict[str, object] = {}
    missing = []
    for slot in slots[1:] if method else slots:
        value = machine.given.get(slot, machine.frame.names.get(slot))
        if slot in machine.given:
            machine.used.add(slot)
            found[slot] = machine.named(machine.given[slot], slot, function.node)
        elif slot in function.defaults:
            continue
        elif value is not None and not isinstance(value, Unknown):
            found[slot] = value
        else:
            missing.append(slot)
    if missing:
        shapes = " ".join(f"--shape {slot}=3,4" for slot in missing)
        raise machine.record.unread(function.node, f"the shapes of {', '.join(missing)} are not known",
                                    f"give each a shape or a value: {shapes}")  # fmt: skip
    return found


def _unused(machine: Machine) -> None:
    unused = sorted(set(machine.given) - machine.used)
    if unused:
        raise UsageError("E022", f"the program has no name {unused[0]!r} to give a value", hint=None)


def chosen(found: tuple[Imported, ...], which: int | None = None, output: str | None = None) -> Imported:
    """One of several exercises: the one with that number, or with that output.

    Raises:
        UsageError: E022 where there is none, or it is not clear which.
    """
    if which is not None:
        if which > len(found):
            raise UsageError("E022", f"the program has {len(found)} backward passes; there is no pass {which}",
                             hint=outline(found).rstrip())  # fmt: skip
        return found[which - 1]
    matching = [one for one in found if output is not None and one.output == output]
    if len(found) > 1 and not matching:
        message = f"the program has {len(found)} backward passes; --pass N chooses one, import -o FOLDER/ writes all"
        raise UsageError("E022", message, hint=outline(found).rstrip())
    return (matching or list(found))[0]


def outline(found: tuple[Imported, ...]) -> str:
    """The exercises of a program, numbered, with their lines."""
    return "".join(f"{number}  {one.told}\n" for number, one in enumerate(found, start=1))


__all__ = ["Asked", "BackpropError", "Imported", "import_python", "outline"]
