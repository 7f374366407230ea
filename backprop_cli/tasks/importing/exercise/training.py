"""What a program does besides its forward pass: backward calls, updates, loops over epochs."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.errors import SpecError
from backprop_cli.language.expression import Expression
from backprop_cli.tasks.importing.arrays.tensors import reshaped, tensor_code
from backprop_cli.tasks.importing.arrays.writing import overwritten, replace_whole
from backprop_cli.tasks.importing.exercise.exercises import holds_gradient, reachable
from backprop_cli.tasks.importing.state.codes import binary, call, name_of, named
from backprop_cli.tasks.importing.state.objects import Function, Instance
from backprop_cli.tasks.importing.state.record import Backward, Record, leaf_of, words_of
from backprop_cli.tasks.importing.state.values import Item, Opaque, Tensor, Unread

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

HARMLESS_DECORATORS: Final = frozenset({
    "jit", "njit", "lru_cache", "cache", "torchsnooper", "override", "abstractmethod",
    "wraps", "function",
    "typechecked", "script", "compile", "enable_grad", "profile", "custom_fwd", "custom_bwd", "once_differentiable",
})  # fmt: skip
MAX_NUMBERS: Final = 10_000
_RATE = re.compile(
    r"^(lr|alpha|eta|epsilon|step|step_size|learning_?rate|learn_rate|LR|ALPHA|rate|eps|η|α)(_\w+)?$|learning_?rate"
)
_GRADIENT = re.compile(
    r"^([dD]_?|grad_?|g_?|delta_?|nabla_?|∇)[A-Za-zα-ω]\w*$|_?grads?$|_delta$|^delta|_update$|^velocity|^m_?hat|^dparam$"
)
_DELTA = re.compile(r"\w_delta$|^delta\w*|_gradient$|^gradients?$")
_STEPS: Final = frozenset({"step", "apply_gradients", "minimize", "assign_sub"})
"""Methods that move params."""
_BACKWARD: Final = frozenset({"backward", "grad", "value_and_grad", "gradient", "gradients", "fit", "minimize"})
QUIET: Final = re.compile(
    r"^(print|display|plt|ax\w*|fig\w*|sns|writer|logger|logging|sys|os|time|tqdm|warnings|wandb)\b"
)


def is_update(machine: Machine, node: ast.Assign | ast.AugAssign) -> bool:
    """Whether a statement moves a param against its gradient: `W -= lr * dW`, `w.data -= ...`, `b = b - lr * db`."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Sub | ast.Add) and _moves(machine, node.value, leaf_name(node.target))
    target, value = node.targets[0], node.value
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub | ast.Add):
        return False
    return ast.unparse(target) == ast.unparse(value.left) and _moves(machine, value.right, leaf_name(target))


def left_out(machine: Machine, node: ast.Assign | ast.AugAssign) -> None:
    """Note an update, and whose it is: `p` of a loop over params is each of them in turn."""
    target = node.target if isinstance(node, ast.AugAssign) else node.targets[0]
    machine.record.updated.add(leaf_name(target))
    with suppress(Unread):
        value = machine.value(target.value if isinstance(target, ast.Attribute) and target.attr == "data" else target)
        parts = list(value.names.values()) if isinstance(value, Instance) else [value]
        machine.record.moved |= {name for one in parts if (name := name_of(getattr(one, "code", None)))}
    machine.record.note(node, f"left out, an update: {machine.record.program.text(node)[:60]}")


def _moves(machine: Machine, value: ast.expr, target: str) -> bool:
    if target.startswith(("grad", "nabla")) or target[:1] == "d" and target[1:].lstrip("_") in machine.record.words:
        return False  # `dW` is a gradient where there is a W; `dec` is no gradient, nor is `d`
    words = words_of(value)
    if any(
        word == "grad"
        or word in {f"d{target}", f"d_{target}", f"D_{target}", f"grad_{target}", f"{target}_grad"} for word in words
    ):
        return True
    rates = any(_RATE.search(word) for word in words)
    return any(_DELTA.search(word) for word in words) or rates and any(_GRADIENT.search(word) for word in words)


def leaf_name(target: ast.expr) -> str:
    """The name that a target ends in: `W1` of `self.params['W1']`, of `W1.data`."""
    if isinstance(target, ast.Attribute):
        return leaf_name(target.value) if target.attr == "data" else target.attr
    if isinstance(target, ast.Subscript):
        inner = target.slice
        return (
            inner.value if isinstance(inner, ast.Constant) and isinstance(inner.value, str) else leaf_name(target.value)
        )
    return target.id if isinstance(target, ast.Name) else ""


