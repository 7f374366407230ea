"""Leaves that are drawn at random: the program's own numbers where its seed is known, else a rule with a seed."""

from __future__ import annotations

import ast
import math
from typing import TYPE_CHECKING, Any

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.data.starts import Row, flags_of, sizes_of, start_of
from backprop_cli.tasks.importing.state.random_draws import Draws
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.torch_draws import TorchDraws
from backprop_cli.tasks.importing.state.values import Library, Tensor, Unread, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

TOLD = "random numbers: PyTorch's own for the seed that is set, drawn again here"
UNKNOWN = "random numbers: drawn here with seed 0, they are not the program's own"


def random_of(law: str, *, torch: bool = False) -> Row:
    """A row for a law with its usual numbers, in the shape that is asked for."""

    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        sizes = [one for one in given if not isinstance(one, TorchDraws)]
        return drawn(machine, law, sizes_of(machine, sizes, _shape_words(named), node), (0.0, 1.0), named, node, torch)

    return row


def keyed(law: str) -> Row:
    """`jax.random.normal(key, (2, 3))`: a law, whose numbers only jax draws from that key."""

    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        low, high = (float(plain(named.get(word, usual))) for word, usual in (("minval", 0.0), ("maxval", 1.0)))
        shape = sizes_of(machine, given[1:] or [()], _shape_words(named), node)
        return drawn(machine, law, shape, (low, high), {"generator": named.get("key", given[:1])}, node, torch=True)

    return row


def _shape_words(named: dict[str, object]) -> dict[str, object]:
    return {key: one for key, one in named.items() if key in {"size", "shape"}}


def drawn(machine: Machine, law: str, shape: tuple[object, ...], numbers: tuple[float, float], named: dict[str, object],
          node: ast.AST, torch: bool) -> Tensor:  # fmt: skip
    """A random leaf: the program's own numbers where its seed is known, else a rule with a seed."""
    sizes = tuple(int(plain(one)) for one in shape)
    source = named.get("generator", machine.torch) if torch else machine.draws
    if isinstance(source, TorchDraws):
        data = source.draw(law, sizes, *numbers, _is_double(named))
    else:
        data = source.draw(law, sizes, *numbers) if isinstance(source, Draws) else None
    names = ("mean", "std") if law == "normal" else ("low", "high")
    options = {names[0]: numbers[0], names[1]: numbers[1], "seed": 0}
    found = start_of(machine, shape, "uniform" if law == "integers" else law, options, data=data)
    if law == "integers":
        if data is None:
            return _made_up(machine, found, int(numbers[0]), int(numbers[1]), node)
        found.kind = "int"
    if data is None or torch:
        machine.record.note(node, UNKNOWN if data is None else TOLD, leaf=True)
    return flags_of(found, named)


def _is_double(named: dict[str, object]) -> bool | None:
    dtype = named.get("dtype")
    return dtype.last in {"float64", "double"} if isinstance(dtype, Library) else None


def _made_up(machine: Machine, found: Tensor, low: int, high: int, node: ast.AST) -> Tensor:
    """Whole numbers in a range, in turn: labels and positions that are valid."""
    assert found.start is not None
    shape, span = found.start.shape, max(1, high - low)
    total = math.prod(shape)
    if total > 10_000:
        raise machine.record.unread(node, "too many random whole numbers", "give them: --set NAME=[...]")
    flat = leaf_of((total,), data=[low + (7 * i + 3) % span for i in range(total)], whole=True, kind="int")
    machine.record.note(node, "random whole numbers: made up here, they are not the program's own", leaf=True)
    return tensors.reshaped(machine, flat, shape, node) if len(shape) != 1 else flat


def normal_of(*, torch: bool) -> Row:
    """`np.random.normal(loc, scale, size)`, `torch.normal(mean, std, size)`."""

    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        values = dict(zip(("loc", "scale", "size"), given, strict=False)) | named
        first = float(plain(values.get("loc", values.get("mean", 0.0))))
        second = float(plain(values.get("scale", values.get("std", 1.0))))
        shape = sizes_of(machine, [], {"size": values.get("size")}, node)
        return drawn(machine, "normal", shape, (first, second), named, node, torch)

    return row


def uniform(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`np.random.uniform(low, high, size)`."""
    values = dict(zip(("low", "high", "size"), given, strict=False)) | named
    ends = float(plain(values.get("low", 0.0))), float(plain(values.get("high", 1.0)))
    shape = sizes_of(machine, [], {"size": values.get("size")}, node)
    return drawn(machine, "uniform", shape, ends, named, node, False)


def integers_of(*, torch: bool) -> Row:
    """`randint(low, high, size)`: the program's own, or valid ones."""

    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        values = dict(zip(("low", "high", "size"), given, strict=False)) | named
        low, high = plain(values.get("low", 0)), values.get("high")
        if isinstance(high, list | tuple):
            values["size"], high = high, None
        ends = (0, low) if high is None else (low, plain(high))
        ends = (ends[0], ends[1] + bool(plain(named.get("endpoint", False))))
        shape = sizes_of(machine, [], {"size": values.get("size", values.get("shape", ()))}, node)
        return drawn(machine, "integers", shape, ends, named, node, torch)

    return row


def torch_permutation(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """`torch.randperm(n)`."""
    count = plain(tensors.as_number(given[0]))
    source = named.get("generator", machine.torch)
    data = source.permutation(count) if isinstance(source, TorchDraws) and isinstance(count, int) else None
    if data is None:
        return permutation(machine, [count], {}, node)
    return leaf_of((len(data),), data=data, whole=True, kind="int")


def permutation(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """`permutation(5)`, `choice(5, 3)`: whole numbers below the first, the program's own where its seed is known."""
    count = plain(tensors.as_number(given[0])) if given else None
    if not isinstance(count, int) or not 0 < count <= 10_000:
        machine.draws.forget()
        raise machine.record.unread(node, "a random choice of this is not read", "give the numbers: --set NAME=[...]")
    size = named.get("size", given[1] if len(given) > 1 else None)
    shape = (count,) if size is None else sizes_of(machine, [], {"size": size}, node)
    rows = tuple(int(plain(one)) for one in shape)
    data = machine.draws.pick(count, rows if size is not None else None, bool(plain(named.get("replace", True))))
    if data is None:
        found = leaf_of(rows, rule="uniform", options={"low": 0.0, "high": 1.0, "seed": 0})
        return _made_up(machine, found, 0, count, node)
    return leaf_of(rows, data=data, whole=True, kind="int")


def shuffled(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`np.random.shuffle(x)`: what x holds is not known from here on."""
    machine.draws.forget()
    error = machine.record.unread(node, "a shuffle in place is not read", "give the numbers: --set NAME=[...]").error
    if given and isinstance(given[0], Tensor):
        given[0].broken = error
    raise Unread(error)
