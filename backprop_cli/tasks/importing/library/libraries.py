"""Names of numpy, PyTorch, jax, autograd and micrograd: what makes leaves, what computes, what does neither."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from backprop_cli.records import replace
from backprop_cli.tasks.importing.arrays import functions
from backprop_cli.tasks.importing.arrays.literals import MAX_ROWS
from backprop_cli.tasks.importing.data.drawn import keyed
from backprop_cli.tasks.importing.data.leaves import NUMPY_MAKERS, TORCH_MAKERS, WORDS, parameter_of, scalar, tensor_of
from backprop_cli.tasks.importing.data.starts import Row, flags_of
from backprop_cli.tasks.importing.exercise import training
from backprop_cli.tasks.importing.library.builtins import BUILTINS
from backprop_cli.tasks.importing.library.control import CONTROL
from backprop_cli.tasks.importing.library.densities import DENSITIES
from backprop_cli.tasks.importing.library.einops import EINOPS
from backprop_cli.tasks.importing.library.mapped import mapped, tree_mapped
from backprop_cli.tasks.importing.library.scalars import MATH, scalars
from backprop_cli.tasks.importing.library.standard import STANDARD
from backprop_cli.tasks.importing.networks import inits, keras, modules, tensorflow
from backprop_cli.tasks.importing.networks.custom_rules import custom_vjp
from backprop_cli.tasks.importing.networks.functional_call import functional_call
from backprop_cli.tasks.importing.networks.keras_graph import Later, holds_later
from backprop_cli.tasks.importing.networks.micrograd import MICROGRAD
from backprop_cli.tasks.importing.networks.walk import copied
from backprop_cli.tasks.importing.networks.weight_norm import normed
from backprop_cli.tasks.importing.state.objects import Differentiator
from backprop_cli.tasks.importing.state.random_draws import Draws
from backprop_cli.tasks.importing.state.record import leaf_of
from backprop_cli.tasks.importing.state.torch_draws import TorchDraws
from backprop_cli.tasks.importing.state.values import Builtin, Library, Opaque, Tensor, is_number, plain

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.state.machine import Machine


def call_library(machine: Machine, function: Library, given: list[object], named: dict[str, object],
                 node: ast.AST) -> object:
    """A call of a library's function.

    Raises:
        Unread: it is not known, and what it gives is used.
    """
    path = tensorflow.modern(function.path)
    if path.startswith("tensorflow.") and holds_later(given) and not path.endswith((".Model", ".Sequential")):
        return Later(function, given, named)
    for row in (_ROWS.get(path), _by_suffix(path)):
        if row is not None:
            return row(machine, given, named, node)
    if path.startswith(("torch.utils.data.", "torch.utils.data.dataset.")) and modules.is_written(function.last):
        return modules.make(machine, function.last, given, named, node)
    if _OPAQUE.search(path):
        return Opaque(path)
    if path.startswith("torch.nn.init."):
        return inits.initialised(machine, function.last, given, named, node)
    if path.startswith(("torch.nn.", "torch.distributions.")) and not path.startswith("torch.nn.functional"):
        return modules.make(machine, function.last, given, named, node)
    if path.startswith("math."):
        return scalars(machine, function.last, given, node, "numpy")
    if path.startswith("tensorflow.") and (found := keras.made(machine, path, given, named, node)) is not None:
        return found
    family, name = functions.home_of(path)
    if family:
        return _array_function(machine, family, name, given, named, node)
    return _foreign(machine, function, given, node)


def _foreign(machine: Machine, function: Library, given: list[object], node: ast.AST) -> object:
    if function.last == "Value" or function.path.startswith("micrograd"):
        return scalar(given[0], by_class=True) if given and is_number(given[0]) else Opaque(function.path)
    if function.last in {"grad", "value_and_grad", "elementwise_grad"}:
        return _grad_of(machine, given, {}, node)
    hint = "give the name it is assigned to a value: --set NAME=..., or a shape: --shape NAME=3,4"
    raise machine.record.unread(node, f"what {function.path} gives is not known", hint)


_OPAQUE = re.compile(
    r"^(torch\.(get_default_dtype|optim|utils|cuda|device|backends|set_|manual|distributed|amp|no_grad|jit|profiler)|matplotlib|"
    r"pylab|seaborn|time|os\.|sys\.|logging|warnings|tqdm|IPython|graphviz|torchviz|datetime|"
    r"tensorflow\.(random\.set|set_random|config|data|summary|io|test|print|train|optimizers|Session|global_var|"
    r"initialize_all|logging|disable|enable|get_logger|debugging|saved_model|(keras\.)?(optimizers|utils|callbacks|metrics|"
    r"datasets|preprocessing))|numpy\.(set_print|testing|seterr|errstate)|wandb|argparse|copy|jax\.(config|jit))"
)


def _array_function(
    machine: Machine, family: str, path: str, given: list[object], named: dict[str, object], node: ast.AST
) -> object:
    name = path.rpartition(".")[2]
    if given and all(is_number(one) for one in given) and name in MATH:
        return scalars(machine, name, given, node, family)
    makers = TORCH_MAKERS if family == "torch" else NUMPY_MAKERS
    if name in makers:
        if unread := sorted(named.keys() - WORDS):
            hint = "give the numbers: --set NAME=[...]"
            raise machine.record.unread(node, f"{name} with {unread[0]} is not read", hint)
        return makers[name](machine, given, named, node)
    return functions.apply(machine, family, path, given, named, node)



# ── what stands alone ────────────────────────────────────────────────────────────────────────────


def _seed(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    value = plain(given[0]) if given else None
    if isinstance(value, int) and 0 <= value < 2**32:
        machine.draws.seed(value)
    else:
        machine.draws.forget()


def _every_seed(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Any:
    """`keras.utils.set_random_seed(0)`: of Keras's own numbers nothing is known, of numpy's and Python's all."""
    for row in (_seed, STANDARD["random.seed"]):
        row(machine, given, named, node)
    machine.torch.forget()


