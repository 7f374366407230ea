"""What every op is in PyTorch; a few that only gradients need are not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backprop_cli.engine.ops.base import axes_of
from backprop_cli.engine.ops.reduction import lost
from backprop_cli.engine.ops.subscripts import Span, index_text
from backprop_cli.engine.ops.windows import SPACES
from backprop_cli.errors import UsageError
from backprop_cli.language.unparse import POSTFIX
from backprop_cli.tasks.export.code import Code, Dialect, Row, Speech, call, template
from backprop_cli.tasks.export.numpy_table import pool_space, resize_matrix

SAME = ("abs", "sign", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "square", "reciprocal", "sin",
        "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "floor",
        "ceil", "trunc", "round", "logaddexp", "hypot", "arctan2", "sigmoid", "erf", "erfc", "xlogy", "logdet",
        "maximum", "minimum", "remainder", "fmod", "sinc", "lgamma", "digamma", "erfinv")  # fmt: skip
FUNCTIONAL: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("relu", "relu6", "hardsigmoid", "hardswish", "silu", "mish", "softsign", "logsigmoid"), ()),
    "unfold": ("kernel_size", "dilation", "padding", "stride"),
    "fold": ("output_size", "kernel_size", "dilation", "padding", "stride"),
    "leaky_relu": ("negative_slope",), "elu": ("alpha",), "gelu": ("approximate",), "hardtanh": ("min_val", "max_val"),
}  # fmt: skip


def _refused(speech: Speech, parameters: Mapping[str, object], what: str) -> UsageError:
    return UsageError("E022", f"export does not write {parameters['']} with {what} in PyTorch",
                      hint="--to numpy writes every function")  # fmt: skip


def _reduction(name: str, whole: str | None = None) -> Row:
    """A function of `dim` and `keepdim`; `whole` where there is another one for all axes at once."""

    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
        x, axis, keep = operands[0], parameters["axis"], parameters["keepdims"]
        if axis is None and not keep and whole:
            return f"{whole}({x.text})"
        axes = axes_of(axis, len(x.shape or ()))
        dim = speech.value(axes if axis is None or isinstance(axis, tuple) else axis)
        return f"{name}({x.text}, dim={dim}{', keepdim=True' if keep else ''}{_freedom(parameters)})"

    return row


def _bce_probabilities(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    """PyTorch's own, whose slope is bounded at 0 and 1; it takes a target of the input's shape alone."""
    p, t = operands
    if p.shape != t.shape or p.number or t.number:
        return call("bce_probabilities")(speech, operands, parameters)
    return f"F.binary_cross_entropy({p.text}, {t.text}, reduction='none')"


def _freedom(parameters: Mapping[str, Any]) -> str:
    if "ddof" not in parameters:
        return ""
    return f", correction={lost(*(parameters[key] for key in ('ddof', 'correction', 'unbiased')))}"


def _product(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    if isinstance(parameters["axis"], tuple):
        raise _refused(speech, parameters, "several axes")
    return _reduction("torch.prod", "torch.prod")(speech, operands, parameters)


def _norm(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    if parameters["ord"] is not None:
        return call("torch.linalg.norm", "ord", axis="dim", keepdims="keepdim")(speech, operands, parameters)
    return _reduction("torch.linalg.vector_norm", "torch.linalg.vector_norm")(speech, operands, parameters)


def _along(name: str) -> Row:
    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
        if not isinstance(parameters["axis"], int):
            raise _refused(speech, parameters, "several axes")
        return f"{name}({operands[0].text}, dim={parameters['axis']})"

    return row


def _position(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    """PyTorch's positions are whole numbers; ours are numbers like all others."""
    names = tuple(name for name in ("axis", "keepdims", "descending") if name in parameters)
    stable = ", stable=True" if "descending" in parameters else ""
    found = call(f"torch.{parameters['']}", **{n: {"axis": "dim", "keepdims": "keepdim"}.get(n, n) for n in names})
    return f"{found(speech, operands, parameters)[:-1]}{stable}).to(torch.get_default_dtype())"


