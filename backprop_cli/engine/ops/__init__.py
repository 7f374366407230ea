"""The ops of the language; importing this package fills the registry."""

from backprop_cli.engine.ops import (
    activations,
    arithmetic,
    assembling,
    averaging,
    combining,
    contraction,
    convolution,
    decompositions,
    distances,
    elementwise,
    gates,
    gathering,
    interpolation,
    layers,
    linear,
    logic,
    losses,
    matrices,
    max_pooling,
    moving,
    network,
    norms,
    ordering,
    padding,
    pairs,
    parts,
    reduction,
    resampling,
    scans,
    shaping,
    special,
)
from backprop_cli.engine.ops.base import ALIASES, COMPOSITES, OPS, Composite, Op

__all__ = [
    "ALIASES", "COMPOSITES", "OPS", "Composite", "Op", "activations", "arithmetic", "assembling", "averaging",
    "combining", "contraction", "convolution", "decompositions", "distances", "elementwise", "gates",
    "gathering", "interpolation", "layers", "linear", "logic", "losses", "matrices", "max_pooling", "moving",
    "network", "norms", "ordering", "padding", "pairs", "parts", "reduction", "resampling", "scans", "shaping",
    "special",
]
