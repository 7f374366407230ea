"""Functions of tensors, as the library that was named means them: by the language's own table of spellings.

What an expression of a spec can say a program can say, since both are read by the same rows.  Only what gives no tensor
stands here: tuples of parts, sizes, pairs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.language.expression import Binary, Call, Expression, notes, parts
from backprop_cli.language.expression.tree import rebuilt
from backprop_cli.language.spelling import Misfit, library_call, method_call
from backprop_cli.tasks.importing.arrays import entries, indexing, tensors, writing
from backprop_cli.tasks.importing.arrays.literals import MAX_ROWS, data_of, literal_or_stack
from backprop_cli.tasks.importing.state import codes
from backprop_cli.tasks.importing.state.values import Library, Opaque, Pair, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Row = Callable[["Machine", str, list[object], dict[str, object], ast.AST], object]
_DROPPED: Final = frozenset({"dtype", "device", "out", "requires_grad", "memory_format", "inplace", "non_blocking",
                             "copy", "optimize"})  # fmt: skip
"""Arguments that change nothing about the numbers that come out."""
_OF_LISTS: Final = frozenset({"hstack", "vstack", "row_stack", "concatenate", "cat", "concat", "stack", "einsum",
                              "column_stack", "dstack", "multi_dot"})  # fmt: skip
_HOMES: Final[Mapping[str, str]] = {
    "torch": "torch", "tensorflow": "tf", "optax.losses": "optax", "optax": "optax",
    "autograd.numpy": "numpy", "autograd.scipy": "numpy", "jax.numpy": "numpy", "jax.scipy": "numpy",
    "jax": "numpy", "minpy.numpy": "numpy", "mxnet.np": "numpy", "cupy": "numpy", "scipy": "numpy", "numpy": "numpy",
}  # fmt: skip
"""Whose functions the modules hold; a longer path comes first."""


def home_of(path: str) -> tuple[str, str]:
    """The library that means what the function of this path does, and its name there; ("", "") for none."""
    for module, library in _HOMES.items():
        if path.startswith(f"{module}."):
            return library, path.removeprefix(f"{module}.")
    return "", ""


def apply(machine: Machine, family: str, path: str, given: list[object], named: dict[str, object], node: ast.AST, *,
          method: bool = False) -> object:  # fmt: skip
    """A function of a library, or a method as it means it, on these arguments.

    Raises:
        Unread: the function is not known, or takes other arguments.
    """
    out = named.get("out")
    into = given[0] if given and named.get("inplace") is True else out
    named = {key: value for key, value in named.items() if key not in _DROPPED}
    given = [one for one in given if not isinstance(one, Library | Opaque)]
    found = _applied(machine, family, path, given, named, node, method=method)
    if not isinstance(into, Tensor) or not isinstance(found, Tensor):
        return found
    return writing.overwritten(machine, into, found, node, named=into is out)


def _applied(machine: Machine, family: str, path: str, given: list[object], named: dict[str, object], node: ast.AST, *,
             method: bool) -> object:  # fmt: skip
    name = path.rpartition(".")[2]
    if given and isinstance(given[0], list | tuple) and name not in _OF_LISTS:
        given[0] = literal_or_stack(machine, given[0], node)
    if name in _ROWS:
        return _ROWS[name](machine, family, given, named, node)
    code = _call(machine, name, given, named, node)
    try:
        found = method_call(code, torch=family == "torch") if method else library_call(code, family, path)
    except Misfit as caught:
        raise machine.record.unread(node, f"{name} takes other arguments", caught.usages) from None
    results = [_result(machine, one, given, named, node, noted=not method) for one in found]
    several = len(results) > 1 and (family == "torch" or not method)
    return Pair(results) if several else results[0]


def _result(machine: Machine, found: Expression, given: list[object], named: dict[str, object], node: ast.AST, *,
            noted: bool) -> Tensor:  # fmt: skip
    found = _sized(machine, found, node) if any(map(_is_general, parts(found))) else found
    for note in notes(found) if noted else ():
        machine.record.note(node, note)
    return _tensor(machine, found, given, named, node)


def _is_general(part: Expression) -> bool:
    return isinstance(part, Call) and part.function in {"flatten", "broadcast_to"} and bool(part.library)


def _sized(machine: Machine, code: Expression, node: ast.AST) -> Expression:
    """What a row writes for any shape, without what changes nothing here: `flatten` of a vector."""
    found = rebuilt(code, lambda part: _sized(machine, part, node))
    if not _is_general(found) or not isinstance(found, Call):
        return found
    inner = found.arguments[0].value
    shape = machine.record.shape_of(inner, node)
    same = len(shape) == 1 if found.function == "flatten" else machine.record.shape_of(found, node) == shape
    return inner if same else found


def emit(machine: Machine, name: str, given: list[object], named: dict[str, object], node: ast.AST) -> Tensor:
    """A call of the language's function of that name."""
    return _tensor(machine, _call(machine, name, given, named, node), given, named, node)


