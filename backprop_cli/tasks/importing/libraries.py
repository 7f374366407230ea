"""Names of numpy, PyTorch, jax, autograd and micrograd: what makes leaves, what computes, what does neither."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from backprop_cli.tasks.importing import functions, modules, tensors, training
from backprop_cli.tasks.importing.record import leaf_of
from backprop_cli.tasks.importing.spelling import call
from backprop_cli.tasks.importing.values import (
    Builtin,
    Differentiator,
    Library,
    Number,
    Opaque,
    Start,
    Tensor,
    Unread,
    is_number,
    plain,
)

if TYPE_CHECKING:
    from backprop_cli.tasks.importing.machine import Machine

Row = Callable[["Machine", list[Any], dict[str, Any], ast.AST], Any]
NUMPY: Final = ("numpy", "autograd.numpy", "jax.numpy", "cupy", "minpy.numpy", "mxnet.np")
TORCH: Final = ("torch.nn.functional", "torch.linalg", "torch.special", "torch", "jax.nn", "scipy.special")


def scalar(value: Any) -> Tensor:
    """A scalar leaf whose gradient is wanted: micrograd's Value, an argument of `grad(f)`."""
    found = leaf_of((), data=float(plain(value)))
    found.param, found.grad = True, True
    return found


def call_library(machine: Machine, function: Library, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """A call of a library's function.

    Raises:
        Unread: it is not known, and what it gives is used.
    """
    path = function.path
    for row in (_SPECIAL.get(path), _by_suffix(path)):
        if row is not None:
            return row(machine, given, named, node)
    if _OPAQUE.search(path):
        return Opaque(path)
    if path.startswith("torch.nn.init."):
        return _initialised(machine, function.last, given, named, node)
    if path.startswith(("torch.nn.", "torch.nn.modules")) and not path.startswith("torch.nn.functional"):
        return modules.make(machine, function.last, given, named, node)
    family = "numpy" if path.startswith(NUMPY) else "torch" if path.startswith(TORCH) else ""
    if path.startswith("math."):
        return _scalars(machine, function.last, given, node, "numpy")
    if family:
        return _array_function(machine, family, function.last, given, named, node)
    return _foreign(machine, function, given, node)


def _foreign(machine: Machine, function: Library, given: list[Any], node: ast.AST) -> Any:
    if function.last == "Value" or function.path.startswith("micrograd"):
        return scalar(given[0]) if given and is_number(given[0]) else Opaque(function.path)
    if function.last in {"grad", "value_and_grad", "elementwise_grad"}:
        return _grad_of(machine, given, {}, node)
    hint = "give the name it is assigned to a value: --set NAME=..., or a shape: --shape NAME=3,4"
    raise machine.record.unread(node, f"what {function.path} gives is not known", hint)


_OPAQUE = re.compile(
    r"^(torch\.(Generator|get_default_dtype|optim|utils|cuda|device|backends|set_|manual|distributed|amp|no_grad|jit|profiler)|matplotlib|"
    r"pylab|seaborn|time|os\.|sys\.|random\.seed|logging|warnings|tqdm|IPython|graphviz|torchviz|datetime|"
    r"numpy\.(set_print|testing|seterr|errstate)|wandb|argparse|collections|copy|jax\.(config|jit))"
)


def _array_function(
    machine: Machine, family: str, name: str, given: list[Any], named: dict[str, Any], node: ast.AST
) -> Any:
    if given and all(is_number(one) for one in given) and name in _MATH:
        return _scalars(machine, name, given, node, family)
    makers = _NUMPY_MAKERS if family == "numpy" else _TORCH_MAKERS
    if name in makers:
        return makers[name](machine, given, named, node)
    return functions.apply(machine, family, name, given, named, node)


# ── plain numbers ────────────────────────────────────────────────────────────────────────────────

_MATH: Mapping[str, Callable[..., Any]] = {
    "sqrt": math.sqrt, "exp": math.exp, "log": math.log, "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "tanh": math.tanh, "sinh": math.sinh, "cosh": math.cosh, "abs": abs, "fabs": abs, "pow": pow, "power": pow,
    "floor": math.floor, "ceil": math.ceil, "log2": math.log2, "log10": math.log10, "log1p": math.log1p,
    "square": lambda x: x * x,
    "maximum": max, "minimum": min, "prod": lambda x: x, "sum": lambda x: x, "mean": lambda x: x, "int64": int,
    "float64": float,
    "float32": float, "int32": int, "expm1": math.expm1, "arctan": math.atan, "atan": math.atan,
    "sign": lambda x: (x > 0) - (x < 0),
    "isnan": math.isnan, "add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b, "erf": math.erf, "dot": lambda a, b: a * b, "negative": lambda a: -a,
    "asarray": lambda x: x,
    "reciprocal": lambda x: 1 / x,
}  # fmt: skip
_SAME = frozenset({"sum", "mean", "prod", "int64", "float64", "float32", "int32", "asarray"})
_INFIX: Mapping[str, ast.operator] = {"pow": ast.Pow(), "power": ast.Pow(), "add": ast.Add(), "subtract": ast.Sub(),
                                      "multiply": ast.Mult(), "divide": ast.Div(), "dot": ast.Mult()}  # fmt: skip


def _scalars(machine: Machine, name: str, given: list[Any], node: ast.AST, family: str) -> Any:
    """A function of plain numbers: a number, with the expression that makes it."""
    if any(isinstance(one, Tensor) for one in given):
        return functions.apply(machine, family, name, given, {}, node)
    if name not in _MATH or not all(is_number(one) for one in given):
        raise machine.record.unread(node, f"math.{name} of this is not read")
    try:
        value = _MATH[name](*map(plain, given))
    except (ArithmeticError, ValueError, TypeError) as caught:
        raise machine.record.unread(node, f"Python would stop here: {caught}"[:120]) from None
    if isinstance(value, complex):
        raise machine.record.unread(node, "a complex number comes out here")
    if not any(isinstance(one, Number) for one in given):
        return value
    codes = [tensors.code_of(machine, one, node) for one in given]
    if name in _SAME:
        return Number(value, codes[0])
    if name in _INFIX:
        return Number(value, ast.BinOp(codes[0], _INFIX[name], codes[1]))
    return Number(value, call(name, *codes))


# ── leaves ───────────────────────────────────────────────────────────────────────────────────────


def _sizes(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> tuple[Any, ...]:
    """A shape: `randn(5, 3)`, `randn((5, 3))`, `zeros(size=[5])`; its sizes as they were given."""
    shape: Any = named.get("size", named.get("shape", given))
    if isinstance(shape, list | tuple) and len(shape) == 1 and isinstance(shape[0], list | tuple):
        shape = shape[0]
    if not isinstance(shape, list | tuple):
        shape = () if shape is None else (shape,)
    shape = tuple(tensors.as_number(one) for one in shape)
    if not all(isinstance(plain(one), int) and plain(one) >= 0 for one in shape):
        raise machine.record.unread(node, "a shape needs whole numbers that are known here",
                                    "give the sizes: --set N=5")  # fmt: skip
    if len(shape) > 8:
        raise machine.record.unread(node, "a tensor of more than eight axes")
    return tuple(shape)


def start_of(machine: Machine, shape: tuple[Any, ...], rule: str, options: dict[str, float], **more: Any) -> Tensor:
    """A leaf by a rule; sizes that have a name keep it."""
    items = [machine.record.items.get(getattr(getattr(one, "code", None), "id", "")) for one in shape]
    for item in items:
        if item is not None and item.what == "number" and item.code is None:
            item.size = True
    start = Start(
        tuple(int(plain(one)) for one in shape),
        rule,
        options,
        sizes=[i if i and i.size else None for i in items],
        **more,
    )
    return Tensor(None, start=start)


def _flags(tensor: Tensor, named: dict[str, Any]) -> Tensor:
    if named.get("requires_grad"):
        tensor.param, tensor.grad = True, True
    return tensor


def _filled(rule: str) -> Row:
    def row(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        if rule != "constant":
            first = given[:1] if given and isinstance(given[0], list | tuple) else given
            sizes = [one for one in first if not isinstance(one, Library | Opaque | Builtin | str)]
            return _flags(start_of(machine, _sizes(machine, sizes, named, node), rule, {}), named)
        value = named.get("fill_value", given[1] if len(given) > 1 else 0.0)
        shape = named.get("size", named.get("shape", given[0] if given else ()))
        sizes = list(shape) if isinstance(shape, list | tuple) else [shape]
        return _flags(start_of(machine, _sizes(machine, sizes, {}, node), rule, {"value": float(plain(value))}), named)

    return row


def _like(rule: str) -> Row:
    def row(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        if is_number(given[0]):
            return 1.0 if rule == "ones" else 0.0
        shape = machine.record.shape(_tensor(machine, given[0], node), node)
        options = {"value": float(plain(given[1]))} if rule == "constant" else {}
        if rule in {"normal", "uniform"}:
            return _random(rule)(machine, list(shape), named, node)
        return _flags(start_of(machine, shape, rule, options), named)

    return row


def _tensor(machine: Machine, value: Any, node: ast.AST) -> Tensor:
    return value if isinstance(value, Tensor) else tensors.literal_or_stack(machine, value, node)


def _literal(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`torch.tensor(...)`, `np.array(...)`."""
    value = given[0] if given else named.get("data", named.get("object"))
    if isinstance(value, Tensor) and not value.fresh:
        return value
    made = tensors.literal_or_stack(machine, value, node)
    if isinstance(value, Tensor) and made is value:
        return _flags(value, named)
    return _flags(made, named)


def _random(law: str, numbers: tuple[float, float] | None = None, *, seeded: bool = True) -> Row:
    def row(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
        shape = _sizes(machine, given, named, node)
        first, second = numbers or ((0.0, 1.0))
        return _flags(drawn(machine, law, shape, first, second, node, seeded), named)

    return row


def drawn(machine: Machine, law: str, shape: tuple[Any, ...], first: float, second: float, node: ast.AST,
          seeded: bool = True) -> Tensor:  # fmt: skip
    """A random leaf: the program's own numbers where its seed is known, else a rule with a seed."""
    data = machine.draws.draw(law, tuple(int(plain(s)) for s in shape), first, second) if seeded else None
    names = ("mean", "std") if law == "normal" else ("low", "high")
    found = start_of(machine, shape, "uniform" if law == "integers" else law, {names[0]: first, names[1]: second,
    "seed": 0},
                     data=data)  # fmt: skip
    if law == "integers":
        if data is None:
            return _made_up(machine, found, int(first), int(second), node)
        found.kind = "int"
    if data is None:
        machine.record.note(node, "random numbers: drawn here with seed 0, they are not the program's own", leaf=True)
    return found


def _made_up(machine: Machine, found: Tensor, low: int, high: int, node: ast.AST) -> Tensor:
    """Whole numbers in a range, in turn: labels and positions that are valid."""
    assert found.start is not None
    shape, span = found.start.shape, max(1, high - low)
    total = math.prod(shape)
    if total > 10_000:
        raise machine.record.unread(node, "too many random whole numbers", "give them: --set NAME=[...]")
    flat = leaf_of((total,), data=[low + (7 * i + 3) % span for i in range(total)], whole=True, kind="int")
    machine.record.note(node, "random whole numbers: made up here, they are not the program's own", leaf=True)
    return tensors.reshaped(machine, flat, shape, node) if len(shape) != 1 else flat


def _normal(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`np.random.normal(loc, scale, size)`, `torch.normal(mean, std, size)`."""
    values = dict(zip(("loc", "scale", "size"), given, strict=False)) | named
    first = float(plain(values.get("loc", values.get("mean", 0.0))))
    second = float(plain(values.get("scale", values.get("std", 1.0))))
    return _flags(
        drawn(machine, "normal", _sizes(machine, [], {"size": values.get("size")}, node), first, second, node), named
    )


def _uniform(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    values = dict(zip(("low", "high", "size"), given, strict=False)) | named
    ends = float(plain(values.get("low", 0.0))), float(plain(values.get("high", 1.0)))
    return _flags(
        drawn(machine, "uniform", _sizes(machine, [], {"size": values.get("size")}, node), *ends, node), named
    )


def _integers(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    values = dict(zip(("low", "high", "size"), given, strict=False)) | named
    low, high = plain(values.get("low", 0)), values.get("high")
    if isinstance(high, list | tuple):
        values["size"], high = high, None
    ends = (0, low) if high is None else (low, plain(high))
    shape = _sizes(machine, [], {"size": values.get("size", values.get("shape", ()))}, node)
    return drawn(machine, "integers", shape, ends[0], ends[1], node)


def _eye(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    sizes = _sizes(machine, given[:2], {}, node)
    return _flags(start_of(machine, sizes if len(sizes) == 2 else (sizes[0], sizes[0]), "eye", {}), named)


def _arange(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    ends = [plain(tensors.as_number(one)) for one in given if is_number(tensors.as_number(one))]
    start, stop, step = (0, ends[0], 1) if len(ends) == 1 else (*ends, 1)[:3] if ends else (0, 0, 1)
    count = max(0, math.ceil((stop - start) / step)) if step else 0
    if not 0 < count <= 10_000:
        raise machine.record.unread(node, "this arange is empty or too long")
    data = [start + i * step for i in range(count)]
    whole = all(isinstance(one, int) for one in data)
    return _flags(leaf_of((count,), data=data, whole=whole, kind="int" if whole else "float"), named)


def _linspace(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    values = dict(zip(("start", "stop", "num"), given, strict=False)) | named
    start = float(plain(values.get("start", 0)))
    stop = float(plain(values.get("stop", values.get("end", 0))))
    count = int(plain(values.get("num", values.get("steps", 50))))
    if not 1 < count <= 10_000:
        raise machine.record.unread(node, "this linspace is empty or too long")
    return _flags(leaf_of((count,), data=[start + (stop - start) * i / (count - 1) for i in range(count)]), named)


def _parameter(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    value = _tensor(machine, given[0] if given else named["data"], node)
    training.require(machine, value, bool(named.get("requires_grad", True)))
    return value


def _loaded(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    raise machine.record.unread(node, "numbers from a file are not read",
                                "give a shape or values: --shape X=100,2, --set X=[[...]]")  # fmt: skip


def _permutation(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`permutation(5)`, `choice(5, 3)`: whole numbers below the first, the program's own where its seed is known."""
    count = plain(tensors.as_number(given[0])) if given else None
    if not isinstance(count, int) or not 0 < count <= 10_000:
        machine.draws.forget()
        raise machine.record.unread(node, "a random choice of this is not read", "give the numbers: --set NAME=[...]")
    size = named.get("size", given[1] if len(given) > 1 else None)
    shape = (count,) if size is None else _sizes(machine, [], {"size": size}, node)
    rows = tuple(int(plain(one)) for one in shape)
    data = machine.draws.pick(count, rows if size is not None else None, bool(plain(named.get("replace", True))))
    if data is None:
        found = leaf_of(rows, rule="uniform", options={"low": 0.0, "high": 1.0, "seed": 0})
        return _made_up(machine, found, 0, count, node)
    return leaf_of(rows, data=data, whole=True, kind="int")


def _shuffled(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    machine.draws.forget()
    error = machine.record.unread(node, "a shuffle in place is not read", "give the numbers: --set NAME=[...]").error
    if given and isinstance(given[0], Tensor):
        given[0].broken = error
    raise Unread(error)


_FILLS: Mapping[str, Row] = {
    "zeros": _filled("zeros"), "ones": _filled("ones"), "full": _filled("constant"), "empty": _filled("zeros"),
    "zeros_like": _like("zeros"), "ones_like": _like("ones"), "full_like": _like("constant"),
    "empty_like": _like("zeros"),
    "eye": _eye, "identity": _eye, "arange": _arange, "linspace": _linspace, "array": _literal, "asarray": _literal,
    "ascontiguousarray": _literal, "copy": _literal, "load": _loaded, "loadtxt": _loaded, "genfromtxt": _loaded,
}  # fmt: skip
_NUMPY_MAKERS: Mapping[str, Row] = {
    **_FILLS, "randn": _random("normal"), "rand": _random("uniform"), "random": _random("uniform"),
    "random_sample": _random("uniform"), "standard_normal": _random("normal"), "normal": _normal, "uniform": _uniform,
    "randint": _integers, "integers": _integers, "float64": _literal, "float32": _literal, "double": _literal,
    "int64": _literal, "int32": _literal, "atleast_2d": _literal, "permutation": _permutation, "choice": _permutation,
    "shuffle": _shuffled,
}  # fmt: skip
_TORCH_MAKERS: Mapping[str, Row] = {
    **_FILLS, "tensor": _literal, "Tensor": _literal, "FloatTensor": _literal, "DoubleTensor": _literal,
    "LongTensor": _literal, "as_tensor": _literal, "from_numpy": _literal, "scalar_tensor": _literal,
    "randn": _random("normal", seeded=False), "rand": _random("uniform", seeded=False), "normal": _normal,
    "randperm": _permutation, "randn_like": _like("normal"), "rand_like": _like("uniform"), "randint": _integers,
}  # fmt: skip


# ── what stands alone ────────────────────────────────────────────────────────────────────────────


def _seed(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    value = plain(given[0]) if given else None
    if isinstance(value, int) and 0 <= value < 2**32:
        machine.draws.seed(value)
    else:
        machine.draws.forget()


def _generator(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`np.random.default_rng(0)`, `np.random.RandomState(0)`: its methods are those of numpy.random."""
    value = plain(given[0]) if given else plain(named.get("seed"))
    new = getattr(getattr(node, "func", None), "attr", "default_rng") == "default_rng"
    if isinstance(value, int) and 0 <= value < 2**32:
        machine.draws.seed(value, new)
    return Library("numpy.random")


def _grad_of(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`grad(f, argnum)` of autograd and jax."""
    which = plain(named.get("argnums", named.get("argnum", given[1] if len(given) > 1 else 0)))
    positions = tuple(map(plain, which)) if isinstance(which, list | tuple) else (which,)
    return Differentiator(given[0], positions)


def _autograd(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`torch.autograd.grad(outputs, inputs, grad_outputs)`."""
    values = dict(zip(("outputs", "inputs", "grad_outputs"), given, strict=False)) | named
    outputs, inputs = values.get("outputs"), values.get("inputs")
    outputs = outputs[0] if isinstance(outputs, list | tuple) and outputs else outputs
    wanted = tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)
    seed = values.get("grad_outputs")
    if isinstance(outputs, Tensor):
        training.backward(machine, outputs, seed[0] if isinstance(seed, list | tuple) and seed else seed,
                          tuple(one for one in wanted if isinstance(one, Tensor)), node)  # fmt: skip
    return tuple(Opaque("a gradient") for _ in wanted)


def _backward(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    output = given[0][0] if isinstance(given[0], list | tuple) else given[0]
    seed = named.get("grad_tensors", given[1] if len(given) > 1 else None)
    return training.backward(machine, output, seed[0] if isinstance(seed, list | tuple) else seed, None, node)


def _initialised(machine: Machine, name: str, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    """`nn.init.xavier_uniform_(w)`."""
    rule = name.rstrip("_")
    rule = {"constant": "constant", "normal": "normal", "uniform": "uniform"}.get(rule, rule)
    target = given[0]
    start = (target.start or (target.item.start if target.item else None)) if isinstance(target, Tensor) else None
    values = [float(plain(one)) for one in given[1:] if is_number(one)]
    if start is not None and rule in _INITS:
        names = _INITS[rule]
        start.rule, start.data = rule, None
        options = dict(zip(names, values, strict=False)) | {
            k: float(plain(v)) for k, v in named.items() if is_number(v)
        }
        start.options = {k: v for k, v in options.items() if k in names} | ({"seed": 0} if "gain" in names or rule in
                                                                            {"normal", "uniform"} else {})  # fmt: skip
    return target


_INITS: Mapping[str, tuple[str, ...]] = {
    "normal": ("mean", "std"), "uniform": ("low", "high"), "zeros": (), "ones": (), "constant": ("value",), "eye": (),
    "xavier_uniform": ("gain",), "xavier_normal": ("gain",), "kaiming_uniform": ("gain",), "kaiming_normal": ("gain",),
}  # fmt: skip

_SPECIAL: Mapping[str, Row] = {
    "numpy.random.seed": _seed, "autograd.numpy.random.seed": _seed, "numpy.random.default_rng": _generator,
    "numpy.random.RandomState": _generator, "autograd.numpy.random.RandomState": _generator, "autograd.grad": _grad_of,
    "jax.grad": _grad_of, "autograd.value_and_grad": _grad_of, "jax.value_and_grad": _grad_of,
    "autograd.elementwise_grad": _grad_of, "torch.autograd.grad": _autograd, "torch.autograd.backward": _backward,
    "torch.nn.Parameter": _parameter, "torch.nn.parameter.Parameter": _parameter,
    "torch.no_grad": lambda m, g, k, n: Opaque("no_grad"), "torch.inference_mode": lambda m, g, k, n: Opaque("no_grad"),
    "torch.cuda.is_available": lambda m, g, k, n: False, "jax.jit": lambda m, g, k, n: g[0],
    "copy.deepcopy": lambda m, g, k, n: g[0], "copy.copy": lambda m, g, k, n: g[0],
    "collections.OrderedDict": lambda m, g, k, n: dict(g[0]) if g else {},
    "collections.defaultdict": lambda m, g, k, n: {}, "numpy.newaxis": lambda m, g, k, n: None,
    "functools.partial": lambda m, g, k, n: Builtin("partial", lambda m2, a, k2, n2: _partial(m2, g, k, a, k2, n2)),
    "torch.set_grad_enabled": lambda m, g, k, n: Opaque("no_grad" if g and g[0] is False else "grad mode"),
}  # fmt: skip


def _partial(
    machine: Machine, given: list[Any], named: dict[str, Any], more: list[Any], extra: dict[str, Any], node: ast.AST
) -> Any:
    from backprop_cli.tasks.importing.calls import called

    return called(machine, given[0], [*given[1:], *more], named | extra, node)


def _by_suffix(path: str) -> Row | None:
    """`autograd.Variable`, however it was imported."""
    return _parameter_or_data if path.endswith(".Variable") else None


def _parameter_or_data(machine: Machine, given: list[Any], named: dict[str, Any], node: ast.AST) -> Any:
    value = _tensor(machine, given[0], node)
    return _flags(value, named)
