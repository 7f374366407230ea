"""Layers of torch.nn as objects: what they are made with, their parts, what they give."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.language.spelling.torch_networks import layer_function
from backprop_cli.tasks.importing.arrays import functions
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.networks import walk, written_out
from backprop_cli.tasks.importing.networks.hooks import HOOKS
from backprop_cli.tasks.importing.networks.layers import PADS, RUNS
from backprop_cli.tasks.importing.networks.params import drawn_params, param
from backprop_cli.tasks.importing.state.objects import Instance, Layer
from backprop_cli.tasks.importing.state.values import Builtin, Opaque, Part, Tensor, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine

Run = Callable[["Machine", object, list[object], ast.AST], object]
"""A method that every module has."""
_CONV = ("in_channels", "out_channels", "kernel_size", "stride", "padding")
_CELL = ("input_size", "hidden_size")
_LEVELS = ("bias", "batch_first", "dropout", "bidirectional")
_OLD = ("size_average", "reduce", "reduction")
_MAX = ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode")
_NORM = ("eps", "momentum", "affine", "track_running_stats")
ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "Linear": ("in_features", "out_features", "bias"),
    "Bilinear": ("in1_features", "in2_features", "out_features", "bias"),
    **dict.fromkeys(("Conv1d", "Conv2d", "Conv3d"), (*_CONV, "dilation", "groups", "bias", "padding_mode")),
    **{f"ConvTranspose{n}d": (*_CONV, "output_padding", "groups", "bias", "dilation") for n in (1, 2, 3)},
    "Embedding": ("num_embeddings", "embedding_dim", "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq",
                  "sparse"),
    "LayerNorm": ("normalized_shape", "eps", "elementwise_affine", "bias"),
    "RMSNorm": ("normalized_shape", "eps", "elementwise_affine"),
    "GroupNorm": ("num_groups", "num_channels", "eps", "affine"),
    **{f"{kind}{n}d": ("num_features", *_NORM) for n in (1, 2, 3) for kind in ("BatchNorm", "InstanceNorm")},
    "RNN": (*_CELL, "num_layers", "nonlinearity", *_LEVELS), "LSTM": (*_CELL, "num_layers", *_LEVELS, "proj_size"),
    "GRU": (*_CELL, "num_layers", *_LEVELS), "RNNCell": (*_CELL, "bias", "nonlinearity"),
    **dict.fromkeys(("LSTMCell", "GRUCell"), (*_CELL, "bias")), "PReLU": ("num_parameters", "init"),
    "Flatten": ("start_dim", "end_dim"), "Unflatten": ("dim", "unflattened_size"),
    **dict.fromkeys(("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardswish", "Hardsigmoid"), ("inplace",)),
    "LeakyReLU": ("negative_slope", "inplace"), **dict.fromkeys(("ELU", "CELU"), ("alpha", "inplace")),
    **{f"Dropout{n}": ("p", "inplace") for n in ("", "1d", "2d", "3d")},
    **{f"MaxPool{n}d": _MAX for n in (1, 2, 3)},
    "CrossEntropyLoss": ("weight", "size_average", "ignore_index", "reduce", "reduction", "label_smoothing"),
    "NLLLoss": ("weight", "size_average", "ignore_index", "reduce", "reduction"), "BCELoss": ("weight", *_OLD),
    "BCEWithLogitsLoss": ("weight", *_OLD, "pos_weight"), "MultiLabelSoftMarginLoss": ("weight", *_OLD),
    **dict.fromkeys(("MSELoss", "L1Loss", "SoftMarginLoss"), _OLD), "SmoothL1Loss": (*_OLD, "beta"),
    "KLDivLoss": (*_OLD, "log_target"), "HuberLoss": ("reduction", "delta"),
    **dict.fromkeys(("CosineEmbeddingLoss", "MarginRankingLoss", "HingeEmbeddingLoss"), ("margin", *_OLD)),
    "PoissonNLLLoss": ("log_input", "full", "size_average", "eps", "reduce", "reduction"),
    "TripletMarginLoss": ("margin", "p", "eps", "swap", *_OLD),
    "Upsample": ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor"),
    **{f"{kind}Pad{n}d": ("padding",) for n in (1, 2, 3) for kind in PADS},
    **{f"ConstantPad{n}d": ("padding", "value") for n in (1, 2, 3)},
}  # fmt: skip
"""The signatures of layers; the arguments of any other follow the tensors in the function of that name."""
_UNREAD: Final[Mapping[str, Mapping[str, object]]] = {
    "Embedding": {"max_norm": None, "norm_type": 2.0, "scale_grad_by_freq": False},
    "LSTM": {"proj_size": 0},
}
"""Arguments of layers that are not read, and the value at which they change nothing."""
_UNSAID: Final = frozenset({"device", "dtype", "inplace"})
_CONTAINERS: Final = frozenset({"Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})


def make(machine: Machine, kind: str, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """A layer object.

    Raises:
        Unread: it is none that is known.
    """
    if kind in _CONTAINERS:
        return _container(kind, given)
    if is_written(kind):
        whole = written_out.definition_of(machine, written_out.TORCH, kind, written_out.TORCH_NAMES, node)
        return machine.called(whole, given, named, node)
    if kind not in RUNS and layer_function(kind) is None:
        raise machine.record.unread(node, f"the layer nn.{kind} is not read", "write its forward pass out")
    slots = ARGUMENTS.get(kind)
    if slots is None:
        return Layer(kind=kind, given=named, more=given)
    made = Layer(kind=kind, given=dict(zip(slots, given, strict=False)) | named, more=[])
    if len(given) > len(slots) or not named.keys() <= {*slots, *_UNSAID}:
        raise machine.record.unread(node, f"nn.{kind} takes other arguments", f"nn.{kind}({', '.join(slots)})")
    for slot, usual in _UNREAD.get(kind, {}).items():
        if plain(made.given.get(slot, usual)) != usual:
            raise machine.record.unread(node, f"nn.{kind} with {slot} is not read", "write its forward pass out")
    drawn_params(machine, made)
    return made


def is_written(kind: str) -> bool:
    """Whether a layer, a distribution or a dataset is written out."""
    return written_out.is_written(written_out.TORCH, kind)


def _container(kind: str, given: list[object]) -> Layer:
    parts: dict[str, object] = {}
    if len(given) == 1 and isinstance(given[0], dict):
        parts = {str(key): one for key, one in given[0].items()}
    else:
        items = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        parts = {str(position): one for position, one in enumerate(items)}
    return Layer(kind=kind, parts=parts)


def run_layer(machine: Machine, layer: Layer, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """What a layer gives."""
    given = [*given, *named.values()]
    if layer.kind == "Sequential":
        return _in_turn(machine, layer, given[0], node)
    if layer.kind in RUNS:
        return RUNS[layer.kind](machine, layer, given, node)
    name = layer_function(layer.kind)
    if name is None:
        raise machine.record.unread(node, f"nn.{layer.kind} is called")
    words = {word: one for word, one in layer.given.items() if one is not None}
    return functions.apply(machine, "torch", name, [*given, *layer.more], words, node)


def _in_turn(machine: Machine, layer: Layer, value: object, node: ast.AST) -> object:
    for key, part in layer.parts.items():
        _placed(part, layer, key)
        value = machine.called(part, [value], {}, node)
    return value


def _placed(part: object, owner: Layer, key: str) -> None:
    if isinstance(part, Part):
        part.place(owner, key)


def attribute(machine: Machine, layer: Layer, name: str, node: ast.AST) -> object:
    """A param of a layer, an argument of it, or a method that every module has."""
    if name in MODULE_METHODS:
        return method_of(layer, name)
    if name == "training":
        return layer.training
    if name in layer.given:
        return layer.given[name] if name != "bias" else param(machine, layer, "bias", node)
    if name in layer.parts:
        _placed(layer.parts[name], layer, name)
        return layer.parts[name]
    if name in {"append", "extend"}:
        return Builtin(name, lambda m, a, k, n: _append(layer, a))
    if name in {"items", "values", "keys"}:
        parts = list(layer.parts.items())
        return Builtin(name, lambda m, a, k, n: parts if name == "items" else [p[name == "values"] for p in parts])
    if name in {"weight", "bias"} or name.startswith(("weight_", "bias_")):
        return param(machine, layer, name, node)
    raise machine.record.unread(node, f"nn.{layer.kind} has no attribute {name!r} here")


def _append(layer: Layer, given: list[object]) -> None:
    for one in given[0] if isinstance(given[0], list) else [given[-1]]:
        layer.parts[str(len(layer.parts))] = one


# ── what every module has ────────────────────────────────────────────────────────────────────────


def _this(machine: Machine, owner: object, given: list[object], node: ast.AST) -> object:
    return owner


def _switched(owner: Any, training: bool) -> object:
    """`model.eval()`, `model.train()`: of a module and all below it."""
    owner.training = training
    for one in walk.held(owner).values():
        if isinstance(one, Part):
            _switched(one, training)
    return owner


def _each(of: Callable[[Any], Iterator[Any]], which: int | None = 1) -> Run:
    """Modules one by one; `which` of the pair of name and module."""
    def run(machine: Machine, owner: object, given: list[object], node: ast.AST) -> object:
        return (one if which is None else one[which] for one in of(owner))

    return run


def _params(which: int | None) -> Run:
    """Params one by one, made as they are asked for; `which` of the pair of name and param."""
    def run(machine: Machine, owner: Any, given: list[object], node: ast.AST) -> object:
        return (one if which is None else one[which] for one in walk.params(machine, owner, node))

    return run


def _state(machine: Machine, owner: Any, given: list[object], node: ast.AST) -> object:
    return dict(walk.params(machine, owner, node))


def _loaded(machine: Machine, owner: Any, given: list[object], node: ast.AST) -> None:
    walk.loaded(machine, owner, given[0] if given else None, node)


def _required(machine: Machine, owner: Any, given: list[object], node: ast.AST) -> object:
    """`model.requires_grad_(False)`."""
    for _, one in list(walk.params(machine, owner, node)):
        training.require(machine, one, bool(plain(given[0])) if given else True, node)
    return owner


def _applied(machine: Machine, owner: object, given: list[object], node: ast.AST) -> object:
    """`model.apply(f)`: f of each module, of the parts before the whole."""
    for _, one in walk.children(owner):
        _applied(machine, one, given, node)
    machine.called(given[0], [owner], {}, node)
    return owner


def _cleared(machine: Machine, owner: object, given: list[object], node: ast.AST) -> Any:
    machine.record.epoch += 1


def _registered(machine: Machine, owner: object, given: list[object], node: ast.AST) -> Any:
    if isinstance(owner, Layer) and len(given) > 1:
        owner.parts[str(given[0])] = given[1]
    if isinstance(owner, Instance) and len(given) > 1:
        value = given[1]
        if isinstance(value, Part):
            value.place(owner, str(given[0]))
        owner.names[str(given[0])] = machine.named(value, str(given[0]), node) if isinstance(value, Tensor) else value


def method_of(owner: object, name: str) -> Builtin:
    """A method that every module has, called by place or by name.

    Raises:
        Unread: it takes an argument that would be passed over.
    """

    def run(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
        slots = _ARGUMENTS.get(name)
        if slots is None:
            return MODULE_METHODS[name](machine, owner, given, node)
        named = {key: value for key, value in named.items() if (key, value) != ("recurse", True)}
        for word in named.keys() - {*slots} - _PASSED:
            raise machine.record.unread(node, f"{name} with {word} is not read")
        last = max((place for place, slot in enumerate(slots) if slot in named), default=-1)
        more = [named.get(slot) for slot in slots[len(given) : last + 1]]
        return MODULE_METHODS[name](machine, owner, [*given, *more], node)

    return Builtin(name, run)


_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "train": ("mode",), "requires_grad_": ("requires_grad",), "load_state_dict": ("state_dict",), "apply": ("fn",),
    "parameters": (), "named_parameters": (), "named_modules": (), "state_dict": (),
    "register_buffer": ("name", "tensor"), "register_parameter": ("name", "param"),
    "add_module": ("name", "module"), "register_module": ("name", "module"),
    "register_forward_hook": ("hook", "prepend", "with_kwargs"),
    "register_forward_pre_hook": ("hook", "prepend", "with_kwargs"),
    **dict.fromkeys(("register_backward_hook", "register_full_backward_hook", "register_full_backward_pre_hook"),
                    ("hook",)),
}  # fmt: skip
"""What these methods take by name, in order."""
_PASSED = frozenset({"strict", "assign", "persistent", "always_call", "prepend", "remove_duplicate", "keep_vars"})
"""What they take besides, which changes nothing that is read."""
MODULE_METHODS: Mapping[str, Run] = {
    **dict.fromkeys(("to", "cuda", "cpu", "double", "float", "half", "compile", "save_hyperparameters", "log"), _this),
    "eval": lambda m, o, a, n: _switched(o, False),
    "train": lambda m, o, a, n: _switched(o, not a or bool(plain(a[0]))),
    "requires_grad_": _required, "parameters": _params(1), "named_parameters": _params(None), "state_dict": _state,
    "load_state_dict": _loaded, "children": _each(walk.children), "named_children": _each(walk.children, None),
    "modules": _each(walk.modules), "named_modules": _each(walk.modules, None),
    **HOOKS, "buffers": lambda m, o, a, n: Opaque("the buffers of a model"), "apply": _applied, "zero_grad": _cleared,
    **dict.fromkeys(("register_buffer", "register_parameter", "add_module", "register_module"), _registered),
}  # fmt: skip