def _torch_seed(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`torch.manual_seed(0)`."""
    value = plain(given[0] if given else named.get("seed"))
    if isinstance(value, int):
        machine.torch.seed(value)
    else:
        machine.torch.forget()
    return machine.torch


def _torch_generator(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`torch.Generator()`: its numbers are known once it is seeded."""
    return TorchDraws(machine.torch)


def _default_dtype(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    name = given[0].last if given and isinstance(given[0], Library) else str(given[0] if given else "")
    machine.torch.double = "64" in name or "Double" in name or name == "double"
    return Opaque("a dtype")


def _generator(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`np.random.default_rng(0)`, `np.random.RandomState(0)`: each draws by itself, with numpy.random's methods."""
    value = plain(given[0]) if given else plain(named.get("seed"))
    new = getattr(getattr(node, "func", None), "attr", "default_rng") == "default_rng"
    made = Draws()
    if isinstance(value, int) and 0 <= value < 2**32:
        made.seed(value, new)
    return made


def _grad_of(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> Differentiator:
    """`grad(f, argnum)` of autograd and jax."""
    which = plain(named.get("argnums", named.get("argnum", given[1] if len(given) > 1 else 0)))
    positions = tuple(map(plain, which)) if isinstance(which, list | tuple) else (which,)
    return Differentiator(given[0], positions)


def _each_grad_of(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`elementwise_grad(f, argnum)` of autograd: of each entry of what f gives, by itself."""
    return replace(_grad_of(machine, given, named, node), each=True)


def _autograd(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`torch.autograd.grad(outputs, inputs, grad_outputs)`."""
    values = dict(zip(("outputs", "inputs", "grad_outputs"), given, strict=False)) | named
    outputs, inputs = values.get("outputs"), values.get("inputs")
    outputs = outputs[0] if isinstance(outputs, list | tuple) and outputs else outputs
    wanted = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    seed = values.get("grad_outputs")
    if isinstance(outputs, Tensor) and named.get("create_graph") is True:
        seed = seed[0] if isinstance(seed, list | tuple) and seed else seed
        return tuple(training.gradient(machine, outputs, seed, one, node) if isinstance(one, Tensor)
                     else Opaque("a gradient") for one in wanted)  # fmt: skip
    if isinstance(outputs, Tensor):
        training.backward(machine, outputs, seed[0] if isinstance(seed, list | tuple) and seed else seed,
                          tuple(one for one in wanted if isinstance(one, Tensor)), node)  # fmt: skip
    return tuple(Opaque("a gradient") for _ in wanted)


def _backward(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> object:
    output = given[0][0] if isinstance(given[0], list | tuple) else given[0]
    seed = named.get("grad_tensors", given[1] if len(given) > 1 else None)
    return training.backward(machine, output, seed[0] if isinstance(seed, list | tuple) else seed, None, node)


def _causal(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """The mask that adds -inf to what comes later."""
    size = plain([*given, named.get("sz")][0])
    if not isinstance(size, int) or not 0 < size <= MAX_ROWS // 10:
        raise machine.record.unread(node, "how wide the mask is is not known here")
    return leaf_of((size, size), data=[[-math.inf if j > i else 0.0 for j in range(size)] for i in range(size)])


def _keys(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    """`jax.random.split(key, 3)`."""
    count = plain([*given, named.get("num", 2)][1])
    if not isinstance(count, int) or not 0 < count <= MAX_ROWS:
        raise machine.record.unread(node, "how many keys there are is not known here")
    return tuple(Opaque("a key") for _ in range(count))


_SPECIAL: Mapping[str, Row] = {
    "tensorflow.keras.utils.set_random_seed": _every_seed,
    "tensorflow.keras.utils.to_categorical": keras.one_hot_rows,
    "numpy.random.seed": _seed, "autograd.numpy.random.seed": _seed, "numpy.random.default_rng": _generator,
    "numpy.random.RandomState": _generator, "autograd.numpy.random.RandomState": _generator, "autograd.grad": _grad_of,
    "jax.grad": _grad_of, "autograd.value_and_grad": _grad_of, "jax.value_and_grad": _grad_of,
    "autograd.elementwise_grad": _each_grad_of, "torch.autograd.grad": _autograd, "torch.autograd.backward": _backward,
    **dict.fromkeys(("jax.random.PRNGKey", "jax.random.key", "jax.random.fold_in"), lambda m, g, k, n: Opaque("a key")),
    "jax.random.split": _keys, **dict.fromkeys(("jax.tree.map", "jax.tree_map", "jax.tree_util.tree_map"), tree_mapped),
    **dict.fromkeys(("jax.vmap", "torch.vmap", "torch.func.vmap"), mapped),
    "jax.random.normal": keyed("normal"), "jax.random.uniform": keyed("uniform"),
    "torch.nn.Transformer.generate_square_subsequent_mask": _causal,
    "torch.nn.Parameter": parameter_of, "torch.nn.parameter.Parameter": parameter_of,
    **dict.fromkeys(("torch.nn.utils.weight_norm", "torch.nn.utils.parametrizations.weight_norm"), normed),
    **dict.fromkeys(("torch.func.functional_call", "torch.nn.utils.stateless.functional_call"), functional_call),
    **dict.fromkeys(("torch.func.grad", "torch.func.grad_and_value"), _grad_of),
    "torch.manual_seed": _torch_seed, "torch.random.manual_seed": _torch_seed, "torch.Generator": _torch_generator,
    "torch.set_default_dtype": _default_dtype, "torch.set_default_tensor_type": _default_dtype,
    "torch.no_grad": lambda m, g, k, n: Opaque("no_grad"), "torch.inference_mode": lambda m, g, k, n: Opaque("no_grad"),
    **dict.fromkeys(("equinox.filter_grad", "equinox.filter_value_and_grad"), _grad_of),
    **dict.fromkeys(("jax.jit", "equinox.filter_jit"), lambda m, g, k, n: g[0]), "jax.custom_vjp": custom_vjp,
    "copy.deepcopy": lambda m, g, k, n: copied(g[0]), "copy.copy": lambda m, g, k, n: g[0],
    "collections.OrderedDict": BUILTINS["dict"],
    "numpy.newaxis": lambda m, g, k, n: None,
    "functools.partial": lambda m, g, k, n: Builtin("partial", lambda m2, a, k2, n2: _partial(m2, g, k, a, k2, n2)),
    "torch.set_grad_enabled": lambda m, g, k, n: Opaque("no_grad" if g and g[0] is False else "grad mode"),
}  # fmt: skip


_ROWS: Mapping[str, Row] = {
    **tensorflow.TENSORFLOW, **EINOPS, **STANDARD, **CONTROL, **DENSITIES, **MICROGRAD, **_SPECIAL,
}  # fmt: skip


def _partial(machine: Machine, given: list[object], named: dict[str, object], more: list[object],
             extra: dict[str, object], node: ast.AST) -> object:
    return machine.called(given[0], [*given[1:], *more], named | extra, node)


def _by_suffix(path: str) -> Row | None:
    """`autograd.Variable`, however it was imported; an accelerator, of which none is there."""
    if path.startswith(("torch.", "jax.")) and path.endswith(".is_available"):
        return lambda m, g, k, n: False
    return _parameter_or_data if path.endswith(".Variable") else None


def _parameter_or_data(machine: Machine, given: list[object], named: dict[str, object], node: ast.AST) -> object:
    return flags_of(tensor_of(machine, given[0], node), named)
