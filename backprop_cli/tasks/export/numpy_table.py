"""What every op is in numpy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backprop_cli.engine.numbers import Words
from backprop_cli.engine.ops import OPS
from backprop_cli.engine.ops.padding import TORCH, widths
from backprop_cli.engine.ops.pooling import pool_geometry
from backprop_cli.engine.ops.reduction import lost
from backprop_cli.engine.ops.subscripts import index_text
from backprop_cli.engine.ops.windows import SPACES, Geometry, geometry
from backprop_cli.language.unparse import POSTFIX
from backprop_cli.tasks.export.code import Code, Dialect, Row, Speech, call, template

SAME = ("abs", "sign", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "sin", "cos", "tan", "arcsin",
        "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "floor", "ceil", "trunc", "round",
        "floor_divide", "remainder", "fmod", "sinc", "maximum", "minimum", "logaddexp", "hypot", "arctan2")  # fmt: skip
"""numpy's own functions under the same name."""

HELPED = ("sigmoid", "silu", "mish", "erf", "erfc", "xlogy", "bce_logits", "bce_probabilities")


def _index(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    return f"{operands[0].within(POSTFIX)}[{index_text(parameters['index'])}]"


def _transpose(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, axes = operands[0], parameters["axes"]
    rank = len(x.shape or ())
    if axes is None or tuple(axes) == tuple(range(rank))[::-1]:
        return f"{x.within(POSTFIX)}.T"
    return f"np.transpose({x.text}, {speech.value(axes)})"


def _scatter(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    index = index_text(parameters["index"])
    inner = index if len(parameters["index"]) > 1 else f"{index},"  # a tuple in any case
    return f"{speech.helper('scatter')}({operands[0].text}, np.s_[{inner}], {speech.value(parameters['shape'])})"


def _solve(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    a, b = operands
    if b.shape is not None and len(b.shape) == 1 and a.shape is not None and len(a.shape) > 2:
        return f"np.linalg.solve({a.text}, {b.within(POSTFIX)}[:, None])[..., 0]"
    return f"np.linalg.solve({a.text}, {b.text})"


def _einsum(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    return f"np.einsum({', '.join([repr(parameters['subscripts']), *(o.text for o in operands)])})"


def resize_matrix(array: str) -> Row:
    """The weights themselves, as a literal."""

    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
        return f"{array}({OPS['resize_matrix'].forward(Words(), **parameters).tolist()})"

    return row


def _cholesky(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    lower = f"np.linalg.cholesky({operands[0].text})"
    return f"np.swapaxes({lower}, -1, -2)" if parameters["upper"] else lower


def _norm(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    if parameters["ord"] is not None:
        return language(speech, operands, parameters)
    total = call("np.sum", "axis", "keepdims")
    squares = Code(f"np.square({operands[0].text})", POSTFIX, operands[0].shape)
    return f"np.sqrt({total(speech, (squares,), {**parameters, '': 'sum'})})"


def _argsort(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    if parameters["descending"] or not operands[0].shape:
        return language(speech, operands, parameters)
    return f"np.argsort({operands[0].text}, axis={parameters['axis']}, kind='stable')"


def _sort(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, axis = operands[0], parameters["axis"]
    if not x.shape:
        return x.text
    found = f"np.sort({x.text}, axis={axis})"
    return f"np.flip({found}, {axis})" if parameters["descending"] else found


def _arange(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    start, stop, step = (parameters[name] for name in ("start", "stop", "step"))
    ends = (0, start) if stop is None else (start, stop)
    return f"np.arange({', '.join(map(speech.value, (*ends, step)))}, dtype=float)"


def _logit(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    plain = parameters["eps"] is None
    return (template("(np.log({0}) - np.log1p(-{0}))") if plain else language)(speech, operands, parameters)


def _softplus(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    plain = parameters["threshold"] is None
    return (call("softplus", "beta") if plain else language)(speech, operands, parameters)


def _pad(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    """numpy's own, which knows no negative width and takes constants for no other mode."""
    pairs = widths(parameters["pad_width"], len(operands[0].shape or ()))
    mode = TORCH.get(parameters["mode"], parameters["mode"])
    if any(w < 0 for pair in pairs for w in pair):
        return language(speech, operands, parameters)
    given = {**parameters, "mode": mode}
    return call("np.pad", "pad_width", "mode", *(["constant_values"] if mode == "constant" else []))(
        speech, operands, given)


def _variance(name: str) -> Row:
    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
        free = lost(*(parameters[key] for key in ("ddof", "correction", "unbiased")))
        given = {**parameters, "ddof": free}
        return call(f"np.{name}", "axis", "keepdims", "ddof")(speech, operands, given)

    return row


# ── windows: the parameters of a call made whole here, so that the script's functions stay short ─


def pool_space(parameters: Mapping[str, Any]) -> int:
    """How many axes the windows of a function have."""
    return int(next(sign for sign in parameters[""] if sign.isdigit()))


def _geometry_text(speech: Speech, where: Geometry) -> str:
    return f"{speech.value(where.stride)}, {speech.value(where.padding)}, {speech.value(where.dilation)}"


def _lopsided(operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> bool:
    """Whether padding='same' of an even window pads one side more."""
    kernel = parameters.get("kernel_size") or (operands[1].shape or ())[2:]
    return parameters["padding"] == "same" and any(int(k) % 2 == 0 for k in kernel)


def _conv(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, w, b = operands
    assert w.shape is not None
    if _lopsided(operands, parameters):
        return language(speech, operands, parameters)
    where = geometry(w.shape[2:], parameters["stride"], parameters["padding"], parameters["dilation"])
    rest = f"{_geometry_text(speech, where)}, {int(parameters['groups'])}"
    if "transpose" not in parameters[""]:
        return f"{speech.helper('conv')}({x.text}, {w.text}, {b.text}, {rest})"
    from backprop_cli.engine.ops import OPS

    name = parameters[""]
    given = {key: value for key, value in parameters.items() if key}
    size = OPS[name].shape(x.shape, w.shape, b.shape, **given)[-pool_space(parameters) :]
    whole = speech.value(tuple(map(int, size)))
    return f"{speech.helper('conv_transpose')}({x.text}, {w.text}, {b.text}, {rest}, {whole})"


def _conv_weight(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, g = operands
    given = parameters["kernel_size"]
    if _lopsided(operands, {**parameters, "kernel_size": given if isinstance(given, tuple) else (given,)}):
        return language(speech, operands, parameters)
    kernel = tuple(given) if isinstance(given, tuple) else (given,) * pool_space(parameters)
    kernel = kernel * pool_space(parameters) if len(kernel) < pool_space(parameters) else kernel
    where = geometry(kernel, parameters["stride"], parameters["padding"], parameters["dilation"])
    rest = f"{speech.value(where.kernel)}, {_geometry_text(speech, where)}, {int(parameters['groups'])}"
    return f"{speech.helper('conv_weight')}({x.text}, {g.text}, {rest})"


def _max_pool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    if parameters["ceil_mode"]:
        return language(speech, operands, parameters)
    keys = ("kernel_size", "stride", "padding", "dilation")
    where = pool_geometry(pool_space(parameters), *(parameters[key] for key in keys))
    name = "max_pool_indices" if "indices" in parameters[""] else "max_pool"
    inner = f"{speech.value(where.kernel)}, {_geometry_text(speech, where)}"
    return f"{speech.helper(name)}({operands[0].text}, {inner})"


def _max_unpool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    size = speech.value(_size(parameters))
    return f"{speech.helper('max_unpool')}({operands[0].text}, {operands[1].text}, {size})"


def _size(parameters: Mapping[str, object]) -> tuple[int, ...]:
    """`output_size`, one number an axis."""
    space, given = pool_space(parameters), parameters["output_size"]
    size = tuple(given) if isinstance(given, tuple) else (given,)
    return tuple(map(int, size if len(size) == space else size * space))


def _avg_pool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    if parameters["ceil_mode"] or not parameters["count_include_pad"] or parameters["divisor_override"] is not None:
        return language(speech, operands, parameters)
    where = pool_geometry(pool_space(parameters), *(parameters[key] for key in ("kernel_size", "stride", "padding")))
    inner = ", ".join(map(speech.value, (where.kernel, where.stride, where.padding)))
    if "output_size" not in parameters:
        return f"{speech.helper('avg_pool')}({operands[0].text}, {inner})"
    return f"{speech.helper('avg_unpool')}({operands[0].text}, {speech.value(_size(parameters))}, {inner})"


# ── what numpy has no short word for ─────────────────────────────────────────────────────────────


def language(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    """The project's own function; the script then needs backprop-cli beside it."""
    speech.helper("language")
    name = parameters[""]
    given = [f"{key}={speech.value(value)}" for key, value in parameters.items() if key]
    return f"language.{name}({', '.join([*(o.text for o in operands), *given])})"


TABLE: Mapping[str, Row] = {
    **{name: call(f"np.{name}") for name in SAME},
    **{name: call(name) for name in HELPED},
    **{name: call(f"np.{name}", "axis", "keepdims") for name in ("sum", "mean", "max", "min", "prod")},
    **{name: _variance(name) for name in ("var", "std")},
    **{name: call(f"np.linalg.{name}") for name in ("inv", "det", "eigvalsh")},
    **{name.format(n=n): _conv for n in SPACES for name in ("conv{n}d", "conv_transpose{n}d")},
    **{f"conv{n}d_weight": _conv_weight for n in SPACES},
    **{name.format(n=n): _max_pool for n in SPACES for name in ("max_pool{n}d", "max_pool{n}d_indices")},
    **{f"max_unpool{n}d": _max_unpool for n in SPACES},
    **{name.format(n=n): _avg_pool for n in SPACES for name in ("avg_pool{n}d", "avg_unpool{n}d")},
    "identity": template("{0}"), "stop_gradient": template("{0}"), "reciprocal": template("(1 / {0})"),
    "rsqrt": template("(1 / np.sqrt({0}))"), "relu": template("np.maximum({0}, 0)"),
    "relu6": template("np.clip({0}, 0, 6)"), "hardtanh": template("np.clip({0}, {min_val}, {max_val})"),
    "hardsigmoid": template("(np.clip({0} + 3, 0, 6) / 6)"),
    "hardswish": template("({0} * np.clip({0} + 3, 0, 6) / 6)"), "softsign": template("({0} / (1 + np.abs({0})))"),
    "logsigmoid": template("(-np.logaddexp(0, -{0}))"), "logit": _logit,
    "softplus": _softplus, "leaky_relu": call("leaky_relu", "negative_slope"), "elu": call("elu", "alpha"),
    "gelu": call("gelu", "approximate"), "huber": call("huber", "delta"), "where": call("np.where"),
    "clip": template("np.clip({0}, {1}, {2})"), "outer": call("np.outer"), "kron": call("np.kron"),
    "cross": call("np.cross", "axis"),
    "transpose": _transpose,
    **{name: call(f"np.{name}", "axis", "keepdims") for name in ("argmax", "argmin")},
    "argsort": _argsort, "sort": _sort, "cummax": call("np.maximum.accumulate", "axis"),
    "cummin": call("np.minimum.accumulate", "axis"),
    "trace": template("np.trace({0}, axis1=-2, axis2=-1)"), "logdet": template("np.linalg.slogdet({0})[1]"),
    "slogdet": template("np.stack(np.linalg.slogdet({0}))"), "matrix_power": call("np.linalg.matrix_power", "n"),
    "solve": _solve, "einsum": _einsum, "svdvals": template("np.linalg.svd({0}, compute_uv=False)"),
    "cholesky": _cholesky, "norm": _norm, "arange": _arange, "eye": call("np.eye", n="N", m="M", k="k"),
    "svd_u": template("np.linalg.svd({0}, full_matrices=False)[0]"),
    "svd_vh": template("np.linalg.svd({0}, full_matrices=False)[2]"), "index": _index, "scatter": _scatter,
    "take": call("take", "axis"), "index_add": call("index_add", "axis"),
    "take_along_axis": call("take_along_axis", "axis"), "one_hot": call("one_hot", "n"),
    "reshape": template("np.reshape({0}, {shape})"), "expand_dims": call("np.expand_dims", "axis"),
    "squeeze": call("np.squeeze", "axis"), "broadcast_to": call("np.broadcast_to", "shape"),
    "concat": call("np.concatenate", "axis"), "stack": call("np.stack", "axis"),
    "zeros": template("np.zeros({shape})"), "ones": template("np.ones({shape})"), "flip": call("np.flip", "axis"),
    "roll": call("np.roll", "shift", "axis"), "pad": _pad,
    "tril": call("np.tril", "k"), "triu": call("np.triu", "k"),
    "diagonal": call("np.diagonal", "offset", "axis1", "axis2"), "diag": call("np.diag", "k"),
    "logsumexp": call("logsumexp", "axis", "keepdims"), "softmax": call("softmax", "axis"),
    "log_softmax": call("log_softmax", "axis"), "gaussian_nll": call("gaussian_nll", "eps"),
    "standardize": call("standardize", "axis", "eps"), "cumsum": call("np.cumsum", "axis"),
    "cumprod": call("np.cumprod", "axis"), "logcumsumexp": call("np.logaddexp.accumulate", "axis"),
    "resize_matrix": resize_matrix("np.array"),
}  # fmt: skip

NUMPY = Dialect("np", TABLE, "mask", language)
