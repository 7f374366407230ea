"""What is done with tensors by operators, attributes and subscripts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing.record import leaf_of
from backprop_cli.tasks.importing.spelling import binary, call, named, number, whole
from backprop_cli.tasks.importing.values import (
    Builtin,
    Dim,
    Entries,
    Number,
    Opaque,
    Sizes,
    Start,
    Tensor,
    Unknown,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.machine import Machine

MAX_ROWS: Final = 2_000
FULL = ast.Slice(None, None, None)


# ── codes ────────────────────────────────────────────────────────────────────────────────────────


def code_of(machine: Machine, value: Any, node: ast.AST, *, literal: bool = False) -> ast.expr:
    """A value as a part of an expression.

    Raises:
        Unread: it has no place in one.
    """
    if isinstance(value, Tensor):
        return tensor_code(machine, value, node)
    if isinstance(value, Number):
        return number(value.value) if literal else value.code
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return ast.Constant(value)
    if isinstance(value, int | float):
        return number(int(value) if isinstance(value, int) else value)
    if isinstance(value, list | tuple | range):
        kind = ast.Tuple if isinstance(value, tuple) else ast.List
        return kind([code_of(machine, one, node, literal=literal) for one in value], ast.Load())
    raise machine.record.unread(node, f"{what(value)} stands where a tensor or a number is needed")


def what(value: Any) -> str:
    """A value in words."""
    if isinstance(value, Unknown):
        raise Unread(value.error)
    from backprop_cli.tasks.importing.machine import kind_of

    return kind_of(value)


def tensor_code(machine: Machine, value: Tensor, node: ast.AST) -> ast.expr:
    """A tensor as a part of an expression; a leaf that has no name is written out, or gets one."""
    if value.broken is not None:
        raise Unread(value.broken)
    if value.answer is not None and machine.answers is not None and value.answer != machine.answers.current:
        return call("grad", named(value.answer))
    if value.code is not None:
        return value.code
    start = value.start
    if start is None:
        raise machine.record.unread(node, "a tensor without a value")
    constant = start.constant()
    if value.param is None and constant in {0.0, 1.0} and start.shape:
        return call("ones" if constant else "zeros", whole(*start.shape))
    if value.param is None and start.shape == () and is_number(start.data):
        return number(start.data)
    machine.record.leaf(value, "constant", node)
    return named(value.item.name) if value.item is not None else number(0)


def made(code: ast.expr, *parts: Any, kind: str = "float") -> Tensor:
    """A tensor computed from others."""
    return Tensor(code, kind=kind, grad=any(isinstance(p, Tensor) and p.grad for p in parts))


def known_number(value: Tensor) -> Any:
    """The number that a literal scalar is; None where it is not known."""
    start = value.start or (value.item.start if value.item is not None else None)
    if start is None or value.broken is not None:
        return None
    size = 1
    for axis in start.shape:
        size *= axis
    if size != 1:
        return None
    data = start.data if start.data is not None else start.constant()
    while isinstance(data, list):
        data = data[0]
    return data


def as_number(value: Any) -> Any:
    """A literal whole scalar as a plain number; anything else as it is."""
    if isinstance(value, Tensor) and value.kind == "int" and (value.start or value.item):
        found = known_number(value)
        return value if found is None else int(found)
    return value


# ── operators ────────────────────────────────────────────────────────────────────────────────────


def arithmetic(machine: Machine, op: ast.operator, left: Any, right: Any, node: ast.AST) -> Any:
    """A binary operator with at least one tensor."""
    folded = _folded(op, left, right)
    if folded is not None:
        return folded
    if isinstance(op, ast.BitOr):
        return made(call("maximum", code_of(machine, left, node), code_of(machine, right, node)), kind="bool")
    op = ast.Mult() if isinstance(op, ast.BitAnd) else op
    if type(op) not in {ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult, ast.Pow}:
        raise machine.record.unread(node, f"the operator {type(op).__name__} of tensors is not read")
    if isinstance(left, list | tuple):
        left = literal_or_stack(machine, left, node)
    if isinstance(right, list | tuple):
        right = literal_or_stack(machine, right, node)
    exact = isinstance(op, ast.Pow)
    codes = code_of(machine, left, node), code_of(machine, right, node, literal=exact)
    return made(binary(codes[0], op, codes[1]), left, right, kind=_kind(op, left, right))


def _kind(op: ast.operator, left: Any, right: Any) -> str:
    """Whole numbers stay whole, except under division; a mask times a mask is a mask."""
    kinds = {_kind_of(left), _kind_of(right)}
    if isinstance(op, ast.Div) or "float" in kinds:
        return "float"
    return "bool" if kinds == {"bool"} and isinstance(op, ast.Mult) else "int"


def _kind_of(value: Any) -> str:
    if isinstance(value, Tensor):
        return value.kind
    return "int" if isinstance(plain(value), int) else "float"


def _folded(op: ast.operator, left: Any, right: Any) -> Tensor | None:
    """A leaf without a name, scaled and shifted by numbers: still a leaf, `0.01 * np.random.randn(3, 4)`."""
    tensor, other = (left, right) if isinstance(left, Tensor) else (right, left)
    if not isinstance(tensor, Tensor) or not tensor.fresh or tensor.param or not is_number(other):
        return None
    assert tensor.start is not None
    c = float(plain(other))
    first = tensor is left
    scales = {ast.Mult: (c, 0.0), ast.Add: (1.0, c), ast.Sub: (1.0, -c) if first else (-1.0, c)}
    if isinstance(op, ast.Div) and first and c:
        scales[ast.Div] = (1 / c, 0.0)
    if type(op) not in scales:
        return None
    start = scaled(tensor.start, *scales[type(op)], divisor=c if isinstance(op, ast.Div) else None)
    return None if start is None else Tensor(None, start=start, kind=tensor.kind if not isinstance(op, ast.Div) and
                                             isinstance(plain(other), int) else "float")  # fmt: skip


def scaled(start: Start, a: float, b: float, divisor: float | None = None) -> Start | None:
    """`a` times a start, plus `b`; None where no rule says that."""
    if start.data is not None:

        def one(x: Any) -> Any:
            return [one(part) for part in x] if isinstance(x, list) else (x / divisor if divisor else x * a + b)

        return replace(start, data=one(start.data))
    constant = start.constant()
    if constant is not None:
        return replace(start, rule="constant", options={"value": constant / divisor if divisor else constant * a + b})
    if start.rule == "normal":
        o = start.options
        return replace(start, options={**o, "mean": o["mean"] * a + b, "std": abs(o["std"] * a)})
    if start.rule == "uniform":
        ends = sorted((start.options["low"] * a + b, start.options["high"] * a + b))
        return replace(start, options={**start.options, "low": ends[0], "high": ends[1]})
    return None


def unary(machine: Machine, op: ast.unaryop, value: Tensor, node: ast.AST) -> Any:
    """A sign, or `~` of a mask."""
    if isinstance(op, ast.Invert):
        return made(binary(ast.Constant(1), ast.Sub(), tensor_code(machine, value, node)), value, kind="bool")
    if isinstance(op, ast.UAdd):
        return value
    folded = _folded(ast.Mult(), value, -1)
    if folded is not None:
        return folded
    return made(ast.UnaryOp(op, tensor_code(machine, value, node)), value, kind=value.kind)


def compare(machine: Machine, op: ast.cmpop, left: Any, right: Any, node: ast.AST) -> Any:
    """A mask."""
    numbers = [known_number(v) if isinstance(v, Tensor) else plain(v) for v in (left, right)]
    if all(isinstance(n, int | float) for n in numbers) and not any(
        isinstance(v, Tensor) and v.grad for v in (left, right)
    ):
        from backprop_cli.tasks.importing.evaluate import _COMPARE

        return _COMPARE[type(op)](*numbers)
    if isinstance(op, ast.In | ast.NotIn):
        raise machine.record.unread(node, "`in` of a tensor is not read")
    left, right = (literal_or_stack(machine, v, node) if isinstance(v, list | tuple) else v for v in (left, right))
    codes = code_of(machine, left, node), code_of(machine, right, node)
    return Tensor(ast.Compare(codes[0], [op], [codes[1]]), kind="bool")


# ── literals ─────────────────────────────────────────────────────────────────────────────────────


def literal_or_stack(machine: Machine, value: Any, node: ast.AST) -> Tensor:
    """`np.array([...])`: numbers are a leaf, tensors are stacked."""
    numbers = as_data(value)
    if numbers is not None:
        shape = _data_shape(machine, numbers, node)
        whole_ = all(isinstance(x, int) for x in _flat(numbers))
        return leaf_of(shape, data=numbers, whole=whole_, kind="int" if whole_ else "float")
    if isinstance(value, Tensor):
        return value
    if isinstance(value, list | tuple):
        parts = [literal_or_stack(machine, one, node) if isinstance(one, list | tuple) else one for one in value]
        codes = [code_of(machine, one, node) for one in parts]
        if not codes:
            raise machine.record.unread(node, "an empty array")
        tensors = [one for one in parts if isinstance(one, Tensor)]
        return made(call("stack", ast.List(codes, ast.Load())), *tensors)
    raise machine.record.unread(node, f"{what(value)} is no array")


def as_data(value: Any) -> Any:
    """Nested lists of numbers; None where something else is in them."""
    if isinstance(value, bool):
        return int(value)
    if is_number(value):
        raw = plain(value)
        return int(raw) if isinstance(raw, int) else float(raw)
    if isinstance(value, range):
        return list(value) if len(value) <= MAX_ROWS else None
    if isinstance(value, Tensor):
        start = value.start if value.fresh else None
        if start is None or value.param:
            return None
        return start.data if start.data is not None else _filled(start)
    if isinstance(value, list | tuple) and value:
        parts = [as_data(one) for one in value]
        return None if any(part is None for part in parts) else parts
    return None


def _filled(start: Start) -> Any:
    constant = start.constant()
    size = 1
    for axis in start.shape:
        size *= axis
    if constant is None or size > 10_000:
        return None

    def level(shape: Sizes) -> Any:
        return constant if not shape else [level(shape[1:]) for _ in range(shape[0])]

    return level(start.shape)


def data_of(value: Any) -> Any:
    """The numbers of a literal leaf, named or not; None where they are not known."""
    if isinstance(value, Tensor):
        start = value.start or (value.item.start if value.item is not None else None)
        if start is None or value.broken is not None:
            return None
        return start.data if start.data is not None else _filled(start)
    return as_data(value)


def _data_shape(machine: Machine, data: Any, node: ast.AST) -> Sizes:
    if not isinstance(data, list):
        return ()
    shapes = {_data_shape(machine, one, node) for one in data}
    if len(shapes) != 1:
        raise machine.record.unread(node, "the rows of this array have different lengths")
    return (len(data), *shapes.pop())


def _flat(data: Any) -> Iterator[Any]:
    if isinstance(data, list):
        for one in data:
            yield from _flat(one)
    else:
        yield data


def rows(machine: Machine, value: Tensor, node: ast.AST) -> Iterator[Any]:
    """The parts along the first axis."""
    shape = machine.record.shape(value, node)
    if not shape:
        raise machine.record.unread(node, "a scalar has no rows to go through")
    if shape[0] > MAX_ROWS:
        raise machine.record.unread(node, f"a loop over {shape[0]:,} rows is too long")
    if value.fresh:
        machine.record.leaf(value, "data", node)
    for row in range(shape[0]):
        yield pick(machine, value, (row,), node)


# ── subscripts ───────────────────────────────────────────────────────────────────────────────────


def subscripts(machine: Machine, node: ast.expr) -> tuple[Any, ...]:
    """The subscripts of an index as values: ints, slices, None, Ellipsis, tensors, lists."""
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    found: list[Any] = []
    for part in parts:
        if isinstance(part, ast.Slice):
            ends = [None if end is None else plain(as_number(machine.value(end)))
                    for end in (part.lower, part.upper, part.step)]  # fmt: skip
            found.append(slice(*ends))
        elif isinstance(part, ast.Constant) and part.value is Ellipsis:
            found.append(Ellipsis)
        else:
            value = as_number(machine.value(part))
            found += value if isinstance(value, tuple) and len(parts) == 1 else [value]
    return tuple(None if getattr(one, "path", "").endswith(".newaxis") else one for one in found)


def indexed(machine: Machine, value: Tensor, index: ast.expr, node: ast.AST) -> Any:
    """`x[...]`: a basic index as it is, an index by tensors as the function that says it."""
    return pick(machine, value, subscripts(machine, index), node)


def pick(machine: Machine, value: Tensor, given: tuple[Any, ...], node: ast.AST) -> Any:
    """The part of a tensor that an index names."""
    given = tuple(as_number(one) for one in given)
    literal = _literal_part(value, given)
    if literal is not None:
        return literal
    if all(_is_basic(one) for one in given):
        if given and all(one == slice(None) for one in given):
            return value
        code = ast.Subscript(tensor_code(machine, value, node), _index_code(given), ast.Load())
        part = made(code, value, kind=value.kind)
        part.view = True
        return part
    return _by_tensors(machine, value, given, node)


def _literal_part(value: Tensor, given: tuple[Any, ...]) -> Any:
    """An entry of a literal of whole numbers: labels and positions are plain numbers."""
    data = data_of(value) if value.kind == "int" and not value.grad else None
    if data is None or not all(isinstance(one, int) for one in given):
        return None
    for one in given:
        if not isinstance(data, list) or not -len(data) <= one < len(data):
            return None
        data = data[one]
    return None if isinstance(data, list) else int(data)


def _is_basic(one: Any) -> bool:
    if isinstance(one, slice):
        return all(end is None or isinstance(end, int) for end in (one.start, one.stop, one.step))
    return one is None or one is Ellipsis or isinstance(plain(one), int) and not isinstance(one, bool)


def _index_code(given: tuple[Any, ...]) -> ast.expr:
    def part(one: Any) -> ast.expr:
        if isinstance(one, slice):
            return ast.Slice(*(None if end is None else number(int(end)) for end in (one.start, one.stop, one.step)))
        if one is Ellipsis:
            return named("...")
        return ast.Name("None", ast.Load()) if one is None else number(int(plain(one)))

    parts = [part(one) for one in given]
    return parts[0] if len(parts) == 1 else ast.Tuple(parts, ast.Load())


def _by_tensors(machine: Machine, value: Tensor, given: tuple[Any, ...], node: ast.AST) -> Tensor:
    """`x[idx]`, `x[:, idx]`, `x[rows, y]`."""
    shape = machine.record.shape(value, node)
    code = tensor_code(machine, value, node)
    tensors = [i for i, one in enumerate(given) if not _is_basic(one)]
    index = [literal_or_stack(machine, one, node) if isinstance(one, list | tuple | range) else one for one in given]
    if any(isinstance(one, Tensor) and one.kind == "bool" for one in index):
        raise machine.record.unread(node, "an index by a mask has no fixed shape", "write where(mask, x, 0)")
    if len(given) == 2 and len(shape) == 2 and _counts(machine, given[0], shape[0], node):
        column = code_of(machine, index[1], node)
        picked = call("take_along_axis", code, ast.Subscript(column, ast.Tuple([FULL, named("None")], ast.Load()),
                                                             ast.Load()), ast.Constant(1))  # fmt: skip
        return made(ast.Subscript(picked, ast.Tuple([FULL, ast.Constant(0)], ast.Load()), ast.Load()), value)
    if len(tensors) == 1 and all(one == slice(None) for i, one in enumerate(given) if i != tensors[0]):
        return made(call("take", code, code_of(machine, index[tensors[0]], node), ast.Constant(tensors[0])), value,
                    kind=value.kind)  # fmt: skip
    if len(tensors) == len(given) == 2:
        flat = call("reshape", code, whole(shape[0] * shape[1], *shape[2:]))
        place = binary(binary(code_of(machine, index[0], node), ast.Mult(), ast.Constant(shape[1])), ast.Add(),
                       code_of(machine, index[1], node))  # fmt: skip
        return made(call("take", flat, place, ast.Constant(0)), value)
    raise machine.record.unread(node, "this index is not read", "take(x, indices, axis) picks by a tensor")


def _counts(machine: Machine, value: Any, size: int, node: ast.AST) -> bool:
    """Whether an index is 0, 1, ..., size - 1."""
    data = list(value) if isinstance(value, range) else data_of(value)
    return data == list(range(size))


# ── attributes ───────────────────────────────────────────────────────────────────────────────────


def attribute(machine: Machine, value: Tensor, name: str, node: ast.AST) -> Any:
    """An attribute of a tensor, or a method bound to it."""
    from backprop_cli.tasks.importing.methods import METHODS, method

    if value.broken is not None:
        raise Unread(value.broken)
    if name in _ATTRIBUTES:
        return _ATTRIBUTES[name](machine, value, node)
    if name in METHODS or not name.startswith("_"):
        return Builtin(name, lambda m, a, k, n: method(m, value, name, a, k, n))
    raise machine.record.unread(node, f"a tensor has no attribute {name!r} here")


def dims(machine: Machine, value: Tensor, node: ast.AST) -> tuple[Dim, ...]:
    """The sizes of a tensor, each with the leaf that it was asked of."""
    if value.fresh:
        machine.record.leaf(value, "x", node) if value.param else None
    found = []
    for axis, size in enumerate(machine.record.shape(value, node)):
        one = Dim(size)
        item = value.item
        if item is not None and item.what == "leaf":
            one.of = (item, axis)
        found.append(one)
    return tuple(found)


def entries_of(machine: Machine, value: Tensor, node: ast.AST) -> Entries:
    """`x.size`: numpy's number of entries; PyTorch calls it."""
    count = 1
    for size in machine.record.shape(value, node):
        count *= size
    found = Entries(count)
    found.tensor = value
    return found


