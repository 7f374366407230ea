"""Tensors as subscripts: `x[idx]`, `x[:, idx]`, `p[range(N), y]`, `E[rows, cols]`."""

from __future__ import annotations

from backprop_cli.engine.interpret.masked import is_mask
from backprop_cli.engine.interpret.scope import Interpret, Meaning, Scope, Shaper, V, failure
from backprop_cli.engine.interpret.statics import static
from backprop_cli.engine.ops import ALIASES, OPS
from backprop_cli.engine.ops.parts import IN_PARTS
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Shape
from backprop_cli.records import replace

_POSITIONS = frozenset({"arange", "range"})


def is_of_tensors(part: ast.Indexed, scope: Scope) -> bool:
    """Whether a subscript is a tensor: computed, or a second list beside another subscript that is one."""
    lists = sum(isinstance(item, ast.Sequence) for item in part.subscripts)
    return lists > 1 or any(_is_tensor(item, scope) for item in part.subscripts)


def _is_tensor(item: ast.Expression, scope: Scope) -> bool:
    if isinstance(item, ast.Name):
        return scope.lookup(item.name) is not None
    if isinstance(item, ast.Indexed):
        return _is_tensor(item.operand, scope)
    if isinstance(item, ast.Call):
        return item.function not in {"shape", "size", "ndim", "len"}
    return isinstance(item, ast.Binary | ast.Unary) and any(_is_tensor(p, scope) for p in ast.children(item))


def part_of(part: ast.Indexed, scope: Scope, shaper: Shaper) -> ast.Expression | None:
    """`split(x, [1, 3])[0]` as a call that makes that part alone; None for any other index."""
    call, (first, *rest) = part.operand, part.subscripts
    if not isinstance(call, ast.Call) or ast.calls(call, scope.functions):
        return None
    if ALIASES.get(call.function, call.function) not in IN_PARTS or any(a.keyword == "part" for a in call.arguments):
        return None
    if isinstance(first, ast.Slice | ast.Ellipsis_ | ast.Sequence) or not isinstance(static(first, scope, shaper), int):
        return None
    picked = ast.Argument("part", first, first.start, first.end)
    one = replace(call, arguments=(*call.arguments, picked))
    return replace(part, operand=one, subscripts=tuple(rest)) if rest else one


def by_tensors(part: ast.Indexed, scope: Scope, meaning: Meaning[V], interpret: Interpret[V]) -> V:
    """Entries at positions that a tensor holds, as numpy and PyTorch take them.

    Raises:
        SpecError: a mask, or tensors beside slices, which have no fixed shape or no one reading.
    """
    operand = interpret(part.operand, scope, meaning)
    rank = len(meaning.shape(operand))
    items = _without_ellipsis(part, rank)
    if len(items) > rank:
        raise failure("E014", f"{len(items)} subscripts for a tensor of rank {rank}", scope.place(part))
    at = [i for i, item in enumerate(items) if not _is_whole(item)]
    for i in at:
        _refuse_mask(items[i], scope)
    if len(at) > 1 and at != list(range(len(at))):
        hint = "index in two steps, or use take(x, indices, axis=...)"
        raise failure("E015", "tensors and slices together in an index", scope.place(part), hint)
    try:
        if len(at) == 1:
            return _taken(operand, _positions(items[at[0]], scope, meaning, interpret), at[0], meaning)
        return _paired(operand, items[: len(at)], scope, meaning, interpret)
    except SpecError:
        raise
    except Exception as caught:
        from backprop_cli.engine.ops.base import ParameterError, ShapeError

        if isinstance(caught, ShapeError | ParameterError):
            raise failure("E014", str(caught), scope.place(part), getattr(caught, "hint", None)) from None
        raise


def _without_ellipsis(part: ast.Indexed, rank: int) -> list[ast.Expression]:
    """The subscripts, `...` as the whole axes that it stands for."""
    missing = rank - len(part.subscripts) + 1
    each = [[ast.Slice(item.start, item.end, None, None, None)] * missing if isinstance(item, ast.Ellipsis_) else [item]
            for item in part.subscripts]  # fmt: skip
    return [item for items in each for item in items]


def _is_whole(item: ast.Expression) -> bool:
    return isinstance(item, ast.Slice) and item.first is None and item.stop is None and item.step is None


def _refuse_mask(item: ast.Expression, scope: Scope) -> None:
    if is_mask(item):
        hint = "its size depends on the numbers: add it up, sum(x[mask]), mean(x[mask]), or use where(mask, x, 0)"
        raise failure("E015", "a mask as an index", scope.place(item), hint)


def _positions(item: ast.Expression, scope: Scope, meaning: Meaning[V], interpret: Interpret[V]) -> V:
    if isinstance(item, ast.Sequence):
        return meaning.apply(OPS["stack"], tuple(interpret(i, scope, meaning) for i in item.items), {"axis": 0})
    return interpret(item, scope, meaning)


def _taken(operand: V, positions: V, axis: int, meaning: Meaning[V]) -> V:
    return meaning.apply(OPS["take"], (operand, positions), {"axis": axis})


def _paired(operand: V, items: list[ast.Expression], scope: Scope, meaning: Meaning[V], interpret: Interpret[V]) -> V:
    """One tensor for each leading axis: entry n is `x[rows[n], cols[n]]`, axis by axis."""
    found, brought = operand, 0
    for i, item in enumerate(items):
        if not i and _counts(item, meaning.shape(operand), scope, meaning, interpret):
            brought = 1
            continue
        positions = _positions(item, scope, meaning, interpret)
        found = _picked(found, positions, brought, meaning)
        brought = max(brought, len(meaning.shape(positions)))
    return found


def _counts(item: ast.Expression, shape: Shape, scope: Scope, meaning: Meaning[V], interpret: Interpret[V]) -> bool:
    """Whether a subscript is every position of the first axis in order: `range(N)`."""
    is_range = isinstance(item, ast.Call) and item.function in _POSITIONS and len(item.arguments) == 1
    return is_range and meaning.shape(interpret(item, scope, meaning)) == shape[:1]


def _picked(operand: V, positions: V, brought: int, meaning: Meaning[V]) -> V:
    """The next axis's entries at positions that go along with the leading axes that earlier positions brought."""
    many = len(meaning.shape(positions))
    if not brought or not many:
        return _taken(operand, positions, brought, meaning)
    wide = max(brought, many)
    ahead = len(meaning.shape(operand)) - brought - 1
    found = _widened(operand, tuple(range(wide - brought)), meaning)
    at = _widened(positions, (*range(wide - many), *range(wide, wide + 1 + ahead)), meaning)
    picked = meaning.apply(OPS["take_along_axis"], (found, at), {"axis": wide})
    return meaning.apply(OPS["squeeze"], (picked,), {"axis": wide})


def _widened(x: V, axes: tuple[int, ...], meaning: Meaning[V]) -> V:
    """New axes of size 1."""
    if not axes:
        return x
    return meaning.apply(OPS["expand_dims"], (x,), {"axis": axes[0] if len(axes) == 1 else axes})
