"""Tensors of the program: their codes, literals, indices, functions, and what Python asks of them."""
