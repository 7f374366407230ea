"""Initial values by a rule: constants and seeded random draws, with PyTorch's names and scales.

Each draw comes from a generator of its own, seeded with the spec's seed and the leaf's name, so adding a param
changes no other.  `fan_in` and `fan_out` are PyTorch's: for a weight of shape (out, in, *kernel) they are
`in * prod(kernel)` and `out * prod(kernel)`.  `gain` is 1 for xavier and sqrt(2), the one for relu, for kaiming.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from backprop_cli.language.model import Shape
from backprop_cli.records import dataclass, field

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Options = dict[str, float]


def _no_problem(shape: Shape, options: Options) -> str | None:
    return None


def _needs_fans(shape: Shape, options: Options) -> str | None:
    if len(shape) < 2:
        return "needs a shape of at least two axes: (out, in, ...)"
    return "needs a gain of at least 0" if options["gain"] < 0 else None


def _needs_matrix(shape: Shape, options: Options) -> str | None:
    return "needs a shape of two axes" if len(shape) != 2 else None


def _needs_std(shape: Shape, options: Options) -> str | None:
    return "needs a std of at least 0" if options["std"] < 0 else None


def _needs_order(shape: Shape, options: Options) -> str | None:
    span = options["high"] - options["low"]
    return "needs low <= high, less than 1.8e308 apart" if not 0 <= span < math.inf else None


@dataclass(frozen=True, slots=True)
class Init:
    """One rule: its draw from (generator, shape, options), the options with their defaults, what it asks for."""

    draw: Callable[[Generator, Shape, Options], NDArray[Any]]
    options: Options = field(default_factory=dict)
    problem: Callable[[Shape, Options], str | None] = _no_problem


def fans(shape: Shape) -> tuple[int, int]:
    """PyTorch's (fan_in, fan_out) of a weight of shape (out, in, *kernel)."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _xavier(shape: Shape, options: Options) -> float:
    return options["gain"] * math.sqrt(2 / sum(fans(shape)))


def _kaiming(shape: Shape, options: Options) -> float:
    return options["gain"] / math.sqrt(fans(shape)[0])


def _symmetric(rng: Generator, shape: Shape, std: float) -> NDArray[Any]:
    """Uniform with mean 0 and the given standard deviation."""
    return rng.uniform(-math.sqrt(3) * std, math.sqrt(3) * std, shape)


def _full(rng: Generator, shape: Shape, options: Options) -> NDArray[Any]:
    import numpy as np

    return np.full(shape, options["value"], dtype=np.float64)


def _eye(rng: Generator, shape: Shape, options: Options) -> NDArray[Any]:
    import numpy as np

    return np.eye(*shape, dtype=np.float64)


_XAVIER = {"gain": 1.0, "seed": 0}
_KAIMING = {"gain": math.sqrt(2), "seed": 0}

INITS: dict[str, Init] = {
    "normal": Init(lambda rng, s, o: rng.normal(o["mean"], o["std"], s), {"mean": 0.0, "std": 1.0, "seed": 0},
                   _needs_std),
    "uniform": Init(lambda rng, s, o: rng.uniform(o["low"], o["high"], s), {"low": 0.0, "high": 1.0, "seed": 0},
                    _needs_order),
    "zeros": Init(lambda rng, s, o: _full(rng, s, {"value": 0.0})),
    "ones": Init(lambda rng, s, o: _full(rng, s, {"value": 1.0})),
    "constant": Init(_full, {"value": 0.0}),
    "eye": Init(_eye, {}, _needs_matrix),
    "xavier_normal": Init(lambda rng, s, o: rng.normal(0.0, _xavier(s, o), s), _XAVIER, _needs_fans),
    "xavier_uniform": Init(lambda rng, s, o: _symmetric(rng, s, _xavier(s, o)), _XAVIER, _needs_fans),
    "kaiming_normal": Init(lambda rng, s, o: rng.normal(0.0, _kaiming(s, o), s), _KAIMING, _needs_fans),
    "kaiming_uniform": Init(lambda rng, s, o: _symmetric(rng, s, _kaiming(s, o)), _KAIMING, _needs_fans),
}

OTHER_INITS = {
    "randn": "normal", "gaussian": "normal", "random": "normal", "rand": "uniform", "identity": "eye",
    "fill": "constant", "full": "constant", "zero": "zeros", "one": "ones",
    "xavier": "xavier_uniform", "glorot": "xavier_uniform", "glorot_uniform": "xavier_uniform",
    "glorot_normal": "xavier_normal", "kaiming": "kaiming_uniform", "he": "kaiming_normal",
    "he_normal": "kaiming_normal", "he_uniform": "kaiming_uniform",
}


def init_load(init: Init, name: str, shape: Shape, options: Options) -> Callable[[], NDArray[Any]]:
    """The function that makes the float64 array of a leaf."""

    def load() -> NDArray[Any]:
        from zlib import crc32

        import numpy as np
        from numpy.random import PCG64, Generator, SeedSequence

        seeds = SeedSequence([int(options.get("seed", 0)), crc32(name.encode())])
        return np.asarray(init.draw(Generator(PCG64(seeds)), shape, options), dtype=np.float64)

    return load
