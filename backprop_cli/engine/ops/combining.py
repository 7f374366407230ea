"""Functions of several tensors, written in the spec language itself: blends, products and joins."""

from __future__ import annotations

from collections.abc import Mapping

from backprop_cli.engine.ops.base import Body, ParameterError, Sample, composite, normalize_axis, show
from backprop_cli.engine.ops.library import scalar, spell
from backprop_cli.engine.ops.tensor import LETTERS, Axes, Real
from backprop_cli.engine.ops.validate import shown, whole
from backprop_cli.language.model import Shape

Shapes = Mapping[str, Shape]

# ── blends ───────────────────────────────────────────────────────────────────────────────────────

composite("lerp(a, b, weight)", "a + weight·(b - a): between two tensors.", "a + weight * (b - a)",
          group="elementwise", samples=(Sample(((2, 3), (2, 3), ())), Sample(((2, 3), (3,), (2, 1)))))


def _times(factor: object, name: str, term: str) -> str:
    return term if factor == 1 else f"{scalar(name, factor)} * {term}"


def _plus_product(term: str) -> Body:
    def body(shapes: Shapes, beta: Real, alpha: Real) -> str:
        return f"{_times(beta, 'beta', 'input')} + {_times(alpha, 'alpha', term)}"

    return body


composite("addmm(input, a, b; beta=1, alpha=1)", "beta·input + alpha·(a @ b).", _plus_product("(a @ b)"),
          aliases="addmv baddbmm", group="linear algebra",
          samples=(Sample(((2, 3), (2, 2), (2, 3))), Sample(((3,), (2, 2), (2, 3)), {"beta": 0.5, "alpha": 2})))
composite("addr(input, a, b; beta=1, alpha=1)", "beta·input + alpha·(a bᵀ), of two vectors.",
          _plus_product("outer(a, b)"), group="linear algebra",
          samples=(Sample(((2, 3), (2,), (3,))), Sample(((3,), (2,), (3,)), {"beta": 0.5, "alpha": 2})))
composite("addcmul(input, a, b; value=1)", "input + value·a·b.",
          lambda shapes, value: f"input + {_times(value, 'value', 'a')} * b", group="elementwise",
          samples=(Sample(((2, 3), (2, 3), (3,))), Sample(((2, 3), (2, 1), ()), {"value": 0.5})))
composite("addcdiv(input, a, b; value=1)", "input + value·a/b.",
          lambda shapes, value: f"input + {_times(value, 'value', 'a')} / b", group="elementwise",
          samples=(Sample(((2, 3), (2, 3), (3,)), {}, ("real", "real", "positive")),
                   Sample(((2, 3), (2, 1), ()), {"value": 0.5}, ("real", "real", "positive"))))

# ── products over chosen axes ────────────────────────────────────────────────────────────────────


