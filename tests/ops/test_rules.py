"""Every op and every composite of the registry, on every one of its samples: a new op needs no new test lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import starmap
from typing import Any

import numpy as np
import pytest

from backprop_cli.engine.graph import build
from backprop_cli.engine.numbers import Words, plain, summed_to
from backprop_cli.engine.ops import ALIASES, COMPOSITES, OPS, Composite, Op
from backprop_cli.engine.ops.base import REQUIRED, Sample
from backprop_cli.engine.ops.library import spell
from backprop_cli.engine.ops.samples import draw
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.engine.ops.words import WORDS
from backprop_cli.errors import BackpropError
from backprop_cli.language import expression as ast
from backprop_cli.language.model import Leaf, NodeSpec, Spec
from backprop_cli.language.source import inline
from backprop_cli.tasks.calculate import compute
from tests.together import by_function

XP = Words()
CASES = [pytest.param(op, sample, id=f"{op.name}-{i}") for op in OPS.values() for i, sample in enumerate(op.samples)]
COMPOSED = [pytest.param(c, s, id=f"{c.name}-{i}") for c in COMPOSITES.values() for i, s in enumerate(c.samples)]
STEP = 2e-4
PLAIN_WORDS = {"pi", "size", "number"}


def parameters(function: Op | Composite, sample: Sample) -> dict[str, Any]:
    """All static parameters, exactly as a call binds them."""
    bound = {**function.signature.parameters, **sample.parameters}
    assert REQUIRED not in bound.values(), f"{function.name}: a sample leaves a required parameter out"
    return bound


def numbers(op: Op, sample: Sample) -> dict[str, Any]:
    """The parameters as rules of the numbers meaning see them."""
    return {name: plain(value) for name, value in parameters(op, sample).items()}


def operands(sample: Sample) -> tuple[Any, ...]:
    """The same random operands on every run."""
    return draw(sample, np.random.default_rng(3))


def forward(op: Op, xs: tuple[Any, ...], statics: dict[str, Any], xp: Any = XP) -> Any:
    """The op's value."""
    with np.errstate(all="ignore"):
        return op.forward(xp, *xs, **statics)


def gradient(op: Op, position: int, g: Any, y: Any, xs: tuple[Any, ...], statics: dict[str, Any], xp: Any = XP) -> Any:
    """The rule's value, summed back as the engine does; None where the operand is not differentiable."""
    rule = op.vjps[0 if op.signature.variadic else position]
    if rule is None:
        return None
    with np.errstate(all="ignore"):
        found = rule(xp, position, g, y, *xs, **statics) if op.signature.variadic else rule(xp, g, y, *xs, **statics)
        return summed_to(np.asarray(found), np.shape(xs[position])) if op.broadcasts else np.asarray(found)


def differences(function: Any, xs: tuple[Any, ...], position: int, g: Any) -> Any:
    """Σ g·∂y/∂x by central differences of fourth order."""
    x = np.array(xs[position], dtype=float)
    result = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        def at(t: float, index: tuple[int, ...] = index) -> Any:
            moved = x.copy()
            moved[index] += t
            return np.sum(g * function(*xs[:position], moved[()], *xs[position + 1 :]))
        result[index] = (8 * (at(STEP) - at(-STEP)) - (at(2 * STEP) - at(-2 * STEP))) / (12 * STEP)
    return result


