"""Layers of torch.nn as the language's functions, their params as leaves with PyTorch's shapes and scales."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing import functions, tensors
from backprop_cli.tasks.importing.record import leaf_of
from backprop_cli.tasks.importing.spelling import binary, call, number, whole
from backprop_cli.tasks.importing.values import Builtin, Instance, Layer, Library, Opaque, Part, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.machine import Machine

Run = Callable[["Machine", Layer, list[Any], ast.AST], Any]

ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Linear": ("in_features", "out_features", "bias"), "Bilinear": ("in1_features", "in2_features", "out_features",
    "bias"),
    **dict.fromkeys(("Conv1d", "Conv2d"), ("in_channels", "out_channels", "kernel_size", "stride", "padding",
    "dilation", "groups", "bias")),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d"), ("in_channels", "out_channels", "kernel_size", "stride",
    "padding",
                                                             "output_padding", "groups", "bias", "dilation")),
    **dict.fromkeys(("MaxPool1d", "MaxPool2d"), ("kernel_size", "stride", "padding", "dilation")),
    **dict.fromkeys(("AvgPool1d", "AvgPool2d"), ("kernel_size", "stride", "padding")),
    "Embedding": ("num_embeddings", "embedding_dim"), "LayerNorm": ("normalized_shape", "eps", "elementwise_affine"),
    "RMSNorm": ("normalized_shape", "eps"), "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d"), ("num_features", "eps", "momentum", "affine")),
    **dict.fromkeys(("RNN", "LSTM", "GRU"), ("input_size", "hidden_size", "num_layers")),
    **dict.fromkeys(("RNNCell", "LSTMCell", "GRUCell"), ("input_size", "hidden_size", "bias")),
    "LeakyReLU": ("negative_slope",), "ELU": ("alpha",), "Softmax": ("dim",), "LogSoftmax": ("dim",),
    "Flatten": ("start_dim", "end_dim"), "Dropout": ("p",), "GELU": ("approximate",), "Softplus": ("beta", "threshold"),
    "Hardtanh": ("min_val", "max_val"), "CrossEntropyLoss": ("weight",), "NLLLoss": ("weight",), "Unflatten": ("dim",
    "sizes"),
}  # fmt: skip


def make(machine: Machine, kind: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """A layer object.

    Raises:
        Unread: it is none that is known.
    """
    if kind in {"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}:
        return _container(kind, given)
    if kind == "Parameter":
        from backprop_cli.tasks.importing.libraries import _parameter

        return _parameter(machine, given, named, node)
    if kind not in _RUNS and kind not in _PLAIN and kind not in _LOSSES:
        raise machine.record.unread(node, f"the layer nn.{kind} is not read", "write its forward pass out")
    return Layer(kind=kind, given=dict(zip(ARGUMENTS.get(kind, ()), given, strict=False)) | named)


def _container(kind: str, given: list[Any]) -> Layer:
    parts: dict[str, Any] = {}
    if len(given) == 1 and isinstance(given[0], dict):
        parts = {str(key): one for key, one in given[0].items()}
    else:
        items = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        parts = {str(position): one for position, one in enumerate(items)}
    return Layer(kind=kind, parts=parts)


def run_layer(machine: Machine, layer: Layer, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """What a layer gives."""
    given = [*given, *named.values()]
    if layer.kind == "Sequential":
        from backprop_cli.tasks.importing.calls import called

        value = given[0]
        for key, part in layer.parts.items():
            _placed(part, layer, key)
            value = called(machine, part, [value], {}, node)
        return value
    if layer.kind in _PLAIN:
        name, words = _PLAIN[layer.kind]
        options = {word: layer.given[word] for word in words if layer.given.get(word) is not None}
        return functions.apply(machine, "torch", name, given, options, node)
    if layer.kind in _LOSSES:
        options = {word: one for word, one in layer.given.items() if word in _LOSS_WORDS and one is not None}
        return functions.apply(machine, "torch", _LOSSES[layer.kind], given, options, node)
    if layer.kind not in _RUNS:
        raise machine.record.unread(node, f"nn.{layer.kind} is called")
    return _RUNS[layer.kind](machine, layer, given, node)


def _placed(part: Any, owner: Layer, key: str) -> None:
    if isinstance(part, Part):
        part.place(owner, key)


def attribute(machine: Machine, layer: Layer, name: str, node: ast.AST) -> Any:
    """A param of a layer, an argument of it, or a method that every module has."""
    if name in MODULE_METHODS:
        return Builtin(name, lambda m, a, k, n: MODULE_METHODS[name](m, layer, a, n))
    if name in layer.given:
        return layer.given[name] if name != "bias" else param(machine, layer, "bias", node)
    if name in layer.parts:
        _placed(layer.parts[name], layer, name)
        return layer.parts[name]
    if name in {"append", "add_module", "extend"}:
        return Builtin(name, lambda m, a, k, n: _append(layer, a))
    if name in {"items", "values", "keys"}:
        parts = list(layer.parts.items())
        return Builtin(name, lambda m, a, k, n: parts if name == "items" else [p[name == "values"] for p in parts])
    if name in {"weight", "bias"} or name.startswith(("weight_", "bias_")):
        return param(machine, layer, name, node)
    raise machine.record.unread(node, f"nn.{layer.kind} has no attribute {name!r} here")


def _append(layer: Layer, given: list[Any]) -> None:
    for one in given[0] if isinstance(given[0], list) else [given[-1]]:
        layer.parts[str(len(layer.parts))] = one


# ── params ───────────────────────────────────────────────────────────────────────────────────────


def _size(layer: Layer, name: str) -> int:
    return int(plain(layer.given[name]))


def _pair(value: Any, count: int) -> tuple[int, ...]:
    raw = value if isinstance(value, list | tuple) else (value,) * count
    return tuple(int(plain(one)) for one in raw)


def _bound(fan: int) -> dict[str, float]:
    limit = round(1 / math.sqrt(fan), 6) if fan else 0.0
    return {"low": -limit, "high": limit, "seed": 0}


def _conv_shapes(layer: Layer) -> Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]:
    space = 1 if layer.kind.endswith("1d") else 2
    kernel = _pair(layer.given["kernel_size"], space)
    first, second = _size(layer, "in_channels"), _size(layer, "out_channels")
    groups = int(plain(layer.given.get("groups", 1)))
    turned = layer.kind.startswith("ConvTranspose")
    shape = (first, second // groups, *kernel) if turned else (second, first // groups, *kernel)
    fan = shape[1] * math.prod(kernel)
    return {"weight": (shape, "uniform", _bound(fan)), "bias": ((second,), "uniform", _bound(fan))}


def _recurrent_shapes(layer: Layer) -> Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]:
    gates = {"R": 1, "L": 4, "G": 3}[layer.kind[0]]
    size, hidden = _size(layer, "input_size"), _size(layer, "hidden_size")
    found = {}
    for level in range(int(plain(layer.given.get("num_layers", 1)))):
        end = "" if layer.kind.endswith("Cell") else f"_l{level}"
        width = size if level == 0 else hidden
        for name, shape in (("weight_ih", (gates * hidden, width)), ("weight_hh", (gates * hidden, hidden)),
                            ("bias_ih", (gates * hidden,)), ("bias_hh", (gates * hidden,))):  # fmt: skip
            found[name + end] = (shape, "uniform", _bound(hidden))
    return found


def _norm_shapes(layer: Layer) -> Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]:
    size = layer.given.get("normalized_shape", layer.given.get("num_features", layer.given.get("num_channels")))
    shape = _pair(size, 1)
    return {"weight": (shape, "ones", {}), "bias": (shape, "zeros", {})}


def _linear_shapes(layer: Layer) -> Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]:
    fan, out = _size(layer, "in_features"), _size(layer, "out_features")
    return {"weight": ((out, fan), "uniform", _bound(fan)), "bias": ((out,), "uniform", _bound(fan))}


def _embedding_shapes(layer: Layer) -> Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]:
    shape = (_size(layer, "num_embeddings"), _size(layer, "embedding_dim"))
    return {"weight": (shape, "normal", {"mean": 0.0, "std": 1.0, "seed": 0})}


_SHAPES: Mapping[str, Callable[[Layer], Mapping[str, tuple[tuple[int, ...], str, dict[str, float]]]]] = {
    "Linear": _linear_shapes, "Embedding": _embedding_shapes,
    **dict.fromkeys(("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"), _conv_shapes),
    **dict.fromkeys(("LayerNorm", "RMSNorm", "GroupNorm", "BatchNorm1d", "BatchNorm2d"), _norm_shapes),
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _recurrent_shapes),
}  # fmt: skip


def param(machine: Machine, layer: Layer, name: str, node: ast.AST) -> Tensor | None:
    """A param of a layer, made when it is first used, when its place in the model is known; None where it has none."""
    if name == "bias" and layer.given.get("bias", True) is False:
        return None
    if name not in layer.params:
        shapes = _SHAPES[layer.kind](layer) if layer.kind in _SHAPES else {}
        if name not in shapes:
            raise machine.record.unread(node, f"nn.{layer.kind} has no param {name!r}")
        shape, rule, options = shapes[name]
        found = leaf_of(shape, rule=rule, options=dict(options))
        found.param, found.grad = True, True
        layer.params[name] = found
    found = layer.params[name]
    if found.fresh:
        base = f"{layer.path}_{name}".replace(".", "_").lstrip("_")
        if found.start is not None and found.start.rule in {"uniform", "normal"}:
            machine.record.note(None, "the params of layers start from PyTorch's laws, drawn here with seed 0")
        machine.record.leaf(found, base, node)
    return found


def _params(machine: Machine, layer: Layer, names: tuple[str, ...], node: ast.AST) -> list[Any]:
    return [param(machine, layer, name, node) for name in names]


# ── forward passes ───────────────────────────────────────────────────────────────────────────────


def _linear(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    weight, bias = _params(machine, layer, ("weight", "bias"), node)
    return functions.emit(machine, "linear", [given[0], weight, *([bias] if bias else [])], {}, node)


def _conv(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    weight, bias = _params(machine, layer, ("weight", "bias"), node)
    words: dict[str, Any] = {
        w: layer.given[w] for w in ("stride", "padding", "dilation", "groups", "output_padding") if w in layer.given
    }
    words = {w: one for w, one in words.items() if one is not None and one != (0 if "padding" in w else 1)}
    name = {"ConvTranspose1d": "conv_transpose1d", "ConvTranspose2d": "conv_transpose2d"}.get(
        layer.kind, layer.kind.lower()
    )
    return functions.emit(machine, name, [given[0], weight, *([bias] if bias else [])], words, node)


def _pool(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    name = {"MaxPool1d": "max_pool1d", "MaxPool2d": "max_pool2d", "AvgPool1d": "avg_pool1d", "AvgPool2d": "avg_pool2d"}[
        layer.kind
    ]
    words = {w: one for w, one in layer.given.items() if w != "kernel_size" and one is not None}
    return functions.emit(machine, name, [given[0], layer.given["kernel_size"]], words, node)


def _embedding(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    return functions.emit(machine, "embedding", [given[0], param(machine, layer, "weight", node)], {}, node)


def _layer_norm(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    names = ("weight",) if layer.kind == "RMSNorm" else ("weight", "bias")
    words = dict(zip(names, _params(machine, layer, names, node), strict=True))
    if layer.given.get("elementwise_affine", True) is False:
        words = {}
    if layer.given.get("eps") is not None:
        words["eps"] = layer.given["eps"]
    size = layer.given["normalized_shape"]
    if isinstance(size, list | tuple) and len(size) > 1:
        words["normalized_shape"] = tuple(map(plain, size))
    return functions.emit(machine, "rms_norm" if layer.kind == "RMSNorm" else "layer_norm", [given[0]], words, node)


def _group_norm(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    weight, bias = _params(machine, layer, ("weight", "bias"), node)
    return functions.emit(machine, "group_norm", [given[0]], {"num_groups": layer.given["num_groups"], "weight": weight,
                                                              "bias": bias}, node)  # fmt: skip


def _batch_norm(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    weight, bias = _params(machine, layer, ("weight", "bias"), node)
    machine.record.note(node, "batch norm is read as it is in training: with the batch's own mean and variance")
    words = (
        {"weight": weight, "bias": bias, "training": True} if layer.given.get("affine", True) else {"training": True}
    )
    return functions.emit(machine, "batch_norm", [given[0]], words, node)


def _flatten(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    first = layer.given.get("start_dim", 1)
    return functions.emit(machine, "flatten", [given[0], first], {}, node)


def _identity(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    if layer.kind.startswith("Dropout"):
        machine.record.note(node, "dropout is read as it is in evaluation: it changes nothing")
    return given[0]


def _cell(machine: Machine, kind: str, x: ast.expr, state: list[ast.expr], weights: list[ast.expr], hidden: int,
          steps: Callable[[Tensor, str], ast.expr], tanh: str) -> list[ast.expr]:  # fmt: skip
    """One step of a recurrent layer: the new states."""
    w, u, b, c = weights
    joined = [call("linear", x, w, b), call("linear", state[0], u, c)]

    def gate(code: ast.expr, number_: int) -> ast.expr:
        part = ast.Slice(number(number_ * hidden), number((number_ + 1) * hidden), None)
        return ast.Subscript(code, ast.Tuple([ast.Name("..."), part], ast.Load()), ast.Load())

    if kind == "R":
        return [steps(tensors.made(call(tanh, binary(joined[0], ast.Add(), joined[1]))), "h")]
    if kind == "L":
        z = steps(Tensor(binary(joined[0], ast.Add(), joined[1])), "gates")
        i, f, g, o = (
            steps(Tensor(call(name, gate(z, k))), letter)
            for k, (letter, name) in enumerate((("i", "sigmoid"), ("f", "sigmoid"), ("g", "tanh"), ("o", "sigmoid")))
        )
        cell = steps(Tensor(binary(binary(f, ast.Mult(), state[1]), ast.Add(), binary(i, ast.Mult(), g))), "c")
        return [steps(Tensor(binary(o, ast.Mult(), call("tanh", cell))), "h"), cell]
    ours, theirs = steps(Tensor(joined[0]), "gi"), steps(Tensor(joined[1]), "gh")
    r, z = (
        steps(Tensor(call("sigmoid", binary(gate(ours, k), ast.Add(), gate(theirs, k)))), "rz"[k]) for k in range(2)
    )
    n = steps(Tensor(call("tanh", binary(gate(ours, 2), ast.Add(), binary(r, ast.Mult(), gate(theirs, 2))))), "n")
    one = binary(ast.Constant(1), ast.Sub(), z)
    return [steps(Tensor(binary(binary(one, ast.Mult(), n), ast.Add(), binary(z, ast.Mult(), state[0]))), "h")]


def _recurrent(machine: Machine, layer: Layer, given: list[Any], node: ast.AST) -> Any:
    """RNN, LSTM, GRU over a sequence, step by step; one step of their cells."""
    if layer.given.get("bidirectional") or plain(layer.given.get("dropout", 0)):
        raise machine.record.unread(node, f"nn.{layer.kind} in two directions, or with dropout, is not read")
    hidden, prefix = _size(layer, "hidden_size"), layer.path.replace(".", "_") or layer.kind.lower()

    def steps(value: Tensor, name: str) -> ast.expr:
        value.grad = True
        machine.record.name(value, f"{prefix}_{name}", node)
        assert value.code is not None
        return value.code

    x = given[0]
    shape = machine.record.shape(x, node)
    is_cell = layer.kind.endswith("Cell")
    first = bool(layer.given.get("batch_first")) and len(shape) == 3
    time = 1 if first else 0
    batch = shape[:-1] if is_cell else (shape[1 - time],) if len(shape) == 3 else ()
    count = 2 if layer.kind.startswith("LSTM") else 1
    before = (
        (given[1] if isinstance(given[1], tuple | list) else [given[1]])
        if len(given) > 1 and given[1] is not None
        else []
    )
    sequence: list[ast.expr] = (
        [tensors.tensor_code(machine, x, node)]
        if is_cell
        else [
            tensors.tensor_code(machine, tensors.pick(machine, x, (slice(None),) * time + (t,), node), node)
            for t in range(shape[time])
        ]
    )
    ends: list[list[ast.expr]] = []
    for level in range(1 if is_cell else int(plain(layer.given.get("num_layers", 1)))):
        tail = "" if is_cell else f"_l{level}"
        weights = [tensors.code_of(machine, param(machine, layer, name + tail, node), node)
                   for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]  # fmt: skip
        state = [_state(machine, one, level, is_cell, node) for one in before] or [
            call("zeros", whole(*batch, hidden)) for _ in range(count)
        ]
        outputs = []
        for one in sequence:
            state = _cell(
                machine, layer.kind[0], one, state, weights, hidden, steps, str(layer.given.get("nonlinearity", "tanh"))
            )
            outputs.append(state[0])
        sequence = outputs
        ends.append(state)
    final = [Tensor(e, grad=True) for e in ends[0]]
    if is_cell:
        return tuple(final) if count == 2 else final[0]
    every = Tensor(call("stack", ast.List(sequence, ast.Load()), axis=ast.Constant(time)), grad=True)
    last = [Tensor(call("stack", ast.List([end[k] for end in ends], ast.Load())), grad=True) for k in range(count)]
    return every, (tuple(last) if count == 2 else last[0])


def _state(machine: Machine, value: Any, level: int, is_cell: bool, node: ast.AST) -> ast.expr:
    part = value if is_cell else tensors.pick(machine, value, (level,), node)
    return tensors.tensor_code(machine, part, node)


_RUNS: Mapping[str, Run] = {
    "Linear": _linear, **dict.fromkeys(("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d"), _conv),
    **dict.fromkeys(("MaxPool1d", "MaxPool2d", "AvgPool1d", "AvgPool2d"), _pool), "Embedding": _embedding,
    "LayerNorm": _layer_norm, "RMSNorm": _layer_norm, "GroupNorm": _group_norm, "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm, "Flatten": _flatten, "Identity": _identity, "Dropout": _identity,
    "Dropout2d": _identity,
    **dict.fromkeys(("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"), _recurrent),
}  # fmt: skip
_PLAIN: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "ReLU": ("relu", ()), "ReLU6": ("relu6", ()), "Sigmoid": ("sigmoid", ()), "Tanh": ("tanh", ()), "SiLU": ("silu",
    ()),
    "Mish": ("mish", ()), "GELU": ("gelu", ("approximate",)), "ELU": ("elu", ("alpha",)), "SELU": ("selu", ()),
    "LeakyReLU": ("leaky_relu", ("negative_slope",)), "Softplus": ("softplus", ("beta", "threshold")),
    "Softmax": ("softmax", ("dim",)), "LogSoftmax": ("log_softmax", ("dim",)), "LogSigmoid": ("logsigmoid", ()),
    "Softsign": ("softsign", ()), "Hardtanh": ("hardtanh", ("min_val", "max_val")), "Hardswish": ("hardswish", ()),
    "Hardsigmoid": ("hardsigmoid", ()), "CosineSimilarity": ("cosine_similarity", ("dim", "eps")),
}  # fmt: skip
_LOSSES: Mapping[str, str] = {
    "MSELoss": "mse_loss", "L1Loss": "l1_loss", "SmoothL1Loss": "smooth_l1_loss", "HuberLoss": "huber_loss",
    "BCELoss": "binary_cross_entropy", "BCEWithLogitsLoss": "binary_cross_entropy_with_logits", "NLLLoss": "nll_loss",
    "CrossEntropyLoss": "cross_entropy", "KLDivLoss": "kl_div", "GaussianNLLLoss": "gaussian_nll_loss",
    "HingeEmbeddingLoss": "hinge_embedding_loss", "TripletMarginLoss": "triplet_margin_loss",
}  # fmt: skip
_LOSS_WORDS: Final = frozenset({"reduction", "weight", "pos_weight", "label_smoothing", "ignore_index", "delta",
"beta", "margin",
                                "p", "log_target", "full", "eps"})  # fmt: skip


# ── what every module has ────────────────────────────────────────────────────────────────────────


def _this(machine: Machine, owner: Any, given: list[Any], node: ast.AST) -> Any:
    return owner


def _parts(machine: Machine, owner: Any, given: list[Any], node: ast.AST) -> Any:
    return Opaque("the params of a model")


def _cleared(machine: Machine, owner: Any, given: list[Any], node: ast.AST) -> Any:
    machine.record.epoch += 1


def _registered(machine: Machine, owner: Any, given: list[Any], node: ast.AST) -> Any:
    if isinstance(owner, Instance) and len(given) > 1:
        value = given[1]
        if isinstance(value, Part):
            value.place(owner, str(given[0]))
        owner.names[str(given[0])] = machine.named(value, str(given[0]), node) if isinstance(value, Tensor) else value


MODULE_METHODS: Mapping[str, Callable[[Machine, Any, list[Any], ast.AST], Any]] = {
    **dict.fromkeys(("to", "cuda", "cpu", "double", "float", "eval", "train", "requires_grad_", "half"), _this),
    **dict.fromkeys(("parameters", "named_parameters", "state_dict", "load_state_dict", "children", "modules",
    "buffers",
                     "named_children", "named_modules"), _parts),
    "apply": _this, "zero_grad": _cleared, "register_buffer": _registered, "register_parameter": _registered,
    "add_module": _registered, "training": _this, "save_hyperparameters": _this, "log": _this,
}  # fmt: skip

__all__ = ["Library", "make", "run_layer"]
