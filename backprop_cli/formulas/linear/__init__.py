"""Linear maps as tensors: what a vector-Jacobian product says about the Jacobian itself.

A VJP with a symbol δ for its seed is a linear map of δ.  Written entry by entry it is a sum of products of tensors with
letters for indices, in which δ stands once; leaving δ out, and keeping its letters, leaves the Jacobian.
"""
