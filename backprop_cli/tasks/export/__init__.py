"""A spec as something else: its gradient as a spec, or a script for numpy, PyTorch or JAX."""