def transposed(machine: Machine, value: Tensor, node: ast.AST) -> Tensor:
    """`x.T`."""
    made_ = made(ast.Attribute(tensor_code(machine, value, node), "T", ast.Load()), value, kind=value.kind)
    made_.view = True
    return made_


def reshaped(machine: Machine, value: Tensor, shape: Any, node: ast.AST) -> Tensor:
    """A tensor in another shape."""
    sizes = tuple(int(plain(s)) for s in (shape if isinstance(shape, list | tuple) else (shape,)))
    if value.fresh and value.start is not None and not value.param:
        found = _reshaped_leaf(value, sizes)
        if found is not None:
            return found
    return made(call("reshape", tensor_code(machine, value, node), whole(*sizes)), value, kind=value.kind)


def _reshaped_leaf(value: Tensor, sizes: Sizes) -> Tensor | None:
    """A literal or drawn leaf in another shape is still a leaf."""
    start = value.start
    assert start is not None
    total = 1
    for axis in start.shape:
        total *= axis
    known = 1
    for size in sizes:
        known *= size if size > 0 else 1
    if known == 0 or total % known or sizes.count(-1) > 1 or (-1 not in sizes and known != total):
        return None
    shape = tuple(size if size > 0 else total // known for size in sizes)
    flat = list(_flat(start.data)) if start.data is not None else None

    def level(rest: Sizes, at: int) -> Any:
        assert flat is not None
        if not rest:
            return flat[at]
        step = 1
        for size in rest[1:]:
            step *= size
        return [level(rest[1:], at + i * step) for i in range(rest[0])]

    data = None if flat is None else level(shape, 0)
    return Tensor(None, start=replace(start, shape=shape, data=data, sizes=[None] * len(shape)), kind=value.kind)


def _grad(machine: Machine, value: Tensor, node: ast.AST) -> Any:
    found = machine.answers.of(value.item.name) if machine.answers is not None and value.item is not None else None
    return Opaque("a gradient") if found is None else found


def _data(machine: Machine, value: Tensor, node: ast.AST) -> Any:
    if value.fresh or not value.grad:
        return value
    if value.item is not None and value.item.what == "leaf":
        return Tensor(call("stop_gradient", tensor_code(machine, value, node)), kind=value.kind)
    return Tensor(call("stop_gradient", tensor_code(machine, value, node)), kind=value.kind)


_ATTRIBUTES: Mapping[str, Any] = {
    "shape": dims, "T": transposed, "grad": _grad, "data": _data,
    "mT": lambda m, v, n: made(ast.Attribute(tensor_code(m, v, n), "mT", ast.Load()), v),
    "ndim": lambda m, v, n: len(m.record.shape(v, n)), "dtype": lambda m, v, n: Opaque("a dtype"),
    "device": lambda m, v, n: Opaque("a device"), "size": entries_of,
    "requires_grad": lambda m, v, n: v.grad,
    "is_leaf": lambda m, v, n: v.fresh or (v.item is not None and v.item.what == "leaf"),
    "grad_fn": _grad, "real": lambda m, v, n: v,
    "value": lambda m, v, n: v,
}  # fmt: skip

__all__ = ["Unknown", "arithmetic", "attribute", "code_of", "compare", "indexed", "unary"]