def _call(machine: Machine, name: str, given: list[object], named: dict[str, object], node: ast.AST) -> Call:
    machine.weigh([given, named], node)
    positional = [tensors.code_of(machine, one, node, exact=True) for one in given]
    words = {key: tensors.code_of(machine, one, node, exact=True) for key, one in named.items()}
    return codes.call(name, *positional, **words)


def _tensor(
    machine: Machine, code: Expression, given: list[object], named: dict[str, object], node: ast.AST
) -> Tensor:  # fmt: skip
    if isinstance(code, Call) and ALIASES.get(code.function, code.function) not in _KNOWN:
        raise machine.record.unread(node, f"the function {code.function} is not read", "`backprop ops` lists what is")
    item = machine.record.items.get(codes.name_of(code) or "")
    kind = _kind(code) if item is None else item.kind
    made = tensors.tensor_from(code, *_parts((*given, *named.values())), kind=kind)
    made.item = item
    return made


def _parts(values: tuple[object, ...]) -> Iterator[object]:
    for one in values:
        yield from one if isinstance(one, list | tuple) else (one,)


_KNOWN: Final = {*OPS, *COMPOSITES, "logical_not", "array", "shape", "size", "ndim"}
_WHOLE: Final = frozenset({"one_hot", "arange", "trunc"}) | {
    name for name in (*OPS, *COMPOSITES) if name.startswith("arg") or name.endswith("_indices")
}  # fmt: skip
_MASKS: Final = frozenset({"isnan", "isfinite", "isinf", "logical_not", "logical_and", "logical_or", "logical_xor",
                           "greater", "less", "equal", "not_equal", "greater_equal", "less_equal"})  # fmt: skip


def _kind(code: Expression) -> str:
    """What a value of this expression holds: a mask, whole numbers, or any."""
    if isinstance(code, Binary) and code.operator in {">", ">=", "<", "<=", "==", "!=", "and", "or"}:
        return "bool"
    name = ALIASES.get(code.function, code.function) if isinstance(code, Call) else ""
    return "bool" if name in _MASKS else "int" if name in _WHOLE else "float"


# ── what gives no tensor, or needs to know more than its arguments ───────────────────────────────


