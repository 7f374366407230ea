"""Random operands for the samples of an op: the tests, `check` and the documentation draw them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backprop_cli.engine.ops.base import Sample
from backprop_cli.engine.ops.tensor import Array

Draw = Callable[[np.random.Generator, tuple[int, ...]], Any]


def _square(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Random matrices, well-conditioned: a multiple of the identity is added."""
    return rng.normal(size=shape) + 3 * np.eye(shape[-2], shape[-1])


def _spd(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = rng.normal(size=shape)
    return x @ np.swapaxes(x, -1, -2) + 2 * np.eye(shape[-1])


def _log_probabilities(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    x = rng.normal(size=shape)
    total: Array = np.sum(np.exp(x), axis=-1, keepdims=True)
    return x - np.log(total)


DOMAINS: Mapping[str, Draw] = {
    "real": lambda rng, shape: rng.normal(size=shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 2.0, size=shape),
    "unit": lambda rng, shape: rng.uniform(0.1, 0.9, size=shape),
    "open": lambda rng, shape: rng.uniform(-0.9, 0.9, size=shape),
    "above one": lambda rng, shape: rng.uniform(1.2, 3.0, size=shape),
    "wide": lambda rng, shape: rng.normal(size=shape) * 4,
    "square": _square,
    "spd": _spd,
    "log": _log_probabilities,
    "mask": lambda rng, shape: rng.integers(0, 2, size=shape).astype(float),
    "some": lambda rng, shape: (rng.integers(0, 3, size=shape) + np.arange(int(np.prod(shape))).reshape(shape) % 2
                                > 0).astype(float),
    "sign": lambda rng, shape: 2.0 * rng.integers(0, 2, size=shape) - 1,
    "zeros": lambda rng, shape: rng.normal(size=shape) * (np.arange(int(np.prod(shape))).reshape(shape) % 2),
}
"""What a domain draws: 'open' lies between -1 and 1, 'zeros' has every other entry 0, 'log' are log-probabilities."""


def draw(sample: Sample, rng: np.random.Generator) -> tuple[object, ...]:
    """The operands of a sample, in float64; `labels:K` draws whole numbers below K."""
    domains = (*sample.domains, *["real"] * (len(sample.shapes) - len(sample.domains)))
    return tuple(None if shape is None else _one(rng, shape, domain)
                 for shape, domain in zip(sample.shapes, domains, strict=True))  # fmt: skip


def _one(rng: np.random.Generator, shape: tuple[int, ...], domain: str) -> Array:
    if domain.startswith("labels:"):
        return np.asarray(rng.integers(0, int(domain[7:]), size=shape), dtype=np.float64)[()]
    return np.asarray(DOMAINS[domain](rng, shape))[()]
