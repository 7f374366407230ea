"""One form for equal parameters, so that equal nodes and equal operators are one: axis 1 and -1 of a matrix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.base import axes_of
from backprop_cli.language.model import Shape

ALONG = frozenset(("take_along_axis", "scatter_add", "index_add", "cumsum", "cumprod", "cumprod_others"))
"""Functions along one axis."""

REDUCING: Mapping[str, Any] = {
    name: op.signature.parameters["axis"] for name, op in OPS.items()
    if "keepdims" in op.signature.parameters or name in {"softmax", "log_softmax", "flip", "prod_others"}
}  # fmt: skip
"""Functions over axes, of which none means all, and the default."""


def normal_parameters(name: str, parameters: Mapping[str, Any], rank: int) -> Mapping[str, Any]:
    """One form for equal axes: 0, -1 and none of a vector are one."""
    if name in ALONG and isinstance(parameters.get("axis"), int):
        return {**parameters, "axis": parameters["axis"] % max(rank, 1)}
    if name not in REDUCING:
        return parameters
    axes = axes_of(parameters.get("axis", REDUCING[name]), rank)
    whole = len(axes) == rank and (REDUCING[name] is None or rank != 1)
    return {**parameters, "axis": None if whole else axes[0] if len(axes) == 1 else axes}


def normal(name: str, parameters: Mapping[str, Any], shape: Shape) -> Mapping[str, Any]:
    """Parameters of a function of the language, for a first operand of a shape."""
    alike = OPS[name].alike
    if alike is not None:
        parameters = alike(shape, **{**OPS[name].signature.parameters, **parameters})
    return normal_parameters(name, parameters, len(shape))
