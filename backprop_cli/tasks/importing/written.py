"""An exercise as the YAML of a spec: the author's names, and what was assumed as comments on top."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Call, Expression, parts
from backprop_cli.language.names import MAX_NAME, RESERVED
from backprop_cli.language.unparse import substituted, unparse
from backprop_cli.language.writer import Tree, entry, number, quoted
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.arrays.literals import data_of, filled
from backprop_cli.tasks.importing.exercise.exercises import Exercise, Start, holds_gradient
from backprop_cli.tasks.importing.state.codes import named, names_in
from backprop_cli.tasks.importing.state.codes import number as literal
from backprop_cli.tasks.importing.state.record import Record
from backprop_cli.tasks.importing.state.values import Item, Tensor, plain


@dataclass(eq=False, slots=True)
class Sheet:
    """A spec in the making: what each item of the program is called in it."""

    record: Record
    exercise: Exercise
    names: dict[str, Expression] = field(default_factory=dict)
    spelled: dict[str, str] = field(default_factory=dict)
    dims: list[Item] = field(default_factory=list)
    inputs: list[Item] = field(default_factory=list)
    params: list[Item] = field(default_factory=list)
    nodes: list[Item] = field(default_factory=list)

    def text(self, code: Expression) -> str:
        """An expression in the spec's names."""
        return unparse(substituted(code, self.names))


def yaml_of(record: Record, exercise: Exercise, title: str | None, comments: list[str]) -> str:
    """The text of the spec."""
    sheet = sorted_sheet(record, exercise)
    lines = [f"# {_safe(comment)}" for comment in comments]
    if title:
        lines.append(f"title: {quoted(title)}")
    if sheet.dims:
        lines += entry("dims", {sheet.spelled[item.name]: str(item.value) for item in sheet.dims})
    functions = _functions(sheet)
    if functions:
        lines += entry("functions", functions)
    for section, items in (("inputs", sheet.inputs), ("params", sheet.params)):
        if items:
            lines.append(f"{section}:")
            for item in items:
                lines += entry(sheet.spelled[item.name], _leaf(sheet, item), 2)
    lines.append("nodes:")
    for item in _ordered(sheet):
        assert item.code is not None
        lines += entry(sheet.spelled[item.name], quoted(sheet.text(item.code)), 2)
    lines += _settings(sheet)
    return "\n".join(lines) + "\n"


def _ordered(sheet: Sheet) -> list[Item]:
    """The nodes; where gradients stand in some, what these are gradients of is the last of the others."""
    base, later = sheet.record.base, set[str]()
    for item in sheet.nodes:
        if item.code is not None and (holds_gradient(item.code) or not later.isdisjoint(names_in(item.code))):
            later.add(item.name)
    return sheet.nodes if not later else sorted(sheet.nodes, key=lambda item: (item.name in later, item.name == base))


def _functions(sheet: Sheet) -> dict[str, Tree]:
    """The functions with gradients of their own that the nodes call."""
    codes = [item.code for item in sheet.nodes if item.code is not None]
    called = {part.function for code in codes for part in parts(code) if isinstance(part, Call)}
    return {name: {"args": list(own.args), "body": quoted(unparse(own.body), flow=True),
                   "grads": {slot: quoted(unparse(code), flow=True) for slot, (code, _) in own.grads.items()}}
            for name, own in sheet.record.functions.items() if name in called}  # fmt: skip


def _safe(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:180]


def sorted_sheet(record: Record, exercise: Exercise) -> Sheet:
    """What each item becomes, and what it is called."""
    sheet = Sheet(record, exercise)
    taken: set[str] = set()
    bases = {item.base for item in sheet.exercise.items}
    used = set(_used(sheet))
    alone = not any(item.what == "leaf" for item in sheet.exercise.items)
    for item in sheet.exercise.items:
        home = _home(sheet, item, used, alone)
        if home is None:
            sheet.names[item.name] = literal(item.value)
            continue
        spelled = _free(item.base, taken, bases)
        taken.add(spelled)
        sheet.spelled[item.name] = spelled
        sheet.names[item.name] = named(spelled)
        home.append(item)
    return sheet


