"""The other library's names of parameters, where a function has one of ours and none of theirs.

`dim` is `axis` of a function that has an axis; F.conv2d's `weight` is `w`, F.linear's is `W`.  A name stands here
only if it means the same: PyTorch's float `attn_mask` is added to the scores, so it is no name of our 0/1 `mask`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

KEYWORDS: Mapping[str, tuple[str, ...]] = {
    "dim": ("axis",), "dims": ("axis", "axes"), "keepdim": ("keepdims",), "dim1": ("axis1",), "dim2": ("axis2",),
    "diagonal": ("k",), "offset": ("k",), "shifts": ("shift",), "num_classes": ("n",), "N": ("n",), "M": ("m",),
    "a_min": ("min",), "a_max": ("max",), "size": ("shape",), "newshape": ("shape",), "end": ("stop",),
    "p": ("ord",), "rtol": ("rcond",), "correction": ("ddof",), "equation": ("subscripts",),
    "input": ("x", "a", "indices", "mean"), "other": ("b",), "exponent": ("b",), "A": ("a", "x"), "B": ("b",),
    "weight": ("W", "w"), "bias": ("b",), "query": ("q",), "key": ("k",), "value": ("v",), "condition": ("mask",),
    "index": ("indices",), "src": ("source",), "arr": ("x",),
}  # fmt: skip
"""Name -> the parameters it may stand for, in order of preference."""


def parameter(keyword: str, slots: Sequence[str]) -> str:
    """The parameter of a function that a keyword names; the keyword itself where none does."""
    if keyword in slots:
        return keyword
    return next((name for name in KEYWORDS.get(keyword, ()) if name in slots), keyword)
