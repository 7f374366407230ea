"""What makes leaves: literals, constant and counted arrays, by numpy and by PyTorch."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.arrays import tensors
from backprop_cli.tasks.importing.arrays.literals import literal_or_stack
from backprop_cli.tasks.importing.data import drawn
from backprop_cli.tasks.importing.data.starts import Row, flags_of, sizes_of, start_of
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.values import Builtin, Library, Opaque, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def scalar(value: object, *, by_class: bool = False) -> Tensor:
    """A scalar leaf whose gradient is wanted: an argument of `grad(f)`; `by_class`: micrograd's Value."""
    found = leaf_of((), data=float(plain(value)), by_class=by_class)
    found.param, found.grad = True, True
    return found


def _filled(rule: str) -> Row:
    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        if rule != "constant":
            first = given[:1] if given and isinstance(given[0], list | tuple) else given
            sizes = [one for one in first if not isinstance(one, Library | Opaque | Builtin | str)]
            return flags_of(start_of(machine, sizes_of(machine, sizes, named, node), rule, {}), named)
        value = named.get("fill_value", given[1] if len(given) > 1 else 0.0)
        shape = named.get("size", named.get("shape", given[0] if given else ()))
        sizes = list(shape) if isinstance(shape, list | tuple) else [shape]
        options = {"value": float(plain(value))}
        return flags_of(start_of(machine, sizes_of(machine, sizes, {}, node), rule, options), named)

    return row


