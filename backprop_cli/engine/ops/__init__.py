"""The ops of the language; importing this package fills the registry."""

from backprop_cli.engine.ops import (
    activations,
    arithmetic,
    contraction,
    convolution,
    decompositions,
    elementwise,
    gathering,
    layers,
    linear,
    losses,
    matrices,
    moving,
    network,
    norms,
    pairs,
    pooling,
    reduction,
    scans,
    shaping,
)
from backprop_cli.engine.ops.base import ALIASES, COMPOSITES, OPS, Composite, Op

__all__ = [
    "ALIASES", "COMPOSITES", "OPS", "Composite", "Op", "activations", "arithmetic", "contraction", "convolution",
    "decompositions", "elementwise", "gathering", "layers", "linear", "losses", "matrices", "moving", "network",
    "norms",
    "pairs", "pooling", "reduction", "scans", "shaping",
]