def contracted(a: Shape, b: Shape, over: object) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The axes of each operand that tensordot sums over: n of them where they meet, or a pair of lists.

    Raises:
        ParameterError: they are neither, or their sizes differ.
    """
    if isinstance(over, tuple):
        if len(over) != 2:
            raise ParameterError("over", f"tensordot takes a number of axes or a pair of lists, not {shown(over)}")
        lists = tuple(one if isinstance(one, tuple) else (one,) for one in over)
        left, right = (tuple(normalize_axis(axis, len(shape)) for axis in one)
                       for one, shape in zip(lists, (a, b), strict=True))
    else:
        n = whole("over", over, 0)
        if n > min(len(a), len(b)):
            raise ParameterError("over", f"{show(a)} and {show(b)} do not have {n} axes each")
        left, right = tuple(range(len(a) - n, len(a))), tuple(range(n))
    if len(left) != len(right) or any(1 != a[i] != b[j] != 1 for i, j in zip(left, right, strict=True)):
        raise ParameterError("over", f"{show(a)} and {show(b)} do not agree in the axes summed over")
    return left, right


def _tensordot(shapes: Shapes, over: object) -> str:
    a, b = shapes["a"], shapes["b"]
    left, right = contracted(a, b, over)
    one, two = _stretched("a", a, left, b, right), _stretched("b", b, right, a, left)
    if (len(a) < 3 and len(b) < 3) and left == (len(a) - 1,) and right == (0,):
        return f"{one} @ {two}"
    letters = iter(LETTERS[:26])
    first = [next(letters) for _ in a]
    second = [first[left[right.index(i)]] if i in right else next(letters) for i in range(len(b))]
    rest = [c for i, c in enumerate(first) if i not in left] + [c for i, c in enumerate(second) if i not in right]
    return f"einsum('{''.join(first)},{''.join(second)}->{''.join(rest)}', {one}, {two})"


def _stretched(name: str, own: Shape, axes: tuple[int, ...], other: Shape, met: tuple[int, ...]) -> str:
    """An operand, summed over the axes where the other has size 1: that one is the same for all, as in PyTorch."""
    alone = tuple(i for i, j in zip(axes, met, strict=True) if other[j] == 1 != own[i])
    return f"sum({name}, axis={spell(alone)}, keepdims=true)" if alone else name


composite("tensordot(a, b; over=2)",
          "The sum of products over the last axes of a and the first of b: how many, or a pair of lists of axes.",
          _tensordot, group="linear algebra",
          samples=(Sample(((2, 3, 2), (3, 2, 2))), Sample(((2, 3), (3, 2)), {"over": 1}),
                   Sample(((2, 3), (4, 2)), {"over": ((0,), (1,))}), Sample(((2,), (3,)), {"over": 0}),
                   Sample(((2, 1), (3, 2)), {"over": 1}), Sample(((1, 1, 2), (2, 1, 2)), {"over": ((0, 1), (2, 0))})))


def _inner(shapes: Shapes) -> str:
    a, b = shapes["a"], shapes["b"]
    if not a or not b:
        return "a * b"
    if len(a) == len(b) == 1:
        return "a @ b"
    return _tensordot(shapes, ((len(a) - 1,), (len(b) - 1,))) if len(b) != 2 or len(a) > 2 else "a @ b.T"


composite("inner(a, b)", "numpy's inner: the sum of products over the last axis of both.", _inner,
          group="linear algebra",
          samples=(Sample(((3,), (3,))), Sample(((2, 3), (4, 3))), Sample(((2, 2, 3), (2, 3))), Sample(((), (3,)))))
composite("vdot(a, b)", "The sum of products of all entries.", lambda shapes: "a @ b" if len(shapes["a"]) == 1 ==
          len(shapes["b"]) else "reshape(a, -1) @ reshape(b, -1)", group="linear algebra",
          samples=(Sample(((3,), (3,))), Sample(((2, 3), (2, 3)))))

# ── differences along an axis ────────────────────────────────────────────────────────────────────


MOST_DIFFERENCES = 32


def _diff(shapes: Shapes, n: int, axis: Axes) -> str:
    x = shapes["x"]
    place = normalize_axis(whole("axis", axis), len(x))
    ends = [name for name in ("prepend", "x", "append") if name in shapes]
    if whole("n", n, 0) > MOST_DIFFERENCES:
        raise ParameterError("n", f"n must be at most {MOST_DIFFERENCES}, not {n}")
    if n == 0:
        return "x"
    given = {name: name if shapes[name] else f"broadcast_to({name}, {spell(_layer(x, place))})" for name in ends}
    text = "x" if len(ends) == 1 else f"concat([{', '.join(given.values())}], axis={place})"
    if n > 1:
        return f"diff(diff({text}, axis={place}), n={n - 1}, axis={place})"
    return f"{_from(text, place, '1:')} - {_from(text, place, ':-1')}"


def _layer(x: Shape, place: int) -> Shape:
    return tuple(1 if i == place else size for i, size in enumerate(x))


def _from(text: str, place: int, part: str) -> str:
    return f"{text}[{':, ' * place}{part}]"


composite("diff(x, prepend=none, append=none; n=1, axis=-1)",
          "The differences of neighbours along an axis, n times over.", _diff, group="shape",
          samples=(Sample(((4,), None, None)), Sample(((3, 2), None, None), {"axis": 0}),
                   Sample(((2, 4), None, None), {"n": 2}), Sample(((2, 3), (2, 1), ()), {"axis": 1})))

# ── tensors joined ──────────────────────────────────────────────────────────────


def _listed(shapes: Shapes, raised: int) -> list[str]:
    """The operands, with at least `raised` axes."""
    ways = {(1, 0): "[None]", (2, 0): "[None, None]", (2, 1): "[None, :]"}
    return [f"{name}{ways.get((raised, len(shape)), '')}" for name, shape in shapes.items()]


def _hstack(shapes: Shapes) -> str:
    axis = 0 if all(len(shape) < 2 for shape in shapes.values()) else 1
    return f"concat([{', '.join(_listed(shapes, 1))}], axis={axis})"


def _column_stack(shapes: Shapes) -> str:
    columns = [f"reshape({name}, (-1, 1))" if len(shape) < 2 else name for name, shape in shapes.items()]
    return f"concat([{', '.join(columns)}], axis=1)"


def _layers(shapes: Shapes) -> list[str]:
    """The operands with three axes, as dstack sees them."""
    ways = {0: "[None, None, None]", 1: "[None, :, None]", 2: "[:, :, None]"}
    return [f"{name}{ways.get(len(shape), '')}" for name, shape in shapes.items()]


composite("hstack([xs])", "Tensors joined side by side: along axis 1, vectors along axis 0.", _hstack, group="shape",
          samples=(Sample(((2, 3), (2, 1))), Sample(((2,), (3,))), Sample(((), ()))))
composite("vstack([xs])", "Tensors joined one below the other; a vector is a row.",
          lambda shapes: f"concat([{', '.join(_listed(shapes, 2))}], axis=0)", group="shape",
          samples=(Sample(((2, 3), (1, 3))), Sample(((3,), (3,))), Sample(((2, 3), (3,)))))
composite("column_stack([xs])", "Tensors joined side by side; a vector is a column.", _column_stack, group="shape",
          samples=(Sample(((3,), (3,))), Sample(((3, 2), (3,)))))

composite("dstack([xs])", "Tensors joined along axis 2; a matrix is a layer.",
          lambda shapes: f"concat([{', '.join(_layers(shapes))}], axis=2)", group="shape",
          samples=(Sample(((2, 3), (2, 3))), Sample(((3,), (3,))), Sample(((2, 2, 1), (2, 2, 3)))))

composite("multi_dot([xs])", "The matrix product of several, in a row.", " @ ".join,
          group="linear algebra", samples=(Sample(((2, 3), (3, 4), (4, 2))), Sample(((3,), (3, 2), (2,)))))


# ── tensors filled ───────────────────────────────────────────────────────────────────────────────

composite("masked_fill(x, mask, fill)", "x, with `fill` where the 0/1 mask is 1.", "where(mask, fill, x)",
          group="elementwise", samples=(Sample(((2, 3), (2, 3), ()), {}, ("real", "mask")),
                                        Sample(((2, 3), (3,), ()), {}, ("real", "mask"))))
for _name in ("zeros", "ones"):
    composite(f"{_name}_like(x)", f"A tensor of {_name} of the shape of x.",
              lambda shapes, name=_name: f"{name}({spell(shapes['x'])})", group="shape", flat=True,
              integer_operands=frozenset({"x"}), samples=(Sample(((2, 3),)), Sample(((),))))
composite("full(fill_value; shape)", "A tensor of one value: full((2, 3), 0.5).",
          lambda shapes, shape: f"broadcast_to(fill_value, {spell(shape)})", group="shape",
          example="full((2, 3), 0.5)", samples=(Sample(((),), {"shape": (2, 3)}), Sample(((3,),), {"shape": (2, 3)})))
composite("full_like(x, fill_value)", "A tensor of one value, of the shape of x.",
          lambda shapes: f"broadcast_to(fill_value, {spell(shapes['x'])})", group="shape",
          samples=(Sample(((2, 3), ())), Sample(((), ()))))
