"""backprop: every node's gradient of a network in a text file, as a formula and as a number."""

__version__ = "0.1.0"
