"""The other library's names of parameters, where a function has one of ours and none of theirs.

`dim` is `axis` of a function that has an axis; F.conv2d's `weight` is `w`, F.linear's is `W`.  A name stands here
only if it means the same: PyTorch's float `attn_mask` is added to the scores, so it is no name of our 0/1 `mask`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "dim": ("axis",), "dims": ("axis", "axes", "over"), "keepdim": ("keepdims",),
    "dim1": ("axis1",), "dim2": ("axis2",),
    "diagonal": ("k",), "offset": ("k",), "shifts": ("shift",), "num_classes": ("n",), "N": ("n",), "M": ("m",),
    "a_min": ("min",), "a_max": ("max",), "size": ("shape",), "newshape": ("shape",), "end": ("stop", "b"),
    "p": ("ord",), "rtol": ("rcond",), "correction": ("ddof",), "equation": ("subscripts",),
    "input": ("x", "a", "indices", "mean", "input1", "x1"), "other": ("b",), "exponent": ("b",), "A": ("a", "x"),
    "B": ("b",), "axes": ("over",),
    "weight": ("W", "w"), "bias": ("b",), "query": ("q",), "key": ("k",), "value": ("v", "fill"),
    "condition": ("mask",), "index": ("indices",), "src": ("source",), "arr": ("x",),
    "mat1": ("a",), "mat2": ("b",), "mat": ("a",), "vec": ("b",), "vec1": ("a",), "vec2": ("b",), "batch1": ("a",),
    "batch2": ("b",), "tensor1": ("a",), "tensor2": ("b",), "indices_or_sections": ("sections",), "start": ("a",),
    "UPLO": ("uplo",),
}  # fmt: skip
"""Name -> the parameters it may stand for, in order of preference."""


ORDERS: Mapping[str, tuple[str, ...]] = {name: tuple(order.split()) for name, order in {
    "gather": "x axis indices", "index_select": "x axis indices", "index_add": "x axis indices source",
    "scatter_add": "x axis indices source", "layer_norm": "x normalized_shape weight bias eps",
    "rms_norm": "x normalized_shape weight eps", "group_norm": "x num_groups weight bias eps",
    "diff": "x n axis prepend append", "full": "shape fill_value", "polygamma": "n x",
}.items()}  # fmt: skip
"""The order of a function's arguments in the library that it comes from, where static parameters stand before tensors.

It holds where what stands in a parameter's place is static; else the order is the one of the signature.
"""


def parameter(keyword: str, slots: Sequence[str]) -> str:
    """The parameter of a function that a keyword names; the keyword itself where none does."""
    if keyword in slots:
        return keyword
    return next((name for name in KEYWORDS.get(keyword, ()) if name in slots), keyword)