def meant(op: Op, moved: tuple[Any, ...], xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """What a change of the operands is to the derivative: that of a symmetric matrix is symmetric."""
    return moved if op.near is None else (op.near(moved[0], xs[0]), *moved[1:])


def check_rule(op: Op, sample: Sample) -> None:
    """Every rule of an op agrees with differences, for a random upstream gradient."""
    xs, statics = operands(sample), numbers(op, sample)
    y = forward(op, xs, statics)
    g = np.random.default_rng(11).normal(size=np.shape(y))[()]
    for position, x in enumerate(xs):
        if x is None or (found := gradient(op, position, g, y, xs, statics)) is None:
            continue
        assert np.shape(found) == np.shape(x)
        expected = differences(lambda *moved: forward(op, meant(op, moved, xs), statics), xs, position, g)
        np.testing.assert_allclose(found, expected, rtol=2e-7, atol=2e-8, err_msg=f"operand {position}")


def check_shape(op: Op, sample: Sample) -> None:
    """Compare the shape rule with the shape of the value."""
    shapes = op.shape(*sample.shapes, **parameters(op, sample))
    assert tuple(map(int, shapes)) == np.shape(forward(op, operands(sample), numbers(op, sample)))


@by_function(CASES)
def test_shape_rule_is_the_actual_shape(op: Op, sample: Sample) -> None:
    """Shapes are inferred before anything runs, so the rule must be right."""
    check_shape(op, sample)


@by_function(CASES)
def test_rule_agrees_with_differences(op: Op, sample: Sample) -> None:
    """The VJP is the derivative of the forward function."""
    if op.name not in ("sign", "floor", "ceil", "round", "trunc", "stop_gradient", "one_hot", "floor_divide"):
        check_rule(op, sample)


@by_function(CASES)
def test_float32_stays_float32(op: Op, sample: Sample) -> None:
    """No constant of an op or a rule lifts a float32 run to float64; scalars stay scalars."""
    xp = Words("float32")
    xs = tuple(None if x is None else np.float32(x) if np.ndim(x) == 0 else x.astype(np.float32)
               for x in operands(sample))
    statics = numbers(op, sample)
    y = forward(op, xs, statics, xp)
    assert y.dtype == np.float32
    for position, x in enumerate(xs):
        if x is not None and (found := gradient(op, position, np.ones_like(y), y, xs, statics, xp)) is not None:
            assert found.dtype == np.float32, f"operand {position}"
            np.testing.assert_allclose(found, gradient(op, position, np.ones(np.shape(y))[()], y.astype(float), tuple(
                None if v is None else v.astype(float) for v in xs), statics), rtol=2e-3, atol=2e-3)


@by_function([c for c in CASES if c.values[0].has_entries])
def test_entries_are_the_numbers(op: Op, sample: Sample) -> None:
    """The textbook definition in exact scalars gives the stable function's value."""
    sympy = pytest.importorskip("sympy")
    xs = tuple(None if x is None else _exact(sympy, x) for x in operands(sample))
    statics = {name: _exact_static(sympy, value) for name, value in parameters(op, sample).items()}
    try:
        made = op.entry(sympy, *xs, **statics) if op.entry else op.forward(Exact(sympy), *xs, **statics)
    except NotImplementedError:
        return  # a case without a formula
    found = np.frompyfunc(float, 1, 1)(np.asarray(made, dtype=object))
    np.testing.assert_allclose(np.asarray(found, dtype=float), forward(op, operands(sample), numbers(op, sample)),
                               rtol=1e-9, atol=1e-12)


def _exact(sympy: Any, x: Any) -> Any:
    return np.asarray(np.frompyfunc(lambda v: sympy.Integer(int(v)) if v == int(v) else sympy.Float(v, 30), 1, 1)(x),
                      dtype=object)


def _exact_static(sympy: Any, value: Any) -> Any:
    from fractions import Fraction

    return sympy.Rational(value.numerator, value.denominator) if isinstance(value, Fraction) else value


class Exact:
    """The words that forward functions use, on object arrays of sympy scalars."""

    dtype = np.dtype(object)

    def __init__(self, sympy: Any) -> None:
        self.sympy = sympy
        self.pi = sympy.pi

    def mask(self, condition: Any) -> Any:
        """A comparison of exact numbers."""
        return np.frompyfunc(int, 1, 1)(condition)

    def array(self, values: Any) -> Any:
        """Whole numbers."""
        return np.asarray(np.frompyfunc(lambda v: self.sympy.Integer(int(v)), 1, 1)(np.asarray(values)), dtype=object)

    def size(self, n: int) -> Any:
        """A number of entries."""
        return self.sympy.Integer(int(n))

    def number(self, value: Any) -> Any:
        """A literal."""
        return self.sympy.Rational(value)


# ── composites, through the whole program ────────────────────────────────────────────────────────


def graph_of(function: Op | Composite, sample: Sample) -> Any:
    """A spec whose one node calls the function on leaves x0, x1, ..."""
    xs = operands(sample)
    names = [f"x{i}" for i, x in enumerate(xs) if x is not None]
    given = [f"x{i}" if xs[i] is not None else "none" for i in range(len(xs))]
    statics = [f"{name}={spell_static(name, value)}" for name, value in sample.parameters.items()]
    call = f"[{', '.join(given)}]" if function.signature.variadic else ", ".join(given)
    text = inline(f"{function.name}({', '.join(filter(None, [call, *statics]))})")
    values = {name: xs[int(name[1:])] for name in names}
    leaves = tuple(Leaf(name, "param", np.shape(v), (lambda v=v: v), inline(name)) for name, v in values.items())
    node = NodeSpec("y", ast.parse(text), text, inline("y"))
    source = text.source
    return build(Spec(source, leaves=leaves, nodes=(node,), grad_output="ones")), values


def spell_static(name: str, value: Any) -> str:
    """A parameter of a sample as the language writes it."""
    return f"'{index_text(value)}'" if name == "index" else spell(value)


@by_function(COMPOSED)
def test_composite_agrees_with_differences(function: Composite, sample: Sample) -> None:
    """A function written in the language runs, and its gradient is its derivative."""
    if function.flat:
        with pytest.raises(BackpropError):  # nothing to differentiate: the spec is refused
            graph_of(function, sample)
        return
    graph, values = graph_of(function, sample)
    integer = {f"x{i}" for i, domain in enumerate(sample.domains) if domain.startswith(("labels", "mask", "sign"))}

    def value(**leaves: Any) -> Any:
        return compute(graph, {graph.names[name]: x for name, x in leaves.items()})

    computed = value(**values)
    y = computed.values[graph.output.index]
    assert np.shape(y) == tuple(map(int, graph.output.shape))
    for name, x in values.items():
        if name in integer or (found := computed.gradient(graph.names[name])) is None:
            continue

        def output(moved: Any, name: str = name) -> Any:
            return value(**{**values, name: moved}).values[graph.output.index]

        expected = differences(output, (x,), 0, np.ones(np.shape(y)))
        np.testing.assert_allclose(found, expected, rtol=2e-7, atol=2e-8, err_msg=name)


CALLS = [c for c in CASES if c.values[0].name not in ("index", "scatter")]


@by_function(CALLS)
def test_op_can_be_called_in_a_spec(op: Op, sample: Sample) -> None:
    """The signature binds a call of the language, and the run gives what the op gives."""
    if all(rule is None for rule in op.vjps) or not op.vjps:
        return  # nothing to differentiate: the spec is refused
    graph, values = graph_of(op, sample)
    computed = compute(graph, {graph.names[name]: x for name, x in values.items()})
    np.testing.assert_array_equal(computed.values[graph.output.index],
                                  forward(op, operands(sample), numbers(op, sample)))


# ── the registry itself ──────────────────────────────────────────────────────────────────────────


def test_every_function_is_documented() -> None:
    """One sentence each, from which the documentation is made."""
    for function in (*OPS.values(), *COMPOSITES.values()):
        assert function.doc.endswith("."), function.name
        assert function.group, function.name


def test_aliases_resolve_and_hide_nothing() -> None:
    """An alias names a function, and is not itself one."""
    for alias, name in ALIASES.items():
        assert name in OPS or name in COMPOSITES, alias
        assert alias not in OPS, alias
        assert alias not in COMPOSITES, alias


def test_a_kink_has_a_convention() -> None:
    """Where a run can land on a kink, the table says what the derivative is there."""
    for op in OPS.values():
        assert op.convention or op.kink is None, op.name


@by_function([c for c in CASES if c.values[0].away is not None])
def test_the_rule_away_from_0_is_the_rule(op: Op, sample: Sample) -> None:
    """Where no entry is 0, what a formula says and what the numbers do are one."""
    (x,) = operands(sample)
    x, statics = np.where(x == 0, 0.7, x), numbers(op, sample)
    y = forward(op, (x,), statics)
    g = np.cos(np.arange(np.size(y), dtype=float)).reshape(np.shape(y))[()]
    assert op.away is not None
    np.testing.assert_allclose(op.away(XP, g, y, x, **statics), gradient(op, 0, g, y, (x,), statics), rtol=1e-9)


@by_function([c for c in CASES if c.values[0].kink is not None])
def test_kinks_are_found_and_not_made_up(op: Op, sample: Sample) -> None:
    """Random operands lie on no kink; the mask fits the output or an operand."""
    xs = operands(sample)
    mask = np.asarray(op.kink(*xs, **parameters(op, sample)))  # type: ignore[misc]
    assert mask.dtype == bool
    assert mask.shape in {np.shape(forward(op, xs, numbers(op, sample))), *(np.shape(x) for x in xs if x is not None)}
    assert not mask.any()


def test_every_word_is_a_function_or_in_the_table() -> None:
    """The careful words are exactly those with a textbook form."""
    from backprop_cli.engine.ops.careful import Careful

    careful = {name for name in vars(Careful) if not name.startswith("_")} - {"mask", "array", *PLAIN_WORDS}
    assert careful == WORDS.keys()
    assert not WORDS.keys() & OPS.keys()


class Recorder:
    """Numbers, with the names of the words that a rule uses."""

    def __init__(self) -> None:
        self.used: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        self.used.add(name)
        return getattr(XP, name)


@by_function(CASES)
def test_rules_use_the_language_alone(op: Op, sample: Sample) -> None:
    """A rule is an expression of the language, or of a word with a textbook form; so gradients have gradients."""
    xs, statics, recorder = operands(sample), numbers(op, sample), Recorder()
    y = forward(op, xs, statics)
    for position, x in enumerate(xs):
        if x is not None:
            gradient(op, position, np.ones_like(y), y, xs, statics, recorder)
    assert recorder.used <= OPS.keys() | WORDS.keys() | PLAIN_WORDS
    steps = {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "sign", "eye", "ones", "zeros"}
    flat = {name for name in recorder.used & OPS.keys() if not any(OPS[name].vjps)}
    positions = {"argsort", "argcummax", "argcummin", "max_pool1d_indices", "max_pool2d_indices", "max_pool3d_indices"}
    assert flat <= steps | positions


class Textbook(Words):
    """Numbers by the textbook forms of the words."""

    def __init__(self) -> None:
        super().__init__()
        for name in WORDS:
            setattr(self, name, lambda *xs, name=name, **given: self.evaluate(name, xs, given))

    def evaluate(self, word: str, xs: Sequence[Any], given: Mapping[str, object]) -> Any:
        """The word's expression, run as a spec, with its parameters written in."""
        names, text = WORDS[word]
        for name, value in given.items():
            text = text.replace(f"{name}={name}", f"{name}={str(value).lower()}")
        leaves = tuple(Leaf(n, "param", np.shape(x), (lambda x=x: x), inline(n)) for n,
                       x in zip(names, xs, strict=True))
        body = inline(text)
        spec = Spec(body.source, leaves=leaves, nodes=(NodeSpec("out", ast.parse(body), body, body),),
                    grad_output="ones")
        graph = build(spec)
        return compute(graph, {graph.names[n]: np.asarray(x)[()] for n, x in zip(names, xs, strict=True)}).values[-1]


USERS = [c for c in CASES if c.values[0].name in (
    "sigmoid", "silu", "tanh", "mish", "gelu", "log_softmax", "norm", "std", "hypot", "xlogy", "power",
    "bce_probabilities",
    "bce_logits",
    "det", "where")]


@by_function(USERS)
def test_careful_words_are_their_textbook_form(op: Op, sample: Sample) -> None:
    """At ordinary values the careful number and the printed formula are the same."""
    xs, statics = operands(sample), numbers(op, sample)
    y = forward(op, xs, statics)
    for position, x in enumerate(xs):
        careful = gradient(op, position, np.ones_like(y), y, xs, statics)
        if x is not None and careful is not None:
            textbook = gradient(op, position, np.ones_like(y), y, xs, statics, Textbook())
            np.testing.assert_allclose(careful, textbook, rtol=1e-11, atol=1e-13)


# ── the test of the test ─────────────────────────────────────────────────────────────────────────


def _off(op: Op, sample: Sample) -> tuple[Op, Sample]:
    rule = op.vjps[0]
    assert rule is not None
    return replace(op, vjps=(lambda *a, **p: 1.001 * rule(*a, **p), *op.vjps[1:])), sample


PLANTED = {
    "0.1 % off": _off(OPS["tanh"], OPS["tanh"].samples[0]),
    "a missing transpose": (replace(OPS["matmul"], vjps=(lambda xp, g, y, a, b: g @ b, OPS["matmul"].vjps[1])),
                            Sample(((2, 3), (3, 3)))),
    "a sign": (replace(OPS["subtract"], vjps=(OPS["subtract"].vjps[0], lambda xp, g, y, a, b: g)),
               Sample(((2,), (2,)))),
    "a path left out": (replace(OPS["softmax"], vjps=(lambda xp, g, y, x, axis: g * y * (1 - y),)), Sample(((3,),))),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_planted_errors_are_caught(planted: str) -> None:
    """A test that lets a wrong rule pass tests nothing."""
    op, sample = PLANTED[planted]
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_rule(op, sample)


def test_differences_differentiate() -> None:
    """The oracle itself, on a cubic."""
    slope = list(starmap(lambda x, g: 3 * x**2 * g, [(2.0, 1.0), (-1.0, 0.5)]))
    np.testing.assert_allclose(differences(lambda x: x**3, (np.array([2.0, -1.0]),), 0, np.array([1.0, 0.5])), slope,
                               rtol=1e-9)