def _like(rule: str, *, torch: bool = False) -> Row:
    def row(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
        given = given or [next((named[key] for key in ("input", "a", "prototype") if key in named), 0.0)]
        if is_number(given[0]):
            return 1.0 if rule == "ones" else 0.0
        asked = named.get("shape")
        sizes = list(asked) if isinstance(asked, list | tuple) else [asked]
        shape = machine.record.shape(tensor_of(machine, given[0], node), node) if asked is None else \
            sizes_of(machine, sizes, {}, node)
        value = named.get("fill_value", [*given, 0.0][1]) if rule == "constant" else None
        options = {"value": float(plain(value))} if rule == "constant" else {}
        if rule in {"normal", "uniform"}:
            return drawn.random_of(rule, torch=torch)(machine, list(shape), named, node)
        return flags_of(start_of(machine, shape, rule, options), named)

    return row


def tensor_of(machine: Machine, value: object, node: ast.AST) -> Tensor:
    """A value as a tensor."""
    return value if isinstance(value, Tensor) else literal_or_stack(machine, value, node)


def _literal(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`torch.tensor(...)`, `np.array(...)`."""
    if least := named.get("ndmin"):
        found = tensor_of(machine, _literal(machine, given, {**named, "ndmin": 0}, node), node)
        shape = machine.record.shape(found, node)
        missing = int(plain(least)) - len(shape)
        return tensors.reshaped(machine, found, (*[1] * missing, *shape), node) if missing > 0 else found
    value = given[0] if given else named.get("data", named.get("object"))
    if isinstance(value, Tensor) and not value.fresh:
        return value
    made = literal_or_stack(machine, value, node)
    if isinstance(value, Tensor) and made is value:
        return flags_of(value, named)
    return flags_of(made, named)


def _of_rank(least: int) -> Row:
    return lambda machine, given, named, node: _literal(machine, given, {"ndmin": least}, node)


def _eye(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    slots = dict(zip(("N", "M", "K"), given, strict=False)) | {key.upper(): one for key, one in named.items()}
    rows, columns, above = slots.get("N"), slots.get("M"), plain(slots.get("K", 0))
    sizes = sizes_of(machine, [rows, rows if columns is None else columns], {}, node)
    if above:
        height, width = map(plain, sizes)
        data = [[float(j - i == above) for j in range(width)] for i in range(height)]
        return flags_of(leaf_of((height, width), data=data), named)
    return flags_of(start_of(machine, sizes, "eye", {}), named)


def _arange(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    slots = dict(zip(("start", "stop", "step") if len(given) > 1 else ("stop",), given, strict=False)) | named
    slots["stop"] = slots.get("stop", slots.get("end"))
    start, stop, step = (plain(tensors.as_number(slots.get(key) or usual))
                         for key, usual in (("start", 0), ("stop", 0), ("step", 1)))  # fmt: skip
    count = max(0, math.ceil((stop - start) / step)) if step else 0
    if not 0 < count <= 10_000:
        raise machine.record.unread(node, "this arange is empty or too long")
    data = [start + i * step for i in range(count)]
    whole = all(isinstance(one, int) for one in data)
    return flags_of(leaf_of((count,), data=data, whole=whole, kind="int" if whole else "float"), named)


def _linspace(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    values = dict(zip(("start", "stop", "num", "endpoint"), given, strict=False)) | named
    start = float(plain(values.get("start", 0)))
    stop = float(plain(values.get("stop", values.get("end", 0))))
    count = int(plain(values.get("num", values.get("steps", 50))))
    if not 1 < count <= 10_000:
        raise machine.record.unread(node, "this linspace is empty or too long")
    parts = count - bool(plain(values.get("endpoint", True)))
    return flags_of(leaf_of((count,), data=[start + (stop - start) * i / parts for i in range(count)]), named)


def parameter_of(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`nn.Parameter(x)`."""
    value = tensor_of(machine, given[0] if given else named["data"], node)
    training.require(machine, value, bool(named.get("requires_grad", True)), node)
    return value


def _loaded(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    raise machine.record.unread(node, "numbers from a file are not read",
                                "give a shape or values: --shape X=100,2, --set X=[[...]]")  # fmt: skip


_FILLS: Mapping[str, Row] = {
    "zeros": _filled("zeros"), "ones": _filled("ones"), "full": _filled("constant"), "empty": _filled("zeros"),
    "zeros_like": _like("zeros"), "ones_like": _like("ones"), "full_like": _like("constant"),
    "empty_like": _like("zeros"), "eye": _eye, "identity": _eye, "arange": _arange, "linspace": _linspace,
    **dict.fromkeys(("array", "asarray", "ascontiguousarray", "copy"), _literal),
    **dict.fromkeys(("load", "loadtxt", "genfromtxt"), _loaded),
}  # fmt: skip
NUMPY_MAKERS: Final[Mapping[str, Row]] = {
    **_FILLS, "normal": drawn.normal_of(torch=False), "uniform": drawn.uniform, "shuffle": drawn.shuffled,
    **dict.fromkeys(("randn", "standard_normal"), drawn.random_of("normal")),
    **dict.fromkeys(("rand", "random", "random_sample"), drawn.random_of("uniform")),
    **dict.fromkeys(("randint", "integers"), drawn.integers_of(torch=False)),
    **dict.fromkeys(("permutation", "choice"), drawn.permutation),
    **dict.fromkeys(("float64", "float32", "double", "int64", "int32"), _literal),
    **{f"atleast_{rank}d": _of_rank(rank) for rank in (1, 2)},
}  # fmt: skip
"""What makes leaves in numpy, numpy.random, and in the libraries that are called as they are."""
WORDS: Final = frozenset({
    "N", "M", "n", "m", "k", "start", "stop", "end", "step", "num", "steps", "endpoint", "fill_value", "size", "shape",
    "input", "a", "x", "prototype", "data", "object", "ndmin", "loc", "scale", "mean", "std", "low", "high", "replace",
    "dtype", "device", "requires_grad", "generator", "layout", "pin_memory", "memory_format", "copy", "order", "subok",
    "like", "out", "seed", "name",
})  # fmt: skip
"""What these take by name; anything else that a program says would be passed over."""
TORCH_MAKERS: Final[Mapping[str, Row]] = {
    **_FILLS, "normal": drawn.normal_of(torch=True), "randint": drawn.integers_of(torch=True),
    "randn": drawn.random_of("normal", torch=True), "rand": drawn.random_of("uniform", torch=True),
    "randn_like": _like("normal", torch=True), "rand_like": _like("uniform", torch=True),
    "randperm": drawn.torch_permutation,
    **dict.fromkeys(("tensor", "Tensor", "FloatTensor", "DoubleTensor", "LongTensor", "as_tensor", "from_numpy",
                     "scalar_tensor"), _literal),
}  # fmt: skip
"""What makes leaves in PyTorch."""