def _reshape(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    """A literal in another shape is a literal still."""
    x, *sizes = given
    sizes += [one for key, one in named.items() if key != "order"]
    if sizes and isinstance(sizes[0], str) or named.get("order", "C") not in {"C", "A"}:
        raise machine.record.unread(node, "an order of reshape is not read")
    shape = sizes[0] if sizes and isinstance(sizes[0], list | tuple) else sizes
    return tensors.reshaped(machine, x, [one for one in shape if not isinstance(one, str)], node)


def _dropout(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    if named.get("training", True):
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    return given[0]


def _one_hot(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`F.one_hot(y)` counts its classes itself."""
    size = given[1] if len(given) > 1 else named.get("num_classes", named.get("depth"))
    if size is None or plain(size) == -1:
        size = max(tensors.flat_of(data_of(given[0]) or [0])) + 1
    return emit(machine, "one_hot", [given[0], int(plain(size))], {}, node)


def _split(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    """`chunk`, `split`, `array_split`: parts along an axis."""
    name = getattr(getattr(node, "func", None), "attr", "split")
    slots = dict(zip(("input", "parts", "dim"), given, strict=False)) | named
    x, axis = slots["input"], int(plain(slots.get("dim", slots.get("axis", 0))))
    shape = machine.record.shape(x, node)
    words = ("parts", "chunks", "split_size_or_sections", "split_size", "num_or_size_splits")
    parts = next((slots[word] for word in words if word in slots), None)
    at, found = 0, []
    widths = _widths(family, name, parts, shape[axis])
    _few(machine, len(widths), node)
    for width in widths:
        index = [slice(None)] * (axis % len(shape)) + [slice(at, at + width)]
        found.append(indexing.pick(machine, x, tuple(index), node))
        at += width
    return tuple(found)


def _few(machine: Machine, count: int, node: ast.AST) -> None:
    if count > MAX_ROWS:
        raise machine.record.unread(node, f"{count:,} parts are too many")


def _widths(family: str, name: str, parts: object, size: int) -> list[int]:
    """How wide the parts are: PyTorch's `split` is told widths, numpy's where to cut, all else how many."""
    if isinstance(parts, list | tuple):
        ends = [int(plain(one)) for one in parts]
        return ends if family in {"torch", "tf"} else [b - a for a, b in zip([0, *ends], [*ends, size], strict=True)]
    count = int(plain(parts))
    if family in {"numpy", "tf"}:  # as even as can be, the wider ones first
        return [size // count + (k < size % count) for k in range(count)]
    width = count if name == "split" else -(-size // count)
    return [min(width, size - at) for at in range(0, size, width)]


def _unbind(machine: Machine, family: str, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    axis = int(plain(given[1] if len(given) > 1 else named.get("dim", 0)))
    shape = machine.record.shape(given[0], node)
    axis %= len(shape)
    _few(machine, shape[axis], node)
    return tuple(indexing.pick(machine, given[0], (*[slice(None)] * axis, i), node) for i in range(shape[axis]))


def _attention(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """A mask of true and false is one, whatever its name; one of floats is added to the scores."""
    slots = dict(zip(("query", "key", "value", "attn_mask", "dropout_p", "is_causal"), given, strict=False)) | named
    if plain(slots.pop("dropout_p", 0)) != 0:
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    mask = slots.get("attn_mask")
    if isinstance(mask, Tensor) and mask.kind == "bool":
        slots["attn_mask"] = Tensor(indexing.mask_code(machine, mask, node), kind="bool")
    code = _call(machine, "scaled_dot_product_attention", [], slots, node)
    (found,) = library_call(code, "torch", "scaled_dot_product_attention")
    return _tensor(machine, found, [], slots, node)


def _unstacked(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`tf.unstack(x, axis=1)`."""
    return _unbind(machine, family, given[:1], {"dim": named.get("axis", 0)}, node)


def _cast(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`tf.cast(x, tf.int32)`: as a method converts it."""
    return machine.called(machine.attribute(given[0], "astype", node), list(named.values()), {}, node)


def _count(machine: Machine, family: str, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    return int(tensors.entries_of(machine, given[0], node))


def _moved(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    """`movedim(x, 0, 2)`, `moveaxis`: the other axes keep their order."""
    x, first, last = (*given, *named.values())
    rank = len(machine.record.shape(x, node))
    whence, whither = ([int(plain(one)) % rank for one in (part if isinstance(part, list | tuple) else (part,))]
                       for part in (first, last))  # fmt: skip
    order = [axis for axis in range(rank) if axis not in whence]
    for place, axis in sorted(zip(whither, whence, strict=True)):
        order.insert(place, axis)
    return emit(machine, "transpose", [x, tuple(order)], {}, node)


def _slogdet(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """Sign and logarithm, each of which has a name there."""
    both = emit(machine, "slogdet", given, named, node)
    return Pair([indexing.pick(machine, both, (place,), node) for place in (0, 1)])


def _masked(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    """`torch.masked_select(x, m)`: x[m]."""
    x, mask = (*given, *named.values())
    return indexing.pick(machine, x, (mask,), node)


def _put(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    """`x.index_put((rows, columns), v)`: x with these entries replaced, or with `accumulate` added to."""
    slots = dict(zip(("input", "indices", "values", "accumulate"), given, strict=False)) | named
    return entries.put(machine, slots["input"], tuple(slots["indices"]), slots["values"], node,
                       added=bool(slots.get("accumulate", False)))  # fmt: skip


def _gone(what: str) -> Row:
    return lambda m, f, g, k, n: Opaque(what)


def _shape(machine: Machine, family: str, given: list[Any], named: dict[str, object], node: ast.AST) -> object:
    return tensors.dims(machine, given[0], node)


def _same(machine: Machine, family: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return given[0]


_ROWS: Mapping[str, Row] = {
    "reshape": _reshape, "view": _reshape, "dropout": _dropout, "one_hot": _one_hot, "chunk": _split, "split": _split,
    "array_split": _split, "hsplit": _split, "unbind": _unbind,
    "unstack": _unstacked, "cast": _cast, "numel": _count, "nelement": _count, "size": _count,
    "shape": _shape, "scaled_dot_product_attention": _attention, "movedim": _moved, "moveaxis": _moved,
    "slogdet": _slogdet, "masked_select": _masked, "index_put": _put,
    **dict.fromkeys(("asnumpy", "real"), _same),
    **dict.fromkeys(("nonzero", "multinomial", "bincount", "unique"), _gone("positions")),
    **dict.fromkeys(("allclose", "array_equal", "isclose", "any", "all", "is_tensor", "equal_"), _gone("a test")),
}  # fmt: skip