def _home(sheet: Sheet, item: Item, used: set[str], alone: bool) -> list[Item] | None:
    """The section of an item; None for a plain number that formulas hold themselves."""
    if item.code is not None:
        return sheet.nodes
    if item.name in sheet.exercise.params:
        return sheet.params
    if item.what == "leaf":
        return sheet.inputs
    if item.size and isinstance(item.value, int):
        return sheet.dims if item.value > 0 else None
    if item.name in used and (alone or isinstance(item.value, float)):
        return sheet.inputs
    return None


def _used(sheet: Sheet) -> Iterator[str]:
    for item in sheet.exercise.items:
        if item.code is not None:
            yield from names_in(item.code)
    for start in sheet.exercise.starts:
        yield from names_in(start.output)


def _free(base: str, taken: set[str], bases: set[str]) -> str:
    name, count = base, 1
    while name in taken or (count > 1 and name in bases) or name in RESERVED:
        count += 1
        name = f"{base}_{count}"
    return name[:MAX_NAME]


# ── leaves ───────────────────────────────────────────────────────────────────────────────────────


def _leaf(sheet: Sheet, item: Item) -> Tree:
    start = item.start
    if start is None:
        return number(item.value)
    shape: Tree = [sheet.spelled.get(size.name, str(length)) if size is not None else str(length)
                   for length, size in zip(start.shape, start.sizes or [None] * len(start.shape),
                   strict=True)]  # fmt: skip
    named_ = any(size is not None and size.name in sheet.spelled for size in start.sizes)
    if 0 in start.shape[:-1]:  # brackets do not say how long the rows of nothing are
        return {"shape": shape, "init": "zeros"}
    if start.data is not None:
        data = _listed(start.data)
        return {"value": data, "shape": shape} if named_ and isinstance(data, list) else data
    if start.rule is None:
        return {"shape": shape}
    constant = start.constant()
    if constant is not None and not start.shape:
        return number(constant)
    small = math.prod(start.shape) <= (12 if constant is None or math.isfinite(constant) else 10_000)
    if constant is not None and small and (not named_ or not math.isfinite(constant)):
        return _listed(filled(start))
    options: dict[str, Tree] = {
        key: number(value) for key, value in start.options.items() if not _default(start.rule, key, value)
    }
    return {"shape": shape, "init": start.rule, **options}


def _default(rule: str, key: str, value: float) -> bool:
    return (rule, key, value) in {("normal", "mean", 0.0), ("normal", "std", 1.0)}


def _listed(data: Any) -> Tree:
    if isinstance(data, list):
        return [_listed(one) for one in data]
    return number(data)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────


def _settings(sheet: Sheet) -> Iterator[str]:
    starts = sheet.exercise.starts
    if len(starts) == 1:
        yield from entry("output", quoted(sheet.text(starts[0].output)))
        seed = _seed(sheet, starts[0])
        if seed is not None:
            yield from entry("grad_output", seed)
    else:
        yield "backward:"
        for start in starts:
            seed = _seed(sheet, start)
            one: dict[str, Tree] = {"output": quoted(sheet.text(start.output), flow=True)}
            from backprop_cli.language.writer import flow

            yield f"  - {flow(one if seed is None else {**one, 'grad_output': seed})}"
    hooks = {sheet.spelled[name]: quoted(sheet.text(code))
             for name, code in sheet.exercise.hooks.items() if name in sheet.spelled}  # fmt: skip
    if hooks:
        yield "hooks:"
        for name, text in hooks.items():
            yield from entry(name, text, 2)


def _seed(sheet: Sheet, start: Start) -> Tree | None:
    if start.seed is None:
        return None
    if isinstance(start.seed, Tensor):
        leaf = start.seed.start or (start.seed.item.start if start.seed.item is not None else None)
        if leaf is not None and leaf.constant() == 1.0:
            return "ones"
    data = data_of(start.seed)
    if data is None:
        at = sheet.record.program.cells[0].source.place(max(1, sheet.exercise.line), 1)
        raise SpecError("E040", "the seed of this backward pass is computed, and not known here", at=at,
                        hint="write its numbers: backward(torch.tensor([...]))")  # fmt: skip
    return _listed(data if isinstance(data, list) else plain(data))
