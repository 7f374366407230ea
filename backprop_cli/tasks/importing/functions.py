"""Functions of tensors, as the library that was named means them, in the words of the language."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS
from backprop_cli.tasks.importing import tensors
from backprop_cli.tasks.importing.spelling import binary, call, whole
from backprop_cli.tasks.importing.values import Library, Number, Opaque, Pair, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.machine import Machine

Row = Callable[["Machine", str, list[Any], dict[str, Any], ast.AST], Any]
DROPPED: Final = frozenset({"dtype", "device", "out", "requires_grad", "memory_format", "inplace", "non_blocking",
"copy",
                            "size_average", "reduce", "optimize"})  # fmt: skip
MASKS: Final = frozenset({"greater", "less", "equal", "not_equal", "greater_equal", "less_equal", "gt", "lt", "ge",
"le", "eq",
                          "ne", "logical_and", "logical_or", "logical_not", "isnan", "isfinite"})  # fmt: skip


def apply(machine: Machine, family: str, name: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """A function of the library `family` on these arguments."""
    named = {key: value for key, value in named.items() if key not in DROPPED}
    given = [one for one in given if not isinstance(one, Library | Opaque)]
    if given and name not in _OF_LISTS:
        given[0] = _array(machine, given[0], node)
    row = _ROWS.get(name)
    if row is not None:
        return row(machine, family, given, named, node)
    if name in _IDENTITIES:
        return given[0]
    if name not in OPS and name not in COMPOSITES and name not in ALIASES:
        raise machine.record.unread(node, f"the function {name} is not read", "`backprop ops` lists what is")
    return emit(machine, name, given, named, node)


def emit(machine: Machine, name: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Tensor:
    """A call of the language's function of that name."""
    codes = [tensors.code_of(machine, one, node, literal=True) for one in given]
    words = {key: tensors.code_of(machine, one, node, literal=True) for key, one in named.items()}
    parts = [part for one in (*given, *named.values()) for part in (one if isinstance(one, list | tuple) else (one,))]
    kind = "bool" if name in MASKS else "int" if name in {"one_hot", "argmax"} else "float"
    return tensors.made(call(name, *codes, **words), *parts, kind=kind)


def _array(machine: Machine, value: Any, node: ast.AST) -> Any:
    return tensors.literal_or_stack(machine, value, node) if isinstance(value, list | tuple) else value


def _renamed(name: str) -> Row:
    return lambda m, f, g, k, n: emit(m, name, g, k, n)


