"""What an edge contributes to its operand's gradient under a mistake.

Each function takes, after what `partial` binds, the numbers of the draw, the upstream gradient and (y, *operands).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from backprop_cli.tasks.grading.chain import Edge
from backprop_cli.tasks.grading.operands import View

if TYPE_CHECKING:
    from backprop_cli.engine.ops.tensor import Array


def nothing(view: View, g: Array, args: tuple[Array, ...]) -> Any:
    """The path is not there."""
    return None


def skip(view: View, g: Array, args: tuple[Array, ...]) -> Any:
    """The gradient goes on as it came."""
    return g


def seeded(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The local derivative alone.

    Raises:
        ValueError: one number arrives from above, which is a factor and has a better name.
    """
    if (np.size(g) > 1 or edge.user.anonymous) and np.all(g == np.ravel(g)[0]):
        raise ValueError("one number arrives from above: a factor, and it has a better name")
    return edge.rule(np.ones_like(g), *args)


def twice(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The step taken twice."""
    return edge.rule(edge.rule(g, *args), *args)


def function(view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The function for its derivative."""
    return g * args[0]


def times(edge: Edge, factor: float, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """A multiple."""
    return factor * edge.rule(g, *args)


def ruled(rule: Callable[..., Array], view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """Another rule of the op."""
    return rule(g, *args)


def jacobian_diagonal(edge: Edge, g: Array, args: tuple[Array, ...]) -> Array:
    """The diagonal of the Jacobian, entry by entry."""
    found = np.empty_like(g)
    for entry in np.ndindex(*np.shape(g)):
        one = np.zeros_like(g)
        one[entry] = 1.0
        found[entry] = edge.rule(one, *args)[entry]
    return found


def diagonal(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The diagonal for the whole Jacobian."""
    return g * jacobian_diagonal(edge, g, args)


def diagonal_too(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The diagonal once more."""
    return edge.rule(g, *args) * jacobian_diagonal(edge, g, args)


def operand(edge: Edge, place: int, value: Callable[[View], Array], view: View, g: Array,
            args: tuple[Array, ...]) -> Any:
    """Another tensor in the place of an operand."""
    return edge.textbook(g, args[0], *(value(view) if i == place else one for i, one in enumerate(args[1:])))


def result(edge: Edge, value: Callable[[View], Array], view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """Another tensor in the place of the result."""
    return edge.textbook(g, value(view), *args[1:])


def both(edge: Edge, place: int, value: Callable[[View], Array], view: View, g: Array,
         args: tuple[Array, ...]) -> Array:
    """Another tensor in the place of the operand and of the result."""
    new = value(view)
    return edge.textbook(g, new, *(new if i == place else one for i, one in enumerate(args[1:])))


def upstream(edge: Edge, other: Callable[[View], Array], view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """Another tensor in the place of the upstream gradient."""
    return edge.rule(other(view), *args)


def value(index: int, view: View) -> Any:
    """A node's value."""
    return view.values[index]


def updated(index: int, view: View) -> Array:
    """A param after a step of length 1."""
    return view.values[index] - view.gradients[index]


def factor(function_of: Callable[[Array], Array], place: int, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The upstream gradient times a function of the result or an operand."""
    return g * function_of(args[place])


def operand_transposed(edge: Edge, place: int, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """An operand transposed."""
    return edge.rule(g, args[0], *(matrix_transpose(one) if i == place else one for i, one in enumerate(args[1:])))


def upstream_transposed(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The upstream gradient transposed."""
    return edge.rule(matrix_transpose(g), *args)


def matrix_transpose(x: Array) -> Array:
    """The last two axes exchanged, where there are two."""
    return np.swapaxes(x, -1, -2) if np.ndim(x) >= 2 else x


def swapped(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The factors of a matrix product in the other order."""
    other = matrix_transpose(args[2 - edge.position])
    return other @ g if edge.position == 0 else g @ other


def elementwise(edge: Edge, first: bool, second: bool, axis: int | None, view: View, g: Array,
                 args: tuple[Array, ...]) -> Array:  # fmt: skip
    """A product entry by entry, perhaps summed along an axis."""
    other = args[2 - edge.position]
    product = (matrix_transpose(other) if first else other) * (matrix_transpose(g) if second else g)
    return product if axis is None else np.sum(product, axis=axis, keepdims=True)


def flipped(edge: Edge, what: str, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """A convolution with something flipped."""
    axes = tuple(range(2, np.ndim(g)))
    if what == "result":
        found = edge.rule(g, *args)
        return np.flip(found, axes)
    if what == "upstream":
        return edge.rule(np.flip(g, axes), *args)
    operands = [np.flip(one, axes) if i != edge.position and np.ndim(one) == np.ndim(g) else one
                for i, one in enumerate(args[1:])]  # fmt: skip
    return edge.rule(g, args[0], *operands)


def window(corner: tuple[int, ...], view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """One window of a convolution for the sum over all."""
    slices = tuple(slice(start, start + size) for start, size in zip(corner, np.shape(g)[2:], strict=True))
    return g * args[1][(slice(None), slice(None), *slices)]


def without_target(index: int, target: Callable[[View], Array], scale: float, view: View) -> Array:
    """The gradient without its term of the target."""
    return view.gradients[index] + scale * target(view)


def loss(index: int, target: Callable[[View], Array], factor: Callable[[Array, Array], Array], scale: float,
          view: View) -> Array:  # fmt: skip
    """Another loss's derivative."""
    return scale * factor(view.values[index], target(view))


def part(index: int, other: int, factor: Callable[[Array], Array], power: int, view: View) -> Any:
    """The gradient with a factor too many or too few."""
    return view.gradients[index] * factor(view.values[other]) ** power


def of_two(rule: Callable[[Array, Array], Array], view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The upstream gradient times a function of both operands."""
    return g * rule(args[1], args[2])


def transpose_of(make: Callable[[View], Array], view: View) -> Array:
    """What is made, transposed."""
    return matrix_transpose(make(view))


def contribution_transposed(edge: Edge, view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """The contribution transposed."""
    return matrix_transpose(edge.rule(g, *args))


def over_all(view: View, g: Array, args: tuple[Array, ...]) -> Array:
    """A softmax gone back through with the sum over all entries."""
    return args[0] * (g - np.sum(g * args[0]))


SOFTMAX: Sequence[tuple[str, str, Callable[[Array, Array, Callable[[Array], Array]], Array]]] = (
    ("sign", "a sign is wrong", lambda y, g, total: y * (g + total(g * y))),
    ("factor_missing", "a factor is missing", lambda y, g, total: y * (g - total(g))),
    ("factor_missing", "a factor is missing", lambda y, g, total: g - total(g * y)),
    ("path_missing", "a term is missing", lambda y, g, total: -y * total(g * y)),
    ("local_only", "what arrives from above is missing", lambda y, g, total: y * (1 - y)),
)
"""What is taken for y (g - Σ g y), with the sum along the axis."""


def normalised(wrong: Callable[[Array, Array, Callable[[Array], Array]], Array], axis: int, view: View, g: Array,
               args: tuple[Array, ...]) -> Array:  # fmt: skip
    """A softmax gone back through by another rule."""
    return wrong(args[0], g, lambda x: np.sum(x, axis=axis, keepdims=True))


def gradient(index: int, view: View) -> Any:
    """A node's gradient."""
    return view.gradients[index]
