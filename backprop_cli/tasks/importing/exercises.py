"""What a program asks for, pass by pass: backward calls that add up in the same leaves are one exercise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from backprop_cli.errors import SpecError
from backprop_cli.tasks.importing.record import Backward, Record
from backprop_cli.tasks.importing.spelling import names_in
from backprop_cli.tasks.importing.tensors import tensor_code
from backprop_cli.tasks.importing.values import Item, Tensor

_LOSS = re.compile(
    r"^(total_|final_)?(loss|cost|error|err|objective|mse|nll|energy|J|L|E|C)(_\w+)?$|_loss$|_cost$", re.IGNORECASE
)
_GRADIENT = re.compile(r"^(d|grad|g_|delta|∂)[A-Za-z]?\w*$|grad$|_delta$|^d[A-Z]")
_PARAM = re.compile(
    r"^(W|w|b|B|U|V|u|v|theta|Theta|θ|weights?|bias(es)?|gamma|beta|embedding|emb|C|syn\d*|kernel|filters?|params?)"
    r"([_\d]*|[xhyoifgczrnA-Z_]\w{0,4})$|^(weights?|bias)_\w+$|_(weights?|bias|w|b|W)$"
)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a backward pass starts: the expression, and its seed."""

    output: ast.expr
    seed: object
    problem: SpecError | None


@dataclass(frozen=True, slots=True)
class Exercise:
    """One spec to be written: its passes, the leaves asked for, and where in the program it stands."""

    starts: tuple[Start, ...]
    items: tuple[Item, ...]
    where: str
    line: int
    params: frozenset[str]  # names of the leaves that are params
    guessed: str | None = None  # how params were told from inputs


def exercises(record: Record, outputs: list[Tensor] | None, machine: object) -> list[Exercise]:
    """The exercises of a program, in its order.

    Raises:
        Unread: the output depends on what could not be read.
    """
    groups: list[list[Backward]] = []
    for one in record.passes:
        last = groups[-1] if groups else []
        if last and _adds_up(record, last, one):
            last.append(one)
        else:
            groups.append([one])
    return [_exercise(record, group, machine) for group in groups]


def _adds_up(record: Record, group: list[Backward], one: Backward) -> bool:
    """Whether a backward pass adds to gradients of the group: `backward()` again, nothing cleared, a leaf in common."""
    if one.wrt is not None or group[-1].wrt is not None or group[-1].epoch != one.epoch:
        return False
    if one.problem is not None or any(g.problem is not None for g in group):
        return False
    return bool(_wanted(record, one) & set().union(*(_wanted(record, g) for g in group)))


def _wanted(record: Record, one: Backward) -> set[str]:
    if one.output.code is None:
        return set()
    return {item.name for item in reachable(record, [one.output.code]) if item.what == "leaf" and item.param}


def _exercise(record: Record, group: list[Backward], machine: object) -> Exercise:
    codes = [tensor_code(machine, one.output, ast.Constant(0)) for one in group]  # type: ignore[arg-type]
    items = reachable(record, codes)
    starts = tuple(Start(code, one.seed, one.problem) for code, one in zip(codes, group, strict=True))
    params = frozenset(item.name for item in items if item.what == "leaf" and item.param)
    return Exercise(starts, items, group[0].where, group[0].line, params)


def reachable(record: Record, codes: list[ast.expr]) -> tuple[Item, ...]:
    """The items that expressions depend on, in the order of the program."""
    found: set[str] = set()
    stack = [name for code in codes for name in names_in(code)]
    while stack:
        name = stack.pop()
        item = record.items.get(name)
        if item is None or name in found:
            continue
        found.add(name)
        for code in (item.code, item.hook):
            if code is not None:
                stack += names_in(code)
        if item.start is not None:
            stack += [size.name for size in item.start.sizes if size is not None]
    return tuple(item for name, item in record.items.items() if name in found)


# ── programs that call no backward ───────────────────────────────────────────────────────────────


def guessed_exercise(record: Record, output: Item | ast.expr) -> Exercise:
    """The exercise of a program that works its gradients out by hand, or not at all."""
    code = output if isinstance(output, ast.expr) else ast.Name(output.name, ast.Load())
    items = reachable(record, [code])
    leaves = [item for item in items if item.what == "leaf" or item.what == "number" and item.code is None]
    params, how = _params(record, leaves)
    line = output.line if isinstance(output, Item) else 0
    where = f"line {line}" if line else "the end"
    return Exercise((Start(code, None, None),), items, where, line, params, how)


def _params(record: Record, leaves: list[Item]) -> tuple[frozenset[str], str | None]:
    """Which leaves are params: those that say so, whose gradient is worked out, that are called so, or all."""
    said = frozenset(item.name for item in leaves if item.param)
    arrays = [item for item in leaves if item.what == "leaf" and item.kind == "float"]
    if said:
        return said, None
    named = record.gradients()
    asked = frozenset(item.name for item in leaves if item.base in named)
    if asked and any(item.name in asked for item in arrays or leaves):
        return asked, "params are the leaves whose gradient the program works out"
    called = frozenset(item.name for item in arrays if _PARAM.search(item.base))
    if called:
        return called, "params were told from inputs by their names"
    if arrays:
        return frozenset(item.name for item in arrays), "nothing tells params from inputs: all leaves are params"
    return frozenset(item.name for item in leaves if item.what == "number"), "all numbers are params"


def loss_of(record: Record) -> Item | None:
    """The node that a program without `backward()` goes back from: the last loss, cost, ..., else the last scalar."""
    nodes = [item for item in record.items.values() if _computed(item)]
    called = [item for item in nodes if _LOSS.search(item.base) and _entries(item) == 1]
    if called:
        return called[-1]
    forward = [item for item in nodes if not _GRADIENT.search(item.base)]
    scalars = [item for item in forward if _entries(item) == 1]
    return (scalars or forward or [None])[-1]  # type: ignore[list-item]


def _computed(item: Item) -> bool:
    return item.code is not None and item.what in {"node", "number"}


def _entries(item: Item) -> int:
    total = 1
    for size in item.shape:
        total *= size
    return total


def gradients_named(tree: Iterator[ast.stmt] | tuple[ast.stmt, ...]) -> set[str]:
    """The names whose gradient a program assigns: `W1` of `dW1 = ...`, `grads["W1"] = ...`, `W1_grad = ...`."""
    from backprop_cli.language.python.backward import gradient_of

    found: set[str] = set()
    for statement in tree:
        for part in ast.walk(statement):
            targets = (
                part.targets
                if isinstance(part, ast.Assign)
                else [part.target]
                if isinstance(part, ast.AugAssign)
                else []
            )
            for target in targets:
                for one in target.elts if isinstance(target, ast.Tuple) else [target]:
                    name = gradient_of(one)
                    if name:
                        found.add(name)
    return found