def trains(machine: Machine, node: ast.For | ast.While) -> bool:
    """Whether a loop goes over steps of training: its body moves params, or tells an optimizer or a function to."""
    return _moving(machine, node.body, set(), updates=not _only_updates(node))


def _moving(machine: Machine, body: Sequence[ast.stmt], met: set[int], *, updates: bool = True) -> bool:
    for part in (part for statement in body for part in ast.walk(statement)):
        if updates and isinstance(part, ast.AugAssign | ast.Assign) and is_update(machine, part):
            return True
        if isinstance(part, ast.Call):
            inner = _function_of(machine, part.func)
            told = isinstance(part.func, ast.Attribute) and part.func.attr in _STEPS
            if told and (inner is None or not _gives(inner)):
                return True
            if inner is not None and id(inner) not in met and _moving(machine, inner.body, met | {id(inner)}):
                return True
    return False


def _gives(function: ast.FunctionDef) -> bool:
    """Whether a function gives something, as a step in time does: `h = cell.step(x, h)`; an optimizer's does not."""
    return any(isinstance(part, ast.Return) and part.value is not None for part in ast.walk(function))


def _function_of(machine: Machine, called: ast.expr) -> ast.FunctionDef | None:
    """The function of the program that a call is of: `train(...)`, `net.train_step(...)`, `self.cell.step(...)`."""
    found = _object_of(machine, called)
    return found.node if isinstance(found, Function) and isinstance(found.node, ast.FunctionDef) else None


def _object_of(machine: Machine, named: ast.expr) -> object:
    """What a name, or an attribute of an object of the program, stands for, with nothing worked out."""
    if isinstance(named, ast.Name):
        try:
            return machine.frame.find(named.id)
        except KeyError:
            return None
    owner = _object_of(machine, named.value) if isinstance(named, ast.Attribute) else None
    if isinstance(named, ast.Attribute) and isinstance(owner, Instance):
        return owner.names.get(named.attr, owner.kind.find(named.attr))
    return None


def _only_updates(node: ast.For | ast.While) -> bool:
    """A loop over the params themselves: `for p in parameters: p.data -= lr * p.grad`."""
    return (
        isinstance(node, ast.For)
        and all(isinstance(s, ast.AugAssign | ast.Assign | ast.Expr | ast.If | ast.With) for s in node.body)
        and len(node.body) <= 3
        and not any(
            isinstance(p, ast.Call) and isinstance(p.func, ast.Attribute) and p.func.attr == "backward"
            for s in node.body
            for p in ast.walk(s)
        )
    )


def note_unread(machine: Machine, node: ast.Expr, error: SpecError) -> None:
    """A call that could not be read, and whose result nobody takes."""
    text = machine.record.program.text(node)
    if not QUIET.match(text):
        machine.record.note(node, f"left out: {text[:50]} ({error.message})")


def note_failed(machine: Machine, node: ast.expr, error: SpecError) -> None:
    """A backward pass that could not be read: it is no silent loss, but an error where it is the only one."""
    calls = (part.func for part in ast.walk(node) if isinstance(part, ast.Call))
    if any(getattr(one, "attr", getattr(one, "id", "")) in _BACKWARD for one in calls):
        machine.record.failed.append(error)
        where = machine.record.program.where(node)
        machine.record.note(None, f"{where}: a backward pass is left out: {error.message}")


# ── backward ─────────────────────────────────────────────────────────────────────────────────────


def backward(machine: Machine, output: Tensor, seed: Any, wrt: tuple[Tensor, ...] | None, node: ast.AST) -> Opaque:
    """Note a backward pass."""
    record = machine.record
    if isinstance(seed, Tensor):
        seed = _known_seed(machine, seed, node)
    if output.fresh or output.item is not None and output.item.what == "leaf":  # a leaf, gone back from as it is
        machine.named(output, "out", node)
        output = Tensor(output.code, grad=output.grad)
        record.name(output, "out", node)
    elif output.code is not None and not any(item.code for item in reachable(record, [output.code], record.hooks)):
        record.name(output, "out", node)  # the only thing that is computed: a spec has a node to show
    shape = record.shape(output, node)
    problem = None
    entries = 1
    for size in shape:
        entries *= size
    if not output.grad and wrt is None:
        problem = record.unread(node, "nothing that this depends on requires a gradient",
                                "write requires_grad=True where the tensor is made", "E017").error  # fmt: skip
    elif entries != 1 and seed is None:
        problem = record.unread(node, f"the output has shape {shape}; a gradient starts from a scalar or from a seed",
                                "write backward(torch.ones_like(y)), or sum it first", "E018").error  # fmt: skip
    where = record.program.where(node)
    record.passes.append(Backward(output, seed, getattr(node, "lineno", 0), where, wrt, record.epoch, problem,
                                  dict(record.hooks)))  # fmt: skip
    return Opaque("a gradient")


