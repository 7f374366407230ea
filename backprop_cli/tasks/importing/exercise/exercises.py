"""What a program asks for, pass by pass: backward calls that add up in the same leaves are one exercise."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Call, Expression, parts
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.records import dataclass, field
from backprop_cli.tasks.importing.arrays.tensors import tensor_code
from backprop_cli.tasks.importing.state.codes import binary, call, named, names_in, number
from backprop_cli.tasks.importing.state.record import Backward, Record, leaf_of
from backprop_cli.tasks.importing.state.values import Item

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

_LOSS = re.compile(
    r"^(?i:(total_|final_)?(loss|cost|error|err|objective|mse|nll|energy)(_\w+)?)$|^(J|L)(_\w+)?$|_(?i:loss|cost)$"
)
_ASIDE = re.compile(r"smooth|running|avg|average|mean_|epoch|val|test|best|prev|old|history|list", re.IGNORECASE)
_ERROR = re.compile(r"(?i:(^|_)(error|err|diff|residuals?)\d*)$")
_PLAIN_LOSS = re.compile(r"^(loss|cost|J|L|objective|total_loss|final_loss)$")
_GRADIENT = re.compile(r"^D_\w|grad$|^grad|_delta$|^delta|^nabla")
_RATIO = re.compile(r"^d(?P<of>[^\W\d]\w*?)_?d(?P<by>[^\W\d]\w*)$")
_NAMED_RATIO = re.compile(r"^d_?(?P<of>[^\W\d_]\w*?)_d_?(?P<by>[^\W\d]\w*)$")
_PARAM = re.compile(
    r"^(W|w|b|B|U|V|u|v|theta|Theta|θ|weights?|bias(es)?|gamma|beta|embedding|emb|C|syn\d*|kernel|filters?|params?)"
    r"([_\d]*|[xhyoifgczrnA-Z_]\w{0,4})$|^(weights?|bias)_\w+$|_(weights?|bias|w|b|W)$"
)


@dataclass(frozen=True, slots=True)
class Start:
    """Where a backward pass starts: the expression, and its seed."""

    output: Expression
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
    hooks: Mapping[str, Expression] = field(default_factory=dict)
    guessed: str | None = None  # how params were told from inputs


def exercises(record: Record, machine: Machine) -> list[Exercise]:
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
    if group[-1].hooks != one.hooks:
        return False
    if one.problem is not None or any(g.problem is not None for g in group):
        return False
    return bool(_wanted(record, one) & set().union(*(_wanted(record, g) for g in group)))


def _wanted(record: Record, one: Backward) -> set[str]:
    if one.output.code is None:
        return set()
    return {item.name for item in reachable(record, [one.output.code], one.hooks) if item.what == "leaf" and item.param}


def _exercise(record: Record, group: list[Backward], machine: Machine) -> Exercise:
    codes = [tensor_code(machine, one.output, ast.Constant(0)) for one in group]
    hooks = group[0].hooks
    items = reachable(record, codes, hooks)
    starts = tuple(Start(code, one.seed, one.problem) for code, one in zip(codes, group, strict=True))
    flowing = {item.name for item in reachable(record, codes, hooks, flowing=True)}
    params = frozenset(item.name for item in items if item.what == "leaf" and item.param)
    params = params & flowing or params  # of what is looked at under `no_grad` alone nobody asks a gradient
    if not record.moved.isdisjoint(params):
        params -= {item.name for item in items if item.start and item.start.by_class and item.name not in record.moved}
    return Exercise(starts, items, group[0].where, group[0].line, params, hooks)


def reachable(record: Record, codes: list[Expression], hooks: Mapping[str, Expression], *,
              flowing: bool = False) -> tuple[Item, ...]:  # fmt: skip
    """The items that expressions depend on, and the hooks of these, in the order of the program.

    `flowing`: only those that a gradient flows back to.
    """
    found: set[str] = set()
    inside = _flowing if flowing else names_in
    stack = [name for code in codes for name in inside(code)]
    while stack:
        name = stack.pop()
        item = record.items.get(name)
        if item is None or name in found:
            continue
        found.add(name)
        for code in (item.code, hooks.get(name)):
            if code is not None:
                stack += inside(code)
                stack += [record.base] if holds_gradient(code) else []
        if item.start is not None:
            stack += [size.name for size in item.start.sizes if size is not None]
    return tuple(item for name, item in record.items.items() if name in found)


def _flowing(code: Expression) -> list[str]:
    """The names in an expression outside of `stop_gradient`."""
    return names_in(_unstopped(code))


def _unstopped(part: Expression) -> Expression:
    return number(0) if isinstance(part, Call) and part.function == "stop_gradient" else rebuilt(part, _unstopped)


def holds_gradient(code: Expression) -> bool:
    """Whether a gradient stands in an expression: `grad(x)`."""
    return any(isinstance(part, Call) and part.function == "grad" for part in parts(code))


# ── programs that call no backward ───────────────────────────────────────────────────────────────


def guessed_exercise(record: Record, output: Item, starts: tuple[Start, ...] | None = None) -> Exercise:
    """The exercise of a program that works its gradients out by hand, or not at all; `starts` where it says these."""
    starts = starts or (_usual_start(record, output),)
    items = reachable(record, [start.output for start in starts], record.hooks)
    numbers = [item for item in items if item.what == "number" and item.code is None and not item.size]
    leaves = [item for item in items if item.what == "leaf" or item in numbers]
    params, how = _params(record, leaves)
    return Exercise(starts, items, f"line {output.line}" if output.line else "the end", output.line, params,
                    record.hooks, how)  # fmt: skip


def _usual_start(record: Record, output: Item) -> Start:
    if _entries(output) == 1:
        return Start(named(output.name), None, None)
    if _ERROR.search(output.base):
        record.note(None, f"{output.base!r} is no scalar: the loss is half the sum of its squares")
        squared = call("sum", binary(named(output.name), "**", number(2)))
        return Start(binary(squared, "/", number(2)), None, None)
    record.note(None, f"{output.base!r} is no scalar: the seed is ones")
    return Start(named(output.name), leaf_of(output.shape, rule="ones"), None)


def _params(record: Record, leaves: list[Item]) -> tuple[frozenset[str], str | None]:
    """Which leaves are params: those that say so, whose gradient is worked out, that are called so, or all."""
    said = frozenset(item.name for item in leaves if item.param)
    arrays = [item for item in leaves if item.what == "leaf" and item.kind == "float"]
    if said:
        return said, None
    named = record.gradients()
    computed = {item.base for item in record.items.values() if item.what == "node"}  # a start that is written over
    asked = frozenset(item.name for item in leaves if item.base in named and item.base not in computed)
    moved = frozenset(item.name for item in leaves if item.name in record.moved) or \
        frozenset(item.name for item in leaves if item.base in record.updated)
    if asked and any(item.name in asked for item in arrays or leaves):
        return asked | moved, "params are the leaves whose gradient the program works out"
    if moved:
        return moved, "params are the leaves that the program updates"
    called = frozenset(item.name for item in arrays if _PARAM.search(item.base))
    if called:
        return called, "params were told from inputs by their names"
    if arrays:
        return frozenset(item.name for item in arrays), "nothing tells params from inputs: all leaves are params"
    return frozenset(item.name for item in leaves if item.what == "number"), "all numbers are params"


def loss_of(record: Record, *, arrays: bool = True) -> Item | None:
    """The node that a program without `backward()` goes back from: the last loss, cost, ..., else the last scalar."""
    nodes = [item for item in record.items.values() if _computed(item) and item.name not in record.stepped]
    forward = _forward(nodes, {item.base for item in record.items.values()})
    seeded = [item for item in forward if item.base in record.seeded]
    if seeded:
        return seeded[-1]
    called = [item for item in forward if _LOSS.search(item.base) and not _ASIDE.search(item.base)]
    called = [item for item in called if _entries(item) == 1]
    if called:
        return ([item for item in called if _PLAIN_LOSS.match(item.base)] or called)[-1]
    scalars = [item for item in forward if _entries(item) == 1]
    missing = _of_no_node(record)
    wrong = [item for item in forward if _ERROR.search(item.base)]
    if missing or record.updated and not scalars and not wrong:
        what = f"of {missing!r}" if missing else "of a loss"
        at = record.program.cells[0].source.place(1, 1)
        raise SpecError("E040", f"the program works out gradients {what}, which it does not compute", at=at,
                        hint="write the loss out: loss = ((y_pred - y)**2).mean()")  # fmt: skip
    found = scalars or (forward if arrays else [])
    return found[-1] if found else None


def _of_no_node(record: Record) -> str | None:
    """What the program names gradients of, where that is a loss and none of its values: L of `d_L_d_w`."""
    bases = {item.base for item in record.items.values()}
    tops = [found["of"].strip("_") for base in bases if (found := _NAMED_RATIO.match(base))]
    return next((top for top in sorted(tops) if _LOSS.search(top) and top not in bases), None)


def _forward(nodes: list[Item], bases: set[str]) -> list[Item]:
    """The nodes that are not called like gradients, and in which none of those is."""
    backward: set[str] = set()
    found = []
    for item in nodes:
        if _is_gradient(item.base, bases) or not backward.isdisjoint(
            names_in(item.code) if item.code is not None else ()
        ):
            backward.add(item.name)
        else:
            found.append(item)
    return found


def _is_gradient(name: str, bases: set[str]) -> bool:
    """Whether a name is that of a gradient: `dW1` beside `W1`, `dfdx`, `grad_h`, `l2_delta`."""
    ratio = _RATIO.match(name)
    if _GRADIENT.search(name) or _NAMED_RATIO.match(name) or ratio and ratio["of"] in bases:
        return True
    return name[:1] == "d" and (name[1:] in bases or name[1:].lstrip("_") in bases)


def _computed(item: Item) -> bool:
    return item.code is not None and item.what in {"node", "number"}


def _entries(item: Item) -> int:
    total = 1
    for size in item.shape:
        total *= size
    return total
