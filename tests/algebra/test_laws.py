"""Every law: it is true, it fires, it settles, and a false twin of it is noticed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from weakref import ref

import numpy as np
import pytest
from sympy import S

from backprop_cli.engine.interpret import Scope, interpret
from backprop_cli.engine.numbers import Words
from backprop_cli.engine.ops import Op
from backprop_cli.formulas.algebra.cost import reading_cost
from backprop_cli.formulas.algebra.expr import TensorSymbol, tree_size
from backprop_cli.formulas.algebra.facts import Facts
from backprop_cli.formulas.algebra.formula import Formula, materialize
from backprop_cli.formulas.algebra.idioms import recognised
from backprop_cli.formulas.algebra.laws import FOUND, LAWS, Law
from backprop_cli.formulas.algebra.matching import written
from backprop_cli.formulas.algebra.patterns import parsed, shape_letters, shapes_of
from backprop_cli.formulas.algebra.proofs import sum_of_definition
from backprop_cli.formulas.algebra.tidy import tidy
from backprop_cli.formulas.algebra.work import at_work
from backprop_cli.language.model import Size

each = pytest.mark.parametrize("law", LAWS.values(), ids=lambda law: law.id)
SIZES = ({"n": 3, "m": 2, "k": 4}, {"n": 3, "m": 3, "k": 3}, {"n": 1, "m": 1, "k": 1})
NEAR = 1e-9


class Plain:
    """The language on arrays, by the forward functions alone: no rule and no law takes part."""

    words = Words("float64")

    def constant(self, value: Any) -> Any:
        """A literal."""
        return None if value is None else np.float64(float(value))

    def shape(self, value: Any) -> tuple[int, ...]:
        """An array's shape."""
        return np.shape(value)

    def apply(self, op: Op, operands: tuple[Any, ...], parameters: Mapping[str, Any]) -> Any:
        """An op's forward function."""
        return op.forward(self.words, *operands, **parameters)