def gradient(machine: Machine, output: Tensor, seed: Any, wrt: Tensor, node: ast.AST) -> Tensor:
    """A gradient that more is computed from: `grad(x)` of the one output, `grad(sum(u), x)` of anything else.

    Raises:
        Unread: it is of no tensor that has a name.
    """
    record = machine.record
    machine.named(wrt, "x", node)
    if wrt.item is None:
        raise record.unread(node, "this is a gradient by a part of a tensor", "take it by the whole one")
    code = _total(machine, output, seed, node)
    by = tensor_code(machine, wrt, node)
    base = record.items.get(name_of(code) or "")
    if base is not None and record.base in {"", base.name} and not _of_second_order(record, base):
        record.base = base.name
        asked = call("grad", by)
    else:
        asked = call("grad", code, by)
    record.asked.append(Backward(Tensor(code, grad=True), None, getattr(node, "lineno", 0), record.program.where(node),
                                 (wrt,), record.epoch))  # fmt: skip
    found = Tensor(asked, kind="float", grad=True, known=wrt.item.shape)
    record.name(found, f"d{wrt.item.base}", node)
    return found


def _total(machine: Machine, output: Tensor, seed: Any, node: ast.AST) -> Expression:
    """The number that is gone back from: the output, or the sum of its entries, each times its seed."""
    code, record = tensor_code(machine, output, node), machine.record
    ones = isinstance(seed, Tensor) and seed.begins is not None and seed.begins.constant() == 1.0
    if seed is not None and not (ones and record.shape(output, node) == ()):
        total = code if ones else binary(code, "*", tensor_code(machine, seed, node))
        return call("sum", total)
    if record.base == "" and output.item is None:
        record.name(output, "out", node)
        return tensor_code(machine, output, node)
    return code


def _of_second_order(record: Record, item: Item) -> bool:
    """Whether a gradient is in what an item depends on."""
    return any(one.code is not None and holds_gradient(one.code) for one in reachable(record, [named(item.name)], {}))


def _known_seed(machine: Machine, seed: Tensor, node: ast.AST) -> Tensor:
    """A seed that is computed from numbers, `torch.arange(6.).view(2, 3)`, as these."""
    from backprop_cli.tasks.importing.arrays.known import numbers_of

    if seed.fresh or seed.item is not None and seed.item.start is not None:
        return seed
    numbers = numbers_of(machine, seed, node)
    return seed if numbers is None else leaf_of(numbers.shape, data=numbers.tolist())


def set_attribute(machine: Machine, tensor: Tensor, name: str, value: object, node: ast.AST) -> None:
    """`x.requires_grad = True`, `x.grad = None`, `x.data = ...`.

    Raises:
        Unread: another attribute.
    """
    if name == "requires_grad":
        require(machine, tensor, bool(value), node)
    elif name == "grad":
        machine.record.epoch += value is None
    elif name == "shape" and isinstance(value, tuple):
        replace_whole(machine, tensor, reshaped(machine, tensor, value, node), "x", node)
    elif name == "data" and isinstance(value, Tensor) and value.start is not None and tensor.item is not None:
        tensor.item.start = value.start
    elif name not in {"data", "label", "names"}:
        raise machine.record.unread(node, f"the attribute {name!r} of a tensor is assigned")


def require(machine: Machine, tensor: Tensor, wanted: bool, node: ast.AST) -> None:
    """A leaf whose gradient is wanted, or not; what was computed from numbers alone becomes one."""
    if wanted and not tensor.grad and tensor.code is not None and (tensor.item is None or tensor.item.code is not None):
        _cut_off(machine, tensor, node)
    tensor.grad = wanted
    if tensor.item is not None and tensor.item.what == "leaf":
        tensor.item.param = wanted
    tensor.param = wanted


def _cut_off(machine: Machine, tensor: Tensor, node: ast.AST) -> None:
    """`torch.linspace(0, 1, 5).sin().requires_grad_()`: a leaf with the numbers that were worked out."""
    from backprop_cli.tasks.importing.arrays.known import numbers_of

    numbers, item = numbers_of(machine, tensor, node), tensor.item
    if numbers is None or numbers.size > MAX_NUMBERS:
        machine.record.note(node, "a gradient is left out, by what is computed from numbers that are not known here")
        return
    leaf = leaf_of(numbers.shape, data=numbers.tolist(), kind=tensor.kind)
    tensor.of = None
    overwritten(machine, tensor, leaf, node, named=item is not None)
