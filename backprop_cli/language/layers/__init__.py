"""The `layers` section: sugar that expands into ordinary params and nodes with textbook names."""

from backprop_cli.language.layers.section import layers

__all__ = ["layers"]