def value(side: str, names: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    """One side of a law as an array; NaN where it has no value."""
    text, tree = parsed(side)
    dims = {letter: Size(n, letter) for letter, n in sizes.items()}
    with np.errstate(all="ignore"):
        try:
            found = interpret(tree, Scope(text, names.get, dims=dims, origin=text.place()), Plain())
        except np.linalg.LinAlgError:
            return np.nan
    return np.asarray(found, dtype=float)


def entry(words: tuple[str, ...], shape: tuple[int, ...], drawn: Any) -> Any:
    """An array as the words after a name ask for it, made of any drawn one."""
    if "positive" in words:
        return np.abs(drawn) + 0.5
    if "negative" in words:
        return -np.abs(drawn) - 0.5
    if "signs" in words:
        return np.where(drawn > 0, 1.0, -1.0)
    if "nonzero" in words:
        return np.where(drawn == 0, 1.5, drawn)
    if "unit" in words:
        return 1 / (1 + np.exp(-drawn)) * 0.9 + 0.05
    if "label" in words:
        return np.floor(np.abs(drawn)) % 1
    if "one_hot" in words:
        return (np.arange(drawn.shape[-1]) == np.argmax(drawn, axis=-1)[..., None]) * 1.0
    if "mask" in words:
        return (drawn > 0) * 1.0
    if "symmetric" in words:
        return drawn @ drawn.T + 3 * np.eye(len(drawn))
    if "invertible" in words:
        return drawn + 4 * np.eye(len(drawn))
    if "tall" in words:
        return drawn + 4 * np.eye(*shape)
    return drawn


def samples(law: Law) -> Iterator[tuple[dict[str, Any], Mapping[str, int]]]:
    """Values for a law's names: at random, with ties and zeros, and nothing but zeros; sizes of 1 too."""
    rng = np.random.default_rng(zlib.crc32(law.left.encode()))
    for sizes in SIZES:
        for kind in ("normal", "ties", "zero"):
            names = {}
            for name, words in shapes_of(law).items():
                letters = shape_letters(words)
                shape = (sizes["n"], sizes["m"]) if letters is None else tuple(sizes[w] for w in letters)
                normal, ties = rng.normal(size=shape), rng.integers(-1, 2, size=shape).astype(float)
                drawn = {"normal": normal, "ties": ties, "zero": np.zeros(shape)}[kind]
                names[name] = entry(words, shape, drawn)
            yield names, sizes


def false_at(law: Law) -> list[Any]:
    """The samples at which the left side has a value and the right side another one; and how many had one."""
    wrong = []
    decisive = 0
    for names, sizes in samples(law):
        left, right = value(law.left, names, sizes), value(law.right, names, sizes)
        known = np.isfinite(left)
        if not known.any():
            continue
        assert np.shape(left) == np.shape(right), (law.text, np.shape(left), np.shape(right))
        decisive += 1
        if not np.allclose(left[known], right[known], rtol=NEAR, atol=NEAR):
            wrong.append((names, left, right))
    assert decisive >= 4, law.text
    return wrong


@each
def test_true(law: Law) -> None:
    """Both sides are equal wherever the left one has a value: at random, at ties, at zero, for sizes of 1."""
    assert not false_at(law)


@each
def test_false_twins_are_noticed(law: Law) -> None:
    """A law with a wrong factor, sign or summand is not true."""
    for twin in (f"2 * ({law.right})", f"-({law.right})", f"({law.right}) + 1"):
        if twin.endswith("+ 1") or not law.right.startswith(("zeros", "0 *")):
            assert false_at(replace(law, right=twin)), twin


def test_a_law_that_is_false_at_zero_is_noticed() -> None:
    """√|x| sign x = x/√|x| holds at random, but not at 0, where the left side is 0."""
    assert false_at(Law("", "sqrt(abs(x)) * sign(x)", "x / sqrt(abs(x))", "x: *"))


@pytest.fixture
def facts() -> Iterator[Facts]:
    """Facts without numbers."""
    made = Facts(prover=sum_of_definition)
    with at_work(made.work):
        yield made


def declared(law: Law, bound: dict[str, Any], facts: Facts) -> None:
    """The conditions of a law, as a spec would state them, or a run shows them."""
    seen = {bound[name]: np.ones(()) for name, words in shapes_of(law).items() if "nonzero" in words}
    facts.data = {bound[name]: np.array([1, -1]) for name, words in shapes_of(law).items() if "signs" in words}.get
    facts.evaluate = {**seen, S.Zero: np.zeros(())}.get
    stated = {bound[name]: dict.fromkeys(words, SimpleNamespace(value=-1)) for name, words in shapes_of(law).items()}
    facts.claims = lambda symbol: stated.get(symbol, {})
    for symbol in stated:
        symbol.graph = ref(facts)


def symbols(law: Law, sizes: Mapping[str, int] = SIZES[0]) -> dict[str, Any]:
    """The names of a law as symbols, and the letters of its sizes."""
    dims = {letter: Size(n, letter) for letter, n in sizes.items()}
    made: dict[str, Any] = dict(dims)
    for position, (name, words) in enumerate(shapes_of(law).items()):
        letters = shape_letters(words)
        shape = (dims["n"], dims["m"]) if letters is None else tuple(dims[w] for w in letters)
        made[name] = TensorSymbol(name, shape, position, leaf=True)
    return made


def settled(formula: Formula, facts: Facts) -> Any:
    """An expression as `arrive` would hand it on."""
    return recognised(tidy(recognised(formula.expr), facts))


@each
def test_fires(law: Law, facts: Facts) -> None:
    """The left side becomes what the right side becomes; a row of the table is noted by its name."""
    bound = symbols(law)
    declared(law, bound, facts)
    left, right = written(law.left, bound), written(law.right, bound)
    assert left.shape == right.shape
    assert settled(left, facts) == settled(right, facts)
    if law not in FOUND:
        assert law.id in facts.work.fired


@each
def test_settles(law: Law, facts: Facts) -> None:
    """What a law has made is made no further by doing it again, and reads no worse than the right side."""
    bound = symbols(law)
    declared(law, bound, facts)
    once = settled(written(law.left, bound), facts)
    again = settled(Formula(once, written(law.left, bound).shape), facts)
    assert again == once
    plain = materialize(written(law.right, bound))
    assert reading_cost(once) <= max(reading_cost(plain), 1)
    assert tree_size(once) <= tree_size(plain)


def test_names_are_unique() -> None:
    """Each row has a name of its own, and there are laws of each kind."""
    assert len({law.text for law in LAWS.values()}) == len(LAWS) > 60
