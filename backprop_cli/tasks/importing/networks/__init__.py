"""Layers of torch.nn as objects, and functions with a gradient of their own."""