def _sort(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    dim, down = (speech.value(parameters[name]) for name in ("axis", "descending"))
    return f"torch.sort({operands[0].text}, dim={dim}, descending={down}, stable=True)[0]"


def _running(place: int) -> Row:
    def row(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
        found = f"torch.{parameters[''].removeprefix('arg')}({operands[0].text}, dim={parameters['axis']})[{place}]"
        return f"{found}.to(torch.get_default_dtype())" if place else found

    return row


def _index_add(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    """PyTorch takes a vector of positions."""
    x, indices, source = operands
    rank = len(x.shape or ())
    axis, at = parameters["axis"] % rank, f"{indices.within(POSTFIX)}.long()"
    if len(indices.shape or ()) == 1:
        return f"torch.index_add({x.text}, {axis}, {at}, {source.text})"
    given = source.shape or ()
    rows = (*given[:axis], -1, *given[axis + len(indices.shape or ()) :])
    flat = f"{source.within(POSTFIX)}.reshape({speech.value(rows)})"
    return f"torch.index_add({x.text}, {axis}, {at}.reshape(-1), {flat})"


def _scatter_add(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    """PyTorch does not broadcast positions."""
    x, indices, source = operands
    at = f"{indices.within(POSTFIX)}.long()"
    if indices.shape != source.shape:
        at += f".expand({speech.value(tuple(source.shape or ()))})"
    return f"torch.scatter_add({x.text}, {int(parameters['axis'])}, {at}, {source.text})"


def _transpose(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, axes = operands[0], parameters["axes"]
    rank = len(x.shape or ())
    order = tuple(range(rank))[::-1] if axes is None else tuple(a % rank for a in axes)
    if rank == 2 and order == (1, 0):
        return f"{x.within(POSTFIX)}.T"
    return f"torch.permute({x.text}, {speech.value(order)})"


def _outer(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    """PyTorch's takes vectors alone."""
    flat = [o.text if len(o.shape or ()) == 1 else f"{o.within(POSTFIX)}.flatten()" for o in operands]
    return f"torch.outer({', '.join(flat)})"


def _solve(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    """PyTorch takes a right side that is as large as all but the last axis of a batch for vectors: ours is a matrix."""
    a, b = operands
    batch = tuple(map(int, (a.shape or ())[:-2]))
    is_taken_for_vectors = len(b.shape or ()) > 1 and b.shape == (a.shape or ())[:-1]
    right = f"{b.within(POSTFIX)}.expand({(*batch, *map(int, b.shape or ()))})" if is_taken_for_vectors else b.text
    return f"torch.linalg.solve({a.text}, {right})"


def _index(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    if any(isinstance(part, Span) and (part.step or 1) < 0 for part in parameters["index"]):
        raise _refused(speech, parameters, "a negative step")
    return f"{operands[0].within(POSTFIX)}[{index_text(parameters['index'])}]"


def _take(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    x, indices = operands
    axis, rank = parameters["axis"], len(x.shape or ())
    if axis is None:
        return f"{x.within(POSTFIX)}.flatten()[{indices.within(POSTFIX)}.long()]"
    return f"{x.within(POSTFIX)}[{':, ' * (axis % rank)}{indices.within(POSTFIX)}.long()]"


def _where(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    mask, a, b = operands
    return f"torch.where({mask.within(POSTFIX)} != 0, {a.text}, {b.text})"


def _clip(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    given = [o for o in operands[1:] if o.shape is not None]
    numbers = all(o.number for o in given)
    bounds = [o.text if o.shape is None or numbers else speech.lifted(o).text for o in operands[1:]]
    listed = ", ".join((speech.lifted(operands[0]).text, *bounds))
    if not numbers and len(given) == 2 and len({o.shape for o in operands}) > 1:  # its backward does not broadcast
        return f"torch.clamp(*torch.broadcast_tensors({listed}))"
    return f"torch.clamp({listed})"


def _conv(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    return call(f"F.{parameters['']}", *(name for name in parameters if name))(speech, operands, parameters)


def _max_pool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    return call(f"F.{parameters['']}", *(name for name in parameters if name))(speech, operands, parameters)


def _avg_pool(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    if pool_space(parameters) == 1 and parameters["divisor_override"] is not None:
        raise _refused(speech, parameters, "divisor_override")
    names = [name for name in parameters if name and not (name == "divisor_override" and pool_space(parameters) == 1)]
    return call(f"F.{parameters['']}", *names)(speech, operands, parameters)


def _softplus(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    threshold = "1e300" if parameters["threshold"] is None else speech.value(parameters["threshold"])
    return f"F.softplus({operands[0].text}, beta={speech.value(parameters['beta'])}, threshold={threshold})"


def _pad(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    if parameters["mode"] != "constant":
        raise _refused(speech, parameters, f"mode {parameters['mode']!r}")
    given, rank = parameters["pad_width"], len(operands[0].shape or ())
    if isinstance(given, int):
        pairs = [(given, given)] * rank
    elif isinstance(given[0], int):
        pairs = [tuple(given) if len(given) == 2 else (given[0], given[0])] * rank
    else:
        pairs = [tuple(pair) if len(pair) == 2 else (pair[0], pair[0]) for pair in given]
        pairs = pairs * rank if len(pairs) == 1 else pairs
    widths = tuple(int(w) for pair in reversed(pairs) for w in pair)
    return f"F.pad({operands[0].text}, {widths}, value={speech.value(parameters['constant_values'])})"


def _einsum(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    return f"torch.einsum({', '.join([repr(parameters['subscripts']), *(o.text for o in operands)])})"


def _reshape(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    given = parameters["shape"]
    return f"torch.reshape({operands[0].text}, {speech.value(given if isinstance(given, tuple) else (given,))})"


def _eye(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    if parameters.get("k"):
        raise _refused(speech, parameters, "k")
    m = parameters["m"]
    return f"torch.eye({speech.value(parameters['n'])}{'' if m is None else ', ' + speech.value(m)})"


def _arange(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    start, stop, step = (parameters[name] for name in ("start", "stop", "step"))
    ends = (0, start) if stop is None else (start, stop)
    return f"torch.arange({', '.join(map(speech.value, (*ends, step)))}, dtype=torch.get_default_dtype())"


def _squeeze(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, object]) -> str:
    axis = parameters["axis"]
    return f"torch.squeeze({operands[0].text}{'' if axis is None else ', ' + speech.value(axis)})"


def _expand(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    axis = parameters["axis"]
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    rank = len(operands[0].shape or ()) + len(axes)
    text = operands[0].within(POSTFIX)
    for place in sorted(a % rank for a in axes):
        text += f".unsqueeze({place})"
    return text


def _flip(speech: Speech, operands: tuple[Code, ...], parameters: Mapping[str, Any]) -> str:
    axes = axes_of(parameters["axis"], len(operands[0].shape or ()))
    return f"torch.flip({operands[0].text}, {speech.value(axes)})"


TABLE: Mapping[str, Row] = {
    **{name: call(f"torch.{name}") for name in SAME},
    **{name: call(f"F.{name}", *given) for name, given in FUNCTIONAL.items()},
    **{name: _reduction(f"torch.{name}", f"torch.{name}") for name in ("sum", "mean")},
    **{name: _reduction(f"torch.{name}") for name in ("var", "std", "logsumexp")},
    **{name: _reduction(f"torch.a{name}") for name in ("max", "min")},
    **{name: _along(f"torch.{name}") for name in ("softmax", "log_softmax", "cumsum", "cumprod",
                                                 "logcumsumexp")},
    **dict.fromkeys(("argmax", "argmin", "argsort"), _position), "sort": _sort,
    **dict.fromkeys(("cummax", "cummin"), _running(0)), **dict.fromkeys(("argcummax", "argcummin"), _running(1)),
    "index_add": _index_add, "scatter_add": _scatter_add, "entr": call("torch.special.entr"),
    **{name.format(n=n): _conv for n in SPACES for name in ("conv{n}d", "conv_transpose{n}d")},
    **{f"max_pool{n}d": _max_pool for n in SPACES}, **{f"avg_pool{n}d": _avg_pool for n in SPACES},
    "prod": _product, "norm": _norm, "identity": template("{0}.clone()"), "stop_gradient": template("{0}.detach()"),
    "softplus": _softplus, "huber": call("huber", "delta"), "where": _where, "clip": _clip, "transpose": _transpose,
    "outer": _outer, "kron": template("torch.kron({0}.contiguous(), {1}.contiguous())"),  # it views what it is given
    "cross": template("torch.linalg.cross(*torch.broadcast_tensors({0}, {1}), dim={axis})"),
    "floor_divide": template("torch.floor({0} / {1})"),  # torch.floor_divide has no derivative
    "logit": call("torch.logit", "eps"), "log_ndtr": template("torch.special.log_ndtr({0})"),
    "polygamma": template("torch.polygamma({n}, {0})"),
    "trace": template("torch.diagonal({0}, dim1=-2, dim2=-1).sum(-1)"),
    "slogdet": template("torch.stack(tuple(torch.linalg.slogdet({0})))"),
    "matrix_power": template("torch.linalg.matrix_power({0}, {n})"), "solve": _solve,
    "pinv": template("torch.linalg.pinv({0}, rtol={rcond}, hermitian={hermitian})"),
    "cholesky": template("torch.linalg.cholesky({0}, upper={upper})"),
    **{name: call(f"torch.linalg.{name}") for name in ("det", "inv", "eigvalsh", "svdvals")}, "einsum": _einsum,
    "take": _take, "take_along_axis": template("torch.take_along_dim({0}, {1}.long(), {axis})"),
    "one_hot": template("F.one_hot({0}.long(), {n}).to(torch.get_default_dtype())"), "index": _index,
    "reshape": _reshape, "expand_dims": _expand, "squeeze": _squeeze,
    "broadcast_to": template("torch.broadcast_to({0}, {shape})"), "concat": call("torch.cat", axis="dim"),
    "stack": call("torch.stack", axis="dim"), "zeros": template("torch.zeros({shape})"),
    "ones": template("torch.ones({shape})"), "eye": _eye, "arange": _arange, "flip": _flip,
    "roll": template("torch.roll({0}, {shift}, {axis})"), "pad": _pad, "tril": template("torch.tril({0}, {k})"),
    "triu": template("torch.triu({0}, {k})"), "diag": template("torch.diag({0}, {k})"),
    "diagonal": template("torch.diagonal({0}, {offset}, {axis1}, {axis2})"), "bce_logits": call("bce_logits"),
    "bce_probabilities": _bce_probabilities, "gaussian_nll": call("gaussian_nll", "eps"),
    "standardize": call("standardize", "axis", "eps"),
    "masked_softmax": call("masked_softmax", "axis"), "resize_matrix": resize_matrix("torch.tensor"),
}  # fmt: skip

TORCH = Dialect("torch", TABLE, "mask", array="torch.tensor")