def _infix(op: ast.operator) -> Row:
    def row(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        left, right = (_array(machine, one, node) for one in (*given, *named.values()))
        from backprop_cli.tasks.importing.evaluate import operate

        return operate(machine, op, left, right, node)  # type: ignore[arg-type]

    return row


def _comparison(op: ast.cmpop) -> Row:
    return lambda m, f, g, k, n: tensors.compare(m, op, g[0], g[1], n)


def _transpose(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    x, *axes = given
    axes += list(named.values())
    if not axes:
        return tensors.transposed(machine, x, node)
    if family == "torch" and len(axes) == 2:
        rank = len(machine.record.shape(x, node))
        if rank == 2 and {plain(a) % 2 for a in axes} == {0, 1}:
            return tensors.transposed(machine, x, node)
        return emit(machine, "swapaxes", [x, *axes], {}, node)
    order = axes[0] if isinstance(axes[0], list | tuple) else axes
    return emit(machine, "transpose", [x, tuple(order)], {}, node)


def _t(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    return tensors.transposed(machine, given[0], node)


def _permute(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    order = given[1] if isinstance(given[1], list | tuple) else given[1:]
    return emit(machine, "transpose", [given[0], tuple(order)], {}, node)


def _reshape(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    x, *sizes = given
    sizes += list(named.values())
    if sizes and isinstance(sizes[0], str):
        raise machine.record.unread(node, "an order of reshape is not read")
    shape = sizes[0] if len(sizes) >= 1 and isinstance(sizes[0], list | tuple) else sizes
    return tensors.reshaped(machine, _array(machine, x, node), [s for s in shape if not isinstance(s, str)], node)


def _expand(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    x, *sizes = given
    asked = [int(plain(s)) for s in (sizes[0] if sizes and isinstance(sizes[0], list | tuple) else sizes)]
    have = (1,) * (len(asked) - len(machine.record.shape(x, node))) + machine.record.shape(x, node)
    shape = [old if new == -1 else new for old, new in zip(have, asked, strict=True)]
    return tensors.made(call("broadcast_to", tensors.tensor_code(machine, x, node), whole(*shape)), x)


def _spread(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`std` and `var`: PyTorch divides by N - 1 unless it is told otherwise, numpy by N."""
    name = "std" if "std" in getattr(getattr(node, "func", None), "attr", "std") else "var"
    named = dict(named)
    unbiased = named.pop("unbiased", None)
    if family == "torch":
        if len(given) == 2 and isinstance(given[1], bool):  # x.std(False)
            unbiased, given = given[1], given[:1]
        freedom = named.pop("correction", 1 if unbiased is None else int(bool(unbiased)))
        named["ddof"] = freedom
    return emit(machine, name, given, named, node)


def _joined(axis: int) -> Row:
    """`hstack` and `vstack`."""

    def row(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        parts = list(given[0])
        ranks = {len(machine.record.shape(p, node)) if isinstance(p, Tensor) else 0 for p in parts}
        if max(ranks) < 2:
            name = "stack" if axis == 0 and max(ranks) == 1 else "concat" if max(ranks) == 1 else "stack"
            return emit(machine, name, [parts], {}, node)
        return emit(machine, "concat", [parts, axis], {}, node)

    return row


def _concat(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    parts = list(given[0])
    return emit(machine, "concat", [parts, *given[1:]], named, node)


def _stack(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    return emit(machine, "stack", [list(given[0]), *given[1:]], named, node)


def _extreme(name: str) -> Row:
    """`torch.max(x, dim)` gives values and indices; `torch.max(a, b)` compares two tensors."""

    def row(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        if len(given) > 1 and isinstance(given[1], Tensor):
            return emit(machine, f"{name}imum", given[:2], {}, node)
        found = emit(machine, name, given, named, node)
        if family == "torch" and (len(given) > 1 or "dim" in named):
            return Pair((found, Opaque("positions of the largest")))
        return found

    return row


def _layer_norm(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    slots = dict(zip(("input", "normalized_shape", "weight", "bias", "eps"), given, strict=False)) | named
    x = slots.pop("input")
    return emit(machine, "layer_norm", [x], {key: one for key, one in slots.items() if one is not None}, node)


def _group_norm(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    slots = dict(zip(("input", "num_groups", "weight", "bias", "eps"), given, strict=False)) | named
    x = slots.pop("input")
    return emit(machine, "group_norm", [x], {key: one for key, one in slots.items() if one is not None}, node)


def _dropout(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    if named.get("training", True):
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    return given[0]


def _gather(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    slots = dict(zip(("input", "dim", "index"), given, strict=False)) | named
    return emit(machine, "take_along_axis", [slots["input"], slots["index"], slots["dim"]], {}, node)


def _index_select(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    slots = dict(zip(("input", "dim", "index"), given, strict=False)) | named
    return emit(machine, "take", [slots["input"], slots["index"], slots["dim"]], {}, node)


def _embedding(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    slots = dict(zip(("input", "weight"), given, strict=False)) | named
    return emit(machine, "embedding", [slots["input"], slots["weight"]], {}, node)


def _one_hot(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    size = given[1] if len(given) > 1 else named.get("num_classes")
    if size is None or plain(size) == -1:
        data = list(tensors._flat(tensors.data_of(given[0]) or [0]))
        size = max(data) + 1
    return emit(machine, "one_hot", [given[0], int(plain(size))], {}, node)


def _where(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    if len(given) != 3:
        raise machine.record.unread(node, "where(mask) alone has no fixed shape", "write where(mask, a, b)")
    return emit(machine, "where", given, {}, node)


def _masked_fill(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    x, mask, value = given
    return emit(machine, "where", [mask, value, x], {}, node)


def _norm(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    named = {key: one for key, one in named.items() if one != "fro"}
    given = [one for one in given if one != "fro"]
    return emit(machine, "norm", given, named, node)


def _clip(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    names = {"a_min": "min", "a_max": "max"}
    return emit(machine, "clip", given, {names.get(k, k): one for k, one in named.items()}, node)


def _chunk(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`chunk`, `split`, `array_split`: parts along an axis."""
    name = getattr(getattr(node, "func", None), "attr", "split")
    slots = dict(zip(("input", "parts", "dim"), given, strict=False)) | named
    x, axis = slots["input"], int(plain(slots.get("dim", slots.get("axis", 0))))
    shape = machine.record.shape(x, node)
    size, parts = shape[axis], slots.get("parts", slots.get("chunks", slots.get("split_size_or_sections")))
    if isinstance(parts, list | tuple):
        widths = (
            list(map(plain, parts))
            if family == "torch"
            else [b - a for a, b in zip((0, *map(plain, parts)), (*map(plain, parts), size), strict=True)]
        )
    else:
        count = plain(parts)
        width = count if family == "torch" and name == "split" else -(-size // count)
        widths = [min(width, size - at) for at in range(0, size, width)]
    found, at = [], 0
    for width in widths:
        index = [slice(None)] * (axis % len(shape)) + [slice(at, at + width)]
        found.append(tensors.pick(machine, x, tuple(index), node))
        at += width
    return tuple(found)


def _unbind(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    axis = int(plain(given[1] if len(given) > 1 else named.get("dim", 0)))
    shape = machine.record.shape(given[0], node)
    axis %= len(shape)
    return tuple(tensors.pick(machine, given[0], (*[slice(None)] * axis, i), node) for i in range(shape[axis]))


def _count(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    total = 1
    for size in machine.record.shape(given[0], node):
        total *= size
    return total


def _gone(what: str) -> Row:
    return lambda m, f, g, k, n: Opaque(what)


def _shape(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    return tensors.dims(machine, given[0], node)


def _tensordot(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    axes = plain(given[2] if len(given) > 2 else named.get("axes", named.get("dims", 2)))
    ranks = [len(machine.record.shape(one, node)) for one in given[:2]]
    if not isinstance(axes, int):
        raise machine.record.unread(node, "tensordot over lists of axes is not read", "write einsum")
    letters = "abcdefghijklmnop"
    left = letters[: ranks[0]]
    right = left[ranks[0] - axes :] + letters[ranks[0] : ranks[0] + ranks[1] - axes]
    text = f"{left},{right}->{left[: ranks[0] - axes]}{right[axes:]}"
    return emit(machine, "einsum", [text, *given[:2]], {}, node)


def _log_not(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    return tensors.unary(machine, ast.Invert(), given[0], node)


def _trace(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`np.trace(x, axis1=-2, axis2=-1)` of a matrix."""
    return emit(machine, "trace", given[:1], {}, node)


def _expanded_as(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    shape = machine.record.shape(given[1], node)
    if machine.record.shape(given[0], node) == shape:
        return given[0]
    return tensors.made(call("broadcast_to", tensors.tensor_code(machine, given[0], node), whole(*shape)), given[0])


def _square(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    return emit(machine, "square", given, named, node)


def _add_matmul(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    bias, a, b = (tensors.code_of(machine, one, node) for one in given[:3])
    return tensors.made(binary(bias, ast.Add(), binary(a, ast.MatMult(), b)), *given)


def _averaged(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    if "weights" in named:
        raise machine.record.unread(node, "a weighted average is not read", "write sum(w * x) / sum(w)")
    return emit(machine, "mean", given, named, node)


def _square_root(machine: Machine, family: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    return emit(machine, "sqrt", given, named, node)


_IDENTITIES: Final = frozenset({
    "array", "asarray", "copy", "ascontiguousarray", "float32", "float64", "real", "detach", "contiguous", "item",
    "float",
    "double", "half", "cpu", "cuda", "to", "numpy", "type", "astype", "clone", "squeeze_", "tolist", "long", "int",
    "cast",
    "atleast_1d", "identity", "asnumpy", "requires_grad_", "retain_grad", "Identity", "nan_to_num", "stop_gradient_",
})  # fmt: skip

_OF_LISTS: Final = frozenset({"hstack", "vstack", "row_stack", "concatenate", "cat", "concat", "stack", "einsum", "c_"})

_ROWS: Mapping[str, Row] = {
    "expand_as": _expanded_as, "trace": _trace,
    "add": _infix(ast.Add()), "subtract": _infix(ast.Sub()), "sub": _infix(ast.Sub()), "multiply": _infix(ast.Mult()),
    "mul": _infix(ast.Mult()), "divide": _infix(ast.Div()), "div": _infix(ast.Div()), "true_divide": _infix(ast.Div()),
    "pow": _infix(ast.Pow()), "power": _infix(ast.Pow()), "matmul": _infix(ast.MatMult()), "mm": _infix(ast.MatMult()),
    "bmm": _infix(ast.MatMult()), "mv": _infix(ast.MatMult()),
    "greater": _comparison(ast.Gt()), "gt": _comparison(ast.Gt()), "less": _comparison(ast.Lt()),
    "lt": _comparison(ast.Lt()),
    "ge": _comparison(ast.GtE()), "greater_equal": _comparison(ast.GtE()), "le": _comparison(ast.LtE()),
    "less_equal": _comparison(ast.LtE()), "eq": _comparison(ast.Eq()), "equal": _comparison(ast.Eq()),
    "ne": _comparison(ast.NotEq()), "not_equal": _comparison(ast.NotEq()), "logical_not": _log_not,
    "logical_and": _infix(ast.BitAnd()), "logical_or": _infix(ast.BitOr()),
    "transpose": _transpose, "t": _t, "permute": _permute, "reshape": _reshape, "view": _reshape, "expand": _expand,
    "std": _spread, "var": _spread, "hstack": _joined(1), "vstack": _joined(0), "row_stack": _joined(0),
    "concatenate": _concat, "cat": _concat, "concat": _concat, "stack": _stack, "max": _extreme("max"),
    "min": _extreme("min"),
    "layer_norm": _layer_norm, "group_norm": _group_norm, "dropout": _dropout, "gather": _gather,
    "index_select": _index_select, "embedding": _embedding, "one_hot": _one_hot, "where": _where,
    "masked_fill": _masked_fill,
    "norm": _norm, "vector_norm": _norm, "clip": _clip, "clamp": _clip, "chunk": _chunk, "split": _chunk,
    "array_split": _chunk, "unbind": _unbind, "numel": _count, "nelement": _count, "shape": _shape, "size": _count,
    "tensordot": _tensordot, "square": _square, "addmm": _add_matmul, "average": _averaged, "sqrt": _square_root,
    "inner": _renamed("dot"), "amax": _renamed("max"), "amin": _renamed("min"), "expit": _renamed("sigmoid"),
    "negative": lambda m, f, g, k, n: tensors.unary(m, ast.USub(), g[0], n),
    "neg": lambda m, f, g, k, n: tensors.unary(m, ast.USub(), g[0], n),
    **{name: _gone("positions") for name in ("argmax", "argmin", "argsort", "nonzero", "topk", "multinomial",
    "bincount")},
    **{name: _gone("a test") for name in ("allclose", "array_equal", "isclose", "isnan", "any", "all", "is_tensor")},
}  # fmt: skip

__all__ = ["Number", "apply", "emit", "is_number"]
