"""Tensors as subscripts: `x[idx]`, `p[range(N), y]`, `x[:, i, j]`, and masks whose numbers are known: `x[m == 1]`."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from backprop_cli.engine.interpret.masked import is_mask, mask_of
from backprop_cli.engine.interpret.scope import Interpret, Meaning, Scope, Shaper, V, failure
from backprop_cli.engine.interpret.statics import static, subscript
from backprop_cli.engine.ops import ALIASES, OPS
from backprop_cli.engine.ops.base import show
from backprop_cli.engine.ops.parts import IN_PARTS
from backprop_cli.engine.ops.subscripts import Span
from backprop_cli.errors import SpecError
from backprop_cli.language import expression as ast
from backprop_cli.language.expression.lettered import lettered
from backprop_cli.language.model import Shape

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Mask
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


def at_letters(part: ast.Indexed, scope: Scope, shaper: Shaper) -> ast.Expression | None:
    """`p[n, y[n]]` as formulas print it, for letters that are no names: a call; None for any other index.

    Raises:
        SpecError: the labels are not as many as what they pick from.
    """
    found = lettered(part)
    if found is None or any(scope.lookup(letter) is not None for letter in found.letters):
        return None
    place, labels = found.place, found.labels
    shape, many = shaper(part.operand), shaper(labels)
    met = (*many[:place], *many[place + 1 :]) if found.keeps else many
    if met != (*shape[:place], *shape[place + 1 :]):
        message = f"{scope.spell(part)!r} needs a label for every place: of {show(shape)}, not {show(many)}"
        raise failure("E014", message, scope.place(part))
    if found.keeps:
        return _call_of(part, "take_along_axis", part.operand, labels, place)
    wide = _call_of(part, "expand_dims", labels, place)
    return _call_of(part, "squeeze", _call_of(part, "take_along_axis", part.operand, wide, place), place)


def _call_of(part: ast.Expression, function: str, *given: ast.Expression | int) -> ast.Call:
    values = [ast.Number(part.start, part.end, Fraction(one), str(one)) if isinstance(one, int) else one
              for one in given]  # fmt: skip
    arguments = tuple(ast.Argument(None, value, value.start, value.end) for value in values)
    return ast.Call(part.start, part.end, function, arguments, part.end, library="own")


def by_tensors(part: ast.Indexed, scope: Scope, meaning: Meaning[V], interpret: Interpret[V], shaper: Shaper) -> V:
    """Entries at positions that a tensor holds, or where a mask is 1, as numpy and PyTorch take them.

    Raises:
        SpecError: a mask without numbers, whose result has no fixed shape, or more subscripts than axes.
    """
    operand = interpret(part.operand, scope, meaning)
    rank = len(meaning.shape(operand))
    items = _without_ellipsis(part, rank)
    masks = [mask_of(item, scope, meaning) for item in items]
    if sum(map(_axes, masks)) > rank:
        raise failure("E014", f"{len(items)} subscripts for a tensor of rank {rank}", scope.place(part))
    try:
        if any(isinstance(item, ast.Slice) and not _is_whole(item) for item in items):
            spans = [subscript(i, scope, shaper) if isinstance(i, ast.Slice) else Span(None, None, None) for i in items]
            operand = meaning.apply(OPS["index"], (operand,), {"index": tuple(spans)})
        at = [i for i, item in enumerate(items) if not isinstance(item, ast.Slice)]
        if len(at) == 1 and (mask := masks[at[0]]) is not None:
            return _where(operand, mask, at[0], part, scope, meaning)
        for i in at:
            _refuse_mask(items[i], scope)
        if len(at) == 1:
            return _taken(operand, _positions(items[at[0]], scope, meaning, interpret), at[0], meaning)
        return _beside_slices(operand, items, at, scope, meaning, interpret)
    except SpecError:
        raise
    except Exception as caught:
        from backprop_cli.engine.ops.base import ParameterError, ShapeError

        if isinstance(caught, ShapeError | ParameterError):
            raise failure("E014", str(caught), scope.place(part), getattr(caught, "hint", None)) from None
        raise


def _axes(mask: Mask | None) -> int:
    """How many axes a subscript is about."""
    return 1 if mask is None else mask.ndim


def _where(operand: V, mask: Mask, place: int, part: ast.Indexed, scope: Scope, meaning: Meaning[V]) -> V:
    """The entries where a mask is 1, its axes joined, in the order in which they stand."""
    shape, sizes = meaning.shape(operand), mask.shape
    met = shape[place : place + len(sizes)]
    if tuple(map(int, met)) != sizes or not sizes:
        raise failure("E014", f"a mask of shape {sizes} for axes of sizes {tuple(met)}", scope.place(part))
    if len(sizes) > 1:
        joined = (*shape[:place], mask.size, *shape[place + len(sizes) :])
        operand = meaning.apply(OPS["reshape"], (operand,), {"shape": joined})
    positions = tuple(map(int, mask.reshape(-1).nonzero()[0]))
    return meaning.apply(OPS["index"], (operand,), {"index": (*[Span(None, None, None)] * place, positions)})


def _beside_slices(operand: V, items: list[ast.Expression], at: list[int], scope: Scope, meaning: Meaning[V],
                   interpret: Interpret[V]) -> V:  # fmt: skip
    """`x[:, i, j]`: the axes with positions first, picked together; then back to where the first one stood.

    As in numpy: with a slice between them they stay in front.
    """
    rank = len(meaning.shape(operand))
    others = [axis for axis in range(rank) if axis not in at]
    found = _paired(_moved(operand, (*at, *others), meaning), [items[i] for i in at], scope, meaning, interpret)
    place = at[0] if at == list(range(at[0], at[0] + len(at))) else 0
    brought = len(meaning.shape(found)) - len(others)
    return _moved(found, (*range(brought, brought + place), *range(brought),
                          *range(brought + place, brought + len(others))), meaning)  # fmt: skip


def _moved(x: V, axes: tuple[int, ...], meaning: Meaning[V]) -> V:
    """With its axes in this order."""
    return x if axes == tuple(range(len(axes))) else meaning.apply(OPS["transpose"], (x,), {"axes": axes})


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
