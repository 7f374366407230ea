"""The ops of the language; importing this package fills the registry."""

from backprop_cli.ops import arithmetic, elementwise, library, linear, network, reduction, shaping
from backprop_cli.ops.base import ALIASES, COMPOSITES, OPS, Composite, Op

__all__ = [
    "ALIASES", "COMPOSITES", "OPS", "Composite", "Op", "arithmetic", "elementwise", "library", "linear", "network",
    "reduction", "shaping",
]
